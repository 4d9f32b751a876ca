//! The slots of a ring, which may be replaced by more. Nobody waits for those who still look at the old ones: they are kept.
//!
//! # Invariants
//! 1. `mask` is that of the slots, or of fewer before them: a place is always one of the slots that are found after it.
//! 2. All slots live as long as this. What was in the old ones was moved.

use super::slot::Slot;
use crate::backend::atomic::{
    AtomicPtr, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::backend::{cell::UnsafeCell, const_fn};
use crate::queue::counts::ITEM;
use core::{mem, ptr};

pub(super) struct Buffer<T> {
    first: AtomicPtr<Slot<T>>,
    /// How many there are, a power of two, less one; in items.
    mask: AtomicUsize,
    /// Under the mutex.
    retired: UnsafeCell<Vec<*mut [Slot<T>]>>,
}

// SAFETY: an item is moved by who has claimed its number (`slot.rs`), and `old` touched by who holds the mutex.
unsafe impl<T: Send> Send for Buffer<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Buffer<T> {}

impl<T> Buffer<T> {
    const_fn! {
        /// None, until so many are published.
        #[inline]
        pub(super) fn new(slots: usize) -> Buffer<T> {
            Buffer {
                first: AtomicPtr::new(ptr::null_mut()),
                mask: AtomicUsize::new((slots - 1) * ITEM),
                retired: UnsafeCell::new(Vec::new()),
            }
        }
    }

    /// The slot of that number, if it was claimed; of another, it may be one that is never ready for it. And the mask by which it
    /// was found.
    #[inline(always)]
    pub(super) fn find(&self, ticket: usize) -> Option<(&Slot<T>, usize)> {
        // ORDERING: Acquire pairs with the Release in `publish`, for invariant 1.
        let mask = self.mask.load(Acquire);
        // ORDERING: Acquire pairs with the Release in `publish`: we see the slots that we find.
        let first = self.first.load(Acquire);
        let slot = first.wrapping_add((ticket & mask) / ITEM);
        // SAFETY: invariants 1 and 2.
        (!first.is_null()).then(|| (unsafe { &*slot }, mask))
    }

    /// To who has claimed a number: whether the slot that was found by that mask is still the one.
    #[inline(always)]
    pub(super) fn is_current(&self, mask: usize) -> bool {
        self.mask.load(Relaxed) == mask
    }

    /// How many there are, in items: to who holds the mutex, or has claimed a number.
    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.mask.load(Relaxed) + ITEM
    }

    /// Under the mutex: these are the slots now.
    pub(super) fn publish(&self, new: Box<[Slot<T>]>) {
        let (old, mask) = (self.current(), (new.len() - 1) * ITEM);
        // SAFETY: we hold the mutex.
        self.retired.with_mut(|retired| unsafe { &mut *retired }.extend(old));
        // ORDERING: Release pairs with the Acquire in `find`.
        self.first.store(Box::into_raw(new).cast(), Release);
        // ORDERING: Release pairs with the Acquire in `find`: who sees the mask sees the slots.
        self.mask.store(mask, Release);
    }

    /// Under the mutex: all slots, if there are any, as they came out of their box.
    fn current(&self) -> Option<*mut [Slot<T>]> {
        let first = self.first.load(Relaxed);
        (!first.is_null()).then(|| ptr::slice_from_raw_parts_mut(first, self.capacity() / ITEM))
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        // SAFETY: it is ours.
        let retired = self.retired.with_mut(|retired| unsafe { mem::take(&mut *retired) });
        // SAFETY: they came out of boxes, and nobody looks at them any more.
        let boxed = |slots| unsafe { Box::from_raw(slots) };
        retired
            .into_iter()
            .map(boxed)
            .for_each(|slots| slots.iter().for_each(Slot::forget));
        drop(self.current().map(boxed));
    }
}
