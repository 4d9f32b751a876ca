//! Threads that sleep until what a mutex guards has changed for them: a word to sleep on, and a count under the mutex.
//!
//! # State
//! ```text
//!   counted │ enter         │ call, at most n        │ leave
//!   0       │ 1             │ nobody                 │ –
//!   k       │ k + 1         │ k - n, a new call,     │ k - 1, unless somebody
//!           │               │ and n are to be woken  │ has called since `enter`
//! ```
//! # Invariants
//! 1. `calls` and the count change only under the mutex. A sleeper expects the number of calls that it saw when it
//!    entered: if somebody has called since, it does not fall asleep.
//! 2. At least as many are counted as sleep and have not been called. A call that takes some off the count wakes as many
//!    who sleep, if there are, and lets nobody fall asleep who entered before it. So the count is never too low; it is too
//!    high while somebody has been called beside the one that was meant, and then a later call wakes nobody.
//! 3. Whoever is called looks at what the mutex guards again, whatever its clock says, and enters again if there is
//!    nothing for it: so a call is not lost on one that leaves.
//!
//! A sleeper that is stopped between `enter` and its sleep for exactly 2³² calls sleeps through the last of them.

use crate::backend::atomic::{AtomicU32, Ordering::Relaxed};
use crate::backend::{Instant, const_fn, futex};

pub(super) struct Waiters {
    epoch: AtomicU32,
}

/// How many sleep, at most; guarded by the mutex.
pub(super) type WaiterCount = usize;

/// What a sleeper expects.
#[derive(Clone, Copy)]
pub(super) struct Epoch(u32);

impl Waiters {
    const_fn! {
        /// Nobody.
        #[inline]
        pub(super) fn new() -> Waiters {
            Waiters { epoch: AtomicU32::new(0) }
        }
    }

    /// Under the mutex: the caller is going to sleep.
    pub(super) fn prepare_wait(&self, count: &mut WaiterCount) -> Epoch {
        *count += 1;
        Epoch(self.epoch.load(Relaxed))
    }

    /// Without the mutex: until somebody calls. False if the deadline has passed first.
    pub(super) fn wait(&self, Epoch(expected): Epoch, deadline: Option<Instant>) -> bool {
        futex::wait(&self.epoch, expected, deadline) != futex::Wait::TimedOut
    }

    /// Under the mutex: the caller, whose time is over, will not sleep again.
    pub(super) fn cancel_wait(&self, count: &mut WaiterCount, Epoch(expected): Epoch) {
        if self.epoch.load(Relaxed) == expected {
            *count -= 1; // invariant 2: it counts us
        }
    }

    /// Under the mutex: there is something for so many. Tells how many to wake when the mutex is free.
    #[inline]
    pub(super) fn notify(&self, count: &mut WaiterCount, limit: usize) -> usize {
        let notified = limit.min(*count);
        if notified > 0 {
            *count -= notified;
            self.epoch.fetch_add(1, Relaxed);
        }
        notified
    }

    /// Wakes those who were called.
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
