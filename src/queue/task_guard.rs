//! An item that counts itself done.

use super::counts::Counts;
use core::fmt;
use core::ops::{Deref, DerefMut};

/// An item that was got with the promise to finish it: when it is dropped, also by a panic, the item is dropped, and then
/// counted done. Where `task_done` was called too often already, nothing is counted.
///
/// A leaked task is never done: [`join`](super::AnyQueue::join) waits until somebody calls
/// [`task_done`](super::AnyQueue::task_done) in its stead.
///
/// ```
/// let queue = selvedge::Queue::unbounded();
/// queue.put(String::from("wash")).unwrap();
/// let task = queue.get_task().unwrap();
/// assert_eq!((task.len(), queue.unfinished()), (4, 1));
/// drop(task);
/// queue.join();
/// ```
#[must_use = "the task is counted done when it is dropped"]
pub struct Task<'a, T> {
    item: T,
    finish: FinishOnDrop<'a>, // after the item, so that it is dropped after it
}

/// Counts one item done when it is dropped.
struct FinishOnDrop<'a>(&'a Counts);

impl<'a, T> Task<'a, T> {
    #[inline]
    pub(super) fn new(item: T, counts: &'a Counts) -> Task<'a, T> {
        Task {
            item,
            finish: FinishOnDrop(counts),
        }
    }

    /// Takes the item out, and counts it done now.
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

    /// Takes the item out, and leaves it to [`task_done`](super::AnyQueue::task_done) to count it.
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
        let _ = self.0.finish(); // an error if too many were counted done before
    }
}

impl<T: fmt::Debug> fmt::Debug for Task<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Task").field(&self.item).finish()
    }
}
