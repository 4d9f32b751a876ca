//! A handle of a scheduler, shared by all timers that it runs.
//!
//! # Invariants
//! 1. A clock that is shut down stays so: no timer is added, and the call that shuts it down cancels each timer that waits.

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

/// Runs timers: on one thread or two while none of them takes long, and on one more for each that does.
///
/// Its threads are not on the registry, and end soon after the last timer. While the system refuses a thread, timers wait for
/// those that run. [`Timer::start`](super::Timer::start) uses the program's own clock, which never ends. Clones are handles of the
/// same clock. In a child made by `fork` a clock of the parent has no timers, and starts its own threads for new ones. A clock
/// that is shut down stays so, unless another thread held its lock at the moment of the fork.
///
/// The clock lives as long as a clone of it or a [`Timer`](super::Timer) of it. The drop of the last one shuts it down, as
/// [`try_shutdown`](Clock::try_shutdown) does: timers that wait are cancelled, timers that run finish. A timer's function that has
/// captured such a handle keeps its own clock alive; [`shutdown`](Clock::shutdown) ends that clock.
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

/// Shared by the handles of a clock and its timers, not by its workers: its drop shuts the clock down.
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

    /// The number of timers that wait to expire.
    pub fn pending(&self) -> usize {
        self.scheduler().pending()
    }

    pub(super) fn add(&self, at: Instant, action: Action) -> io::Result<Arc<Entry>> {
        self.scheduler().add(at, action)
    }

    pub(super) fn cancel(&self, entry: &Entry) -> (Option<Action>, bool) {
        self.scheduler().cancel(entry)
    }

    /// Accepts no more timers, cancels those that wait, and blocks until each function that runs has returned and the clock's
    /// threads have ended, but for the destructors of their thread-locals. All that the functions did happens-before the return.
    /// A second call only waits.
    ///
    /// The functions of the cancelled timers are dropped here; the payload of a panic of such a drop is leaked. A timer that
    /// repeats does not run again.
    ///
    /// # Panics
    /// If it is called by a function of this clock, or by the drop of one in a shutdown, for it would wait for itself. Then
    /// nothing is shut down; [`try_shutdown`](Clock::try_shutdown) may be called there.
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

    /// Accepts no more timers, and cancels those that wait. Never blocks until a running function returns.
    ///
    /// # Errors
    /// [`TimedOut`] if a thread of the clock has not ended.
    pub fn try_shutdown(&self) -> Result<(), TimedOut> {
        self.scheduler().close();
        self.scheduler().await_end(Some(Instant::now()))
    }

    /// [`shutdown`](Clock::shutdown), which blocks for at most `timeout`.
    ///
    /// # Errors
    /// [`TimedOut`] if a function runs longer. The clock is shut down all the same.
    ///
    /// # Panics
    /// As [`shutdown`](Clock::shutdown).
    pub fn shutdown_timeout(&self, timeout: Duration) -> Result<(), TimedOut> {
        self.end(Some(Instant::now() + timeout))
    }

    /// [`shutdown`](Clock::shutdown), which blocks until `deadline` at the latest.
    ///
    /// # Errors
    /// # Panics
    /// As [`shutdown_timeout`](Clock::shutdown_timeout).
    pub fn shutdown_deadline(&self, deadline: Instant) -> Result<(), TimedOut> {
        self.end(Some(deadline))
    }

    /// Whether the clock accepts no more timers.
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
