//! Jobs that borrow: none outlives the scope in which it was submitted.
//!
//! # State
//! `pending` counts the jobs that were submitted and have not told their ends, and one for the body: no more than there is
//! memory for, however many jobs a scope has.
//!
//! # Invariants
//! 1. A scope does not return, by a panic either, before each job that the pool took has told it of its end. A job is counted
//!    before it is submitted: by the scope's body, or by a job that has not told its end. So `pending` is zero once, at the
//!    end of all, and then `ended` is set.
//! 2. The last job may tell its end when the scope's frame is gone: the counter is in an `Arc`, of which the job has a clone.

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

/// Where jobs are submitted that may borrow; [`ThreadPool::scope`] gives it.
pub struct Scope<'scope, 'env: 'scope> {
    pool: &'env ThreadPool,
    home: Process,
    jobs: Arc<Jobs>,
    // As those of std: neither may shrink or grow.
    _scope: PhantomData<&'scope mut &'scope ()>,
    _env: PhantomData<&'env mut &'env ()>,
}

/// The jobs of a scope.
struct Jobs {
    pending: AtomicUsize,
    /// Jobs that have panicked, and whose results were not taken.
    panics: AtomicUsize,
    ended: Event,
}

impl Jobs {
    /// The body of a scope, which counts as one.
    fn of_the_body() -> Jobs {
        Jobs {
            pending: AtomicUsize::new(1),
            panics: AtomicUsize::new(0),
            ended: Event::new(),
        }
    }

    /// One is submitted.
    fn begin(&self) {
        // Relaxed: the caller is counted, so the count is not zero.
        self.pending.fetch_add(1, Relaxed);
    }

    /// One has ended, or was not taken; or the body has ended.
    fn end(&self) {
        // ORDERING: Release pairs with the Acquire of the last one that ends: the scope returns after all that the others did.
        if self.pending.fetch_sub(1, AcqRel) == 1 {
            self.ended.set();
        }
    }

    /// One has panicked.
    fn add_panic(&self) {
        // Relaxed: the job tells its end after this.
        self.panics.fetch_add(1, Relaxed);
    }

    /// The result of one that has panicked was taken.
    fn remove_panic(&self) {
        // Relaxed: only what happens before the end of the scope is asked for.
        self.panics.fetch_sub(1, Relaxed);
    }

    /// Whether there are any but the body, which is the caller.
    fn are_pending(&self) -> bool {
        self.pending.load(Relaxed) > 1
    }

    /// Waits until all have ended.
    fn wait(&self) {
        self.ended.wait();
    }
}

impl ScopeToken for Arc<Jobs> {
    fn task_ended(&self) {
        self.end();
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
    let jobs = Arc::new(Jobs::of_the_body());
    let scope = Scope {
        pool,
        home: Process::this(),
        jobs,
        _scope: PhantomData,
        _env: PhantomData,
    };
    let result = catch(|| body(&scope));
    or_abort(|| {
        if scope.home.is_parent() && scope.jobs.are_pending() {
            abort_left_behind();
        }
        scope.jobs.end();
        scope.jobs.wait();
    });
    let result = result.unwrap_or_else(|payload| resume_unwind(payload));
    assert!(scope.jobs.panics.load(Relaxed) == 0, "a scoped job panicked");
    result
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// [`ThreadPool::submit`], of what may borrow.
    ///
    /// # Errors
    /// As there.
    pub fn submit<R>(&'scope self, run: R) -> Result<Job<R::Output>, SubmitError<R>>
    where
        R: Run + Send + 'scope,
        R::Output: Send + 'scope,
    {
        self.jobs.begin();
        // SAFETY: the scope waits until it is told (invariant 1).
        let job = unsafe { self.pool.submit_unchecked(run, Arc::clone(&self.jobs)) };
        if job.is_err() {
            self.jobs.end(); // not the last: the body, or the job that calls this, is counted
        }
        job
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("pool", self.pool).finish_non_exhaustive()
    }
}
