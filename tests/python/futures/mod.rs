//! `test_concurrent_futures`, as far as it asks a pool of threads. What it asks of futures made by hand is asked of
//! jobs that a [`Gate`] holds up; [`AnyState`] has one in each state.

mod as_completed;
mod future;
mod hazards;
mod init;
mod shutdown;
mod thread_pool;
mod wait;

use crate::watchdog::{self, Watch};
use selvedge::pool::Builder;
use selvedge::thread::Registry;
use selvedge::{Event, Job, Outcome, Semaphore, ThreadPool};
use std::panic::resume_unwind;
use std::sync::Arc;

const WORKERS: usize = 5;

/// A pool, its own registry, and a gate for its jobs, which is to be dropped first.
fn gated(workers: usize) -> (Registry, ThreadPool, Gate) {
    let registry = Registry::new();
    let pool = Builder::new().workers(workers).registry(&registry).build();
    (registry, pool, Gate::new())
}

/// Holds up jobs until it is opened: by its drop at the latest, so that a test that fails does not wait for them.
struct Gate {
    way: Arc<Event>,
    arrived: Arc<Semaphore>,
}

impl Gate {
    fn new() -> Gate {
        Gate {
            way: Arc::new(Event::new()),
            arrived: Arc::new(Semaphore::new(0)),
        }
    }

    fn open(&self) {
        self.way.set();
    }

    /// A function that comes to the gate, and returns once that is open.
    fn pass(&self) -> impl Fn() + Send + Sync + 'static {
        let (way, arrived) = (Arc::clone(&self.way), Arc::clone(&self.arrived));
        move || {
            arrived.release(1).unwrap();
            way.wait();
        }
    }

    /// A function that passes the gate, and then does `run`.
    fn before<T>(&self, run: impl FnOnce() -> T + Send + 'static) -> impl FnOnce() -> T + Send + 'static {
        let pass = self.pass();
        move || {
            pass();
            run()
        }
    }

    /// Returns once so many more have come to it.
    fn await_arrivals(&self, watch: &Watch<'_, '_>, count: usize) {
        watch.waits("jobs to come to the gate", || {
            (0..count).for_each(|_| self.arrived.acquire().forget())
        });
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

/// Panics, and says nothing on stderr.
fn fail() -> u32 {
    resume_unwind(Box::new("as told"))
}

/// A job in each state. The one that runs is at the gate, and the one that is pending comes after it.
struct AnyState {
    pending: Job<u32>,
    running: Job<u32>,
    cancelled: Job<u32>,
    failed: Job<u32>,
    successful: Job<u32>,
    gate: Gate, // opened before the pool is dropped
    pool: ThreadPool,
}

impl AnyState {
    fn new() -> AnyState {
        let (_, pool, gate) = gated(1);
        let submit = |run: fn() -> u32| pool.submit(run).unwrap();
        let (successful, failed) = (submit(|| 42), submit(fail));
        let running = pool.submit(gate.before(|| 1)).unwrap();
        let (pending, cancelled) = (submit(|| 2), submit(|| 3));
        assert!(cancelled.cancel());
        watchdog::run(|watch| gate.await_arrivals(watch, 1));
        AnyState {
            pending,
            running,
            cancelled,
            failed,
            successful,
            gate,
            pool,
        }
    }

    /// Each, and how it has ended.
    fn all(&self) -> [(&Job<u32>, Option<Outcome>); 5] {
        [
            (&self.pending, None),
            (&self.running, None),
            (&self.cancelled, Some(Outcome::Cancelled)),
            (&self.failed, Some(Outcome::Panicked)),
            (&self.successful, Some(Outcome::Returned)),
        ]
    }
}

fn are_done<const N: usize>(jobs: [&Job<u32>; N]) -> [bool; N] {
    jobs.map(Job::is_done)
}
