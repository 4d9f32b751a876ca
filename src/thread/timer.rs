//! A function that runs later, unless it is cancelled before; Python's `threading.Timer`.
//!
//! # State
//! Of a timer; its clock's lock is held at each step but the last:
//! ```text
//!             due                      over
//!   WAITING ───────▶ RUNNING ───────────────────▶ OVER
//!    │  ▲               │  ▲ │                      ▲
//!    │  └─ it repeats ──┘  └─┘ cancel: the last run │
//!    │ cancel                                       │
//!    └─────────────▶ CANCELLED                      │
//! ```
//! # Invariants
//! 1. A timer that is WAITING is in its clock's heap, with its function; one that is RUNNING or OVER is not.
//! 2. `done` is set once, when the function will never run again and has been dropped.

use super::clock::{self, Clock};
use super::error::{JoinError, Panicked};
use super::hook::{catch, catch_quietly, said};
use super::registry::Registry;
use crate::backend::lost;
use crate::backend::process::Process;
use crate::backend::{Arc, Instant, thread};
use crate::sync::{Event, Mutex};
use core::cmp::Ordering;
use core::fmt;
use core::mem;
use core::num::NonZeroUsize;
use core::time::Duration;

/// A function that runs once its time has come, or again and again, unless it is cancelled before.
///
/// It runs on a thread of its [`Clock`], and may take long: no other timer waits for it. When it panics, that ends the
/// timer, the [panic hook](super::set_panic_hook) is told, and so is whoever [joins](Timer::join). A handle that is
/// dropped cancels nothing as long as its clock lives, of which each handle is a share. A timer holds up no exit: join those that
/// must run.
///
/// In a child made by `fork` no timer of the parent's runs. Those that were not over are finished there: a cancel is true
/// and keeps the function, and a join is an error. New ones run.
///
/// Everything before the start happens-before the function, and everything that the function did, its drop included,
/// happens-before a join.
///
/// # Python
/// `threading.Timer`, whose `cancel` can't tell whether it came in time, and which costs a thread each.
///
/// ```
/// use selvedge::thread::Timer;
/// use std::time::Duration;
///
/// let soon = Timer::start(Duration::from_millis(1), || println!("hello"));
/// let late = Timer::start(Duration::from_secs(3600), || unreachable!());
/// soon.join()?;
/// assert!(late.cancel());
/// assert!(!soon.cancel());
/// # Ok::<(), selvedge::thread::Panicked>(())
/// ```
#[derive(Clone)]
#[doc(alias = "threading.Timer")]
pub struct Timer {
    clock: Clock,
    fate: Arc<Fate>,
}

impl Timer {
    /// Runs `run` on the program's clock, `after` from now.
    ///
    /// # Panics
    /// If the system refuses the clock's thread; [`Clock::start`] tells instead.
    pub fn start(after: Duration, run: impl FnOnce() + Send + 'static) -> Timer {
        clock::global().start(after, run).expect(NO_THREAD)
    }

    /// Runs `run` on the program's clock at the moment `due`, or at once if that has passed.
    ///
    /// # Panics
    /// As [`start`](Timer::start).
    pub fn start_at(due: Instant, run: impl FnOnce() + Send + 'static) -> Timer {
        clock::global().start_at(due, run).expect(NO_THREAD)
    }

    /// Runs `run` on the program's clock each time that `period` is over, until it is cancelled or panics.
    ///
    /// The times are a period apart, whatever a run takes. A run never begins before the one before it has ended: if the
    /// next time has passed by then, the times start anew, a period after that. If the period is zero, there is no
    /// pause between two runs: a thread of the clock does nothing else.
    ///
    /// # Panics
    /// As [`start`](Timer::start).
    ///
    /// ```
    /// use selvedge::{Semaphore, thread::Timer};
    /// use std::{sync::Arc, time::Duration};
    ///
    /// let ticks = Arc::new(Semaphore::new(0));
    /// let theirs = Arc::clone(&ticks);
    /// let timer = Timer::every(Duration::from_millis(1), move || theirs.release(1).unwrap());
    /// for _ in 0..3 {
    ///     ticks.acquire().forget();
    /// }
    /// timer.cancel();
    /// timer.join()?;
    /// # Ok::<(), selvedge::thread::Panicked>(())
    /// ```
    pub fn every(period: Duration, run: impl FnMut() + Send + 'static) -> Timer {
        clock::global().every(period, run).expect(NO_THREAD)
    }

    /// [`every`](Timer::every), with the moment of the first run, which may be now.
    ///
    /// # Panics
    /// As [`start`](Timer::start).
    pub fn every_at(first: Instant, period: Duration, run: impl FnMut() + Send + 'static) -> Timer {
        clock::global().every_at(first, period, run).expect(NO_THREAD)
    }

    pub(super) fn new(clock: Clock, fate: Arc<Fate>) -> Timer {
        Timer { clock, fate }
    }

    /// Stops the timer: true if its function will not run from now on, and does not run now.
    ///
    /// False if it runs at this moment, which is its last time, or if the timer was over. Once true it stays true. Who
    /// cancels it drops the function before this returns; others who cancel may be told sooner, and can [join](Timer::join).
    ///
    /// # Panics
    /// If the drop of the function does.
    pub fn cancel(&self) -> bool {
        if self.fate.is_left_behind() {
            return true;
        }
        let (action, never) = self.clock.cancel(&self.fate);
        if let Some(action) = action {
            self.fate.let_go(action);
        }
        never
    }

    /// Whether the function will not run any more: it has, or it was cancelled.
    pub fn is_finished(&self) -> bool {
        self.fate.done.is_set() || self.fate.is_left_behind()
    }

    /// Waits until the function has run for the last time, or the timer is cancelled.
    ///
    /// # Errors
    /// [`Panicked`] if the function did, or if the timer was left behind by a fork.
    ///
    /// # Panics
    /// If the function joins its own timer, or what it has captured does when it is dropped: it would wait for ever.
    pub fn join(&self) -> Result<(), Panicked> {
        self.check_joinable()?;
        self.fate.done.wait();
        self.fate.outcome()
    }

    /// What [`join`](Timer::join) would tell, or `None` if it would wait; never blocks.
    ///
    /// # Panics
    /// As [`join`](Timer::join).
    pub fn try_join(&self) -> Option<Result<(), Panicked>> {
        if let Err(left_behind) = self.check_joinable() {
            return Some(Err(left_behind));
        }
        self.is_finished().then(|| self.fate.outcome())
    }

    /// [`join`](Timer::join), for at most `timeout`; zero is one look.
    ///
    /// # Errors
    /// [`JoinError::TimedOut`] if it is not over, [`JoinError::Panicked`] if the function panicked.
    ///
    /// # Panics
    /// As [`join`](Timer::join).
    pub fn join_timeout(&self, timeout: Duration) -> Result<(), JoinError> {
        self.check_joinable()?;
        self.fate.done.wait_timeout(timeout).map_err(|_| JoinError::TimedOut)?;
        Ok(self.fate.outcome()?)
    }

    /// [`join`](Timer::join), until `deadline` at the latest; one that has passed is one look.
    ///
    /// # Errors
    /// # Panics
    /// As [`join_timeout`](Timer::join_timeout).
    pub fn join_deadline(&self, deadline: Instant) -> Result<(), JoinError> {
        self.check_joinable()?;
        self.fate
            .done
            .wait_deadline(deadline)
            .map_err(|_| JoinError::TimedOut)?;
        Ok(self.fate.outcome()?)
    }

    fn check_joinable(&self) -> Result<(), Panicked> {
        if self.fate.is_left_behind() {
            return Err(Panicked::left_behind("timer"));
        }
        let me = thread::id();
        let ends_here =
            matches!(*self.fate.phase.acquire(), Phase::Running { by, .. } | Phase::Cancelled { by } if by == me);
        assert!(!ends_here || self.is_finished(), "a timer can't join itself");
        Ok(())
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("finished", &self.is_finished()).finish()
    }
}

const NO_THREAD: &str = "the system has room for the clock's thread";

/// What a timer runs.
pub(super) enum Action {
    Once(Box<dyn FnOnce() + Send>),
    Every(Duration, Box<dyn FnMut() + Send>),
}

impl Action {
    /// Runs it: what is to be done again, and when; and whether it has panicked.
    pub(super) fn run(self, registry: &Registry) -> (Option<(Duration, Action)>, Option<Panicked>) {
        let (again, ended) = match self {
            Action::Once(run) => (None, catch(run)),
            Action::Every(period, mut run) => {
                let ended = catch(&mut run);
                (Some((period, Action::Every(period, run))), ended)
            }
        };
        let Err(payload) = ended else { return (again, None) };
        catch_quietly(|| drop(again));
        let thread = registry.current();
        if !registry.report(&thread, &*payload) {
            lost(|| said(&*payload));
        }
        let panicked = Panicked::new(thread.name(), &*payload);
        catch_quietly(|| drop(payload));
        (None, Some(panicked))
    }
}

/// A timer in its clock's heap, where the first is the greatest: those of one moment run in the order in which they were
/// started.
pub(super) struct Due {
    pub(super) at: Instant,
    pub(super) number: u64,
    pub(super) fate: Arc<Fate>,
}

impl Ord for Due {
    fn cmp(&self, other: &Due) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Due) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Due) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}

/// What becomes of a timer.
pub(super) struct Fate {
    home: Process,
    phase: Mutex<Phase>,
    done: Event,
}

enum Phase {
    Waiting(Action),
    Running { by: NonZeroUsize, last: bool },
    Cancelled { by: NonZeroUsize },
    Over(Option<Panicked>),
}

impl Fate {
    pub(super) fn new(action: Action) -> Fate {
        Fate {
            home: Process::this(),
            phase: Mutex::new(Phase::Waiting(action)),
            done: Event::new(),
        }
    }

    /// Whether the process is a child made by `fork`, and the timer one of the parent's that was not over.
    fn is_left_behind(&self) -> bool {
        self.home.is_parent() && !self.done.is_set()
    }

    /// Its time has come, and it waits for it: the action is for the caller to run.
    pub(super) fn begin(&self) -> Action {
        let running = Phase::Running {
            by: thread::id(),
            last: false,
        };
        match mem::replace(&mut *self.phase.acquire(), running) {
            Phase::Waiting(action) => action,
            _ => unreachable!("invariant 1"),
        }
    }

    /// It has run, and waits again; or, if it was cancelled meanwhile, gives the action back.
    pub(super) fn wait_again(&self, action: Action) -> Option<Action> {
        let mut phase = self.phase.acquire();
        if let Phase::Running { last: true, .. } = *phase {
            return Some(action);
        }
        *phase = Phase::Waiting(action);
        None
    }

    /// Takes the action away, if it waits; and whether it will never run.
    pub(super) fn cancel(&self) -> (Option<Action>, bool) {
        let mut phase = self.phase.acquire();
        let cancelled = Phase::Cancelled { by: thread::id() };
        let (now, answer) = match mem::replace(&mut *phase, Phase::Over(None)) {
            Phase::Waiting(action) => (cancelled, (Some(action), true)),
            Phase::Cancelled { by } => (Phase::Cancelled { by }, (None, true)),
            Phase::Running { by, .. } => (Phase::Running { by, last: true }, (None, false)),
            over => (over, (None, false)),
        };
        *phase = now;
        answer
    }

    /// Drops the action of a timer that the caller has cancelled.
    pub(super) fn let_go(&self, action: Action) {
        let _end = Ended(&self.done);
        drop(action);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        matches!(*self.phase.acquire(), Phase::Cancelled { .. })
    }

    /// It has run for the last time, and is dropped.
    pub(super) fn end(&self, panicked: Option<Panicked>) {
        *self.phase.acquire() = Phase::Over(panicked);
        self.done.set();
    }

    fn outcome(&self) -> Result<(), Panicked> {
        match &*self.phase.acquire() {
            Phase::Over(Some(panicked)) => Err(panicked.clone()),
            _ => Ok(()),
        }
    }
}

/// Tells those who join that a cancelled timer is done, though its function panics in its drop.
struct Ended<'a>(&'a Event);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.set();
    }
}
