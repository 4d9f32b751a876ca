//! To wait for several jobs at once.
//!
//! Whoever waits puts a queue of its own into the jobs' lists; each that ends puts its number in. The order in which numbers
//! come out is the order of the ends.

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

/// For which of the jobs to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Until {
    /// Until all have ended.
    #[doc(alias = "ALL_COMPLETED")]
    All,
    /// Until one has ended, in whatever way.
    #[doc(alias = "FIRST_COMPLETED")]
    FirstCompleted,
    /// Until one has panicked, is broken or left behind by a fork, or all have ended. To be cancelled is no failure.
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

/// Waits for some or all of the jobs, which need not be of one pool; for none if there are none. A job that is cancelled has
/// ended, whoever has cancelled it.
///
/// # Python
/// `concurrent.futures.wait`, which returns two sets: here `partition` makes them.
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

/// [`wait()`], for at most `timeout`; zero is one look.
///
/// # Errors
/// [`TimedOut`] if fewer have ended.
pub fn wait_timeout<T>(
    jobs: impl IntoIterator<Item: Borrow<Job<T>>>,
    until: Until,
    timeout: Duration,
) -> Result<(), TimedOut> {
    wait_until(jobs, until, Some(Instant::now() + timeout))
}

/// [`wait()`], until `deadline` at the latest; one that has passed is one look.
///
/// # Errors
/// [`TimedOut`] if fewer have ended.
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
    let mut watch = Watch::over(jobs);
    while let Some(job) = watch.next_by(deadline)? {
        if until.is_met_by(job.borrow().outcome()) {
            break;
        }
    }
    Ok(())
}

/// Gives the jobs in the order in which they end, those that have ended already first. They may be owned or borrowed; one that
/// comes twice is given twice.
///
/// # Python
/// `concurrent.futures.as_completed`, which gives each once. Its timeout is for all together: give one deadline to each
/// [`next_deadline`](AsCompleted::next_deadline).
///
/// ```
/// let pool = selvedge::ThreadPool::new(2);
/// let jobs: Vec<_> = (1..=3).map(|n| pool.submit(move || n).unwrap()).collect();
/// let sum: i32 = selvedge::pool::as_completed(jobs).map(|job| job.result().unwrap()).sum();
/// assert_eq!(sum, 6);
/// ```
pub fn as_completed<T, J: Borrow<Job<T>>>(jobs: impl IntoIterator<Item = J>) -> AsCompleted<T, J> {
    AsCompleted {
        watch: Watch::over(jobs),
    }
}

/// The jobs given to [`as_completed`], in the order in which they end.
#[must_use = "it waits when it is asked for the next"]
pub struct AsCompleted<T, J: Borrow<Job<T>>> {
    watch: Watch<T, J>,
}

impl<T, J: Borrow<Job<T>>> AsCompleted<T, J> {
    /// The next job, if it ends within `timeout`; zero is one look. `None` after the last.
    ///
    /// # Errors
    /// [`TimedOut`] if none has ended.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<J>, TimedOut> {
        self.next_deadline(Instant::now() + timeout)
    }

    /// The next job, if it ends until `deadline`; one that has passed is one look. `None` after the last.
    ///
    /// # Errors
    /// [`TimedOut`] if none has ended.
    pub fn next_deadline(&mut self, deadline: Instant) -> Result<Option<J>, TimedOut> {
        self.watch.next_by(Some(deadline))
    }

    /// The jobs that it has not given, in the order in which they came.
    pub fn into_rest(mut self) -> Vec<J> {
        self.watch.leave().collect()
    }
}

impl<T, J: Borrow<Job<T>>> Iterator for AsCompleted<T, J> {
    type Item = J;

    fn next(&mut self) -> Option<J> {
        self.watch
            .next_by(None)
            .expect("without a deadline there is no timeout")
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.watch.left, Some(self.watch.left))
    }
}

impl<T, J: Borrow<Job<T>>> ExactSizeIterator for AsCompleted<T, J> {}

impl<T, J: Borrow<Job<T>>> FusedIterator for AsCompleted<T, J> {}

impl<T, J: Borrow<Job<T>>> fmt::Debug for AsCompleted<T, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted")
            .field("left", &self.watch.left)
            .finish_non_exhaustive()
    }
}

/// Stands by at some jobs, until each has come or it goes.
struct Watch<T, J: Borrow<Job<T>>> {
    /// Each job that has not come, and its number on that job's list.
    jobs: Vec<Option<(J, u64)>>,
    left: usize,
    home: Process,
    ended: Arc<SimpleQueue<usize>>,
    _of: PhantomData<fn() -> T>,
}

impl<T, J: Borrow<Job<T>>> Watch<T, J> {
    fn over(jobs: impl IntoIterator<Item = J>) -> Watch<T, J> {
        let ended = Arc::new(SimpleQueue::by_a_lock());
        let mut watch = Watch {
            jobs: Vec::new(),
            left: 0,
            home: Process::this(),
            ended,
            _of: PhantomData,
        };
        for job in jobs {
            let (ended, place) = (Arc::clone(&watch.ended), watch.left);
            let number = job.borrow().register_waiter(Box::new(move || ended.put(place)));
            watch.jobs.push(Some((job, number)));
            watch.left += 1;
        }
        watch
    }

    /// The next that has ended.
    fn next_by(&mut self, deadline: Option<Instant>) -> Result<Option<J>, TimedOut> {
        while self.left > 0 {
            let place = match deadline {
                // In a child made by `fork` the queue is the parent's, and all have ended.
                _ if self.home.is_parent() => self.untold().ok_or(TimedOut)?,
                None => self.ended.get(),
                Some(deadline) => self
                    .ended
                    .get_deadline(deadline)
                    .or_else(|late| self.untold().ok_or(late))?,
            };
            // If there is none, it has come before its end was told.
            if let Some((job, _)) = self.jobs[place].take() {
                self.left -= 1;
                return Ok(Some(job));
            }
        }
        Ok(None)
    }

    /// One that has ended, and whose end is not told yet: a look after `is_done` must not be in vain.
    fn untold(&self) -> Option<usize> {
        self.jobs
            .iter()
            .position(|job| job.as_ref().is_some_and(|(job, _)| job.borrow().is_done()))
    }

    /// Takes its queue off the lists on which it still is.
    fn leave(&mut self) -> impl Iterator<Item = J> + use<T, J> {
        self.left = 0;
        core::mem::take(&mut self.jobs)
            .into_iter()
            .flatten()
            .map(|(job, number)| {
                job.borrow().unregister_waiter(number);
                job
            })
    }
}

impl<T, J: Borrow<Job<T>>> Drop for Watch<T, J> {
    fn drop(&mut self) {
        self.leave().for_each(drop);
    }
}
