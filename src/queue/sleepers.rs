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

pub(super) struct Sleepers {
    calls: AtomicU32,
}

/// How many sleep, at most; guarded by the mutex.
pub(super) type Count = usize;

/// What a sleeper expects.
#[derive(Clone, Copy)]
pub(super) struct Ticket(u32);

impl Sleepers {
    const_fn! {
        /// Nobody.
        #[inline]
        pub(super) fn new() -> Sleepers {
            Sleepers { calls: AtomicU32::new(0) }
        }
    }

    /// Under the mutex: the caller is going to sleep.
    pub(super) fn enter(&self, count: &mut Count) -> Ticket {
        *count += 1;
        Ticket(self.calls.load(Relaxed))
    }

    /// Without the mutex: until somebody calls. False if the deadline has passed first.
    pub(super) fn sleep(&self, Ticket(expected): Ticket, deadline: Option<Instant>) -> bool {
        futex::wait(&self.calls, expected, deadline) != futex::Wait::TimedOut
    }

    /// Under the mutex: the caller, whose time is over, will not sleep again.
    pub(super) fn leave(&self, count: &mut Count, Ticket(expected): Ticket) {
        if self.calls.load(Relaxed) == expected {
            *count -= 1; // invariant 2: it counts us
        }
    }

    /// Under the mutex: there is something for so many. Tells how many to wake when the mutex is free.
    #[inline]
    pub(super) fn call(&self, count: &mut Count, most: usize) -> usize {
        let called = most.min(*count);
        if called > 0 {
            *count -= called;
            self.calls.fetch_add(1, Relaxed);
        }
        called
    }

    /// Wakes those who were called.
    #[inline]
    pub(super) fn wake(&self, called: usize) {
        if called > 0 {
            self.rouse(called);
        }
    }

    #[cold]
    fn rouse(&self, called: usize) {
        futex::wake(&self.calls, u32::try_from(called).unwrap_or(u32::MAX));
    }
}
