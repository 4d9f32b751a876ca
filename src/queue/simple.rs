//! An unbounded queue without shutdown and `task_done`; Python's `queue.SimpleQueue`.

use super::{Queue, TryIter, order::Fifo};
use crate::backend::{Instant, const_fn};
use crate::sync::TimedOut;
use core::fmt;
use core::time::Duration;

/// An unbounded first-in, first-out queue that is never shut down and does not count items as done. A put
/// always succeeds and never waits for a get; a get fails only if its timeout or deadline has passed.
///
/// A put happens-before the get of its item. What [`AnyQueue`](super::AnyQueue)
/// says about panics and about the `Drop` of items also holds here.
///
/// # Python
/// `queue.SimpleQueue`. The arguments `block` and `timeout`, which its `put` ignores, do not exist here.
///
/// ```
/// static LOG: selvedge::SimpleQueue<String> = selvedge::SimpleQueue::new();
/// LOG.put("begun".into());
/// assert_eq!(LOG.get(), "begun");
/// ```
#[doc(alias = "queue.SimpleQueue")]
pub struct SimpleQueue<T> {
    queue: Queue<T>,
}

/// `SimpleQueue` has no method that shuts it down.
const NEVER_SHUT_DOWN: &str = "a simple queue is never shut down";

impl<T> SimpleQueue<T> {
    const_fn! {
        /// An empty queue.
        pub fn new() -> SimpleQueue<T> {
            SimpleQueue { queue: Queue::unbounded() }
        }
    }

    /// A queue without a ring, whose items are under a mutex. For models: each call is one or
    /// two steps, and any thread that has the last `Arc` may drop the queue (see `backend`).
    pub(crate) fn by_a_lock() -> SimpleQueue<T> {
        SimpleQueue {
            queue: Queue::bounded_by_a_lock(usize::MAX),
        }
    }

    /// Puts an item; never waits for a get.
    ///
    /// ```
    /// selvedge::SimpleQueue::new().put(7);
    /// ```
    #[inline]
    #[doc(alias("put_nowait", "push", "send"))]
    pub fn put(&self, item: T) {
        self.queue.put(item).expect(NEVER_SHUT_DOWN);
    }

    /// Puts items one after another; the items of other threads may come between
    /// them. Each item is put before the next one is taken from the iterator.
    ///
    /// ```
    /// let queue = selvedge::SimpleQueue::new();
    /// queue.put_many([1, 2]);
    /// assert_eq!(queue.drain(), [1, 2]);
    /// ```
    pub fn put_many(&self, items: impl IntoIterator<Item = T>) {
        self.queue.put_many(items).expect(NEVER_SHUT_DOWN);
    }

    /// Gets the next item if there is one; never waits for an item.
    ///
    /// ```
    /// assert_eq!(selvedge::SimpleQueue::<u32>::new().try_get(), None);
    /// ```
    #[inline]
    #[doc(alias = "get_nowait")]
    pub fn try_get(&self) -> Option<T> {
        self.queue.try_get().ok()
    }

    /// Gets the next item, and blocks until there is one.
    ///
    /// ```
    /// let queue = selvedge::SimpleQueue::new();
    /// queue.put(7);
    /// assert_eq!(queue.get(), 7);
    /// ```
    #[inline]
    #[doc(alias("pop", "recv"))]
    pub fn get(&self) -> T {
        self.queue.get().expect(NEVER_SHUT_DOWN)
    }

    /// Gets the next item, waiting for at most `timeout`; zero is one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if there was no item before the timeout.
    ///
    /// ```
    /// let queue = selvedge::SimpleQueue::<u32>::new();
    /// assert!(queue.get_timeout(std::time::Duration::from_millis(1)).is_err());
    /// ```
    #[inline]
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, TimedOut> {
        self.queue.get_timeout(timeout).map_err(|_| TimedOut)
    }

    /// Gets the next item, waiting until `deadline` at the latest; a deadline that has passed is one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if there was no item before the deadline.
    ///
    /// ```
    /// use selvedge::{Instant, SimpleQueue};
    /// assert!(SimpleQueue::<u32>::new().get_deadline(Instant::now()).is_err());
    /// ```
    #[inline]
    pub fn get_deadline(&self, deadline: Instant) -> Result<T, TimedOut> {
        self.queue.get_deadline(deadline).map_err(|_| TimedOut)
    }

    /// Gets all items in one atomic step; never waits for an item.
    ///
    /// ```
    /// assert!(selvedge::SimpleQueue::<u32>::new().drain().is_empty());
    /// ```
    pub fn drain(&self) -> Vec<T> {
        self.queue.drain()
    }

    /// An iterator that gets items until the queue is empty.
    ///
    /// ```
    /// let queue = selvedge::SimpleQueue::new();
    /// queue.put(7);
    /// assert_eq!(queue.try_iter().count(), 1);
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T, Fifo> {
        self.queue.try_iter()
    }

    /// The number of items. It may have changed when the call returns.
    ///
    /// ```
    /// assert_eq!(selvedge::SimpleQueue::<u32>::new().len(), 0);
    /// ```
    #[inline]
    #[doc(alias = "qsize")]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether the queue is empty. This may have changed when the call returns.
    ///
    /// ```
    /// assert!(selvedge::SimpleQueue::<u32>::new().is_empty());
    /// ```
    #[inline]
    #[doc(alias = "empty")]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

impl<T> Default for SimpleQueue<T> {
    /// An empty queue.
    fn default() -> SimpleQueue<T> {
        SimpleQueue::new()
    }
}

impl<T> Extend<T> for &SimpleQueue<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.put_many(items);
    }
}

impl<T> Extend<T> for SimpleQueue<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.put_many(items);
    }
}

impl<T> fmt::Debug for SimpleQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimpleQueue").field("len", &self.len()).finish()
    }
}
