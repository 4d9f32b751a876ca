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

/// A function that runs when the timer expires, once or periodically, unless the timer is cancelled before.
///
/// The function runs on a thread of the timer's [`Clock`]. It may take long, because no other timer waits for it. A
/// panic of the function ends the timer, and is reported to the [panic hook](super::set_panic_hook) and to each
/// thread that [joins](Timer::join). The drop of a `Timer` does not cancel the timer as long as its clock lives; each
/// `Timer` keeps its clock alive. The exit of the program does not wait for timers: join the timers that must run.
///
/// In a child made by `fork` no timer of the parent runs. A timer that was not over counts as finished in the child:
/// `cancel` returns true without dropping the function, and a join returns an error. New timers can be started.
///
/// The start of a timer happens-before its function. The end of the
/// function, including its drop, happens-before the return of a join.
///
/// # Python
/// `threading.Timer`, which takes a thread for each timer, and
/// whose `cancel` does not report whether the function will run.
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
    /// If the system can't create a thread of the clock; [`Clock::start`] returns an error instead.
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

    /// Runs `run` on the program's clock once per `period`, until the timer is cancelled or `run` panics.
    ///
    /// The runs start one period apart, however long a run takes. Runs do not overlap: if a run takes longer
    /// than the period, the next run starts one period after its end, and missed runs are not made up for. With
    /// a period of zero there is no pause between two runs, and one thread of the clock does nothing else.
    ///
    /// # Panics
    /// As [`start`](Timer::start).
    ///
    /// ```
    /// use selvedge::{Semaphore, thread::Timer};
    /// use std::{sync::Arc, time::Duration};
    ///
    /// let ticks = Arc::new(Semaphore::new(0));
    /// let timer_ticks = Arc::clone(&ticks);
    /// let timer = Timer::every(Duration::from_millis(1), move || timer_ticks.release(1).unwrap());
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

    /// Stops the timer. Returns true if its function does not run now and will not run any more.
    ///
    /// It returns false if the function is running, for the last time then, or if
    /// the timer was over. After it has returned true, all later calls return true.
    ///
    /// The first call that returns true has dropped the function. A concurrent call
    /// may return true before that drop; to wait for the drop, [join](Timer::join).
    ///
    /// # Panics
    /// If the drop of the function panics.
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
    /// [`Panicked`] if the function panicked, or if the timer was left behind by a fork.
    ///
    /// # Panics
    /// If the timer's own function calls it, or the drop of a value
    /// captured by that function: it would block indefinitely.
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

    /// [`join`](Timer::join), blocking for at most `timeout`; a zero timeout checks once.
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

    /// [`join`](Timer::join), blocking until `deadline` at the latest; a deadline that has elapsed checks once.
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

/// The methods that start timers on this clock.
impl Clock {
    /// [`Timer::start`], on this clock.
    ///
    /// # Errors
    /// If the system can't create a thread that the clock needs, or the
    /// clock is shut down. Then there is no timer, and `run` is dropped.
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
