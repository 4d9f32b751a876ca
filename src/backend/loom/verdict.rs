//! The verdict on a model of which an execution fails.
//!
//! loom reports a data race, a deadlock or an execution without end by a panic, in the thread
//! that called into loom. That panic must not reach the program's own code: a job would report it
//! as its own, and a drop that calls into loom again would abort the process. So each call into
//! loom is a [`step`], and a step in which loom panics does not return.
//!
//! # Invariants
//! 1. No panic of loom unwinds a frame of the program.
//! 2. A user's model is explored on a system thread of its own. When an execution fails, that thread parks in the
//!    failed step: no frame of the execution is unwound, and its memory is leaked until the process ends.
//! 3. A model fails at most once: its first failure is the verdict.

use super::remedy;
use super::trace::{self, SharedTrace, Trace};
use crate::backend::panic_text;
use ::loom::model::Builder;
use ::std::any::Any;
use ::std::cell::{Cell, RefCell};
use ::std::io::Write;
use ::std::panic::{AssertUnwindSafe, catch_unwind};
use ::std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use ::std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use ::std::sync::{Arc, Once, OnceLock};
use ::std::time::Duration;
use ::std::{io, panic, thread};

type Payload = Box<dyn Any + Send>;

/// The payload that unwinds a blocked thread after its model was cancelled.
#[derive(Debug)]
pub struct Cancelled;

/// The first failure of a model.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) message: String,
    /// The number of the failed execution, from one.
    pub(super) execution: u64,
    /// The trace of the failed execution, if it was recorded.
    pub(super) trace: Option<Trace>,
    /// Whether this process can explore the model again and get the same failure.
    pub(super) is_repeatable: bool,
}

/// Ends a failed execution. Set by the harness of `loom-tests`, whose process ends with the execution.
static HARNESS: OnceLock<fn(&str) -> !> = OnceLock::new();

thread_local! {
    /// Set on a thread that explores a user's model, until the verdict is reported.
    static REPORTER: RefCell<Option<Reporter>> = const { RefCell::new(None) };
    /// The message and the location of each panic in the current execution.
    static PANICS: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) };
    /// The first failure that loom reports in an execution. loom may then unwind its own frames, which makes it report
    /// further failures that have no meaning.
    static FIRST_OF_LOOM: Cell<Option<String>> = const { Cell::new(None) };
}

/// Reports the verdict on a model to the thread that called [`explore`].
struct Reporter {
    verdict: Sender<Result<(), Failure>>,
    progress: Arc<Progress>,
    trace: Option<SharedTrace>,
}

/// The executions and steps that an exploration has started.
#[derive(Debug, Default)]
struct Progress {
    executions: AtomicU64,
    steps: AtomicU64,
}

impl Progress {
    /// Writes a line to stderr. libtest captures what `eprintln!` prints, but this line must be visible while the test runs.
    fn report(&self, name: &str, ticks: u32, failure: Option<&Failure>, bound: Option<usize>) {
        let (executions, seconds) = (self.executions.load(Relaxed), (TICK * ticks).as_secs());
        let line = match failure {
            Some(Failure { message, execution, .. }) => {
                let message = message.lines().next().unwrap_or_default();
                format!(
                    "execution {execution} failed: {message}; {executions} repeated after {seconds} s, for its trace"
                )
            }
            None => {
                let advice = if bound.is_none() { remedy::SLOW } else { "" };
                format!("{executions} executions after {seconds} s, none failed{advice}")
            }
        };
        let _ = writeln!(io::stderr(), "{name}: {line}");
    }
}

/// Ends each failed execution by a call of `end` with the message.
///
/// # Panics
/// On the second call in a process.
pub fn set_failure_handler(end: fn(&str) -> !) {
    HARNESS.set(end).expect("a process has at most one harness");
}

/// A call into loom. Other threads of the model may run before it returns.
#[inline]
pub(super) fn step<R>(call: impl FnOnce() -> R) -> R {
    REPORTER.with_borrow(|reporter| {
        reporter
            .iter()
            .for_each(|reporter| _ = reporter.progress.steps.fetch_add(1, Relaxed))
    });
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| match payload.downcast::<ProgramPanic>() {
        Ok(program) => panic::resume_unwind(program.0),
        Err(payload) => fail(payload),
    })
}

/// The payload of a panic in program code that runs within a step.
struct ProgramPanic(Payload);

/// Runs program code within a step. Its panic passes through the step.
pub(super) fn within_step<R>(body: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| panic::resume_unwind(Box::new(ProgramPanic(payload))))
}

/// Runs the body of a thread. A panic that leaves the body fails the execution.
pub(super) fn run_thread<R>(body: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| match payload.is::<Cancelled>() {
        true => panic::resume_unwind(payload),
        false => fail(payload),
    })
}

/// Fails a user's model for a panic that this crate has caught and that the program cannot observe. In the harness of
/// `loom-tests` it does nothing, because the programs of some laws panic so on purpose.
pub(crate) fn unobserved_panic(message: impl FnOnce() -> String) {
    if REPORTER.with_borrow(Option::is_some) {
        fail_with(format!("{}\n{}", with_location(&message()), remedy::UNOBSERVED));
    }
}

#[cold]
fn fail(payload: Payload) -> ! {
    match is_in_model() {
        true => fail_with(explain(&*payload)),
        false => panic::resume_unwind(payload),
    }
}

fn is_in_model() -> bool {
    HARNESS.get().is_some() || REPORTER.with_borrow(Option::is_some)
}

/// Fails the execution with this message.
#[cold]
pub(super) fn fail_with(message: String) -> ! {
    if let Some(end) = HARNESS.get() {
        end(&message);
    }
    assert!(is_in_model(), "{message}");
    report(Err(message));
    loop {
        thread::park(); // invariant 2
    }
}

fn report(result: Result<(), String>) {
    let Some(Reporter {
        verdict,
        progress,
        trace,
    }) = REPORTER.take()
    else {
        return; // invariant 3
    };
    let (execution, trace) = (
        progress.executions.load(Relaxed),
        trace.and_then(|trace| trace.try_read()),
    );
    let _ = verdict.send(result.map_err(|message| Failure {
        message,
        execution,
        trace,
        is_repeatable: true,
    }));
}

/// The message of a failure: the explanation of loom's first failure, or the panic's own message with its location.
fn explain(payload: &(dyn Any + Send)) -> String {
    let explained = FIRST_OF_LOOM.take().or_else(|| remedy::of(panic_text(payload)?));
    explained.unwrap_or_else(|| with_location(panic_text(payload).unwrap_or("a panic without a text")))
}

/// The message of a panic with its location, then the earlier panics of the execution. The last
/// panic of an execution may only say that there was an earlier one.
fn with_location(message: &str) -> String {
    let mut panics = PANICS.take();
    let this = panics
        .iter()
        .rposition(|(other, _)| other == message)
        .map(|index| panics.remove(index).1);
    let at = this.map_or_else(String::new, |location| format!("\n    at {location}"));
    let earlier = panics
        .iter()
        .map(|(message, location)| format!("\n    after: {message}, at {location}"));
    earlier.fold(format!("{message}{at}"), |all, panic| all + &panic)
}

/// Explores `body` with these settings. Returns the number of executions. Given a failure
/// of an earlier exploration of the same model, records the trace of each execution.
pub(super) fn explore(
    builder: Builder,
    failure: Option<&Failure>,
    body: impl Fn() + Send + Sync + 'static,
) -> Result<u64, Failure> {
    install_panic_hook();
    let (verdict, verdicts) = channel();
    let progress = Arc::new(Progress::default());
    let shared = Arc::clone(&progress);
    let name = thread::current().name().unwrap_or("model").to_owned();
    let (traced, bound) = (failure.is_some(), builder.preemption_bound);
    let exploring = thread::Builder::new().name(name.clone()).spawn(move || {
        let trace = traced.then(|| trace::switch_on(true));
        REPORTER.set(Some(Reporter {
            verdict,
            progress: Arc::clone(&shared),
            trace,
        }));
        let explored = catch_unwind(AssertUnwindSafe(|| {
            builder.check(move || {
                shared.executions.fetch_add(1, Relaxed);
                PANICS.with_borrow_mut(Vec::clear);
                run_thread(&body);
            });
        }));
        report(explored.map_err(|payload| match panic_text(&*payload) {
            // loom's coroutines report a stack overflow by a payload that is not a string.
            None => FIRST_OF_LOOM.take().unwrap_or_else(|| remedy::STACK.into()),
            Some(_) => explain(&*payload),
        }));
    });
    exploring.expect("failed to spawn the thread that explores the model");
    let mut watchdog = Watchdog::default();
    let mut ticks = 0;
    loop {
        ticks += 1;
        match verdicts.recv_timeout(TICK) {
            Ok(result) => return result.map(|()| progress.executions.load(Relaxed)),
            Err(RecvTimeoutError::Disconnected) => {
                unreachable!("the exploring thread reports a verdict before it ends")
            }
            Err(RecvTimeoutError::Timeout) if watchdog.tick(&progress) => {
                let (message, execution) = (remedy::STUCK.into(), progress.executions.load(Relaxed));
                return Err(Failure {
                    message,
                    execution,
                    trace: None,
                    is_repeatable: false,
                });
            }
            Err(RecvTimeoutError::Timeout) if ticks % TICKS_PER_REPORT == 0 => {
                progress.report(&name, ticks, failure, bound);
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

const TICK: Duration = Duration::from_millis(100);
const TICKS_PER_REPORT: u32 = 50;
/// An exploration is stuck if it makes no step for this many ticks. A step takes microseconds, and so does the
/// program's code between two steps. It counts ticks, not time, because the process may be stopped meanwhile.
const TICKS_WITHOUT_STEP: u32 = 100;

/// Detects an exploration that makes no step.
#[derive(Default)]
struct Watchdog {
    steps: u64,
    ticks: u32,
}

impl Watchdog {
    /// Counts a tick. Returns whether the exploration is stuck.
    fn tick(&mut self, progress: &Progress) -> bool {
        let steps = progress.steps.load(Relaxed);
        self.ticks = if steps == self.steps { self.ticks + 1 } else { 0 };
        self.steps = steps;
        self.ticks > TICKS_WITHOUT_STEP
    }
}

/// Makes the panics of models part of the verdict instead of
/// printing them. Panics of other threads are printed as before.
fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let is_model = REPORTER.try_with(|reporter| reporter.try_borrow().is_ok_and(|reporter| reporter.is_some()));
            if !is_model.unwrap_or(false) {
                return previous(info);
            }
            let location = info.location().map(ToString::to_string).unwrap_or_default();
            let message = panic_text(info.payload()).unwrap_or_default();
            PANICS.with_borrow_mut(|panics| panics.push((message.to_owned(), location)));
            FIRST_OF_LOOM.set(FIRST_OF_LOOM.take().or_else(|| remedy::of(message)));
        }));
    });
}
