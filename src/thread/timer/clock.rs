//! The public handle of a scheduler, which all of its timers share.
//!
//! # Invariants
//! 1. A clock that is shut down stays so: no timer can be added,
//!    and the call that shuts it down cancels each waiting timer.

use super::entry::{Action, Entry};
use super::scheduler::Scheduler;
use crate::backend::process::PerProcess;
use crate::backend::{Arc, Instant, global};
use crate::sync::TimedOut;
use crate::thread::registry::{self, Registry};
use core::fmt;
use core::time::Duration;
use std::io;

global! {
    static GLOBAL: Clock = Clock::new(registry::global());
}

/// The clock of [`Timer::start`](super::Timer::start).
pub(super) fn global() -> &'static Clock {
    &GLOBAL
}

/// Runs timers: on one thread or two if their functions return
/// quickly, plus one thread for each function that takes long.
///
/// The threads are in no registry, and end soon after the last timer. While the system can't create a
/// thread, expired timers wait until a running function returns. [`Timer::start`](super::Timer::start)
/// uses the program's own clock, which is never shut down. All clones refer to the same clock.
///
/// A clock lives as long as a clone of it or a [`Timer`](super::Timer) of it. The drop of the
/// last one shuts the clock down, as [`try_shutdown`](Clock::try_shutdown) does: waiting timers
/// are cancelled, running functions continue to their ends. A function that has captured such a
/// handle keeps its own clock alive; use [`shutdown`](Clock::shutdown) to end that clock.
///
/// In a child made by `fork`, a clock of the parent has no timers, and starts threads of its own for new
/// timers. A clock that is shut down stays so, unless another thread held its lock at the moment of the fork.
///
/// ```
/// use selvedge::thread::{Clock, Registry};
/// use std::time::Duration;
/// let clock = Clock::new(&Registry::new());
/// let timer = clock.start(Duration::from_secs(60), || ())?;
/// assert!(timer.cancel());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Clock {
    owner: Arc<Owner>,
}

/// Shared by the handles of a clock and its timers, but not by its workers. Its drop shuts the clock down.
struct Owner {
    scheduler: PerProcess<Arc<Scheduler>>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.scheduler.close();
    }
}

impl Clock {
    /// A clock without timers and threads. A timer's panic is reported to the registry's panic hook.
    pub fn new(registry: &Registry) -> Clock {
        let scheduler = PerProcess::new(Scheduler::new(registry, false));
        Clock {
            owner: Arc::new(Owner { scheduler }),
        }
    }

    fn scheduler(&self) -> &Arc<Scheduler> {
        &self.owner.scheduler
    }

    /// The number of timers that have not expired.
    pub fn pending(&self) -> usize {
        self.scheduler().pending()
    }

    pub(super) fn add(&self, at: Instant, action: Action) -> io::Result<Arc<Entry>> {
        self.scheduler().add(at, action)
    }

    pub(super) fn cancel(&self, entry: &Entry) -> (Option<Action>, bool) {
        self.scheduler().cancel(entry)
    }

    /// Rejects new timers, cancels the waiting timers, and blocks until each running function has
    /// returned and the clock's threads have ended, except for the drop of their thread-locals.
    /// Everything that the functions did happens-before the return. A second call only waits.
    ///
    /// The call drops the functions of the cancelled timers; a panic of such a drop is caught
    /// and its payload leaked. A running function of a repeating timer does not run again.
    ///
    /// # Panics
    /// If it is called by a function of this clock, or by the drop of one during a shutdown, which would wait
    /// for itself. Then nothing is shut down; such a function may call [`try_shutdown`](Clock::try_shutdown).
    ///
    /// ```
    /// use selvedge::thread::{Clock, Registry};
    /// use std::time::Duration;
    /// let clock = Clock::new(&Registry::new());
    /// let never = clock.start(Duration::from_secs(3600), || unreachable!())?;
    /// clock.shutdown();
    /// assert!(never.is_finished());
    /// assert!(clock.start(Duration::ZERO, || ()).is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn shutdown(&self) {
        // Without a deadline there is no timeout.
        let _ = self.end(None);
    }

    /// Rejects new timers, and cancels the waiting timers. Does not wait for running functions.
    ///
    /// # Errors
    /// [`TimedOut`] if a thread of the clock has not ended.
    pub fn try_shutdown(&self) -> Result<(), TimedOut> {
        self.scheduler().close();
        self.scheduler().await_end(Some(Instant::now()))
    }

    /// [`shutdown`](Clock::shutdown), blocking for at most `timeout`.
    ///
    /// # Errors
    /// [`TimedOut`] if a thread of the clock has not ended. The clock is shut down in any case.
    ///
    /// # Panics
    /// As [`shutdown`](Clock::shutdown).
    pub fn shutdown_timeout(&self, timeout: Duration) -> Result<(), TimedOut> {
        self.end(Some(Instant::now() + timeout))
    }

    /// [`shutdown`](Clock::shutdown), blocking until `deadline` at the latest.
    ///
    /// # Errors
    /// # Panics
    /// As [`shutdown_timeout`](Clock::shutdown_timeout).
    pub fn shutdown_deadline(&self, deadline: Instant) -> Result<(), TimedOut> {
        self.end(Some(deadline))
    }

    /// Whether the clock rejects new timers.
    pub fn is_shutdown(&self) -> bool {
        self.scheduler().is_closed()
    }

    fn end(&self, deadline: Option<Instant>) -> Result<(), TimedOut> {
        let waits_for_itself = self.scheduler().is_this_thread_at_work();
        assert!(
            !waits_for_itself,
            "a function of a clock can't wait for the clock's end"
        );
        self.scheduler().close();
        self.scheduler().await_end(deadline)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock")
            .field("pending", &self.scheduler().try_pending())
            .finish_non_exhaustive()
    }
}
