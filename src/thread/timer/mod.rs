//! A function that runs later, unless it is cancelled before; Python's `threading.Timer`.

mod clock;
mod entry;
mod scheduler;

pub use clock::Clock;

use super::error::{JoinError, Panicked};
use crate::backend::{Arc, Instant};
use core::fmt;
use core::time::Duration;
use entry::{Action, Entry};
use std::io;

/// A function that runs when the timer expires, once or periodically, unless it is cancelled before.
///
/// It runs on a thread of its [`Clock`], and may take long: no other timer waits for it. A panic of the function ends the timer
/// and is reported to the [panic hook](super::set_panic_hook) and to each thread that [joins](Timer::join). A drop of the handle
/// does not cancel the timer, as long as its clock lives; each handle keeps the clock alive. The program's exit does not wait for
/// timers: join those that must run.
///
/// In a child made by `fork` no timer of the parent runs. A timer that was not over is finished there: `cancel` returns true and
/// keeps the function, and a join is an error. New timers run.
///
/// The start happens-before the function. The function's end, its drop included, happens-before the return of a join.
///
/// # Python
/// `threading.Timer`, which takes a thread for each timer, and whose `cancel` does not report whether the function will run.
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
    entry: Arc<Entry>,
}

const NO_THREAD: &str = "failed to spawn the clock's thread";

impl Timer {
    /// Runs `run` on the program's clock, `after` from now.
    ///
    /// # Panics
    /// If the system refuses the clock's thread; [`Clock::start`] returns an error instead.
    pub fn start(after: Duration, run: impl FnOnce() + Send + 'static) -> Timer {
        clock::global().start(after, run).expect(NO_THREAD)
    }

    /// Runs `run` on the program's clock at the instant `due`, or immediately if that has passed.
    ///
    /// # Panics
    /// As [`start`](Timer::start).
    pub fn start_at(due: Instant, run: impl FnOnce() + Send + 'static) -> Timer {
        clock::global().start_at(due, run).expect(NO_THREAD)
    }

    /// Runs `run` on the program's clock once per `period`, until it is cancelled or panics.
    ///
    /// The runs start one period apart, whatever a run takes. Runs do not overlap: if a run takes longer than the period, the next
    /// one starts a period after its end, and missed runs are not made up for. With a period of zero there is no pause between
    /// two runs, and a thread of the clock does nothing else.
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

    /// [`every`](Timer::every), with the instant of the first run, which may be now.
    ///
    /// # Panics
    /// As [`start`](Timer::start).
    pub fn every_at(first: Instant, period: Duration, run: impl FnMut() + Send + 'static) -> Timer {
        clock::global().every_at(first, period, run).expect(NO_THREAD)
    }

    /// Stops the timer. True if its function does not run now and will not run any more.
    ///
    /// False if the function runs at this moment, for the last time, or if the timer was over. Once true, the result stays true.
    /// The first call that returns true has dropped the function. A second call may return true before that; it can
    /// [join](Timer::join).
    ///
    /// # Panics
    /// If the drop of the function does.
    pub fn cancel(&self) -> bool {
        if self.entry.is_left_behind() {
            return true;
        }
        let (action, never) = self.clock.cancel(&self.entry);
        if let Some(action) = action {
            self.entry.drop_action(action);
        }
        never
    }

    /// Whether the timer is over: the function has run for the last time, or the timer was cancelled.
    pub fn is_finished(&self) -> bool {
        self.entry.done.is_set() || self.entry.is_left_behind()
    }

    /// Blocks until the function has run for the last time, or the timer is cancelled.
    ///
    /// # Errors
    /// [`Panicked`] if the function did, or if the timer was left behind by a fork.
    ///
    /// # Panics
    /// If the function joins its own timer, or a value that it captured does so in its drop: it would block indefinitely.
    pub fn join(&self) -> Result<(), Panicked> {
        self.check_joinable()?;
        self.entry.done.wait();
        self.entry.outcome()
    }

    /// The result of [`join`](Timer::join), or `None` if that would block. Never blocks.
    ///
    /// # Panics
    /// As [`join`](Timer::join).
    pub fn try_join(&self) -> Option<Result<(), Panicked>> {
        if let Err(left_behind) = self.check_joinable() {
            return Some(Err(left_behind));
        }
        self.is_finished().then(|| self.entry.outcome())
    }

    /// [`join`](Timer::join), which blocks for at most `timeout`; zero checks once.
    ///
    /// # Errors
    /// [`JoinError::TimedOut`] if the timer is not over, [`JoinError::Panicked`] if the function panicked.
    ///
    /// # Panics
    /// As [`join`](Timer::join).
    pub fn join_timeout(&self, timeout: Duration) -> Result<(), JoinError> {
        self.check_joinable()?;
        self.entry.done.wait_timeout(timeout).map_err(|_| JoinError::TimedOut)?;
        Ok(self.entry.outcome()?)
    }

    /// [`join`](Timer::join), which blocks until `deadline` at the latest; a deadline that has passed checks once.
    ///
    /// # Errors
    /// # Panics
    /// As [`join_timeout`](Timer::join_timeout).
    pub fn join_deadline(&self, deadline: Instant) -> Result<(), JoinError> {
        self.check_joinable()?;
        self.entry
            .done
            .wait_deadline(deadline)
            .map_err(|_| JoinError::TimedOut)?;
        Ok(self.entry.outcome()?)
    }

    fn check_joinable(&self) -> Result<(), Panicked> {
        if self.entry.is_left_behind() {
            return Err(Panicked::left_behind("timer"));
        }
        let waits_for_itself = self.entry.ends_on_this_thread() && !self.is_finished();
        assert!(!waits_for_itself, "a timer can't join itself");
        Ok(())
    }
}

/// How timers are started on this clock.
impl Clock {
    /// [`Timer::start`], on this clock.
    ///
    /// # Errors
    /// If the system refuses a thread that the clock needs, or the clock is shut down. Then there is no timer, and `run` is dropped.
    pub fn start(&self, after: Duration, run: impl FnOnce() + Send + 'static) -> io::Result<Timer> {
        self.start_at(Instant::now() + after, run)
    }

    /// [`Timer::start_at`], on this clock.
    ///
    /// # Errors
    /// As [`start`](Clock::start).
    pub fn start_at(&self, due: Instant, run: impl FnOnce() + Send + 'static) -> io::Result<Timer> {
        self.timer(due, Action::Once(Box::new(run)))
    }

    /// [`Timer::every`], on this clock.
    ///
    /// # Errors
    /// As [`start`](Clock::start).
    pub fn every(&self, period: Duration, run: impl FnMut() + Send + 'static) -> io::Result<Timer> {
        self.every_at(Instant::now() + period, period, run)
    }

    /// [`Timer::every_at`], on this clock.
    ///
    /// # Errors
    /// As [`start`](Clock::start).
    pub fn every_at(&self, first: Instant, period: Duration, run: impl FnMut() + Send + 'static) -> io::Result<Timer> {
        self.timer(first, Action::Every(period, Box::new(run)))
    }

    fn timer(&self, at: Instant, action: Action) -> io::Result<Timer> {
        let entry = self.add(at, action)?;
        let clock = self.clone();
        Ok(Timer { clock, entry })
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("finished", &self.is_finished()).finish()
    }
}
