//! Threads that wait in line, each on a word in its own frame: what `Condition` and `Barrier` are made of.
//!
//! # State
//! Of a waiter:
//! ```text
//!   WAITING ───it will sleep───▶ ASLEEP
//!      │ answer                     │ answer, and wake it
//!      ▼                            ▼
//!    answer                      answer
//! ```
//! # Invariants
//! 1. A line belongs to one mutex. Whoever holds that may touch the line and the links of all who stand in it.
//! 2. A waiter stands in one line at most, and only while its frame lives: its thread leaves the frame when it has been
//!    answered, or has taken itself out.
//! 3. Whoever takes another waiter out of the line answers it, once, and holds the mutex while it does.
//! 4. An answer to WAITING is the last that anybody touches of the waiter. After an answer to ASLEEP comes the wake-up:
//!    so a waiter that has been ASLEEP leaves its frame only after it has held the mutex.
//!
//! Its laws are those of `Condition` and `Barrier`.

use crate::backend::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::backend::{Instant, cell::UnsafeCell, const_fn, futex, hint::Spin};
use core::{mem, ptr};

const WAITING: u32 = 0;
const BLOCKED: u32 = 1; // whoever answers must wake it

/// What a waiter is told: 2 or more.
pub(super) type Outcome = u32;

/// A thread that waits, in its own frame: on one cache line, which its thread polls and another writes.
#[repr(align(64))]
pub(super) struct Waiter {
    word: AtomicU32,
    links: UnsafeCell<Links>,
}

struct Links {
    prev: *const Waiter,
    next: *const Waiter,
    enqueued: bool,
}

impl Waiter {
    #[inline]
    pub(super) fn new() -> Waiter {
        let links = Links {
            prev: ptr::null(),
            next: ptr::null(),
            enqueued: false,
        };
        Waiter {
            word: AtomicU32::new(WAITING),
            links: UnsafeCell::new(links),
        }
    }

    /// The answer, if it has come. What was done before it is seen by who `is_told_soon`, or holds the mutex.
    #[inline]
    pub(super) fn outcome(&self) -> Option<Outcome> {
        Some(self.word.load(Relaxed)).filter(|&word| word > BLOCKED)
    }

    /// Waits a moment for the answer. If it comes, the frame may be left at once (invariant 4); if not, the waiter is
    /// ASLEEP from now on.
    #[inline]
    pub(super) fn spin_or_set_blocked(&self, deadline: Option<Instant>) -> bool {
        let mut spin = Spin::for_hand_over(deadline);
        while spin.again() && self.outcome().is_none() {}
        // ORDERING: Acquire on failure pairs with the Release in `tell`: we see all that was done before the answer.
        self.word.compare_exchange(WAITING, BLOCKED, Relaxed, Acquire).is_err()
    }

    /// Sleeps until the answer has come or the deadline has passed. Afterwards the mutex tells which.
    #[cold]
    pub(super) fn block(&self, deadline: Option<Instant>) {
        while self.outcome().is_none() {
            if futex::wait(&self.word, BLOCKED, deadline) == futex::Wait::TimedOut {
                return;
            }
        }
    }

    /// Publishes the answer, and wakes the waiter if it is ASLEEP.
    ///
    /// It takes a pointer, not `&self`: the frame may be gone as soon as the answer is in the word (invariant 4), and an
    /// argument that is a reference promises that the waiter lives until the call returns.
    ///
    /// # Safety
    /// The caller holds the mutex, has taken the waiter out of the line, and has not answered it (invariant 3).
    #[inline]
    unsafe fn complete(waiter: *const Waiter, outcome: Outcome) {
        // SAFETY: invariants 2 and 4: the frame lives until the answer is in the word.
        let word = unsafe { &raw const (*waiter).word };
        // SAFETY: as above; the word is all that is touched.
        let word = unsafe { &*word };
        // ORDERING: Release pairs with the Acquire in `is_told_soon`: the waiter sees all that we did.
        if word.swap(outcome, Release) == BLOCKED {
            // Invariant 4: we hold the mutex, and the waiter does not leave its frame before it has held it.
            futex::wake(word, 1);
        }
    }

    /// # Safety
    /// The caller holds the mutex of the line, or the waiter has never been in one.
    #[expect(clippy::mut_from_ref, reason = "they belong to whoever holds the mutex")]
    unsafe fn links(&self) -> &mut Links {
        // SAFETY: invariant 1: nobody else touches them.
        self.links.with_mut(|links| unsafe { &mut *links })
    }
}

/// Waiters in the order of their arrival.
pub(super) struct WaiterQueue {
    head: *const Waiter,
    tail: *const Waiter,
    len: usize,
}

// SAFETY: invariant 1: the waiters are reached only by whoever holds the mutex, on whichever thread.
unsafe impl Send for WaiterQueue {}

impl WaiterQueue {
    const_fn! {
        /// Nobody.
        #[inline]
        pub(super) fn new() -> WaiterQueue {
            WaiterQueue { head: ptr::null(), tail: ptr::null(), len: 0 }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Puts a waiter at the end.
    ///
    /// # Safety
    /// The caller holds the mutex of this line. The waiter is in no line, and does not leave its frame but as
    /// invariants 2 and 4 say.
    #[inline]
    pub(super) unsafe fn push(&mut self, waiter: &Waiter) {
        let tail = self.tail;
        // SAFETY: invariant 1.
        *unsafe { waiter.links() } = Links {
            prev: tail,
            next: ptr::null(),
            enqueued: true,
        };
        match self.links_of(tail) {
            Some(tail) => tail.next = waiter,
            None => self.head = waiter,
        }
        self.tail = waiter;
        self.len += 1;
    }

    /// Takes a waiter out if it still stands in the line, whose mutex the caller holds: false if it has been taken out by
    /// somebody who answers it.
    pub(super) fn remove(&mut self, waiter: &Waiter) -> bool {
        // SAFETY: invariant 1.
        let enqueued = unsafe { waiter.links() }.enqueued;
        if enqueued {
            self.unlink(waiter);
        }
        enqueued
    }

    /// The links of one who stands in this line, if there is one.
    fn links_of(&mut self, waiter: *const Waiter) -> Option<&mut Links> {
        // SAFETY: invariant 2: its frame lives.
        let waiter = unsafe { waiter.as_ref() }?;
        // SAFETY: invariant 1.
        Some(unsafe { waiter.links() })
    }

    /// Takes out a waiter that stands in this line.
    fn unlink(&mut self, waiter: *const Waiter) {
        let Some(links) = self.links_of(waiter) else { return };
        links.enqueued = false;
        let Links { prev, next, .. } = *links;
        match self.links_of(prev) {
            Some(prev) => prev.next = next,
            None => self.head = next,
        }
        match self.links_of(next) {
            Some(next) => next.prev = prev,
            None => self.tail = prev,
        }
        self.len -= 1;
    }

    /// Takes out all, to be answered later: the caller must, and hold the mutex again then.
    pub(super) fn dequeue_all(&mut self) -> WaiterQueue {
        let mut next = self.head;
        while let Some(links) = self.links_of(next) {
            links.enqueued = false;
            next = links.next;
        }
        mem::replace(self, WaiterQueue::new())
    }

    /// Takes out the first waiter and answers it; false if there is none. The caller holds the mutex.
    pub(super) fn complete_first(&mut self, outcome: Outcome) -> bool {
        let head = self.head;
        if head.is_null() {
            return false;
        }
        self.unlink(head);
        // SAFETY: it stood in this line, whose mutex the caller holds.
        unsafe { Waiter::complete(head, outcome) };
        true
    }

    /// Takes out all and answers them. The caller holds the mutex.
    #[inline]
    pub(super) fn complete_all(&mut self, outcome: Outcome) {
        let WaiterQueue {
            head: mut waiter, tail, ..
        } = mem::replace(self, WaiterQueue::new());
        while let Some(links) = self.links_of(waiter) {
            // Nobody is after the last: its cache line comes over once, to be written, and not before that to be read.
            let next = if ptr::eq(waiter, tail) { ptr::null() } else { links.next };
            links.enqueued = false;
            // SAFETY: it stood in this line, whose mutex the caller holds.
            unsafe { Waiter::complete(waiter, outcome) };
            waiter = next;
        }
    }
}
