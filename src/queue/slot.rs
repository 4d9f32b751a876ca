//! Where one item of a ring lies.
//!
//! # State
//! The stamp is an item's number, which leaves its lowest bits free.
//! ```text
//!   free for n ── fill(n) ──▶ holds n ── empty(n) ──▶ free for n + number of slots
//! ```
//! # Invariants
//! 1. Each number is filled once, and emptied once at most, by who has claimed it: the item is its own from when the stamp
//!    says that it is free for the number, or holds it, until it changes the stamp.

use super::turn::Side;
use crate::backend::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::backend::{cell::UnsafeCell, hint};
use core::mem::MaybeUninit;

pub(super) struct Slot<T> {
    stamp: AtomicUsize,
    item: UnsafeCell<MaybeUninit<T>>,
}

/// What is added to the number in the stamp of a slot that holds it.
const HELD: usize = 1;

impl<T> Slot<T> {
    pub(super) fn free_for(number: usize) -> Slot<T> {
        Slot { stamp: AtomicUsize::new(number), item: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// Whether it holds that number.
    #[inline]
    pub(super) fn holds(&self, number: usize) -> bool {
        // ORDERING: Acquire pairs with the Release in `fill`: who is going to take the item sees it.
        self.stamp.load(Acquire) == number + HELD
    }

    /// Whether that number can be claimed for it.
    #[inline]
    pub(super) fn is_free_for(&self, number: usize) -> bool {
        // ORDERING: Acquire pairs with the Release in `empty`: who is going to write does so after that.
        self.stamp.load(Acquire) == number
    }

    /// Puts in the item whose number was claimed, when the one before is out.
    #[inline]
    pub(super) fn fill(&self, number: usize, item: T) {
        self.await_stamp(number);
        // SAFETY: invariant 1: it is ours, and empty.
        self.item.with_mut(|cell| unsafe { cell.cast::<T>().write(item) });
        // ORDERING: Release pairs with the Acquire of who takes the item: it sees it.
        self.stamp.store(number + HELD, Release);
    }

    /// Takes out the item whose number was claimed, and leaves the slot to the next.
    #[inline]
    pub(super) fn empty(&self, number: usize, next: usize) -> T {
        self.await_stamp(number + HELD);
        // SAFETY: invariant 1: it is ours, and holds an item.
        let item = self.item.with_mut(|cell| unsafe { cell.cast::<T>().read() });
        // ORDERING: Release pairs with the Acquire of who fills it next: it writes after we have read.
        self.stamp.store(next, Release);
        item
    }

    /// Until the one before us has done with the slot: it has claimed it, and does not sleep.
    #[inline]
    fn await_stamp(&self, stamp: usize) {
        // ORDERING: Acquire pairs with the Release of who had the slot: we touch it after that.
        if self.stamp.load(Acquire) != stamp {
            hint::spin_until(&self.stamp, |seen| seen == stamp);
        }
    }

    /// Until that side can claim the number; by then another may have been faster.
    pub(super) fn await_turn(&self, side: Side, number: usize) {
        let least = if side == Side::Getters { number + HELD } else { number };
        hint::spin_until(&self.stamp, |stamp| stamp.wrapping_sub(least) <= usize::MAX / 2);
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        if self.stamp.load(Relaxed) & HELD != 0 {
            // SAFETY: invariant 1: it holds an item, and nobody else knows it.
            self.item.with_mut(|cell| unsafe { cell.cast::<T>().drop_in_place() });
        }
    }
}
