//! An intrusive FIFO queue of blocked threads, on which `Condition` and `Barrier` are built.
//!
//! Each node (a [`Waiter`]) is stored in the stack frame of the thread that waits, so nothing is
//! allocated. Another thread completes the waiter: it removes the node from the queue, writes an
//! outcome into it and, if necessary, wakes its thread.
//!
//! # State
//! The state of a waiter is one atomic word:
//! ```text
//!             the waiter's thread is about to block
//!   WAITING ─────────────────────────────────────────▶ BLOCKED
//!      │ complete                                         │ complete, then wake the thread
//!      ▼                                                  ▼
//!   outcome                                            outcome
//! ```
//! The queue and the links are plain memory, protected by a mutex that the user of the queue provides:
//! ```text
//!   head                                              tail
//!    │                                                  │
//!    ▼                                                  ▼
//! ╭────────╮ next  ╭────────╮ next  ╭────────╮ next  ╭────────╮
//! │ Waiter ├──────▶│ Waiter ├──────▶│ Waiter ├──────▶│ Waiter │
//! │        │◀──────┤        │◀──────┤        │◀──────┤        │
//! ╰────────╯  prev ╰────────╯  prev ╰────────╯  prev ╰────────╯
//! ```
//! # Invariants
//! 1. A queue belongs to one mutex. Only the thread that holds this mutex accesses the queue and
//!    the links of its waiters.
//! 2. A waiter is in at most one queue, and only while its frame is alive. The waiter's thread leaves the frame only
//!    after the waiter was completed, or after that thread itself removed the waiter from the queue.
//! 3. A thread that removes another thread's waiter completes this waiter exactly once, and holds
//!    the mutex while it does.
//! 4. After a completer has replaced WAITING by an outcome, it must not access the waiter again. After it has
//!    replaced BLOCKED, it still uses the word's address for the wake-up: so a waiter that was BLOCKED leaves its
//!    frame only after its thread has acquired the mutex, which the completer holds until the wake-up is done.
//!
//! # Orderings
//! The mutex orders all accesses to the queue and the links. The outcome is published with
//! Release. A waiter that never became BLOCKED acquires it in `spin_or_set_blocked`. A waiter
//! that became BLOCKED acquires the mutex instead.
//!
//! This module has no laws of its own: it is checked by the laws of `Condition` and `Barrier`.

use crate::backend::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::backend::{Instant, cell::UnsafeCell, const_fn, futex, hint::Spin};
use core::{mem, ptr};

const WAITING: u32 = 0;
const BLOCKED: u32 = 1; // the completer must wake the thread

/// The result of a wait, as the completer chose it. Its value is at least 2: 0 and 1 are WAITING and BLOCKED.
pub(super) type Outcome = u32;

/// A node of the queue. It fills one cache line: its thread polls `word`, and the completer writes to the node.
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

    /// The outcome, if the waiter was completed. The load is Relaxed: the completer's writes are visible only after
    /// `spin_or_set_blocked` returned true, or while this thread holds the mutex.
    #[inline]
    pub(super) fn outcome(&self) -> Option<Outcome> {
        Some(self.word.load(Relaxed)).filter(|&word| word > BLOCKED)
    }

    /// Spins briefly until the waiter is completed. Returns true if it was: its thread may then leave the frame
    /// without acquiring the mutex (invariant 4). Otherwise sets the state to BLOCKED and returns false.
    #[inline]
    pub(super) fn spin_or_set_blocked(&self, deadline: Option<Instant>) -> bool {
        let mut spin = Spin::for_hand_off(deadline);
        while spin.again() && self.outcome().is_none() {}
        // ORDERING: Acquire (on failure); synchronizes with the Release swap in `complete`: all writes of the
        // completer before the completion are visible.
        self.word.compare_exchange(WAITING, BLOCKED, Relaxed, Acquire).is_err()
    }

    /// Blocks until the waiter is completed or the deadline has elapsed. Afterwards the caller
    /// must acquire the mutex to find out which.
    #[cold]
    pub(super) fn block(&self, deadline: Option<Instant>) {
        while self.outcome().is_none() {
            if futex::wait(&self.word, BLOCKED, deadline) == futex::Wait::TimedOut {
                return;
            }
        }
    }

    /// Publishes the outcome, and wakes the waiter's thread if the state was BLOCKED.
    ///
    /// The parameter is a pointer, because a reference argument must stay valid until the call returns: the waiter's
    /// frame may be deallocated as soon as the outcome is stored (invariant 4).
    ///
    /// # Safety
    /// The caller holds the mutex, has removed the waiter from the queue, and has not completed it yet (invariant 3).
    #[inline]
    unsafe fn complete(waiter: *const Waiter, outcome: Outcome) {
        // SAFETY: invariants 2 and 4: the frame is alive until the outcome is stored.
        let word = unsafe { &raw const (*waiter).word };
        // SAFETY: invariants 2 and 4, as above. The reference covers the word only.
        let word = unsafe { &*word };
        // ORDERING: Release; synchronizes with the Acquire CAS in `spin_or_set_blocked`: all writes of this thread
        // before the completion are visible to the waiter.
        // Linearization point: this swap decides the outcome of the waiter.
        if word.swap(outcome, Release) == BLOCKED {
            // Invariant 4: this thread holds the mutex, so the waiter's frame is still alive.
            futex::wake(word, 1);
        }
    }

    /// # Safety
    /// The caller holds the mutex of the waiter's queue, or the waiter has never been in a queue.
    #[expect(clippy::mut_from_ref, reason = "only the holder of the mutex accesses the links")]
    unsafe fn links(&self) -> &mut Links {
        // SAFETY: invariant 1: no other thread accesses the links.
        self.links.with_mut(|links| unsafe { &mut *links })
    }
}

/// The queue: waiters in the order of their arrival.
pub(super) struct WaiterQueue {
    head: *const Waiter,
    tail: *const Waiter,
    len: usize,
}

// SAFETY: invariant 1: the queue and its nodes are accessed only by the holder of the mutex, which may be any thread.
unsafe impl Send for WaiterQueue {}

impl WaiterQueue {
    const_fn! {
        /// An empty queue.
        #[inline]
        pub(super) fn new() -> WaiterQueue {
            WaiterQueue { head: ptr::null(), tail: ptr::null(), len: 0 }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Appends a waiter at the tail.
    ///
    /// # Safety
    /// The caller holds the mutex of this queue. The waiter is in no queue. The waiter's thread leaves its frame only
    /// as invariants 2 and 4 permit.
    #[inline]
    pub(super) unsafe fn push(&mut self, waiter: &Waiter) {
        let tail = self.tail;
        // SAFETY: invariant 1: the caller holds the mutex.
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

    /// Removes a waiter from the queue, if it is still enqueued. Returns false if another thread has removed it to
    /// complete it. The caller holds the mutex.
    pub(super) fn remove(&mut self, waiter: &Waiter) -> bool {
        // SAFETY: invariant 1: the caller holds the mutex.
        let enqueued = unsafe { waiter.links() }.enqueued;
        if enqueued {
            self.unlink(waiter);
        }
        enqueued
    }

    /// The links of a waiter of this queue; `None` for a null pointer.
    fn links_of(&mut self, waiter: *const Waiter) -> Option<&mut Links> {
        // SAFETY: invariant 2: the waiter is in the queue, so its frame is alive.
        let waiter = unsafe { waiter.as_ref() }?;
        // SAFETY: invariant 1: `&mut self` is held by the holder of the mutex.
        Some(unsafe { waiter.links() })
    }

    /// Unlinks a waiter that is in this queue.
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

    /// Moves all waiters to a queue of the caller's. From now on `remove` returns false for each of them. The caller
    /// must complete them later, while it holds the mutex again (invariant 3).
    pub(super) fn dequeue_all(&mut self) -> WaiterQueue {
        let mut next = self.head;
        while let Some(links) = self.links_of(next) {
            links.enqueued = false;
            next = links.next;
        }
        mem::replace(self, WaiterQueue::new())
    }

    /// Removes the first waiter and completes it. Returns false if the queue is empty. The caller holds the mutex.
    pub(super) fn complete_first(&mut self, outcome: Outcome) -> bool {
        let head = self.head;
        if head.is_null() {
            return false;
        }
        self.unlink(head);
        // SAFETY: invariant 3: the caller holds the mutex, and the waiter was removed from this queue just now.
        unsafe { Waiter::complete(head, outcome) };
        true
    }

    /// Removes all waiters and completes them in FIFO order. The caller holds the mutex.
    #[inline]
    pub(super) fn complete_all(&mut self, outcome: Outcome) {
        let WaiterQueue {
            head: mut waiter, tail, ..
        } = mem::replace(self, WaiterQueue::new());
        while let Some(links) = self.links_of(waiter) {
            // Don't read `next` of the tail, which is null: its cache line is then fetched once, for the write, and
            // not also before that for a read.
            let next = if ptr::eq(waiter, tail) { ptr::null() } else { links.next };
            links.enqueued = false;
            // SAFETY: invariant 3: the caller holds the mutex, and the waiter was in this queue until now.
            unsafe { Waiter::complete(waiter, outcome) };
            waiter = next;
        }
    }
}
