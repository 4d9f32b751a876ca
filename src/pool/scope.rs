//! JobCounter that may borrow: they end before the scope in which they were submitted.
//!
//! # State
//! `pending` counts the submitted jobs whose tasks have not ended, plus one
//! for the scope's body. Each job takes memory, so the counter can't overflow.
//!
//! # Invariants
//! 1. A scope returns or unwinds only after each of its queued tasks has ended and notified the scope. A job
//!    is counted before it is submitted, by a thread that is counted itself: the scope's body or a running
//!    job. So `pending` becomes zero only once, after all tasks and the body have ended; then `ended` is set.
//! 2. The last task may still use the counter when the scope has
//!    returned: the counter is in an `Arc`, and each task holds a clone.

use super::error::SubmitError;
use super::job::Job;
use super::pool::ThreadPool;
use super::task::ScopeToken;
use crate::backend::Arc;
use crate::backend::atomic::{
    AtomicUsize,
    Ordering::{AcqRel, Relaxed},
};
use crate::backend::process::Process;
use crate::sync::Event;
use crate::thread::Run;
use crate::unwind::{abort_left_behind, catch, or_abort};
use core::fmt;
use core::marker::PhantomData;
use std::panic::resume_unwind;

/// A scope in which jobs that borrow can be submitted; [`ThreadPool::scope`] creates it.
pub struct Scope<'scope, 'env: 'scope> {
    pool: &'env ThreadPool,
    home: Process,
    jobs: Arc<JobCounter>,
    // As in std: invariant lifetimes, which can neither shrink nor grow.
    _scope: PhantomData<&'scope mut &'scope ()>,
    _env: PhantomData<&'env mut &'env ()>,
}

/// The counter of a scope's jobs.
struct JobCounter {
    pending: AtomicUsize,
    /// The number of jobs that panicked and whose results were not taken.
    panics: AtomicUsize,
    ended: Event,
}

impl JobCounter {
    /// A counter of the scope's body only.
    fn new() -> JobCounter {
        JobCounter {
            pending: AtomicUsize::new(1),
            panics: AtomicUsize::new(0),
            ended: Event::new(),
        }
    }

    /// Counts a job that is about to be submitted.
    fn increment(&self) {
        // Relaxed: the caller is counted, so `pending` does not become zero meanwhile (invariant 1).
        self.pending.fetch_add(1, Relaxed);
    }

    /// Removes a job that has ended or was rejected, or the body, from the count.
    fn decrement(&self) {
        // ORDERING: AcqRel; each Release synchronizes with the Acquire of the last decrement, which
        // sets `ended`: all writes of all jobs are visible to the thread that returns from `wait`.
        if self.pending.fetch_sub(1, AcqRel) == 1 {
            self.ended.set();
        }
    }

    /// Counts a job that has panicked.
    fn add_panic(&self) {
        // Relaxed: the same thread calls `decrement` later, which makes this write visible to the scope.
        self.panics.fetch_add(1, Relaxed);
    }

    /// Removes a job that has panicked from the count, because its result was taken.
    fn remove_panic(&self) {
        // Relaxed: the scope takes into account only a call that happens-before its own end.
        self.panics.fetch_sub(1, Relaxed);
    }

    /// Whether a job is counted. The caller is the scope's body.
    fn has_pending_jobs(&self) -> bool {
        self.pending.load(Relaxed) > 1
    }

    /// Blocks until the body and all jobs have ended.
    fn wait(&self) {
        self.ended.wait();
    }
}

impl ScopeToken for Arc<JobCounter> {
    fn task_ended(&self) {
        self.decrement();
    }

    fn task_panicked(&self) -> bool {
        self.add_panic();
        true
    }

    fn panic_taken(&self) {
        self.remove_panic();
    }
}

pub(super) fn run<'env, R>(
    pool: &'env ThreadPool,
    body: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R,
) -> R {
    let jobs = Arc::new(JobCounter::new());
    let scope = Scope {
        pool,
        home: Process::this(),
        jobs,
        _scope: PhantomData,
        _env: PhantomData,
    };
    let result = catch(|| body(&scope));
    or_abort(|| {
        if scope.home.is_parent() && scope.jobs.has_pending_jobs() {
            abort_left_behind();
        }
        scope.jobs.decrement();
        scope.jobs.wait();
    });
    let result = result.unwrap_or_else(|payload| resume_unwind(payload));
    assert!(scope.jobs.panics.load(Relaxed) == 0, "a scoped job panicked");
    result
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// Submits a job that may borrow; else as [`ThreadPool::submit`].
    ///
    /// # Errors
    /// As [`ThreadPool::submit`].
    pub fn submit<R>(&'scope self, run: R) -> Result<Job<R::Output>, SubmitError<R>>
    where
        R: Run + Send + 'scope,
        R::Output: Send + 'scope,
    {
        self.jobs.increment();
        // SAFETY: invariant 1: the scope waits until the task has ended and notified it.
        let job = unsafe { self.pool.submit_unchecked(run, Arc::clone(&self.jobs)) };
        if job.is_err() {
            self.jobs.decrement(); // does not become zero: the caller, the body or a job, is counted
        }
        job
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("pool", self.pool).finish_non_exhaustive()
    }
}
