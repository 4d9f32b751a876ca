//! The handle of a submitted function: waits for its end and takes its result.
//!
//! # Invariants
//! 1. Each task has exactly one `Job`, which takes the task's contents at most once, after the task has ended.

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

/// A handle of a function that was submitted to a pool, and of its result.
///
/// Any number of threads may wait for the job's end, by reference; the owner takes the result. A job is also
/// a future, for any executor. A dropped `Job` does not stop the function, whose result is then dropped.
///
/// Everything that the function did, or that precedes the job's
/// cancellation, happens-before each call that reports the end.
///
/// # Python
/// `concurrent.futures.Future`. There the result is shared; here it is moved out, once.
/// [`wait`](Job::wait) and [`outcome`](Job::outcome) report how the job ended without taking the result.
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
    registered_waker: Option<(u64, Waker)>,
}

// A panic leaves the job's state consistent.
impl<T> UnwindSafe for Job<T> {}
impl<T> RefUnwindSafe for Job<T> {}

impl<T> Job<T> {
    pub(super) fn new<'a, U: TaskResult<T> + 'a>(task: Arc<U>, pool_id: u64) -> Job<T> {
        let task: Arc<dyn TaskResult<T> + 'a> = task;
        // SAFETY: invariant 2 of task.rs: the function, with all that it borrows, is dropped before the end of
        // `'a`. After that the task can only hold a `T`, which lives as long as the type of this job requires.
        let task = unsafe { core::mem::transmute::<Arc<dyn TaskResult<T> + 'a>, Arc<dyn TaskResult<T>>>(task) };
        Job {
            task,
            home: Process::this(),
            pool_id,
            taken: false,
            registered_waker: None,
        }
    }

    fn state(&self) -> &JobState {
        self.task.state()
    }

    /// Runs `waiter` when the job ends, or immediately if it has ended.
    /// The id is for [`unregister_waiter`](Job::unregister_waiter).
    pub(super) fn register_waiter(&self, waiter: Box<dyn FnOnce() + Send>) -> u64 {
        if self.home.is_this() {
            return self.state().register_waiter(waiter);
        }
        waiter();
        0
    }

    /// Removes a waiter that has not run. In a child made by `fork` the list is the parent's, and unchanged.
    pub(super) fn unregister_waiter(&self, id: u64) {
        if self.home.is_this() {
            self.state().unregister_waiter(id);
        }
    }

    /// Blocks until the job has ended, and returns its result.
    ///
    /// # Errors
    /// [`JobError`] if the function panicked, the job was cancelled,
    /// its pool is broken, or a fork left it behind in the parent.
    ///
    /// # Panics
    /// If the result was already taken.
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
    /// If the result was already taken.
    pub fn try_result(&mut self) -> Option<Result<T, JobError>> {
        let outcome = self.outcome()?;
        Some(self.take(outcome))
    }

    /// [`result`](Job::result), blocking for at most `timeout`; a zero timeout checks once.
    ///
    /// # Errors
    /// [`TimedOut`] if the job has not ended. The job continues, and its result can be taken later.
    ///
    /// # Panics
    /// If the result was already taken.
    ///
    /// ```
    /// use selvedge::{ThreadPool, TimedOut};
    /// use std::time::Duration;
    /// let pool = ThreadPool::new(1);
    /// let gate = std::sync::Arc::new(selvedge::Event::new());
    /// let job_gate = gate.clone();
    /// let mut job = pool.submit(move || job_gate.wait())?;
    /// assert!(matches!(job.result_timeout(Duration::from_millis(1)), Err(TimedOut)));
    /// gate.set();
    /// job.result_timeout(Duration::MAX)??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn result_timeout(&mut self, timeout: Duration) -> Result<Result<T, JobError>, TimedOut> {
        let outcome = self.wait_timeout(timeout)?;
        Ok(self.take(outcome))
    }

    /// [`result`](Job::result), blocking until `deadline` at the latest; a deadline that has elapsed checks once.
    ///
    /// # Errors
    /// # Panics
    /// As [`result_timeout`](Job::result_timeout).
    pub fn result_deadline(&mut self, deadline: Instant) -> Result<Result<T, JobError>, TimedOut> {
        let outcome = self.wait_deadline(deadline)?;
        Ok(self.take(outcome))
    }

    /// Blocks until the job has ended, and returns how it ended. The result is not taken.
    #[doc(alias = "exception")]
    pub fn wait(&self) -> Outcome {
        let outcome = self.outcome().or_else(|| self.state().wait(None));
        outcome.expect("a wait without a deadline returns after the end")
    }

    /// [`wait`](Job::wait), blocking for at most `timeout`; a zero timeout checks once.
    ///
    /// # Errors
    /// [`TimedOut`] if the job has not ended.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Outcome, TimedOut> {
        self.outcome()
            .map_or_else(|| self.wait_deadline(Instant::now() + timeout), Ok)
    }

    /// [`wait`](Job::wait), blocking until `deadline` at the latest; a deadline that has elapsed checks once.
    ///
    /// # Errors
    /// [`TimedOut`] if the job has not ended.
    pub fn wait_deadline(&self, deadline: Instant) -> Result<Outcome, TimedOut> {
        self.outcome()
            .or_else(|| self.state().wait(Some(deadline)))
            .ok_or(TimedOut)
    }

    /// How the job ended, or `None` if it has not ended; never blocks.
    #[doc(alias = "cancelled")]
    pub fn outcome(&self) -> Option<Outcome> {
        self.state()
            .outcome()
            .or_else(|| self.home.is_parent().then_some(Outcome::Forked))
    }

    /// Whether the job has ended: it ran, was cancelled, or failed with its pool.
    #[doc(alias = "done")]
    pub fn is_done(&self) -> bool {
        self.outcome().is_some()
    }

    /// Whether the job's function runs at this moment.
    #[doc(alias = "running")]
    pub fn is_running(&self) -> bool {
        self.state().is_running() && self.home.is_this()
    }

    /// Cancels the job if it has not started. Returns true if the job was cancelled, by this call or earlier:
    /// it never runs. The call that cancels it notifies all waiters, and drops the function before it returns.
    ///
    /// The memory of a cancelled job is freed when its `Job` is dropped and it is removed
    /// from the queue: when a worker reaches it, or by a cancel that finds that half of
    /// the queue is cancelled. A child made by `fork` can't cancel a job of its parent.
    ///
    /// # Panics
    /// If the drop of the function panics; the job is cancelled nevertheless.
    ///
    /// ```
    /// use selvedge::{Event, JobError, ThreadPool};
    /// use std::sync::Arc;
    /// let (pool, gate) = (ThreadPool::new(1), Arc::new(Event::new()));
    /// let job_gate = Arc::clone(&gate);
    /// let first = pool.submit(move || job_gate.wait())?;
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
            dropped.unwrap_or_else(|payload| resume_unwind(payload)); // the job stays cancelled
        }
        self.state().is_withdrawn()
    }

    /// Calls `callback` with the outcome when the job ends, on the thread that ends
    /// it, after the callbacks that were added before; or immediately, on this thread,
    /// if the job has ended. A panic of one callback does not affect the others.
    ///
    /// # Panics
    /// If the job has ended and `callback` panics.
    ///
    /// ```
    /// let pool = selvedge::ThreadPool::new(1);
    /// pool.submit(|| 6 * 7)?.on_done(|outcome| println!("the job has ended: {outcome:?}"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "add_done_callback")]
    pub fn on_done(&self, callback: impl FnOnce(Outcome) + Send + 'static) {
        match self.home.is_this() {
            true => self.state().on_end(Box::new(callback)),
            false => callback(
                self.outcome()
                    .expect("in a child, every job of the parent has an outcome"),
            ),
        }
    }

    fn take(&mut self, outcome: Outcome) -> Result<T, JobError> {
        assert!(!self.taken, "the result of the job was already taken");
        self.taken = true;
        match outcome {
            Outcome::Cancelled => Err(JobError::Cancelled),
            Outcome::Broken => Err(JobError::Broken),
            Outcome::Forked => Err(JobError::Forked),
            Outcome::Returned | Outcome::Panicked => {
                // SAFETY: invariant 1: the task has ended, and this is its only `Job`.
                let result = unsafe { self.task.take() };
                result
                    .expect("the result was not taken before")
                    .map_err(JobError::Panicked)
            }
        }
    }
}

/// Waits for the result, as a future.
///
/// # Panics
/// If the result was already taken.
impl<T> Future for Job<T> {
    type Output = Result<T, JobError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let job = &mut *self;
        let is_registered = job
            .registered_waker
            .as_ref()
            .is_some_and(|(_, waker)| waker.will_wake(context.waker()));
        if !is_registered && !job.is_done() {
            job.unregister_waker();
            let (waker, waiter) = (context.waker().clone(), context.waker().clone());
            job.registered_waker = Some((job.state().register_waiter(Box::new(move || waiter.wake())), waker));
        }
        // Checked after the waker is registered: if the job ended in
        // between, the waker was called, but no second poll is needed.
        job.try_result().map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T> Job<T> {
    fn unregister_waker(&mut self) {
        if let Some((id, _)) = self.registered_waker.take() {
            self.unregister_waiter(id);
        }
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        self.unregister_waker();
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
