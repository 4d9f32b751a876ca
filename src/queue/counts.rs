//! The numbers of items put, got and done, and the threads that are blocked in `join` until all items are done.
//!
//! # State
//! The upper bits of `tail`, `head` and `done` count the items that were put, got and
//! done. Bit 0 of `done` is JOINERS: a thread may be blocked in `join`. Bit 0 of `tail`
//! is SHUT: the queue is shut down. A ring has more flag bits (`fifo/claim.rs`).
//! ```text
//!   done, JOINERS   │ join                 │ finish_up_to(n)
//!   all      any    │ returns              │ no effect
//!   not all  clear  │ sets JOINERS, blocks │ adds at most n
//!   not all  set    │ blocks               │ adds at most n; if all are done now: clears JOINERS, wakes all joiners
//! ```
//! # Invariants
//! 1. `tail` is increased before the new item can be got, and `head` when an item is got.
//!    The queue's mutex guards both; in a ring, the thread that claims a slot changes them.
//! 2. All three counts only grow, and neither `head` nor `done` exceeds `tail`. So if `tail`,
//!    loaded after `done`, equals `done`, then all items were done at some moment between the
//!    two loads. And if `head` exceeds `done` by n items, at least n items are unfinished.
//! 3. While a thread is blocked on `join_epoch`, JOINERS is set,
//!    or the thread that cleared it is about to wake all joiners.
//! 4. A thread that clears JOINERS increases `join_epoch` after the joiner has loaded it, so no wake-up is lost:
//! ```text
//!   joiner                                  finisher
//!   load join_epoch: e
//!   done.fetch_or(JOINERS)          ──▶     CAS on done: reads JOINERS, clears it
//!                                           join_epoch.fetch_add(1)
//!   futex::wait(join_epoch, e): returns,    futex::wake(join_epoch)
//!   or is woken
//! ```
//! The counts wrap around: there must be fewer than `usize::MAX / 16` unfinished items.

use super::error::TooManyDone;
use crate::backend::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use crate::backend::{Instant, const_fn, futex, hint::Spin};

const JOINERS: usize = 1;
pub(super) const SHUT: usize = 1;
pub(super) const FLAGS: usize = ITEM - 1;

/// The unit of the counts: one item. The bits below it are flags.
pub(super) const ITEM: usize = 8;

/// The count, or the ticket, in a word with flag bits.
#[inline]
pub(super) const fn without_flags(word: usize) -> usize {
    word & !FLAGS
}

/// Loads a word before all loads that follow in program order.
#[inline(always)]
pub(super) fn load_first(word: &AtomicUsize) -> usize {
    // ORDERING: Acquire; orders this load before the caller's later loads. For `head` it
    // synchronizes with the Release in `record_got`, or in `claim` and `claim_all`
    // (`fifo/claim.rs`): the `tail` of each item that was got is visible. For `tail` only the
    // order of the two loads is needed, no happens-before: without a ring it is stored Relaxed.
    word.load(Acquire)
}

pub(super) struct Counts {
    pub(super) tail: AtomicUsize,
    consumers: ConsumerWords,
}

/// The words that consumers write, on another cache line than `tail`, which producers write.
#[repr(align(128))]
struct ConsumerWords {
    head: AtomicUsize,
    done: AtomicUsize,
    join_epoch: AtomicU32,
}

impl Counts {
    const_fn! {
        /// All counts are zero.
        #[inline]
        pub(super) fn new() -> Counts {
            let consumers = ConsumerWords {
                head: AtomicUsize::new(0),
                done: AtomicUsize::new(0),
                join_epoch: AtomicU32::new(0),
            };
            Counts { tail: AtomicUsize::new(0), consumers }
        }
    }

    /// Adds `count` items to `tail`. Called under the mutex, by a queue without a ring.
    ///
    /// Linearization point of a put without a ring: the store.
    #[inline]
    pub(super) fn record_put(&self, count: usize) {
        self.tail
            .store(self.tail.load(Relaxed).wrapping_add(count * ITEM), Relaxed);
    }

    /// Adds `count` items to `head`. Called under the mutex, by a queue without a ring.
    ///
    /// Linearization point of a get without a ring: the store.
    #[inline]
    pub(super) fn record_got(&self, count: usize) {
        // ORDERING: Release; synchronizes with the Acquire load in `finish`: a
        // thread that loads this `head` also observes a `tail` that is not less.
        self.consumers
            .head
            .store(self.consumers.head.load(Relaxed).wrapping_add(count * ITEM), Release);
    }

    /// Sets SHUT. Called under the mutex, by a queue without a ring.
    ///
    /// Linearization point of a shutdown without a ring: the store.
    pub(super) fn shut(&self) {
        self.tail.store(self.tail.load(Relaxed) | SHUT, Relaxed);
    }

    /// Whether the queue is shut down.
    #[inline]
    pub(super) fn is_shut(&self) -> bool {
        self.tail.load(Relaxed) & SHUT != 0
    }

    #[inline]
    pub(super) fn head(&self) -> &AtomicUsize {
        &self.consumers.head
    }

    /// The number of items that were put and not got.
    #[inline]
    pub(super) fn len(&self) -> usize {
        // Retry until `tail` is the same before and after the load of
        // `head`: the result is then the length at the moment of that load.
        // Linearization point of `len`: the last load of `head`.
        let mut tail = without_flags(load_first(&self.tail));
        loop {
            let head = without_flags(load_first(&self.consumers.head));
            let again = without_flags(self.tail.load(Relaxed));
            if again == tail {
                // The loaded `head` may be ahead of the loaded `tail`,
                // if the get is visible before the put: then report 0.
                let ahead = again.wrapping_sub(head);
                return if ahead > usize::MAX / 2 { 0 } else { ahead / ITEM };
            }
            tail = again;
        }
    }

    /// The number of items that were put and are not done.
    #[inline]
    pub(super) fn unfinished(&self) -> usize {
        // ORDERING: Acquire; synchronizes with the Release in `finish` and `finish_up_to`: what happened before those
        // calls is visible, and the `tail` loaded next is not older than the one that the finishing thread observed.
        self.unfinished_at(self.consumers.done.load(Acquire))
    }

    /// Counts one item as done.
    ///
    /// Linearization point: the CAS on `done` that succeeds; if all
    /// items are done already, the load of `tail` in `unfinished_at`.
    #[inline]
    pub(super) fn finish(&self) -> Result<(), TooManyDone> {
        let done = self.consumers.done.load(Relaxed);
        // Fast path. It does not load `tail`, so that the cache line of `tail` stays with
        // the producers. By invariant 2 at least `got` items are unfinished. If JOINERS is
        // set, it lowers `got` below ITEM for the last item, which forces the slow path.
        // ORDERING: Acquire; synchronizes with the Release in `record_got`, and in
        // `claim` and `claim_all` (`fifo/claim.rs`): this thread, and each thread that
        // acquires the new `done`, observes a `tail` that is not less than this `head`.
        let got = without_flags(self.consumers.head.load(Acquire)).wrapping_sub(done);
        let not_last = (ITEM..=usize::MAX / 2).contains(&got);
        // ORDERING: Release; synchronizes with the Acquire in `unfinished`, `finish_up_to` and
        // `await_all_done`: what this thread did before is visible to a thread that observes the item as done.
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

    /// Counts `limit` items as done, or all if fewer are unfinished; returns how many.
    #[cold]
    pub(super) fn finish_up_to(&self, limit: usize) -> usize {
        // ORDERING: Acquire; synchronizes with the Release of earlier `finish` and `finish_up_to` calls: the `tail`
        // loaded next is not less than `done`. The CAS below acquires for the same reason, also when it fails.
        let mut done = self.consumers.done.load(Acquire);
        loop {
            let unfinished = self.unfinished_at(done);
            let count = limit.min(unfinished);
            if count == 0 {
                return 0;
            }
            let joiners = if unfinished == count { 0 } else { done & JOINERS };
            let next = (done & !JOINERS).wrapping_add(count * ITEM) | joiners;
            // ORDERING: Release; synchronizes with the Acquire in `unfinished` and
            // `await_all_done`: what this thread did before is visible to each joiner that returns.
            // Acquire; synchronizes with the Release in `await_all_done`, for invariant 4.
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

    /// Whether all items that were put are done.
    #[inline]
    pub(super) fn is_all_done(&self) -> bool {
        self.unfinished() == 0
    }

    /// Waits until all items are done. Returns false if the deadline passed first.
    ///
    /// Linearization point of a `join` that returns true: the load of `tail` in `unfinished_at`.
    #[cold]
    pub(super) fn await_all_done(&self, deadline: Option<Instant>) -> bool {
        let mut spin = Spin::for_hand_off(deadline);
        while spin.again() {
            if self.is_all_done() {
                return true;
            }
        }
        let mut before_deadline = true;
        loop {
            let join_epoch = self.consumers.join_epoch.load(Relaxed);
            // ORDERING: Acquire; synchronizes with the Release in `finish` and `finish_up_to`: what happened before
            // the items were counted as done is visible. Release; synchronizes with the Acquire in `finish_up_to`:
            // a thread that clears JOINERS increases `join_epoch` after the load above (invariants 3 and 4).
            if self.unfinished_at(self.consumers.done.fetch_or(JOINERS, AcqRel)) == 0 {
                return true;
            }
            if !before_deadline {
                return false;
            }
            before_deadline = futex::wait(&self.consumers.join_epoch, join_epoch, deadline) != futex::Wait::TimedOut;
        }
    }

    /// The number of unfinished items, if `done` was loaded with Acquire. `tail` may have grown since: the
    /// result is at most the true number at any later moment at which `done` still has this value (invariant 2).
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
