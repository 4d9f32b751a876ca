//! What a call that puts many items has not put.

use core::fmt;
use core::iter::{Fuse, FusedIterator};
use std::collections::{VecDeque, vec_deque};

/// The items that a call has not put, in order: first those that it had taken from its iterator, then those that are still in
/// the iterator, which are taken from it as this is advanced.
///
/// A call that was given `&mut` of an iterator holds only the first in its error when that is dropped; the others stay in the
/// iterator.
///
/// ```
/// let queue = selvedge::Queue::bounded(2);
/// let rest = queue.try_put_many(1..).unwrap_err().into_inner();
/// assert!(rest.take(3).eq([3, 4, 5]));
/// ```
pub struct Rest<I: Iterator> {
    taken: vec_deque::IntoIter<I::Item>,
    items: Fuse<I>,
}

impl<I: Iterator> Rest<I> {
    pub(super) fn new(taken: VecDeque<I::Item>, items: Fuse<I>) -> Rest<I> {
        Rest { taken: taken.into_iter(), items }
    }
}

impl<I: Iterator> Iterator for Rest<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.taken.next().or_else(|| self.items.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (taken, (least, most)) = (self.taken.len(), self.items.size_hint());
        (taken.saturating_add(least), most.and_then(|most| taken.checked_add(most)))
    }
}

impl<I: ExactSizeIterator> ExactSizeIterator for Rest<I> {}

impl<I: Iterator> FusedIterator for Rest<I> {}

impl<I: Iterator> fmt::Debug for Rest<I> {
    /// Shows how many were taken from the iterator.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest").field("taken", &self.taken.len()).finish_non_exhaustive()
    }
}
