//! Jobs that borrow: none outlives the scope in which it was submitted.
//!
//! # Invariants
//! 1. A scope does not return, by a panic either, before each job that the pool took has told it of its end. A job is counted
//!    before it is submitted: by the scope's body, or by a job that has not told its end.

use super::error::SubmitError;
use super::job::Job;
use super::pool::ThreadPool;
use crate::backend::Arc;
use crate::backend::atomic::{AtomicUsize, Ordering::Relaxed};
use crate::backend::process::Process;
use crate::sync::Semaphore;
use crate::thread::{Run, abort_left_behind, catch, or_abort};
use core::fmt;
use core::marker::PhantomData;
use std::panic::resume_unwind;

/// Where jobs are submitted that may borrow; [`ThreadPool::scope`] gives it.
pub struct Scope<'scope, 'env: 'scope> {
    pool: &'env ThreadPool,
    home: Process,
    taken: AtomicUsize,
    ended: Arc<Semaphore>,
    // As those of std: neither may shrink or grow.
    _scope: PhantomData<&'scope mut &'scope ()>,
    _env: PhantomData<&'env mut &'env ()>,
}

pub(super) fn run<'env, R>(
    pool: &'env ThreadPool,
    body: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R,
) -> R {
    let (taken, ended) = (AtomicUsize::new(0), Arc::new(Semaphore::new(0)));
    let scope = Scope { pool, home: Process::this(), taken, ended, _scope: PhantomData, _env: PhantomData };
    let result = catch(|| body(&scope));
    or_abort(|| scope.await_jobs());
    result.unwrap_or_else(|payload| resume_unwind(payload))
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
        self.taken.fetch_add(1, Relaxed);
        // SAFETY: the scope waits until it is told (invariant 1).
        let job = unsafe { self.pool.submit_unchecked(run, Arc::clone(&self.ended)) };
        if job.is_err() {
            self.taken.fetch_sub(1, Relaxed);
        }
        job
    }

    fn await_jobs(&self) {
        if self.home.is_parent() && (self.ended.available() as usize) < self.taken.load(Relaxed) {
            abort_left_behind();
        }
        let mut ended = 0;
        // Relaxed: a job that has submitted others has counted them before it released the permit that is acquired here.
        while ended < self.taken.load(Relaxed) {
            self.ended.acquire().forget();
            ended += 1;
        }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("pool", self.pool).finish_non_exhaustive()
    }
}
