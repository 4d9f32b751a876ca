//! The submitter's end of a job: its result, once, and ways to wait for it.
//!
//! # Invariants
//! 1. A work has one job, and that takes what was made only after the work has ended: once.

use super::directory;
use super::error::JobError;
use super::job_state::{JobState, Outcome};
use super::task::TaskResult;
use crate::backend::process::Process;
use crate::backend::{Arc, Instant};
use crate::sync::TimedOut;
use core::fmt;
use core::future::Future;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::panic::resume_unwind;

/// A function that a pool was given to run, and the result that it will have.
///
/// Any number of threads may wait for its end, by reference; whoever owns it takes the result. It can be awaited too, by any
/// executor. A job that is dropped runs all the same; nobody has its result.
///
/// Everything that the job did, or that came before its cancel, happens-before whatever tells that it has ended.
///
/// # Python
/// `concurrent.futures.Future`. There the result is shared; here it is given away, once, and [`wait`](Job::wait) and
/// [`outcome`](Job::outcome) tell others how it went.
///
/// ```
/// use selvedge::{Outcome, ThreadPool};
/// let pool = ThreadPool::new(1);
/// let job = pool.submit(|| "cloth".to_owned())?;
/// assert_eq!(job.wait(), Outcome::Returned);
/// assert_eq!(job.result()?, "cloth");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias("Future", "concurrent.futures.Future", "promise"))]
pub struct Job<T> {
    task: Arc<dyn TaskResult<T>>,
    home: Process,
    pool_id: u64,
    taken: bool,
    polled: Option<(u64, Waker)>,
}

// A panic leaves it as it was.
impl<T> UnwindSafe for Job<T> {}
impl<T> RefUnwindSafe for Job<T> {}

impl<T> Job<T> {
    pub(super) fn new<'a, W: TaskResult<T> + 'a>(task: Arc<W>, pool_id: u64) -> Job<T> {
        let task: Arc<dyn TaskResult<T> + 'a> = task;
        // SAFETY: what the function borrows is gone before that ends, and without it the work is a place for a `T`
        // (invariant 2 of task.rs), which lives as long as this job's type says.
        let task = unsafe { core::mem::transmute::<Arc<dyn TaskResult<T> + 'a>, Arc<dyn TaskResult<T>>>(task) };
        Job {
            task,
            home: Process::this(),
            pool_id,
            taken: false,
            polled: None,
        }
    }

    fn state(&self) -> &JobState {
        self.task.state()
    }

    /// Has `waiter` told of the end, at once if it has come. The number is for [`leave`](Job::leave).
    pub(super) fn register_waiter(&self, waiter: Box<dyn FnOnce() + Send>) -> u64 {
        if self.home.is_this() {
            return self.state().register_waiter(waiter);
        }
        waiter();
        0
    }

    /// Takes a waiter off the list, if it has not been told. In a child made by `fork` the list is the parent's.
    pub(super) fn unregister_waiter(&self, number: u64) {
        if self.home.is_this() {
            self.state().unregister_waiter(number);
        }
    }

    /// Waits until the job has ended, and gives what its function has returned.
    ///
    /// # Errors
    /// [`JobError`] if it has panicked, was cancelled, its pool is broken, or a fork has left it behind.
    ///
    /// # Panics
    /// If its result was taken before.
    ///
    /// ```
    /// let pool = selvedge::ThreadPool::new(1);
    /// let failed = pool.submit(|| panic!("no yarn"))?.result().unwrap_err();
    /// assert_eq!(failed.message(), Some("no yarn"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn result(mut self) -> Result<T, JobError> {
        let outcome = self.wait();
        self.take(outcome)
    }

    /// The result, or `None` if the job has not ended; never blocks.
    ///
    /// # Panics
    /// If the result was taken before.
    pub fn try_result(&mut self) -> Option<Result<T, JobError>> {
        let outcome = self.outcome()?;
        Some(self.take(outcome))
    }

    /// [`result`](Job::result), which waits for at most `timeout`; zero is one look.
    ///
    /// # Errors
    /// [`TimedOut`] if the job has not ended: it goes on, and its result is not lost.
    ///
    /// # Panics
    /// If the result was taken before.
    ///
    /// ```
    /// use selvedge::{ThreadPool, TimedOut};
    /// use std::time::Duration;
    /// let pool = ThreadPool::new(1);
    /// let gate = std::sync::Arc::new(selvedge::Event::new());
    /// let theirs = gate.clone();
    /// let mut job = pool.submit(move || theirs.wait())?;
    /// assert!(matches!(job.result_timeout(Duration::from_millis(1)), Err(TimedOut)));
    /// gate.set();
    /// job.result_timeout(Duration::MAX)??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn result_timeout(&mut self, timeout: Duration) -> Result<Result<T, JobError>, TimedOut> {
        let outcome = self.wait_timeout(timeout)?;
        Ok(self.take(outcome))
    }

    /// [`result`](Job::result), which waits until `deadline` at the latest; one that has passed is one look.
    ///
    /// # Errors
    /// # Panics
    /// As [`result_timeout`](Job::result_timeout).
    pub fn result_deadline(&mut self, deadline: Instant) -> Result<Result<T, JobError>, TimedOut> {
        let outcome = self.wait_deadline(deadline)?;
        Ok(self.take(outcome))
    }

    /// Waits until the job has ended, and tells how; the result stays.
    #[doc(alias = "exception")]
    pub fn wait(&self) -> Outcome {
        let ended = self.outcome().or_else(|| self.state().wait(None));
        ended.expect("without a deadline it has ended")
    }

    /// [`wait`](Job::wait), for at most `timeout`; zero is one look.
    ///
    /// # Errors
    /// [`TimedOut`] if the job has not ended.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Outcome, TimedOut> {
        self.outcome()
            .map_or_else(|| self.wait_deadline(Instant::now() + timeout), Ok)
    }

    /// [`wait`](Job::wait), until `deadline` at the latest; one that has passed is one look.
    ///
    /// # Errors
    /// [`TimedOut`] if the job has not ended.
    pub fn wait_deadline(&self, deadline: Instant) -> Result<Outcome, TimedOut> {
        self.outcome()
            .or_else(|| self.state().wait(Some(deadline)))
            .ok_or(TimedOut)
    }

    /// How the job has ended, or `None` if it has not; never blocks.
    #[doc(alias = "cancelled")]
    pub fn outcome(&self) -> Option<Outcome> {
        self.state()
            .outcome()
            .or_else(|| self.home.is_parent().then_some(Outcome::Forked))
    }

    /// Whether it has ended: run, cancelled, or failed with its pool.
    #[doc(alias = "done")]
    pub fn is_done(&self) -> bool {
        self.outcome().is_some()
    }

    /// Whether it runs at this moment.
    #[doc(alias = "running")]
    pub fn is_running(&self) -> bool {
        self.state().is_running() && self.home.is_this()
    }

    /// Cancels the job if it has not begun. True: it has not run, and never will. Whoever cancels it tells all who wait, and
    /// drops its function before this returns. Its memory is freed once the handle is dropped and it is off the queue: with the
    /// jobs before it, or at a cancel that finds half of the queue cancelled. A child made by `fork` cancels no job of its
    /// parent's.
    ///
    /// # Panics
    /// If the drop of the function does; the job is cancelled all the same.
    ///
    /// ```
    /// use selvedge::{Event, JobError, ThreadPool};
    /// use std::sync::Arc;
    /// let (pool, gate) = (ThreadPool::new(1), Arc::new(Event::new()));
    /// let theirs = Arc::clone(&gate);
    /// let first = pool.submit(move || theirs.wait())?;
    /// let second = pool.submit(|| unreachable!())?;
    /// assert!(second.cancel());
    /// gate.set();
    /// assert!(matches!(second.result(), Err(JobError::Cancelled)));
    /// first.result()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cancel(&self) -> bool {
        if self.home.is_parent() {
            return self.state().is_withdrawn();
        }
        if let Some(dropped) = self.task.cancel() {
            if self.home.is_this() {
                directory::note_cancel(self.pool_id);
            }
            dropped.unwrap_or_else(|payload| resume_unwind(payload)); // the cancel holds all the same
        }
        self.state().is_withdrawn()
    }

    /// Has `callback` run once the job has ended, with how: by the thread that ends it, after those that were added before;
    /// or at once, here, if it has ended. One that panics holds up none of the others.
    ///
    /// # Panics
    /// If the job has ended and `callback` panics.
    ///
    /// ```
    /// let pool = selvedge::ThreadPool::new(1);
    /// pool.submit(|| 6 * 7)?.on_done(|outcome| println!("it has {outcome:?}"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "add_done_callback")]
    pub fn on_done(&self, callback: impl FnOnce(Outcome) + Send + 'static) {
        match self.home.is_this() {
            true => self.state().on_end(Box::new(callback)),
            false => callback(self.outcome().expect("in a child every job of the parent's has ended")),
        }
    }

    fn take(&mut self, outcome: Outcome) -> Result<T, JobError> {
        assert!(!self.taken, "the result of the job was taken before");
        self.taken = true;
        match outcome {
            Outcome::Cancelled => Err(JobError::Cancelled),
            Outcome::Broken => Err(JobError::Broken),
            Outcome::Forked => Err(JobError::Forked),
            Outcome::Returned | Outcome::Panicked => {
                // SAFETY: it has ended, and this is its job (invariant 1).
                let made = unsafe { self.task.take() };
                made.expect("it was not taken").map_err(JobError::Panicked)
            }
        }
    }
}

/// Awaits the result.
///
/// # Panics
/// If the result was taken before.
impl<T> Future for Job<T> {
    type Output = Result<T, JobError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let job = &mut *self;
        let known = job
            .polled
            .as_ref()
            .is_some_and(|(_, waker)| waker.will_wake(context.waker()));
        if !known && !job.is_done() {
            job.forget_waker();
            let (waker, theirs) = (context.waker().clone(), context.waker().clone());
            job.polled = Some((job.state().register_waiter(Box::new(move || theirs.wake())), waker));
        }
        // A look after the waker is in place: an end that came in between wakes it, but needs no other poll.
        job.try_result().map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T> Job<T> {
    fn forget_waker(&mut self) {
        if let Some((number, _)) = self.polled.take() {
            self.unregister_waiter(number);
        }
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        self.forget_waker();
    }
}

impl<T> fmt::Debug for Job<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("outcome", &self.outcome())
            .field("running", &self.is_running())
            .finish()
    }
}
