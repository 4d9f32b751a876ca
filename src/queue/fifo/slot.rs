//! One slot of a ring: an item, and a stamp that says for which ticket the slot is ready.
//!
//! # State
//! The stamp is a ticket, whose lowest bits are free for FILLED.
//! ```text
//!   free for n ── fill(n) ──▶ holds n ── empty(n) ──▶ free for n + number of slots
//! ```
//! # Invariants
//! 1. Each ticket is filled once and emptied at most once, by the thread that has claimed it
//!    for this. That thread has exclusive access to `item` from the moment at which the stamp
//!    is ready for its ticket until it changes the stamp. A retired slot keeps its stamp after
//!    its item was moved to a larger buffer (`claim.rs`); no thread accesses its item again.

use crate::backend::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::backend::{cell::UnsafeCell, hint};
use crate::queue::counts::ITEM;
use crate::queue::wait_mode::Role;
use core::mem::MaybeUninit;

/// Aligned as allocators align: items of 256 bytes are moved in and out some 8 %
/// faster. The price: an item of 16 bytes takes a slot of 32 bytes instead of 24.
#[repr(align(16))]
pub(super) struct Slot<T> {
    stamp: AtomicUsize,
    item: UnsafeCell<MaybeUninit<T>>,
}

/// Added to the ticket in the stamp of a slot that holds the item.
/// It differs from each flag bit that forbids a claim (`claim.rs`).
const FILLED: usize = 2;

impl<T> Slot<T> {
    /// A buffer of `slots` slots, a power of two, for the tickets
    /// from `first` on; `slot` makes each slot from its ticket.
    pub(super) fn make_buffer(first: usize, slots: usize, slot: impl Fn(usize) -> Slot<T>) -> Box<[Slot<T>]> {
        let mask = (slots - 1) * ITEM;
        let ticket = |index: usize| first.wrapping_add((index * ITEM).wrapping_sub(first) & mask);
        (0..slots).map(ticket).map(slot).collect()
    }

    /// A slot that is free for the ticket.
    pub(super) fn free(ticket: usize) -> Slot<T> {
        Slot {
            stamp: AtomicUsize::new(ticket),
            item: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Whether a thread of that role can claim the ticket: the slot is free for it, or holds its item.
    #[inline(always)]
    pub(super) fn is_ready(&self, role: Role, ticket: usize) -> bool {
        // ORDERING: Acquire; synchronizes with the Release in `fill`: the item is
        // visible to the getter that removes it. It also synchronizes with the Release
        // in `ReleaseOnDrop::drop`: the next putter writes after the getter has read.
        self.stamp.load(Acquire) == ready_stamp(role, ticket)
    }

    /// Writes the item of a ticket that the caller has claimed.
    #[inline(always)]
    pub(super) fn fill(&self, ticket: usize, item: T) {
        // SAFETY: invariant 1: the caller has claimed the ticket, and the slot is empty.
        self.item.with_mut(|cell| unsafe { cell.cast::<T>().write(item) });
        // ORDERING: Release; synchronizes with the Acquire in `is_ready`
        // and `await_ready`: the item is visible to the getter.
        self.stamp.store(ready_stamp(Role::Getter, ticket), Release);
    }

    /// Removes the item of a ticket that the caller has claimed,
    /// passes it to `wrap`, and frees the slot for the ticket `next`.
    #[inline(always)]
    pub(super) fn empty<R>(&self, next: usize, wrap: impl FnOnce(T) -> R) -> R {
        let _release = ReleaseOnDrop { slot: self, next };
        // SAFETY: invariant 1: the caller has claimed the ticket, and the slot holds its item.
        self.item.with_mut(|cell| wrap(unsafe { cell.cast::<T>().read() }))
    }

    /// Spins until the slot is ready for the ticket and the role, or for a later ticket. The thread
    /// that has claimed the slot before does not block until it has filled or emptied it. If the
    /// caller has not claimed the ticket, another thread may have done so when this returns.
    pub(super) fn await_ready(&self, role: Role, ticket: usize) {
        // ORDERING: Acquire; synchronizes with the Release in `fill` and in `ReleaseOnDrop::drop`, as in `is_ready`.
        hint::spin_until(&self.stamp, Acquire, |stamp| {
            stamp.wrapping_sub(ready_stamp(role, ticket)) <= usize::MAX / 2
        });
    }

    /// Moves the item of that ticket into a new slot, as soon as
    /// it is filled. No thread can claim the ticket at that time.
    pub(super) fn relocate(&self, ticket: usize) -> Slot<T> {
        self.await_ready(Role::Getter, ticket);
        // SAFETY: invariant 1: no thread has claimed the ticket for
        // a get, and no thread claims it in this slot from now on.
        let item = self.item.with_mut(|cell| unsafe { cell.read() });
        Slot {
            stamp: AtomicUsize::new(ready_stamp(Role::Getter, ticket)),
            item: UnsafeCell::new(item),
        }
    }

    /// Called for a retired slot: clears FILLED, so that the drop of the slot does not drop the item that was moved.
    pub(super) fn forget(&self) {
        self.stamp.fetch_and(!FILLED, Relaxed);
    }
}

/// The stamp of a slot that is ready for the ticket and the role.
#[inline(always)]
fn ready_stamp(role: Role, ticket: usize) -> usize {
    match role {
        Role::Putter => ticket,
        Role::Getter => ticket.wrapping_add(FILLED),
    }
}

/// Frees the slot for the ticket `next` when it is dropped. So the item is read directly into
/// its destination: if a local variable held it until this store, a big item would be copied.
struct ReleaseOnDrop<'a, T> {
    slot: &'a Slot<T>,
    next: usize,
}

impl<T> Drop for ReleaseOnDrop<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // ORDERING: Release; synchronizes with the Acquire in `is_ready` and `await_ready`:
        // the putter that fills the slot next writes after this thread has read.
        self.slot.stamp.store(self.next, Release);
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        if self.stamp.load(Relaxed) & FILLED != 0 {
            // SAFETY: invariant 1: the slot holds an item, and no other thread has a reference to the slot.
            self.item.with_mut(|cell| unsafe { cell.cast::<T>().drop_in_place() });
        }
    }
}
