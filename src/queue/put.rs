//! Putting, in every form.

use super::error::{PutError, ShutDown};
use super::order::Order;
use super::queue::AnyQueue;
use super::wait_mode::{Blocked, Role, WaitMode};
use crate::backend::Instant;
use core::time::Duration;
use std::collections::VecDeque;

impl<T, O: Order<T>> AnyQueue<T, O> {
    /// Puts an item in if there is room; never waits for any.
    ///
    /// # Errors
    /// [`PutError::Full`] or [`PutError::ShutDown`], with the item.
    ///
    /// # Panics
    /// If the item's `Ord` does: it is dropped, and nothing has changed. So do all forms.
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

    /// Puts an item in, and waits until there is room.
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
        put.map_err(|error| ShutDown(error.into_inner())) // it has waited as long as it took
    }

    /// Puts an item in, waiting for room for at most `timeout`; zero is one attempt.
    ///
    /// # Errors
    /// [`PutError::Full`] if there was no room in time, or [`PutError::ShutDown`], with the item.
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

    /// Puts an item in, waiting for room until `deadline` at the latest; one that has passed is one attempt.
    ///
    /// # Errors
    /// [`PutError::Full`] if there was no room in time, or [`PutError::ShutDown`], with the item.
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

    /// Puts items in one after another, as many as there is room for; never waits for any. They follow each other
    /// directly.
    ///
    /// First it takes the items from the iterator: as many as there is room for, and one more if there is one. A queue without a
    /// bound has room for all that the iterator gives.
    ///
    /// # Errors
    /// [`PutError::Full`] or [`PutError::ShutDown`], with the items that were not put: those that were taken, and all that are
    /// left in the iterator if its `size_hint` has an upper bound. Of an iterator without one, which may be endless, no more is
    /// taken: pass `&mut` of it to keep what is left.
    ///
    /// # Panics
    /// If an item's `Ord` does: those before it were put, it and the others that were taken are dropped. If the iterator does:
    /// none was put, and those that were taken are dropped.
    ///
    /// ```
    /// use selvedge::{PutError, Queue};
    /// let queue = Queue::bounded(2);
    /// assert_eq!(queue.try_put_many([1, 2, 3, 4]), Err(PutError::Full(vec![3, 4])));
    ///
    /// let mut numbers = 5..; // without an end
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

    /// Puts items in one after another, and waits whenever there is no room. The items of others may come between them.
    ///
    /// Each item is put before the next is taken from the iterator, which may therefore be endless, or wait for what becomes of
    /// the items before, or use the queue itself.
    ///
    /// # Errors
    /// [`ShutDown`], with the items that were not put: the one that was taken, and all that are left in the iterator if its
    /// `size_hint` has an upper bound, as in [`try_put_many`](AnyQueue::try_put_many).
    ///
    /// # Panics
    /// If the iterator or an item's `Ord` does: the items before were put, and that item is dropped.
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
        put.map_err(|error| ShutDown(error.into_inner())) // as in `put`
    }

    /// [`put_many`](AnyQueue::put_many), for at most `timeout` in all, the time that the iterator takes included; zero is one
    /// attempt to put each.
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

    /// [`put_many`](AnyQueue::put_many), until `deadline` at the latest. Once it has passed, the call does not wait for room, and
    /// it puts at most as many items more as the queue can hold: so it ends though others make room again and again. A queue
    /// without a bound never makes it wait, and is put all that the iterator gives.
    ///
    /// # Errors
    /// [`PutError::Full`] if there was not room for all in time, or [`PutError::ShutDown`], with the items that were not
    /// put, as in [`put_many`](AnyQueue::put_many).
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

    /// Always inlined, as is `get_one`: called, they would take as long again.
    #[inline(always)]
    fn put_one(&self, item: T, mode: &WaitMode) -> Result<(), PutError<T>> {
        match self.ring() {
            Some(ring) => self.ring_put(ring, item, mode),
            None => self.put_locked(item, mode),
        }
    }

    /// The item outlives the turn: it is dropped after it, if `Ord` panics.
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

    /// Puts the items, or as many of them as there is room for: then it is refused, and the others are left. If the iterator may
    /// have more of them and there is room for all these, nothing is put, and the result is for how many there is room. The items
    /// outlive the turn.
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

/// The items that were taken, and all that are left if they are known to end.
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
    /// [`put_many`](AnyQueue::put_many): waits whenever there is no room, before it takes more items from the iterator.
    ///
    /// # Panics
    /// If the queue is shut down: the items that were not put are dropped.
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.put_many(items).expect("extend: the queue is shut down");
    }
}

impl<T, O: Order<T>> Extend<T> for AnyQueue<T, O> {
    /// [`try_put`](AnyQueue::try_put) for each item: there is no other thread that would make room.
    ///
    /// # Panics
    /// If there is not room for all, or the queue is shut down: the items that were not put are dropped.
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.put_each(items, &WaitMode::NoWait)
            .expect("extend: the queue has no free capacity or is shut down");
    }
}
