//! Pools of threads. Each test has a registry of its own, so that others may run beside it.

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
    Builder::new().workers(workers).registry(&Registry::new()).build()
}

/// A share for the other side.
fn two<T>(it: T) -> (Arc<T>, Arc<T>) {
    let it = Arc::new(it);
    (Arc::clone(&it), it)
}

/// A worker that is busy until it is told, or this is dropped.
struct Held {
    open: Arc<Event>,
    job: Job<()>,
}

fn hold(pool: &ThreadPool) -> Held {
    let ((begun, begins), (open, opened)) = (two(Event::new()), two(Event::new()));
    let job = pool.submit(move || {
        begins.set();
        opened.wait();
    });
    begun.wait();
    Held {
        open,
        job: job.unwrap(),
    }
}

impl Held {
    fn release(&self) {
        self.open.set();
        assert_eq!(self.job.wait(), Outcome::Returned);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.open.set(); // or a test that fails would wait for its pool
    }
}

/// The result, in any form; the job if it has not ended.
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

/// Shuts down in any form, and cancels what is queued or not.
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

/// What a job that panicked has said.
fn said<T>(result: Result<T, JobError>) -> String {
    result
        .err()
        .and_then(|error| error.message().map(str::to_owned))
        .expect("it has not panicked with a text")
}
