//! The pool: accepts functions, returns jobs, and is shut down.

use super::builder::Builder;
use super::directory::CancelledTasks;
use super::error::SubmitError;
use super::job::Job;
use super::job_state::Outcome;
use super::map::Map;
use super::scope::{self, Scope};
use super::task::{ErasedTask, ScopeToken, Task};
use super::workers::{Config, Rejection, Workers};
use crate::backend::process::PerProcess;
use crate::backend::{Arc, Instant};
use crate::sync::TimedOut;
use crate::thread::Run;
use core::fmt;
use core::mem;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::time::Duration;

/// A pool of threads, the workers, which run jobs in the order of their submission.
///
/// A worker is started when a job is submitted while all workers are busy, up to the maximum. Workers
/// live until the pool is shut down. The drop of the pool shuts it down and blocks until the workers
/// have ended. A panic of a job ends only that job. The workers are daemons: a pool that is leaked,
/// or stored in a static, does not delay the exit of the program, and its queued jobs do not run.
///
/// Everything before the call of `submit` happens-before the job.
///
/// In a child made by `fork`, a pool of the parent has no workers and no jobs, and
/// starts workers of its own for new jobs. The parent's jobs that had not ended do
/// not run in the child and are not dropped; their outcome is [`Outcome::Forked`].
///
/// # Python
/// `concurrent.futures.ThreadPoolExecutor`. There the interpreter's
/// exit waits for queued jobs; here the drop of the pool does.
///
/// ```
/// use selvedge::ThreadPool;
/// let pool = ThreadPool::new(4);
/// let jobs: Vec<_> = (0..8).map(|n| pool.submit(move || n * n).unwrap()).collect();
/// let sum: u64 = jobs.into_iter().map(|job| job.result().unwrap()).sum();
/// assert_eq!(sum, 140);
/// ```
#[doc(alias("ThreadPoolExecutor", "Executor", "concurrent.futures"))]
pub struct ThreadPool {
    workers: PerProcess<Arc<Workers>>,
}

// A panic leaves the pool's state consistent.
impl UnwindSafe for ThreadPool {}
impl RefUnwindSafe for ThreadPool {}

impl ThreadPool {
    /// A pool of at most `workers` threads; [`Builder`] has more settings.
    ///
    /// # Panics
    /// If `workers` is zero.
    pub fn new(workers: usize) -> ThreadPool {
        Builder::new().workers(workers).build()
    }

    pub(super) fn from_config(config: Config) -> ThreadPool {
        ThreadPool {
            workers: PerProcess::new(Arc::new_cyclic(|me| Workers::new(config, me))),
        }
    }

    /// Queues `run`, which a worker will call. It runs even if the returned job is dropped.
    ///
    /// The job may start after `submit` returns, and so may the worker that runs it: a
    /// [`shutdown_cancel`](ThreadPool::shutdown_cancel) after `submit` may cancel the
    /// job. To know that a job has started, let it set an [`Event`](crate::Event).
    ///
    /// # Python
    /// `Executor.submit`. CPython starts the first thread within the call,
    /// and that thread has often started the job when the call returns.
    ///
    /// # Errors
    /// [`SubmitError`], which returns `run`: the pool is shut down or broken, or the system can't create
    /// the first worker. If the system can't create a further worker, the existing workers run the job.
    ///
    /// ```
    /// let pool = selvedge::ThreadPool::new(1);
    /// let job = pool.submit(|| 1 + 1)?;
    /// assert_eq!(job.result()?, 2);
    /// pool.shutdown();
    /// let rejected = pool.submit(|| 1 + 2).unwrap_err();
    /// assert_eq!(rejected.into_inner()(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn submit<R>(&self, run: R) -> Result<Job<R::Output>, SubmitError<R>>
    where
        R: Run + Send + 'static,
        R::Output: Send + 'static,
    {
        // SAFETY: `run` and its output are `'static`: they borrow nothing.
        unsafe { self.submit_unchecked(run, ()) }
    }

    /// # Safety
    /// The values that `run` and its output borrow must live until the scope is notified of the task's end.
    pub(super) unsafe fn submit_unchecked<'a, R, S>(&self, run: R, scope: S) -> Result<Job<R::Output>, SubmitError<R>>
    where
        R: Run + Send + 'a,
        R::Output: Send + 'a,
        S: ScopeToken + 'a,
    {
        let task = Arc::new(Task::new(run, scope));
        let queued: Arc<dyn ErasedTask + 'a> = task.clone();
        // SAFETY: invariant 2 of task.rs: the function is dropped before the scope is
        // notified, and so is the value, unless a `Job` holds or can take it. The caller keeps
        // the borrowed values alive until then, and the pool accesses neither after that.
        let queued = unsafe { mem::transmute::<Arc<dyn ErasedTask + 'a>, Arc<dyn ErasedTask + 'static>>(queued) };
        let Err(rejection) = self.workers.submit(queued) else {
            return Ok(Job::new(task, self.workers.id()));
        };
        let run = Arc::into_inner(task)
            .and_then(Task::into_function)
            .expect("a task that was not queued has no other reference");
        Err(match rejection {
            Rejection::NoThread(error) => SubmitError::NoThread(run, error),
            Rejection::Closed if self.is_broken() => SubmitError::Broken(run),
            Rejection::Closed => SubmitError::ShutDown(run),
        })
    }

    /// Submits a job `run(item)` for each item, and returns an iterator over the results, in the order of the items.
    ///
    /// The iterator submits ahead: at first jobs for twice as many items as the maximum of
    /// workers, then one more job per result requested. Its drop cancels the jobs that have
    /// not started. If `items` panics in this call, the submitted jobs are cancelled too.
    ///
    /// # Python
    /// `Executor.map` with a `buffersize`. There an exception ends the iteration; here each
    /// item has its own result, and `collect::<Result<_, _>>()` stops at the first error.
    ///
    /// ```
    /// let pool = selvedge::ThreadPool::new(2);
    /// let lengths: Result<Vec<_>, _> = pool.map(["warp", "weft", "selvedge"], str::len).collect();
    /// assert_eq!(lengths?, [4, 4, 8]);
    /// # Ok::<(), selvedge::JobError>(())
    /// ```
    pub fn map<I, F, T>(&self, items: I, run: F) -> Map<'_, I::IntoIter, F, T>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.map_ahead(self.max_workers().saturating_mul(2), items, run)
    }

    /// [`map`](ThreadPool::map), with at most `ahead` submitted items whose results have not been requested.
    ///
    /// # Panics
    /// If `ahead` is zero.
    #[doc(alias = "buffersize")]
    pub fn map_ahead<I, F, T>(&self, ahead: usize, items: I, run: F) -> Map<'_, I::IntoIter, F, T>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        Map::new(self, ahead, items.into_iter(), run)
    }

    /// Runs `body`, which may submit jobs that borrow values that
    /// outlive the scope; then blocks until all these jobs have ended.
    ///
    /// Everything that the jobs did happens-before the return. A panic of a job is in the job's
    /// result. If `body` calls `fork`, and a job had not ended at the fork, the child aborts at
    /// the end of `body`, because the values that the job borrowed may be half written.
    ///
    /// # Panics
    /// If `body` panics, or a job panicked and its result was not taken within the scope. This
    /// corresponds to a thread in [`thread::scope`](crate::thread::scope) that was not joined.
    ///
    /// ```
    /// let pool = selvedge::ThreadPool::new(2);
    /// let mut counts = [0; 3];
    /// pool.scope(|scope| {
    ///     for (count, word) in counts.iter_mut().zip(["warp", "weft", "selvedge"]) {
    ///         scope.submit(|| *count = word.len()).unwrap();
    ///     }
    /// });
    /// assert_eq!(counts, [4, 4, 8]);
    /// ```
    pub fn scope<'env, R>(&'env self, body: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R) -> R {
        scope::run(self, body)
    }

    /// Rejects new jobs, runs the queued jobs, and blocks until all workers have ended.
    /// Everything that the jobs did happens-before the return. A second call only waits.
    ///
    /// # Panics
    /// If a worker of the pool calls it, which would wait for itself. Then nothing
    /// is shut down; a worker may call [`try_shutdown`](ThreadPool::try_shutdown).
    pub fn shutdown(&self) {
        // Without a deadline there is no timeout.
        let _ = self.shut_down_and_wait(None, None);
    }

    /// Rejects new jobs, but never blocks; the queued jobs still run.
    ///
    /// # Errors
    /// [`TimedOut`] if a worker has not ended.
    pub fn try_shutdown(&self) -> Result<(), TimedOut> {
        self.workers.close(None);
        self.workers.await_end(Some(Instant::now()))
    }

    /// [`shutdown`](ThreadPool::shutdown), blocking for at most `timeout`.
    /// It does not wait for the drop of the workers' thread-locals.
    ///
    /// # Errors
    /// [`TimedOut`] if a worker has not ended. The pool is shut down in any case.
    ///
    /// # Panics
    /// As [`shutdown`](ThreadPool::shutdown).
    pub fn shutdown_timeout(&self, timeout: Duration) -> Result<(), TimedOut> {
        self.shut_down_and_wait(None, Some(Instant::now() + timeout))
    }

    /// [`shutdown`](ThreadPool::shutdown), blocking until `deadline` at the latest.
    ///
    /// # Errors
    /// # Panics
    /// As [`shutdown_timeout`](ThreadPool::shutdown_timeout).
    pub fn shutdown_deadline(&self, deadline: Instant) -> Result<(), TimedOut> {
        self.shut_down_and_wait(None, Some(deadline))
    }

    /// Rejects new jobs, cancels the queued jobs, and blocks until all workers have ended. It may
    /// follow a [`shutdown`](ThreadPool::shutdown), to cancel the jobs that are still queued.
    ///
    /// # Panics
    /// As [`shutdown`](ThreadPool::shutdown).
    ///
    /// ```
    /// use selvedge::{JobError, ThreadPool};
    /// let pool = ThreadPool::new(1);
    /// let jobs: Vec<_> = (0..100).map(|n| pool.submit(move || n).unwrap()).collect();
    /// pool.shutdown_cancel();
    /// assert!(jobs.into_iter().all(|job| matches!(job.result(), Ok(_) | Err(JobError::Cancelled))));
    /// ```
    #[doc(alias = "cancel_futures")]
    pub fn shutdown_cancel(&self) {
        let _ = self.shut_down_and_wait(Some(Outcome::Cancelled), None);
    }

    /// Rejects new jobs and cancels the queued jobs, without waiting for a worker. As in every
    /// call that cancels jobs, this thread drops their functions and runs their callbacks.
    ///
    /// # Errors
    /// [`TimedOut`] if a worker has not ended.
    pub fn try_shutdown_cancel(&self) -> Result<(), TimedOut> {
        self.workers.close(Some(Outcome::Cancelled));
        self.workers.await_end(Some(Instant::now()))
    }

    /// [`shutdown_cancel`](ThreadPool::shutdown_cancel), blocking for at most `timeout`.
    ///
    /// # Errors
    /// # Panics
    /// As [`shutdown_timeout`](ThreadPool::shutdown_timeout).
    pub fn shutdown_cancel_timeout(&self, timeout: Duration) -> Result<(), TimedOut> {
        self.shut_down_and_wait(Some(Outcome::Cancelled), Some(Instant::now() + timeout))
    }

    /// [`shutdown_cancel`](ThreadPool::shutdown_cancel), blocking until `deadline` at the latest.
    ///
    /// # Errors
    /// # Panics
    /// As [`shutdown_timeout`](ThreadPool::shutdown_timeout).
    pub fn shutdown_cancel_deadline(&self, deadline: Instant) -> Result<(), TimedOut> {
        self.shut_down_and_wait(Some(Outcome::Cancelled), Some(deadline))
    }

    fn shut_down_and_wait(&self, withdrawn: Option<Outcome>, deadline: Option<Instant>) -> Result<(), TimedOut> {
        assert!(
            !self.workers.contain_this_thread(),
            "a thread of a pool can't wait for its own end"
        );
        self.workers.close(withdrawn);
        self.workers.await_end(deadline)
    }

    /// The maximum number of workers.
    pub fn max_workers(&self) -> usize {
        self.workers.config().max_workers
    }

    /// The number of workers that were started.
    pub fn workers(&self) -> usize {
        self.workers.count()
    }

    /// The number of queued jobs. It includes cancelled jobs that have not been removed from the queue yet:
    /// a cancel removes them when there are at least 64 of them and they are more than half of the queue.
    #[doc(alias("qsize", "len"))]
    pub fn pending(&self) -> usize {
        self.workers.queued()
    }

    /// Whether the pool rejects new jobs, because it is shut down or broken.
    pub fn is_shutdown(&self) -> bool {
        self.workers.is_shut_down()
    }

    /// Whether the pool is broken: its initializer panicked.
    #[doc(alias = "BrokenThreadPool")]
    pub fn is_broken(&self) -> bool {
        self.workers.is_broken()
    }
}

impl Default for ThreadPool {
    /// A pool with the default settings of [`Builder::new`].
    fn default() -> ThreadPool {
        Builder::new().build()
    }
}

/// Shuts the pool down, as [`shutdown`](ThreadPool::shutdown) does. A drop by a worker of the pool does not wait.
impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.workers.close(None);
        if !self.workers.contain_this_thread() {
            let _ = self.workers.await_end(None);
        }
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool")
            .field("max_workers", &self.max_workers())
            .field("workers", &self.workers())
            .field("pending", &self.pending())
            .field("shutdown", &self.is_shutdown())
            .field("broken", &self.is_broken())
            .finish()
    }
}
