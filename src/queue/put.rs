//! All forms of put.

use super::error::{PutError, ShutDown};
use super::order::Order;
use super::queue::AnyQueue;
use super::wait_mode::{Blocked, Role, WaitMode};
use crate::backend::Instant;
use core::time::Duration;
use std::collections::VecDeque;

impl<T, O: Order<T>> AnyQueue<T, O> {
    /// Puts an item if the queue is not full; never waits for a free slot.
    ///
    /// # Errors
    /// [`PutError::Full`] or [`PutError::ShutDown`], with the item.
    ///
    /// # Panics
    /// If the item's `Ord` panics: the item is dropped, and the queue is unchanged. This holds for all forms of put.
    ///
    /// ```
    /// use selvedge::{PutError, Queue};
    /// let queue = Queue::bounded(1);
    /// assert_eq!(queue.try_put("tea"), Ok(()));
    /// assert_eq!(queue.try_put("cake"), Err(PutError::Full("cake")));
    /// ```
    #[inline]
    #[doc(alias("put_nowait", "try_send"))]
    pub fn try_put(&self, item: T) -> Result<(), PutError<T>> {
        self.put_one(item, &WaitMode::NoWait)
    }

    /// Puts an item, and blocks while the queue is full.
    ///
    /// # Errors
    /// [`ShutDown`], with the item.
    ///
    /// ```
    /// let queue = selvedge::Queue::unbounded();
    /// queue.put("tea")?;
    /// queue.shutdown();
    /// assert_eq!(queue.put("cake").unwrap_err().into_inner(), "cake");
    /// # Ok::<(), selvedge::ShutDown<&str>>(())
    /// ```
    #[inline]
    #[doc(alias("push", "send"))]
    pub fn put(&self, item: T) -> Result<(), ShutDown<T>> {
        let put = self.put_one(item, &WaitMode::Indefinite);
        put.map_err(|error| ShutDown(error.into_inner())) // never `Full`, since the wait has no deadline
    }

    /// Puts an item, waiting for a free slot for at most `timeout`; zero is one attempt.
    ///
    /// # Errors
    /// [`PutError::Full`] if the queue was full until the timeout, or [`PutError::ShutDown`], with the item.
    ///
    /// ```
    /// use selvedge::{PutError, Queue};
    /// use std::time::Duration;
    /// let queue = Queue::bounded(1);
    /// queue.put_timeout("tea", Duration::MAX)?;
    /// assert_eq!(queue.put_timeout("cake", Duration::from_millis(1)), Err(PutError::Full("cake")));
    /// # Ok::<(), PutError<&str>>(())
    /// ```
    #[inline]
    #[doc(alias = "send_timeout")]
    pub fn put_timeout(&self, item: T, timeout: Duration) -> Result<(), PutError<T>> {
        self.put_one(item, &WaitMode::Timeout(timeout))
    }

    /// Puts an item, waiting for a free slot until `deadline` at the latest; a deadline that has passed is one attempt.
    ///
    /// # Errors
    /// [`PutError::Full`] if the queue was full until the deadline, or [`PutError::ShutDown`], with the item.
    ///
    /// ```
    /// use selvedge::{Instant, Queue};
    /// assert!(Queue::unbounded().put_deadline("tea", Instant::now()).is_ok());
    /// ```
    #[inline]
    #[doc(alias = "send_deadline")]
    pub fn put_deadline(&self, item: T, deadline: Instant) -> Result<(), PutError<T>> {
        self.put_one(item, &WaitMode::Deadline(deadline))
    }

    /// Puts as many items as the queue has capacity for, in one batch: the items
    /// of other threads do not come between them. Never waits for a free slot.
    ///
    /// The call first takes the items from the iterator: as many as fit into the queue, and one
    /// more if there is one. An unbounded queue has capacity for all items of the iterator.
    ///
    /// # Errors
    /// [`PutError::Full`] or [`PutError::ShutDown`], with the items that were not put: those
    /// that the call has taken from the iterator, and all that remain in the iterator if its
    /// `size_hint` has an upper bound. An iterator without an upper bound may be endless, so
    /// no more items are taken from it: pass `&mut` of the iterator to keep them.
    ///
    /// # Panics
    /// If an item's `Ord` panics: the items before it were put; it and the other items that were taken
    /// are dropped. If the iterator panics: no item was put, and the items that were taken are dropped.
    ///
    /// ```
    /// use selvedge::{PutError, Queue};
    /// let queue = Queue::bounded(2);
    /// assert_eq!(queue.try_put_many([1, 2, 3, 4]), Err(PutError::Full(vec![3, 4])));
    ///
    /// let mut numbers = 5..; // endless
    /// assert_eq!(queue.try_put_many(&mut numbers), Err(PutError::Full(vec![5])));
    /// assert_eq!(numbers.next(), Some(6));
    /// ```
    pub fn try_put_many(&self, items: impl IntoIterator<Item = T>) -> Result<(), PutError<Vec<T>>> {
        let (mut batch, mut items) = (VecDeque::new(), items.into_iter().fuse());
        let mut free_slots = self.capacity.saturating_sub(self.len());
        loop {
            let count = free_slots.saturating_add(1).saturating_sub(batch.len());
            batch.extend(items.by_ref().take(count));
            if batch.is_empty() {
                return Ok(());
            }
            let is_last = batch.len() <= free_slots;
            match self.put_batch(&mut batch, is_last) {
                Ok(None) => return Ok(()),
                Ok(Some(more)) => free_slots = more,
                Err(blocked) => return Err(blocked.into_put_error(not_put(batch, items))),
            }
        }
    }

    /// Puts items one after another, and blocks while the queue
    /// is full. The items of other threads may come between them.
    ///
    /// Each item is put before the next one is taken from the iterator. So the iterator may be endless,
    /// may wait until another thread has processed earlier items, and may use the queue itself.
    ///
    /// # Errors
    /// [`ShutDown`], with the items that were not put: the one that the call has taken from the iterator, and all that
    /// remain in the iterator if its `size_hint` has an upper bound, as in [`try_put_many`](AnyQueue::try_put_many).
    ///
    /// # Panics
    /// If the iterator or an item's `Ord` panics: the items before were put, and that item is dropped.
    ///
    /// ```
    /// let queue = selvedge::Queue::unbounded();
    /// queue.put_many(["tea", "cake"])?;
    /// assert_eq!(queue.drain(), ["tea", "cake"]);
    /// # Ok::<(), selvedge::ShutDown<Vec<&str>>>(())
    /// ```
    #[doc(alias("extend", "send_many"))]
    pub fn put_many(&self, items: impl IntoIterator<Item = T>) -> Result<(), ShutDown<Vec<T>>> {
        let put = self.put_each(items, &WaitMode::Indefinite);
        put.map_err(|error| ShutDown(error.into_inner())) // never `Full`, since the wait has no deadline
    }

    /// [`put_many`](AnyQueue::put_many), for at most `timeout` in all, including
    /// the time that the iterator takes; zero is one attempt to put each item.
    ///
    /// # Errors
    /// As [`put_many_deadline`](AnyQueue::put_many_deadline).
    ///
    /// ```
    /// use selvedge::{PutError, Queue};
    /// let queue = Queue::bounded(1);
    /// let put = queue.put_many_timeout([1, 2], std::time::Duration::from_millis(1));
    /// assert_eq!(put, Err(PutError::Full(vec![2])));
    /// ```
    pub fn put_many_timeout(
        &self,
        items: impl IntoIterator<Item = T>,
        timeout: Duration,
    ) -> Result<(), PutError<Vec<T>>> {
        self.put_many_deadline(items, Instant::now() + timeout)
    }

    /// [`put_many`](AnyQueue::put_many), until `deadline` at the latest. After the deadline the call does
    /// not wait for a free slot, and it puts at most `capacity` more items: so it ends even if other threads
    /// keep getting items. In an unbounded queue it never waits, and puts all items of the iterator.
    ///
    /// # Errors
    /// [`PutError::Full`] if not all items fitted before the deadline, or [`PutError::ShutDown`],
    /// with the items that were not put, as in [`put_many`](AnyQueue::put_many).
    ///
    /// ```
    /// use selvedge::{Instant, Queue};
    /// assert!(Queue::unbounded().put_many_deadline([1, 2], Instant::now()).is_ok());
    /// ```
    pub fn put_many_deadline(
        &self,
        items: impl IntoIterator<Item = T>,
        deadline: Instant,
    ) -> Result<(), PutError<Vec<T>>> {
        self.put_each(items, &WaitMode::Deadline(deadline))
    }

    /// Always inlined, as is `get_one`: out of line, a put would take twice as long.
    #[inline(always)]
    fn put_one(&self, item: T, mode: &WaitMode) -> Result<(), PutError<T>> {
        match self.ring() {
            Some(ring) => self.ring_put(ring, item, mode),
            None => self.put_locked(item, mode),
        }
    }

    /// The item outlives the guard of the mutex: if `Ord` panics, the item is dropped after the mutex is released.
    #[inline(always)]
    fn put_locked(&self, item: T, mode: &WaitMode) -> Result<(), PutError<T>> {
        match self.lock_when_ready(Role::Putter, mode) {
            Ok(mut guard) => {
                let index = self.plan_insert(&mut guard, &item, 0);
                self.insert(&mut guard, item, index);
                self.unlock_and_wake(guard, 1, 0);
                Ok(())
            }
            Err(blocked) => Err(blocked.into_put_error(item)),
        }
    }

    fn put_each(&self, items: impl IntoIterator<Item = T>, mode: &WaitMode) -> Result<(), PutError<Vec<T>>> {
        let deadline_passed = || matches!(mode, WaitMode::Deadline(deadline) if deadline.has_passed());
        let (mut items, mut after_deadline) = (items.into_iter().fuse(), 0);
        while let Some(item) = items.next() {
            after_deadline += usize::from(after_deadline > 0 || deadline_passed());
            let put = if after_deadline > self.capacity {
                Err(PutError::Full(item))
            } else {
                self.put_one(item, mode)
            };
            match put {
                Ok(()) => {}
                Err(PutError::Full(item)) => return Err(PutError::Full(not_put([item], items))),
                Err(PutError::ShutDown(item)) => return Err(PutError::ShutDown(not_put([item], items))),
            }
        }
        Ok(())
    }

    /// Puts as many items of the batch as the queue has capacity for, and leaves the others
    /// in it; fails if any are left. Puts nothing if the batch fits and is not the last one:
    /// it then returns the number of free slots, and the caller takes more items from the
    /// iterator. The batch outlives the guard of the mutex, as the item in `put_locked`.
    fn put_batch(&self, batch: &mut VecDeque<T>, is_last: bool) -> Result<Option<usize>, Blocked> {
        if let Some(ring) = self.ring() {
            return self.ring_put_batch(ring, batch, is_last);
        }
        let mut guard = self.lock_when_ready(Role::Putter, &WaitMode::NoWait)?;
        let free_slots = self.free_slots(&guard);
        if !is_last && batch.len() <= free_slots {
            return Ok(Some(free_slots));
        }
        let mut count = 0;
        while self.is_ready(&guard, Role::Putter) {
            let Some(item) = batch.front() else { break };
            let index = self.plan_insert(&mut guard, item, count);
            batch
                .pop_front()
                .into_iter()
                .for_each(|item| self.insert(&mut guard, item, index));
            count += 1;
        }
        self.unlock_and_wake(guard, count, 0);
        if batch.is_empty() {
            Ok(None)
        } else {
            Err(Blocked::FullOrEmpty)
        }
    }
}

/// The items that were taken, and the rest of the iterator if its `size_hint` has an upper bound.
fn not_put<T>(batch: impl IntoIterator<Item = T>, rest: impl Iterator<Item = T>) -> Vec<T> {
    let limit = rest.size_hint().1.map_or(0, |_| usize::MAX);
    batch.into_iter().chain(rest.take(limit)).collect()
}

impl Blocked {
    pub(super) fn into_put_error<I>(self, items: I) -> PutError<I> {
        match self {
            Blocked::FullOrEmpty => PutError::Full(items),
            Blocked::ShutDown => PutError::ShutDown(items),
        }
    }
}

impl<T, O: Order<T>> Extend<T> for &AnyQueue<T, O> {
    /// [`put_many`](AnyQueue::put_many): blocks while the queue
    /// is full, before it takes the next item from the iterator.
    ///
    /// # Panics
    /// If the queue is shut down: the items that were not put are dropped.
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.put_many(items).expect("cannot extend the queue");
    }
}

impl<T, O: Order<T>> Extend<T> for AnyQueue<T, O> {
    /// [`try_put`](AnyQueue::try_put) for each item: no other thread can have a reference to the queue and get items.
    ///
    /// # Panics
    /// If not all items fit, or the queue is shut down: the items that were not put are dropped.
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.put_each(items, &WaitMode::NoWait)
            .expect("cannot extend the queue");
    }
}
