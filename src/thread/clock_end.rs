//! How a clock ends: by a shutdown, or when the last of its handles is dropped.
//!
//! # Invariants
//! 1. A clock that is closed stays so: no timer is added, and each that waited is cancelled by the call that has closed it.
//! 2. The invariants of clock.rs.

use super::clock::{Clock, Inner, Leader, Owner};
use super::hook::catch_quietly;
use crate::backend::process::Process;
use crate::backend::{Instant, thread};
use crate::sync::TimedOut;
use core::mem;
use core::time::Duration;

impl Clock {
    /// Takes no more timers, cancels those that wait for their time, and waits until each function that runs has returned and the
    /// clock's threads are done, but for their thread-locals. All that the functions did happens-before the return. To do it again
    /// only waits.
    ///
    /// The functions of the cancelled timers are dropped here; if such a drop panics, the payload is leaked. A timer that repeats
    /// does not run again.
    ///
    /// # Panics
    /// If a function of the clock does it, or its drop by a shutdown, which would wait for itself. Nothing is shut down then;
    /// [`try_shutdown`](Clock::try_shutdown) may be called there.
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

    /// Takes no more timers, and cancels those that wait for their time; waits for none that runs.
    ///
    /// # Errors
    /// [`TimedOut`] if a thread of the clock is not done.
    pub fn try_shutdown(&self) -> Result<(), TimedOut> {
        self.owner.inner.close();
        self.owner.inner.await_end(Some(Instant::now()))
    }

    /// [`shutdown`](Clock::shutdown), which waits for at most `timeout`.
    ///
    /// # Errors
    /// [`TimedOut`] if a function runs longer. The clock is shut down all the same.
    ///
    /// # Panics
    /// As [`shutdown`](Clock::shutdown).
    pub fn shutdown_timeout(&self, timeout: Duration) -> Result<(), TimedOut> {
        self.end(Some(Instant::now() + timeout))
    }

    /// [`shutdown`](Clock::shutdown), which waits until `deadline` at the latest.
    ///
    /// # Errors
    /// # Panics
    /// As [`shutdown_timeout`](Clock::shutdown_timeout).
    pub fn shutdown_deadline(&self, deadline: Instant) -> Result<(), TimedOut> {
        self.end(Some(deadline))
    }

    /// Whether it takes no more timers.
    pub fn is_shutdown(&self) -> bool {
        self.owner.inner.state.acquire().closed
    }

    fn end(&self, deadline: Option<Instant>) -> Result<(), TimedOut> {
        let inner = &self.owner.inner;
        let ours = inner.state.acquire().at_work.contains(&thread::id());
        assert!(!ours, "a function of a clock can't wait for the clock's end");
        inner.close();
        inner.await_end(deadline)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.inner.close();
    }
}

impl Inner {
    /// From now on no timer waits, and the workers end.
    fn close(&self) {
        let mut state = self.state.acquire();
        state.closed = true;
        state.cancelled = 0;
        let waiting = mem::take(&mut state.heap).into_iter();
        let cancelled: Vec<_> = waiting
            .filter_map(|due| Some((due.fate.cancel().0?, due.fate)))
            .collect();
        state.leader = Leader::Nobody;
        self.sooner.notify_all();
        self.called.notify_all();
        if cancelled.is_empty() {
            return;
        }
        let home = Process::this();
        state.at_work.push(thread::id()); // who closes it again waits until they are dropped
        drop(state);
        for (action, fate) in cancelled {
            if home.is_parent() {
                mem::forget((action, fate)); // a drop has forked: the others are the parent's
            } else {
                catch_quietly(|| fate.let_go(action)); // invariant 4
            }
        }
        if home.is_this() {
            self.leave(&mut self.state.acquire());
        }
    }

    /// Waits until no thread is at work. Only after `close`: there will be no others.
    fn await_end(&self, deadline: Option<Instant>) -> Result<(), TimedOut> {
        let mut state = self.state.acquire();
        match deadline {
            None => self.ended.wait_while(&mut state, |state| !state.at_work.is_empty()),
            Some(deadline) => {
                self.ended
                    .wait_while_deadline(&mut state, deadline, |state| !state.at_work.is_empty())?;
            }
        }
        Ok(())
    }
}
