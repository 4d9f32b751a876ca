//! Thread pools. Each test has a registry of its own, so that tests can run concurrently.

mod builder;
mod callback;
mod cancel;
mod cleanup;
mod completed;
mod future;
mod job;
mod map;
mod panic;
mod print;
mod scope;
mod several;
mod shutdown;
mod stress;
mod workers;

use crate::forms::Form::{self, Deadline, Plain, Timeout, Try};
use selvedge::pool::{AsCompleted, Builder, Map, Scope};
use selvedge::thread::Registry;
use selvedge::{Event, Instant, Job, JobError, Outcome, SubmitError, ThreadPool, TimedOut, Until};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::iter::FusedIterator;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

assert_impl_all!(ThreadPool: Send, Sync, Default, Debug);
assert_impl_all!(Builder: Send, Sync, Clone, Default, Debug);
assert_impl_all!(Job<Cell<u8>>: Send, Sync, Unpin, Debug, Future<Output = Result<Cell<u8>, JobError>>);
assert_not_impl_any!(Job<u8>: Clone);
assert_impl_all!(Scope<'static, 'static>: Send, Sync, Debug);
assert_impl_all!(Outcome: Send, Sync, Copy, Eq, Hash, Debug);
assert_impl_all!(Until: Send, Sync, Copy, Eq, Hash, Debug);
assert_impl_all!(JobError: Error, Send);
assert_impl_all!(SubmitError<Cell<u8>>: Error, Send);
assert_not_impl_any!(SubmitError<Rc<u8>>: Send, Sync);
assert_impl_all!(AsCompleted<u8, Job<u8>>: Send, Sync, ExactSizeIterator<Item = Job<u8>>, FusedIterator, Debug);
assert_impl_all!(AsCompleted<u8, &'static Job<u8>>: ExactSizeIterator<Item = &'static Job<u8>>);
assert_impl_all!(Map<'static, std::vec::IntoIter<u8>, fn(u8) -> Cell<u8>, Cell<u8>>: Send, FusedIterator, Debug);
assert_not_impl_any!(Map<'static, std::iter::Once<Rc<u8>>, fn(Rc<u8>), ()>: Send);

/// A pool on a registry of its own.
fn pool(workers: usize) -> ThreadPool {
    pool_on(&Registry::new(), workers)
}

fn pool_on(registry: &Registry, workers: usize) -> ThreadPool {
    Builder::new().workers(workers).registry(registry).build()
}

/// A pool whose second worker panics in the initializer once the event is set, and the pool's registry.
fn half_broken() -> (ThreadPool, Registry, Arc<Event>) {
    let ((go, goes), registry, first) = (arc_pair(Event::new()), Registry::new(), AtomicBool::new(true));
    let initializer = move || {
        if !first.swap(false, SeqCst) {
            goes.wait();
            panic!("on purpose");
        }
    };
    let builder = Builder::new().workers(2).registry(&registry).initializer(initializer);
    (builder.build(), registry, go)
}

/// Two handles of one value, the second for another thread.
fn arc_pair<T>(value: T) -> (Arc<T>, Arc<T>) {
    let value = Arc::new(value);
    (Arc::clone(&value), value)
}

/// A worker that runs a job until it is released or this is dropped.
struct BusyWorker {
    open: Arc<Event>,
    job: Job<()>,
}

fn occupy(pool: &ThreadPool) -> BusyWorker {
    let ((begun, begins), (open, opened)) = (arc_pair(Event::new()), arc_pair(Event::new()));
    let job = pool.submit(move || {
        begins.set();
        opened.wait();
    });
    begun.wait();
    BusyWorker {
        open,
        job: job.unwrap(),
    }
}

impl BusyWorker {
    fn release(&self) {
        self.open.set();
        assert_eq!(self.job.wait(), Outcome::Returned);
    }
}

impl Drop for BusyWorker {
    fn drop(&mut self) {
        self.open.set(); // otherwise a failing test would block in the drop of its pool
    }
}

/// Asserts that the pool runs jobs, and that its only worker is idle.
fn assert_runs_jobs(pool: &ThreadPool) {
    assert_eq!(pool.submit(|| 7).unwrap().result().unwrap(), 7);
    assert_eq!((pool.workers(), pool.pending()), (1, 0));
}

/// The result, in any form; the job if the form timed out.
fn result_by<T>(mut job: Job<T>, form: Form) -> Result<Result<T, JobError>, Job<T>> {
    let result = match form {
        Try => job.try_result(),
        Plain => return Ok(job.result()),
        Timeout(time) => job.result_timeout(time).ok(),
        Deadline(time) => job.result_deadline(Instant::now() + time).ok(),
    };
    result.ok_or(job)
}

fn wait_by<T>(job: &Job<T>, form: Form) -> Option<Outcome> {
    match form {
        Try => job.outcome(),
        Plain => Some(job.wait()),
        Timeout(time) => job.wait_timeout(time).ok(),
        Deadline(time) => job.wait_deadline(Instant::now() + time).ok(),
    }
}

/// Shuts down in any form; `cancels`: whether the queued jobs are cancelled.
fn shut_down_by(pool: &ThreadPool, cancels: bool, form: Form) -> Result<(), TimedOut> {
    match (cancels, form) {
        (false, Try) => pool.try_shutdown(),
        (false, Timeout(time)) => pool.shutdown_timeout(time),
        (false, Deadline(time)) => pool.shutdown_deadline(Instant::now() + time),
        (true, Try) => pool.try_shutdown_cancel(),
        (true, Timeout(time)) => pool.shutdown_cancel_timeout(time),
        (true, Deadline(time)) => pool.shutdown_cancel_deadline(Instant::now() + time),
        (_, Plain) => {
            if cancels {
                pool.shutdown_cancel()
            } else {
                pool.shutdown()
            }
            Ok(())
        }
    }
}

/// The resident memory of this process.
#[cfg(target_os = "linux")]
fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// The message of a job's panic.
fn message<T>(result: Result<T, JobError>) -> String {
    let error = result.err().expect("the job returned");
    error.message().expect("the payload is no text").to_owned()
}
