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

const JOINERS: usize = 1;
pub(super) const SHUT: usize = 1;
pub(super) const FLAGS: usize = ITEM - 1;

/// One item, in the counts.
pub(super) const ITEM: usize = 8;

/// The number in a word with flags.
#[inline]
pub(super) const fn without_flags(word: usize) -> usize {
    word & !FLAGS
}

/// What the word is before the looks that follow: compilers and processors keep them in this order.
#[inline(always)]
pub(super) fn load_first(word: &AtomicUsize) -> usize {
    // ORDERING: Acquire has no partner: what is read after it is read later.
    word.load(Acquire)
}

pub(super) struct Counts {
    pub(super) tail: AtomicUsize,
    consumers: ConsumerWords,
}

/// What consumers write, on a line apart from what producers write.
#[repr(align(128))]
struct ConsumerWords {
    head: AtomicUsize,
    done: AtomicUsize,
    join_epoch: AtomicU32,
}

impl Counts {
    const_fn! {
        /// Nothing was put.
        #[inline]
        pub(super) fn new() -> Counts {
            let consumers = ConsumerWords { head: AtomicUsize::new(0), done: AtomicUsize::new(0), join_epoch: AtomicU32::new(0) };
            Counts { tail: AtomicUsize::new(0), consumers }
        }
    }

    /// Under the mutex of a queue without a ring: so many items more.
    #[inline]
    pub(super) fn record_put(&self, count: usize) {
        self.tail
            .store(self.tail.load(Relaxed).wrapping_add(count * ITEM), Relaxed);
    }

    /// Under the mutex of a queue without a ring: so many items less.
    #[inline]
    pub(super) fn record_got(&self, count: usize) {
        // ORDERING: Release pairs with the Acquire in `finish`: who sees the number sees the tail before which it is.
        self.consumers
            .head
            .store(self.consumers.head.load(Relaxed).wrapping_add(count * ITEM), Release);
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
        &self.consumers.head
    }

    /// How many items were put and not got.
    #[inline]
    pub(super) fn len(&self) -> usize {
        // In this order, so that what is told was true at the second look.
        let mut tail = without_flags(load_first(&self.tail));
        loop {
            let head = without_flags(load_first(&self.consumers.head));
            let again = without_flags(self.tail.load(Relaxed));
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
        self.unfinished_at(self.consumers.done.load(Acquire))
    }

    /// One item is done.
    #[inline]
    pub(super) fn finish(&self) -> Result<(), TooManyDone> {
        let done = self.consumers.done.load(Relaxed);
        // By invariant 2: so many are got and not done. AWAITED makes it less than one more, so that this one is not the last if
        // it is set. The tail's line stays with those who put.
        // ORDERING: Acquire pairs with the Release of who has got: we, and whoever sees this one done, see a tail that is no less.
        let got = without_flags(self.consumers.head.load(Acquire)).wrapping_sub(done);
        let not_last = (ITEM..=usize::MAX / 2).contains(&got);
        // ORDERING: Release, as in `finish_of`.
        if not_last
            && self
                .consumers
                .done
                .compare_exchange_weak(done, done.wrapping_add(ITEM), Release, Relaxed)
                .is_ok()
        {
            return Ok(());
        }
        if self.finish_up_to(1) == 0 {
            Err(TooManyDone)
        } else {
            Ok(())
        }
    }

    /// So many items are done, or all if fewer are unfinished; tells how many.
    #[cold]
    pub(super) fn finish_up_to(&self, limit: usize) -> usize {
        // ORDERING: Acquire, also of the CAS and if that fails, pairs with the Release of earlier ones: we read the tail as
        // new as those that are done, and so not too low.
        let mut done = self.consumers.done.load(Acquire);
        loop {
            let unfinished = self.unfinished_at(done);
            let count = limit.min(unfinished);
            if count == 0 {
                return 0;
            }
            let joiners = if unfinished == count { 0 } else { done & JOINERS };
            let next = (done & !JOINERS).wrapping_add(count * ITEM) | joiners;
            // ORDERING: Release pairs with the Acquire in `unfinished` and `await_zero`: whoever joins sees all we did.
            // Acquire pairs with the Release in `await_zero`, for invariant 4.
            match self.consumers.done.compare_exchange_weak(done, next, AcqRel, Acquire) {
                Ok(_) => {
                    if unfinished == count && done & JOINERS != 0 {
                        self.wake_joiners();
                    }
                    return count;
                }
                Err(newer) => done = newer,
            }
        }
    }

    /// Whether all is done.
    #[inline]
    pub(super) fn is_all_done(&self) -> bool {
        self.unfinished() == 0
    }

    /// Waits until all is done; false once the deadline has passed.
    #[cold]
    pub(super) fn await_all_done(&self, deadline: Option<Instant>) -> bool {
        let mut spin = Spin::for_hand_over(deadline);
        while spin.again() {
            if self.is_all_done() {
                return true;
            }
        }
        let mut before_deadline = true;
        loop {
            let join_epoch = self.consumers.join_epoch.load(Relaxed);
            // ORDERING: invariants 3 and 4. Acquire pairs with the Release in `finish_of`: we see all that was done before.
            // Release pairs with the Acquire there: whoever sees AWAITED adds to `zeros` after we have read it.
            if self.unfinished_at(self.consumers.done.fetch_or(JOINERS, AcqRel)) == 0 {
                return true;
            }
            if !before_deadline {
                return false;
            }
            before_deadline = futex::wait(&self.consumers.join_epoch, join_epoch, deadline) != futex::Wait::TimedOut;
        }
    }

    /// How many items are not done, if `done`, which was acquired, are. Not more than there were at any later moment
    /// (invariant 2).
    #[inline]
    fn unfinished_at(&self, done: usize) -> usize {
        without_flags(self.tail.load(Relaxed)).wrapping_sub(done & !JOINERS) / ITEM
    }

    #[cold]
    fn wake_joiners(&self) {
        self.consumers.join_epoch.fetch_add(1, Relaxed);
        futex::wake(&self.consumers.join_epoch, u32::MAX);
    }
}
