//! What can be seen of a queue without waiting.

use super::order::Order;
use super::queue::AnyQueue;
use core::fmt;

impl<T, O: Order<T>> AnyQueue<T, O> {
    /// How many items there are; by the time you look, that may have changed.
    ///
    /// ```
    /// assert_eq!(selvedge::Queue::<u32>::unbounded().len(), 0);
    /// ```
    #[inline]
    #[doc(alias = "qsize")]
    pub fn len(&self) -> usize {
        self.tally.len()
    }

    /// Whether there is no item; by the time you look, that may have changed.
    ///
    /// ```
    /// assert!(selvedge::Queue::<u32>::unbounded().is_empty());
    /// ```
    #[inline]
    #[doc(alias = "empty")]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room; by the time you look, that may have changed.
    ///
    /// ```
    /// let queue = selvedge::Queue::bounded(1);
    /// queue.put(7).unwrap();
    /// assert!(queue.is_full());
    /// ```
    #[inline]
    #[doc(alias = "full")]
    pub fn is_full(&self) -> bool {
        self.len() >= self.capacity
    }

    /// How many items it can hold; `None` if it is unbounded, or bounded by `usize::MAX`, which no memory holds.
    ///
    /// ```
    /// assert_eq!(selvedge::Queue::<u32>::bounded(3).capacity(), Some(3));
    /// ```
    #[inline]
    #[doc(alias = "maxsize")]
    pub fn capacity(&self) -> Option<usize> {
        Some(self.capacity).filter(|&capacity| capacity != usize::MAX)
    }

    /// Whether it has been shut down.
    ///
    /// ```
    /// let queue = selvedge::Queue::<u32>::unbounded();
    /// queue.shutdown();
    /// assert!(queue.is_shutdown());
    /// ```
    #[inline]
    pub fn is_shutdown(&self) -> bool {
        self.tally.is_shut()
    }
}

impl<T, O: Order<T>> fmt::Debug for AnyQueue<T, O> {
    /// Shows what can be seen without waiting.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("unfinished", &self.tally.unfinished())
            .field("is_shutdown", &self.is_shutdown())
            .finish()
    }
}
