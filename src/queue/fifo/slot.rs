//! Where one item of a ring lies.
//!
//! # State
//! The stamp is an item's number, which leaves its lowest bits free.
//! ```text
//!   free for n ── fill(n) ──▶ holds n ── empty(n) ──▶ free for n + number of slots
//! ```
//! # Invariants
//! 1. Each number is filled once, and emptied once at most, by who has claimed it: the item is its own from when the stamp
//!    says that it is free for the number, or holds it, until it changes the stamp. An old slot keeps it when the item has
//!    been moved (`ring.rs`): it is nobody's.

use crate::backend::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::backend::{cell::UnsafeCell, hint};
use crate::queue::counts::ITEM;
use crate::queue::wait_mode::Role;
use core::mem::MaybeUninit;

/// As allocators align: 256 bytes go in and out some 8 % faster. The price: an item of 16 bytes has a slot of 32, not of 24.
#[repr(align(16))]
pub(super) struct Slot<T> {
    stamp: AtomicUsize,
    item: UnsafeCell<MaybeUninit<T>>,
}

/// What is added to the number in the stamp of a slot that holds it: no flag that forbids a claim (`ring.rs`).
const FILLED: usize = 2;

impl<T> Slot<T> {
    /// As many slots, a power of two, for the numbers from `first` on: `slot` makes each from its number.
    pub(super) fn make_buffer(first: usize, slots: usize, slot: impl Fn(usize) -> Slot<T>) -> Box<[Slot<T>]> {
        let mask = (slots - 1) * ITEM;
        let ticket = |index: usize| first.wrapping_add((index * ITEM).wrapping_sub(first) & mask);
        (0..slots).map(ticket).map(slot).collect()
    }

    /// One without an item.
    pub(super) fn free(ticket: usize) -> Slot<T> {
        Slot {
            stamp: AtomicUsize::new(ticket),
            item: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Whether that side can claim the number for it.
    #[inline(always)]
    pub(super) fn is_ready(&self, role: Role, ticket: usize) -> bool {
        // ORDERING: Acquire pairs with the Release in `fill`: who is going to take the item sees it; and with that in `empty`: who is
        // going to write does so after that.
        self.stamp.load(Acquire) == ready_stamp(role, ticket)
    }

    /// Puts in the item whose number was claimed.
    #[inline(always)]
    pub(super) fn fill(&self, ticket: usize, item: T) {
        // SAFETY: invariant 1: it is ours, and empty.
        self.item.with_mut(|cell| unsafe { cell.cast::<T>().write(item) });
        // ORDERING: Release pairs with the Acquire of who takes the item: it sees it.
        self.stamp.store(ready_stamp(Role::Getter, ticket), Release);
    }

    /// Takes out the item whose number was claimed, wraps it, and leaves the slot to the next.
    #[inline(always)]
    pub(super) fn empty<R>(&self, next: usize, wrap: impl FnOnce(T) -> R) -> R {
        let _release = ReleaseOnDrop { slot: self, next };
        // SAFETY: invariant 1: it is ours, and holds an item.
        self.item.with_mut(|cell| wrap(unsafe { cell.cast::<T>().read() }))
    }

    /// Until that side can fill or empty it for the number: until the one before has done with it, who does not sleep. Unless
    /// the number is the caller's, another may have been faster by then.
    pub(super) fn await_ready(&self, role: Role, ticket: usize) {
        // ORDERING: Acquire pairs with the Release of who has done with it, as in `is_ready`.
        hint::spin_until(&self.stamp, Acquire, |stamp| {
            stamp.wrapping_sub(ready_stamp(role, ticket)) <= usize::MAX / 2
        });
    }

    /// A new slot with the item of that number, which is moved as soon as it is here; no thread can claim it.
    pub(super) fn relocate(&self, ticket: usize) -> Slot<T> {
        self.await_ready(Role::Getter, ticket);
        // SAFETY: invariant 1: no thread has claimed it, and no thread claims it here from now on.
        let item = self.item.with_mut(|cell| unsafe { cell.read() });
        Slot {
            stamp: AtomicUsize::new(ready_stamp(Role::Getter, ticket)),
            item: UnsafeCell::new(item),
        }
    }

    /// Of an old slot: its item was moved.
    pub(super) fn forget(&self) {
        self.stamp.fetch_and(!FILLED, Relaxed);
    }
}

/// The stamp of a slot that is ready for the number.
#[inline(always)]
fn ready_stamp(role: Role, ticket: usize) -> usize {
    match role {
        Role::Putter => ticket,
        Role::Getter => ticket.wrapping_add(FILLED),
    }
}

/// Dropped, it leaves the slot to the next. So the item is read to where it is wanted: kept until then, a big one would be copied.
struct ReleaseOnDrop<'a, T> {
    slot: &'a Slot<T>,
    next: usize,
}

impl<T> Drop for ReleaseOnDrop<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // ORDERING: Release pairs with the Acquire of who fills it next: it writes after we have read.
        self.slot.stamp.store(self.next, Release);
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        if self.stamp.load(Relaxed) & FILLED != 0 {
            // SAFETY: invariant 1: it holds an item, and nobody else knows it.
            self.item.with_mut(|cell| unsafe { cell.cast::<T>().drop_in_place() });
        }
    }
}
