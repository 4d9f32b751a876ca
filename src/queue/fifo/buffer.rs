//! The slots of a ring in a buffer that can be replaced by a larger one. Replaced
//! buffers are retired, not freed: other threads may still load their slots.
//!
//! # Invariants
//! 1. `mask` belongs to the current buffer or to an earlier, smaller one. So an index made
//!    with `mask` lies within the buffer that `first`, loaded after `mask`, points to.
//! 2. All buffers live until this value is dropped. The items of retired buffers were moved.
//! 3. `retired` is accessed only under the queue's mutex, or by the owner of this value.

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
    /// The number of slots, a power of two, less one; in units of ITEM.
    mask: AtomicUsize,
    /// Guarded by the queue's mutex.
    retired: UnsafeCell<Vec<*mut [Slot<T>]>>,
}

// SAFETY: an item is accessed only by the thread that has claimed its ticket
// (invariant 1 of `slot.rs`), and `retired` only under the mutex (invariant 3).
unsafe impl<T: Send> Send for Buffer<T> {}
// SAFETY: as for `Send`.
unsafe impl<T: Send> Sync for Buffer<T> {}

impl<T> Buffer<T> {
    const_fn! {
        /// No buffer yet; the first one that is published will have `slots` slots.
        #[inline]
        pub(super) fn new(slots: usize) -> Buffer<T> {
            Buffer {
                first: AtomicPtr::new(ptr::null_mut()),
                mask: AtomicUsize::new((slots - 1) * ITEM),
                retired: UnsafeCell::new(Vec::new()),
            }
        }
    }

    /// The slot of a ticket, and the mask with which it was found. If no thread has claimed
    /// the ticket, the slot may be stale; a stale slot may never be ready for the ticket.
    #[inline(always)]
    pub(super) fn find(&self, ticket: usize) -> Option<(&Slot<T>, usize)> {
        // ORDERING: Acquire; synchronizes with the Release store of `mask`
        // in `publish`: the `first` loaded next is not older (invariant 1).
        let mask = self.mask.load(Acquire);
        // ORDERING: Acquire; synchronizes with the Release store of
        // `first` in `publish`: the slots of the buffer are visible.
        let first = self.first.load(Acquire);
        let slot = first.wrapping_add((ticket & mask) / ITEM);
        // SAFETY: the index is within the buffer (invariant 1), which is still allocated (invariant 2).
        (!first.is_null()).then(|| (unsafe { &*slot }, mask))
    }

    /// Called by a thread that has claimed a ticket: whether the slot found with that mask is in the current buffer.
    #[inline(always)]
    pub(super) fn is_current(&self, mask: usize) -> bool {
        self.mask.load(Relaxed) == mask
    }

    /// The number of slots in units of ITEM. Exact if the caller holds the mutex or has claimed a ticket.
    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.mask.load(Relaxed) + ITEM
    }

    /// Called under the mutex: makes `new` the current buffer and retires the old one.
    pub(super) fn publish(&self, new: Box<[Slot<T>]>) {
        let (old, mask) = (self.current(), (new.len() - 1) * ITEM);
        // SAFETY: invariant 3: this thread holds the mutex.
        self.retired.with_mut(|retired| unsafe { &mut *retired }.extend(old));
        // ORDERING: Release; synchronizes with the Acquire load of `first` in `find`: the new slots are visible.
        self.first.store(Box::into_raw(new).cast(), Release);
        // ORDERING: Release; synchronizes with the Acquire load of `mask` in
        // `find`: a thread that observes this mask also observes the new `first`.
        self.mask.store(mask, Release);
    }

    /// Called under the mutex: the current buffer, if there is one, as `Box::into_raw` returned it.
    fn current(&self) -> Option<*mut [Slot<T>]> {
        let first = self.first.load(Relaxed);
        (!first.is_null()).then(|| ptr::slice_from_raw_parts_mut(first, self.capacity() / ITEM))
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        // SAFETY: invariant 3: `&mut self` is the only reference.
        let retired = self.retired.with_mut(|retired| unsafe { mem::take(&mut *retired) });
        // SAFETY: invariant 2: each pointer came from `Box::into_raw`
        // in `publish`, and no thread accesses the slots any more.
        let boxed = |slots| unsafe { Box::from_raw(slots) };
        retired
            .into_iter()
            .map(boxed)
            .for_each(|slots| slots.iter().for_each(Slot::forget));
        drop(self.current().map(boxed));
    }
}
