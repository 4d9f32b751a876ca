//! The pool: takes functions, gives jobs, and waits for the end.

use super::builder::Builder;
use super::directory::CancelledTasks;
use super::error::SubmitError;
use super::job::Job;
use super::job_state::Outcome;
use super::map::Map;
use super::scope::{self, Scope};
use super::task::{ErasedTask, ScopeToken, Task};
use super::workers::{Config, Refusal, Workers};
use crate::backend::process::PerProcess;
use crate::backend::{Arc, Instant};
use crate::sync::TimedOut;
use crate::thread::Run;
use core::fmt;
use core::mem;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::time::Duration;

/// Threads that run jobs, in the order in which they were submitted.
///
/// A thread is started when a job comes and all threads are busy, until there are as many as there may be. They stay until
/// the pool is shut down, which its drop does, and waits. A job that panics fails by itself. A pool that is leaked or kept in a
/// static holds up no exit: its threads are daemons, and what is queued then is not run.
///
/// Everything before a `submit` happens-before the job.
///
/// In a child made by `fork` a pool of the parent's has no threads and no jobs, and starts threads of its own when a job
/// comes. Jobs that had not ended do not run there, nor are they dropped: they have [`Outcome::Forked`].
///
/// # Python
/// `concurrent.futures.ThreadPoolExecutor`. There the interpreter waits at its exit for what is queued; here the pool's owner
/// does.
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

// A panic leaves it as it was.
impl UnwindSafe for ThreadPool {}
impl RefUnwindSafe for ThreadPool {}

impl ThreadPool {
    /// A pool of at most so many threads; [`Builder`] says more.
    ///
    /// # Panics
    /// If `workers` is zero.
    pub fn new(workers: usize) -> ThreadPool {
        Builder::new().workers(workers).build()
    }

    pub(super) fn with(config: Config) -> ThreadPool {
        ThreadPool {
            workers: PerProcess::new(Arc::new_cyclic(|me| Workers::new(config, me))),
        }
    }

    /// Has `run` run by one of the threads. If the job is dropped, it is run all the same.
    ///
    /// When this returns, the job need not have begun, nor the thread that will run it: a
    /// [`shutdown_cancel`](ThreadPool::shutdown_cancel) right after it may cancel each job. For one that must have begun, wait for
    /// an [`Event`](crate::Event) that it sets.
    ///
    /// # Python
    /// `Executor.submit`. CPython starts the first thread within the call, which often has begun the job by the time that it returns.
    ///
    /// # Errors
    /// [`SubmitError`], which gives `run` back, if the pool is shut down or broken, or the system refuses it the first thread. If it
    /// refuses it another one, those that are there run it.
    ///
    /// ```
    /// let pool = selvedge::ThreadPool::new(1);
    /// let job = pool.submit(|| 1 + 1)?;
    /// assert_eq!(job.result()?, 2);
    /// pool.shutdown();
    /// let refused = pool.submit(|| 1 + 2).unwrap_err();
    /// assert_eq!(refused.into_inner()(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn submit<R>(&self, run: R) -> Result<Job<R::Output>, SubmitError<R>>
    where
        R: Run + Send + 'static,
        R::Output: Send + 'static,
    {
        // SAFETY: nothing is borrowed.
        unsafe { self.submit_unchecked(run, ()) }
    }

    /// # Safety
    /// What `run` and its output borrow must live until the scope is told of the job's end.
    pub(super) unsafe fn submit_unchecked<'a, R, S>(&self, run: R, scope: S) -> Result<Job<R::Output>, SubmitError<R>>
    where
        R: Run + Send + 'a,
        R::Output: Send + 'a,
        S: ScopeToken + 'a,
    {
        let task = Arc::new(Task::new(run, scope));
        let queued: Arc<dyn ErasedTask + 'a> = task.clone();
        // SAFETY: the caller's: until the scope is told, the function lives, and the value unless a job has it; after that the
        // pool touches neither (invariant 2 of task.rs).
        let queued = unsafe { mem::transmute::<Arc<dyn ErasedTask + 'a>, Arc<dyn ErasedTask + 'static>>(queued) };
        let Err(refused) = self.workers.submit(queued) else {
            return Ok(Job::new(task, self.workers.id()));
        };
        let run = Arc::into_inner(task)
            .and_then(Task::into_function)
            .expect("nobody else has seen it");
        Err(match refused {
            Refusal::NoThread(error) => SubmitError::NoThread(run, error),
            Refusal::Closed if self.is_broken() => SubmitError::Broken(run),
            Refusal::Closed => SubmitError::ShutDown(run),
        })
    }

    /// Runs `run` for each item, and gives the results in the order of the items.
    ///
    /// If the items' iterator panics here, all is cancelled. It looks ahead, for twice as many items as there may be threads: so many jobs are submitted at once, and another each time
    /// that a result is asked for. When the iterator is dropped, the jobs that have not begun are cancelled.
    ///
    /// # Python
    /// `Executor.map`, with a `buffersize`. An exception ends that; here each item has its result, and
    /// `collect::<Result<_, _>>()` ends it.
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

    /// [`map`](ThreadPool::map), with at most `ahead` items for which a job was submitted and the result not asked for.
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

    /// Runs `body`, in which jobs may be submitted that borrow what lives longer, and waits until all of them have ended.
    ///
    /// Everything that they did happens-before the return. A job's panic is in its result. A child made by `fork` in `body` aborts if it returns from there before all jobs have ended: what those
    /// of the parent had borrowed may be half changed.
    ///
    /// # Panics
    /// As `body` does; and if a job has panicked and its result was not taken in the scope, as
    /// [`thread::scope`](crate::thread::scope) does of a thread that was not joined.
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

    /// Takes no more jobs, runs those that are queued, and waits until every thread has ended. All that the jobs did
    /// happens-before the return. To do it again only waits.
    ///
    /// # Panics
    /// If one of its own threads does it, which would wait for itself. Nothing is shut down then;
    /// [`try_shutdown`](ThreadPool::try_shutdown) may be called there.
    pub fn shutdown(&self) {
        // Without a deadline there is no timeout.
        let _ = self.end(None, None);
    }

    /// Takes no more jobs, and never blocks: what is queued still runs.
    ///
    /// # Errors
    /// [`TimedOut`] if a thread is left.
    pub fn try_shutdown(&self) -> Result<(), TimedOut> {
        self.workers.close(None);
        self.workers.await_end(Some(Instant::now()))
    }

    /// [`shutdown`](ThreadPool::shutdown), which waits for at most `timeout`; the threads' thread-locals may not be dropped
    /// by then.
    ///
    /// # Errors
    /// [`TimedOut`] if a thread is left. The pool is shut down all the same.
    ///
    /// # Panics
    /// As [`shutdown`](ThreadPool::shutdown).
    pub fn shutdown_timeout(&self, timeout: Duration) -> Result<(), TimedOut> {
        self.end(None, Some(Instant::now() + timeout))
    }

    /// [`shutdown`](ThreadPool::shutdown), which waits until `deadline` at the latest.
    ///
    /// # Errors
    /// # Panics
    /// As [`shutdown_timeout`](ThreadPool::shutdown_timeout).
    pub fn shutdown_deadline(&self, deadline: Instant) -> Result<(), TimedOut> {
        self.end(None, Some(deadline))
    }

    /// Takes no more jobs, cancels those that are queued, and waits until every thread has ended. After a
    /// [`shutdown`](ThreadPool::shutdown) it cancels what still is queued.
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
        let _ = self.end(Some(Outcome::Cancelled), None);
    }

    /// Takes no more jobs, cancels those that are queued, and waits for no thread. As with all that cancels, the jobs' functions
    /// are dropped here, and their callbacks run.
    ///
    /// # Errors
    /// [`TimedOut`] if a thread is left.
    pub fn try_shutdown_cancel(&self) -> Result<(), TimedOut> {
        self.workers.close(Some(Outcome::Cancelled));
        self.workers.await_end(Some(Instant::now()))
    }

    /// [`shutdown_cancel`](ThreadPool::shutdown_cancel), which waits for at most `timeout`.
    ///
    /// # Errors
    /// # Panics
    /// As [`shutdown_timeout`](ThreadPool::shutdown_timeout).
    pub fn shutdown_cancel_timeout(&self, timeout: Duration) -> Result<(), TimedOut> {
        self.end(Some(Outcome::Cancelled), Some(Instant::now() + timeout))
    }

    /// [`shutdown_cancel`](ThreadPool::shutdown_cancel), which waits until `deadline` at the latest.
    ///
    /// # Errors
    /// # Panics
    /// As [`shutdown_timeout`](ThreadPool::shutdown_timeout).
    pub fn shutdown_cancel_deadline(&self, deadline: Instant) -> Result<(), TimedOut> {
        self.end(Some(Outcome::Cancelled), Some(deadline))
    }

    fn end(&self, refused: Option<Outcome>, deadline: Option<Instant>) -> Result<(), TimedOut> {
        assert!(
            !self.workers.contain_this_thread(),
            "a thread of a pool can't wait for its own end"
        );
        self.workers.close(refused);
        self.workers.await_end(deadline)
    }

    /// The most threads that it may have.
    pub fn max_workers(&self) -> usize {
        self.workers.config().max_workers
    }

    /// How many threads it has started.
    pub fn workers(&self) -> usize {
        self.workers.count()
    }

    /// How many jobs are queued. Some may have been cancelled: at the last cancel no more than half of them, or a few.
    #[doc(alias("qsize", "len"))]
    pub fn pending(&self) -> usize {
        self.workers.queued()
    }

    /// Whether it takes no more jobs, for it is shut down or broken.
    pub fn is_shutdown(&self) -> bool {
        self.workers.is_shut_down()
    }

    /// Whether its initializer has panicked.
    #[doc(alias = "BrokenThreadPool")]
    pub fn is_broken(&self) -> bool {
        self.workers.is_broken()
    }
}

impl Default for ThreadPool {
    /// As [`Builder::new`] says.
    fn default() -> ThreadPool {
        Builder::new().build()
    }
}

/// As [`shutdown`](ThreadPool::shutdown). The last owner may be a job on one of its own threads: that waits for nobody.
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
