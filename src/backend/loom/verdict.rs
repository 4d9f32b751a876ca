//! What becomes of a model in which an execution fails.
//!
//! What the explorer refuses (a race, a deadlock, an execution without an end) it says by a panic, in the thread that has made
//! the step. That panic must not reach the program's own code: a job would take it for its own, and a drop that makes another
//! step aborts the process. So each call into the explorer is a [`step`], and a step that panics does not return.
//!
//! # Invariants
//! 1. No panic of the explorer unwinds a frame of the program.
//! 2. The exploration of a user's model has a thread of the system for itself, which stays where an execution has failed: no
//!    frame of that execution is unwound. Its memory is lost until the process ends.
//! 3. A model fails once: its first failure is the verdict.

use super::explorer::model::Builder;
use super::probe::Cancelled;
use super::{log, remedy};
use crate::backend::text;
use ::std::any::Any;
use ::std::cell::{Cell, RefCell};
use ::std::panic::{AssertUnwindSafe, catch_unwind};
use ::std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use ::std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use ::std::sync::{Arc, Once, OnceLock};
use ::std::time::Duration;
use ::std::{panic, thread};

type Payload = Box<dyn Any + Send>;

/// How an execution has failed.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) message: String,
    /// Counted from one.
    pub(super) execution: u64,
    /// What its threads did, if that was logged.
    pub(super) log: Option<log::Log>,
    /// Whether the process is fit for another exploration, which fails there too.
    pub(super) is_repeatable: bool,
}

/// What ends a failed execution: set by the harness of `loom-tests`, whose process ends with it.
static HARNESS: OnceLock<fn(&str) -> !> = OnceLock::new();

thread_local! {
    /// On the thread that explores a user's model.
    static JUDGE: RefCell<Option<Judge>> = const { RefCell::new(None) };
    /// The panics of the present execution: their messages and places.
    static PANICS: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) };
    /// What the explorer said first. It may unwind its own frames then, and complain of what it finds on the way.
    static FATAL: Cell<Option<String>> = const { Cell::new(None) };
}

struct Judge {
    verdict: Sender<Result<(), Failure>>,
    progress: Arc<Progress>,
    log: Option<log::Shared>,
}

/// How far an exploration has come.
#[derive(Debug, Default)]
struct Progress {
    executions: AtomicU64,
    steps: AtomicU64,
}

/// Has failed executions ended by `end`.
pub fn end_with(end: fn(&str) -> !) {
    HARNESS.set(end).expect("one harness a process");
}

/// A call into the explorer, which may switch to other threads of the model.
#[inline]
pub(super) fn step<R>(call: impl FnOnce() -> R) -> R {
    JUDGE.with_borrow(|judge| {
        judge
            .iter()
            .for_each(|judge| _ = judge.progress.steps.fetch_add(1, Relaxed))
    });
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| match payload.downcast::<Theirs>() {
        Ok(theirs) => panic::resume_unwind(theirs.0),
        Err(payload) => fail(payload),
    })
}

/// A panic of the program's own code that a step has run.
struct Theirs(Payload);

/// The program's own code within a step.
pub(super) fn within_step<R>(body: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| panic::resume_unwind(Box::new(Theirs(payload))))
}

/// The program's own code at the root of a thread: a panic that leaves it fails the execution.
pub(super) fn root<R>(body: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| match payload.is::<Cancelled>() {
        true => panic::resume_unwind(payload),
        false => fail(payload),
    })
}

/// A panic of the program's that the kit keeps from unwinding, and of which the program cannot learn, fails a user's model.
/// The laws have programs that panic so on purpose.
pub(crate) fn lost(said: impl FnOnce() -> String) {
    if JUDGE.with_borrow(Option::is_some) {
        fail_with(format!("{}\n{}", placed(&said()), remedy::LOST));
    }
}

#[cold]
fn fail(payload: Payload) -> ! {
    match is_judged() {
        true => fail_with(told(&*payload)),
        false => panic::resume_unwind(payload), // outside a model
    }
}

fn is_judged() -> bool {
    HARNESS.get().is_some() || JUDGE.with_borrow(Option::is_some)
}

/// Ends the execution.
#[cold]
pub(super) fn fail_with(message: String) -> ! {
    if let Some(end) = HARNESS.get() {
        end(&message);
    }
    assert!(is_judged(), "{message}");
    give_verdict(Err(message));
    loop {
        thread::park(); // invariant 2
    }
}

fn give_verdict(ended: Result<(), String>) {
    let Some(Judge { verdict, progress, log }) = JUDGE.take() else {
        return;
    }; // invariant 3
    let (execution, log) = (progress.executions.load(Relaxed), log.and_then(|log| log.try_read()));
    let _ = verdict.send(ended.map_err(|message| Failure {
        message,
        execution,
        log,
        is_repeatable: true,
    }));
}

/// What a panic says, and where it began.
fn told(payload: &(dyn Any + Send)) -> String {
    let explained = FATAL.take().or_else(|| remedy::of(text(payload)?));
    explained.unwrap_or_else(|| placed(text(payload).unwrap_or("a panic without a text")))
}

/// A panic's message and its place, and the panics before it: this one may say no more than that there was another.
fn placed(text: &str) -> String {
    let mut panics = PANICS.take();
    let this = panics
        .iter()
        .rposition(|(message, _)| message == text)
        .map(|place| panics.remove(place).1);
    let place = this.map_or_else(String::new, |place| format!("\n    at {place}"));
    let before = panics
        .iter()
        .map(|(message, place)| format!("\n    after: {message}, at {place}"));
    before.fold(format!("{text}{place}"), |said, other| said + &other)
}

/// Explores `body` with these settings; how many executions there were.
pub(super) fn explore(builder: Builder, logged: bool, body: impl Fn() + Send + Sync + 'static) -> Result<u64, Failure> {
    keep_panics();
    let (verdict, verdicts) = channel();
    let progress = Arc::new(Progress::default());
    let theirs = Arc::clone(&progress);
    let name = thread::current().name().unwrap_or("model").to_owned();
    let explorer = thread::Builder::new().name(name).spawn(move || {
        let log = logged.then(|| log::switch_on(true));
        JUDGE.set(Some(Judge {
            verdict,
            progress: Arc::clone(&theirs),
            log,
        }));
        let explored = catch_unwind(AssertUnwindSafe(|| {
            builder.check(move || {
                theirs.executions.fetch_add(1, Relaxed);
                PANICS.with_borrow_mut(Vec::clear);
                root(&body);
            });
        }));
        give_verdict(explored.map_err(|payload| match text(&*payload) {
            None => FATAL.take().unwrap_or_else(|| remedy::STACK.into()), // so the explorer's coroutines say it
            Some(_) => told(&*payload),
        }));
    });
    explorer.expect("failed to spawn thread");
    let mut watch = Watch::default();
    loop {
        match verdicts.recv_timeout(TICK) {
            Ok(ended) => return ended.map(|()| progress.executions.load(Relaxed)),
            Err(RecvTimeoutError::Disconnected) => unreachable!("a verdict is given before the thread ends"),
            Err(RecvTimeoutError::Timeout) if watch.sees_no_step(&progress) => {
                let (message, execution) = (remedy::STUCK.into(), progress.executions.load(Relaxed));
                return Err(Failure {
                    message,
                    execution,
                    log: None,
                    is_repeatable: false,
                });
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

const TICK: Duration = Duration::from_millis(100);
/// A step takes microseconds, and so does what a program does between two. In ticks of this process, which may be stopped.
const PATIENCE: u32 = 100;

/// Notices an exploration that makes no step.
#[derive(Default)]
struct Watch {
    steps: u64,
    ticks: u32,
}

impl Watch {
    fn sees_no_step(&mut self, progress: &Progress) -> bool {
        let steps = progress.steps.load(Relaxed);
        self.ticks = if steps == self.steps { self.ticks + 1 } else { 0 };
        self.steps = steps;
        self.ticks > PATIENCE
    }
}

/// Panics of models are part of a verdict; those of other threads are printed as ever.
fn keep_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let judged = JUDGE.try_with(|judge| judge.try_borrow().is_ok_and(|judge| judge.is_some()));
            if !judged.unwrap_or(false) {
                return others(info);
            }
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            let text = text(info.payload()).unwrap_or_default();
            PANICS.with_borrow_mut(|panics| panics.push((text.to_owned(), place)));
            FATAL.set(FATAL.take().or_else(|| remedy::of(text)));
        }));
    });
}
