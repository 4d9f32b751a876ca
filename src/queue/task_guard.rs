//! A guard that holds an item and counts it as done when it is dropped.

use super::counts::Counts;
use core::fmt;
use core::ops::{Deref, DerefMut};

/// An item that was got and is still to be finished. When the task is dropped, even by a panic, the item is dropped and
/// then counted as done. If [`task_done`](super::AnyQueue::task_done) was called too often before, nothing is counted.
///
/// The item of a leaked task is never counted as done:
/// [`join`](super::AnyQueue::join) waits until some thread calls `task_done` instead.
///
/// ```
/// let queue = selvedge::Queue::unbounded();
/// queue.put(String::from("wash")).unwrap();
/// let task = queue.get_task().unwrap();
/// assert_eq!((task.len(), queue.unfinished()), (4, 1));
/// drop(task);
/// queue.join();
/// ```
#[must_use = "the item is counted as done when the task is dropped"]
pub struct Task<'a, T> {
    item: T,
    finish: FinishOnDrop<'a>, // declared after `item`, so that it is dropped after it
}

/// Counts one item as done when it is dropped.
struct FinishOnDrop<'a>(&'a Counts);

impl<'a, T> Task<'a, T> {
    #[inline]
    pub(super) fn new(item: T, counts: &'a Counts) -> Task<'a, T> {
        Task {
            item,
            finish: FinishOnDrop(counts),
        }
    }

    /// Returns the item, and counts it as done now.
    ///
    /// ```
    /// let queue = selvedge::Queue::unbounded();
    /// queue.put(7).unwrap();
    /// assert_eq!(queue.get_task().unwrap().into_inner(), 7);
    /// assert_eq!(queue.unfinished(), 0);
    /// ```
    #[inline]
    pub fn into_inner(self) -> T {
        self.item
    }

    /// Returns the item without counting it as done; call [`task_done`](super::AnyQueue::task_done) for it later.
    ///
    /// ```
    /// let queue = selvedge::Queue::unbounded();
    /// queue.put(7).unwrap();
    /// assert_eq!(queue.get_task().unwrap().forget(), 7);
    /// assert_eq!(queue.unfinished(), 1);
    /// ```
    #[inline]
    pub fn forget(self) -> T {
        core::mem::forget(self.finish);
        self.item
    }
}

impl<T> Deref for Task<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.item
    }
}

impl<T> DerefMut for Task<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.item
    }
}

impl Drop for FinishOnDrop<'_> {
    #[inline]
    fn drop(&mut self) {
        let _ = self.0.finish(); // an error if `task_done` was called too often before
    }
}

impl<T: fmt::Debug> fmt::Debug for Task<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Task").field(&self.item).finish()
    }
}
