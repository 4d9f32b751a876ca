//! How many items were put, how many of them are done, and who waits until all are.
//!
//! # State
//! The tail counts items that were put. `done` counts them in its upper bits; the lowest is AWAITED.
//! ```text
//!   done, AWAITED         │ join              │ finish_of(n)
//!   all          any      │ returns           │ none
//!   fewer        –        │ AWAITED, sleep    │ at most n more
//!   fewer        set      │ sleep             │ at most n more; if that is all, clear AWAITED, and wake all
//! ```
//! # Invariants
//! 1. The tail is written before the items can be got: under the queue's mutex, or by who claims room in its ring.
//! 2. Both only grow, and `done` never passes the tail, which `seen_tail` was once. So if the tail, read after `done`, is the
//!    same, then at that moment all items were done.
//! 3. While a thread sleeps on `zeros`, AWAITED is set, or whoever has cleared it is about to wake all.
//! 4. Whoever sees AWAITED, and then adds to `zeros`, adds after its setter has read `zeros`: it finds another number, or
//!    is woken.
//!
//! The counts wrap: there must be fewer than `usize::MAX / 16` unfinished items.

use super::error::TooManyDone;
use super::ring::{ITEM, number};
use crate::backend::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed},
};
use crate::backend::{Instant, const_fn, futex, hint::Spin};

const AWAITED: usize = 1;

pub(super) struct Tally {
    pub(super) tail: AtomicUsize,
    done: Done,
}

/// On lines of its own, apart from what producers write.
#[repr(align(128))]
struct Done {
    word: AtomicUsize,
    zeros: AtomicU32,
    seen_tail: AtomicUsize,
}

impl Tally {
    const_fn! {
        /// Nothing was put.
        #[inline]
        pub(super) fn new() -> Tally {
            let done = Done { word: AtomicUsize::new(0), zeros: AtomicU32::new(0), seen_tail: AtomicUsize::new(0) };
            Tally { tail: AtomicUsize::new(0), done }
        }
    }

    /// Under the mutex of a queue without a ring: so many items more.
    #[inline]
    pub(super) fn put(&self, count: usize) {
        self.tail.store(self.tail.load(Relaxed).wrapping_add(count * ITEM), Relaxed);
    }

    /// How many items have been put and are not done.
    #[inline]
    pub(super) fn unfinished(&self) -> usize {
        // ORDERING: Acquire pairs with the Release in `finish_of`: we see all that was done, and read the tail as new as who was done had.
        self.left(self.done.word.load(Acquire))
    }

    /// One item is done.
    #[inline]
    pub(super) fn finish(&self) -> Result<(), TooManyDone> {
        if self.finish_of(1) == 0 { Err(TooManyDone) } else { Ok(()) }
    }

    /// So many items are done, or all if fewer are unfinished; tells how many.
    #[inline]
    pub(super) fn finish_of(&self, most: usize) -> usize {
        // ORDERING: Acquire, also of the CAS and if that fails, pairs with the Release of earlier ones: we read the tail as
        // new as those that are done, and so not too low.
        let mut done = self.done.word.load(Acquire);
        loop {
            // Who seems to be the last wakes all who wait: if some do, it looks whether it is.
            let left = self.left_for(if done & AWAITED != 0 { most.saturating_add(1) } else { most }, done);
            let count = most.min(left);
            if count == 0 {
                return 0;
            }
            let mark = if left == count { 0 } else { done & AWAITED };
            let next = (done & !AWAITED).wrapping_add(count * ITEM) | mark;
            // ORDERING: Release pairs with the Acquire in `unfinished` and `await_zero`: whoever joins sees all we did.
            // Acquire pairs with the Release in `await_zero`, for invariant 4.
            match self.done.word.compare_exchange_weak(done, next, AcqRel, Acquire) {
                Ok(_) => {
                    if left == count && done & AWAITED != 0 {
                        self.release_joiners();
                    }
                    return count;
                }
                Err(newer) => done = newer,
            }
        }
    }

    /// Whether all is done.
    #[inline]
    pub(super) fn is_zero(&self) -> bool {
        self.unfinished() == 0
    }

    /// Waits until all is done; false once the deadline has passed.
    #[cold]
    pub(super) fn await_zero(&self, deadline: Option<Instant>) -> bool {
        let mut spin = Spin::for_hand_over(deadline);
        while spin.again() {
            if self.is_zero() {
                return true;
            }
        }
        let mut in_time = true;
        loop {
            let zeros = self.done.zeros.load(Relaxed);
            // ORDERING: invariants 3 and 4. Acquire pairs with the Release in `finish_of`: we see all that was done before.
            // Release pairs with the Acquire there: whoever sees AWAITED adds to `zeros` after we have read it.
            if self.left(self.done.word.fetch_or(AWAITED, AcqRel)) == 0 {
                return true;
            }
            if !in_time {
                return false;
            }
            in_time = futex::wait(&self.done.zeros, zeros, deadline) != futex::Wait::TimedOut;
        }
    }

    /// How many items are not done, if `done`, which was acquired, are. Not more than there were at any later moment
    /// (invariant 2).
    #[inline]
    fn left(&self, done: usize) -> usize {
        number(self.tail.load(Relaxed)).wrapping_sub(done & !AWAITED) / ITEM
    }

    /// As `left`; or fewer, but at least `enough`: then nobody takes the tail's line from those who put.
    #[inline]
    fn left_for(&self, enough: usize, done: usize) -> usize {
        let seen = self.done.seen_tail.load(Relaxed).wrapping_sub(done & !AWAITED);
        if seen / ITEM >= enough && seen <= usize::MAX / 2 {
            return seen / ITEM;
        }
        let left = self.left(done);
        self.done.seen_tail.store((done & !AWAITED).wrapping_add(left * ITEM), Relaxed);
        left
    }

    #[cold]
    fn release_joiners(&self) {
        self.done.zeros.fetch_add(1, Relaxed);
        futex::wake(&self.done.zeros, u32::MAX);
    }
}
