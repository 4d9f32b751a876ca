//! An iterator that submits a job per item, ahead of the results requested.

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

/// The results of [`ThreadPool::map`], in the order of the items.
/// The drop of the iterator cancels the jobs that have not started.
///
/// If the pool is shut down meanwhile, the result of each item that was not submitted is
/// [`JobError::Cancelled`]. If the pool breaks or can't start a thread, it is [`JobError::Broken`].
///
/// # Panics
/// If the items' iterator panics, which happens in the call that
/// requests a result. The results of earlier items are not lost.
#[must_use = "the drop of the iterator cancels the jobs that have not started"]
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
        assert!(ahead > 0, "a map must submit at least one item ahead");
        let mut map = Map {
            pool,
            items: items.fuse(),
            run: Arc::new(run),
            ahead,
            jobs: VecDeque::new(),
        };
        map.submit_ahead();
        map
    }

    fn submit_ahead(&mut self) {
        while self.jobs.len() < self.ahead {
            let Some(item) = self.items.next() else { return };
            let run = Arc::clone(&self.run);
            self.jobs
                .push_back(self.pool.submit(move || run(item)).map_err(|error| match error {
                    SubmitError::ShutDown(_) => JobError::Cancelled,
                    SubmitError::Broken(_) | SubmitError::NoThread(..) => JobError::Broken,
                }));
        }
    }

    /// The next result, blocking for at most `timeout`; a zero timeout checks once. `None` after the last result.
    ///
    /// # Errors
    /// [`TimedOut`] if the job has not ended; the next call waits for the same job.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Result<T, JobError>>, TimedOut> {
        self.next_deadline(Instant::now() + timeout)
    }

    /// The next result, blocking until `deadline` at the latest; a deadline
    /// that has elapsed checks once. `None` after the last result.
    ///
    /// # Errors
    /// As [`next_timeout`](Map::next_timeout).
    pub fn next_deadline(&mut self, deadline: Instant) -> Result<Option<Result<T, JobError>>, TimedOut> {
        self.submit_ahead();
        if let Some(Ok(job)) = self.jobs.front() {
            job.wait_deadline(deadline)?;
        }
        Ok(self.pop_front())
    }

    fn pop_front(&mut self) -> Option<Result<T, JobError>> {
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
        self.submit_ahead();
        self.pop_front()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.items.size_hint();
        let add = |count: usize| count.checked_add(self.jobs.len());
        (lower.saturating_add(self.jobs.len()), upper.and_then(add))
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
            // The drop of an item may panic; the other jobs are cancelled nevertheless.
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
