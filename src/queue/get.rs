//! All forms of get.

use super::error::{GetError, ShutDown};
use super::order::Order;
use super::queue::AnyQueue;
use super::task_guard::Task;
use super::wait_mode::{Blocked, Role, WaitMode};
use crate::backend::Instant;
use core::fmt;
use core::time::Duration;

impl<T, O: Order<T>> AnyQueue<T, O> {
    /// Gets the next item if there is one; never waits for an item.
    ///
    /// If another thread was preempted in the middle of a put, after it has claimed a ticket and
    /// before it has stored the item, this call yields until that thread has finished the put.
    ///
    /// # Errors
    /// [`GetError::Empty`] or [`GetError::ShutDown`].
    ///
    /// # Panics
    /// If the `Ord` of an item panics: all items are still in the queue. This holds for all forms of get.
    ///
    /// ```
    /// use selvedge::{GetError, Queue};
    /// let queue = Queue::unbounded();
    /// assert_eq!(queue.try_get(), Err(GetError::Empty));
    /// queue.put(7).unwrap();
    /// assert_eq!(queue.try_get(), Ok(7));
    /// ```
    #[inline]
    #[doc(alias("get_nowait", "try_recv"))]
    pub fn try_get(&self) -> Result<T, GetError> {
        self.get_one(&WaitMode::NoWait)
    }

    /// Gets the next item, and blocks until there is one. After a shutdown it still returns the items that remain.
    ///
    /// # Errors
    /// [`ShutDown`] if the queue is shut down and empty.
    ///
    /// ```
    /// use selvedge::{Queue, ShutDown};
    /// let queue = Queue::unbounded();
    /// queue.put(7).unwrap();
    /// queue.shutdown();
    /// assert_eq!(queue.get(), Ok(7));
    /// assert_eq!(queue.get(), Err(ShutDown(())));
    /// ```
    #[inline]
    #[doc(alias("pop", "recv"))]
    pub fn get(&self) -> Result<T, ShutDown> {
        self.get_one(&WaitMode::Indefinite)
    }

    /// Gets the next item, waiting for at most `timeout`; zero is one attempt.
    ///
    /// # Errors
    /// [`GetError::Empty`] if there was no item before the timeout, or [`GetError::ShutDown`].
    ///
    /// ```
    /// use selvedge::{GetError, Queue};
    /// let queue = Queue::<u32>::unbounded();
    /// assert_eq!(queue.get_timeout(std::time::Duration::from_millis(1)), Err(GetError::Empty));
    /// ```
    #[inline]
    #[doc(alias = "recv_timeout")]
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, GetError> {
        self.get_one(&WaitMode::Timeout(timeout))
    }

    /// Gets the next item, waiting until `deadline` at the latest; a deadline that has passed is one attempt.
    ///
    /// # Errors
    /// [`GetError::Empty`] if there was no item before the deadline, or [`GetError::ShutDown`].
    ///
    /// ```
    /// use selvedge::{GetError, Instant, Queue};
    /// assert_eq!(Queue::<u32>::unbounded().get_deadline(Instant::now()), Err(GetError::Empty));
    /// ```
    #[inline]
    #[doc(alias = "recv_deadline")]
    pub fn get_deadline(&self, deadline: Instant) -> Result<T, GetError> {
        self.get_one(&WaitMode::Deadline(deadline))
    }

    /// [`try_get`](AnyQueue::try_get), as a [`Task`], which counts the item as done when it is dropped.
    ///
    /// # Errors
    /// [`GetError::Empty`] or [`GetError::ShutDown`].
    ///
    /// ```
    /// assert!(selvedge::Queue::<u32>::unbounded().try_get_task().is_err());
    /// ```
    #[inline]
    pub fn try_get_task(&self) -> Result<Task<'_, T>, GetError> {
        self.try_get().map(|item| self.task(item))
    }

    /// [`get`](AnyQueue::get), as a [`Task`], which counts the item as done when it is dropped.
    ///
    /// # Errors
    /// [`ShutDown`] if the queue is shut down and empty.
    ///
    /// ```
    /// let queue = selvedge::Queue::unbounded();
    /// queue.put(7).unwrap();
    /// assert_eq!(*queue.get_task()?, 7);
    /// queue.join();
    /// # Ok::<(), selvedge::ShutDown>(())
    /// ```
    #[inline]
    pub fn get_task(&self) -> Result<Task<'_, T>, ShutDown> {
        self.get().map(|item| self.task(item))
    }

    /// [`get_timeout`](AnyQueue::get_timeout), as a [`Task`], which counts the item as done when it is dropped.
    ///
    /// # Errors
    /// [`GetError::Empty`] if there was no item before the timeout, or [`GetError::ShutDown`].
    ///
    /// ```
    /// let queue = selvedge::Queue::<u32>::unbounded();
    /// assert!(queue.get_task_timeout(std::time::Duration::ZERO).is_err());
    /// ```
    #[inline]
    pub fn get_task_timeout(&self, timeout: Duration) -> Result<Task<'_, T>, GetError> {
        self.get_timeout(timeout).map(|item| self.task(item))
    }

    /// [`get_deadline`](AnyQueue::get_deadline), as a [`Task`], which counts the item as done when it is dropped.
    ///
    /// # Errors
    /// [`GetError::Empty`] if there was no item before the deadline, or [`GetError::ShutDown`].
    ///
    /// ```
    /// use selvedge::{Instant, Queue};
    /// assert!(Queue::<u32>::unbounded().get_task_deadline(Instant::now()).is_err());
    /// ```
    #[inline]
    pub fn get_task_deadline(&self, deadline: Instant) -> Result<Task<'_, T>, GetError> {
        self.get_deadline(deadline).map(|item| self.task(item))
    }

    /// Gets all items in one atomic step, the next item first; never waits for an item. The items are still unfinished.
    ///
    /// # Panics
    /// If the `Ord` of an item panics: the items that were removed are dropped.
    ///
    /// ```
    /// let queue = selvedge::LifoQueue::unbounded();
    /// queue.put_many([1, 2, 3]).unwrap();
    /// assert_eq!(queue.drain(), [3, 2, 1]);
    /// ```
    pub fn drain(&self) -> Vec<T> {
        if let Some(ring) = self.ring() {
            return self.ring_remove_all(ring, false);
        }
        let mut guard = self.lock();
        let items = self.remove_all(&mut guard);
        self.unlock_and_wake(guard, 0, O::len(&items));
        O::into_vec(items)
    }

    /// An iterator that gets items until the queue is shut down and empty: each step is a [`get`](AnyQueue::get).
    ///
    /// ```
    /// let queue = selvedge::Queue::unbounded();
    /// queue.put_many([1, 2]).unwrap();
    /// queue.shutdown();
    /// assert_eq!(queue.iter().sum::<u32>(), 3);
    /// ```
    pub fn iter(&self) -> Iter<'_, T, O> {
        Iter { queue: self }
    }

    /// An iterator that gets items until the queue is empty: each step is a [`try_get`](AnyQueue::try_get).
    ///
    /// ```
    /// let queue = selvedge::Queue::unbounded();
    /// queue.put_many([1, 2]).unwrap();
    /// assert_eq!(queue.try_iter().count(), 2);
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T, O> {
        TryIter { queue: self }
    }

    /// Generic over the error instead of mapped by the caller: a map would copy a big item.
    #[inline(always)]
    fn get_one<E: From<Blocked>>(&self, mode: &WaitMode) -> Result<T, E> {
        match self.ring() {
            Some(ring) => self.ring_get(ring, mode),
            None => self.remove_and_unlock(self.lock_when_ready(Role::Getter, mode)?, E::from(Blocked::FullOrEmpty)),
        }
    }

    #[inline]
    fn task(&self, item: T) -> Task<'_, T> {
        Task::new(item, &self.counts)
    }
}

impl From<Blocked> for GetError {
    fn from(blocked: Blocked) -> GetError {
        match blocked {
            Blocked::FullOrEmpty => GetError::Empty,
            Blocked::ShutDown => GetError::ShutDown,
        }
    }
}

impl From<Blocked> for ShutDown {
    /// For a get that waits indefinitely, which fails only after a shutdown.
    fn from(_: Blocked) -> ShutDown {
        ShutDown(())
    }
}

/// Gets items one after another, and waits for each; see [`iter`](AnyQueue::iter).
pub struct Iter<'a, T, O: Order<T>> {
    queue: &'a AnyQueue<T, O>,
}

/// Gets items one after another until the queue is empty; see [`try_iter`](AnyQueue::try_iter).
pub struct TryIter<'a, T, O: Order<T>> {
    queue: &'a AnyQueue<T, O>,
}

impl<T, O: Order<T>> Iterator for Iter<'_, T, O> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.queue.get().ok()
    }
}

impl<T, O: Order<T>> Iterator for TryIter<'_, T, O> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.queue.try_get().ok()
    }
}

impl<'a, T, O: Order<T>> IntoIterator for &'a AnyQueue<T, O> {
    type Item = T;
    type IntoIter = Iter<'a, T, O>;

    fn into_iter(self) -> Iter<'a, T, O> {
        self.iter()
    }
}

impl<T, O: Order<T>> fmt::Debug for Iter<'_, T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Iter").field(self.queue).finish()
    }
}

impl<T, O: Order<T>> fmt::Debug for TryIter<'_, T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryIter").field(self.queue).finish()
    }
}
