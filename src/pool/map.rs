//! One function for many items, with a look ahead.

use super::error::{JobError, SubmitError};
use super::job::Job;
use super::pool::ThreadPool;
use crate::backend::{Arc, Instant};
use crate::sync::TimedOut;
use crate::unwind::catch_quietly;
use core::fmt;
use core::iter::{Fuse, FusedIterator};
use core::time::Duration;
use std::collections::VecDeque;

/// The results of [`ThreadPool::map`], in the order of the items. Dropping it cancels what has not begun.
///
/// When the pool is shut down meanwhile, each item for which no job was submitted has [`JobError::Cancelled`]; when it is broken, or
/// can't have a thread, [`JobError::Broken`].
///
/// # Panics
/// As the items' iterator does, in the thread that asks; the results of items before that are not lost.
#[must_use = "what is not asked for is cancelled"]
pub struct Map<'a, I: Iterator, F, T> {
    pool: &'a ThreadPool,
    items: Fuse<I>,
    run: Arc<F>,
    ahead: usize,
    jobs: VecDeque<Result<Job<T>, JobError>>,
}

impl<'a, I, F, T> Map<'a, I, F, T>
where
    I: Iterator<Item: Send + 'static>,
    F: Fn(I::Item) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    pub(super) fn new(pool: &'a ThreadPool, ahead: usize, items: I, run: F) -> Map<'a, I, F, T> {
        assert!(ahead > 0, "a map looks ahead for at least one item");
        let mut map = Map {
            pool,
            items: items.fuse(),
            run: Arc::new(run),
            ahead,
            jobs: VecDeque::new(),
        };
        map.look_ahead();
        map
    }

    fn look_ahead(&mut self) {
        while self.jobs.len() < self.ahead {
            let Some(item) = self.items.next() else { return };
            let run = Arc::clone(&self.run);
            self.jobs
                .push_back(self.pool.submit(move || run(item)).map_err(|refused| match refused {
                    SubmitError::ShutDown(_) => JobError::Cancelled,
                    SubmitError::Broken(_) | SubmitError::NoThread(..) => JobError::Broken,
                }));
        }
    }

    /// The next result, after at most `timeout`; zero is one look. `None` after the last.
    ///
    /// # Errors
    /// [`TimedOut`] if it is not there: the next call waits for the same.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Result<T, JobError>>, TimedOut> {
        self.next_deadline(Instant::now() + timeout)
    }

    /// The next result, if it comes until `deadline`; one that has passed is one look. `None` after the last.
    ///
    /// # Errors
    /// As [`next_timeout`](Map::next_timeout).
    pub fn next_deadline(&mut self, deadline: Instant) -> Result<Option<Result<T, JobError>>, TimedOut> {
        self.look_ahead();
        if let Some(Ok(job)) = self.jobs.front() {
            job.wait_deadline(deadline)?;
        }
        Ok(self.first())
    }

    fn first(&mut self) -> Option<Result<T, JobError>> {
        Some(self.jobs.pop_front()?.and_then(Job::result))
    }
}

impl<I, F, T> Iterator for Map<'_, I, F, T>
where
    I: Iterator<Item: Send + 'static>,
    F: Fn(I::Item) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    type Item = Result<T, JobError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.look_ahead();
        self.first()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.items.size_hint();
        let add = |count: usize| count.checked_add(self.jobs.len());
        (least.saturating_add(self.jobs.len()), most.and_then(add))
    }
}

impl<I, F, T> FusedIterator for Map<'_, I, F, T>
where
    I: Iterator<Item: Send + 'static>,
    F: Fn(I::Item) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
}

impl<I: Iterator, F, T> Drop for Map<'_, I, F, T> {
    fn drop(&mut self) {
        for job in self.jobs.drain(..).flatten() {
            // An item may panic when it is dropped; the others are cancelled all the same.
            catch_quietly(|| {
                job.cancel();
                drop(job);
            });
        }
    }
}

impl<I: Iterator, F, T> fmt::Debug for Map<'_, I, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map")
            .field("ahead", &self.jobs.len())
            .finish_non_exhaustive()
    }
}
