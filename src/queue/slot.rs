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

    /// Puts in the item whose number was claimed.
    #[inline(always)]
    pub(super) fn fill(&self, number: usize, item: T) {
        // SAFETY: invariant 1: it is ours, and empty.
        self.item.with_mut(|cell| unsafe { cell.cast::<T>().write(item) });
        // ORDERING: Release pairs with the Acquire of who takes the item: it sees it.
        self.stamp.store(number + HELD, Release);
    }

    /// Takes out the item whose number was claimed, wraps it, and leaves the slot to the next.
    #[inline(always)]
    pub(super) fn empty<R>(&self, next: usize, wrap: impl FnOnce(T) -> R) -> R {
        let _left = Left { slot: self, next };
        // SAFETY: invariant 1: it is ours, and holds an item.
        self.item.with_mut(|cell| wrap(unsafe { cell.cast::<T>().read() }))
    }

    /// Until that side can fill or empty it for the number: until the one before has done with it, who does not sleep. Unless
    /// the number is the caller's, another may have been faster by then.
    pub(super) fn await_turn(&self, side: Side, number: usize) {
        let least = if side == Side::Getters { number + HELD } else { number };
        // ORDERING: Acquire pairs with the Release of who has done with it, as in `holds` and `is_free_for`.
        hint::spin_until(&self.stamp, Acquire, |stamp| stamp.wrapping_sub(least) <= usize::MAX / 2);
    }
}

/// Dropped, it leaves the slot to the next. So the item is read to where it is wanted: kept until then, a big one would be copied.
struct Left<'a, T> {
    slot: &'a Slot<T>,
    next: usize,
}

impl<T> Drop for Left<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // ORDERING: Release pairs with the Acquire of who fills it next: it writes after we have read.
        self.slot.stamp.store(self.next, Release);
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
