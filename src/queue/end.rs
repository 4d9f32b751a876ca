//! The end of items, and of the queue: done, joined, shut down.

use super::error::TooManyDone;
use super::order::Order;
use super::queue::AnyQueue;
use crate::backend::Instant;
use crate::sync::TimedOut;
use core::time::Duration;

impl<T, O: Order<T>> AnyQueue<T, O> {
    /// Counts an item done that was got. With the last one, all that [`join`](AnyQueue::join) return.
    ///
    /// # Errors
    /// [`TooManyDone`] if as many are done as were put; nothing changes.
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
        self.tally.finish()
    }

    /// How many items were put and are not done, got or not; by the time you look, that may have changed.
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
        self.tally.unfinished()
    }

    /// Whether all items that were put are done; never waits.
    ///
    /// ```
    /// assert!(selvedge::Queue::<u32>::unbounded().try_join());
    /// ```
    #[inline]
    pub fn try_join(&self) -> bool {
        self.tally.is_zero()
    }

    /// Waits until all items that were put are done. A shutdown does not end it: what is left must be got and done, or
    /// drained by [`shutdown_now`](AnyQueue::shutdown_now).
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
        let _ = self.tally.is_zero() || self.tally.await_zero(None);
    }

    /// [`join`](AnyQueue::join), for at most `timeout`; zero is one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if there were unfinished items all the time.
    ///
    /// ```
    /// let queue = selvedge::Queue::unbounded();
    /// queue.put(7).unwrap();
    /// assert!(queue.join_timeout(std::time::Duration::from_millis(1)).is_err());
    /// ```
    #[inline]
    pub fn join_timeout(&self, timeout: Duration) -> Result<(), TimedOut> {
        let zero = self.tally.is_zero() || self.tally.await_zero(Some(Instant::now() + timeout));
        zero.then_some(()).ok_or(TimedOut)
    }

    /// [`join`](AnyQueue::join), until `deadline` at the latest.
    ///
    /// # Errors
    /// [`TimedOut`] if there were unfinished items all the time.
    ///
    /// ```
    /// use selvedge::{Instant, Queue};
    /// assert!(Queue::<u32>::unbounded().join_deadline(Instant::now()).is_ok());
    /// ```
    #[inline]
    pub fn join_deadline(&self, deadline: Instant) -> Result<(), TimedOut> {
        let zero = self.tally.is_zero() || self.tally.await_zero(Some(deadline));
        zero.then_some(()).ok_or(TimedOut)
    }

    /// Ends the queue: nothing can be put any more, and what is in it can still be got. All who wait to put are refused,
    /// and all who wait to get, for there is nothing. May be called again.
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
            None => self.shut_down(self.hold()),
        }
    }

    /// Ends the queue and gives what was in it, the next first: nothing can be put or got any more. Each of these items is
    /// counted done, so that nobody joins for ever.
    ///
    /// # Panics
    /// If the `Ord` of an item does: the items are dropped. The queue is shut down.
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
            return self.ring_take_all(ring, true);
        }
        let mut held = self.hold();
        let items = self.take_all(&mut held);
        // Under the mutex, so that nobody sees them neither in nor done. Some may have been counted done before.
        self.tally.finish_of(O::len(&items));
        self.shut_down(held);
        O::into_vec(items)
    }
}
