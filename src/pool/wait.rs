//! Waiting for several jobs.
//!
//! A call that waits for several jobs creates a queue and registers a waiter with each job. When a job ends,
//! its waiter puts the job's index into the queue. So the indices are in the order in which the jobs ended.

use super::job::Job;
use super::job_state::Outcome;
use crate::backend::process::Process;
use crate::backend::{Arc, Instant};
use crate::queue::SimpleQueue;
use crate::sync::TimedOut;
use core::borrow::Borrow;
use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::time::Duration;

/// When a wait for several jobs ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Until {
    /// When all jobs have ended.
    #[doc(alias = "ALL_COMPLETED")]
    All,
    /// When one job has ended, with any outcome.
    #[doc(alias = "FIRST_COMPLETED")]
    FirstCompleted,
    /// When one job has panicked, is broken or was left behind by a fork,
    /// or when all jobs have ended. A cancellation is not a failure.
    #[doc(alias = "FIRST_EXCEPTION")]
    FirstFailed,
}

impl Until {
    fn is_met_by(self, outcome: Option<Outcome>) -> bool {
        match self {
            Until::All => false,
            Until::FirstCompleted => true,
            Until::FirstFailed => matches!(outcome, Some(Outcome::Panicked | Outcome::Broken | Outcome::Forked)),
        }
    }
}

/// Blocks until one or all of the jobs have ended, as `until` says. The jobs may belong to
/// different pools. Returns immediately if there are no jobs. A cancelled job counts as ended.
///
/// # Python
/// `concurrent.futures.wait`, which returns two sets; here use `partition`.
///
/// ```
/// use selvedge::{Job, ThreadPool, Until, pool};
/// let pool = ThreadPool::new(2);
/// let jobs: Vec<_> = (0..4).map(|n| pool.submit(move || n).unwrap()).collect();
/// pool::wait(&jobs, Until::FirstCompleted);
/// let (done, pending): (Vec<_>, Vec<_>) = jobs.into_iter().partition(Job::is_done);
/// assert!(!done.is_empty());
/// pool::wait(&pending, Until::All);
/// ```
#[doc(alias("concurrent.futures.wait", "select"))]
pub fn wait<T>(jobs: impl IntoIterator<Item: Borrow<Job<T>>>, until: Until) {
    // Without a deadline there is no timeout.
    let _ = wait_until(jobs, until, None);
}

/// [`wait()`], blocking for at most `timeout`; a zero timeout checks once.
///
/// # Errors
/// [`TimedOut`] if the condition of `until` is not met.
pub fn wait_timeout<T>(
    jobs: impl IntoIterator<Item: Borrow<Job<T>>>,
    until: Until,
    timeout: Duration,
) -> Result<(), TimedOut> {
    wait_until(jobs, until, Some(Instant::now() + timeout))
}

/// [`wait()`], blocking until `deadline` at the latest; a deadline that has elapsed checks once.
///
/// # Errors
/// [`TimedOut`] if the condition of `until` is not met.
pub fn wait_deadline<T>(
    jobs: impl IntoIterator<Item: Borrow<Job<T>>>,
    until: Until,
    deadline: Instant,
) -> Result<(), TimedOut> {
    wait_until(jobs, until, Some(deadline))
}

fn wait_until<T>(
    jobs: impl IntoIterator<Item: Borrow<Job<T>>>,
    until: Until,
    deadline: Option<Instant>,
) -> Result<(), TimedOut> {
    let mut completions = Completions::new(jobs);
    while let Some(job) = completions.next_until(deadline)? {
        if until.is_met_by(job.borrow().outcome()) {
            break;
        }
    }
    Ok(())
}

/// Returns an iterator over the jobs in the order in which they end; jobs that have ended already
/// come first. The jobs may be owned or borrowed. A job that is contained twice is returned twice.
///
/// # Python
/// `concurrent.futures.as_completed`, which returns each job once. Its timeout applies to all jobs
/// together; here, pass the same deadline to each [`next_deadline`](AsCompleted::next_deadline).
///
/// ```
/// let pool = selvedge::ThreadPool::new(2);
/// let jobs: Vec<_> = (1..=3).map(|n| pool.submit(move || n).unwrap()).collect();
/// let sum: i32 = selvedge::pool::as_completed(jobs).map(|job| job.result().unwrap()).sum();
/// assert_eq!(sum, 6);
/// ```
pub fn as_completed<T, J: Borrow<Job<T>>>(jobs: impl IntoIterator<Item = J>) -> AsCompleted<T, J> {
    AsCompleted {
        completions: Completions::new(jobs),
    }
}

/// The jobs given to [`as_completed`], in the order in which they end.
#[must_use = "an iterator does nothing until `next` is called"]
pub struct AsCompleted<T, J: Borrow<Job<T>>> {
    completions: Completions<T, J>,
}

impl<T, J: Borrow<Job<T>>> AsCompleted<T, J> {
    /// The next job that ends, blocking for at most `timeout`; a zero timeout checks once. `None` after the last job.
    ///
    /// # Errors
    /// [`TimedOut`] if no job has ended.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<J>, TimedOut> {
        self.next_deadline(Instant::now() + timeout)
    }

    /// The next job that ends, blocking until `deadline` at the latest; a
    /// deadline that has elapsed checks once. `None` after the last job.
    ///
    /// # Errors
    /// [`TimedOut`] if no job has ended.
    pub fn next_deadline(&mut self, deadline: Instant) -> Result<Option<J>, TimedOut> {
        self.completions.next_until(Some(deadline))
    }

    /// The jobs that the iterator has not returned, in their original order.
    pub fn into_rest(mut self) -> Vec<J> {
        self.completions.unregister_all().collect()
    }
}

impl<T, J: Borrow<Job<T>>> Iterator for AsCompleted<T, J> {
    type Item = J;

    fn next(&mut self) -> Option<J> {
        self.completions
            .next_until(None)
            .expect("without a deadline there is no timeout")
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.completions.remaining, Some(self.completions.remaining))
    }
}

impl<T, J: Borrow<Job<T>>> ExactSizeIterator for AsCompleted<T, J> {}

impl<T, J: Borrow<Job<T>>> FusedIterator for AsCompleted<T, J> {}

impl<T, J: Borrow<Job<T>>> fmt::Debug for AsCompleted<T, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted")
            .field("left", &self.completions.remaining)
            .finish_non_exhaustive()
    }
}

/// Jobs in the order of their ends. A waiter is registered with each job until the job is returned or this is dropped.
struct Completions<T, J: Borrow<Job<T>>> {
    /// Each job that was not returned, with the id of its waiter.
    jobs: Vec<Option<(J, u64)>>,
    remaining: usize,
    home: Process,
    queue: Arc<SimpleQueue<usize>>,
    _of: PhantomData<fn() -> T>,
}

impl<T, J: Borrow<Job<T>>> Completions<T, J> {
    fn new(jobs: impl IntoIterator<Item = J>) -> Completions<T, J> {
        let queue = Arc::new(SimpleQueue::by_a_lock());
        let mut completions = Completions {
            jobs: Vec::new(),
            remaining: 0,
            home: Process::this(),
            queue,
            _of: PhantomData,
        };
        for job in jobs {
            let (queue, index) = (Arc::clone(&completions.queue), completions.remaining);
            let waiter_id = job.borrow().register_waiter(Box::new(move || queue.put(index)));
            completions.jobs.push(Some((job, waiter_id)));
            completions.remaining += 1;
        }
        completions
    }

    /// The next job that has ended; `None` if all were returned.
    fn next_until(&mut self, deadline: Option<Instant>) -> Result<Option<J>, TimedOut> {
        while self.remaining > 0 {
            let index = match deadline {
                // In a child made by `fork` no job of the parent puts its index into the queue, but all have ended.
                _ if self.home.is_parent() => self.find_done().ok_or(TimedOut)?,
                None => self.queue.get(),
                Some(deadline) => self
                    .queue
                    .get_deadline(deadline)
                    .or_else(|timed_out| self.find_done().ok_or(timed_out))?,
            };
            // `None` if `find_done` returned the job before its waiter had put the index.
            if let Some((job, _)) = self.jobs[index].take() {
                self.remaining -= 1;
                return Ok(Some(job));
            }
        }
        Ok(None)
    }

    /// The index of a job that has ended, although its waiter has not run yet.
    /// Without this check, a call could time out after `is_done` has returned true.
    fn find_done(&self) -> Option<usize> {
        self.jobs
            .iter()
            .position(|job| job.as_ref().is_some_and(|(job, _)| job.borrow().is_done()))
    }

    /// Removes the waiters that have not run, and returns the jobs.
    fn unregister_all(&mut self) -> impl Iterator<Item = J> + use<T, J> {
        self.remaining = 0;
        core::mem::take(&mut self.jobs)
            .into_iter()
            .flatten()
            .map(|(job, waiter_id)| {
                job.borrow().unregister_waiter(waiter_id);
                job
            })
    }
}

impl<T, J: Borrow<Job<T>>> Drop for Completions<T, J> {
    fn drop(&mut self) {
        self.unregister_all().for_each(drop);
    }
}
