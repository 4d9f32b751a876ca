//! Putting, in every form.

use super::error::{PutError, ShutDown};
use super::order::Order;
use super::queue::AnyQueue;
use super::turn::{Patience, Refusal, Side};
use crate::backend::Instant;
use core::time::Duration;
use std::vec;

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
        self.put_one(item, &Patience::None)
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
        let put = self.put_one(item, &Patience::ForEver);
        put.map_err(|refused| ShutDown(refused.into_inner())) // it has waited as long as it took
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
        self.put_one(item, &Patience::For(timeout))
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
        self.put_one(item, &Patience::Until(deadline))
    }

    /// Puts items in one after another, as many as there is room for; never waits for any. They follow each other
    /// directly.
    ///
    /// # Errors
    /// [`PutError::Full`] or [`PutError::ShutDown`], with the items that were not put.
    ///
    /// # Panics
    /// If an item's `Ord` does: those before it were put, it and those after it are dropped. So do all forms.
    ///
    /// ```
    /// use selvedge::{PutError, Queue};
    /// let queue = Queue::bounded(2);
    /// assert_eq!(queue.try_put_many([1, 2, 3]), Err(PutError::Full(vec![3])));
    /// ```
    pub fn try_put_many(&self, items: impl IntoIterator<Item = T>) -> Result<(), PutError<Vec<T>>> {
        let mut rest = Vec::from_iter(items).into_iter();
        self.put_some(&mut rest, &Patience::None)?;
        if rest.as_slice().is_empty() { Ok(()) } else { Err(PutError::Full(rest.collect())) }
    }

    /// Puts items in one after another, and waits whenever there is no room. The items of others may come between them.
    ///
    /// # Errors
    /// [`ShutDown`], with the items that were not put.
    ///
    /// ```
    /// let queue = selvedge::Queue::unbounded();
    /// queue.put_many(["tea", "cake"])?;
    /// assert_eq!(queue.drain(), ["tea", "cake"]);
    /// # Ok::<(), selvedge::ShutDown<Vec<&str>>>(())
    /// ```
    #[doc(alias("extend", "send_many"))]
    pub fn put_many(&self, items: impl IntoIterator<Item = T>) -> Result<(), ShutDown<Vec<T>>> {
        let put = self.put_each(items, &Patience::ForEver);
        put.map_err(|refused| ShutDown(refused.into_inner())) // as in `put`
    }

    /// [`put_many`](AnyQueue::put_many), waiting for at most `timeout` in all.
    ///
    /// # Errors
    /// [`PutError::Full`] if there was not room for all in time, or [`PutError::ShutDown`], with the items that were not
    /// put.
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

    /// [`put_many`](AnyQueue::put_many), waiting until `deadline` at the latest.
    ///
    /// # Errors
    /// [`PutError::Full`] if there was not room for all in time, or [`PutError::ShutDown`], with the items that were not
    /// put.
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
        self.put_each(items, &Patience::Until(deadline))
    }

    /// Always inlined, as is `get_one`: called, they would take as long again.
    #[inline(always)]
    fn put_one(&self, item: T, patience: &Patience) -> Result<(), PutError<T>> {
        match self.ring() {
            Some(ring) => self.ring_put(ring, item, patience),
            None => self.put_in_turn(item, patience),
        }
    }

    /// The item outlives the turn: it is dropped after it, if `Ord` panics.
    #[inline(always)]
    fn put_in_turn(&self, item: T, patience: &Patience) -> Result<(), PutError<T>> {
        match self.turn(Side::Putters, patience) {
            Ok(mut held) => {
                let place = self.place(&mut held, &item, 0);
                self.put_in(&mut held, item, place);
                self.end(held, 1, 0);
                Ok(())
            }
            Err(refusal) => Err(refusal.of(item)),
        }
    }

    fn put_each(&self, items: impl IntoIterator<Item = T>, patience: &Patience) -> Result<(), PutError<Vec<T>>> {
        let mut rest = Vec::from_iter(items).into_iter();
        while !rest.as_slice().is_empty() {
            self.put_some(&mut rest, patience)?;
        }
        Ok(())
    }

    /// As many as there is room for in one turn. The items outlive the turn, and were the user's iterator's before.
    fn put_some(&self, rest: &mut vec::IntoIter<T>, patience: &Patience) -> Result<(), PutError<Vec<T>>> {
        if rest.as_slice().is_empty() {
            return Ok(());
        }
        if let Some(ring) = self.ring() {
            return self.ring_put_some(ring, rest, patience);
        }
        let mut held = match self.turn(Side::Putters, patience) {
            Ok(held) => held,
            Err(refusal) => return Err(refusal.of(rest.collect())),
        };
        let mut count = 0;
        while self.has_turn(&held, Side::Putters) {
            let Some(item) = rest.as_slice().first() else { break };
            let place = self.place(&mut held, item, count);
            rest.next().into_iter().for_each(|item| self.put_in(&mut held, item, place));
            count += 1;
        }
        self.end(held, count, 0);
        Ok(())
    }
}

impl Refusal {
    pub(super) fn of<I>(self, items: I) -> PutError<I> {
        match self {
            Refusal::NotNow => PutError::Full(items),
            Refusal::ShutDown => PutError::ShutDown(items),
        }
    }
}

impl<T, O: Order<T>> Extend<T> for &AnyQueue<T, O> {
    /// [`put_many`](AnyQueue::put_many): waits whenever there is no room.
    ///
    /// # Panics
    /// If the queue is shut down: the items that were not put are dropped.
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.put_many(items).expect("a queue that is extended is not shut down");
    }
}

impl<T, O: Order<T>> Extend<T> for AnyQueue<T, O> {
    /// [`try_put_many`](AnyQueue::try_put_many): nobody else has the queue, so nobody would make room.
    ///
    /// # Panics
    /// If there is not room for all, or the queue is shut down: the items that were not put are dropped.
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.try_put_many(items).expect("there is room in a queue that is extended");
    }
}
