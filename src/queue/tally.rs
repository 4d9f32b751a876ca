//! How many items were put, got, and done, and who waits until all are done.
//!
//! # State
//! `tail`, `head` and `done` count the items that were put, got and done, in their upper bits. The lowest of `done` is AWAITED,
//! that of `tail` is SHUT, that nobody puts any more; a ring has other flags (`ring.rs`).
//! ```text
//!   done, AWAITED         │ join              │ finish_of(n)
//!   all          any      │ returns           │ none
//!   fewer        –        │ AWAITED, sleep    │ at most n more
//!   fewer        set      │ sleep             │ at most n more; if that is all, clear AWAITED, and wake all
//! ```
//! # Invariants
//! 1. The tail is written before the items can be got, and `head` when they are: under the queue's mutex, or by who claims
//!    room, or an item, in its ring.
//! 2. All only grow, and neither `head` nor `done` passes the tail. So if the tail, read after `done`, is the same, then at that
//!    moment all items were done; and at least as many are not done as any `head` is ahead of `done`.
//! 3. While a thread sleeps on `zeros`, AWAITED is set, or whoever has cleared it is about to wake all.
//! 4. Whoever sees AWAITED, and then adds to `zeros`, adds after its setter has read `zeros`: it finds another number, or
//!    is woken.
//!
//! The counts wrap: there must be fewer than `usize::MAX / 16` unfinished items.

use super::error::TooManyDone;
use crate::backend::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use crate::backend::{Instant, const_fn, futex, hint::Spin};

const AWAITED: usize = 1;
pub(super) const SHUT: usize = 1;
pub(super) const FLAGS: usize = ITEM - 1;

/// One item, in the counts.
pub(super) const ITEM: usize = 8;

/// The number in a word with flags.
#[inline]
pub(super) const fn number(word: usize) -> usize {
    word & !FLAGS
}

/// What the word is before the looks that follow: compilers and processors keep them in this order.
#[inline(always)]
pub(super) fn look_first(word: &AtomicUsize) -> usize {
    // ORDERING: Acquire has no partner: what is read after it is read later.
    word.load(Acquire)
}

pub(super) struct Tally {
    pub(super) tail: AtomicUsize,
    gone: Gone,
}

/// What consumers write, on a line apart from what producers write.
#[repr(align(128))]
struct Gone {
    head: AtomicUsize,
    done: AtomicUsize,
    zeros: AtomicU32,
}

impl Tally {
    const_fn! {
        /// Nothing was put.
        #[inline]
        pub(super) fn new() -> Tally {
            let gone = Gone { head: AtomicUsize::new(0), done: AtomicUsize::new(0), zeros: AtomicU32::new(0) };
            Tally { tail: AtomicUsize::new(0), gone }
        }
    }

    /// Under the mutex of a queue without a ring: so many items more.
    #[inline]
    pub(super) fn put(&self, count: usize) {
        self.tail
            .store(self.tail.load(Relaxed).wrapping_add(count * ITEM), Relaxed);
    }

    /// Under the mutex of a queue without a ring: so many items less.
    #[inline]
    pub(super) fn get(&self, count: usize) {
        // ORDERING: Release pairs with the Acquire in `finish`: who sees the number sees the tail before which it is.
        self.gone
            .head
            .store(self.gone.head.load(Relaxed).wrapping_add(count * ITEM), Release);
    }

    /// Under the mutex of a queue without a ring: nobody puts any more.
    pub(super) fn shut(&self) {
        self.tail.store(self.tail.load(Relaxed) | SHUT, Relaxed);
    }

    /// Whether nobody puts any more.
    #[inline]
    pub(super) fn is_shut(&self) -> bool {
        self.tail.load(Relaxed) & SHUT != 0
    }

    #[inline]
    pub(super) fn head(&self) -> &AtomicUsize {
        &self.gone.head
    }

    /// How many items were put and not got.
    #[inline]
    pub(super) fn len(&self) -> usize {
        // In this order, so that what is told was true at the second look.
        let mut tail = number(look_first(&self.tail));
        loop {
            let head = number(look_first(&self.gone.head));
            let again = number(self.tail.load(Relaxed));
            if again == tail {
                // Another may have got, as we see it, what we have not seen put.
                let ahead = again.wrapping_sub(head);
                return if ahead > usize::MAX / 2 { 0 } else { ahead / ITEM };
            }
            tail = again;
        }
    }

    /// How many items have been put and are not done.
    #[inline]
    pub(super) fn unfinished(&self) -> usize {
        // ORDERING: Acquire pairs with the Release in `finish_of`: we see all that was done, and read the tail as new as who was done had.
        self.left(self.gone.done.load(Acquire))
    }

    /// One item is done.
    #[inline]
    pub(super) fn finish(&self) -> Result<(), TooManyDone> {
        let done = self.gone.done.load(Relaxed);
        // By invariant 2: so many are got and not done. AWAITED makes it less than one more, so that this one is not the last if
        // it is set. The tail's line stays with those who put.
        // ORDERING: Acquire pairs with the Release of who has got: we, and whoever sees this one done, see a tail that is no less.
        let got = number(self.gone.head.load(Acquire)).wrapping_sub(done);
        let not_last = (ITEM..=usize::MAX / 2).contains(&got);
        // ORDERING: Release, as in `finish_of`.
        if not_last
            && self
                .gone
                .done
                .compare_exchange_weak(done, done.wrapping_add(ITEM), Release, Relaxed)
                .is_ok()
        {
            return Ok(());
        }
        if self.finish_of(1) == 0 {
            Err(TooManyDone)
        } else {
            Ok(())
        }
    }

    /// So many items are done, or all if fewer are unfinished; tells how many.
    #[cold]
    pub(super) fn finish_of(&self, most: usize) -> usize {
        // ORDERING: Acquire, also of the CAS and if that fails, pairs with the Release of earlier ones: we read the tail as
        // new as those that are done, and so not too low.
        let mut done = self.gone.done.load(Acquire);
        loop {
            let left = self.left(done);
            let count = most.min(left);
            if count == 0 {
                return 0;
            }
            let mark = if left == count { 0 } else { done & AWAITED };
            let next = (done & !AWAITED).wrapping_add(count * ITEM) | mark;
            // ORDERING: Release pairs with the Acquire in `unfinished` and `await_zero`: whoever joins sees all we did.
            // Acquire pairs with the Release in `await_zero`, for invariant 4.
            match self.gone.done.compare_exchange_weak(done, next, AcqRel, Acquire) {
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
            let zeros = self.gone.zeros.load(Relaxed);
            // ORDERING: invariants 3 and 4. Acquire pairs with the Release in `finish_of`: we see all that was done before.
            // Release pairs with the Acquire there: whoever sees AWAITED adds to `zeros` after we have read it.
            if self.left(self.gone.done.fetch_or(AWAITED, AcqRel)) == 0 {
                return true;
            }
            if !in_time {
                return false;
            }
            in_time = futex::wait(&self.gone.zeros, zeros, deadline) != futex::Wait::TimedOut;
        }
    }

    /// How many items are not done, if `done`, which was acquired, are. Not more than there were at any later moment
    /// (invariant 2).
    #[inline]
    fn left(&self, done: usize) -> usize {
        number(self.tail.load(Relaxed)).wrapping_sub(done & !AWAITED) / ITEM
    }

    #[cold]
    fn release_joiners(&self) {
        self.gone.zeros.fetch_add(1, Relaxed);
        futex::wake(&self.gone.zeros, u32::MAX);
    }
}
