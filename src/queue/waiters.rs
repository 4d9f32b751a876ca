//! An event count: threads block on `epoch` until another thread has changed the
//! state that a mutex guards. The number of waiters is kept under the same mutex.
//!
//! A waiter calls `prepare_wait` under the mutex, releases the mutex and calls `wait`. A notifier
//! changes the state and calls `notify` under the mutex, releases the mutex and calls `wake`.
//!
//! # State
//! ```text
//!   count │ prepare_wait │ notify(n)                │ cancel_wait
//!   0     │ 1            │ no effect                │ –
//!   k > 0 │ k + 1        │ k - min(n, k), epoch + 1 │ k - 1, or k if the epoch has changed
//!         │              │                          │ since `prepare_wait`
//! ```
//! # Invariants
//! 1. `epoch` and the count change only under the mutex. A waiter blocks only if `epoch` still
//!    has the value that `prepare_wait` returned: after a notification it does not block.
//! 2. The count is at least the number of waiters that have not been notified. `notify` removes n
//!    waiters from the count and `wake` wakes n blocked threads, or all if there are fewer. `notify`
//!    also changes the epoch, so a thread that has called `prepare_wait` and is not yet blocked
//!    returns from `wait`, even if the notification was meant for a blocked thread. After such a
//!    misdirected wake-up the count is too high, and a later notification may wake no thread.
//! 3. A waiter that returns from `wait` re-checks the guarded state, even if its deadline has passed, and
//!    calls `prepare_wait` again if it cannot proceed. So no wake-up is lost to a waiter that times out.
//!
//! Limit: a waiter that is preempted between `prepare_wait` and
//! `wait` for exactly 2³² notifications misses the last of them.

use crate::backend::atomic::{AtomicU32, Ordering::Relaxed};
use crate::backend::{Instant, const_fn, futex};

pub(super) struct Waiters {
    epoch: AtomicU32,
}

/// An upper bound of the number of blocked waiters that have not been notified; guarded by the mutex.
pub(super) type WaiterCount = usize;

/// The value of `epoch` at which a waiter may block.
#[derive(Clone, Copy)]
pub(super) struct Epoch(u32);

impl Waiters {
    const_fn! {
        /// An event count without waiters.
        #[inline]
        pub(super) fn new() -> Waiters {
            Waiters { epoch: AtomicU32::new(0) }
        }
    }

    /// Called under the mutex: counts the caller as a waiter. The caller then releases the mutex and calls `wait`.
    pub(super) fn prepare_wait(&self, count: &mut WaiterCount) -> Epoch {
        *count += 1;
        Epoch(self.epoch.load(Relaxed))
    }

    /// Called without the mutex: blocks until a notification after
    /// `prepare_wait`. Returns false if the deadline passed first.
    pub(super) fn wait(&self, Epoch(expected): Epoch, deadline: Option<Instant>) -> bool {
        futex::wait(&self.epoch, expected, deadline) != futex::Wait::TimedOut
    }

    /// Called under the mutex by a waiter that timed out and will not block again: removes
    /// it from the count, unless a notification has changed the epoch since `prepare_wait`.
    pub(super) fn cancel_wait(&self, count: &mut WaiterCount, Epoch(expected): Epoch) {
        if self.epoch.load(Relaxed) == expected {
            *count -= 1; // the epoch is unchanged, so the count includes the caller (invariant 2)
        }
    }

    /// Called under the mutex: notifies at most `limit` waiters.
    /// Returns how many threads to `wake` after the mutex is released.
    #[inline]
    pub(super) fn notify(&self, count: &mut WaiterCount, limit: usize) -> usize {
        let notified = limit.min(*count);
        if notified > 0 {
            *count -= notified;
            self.epoch.fetch_add(1, Relaxed);
        }
        notified
    }

    /// Wakes as many blocked threads as `notify` has returned; called after the mutex is released.
    #[inline]
    pub(super) fn wake(&self, notified: usize) {
        if notified > 0 {
            self.futex_wake(notified);
        }
    }

    #[cold]
    fn futex_wake(&self, notified: usize) {
        futex::wake(&self.epoch, u32::try_from(notified).unwrap_or(u32::MAX));
    }
}
