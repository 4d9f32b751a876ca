//! Observers of a queue that never block, `task_done` and `join`, and the shutdown.

use super::error::TooManyDone;
use super::order::Order;
use super::queue::AnyQueue;
use crate::backend::Instant;
use crate::sync::TimedOut;
use core::fmt;
use core::time::Duration;

impl<T, O: Order<T>> AnyQueue<T, O> {
    /// The number of items. It may have changed when the call returns.
    ///
    /// ```
    /// assert_eq!(selvedge::Queue::<u32>::unbounded().len(), 0);
    /// ```
    #[inline]
    #[doc(alias = "qsize")]
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether the queue is empty. This may have changed when the call returns.
    ///
    /// ```
    /// assert!(selvedge::Queue::<u32>::unbounded().is_empty());
    /// ```
    #[inline]
    #[doc(alias = "empty")]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the queue is full. This may have changed when the call returns.
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

    /// How many items the queue can hold; `None` if it is unbounded. A bound
    /// of `usize::MAX`, which no memory can hold, counts as unbounded.
    ///
    /// ```
    /// assert_eq!(selvedge::Queue::<u32>::bounded(3).capacity(), Some(3));
    /// ```
    #[inline]
    #[doc(alias = "maxsize")]
    pub fn capacity(&self) -> Option<usize> {
        Some(self.capacity).filter(|&capacity| capacity != usize::MAX)
    }

    /// Whether the queue is shut down.
    ///
    /// ```
    /// let queue = selvedge::Queue::<u32>::unbounded();
    /// queue.shutdown();
    /// assert!(queue.is_shutdown());
    /// ```
    #[inline]
    pub fn is_shutdown(&self) -> bool {
        self.counts.is_shut()
    }

    /// Counts an item that was got as done. When all items are done, each [`join`](AnyQueue::join) returns.
    ///
    /// # Errors
    /// [`TooManyDone`] if all items that were put are done already; nothing changes.
    ///
    /// ```
    /// use selvedge::{Queue, TooManyDone};
    /// let queue = Queue::unbounded();
    /// queue.put(7).unwrap();
    /// queue.get().unwrap();
    /// assert_eq!(queue.task_done(), Ok(()));
    /// assert_eq!(queue.task_done(), Err(TooManyDone));
    /// ```
    #[inline]
    pub fn task_done(&self) -> Result<(), TooManyDone> {
        self.counts.finish()
    }

    /// The number of items that were put and are not done, whether they
    /// were got or not. It may have changed when the call returns.
    ///
    /// ```
    /// let queue = selvedge::Queue::unbounded();
    /// queue.put(7).unwrap();
    /// queue.get().unwrap();
    /// assert_eq!(queue.unfinished(), 1);
    /// ```
    #[inline]
    #[doc(alias = "unfinished_tasks")]
    pub fn unfinished(&self) -> usize {
        self.counts.unfinished()
    }

    /// Whether all items that were put are done; never blocks.
    ///
    /// ```
    /// assert!(selvedge::Queue::<u32>::unbounded().try_join());
    /// ```
    #[inline]
    pub fn try_join(&self) -> bool {
        self.counts.is_all_done()
    }

    /// Waits until all items that were put are done. A shutdown does not end the wait: the items that
    /// remain must be got and counted as done, or removed by [`shutdown_now`](AnyQueue::shutdown_now).
    ///
    /// ```
    /// use selvedge::Queue;
    /// static QUEUE: Queue<u32> = Queue::unbounded();
    /// QUEUE.put(7).unwrap();
    /// std::thread::spawn(|| drop(QUEUE.get_task()));
    /// QUEUE.join();
    /// assert_eq!(QUEUE.unfinished(), 0);
    /// ```
    #[inline]
    pub fn join(&self) {
        let _ = self.counts.is_all_done() || self.counts.await_all_done(None);
    }

    /// [`join`](AnyQueue::join), for at most `timeout`; zero is one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if there were unfinished items until `timeout` had elapsed.
    ///
    /// ```
    /// let queue = selvedge::Queue::unbounded();
    /// queue.put(7).unwrap();
    /// assert!(queue.join_timeout(std::time::Duration::from_millis(1)).is_err());
    /// ```
    #[inline]
    pub fn join_timeout(&self, timeout: Duration) -> Result<(), TimedOut> {
        let done = self.counts.is_all_done() || self.counts.await_all_done(Some(Instant::now() + timeout));
        done.then_some(()).ok_or(TimedOut)
    }

    /// [`join`](AnyQueue::join), until `deadline` at the latest.
    ///
    /// # Errors
    /// [`TimedOut`] if there were unfinished items until `deadline` had passed.
    ///
    /// ```
    /// use selvedge::{Instant, Queue};
    /// assert!(Queue::<u32>::unbounded().join_deadline(Instant::now()).is_ok());
    /// ```
    #[inline]
    pub fn join_deadline(&self, deadline: Instant) -> Result<(), TimedOut> {
        let done = self.counts.is_all_done() || self.counts.await_all_done(Some(deadline));
        done.then_some(()).ok_or(TimedOut)
    }

    /// Shuts the queue down: no item can be put any more, and the items that are in the queue can still
    /// be got. Threads that are blocked in a put or a get return with an error. May be called again.
    ///
    /// ```
    /// let queue = selvedge::Queue::unbounded();
    /// queue.put(7).unwrap();
    /// queue.shutdown();
    /// assert!(queue.put(8).is_err());
    /// assert_eq!(queue.get(), Ok(7));
    /// assert!(queue.get().is_err());
    /// ```
    #[doc(alias = "close")]
    pub fn shutdown(&self) {
        match self.ring() {
            Some(ring) => self.ring_shut_down(ring),
            None => self.shut_down(self.lock()),
        }
    }

    /// Shuts the queue down and returns its items, the next item first: no item can be put or
    /// got any more. Each returned item is counted as done, so that no `join` waits for it.
    ///
    /// # Panics
    /// If the `Ord` of an item panics: the items are dropped. The queue is shut down.
    ///
    /// ```
    /// let queue = selvedge::Queue::unbounded();
    /// queue.put(7).unwrap();
    /// assert_eq!(queue.shutdown_now(), [7]);
    /// assert!(queue.get().is_err());
    /// queue.join();
    /// ```
    #[doc(alias("shutdown", "immediate"))]
    pub fn shutdown_now(&self) -> Vec<T> {
        if let Some(ring) = self.ring() {
            return self.ring_remove_all(ring, true);
        }
        let mut guard = self.lock();
        let items = self.remove_all(&mut guard);
        // Under the mutex, so that each thread observes the items as queued
        // or as done. Some of them may have been counted as done before.
        self.counts.finish_up_to(O::len(&items));
        self.shut_down(guard);
        O::into_vec(items)
    }
}

impl<T, O: Order<T>> fmt::Debug for AnyQueue<T, O> {
    /// Shows the state without blocking.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("unfinished", &self.counts.unfinished())
            .field("is_shutdown", &self.is_shutdown())
            .finish()
    }
}
