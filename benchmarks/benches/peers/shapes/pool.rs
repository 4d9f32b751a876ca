//! Thread pools.

pub mod pools;

use super::lineup;
use crate::load::{Meter, settled};
use crate::row::{Bar, Row, at_most};
use crossbeam_utils::CachePadded;
use pools::{Crossbeam, Oneshot, RayonScope};
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::{Arc, Barrier};
use std::thread::{self, Thread};
use std::time::Duration;

/// Tiny tasks that are submitted before the caller waits.
const TINY: u32 = 100_000;

/// Jobs that are submitted before the first result is requested.
const BATCH: u32 = 1000;

/// A thread pool.
pub trait Pool: Sized + 'static {
    /// A pool of at most this number of workers.
    fn new(workers: usize) -> Self;
    /// Submits a task without a result.
    fn execute(&self, task: impl FnOnce() + Send + 'static);
    /// Submits a task several times.
    fn execute_all(&self, times: u32, task: impl FnOnce() + Copy + Send + 'static) {
        (0..times).for_each(|_| self.execute(task));
    }
}

/// A pool whose jobs have results.
pub trait Results: Pool {
    /// The handle of a job.
    type Job;
    /// Submits a job.
    fn submit(&self, run: impl FnOnce() -> u32 + Send + 'static) -> Self::Job;
    /// Waits for the result of a job.
    fn result(job: Self::Job) -> u32;
}

/// A pool whose workers have all been started.
fn started<P: Pool>(workers: usize) -> P {
    let pool = P::new(workers);
    let all = Arc::new(Barrier::new(workers + 1));
    for _ in 0..workers {
        let all = Arc::clone(&all);
        pool.execute(move || _ = all.wait()); // blocks a worker
    }
    all.wait();
    pool
}

/// Unparks its creator when all tasks have run: the same for all pools.
struct Latch {
    left: CachePadded<AtomicU32>,
    waiter: Thread,
}

impl Latch {
    /// A latch that is leaked, because the last task accesses it after the decrement.
    fn leaked() -> &'static Latch {
        Box::leak(Box::new(Latch {
            left: CachePadded::default(),
            waiter: thread::current(),
        }))
    }

    #[inline(always)]
    fn count_down(&self) {
        if self.left.fetch_sub(1, Release) == 1 {
            self.waiter.unpark();
        }
    }

    fn wait(&self) {
        while self.left.load(Acquire) > 0 {
            thread::park();
        }
    }
}

/// Nanoseconds per task, from the first submit until the last task has run.
fn tiny<P: Pool>(workers: usize) -> impl Fn(Duration) -> f64 {
    move |slice| {
        let (pool, latch) = (started::<P>(workers), Latch::leaked());
        in_lots(slice, TINY, || {
            latch.left.store(TINY, Relaxed);
            pool.execute_all(TINY, || latch.count_down());
            latch.wait();
        })
    }
}

/// Nanoseconds per job, from the first submit until the last result.
fn batch<P: Results>(workers: usize) -> impl Fn(Duration) -> f64 {
    move |slice| {
        let pool = started::<P>(workers);
        let mut jobs = Vec::with_capacity(BATCH as usize);
        in_lots(slice, BATCH, || {
            jobs.extend((0..BATCH).map(|number| pool.submit(move || black_box(number))));
            let sum: u32 = jobs.drain(..).map(P::result).sum();
            assert_eq!(sum, BATCH * (BATCH - 1) / 2, "a wrong result");
        })
    }
}

fn in_lots(slice: Duration, lot: u32, run: impl FnMut()) -> f64 {
    settled(slice, 1, run) / f64::from(lot)
}

/// A round trip.
pub fn round_trip<P: Results, M: Meter>(workers: usize, meter: M) -> M::Figure {
    let pool = started::<P>(workers);
    meter.measure(1, || assert_eq!(P::result(pool.submit(|| black_box(1))), 1))
}

macro_rules! pools {
    ($T:ident => $measure:expr) => {
        lineup![$T => $measure;
            Std "ours (std)" selvedge::ThreadPool,
            ParkingLot "ours (parking_lot)" selvedge_parking_lot::ThreadPool,
            Peer "crossbeam + Box" Crossbeam,
            Peer "rayon spawn" rayon::ThreadPool,
            Peer "rayon scope" RayonScope,
            Peer "threadpool" threadpool::ThreadPool,
        ]
    };
}

macro_rules! answering {
    ($T:ident => $measure:expr) => {
        lineup![$T => $measure;
            Std "ours (std)" selvedge::ThreadPool,
            ParkingLot "ours (parking_lot)" selvedge_parking_lot::ThreadPool,
            Peer "crossbeam + oneshot" Oneshot<Crossbeam>,
            Peer "rayon + oneshot" Oneshot<rayon::ThreadPool>,
            Peer "threadpool + oneshot" Oneshot<threadpool::ThreadPool>,
        ]
    };
}

/// All rows of this shape.
pub fn rows() -> Vec<Row> {
    let row = |setting, bar: Bar, participants| Row {
        shape: "Pool",
        setting,
        bars: vec![bar],
        participants,
    };
    let (tasks, results) = ("crossbeam + Box", "crossbeam + oneshot");
    vec![
        row(
            "100k tiny tasks, 2 workers",
            at_most(1.0, tasks),
            pools!(P => tiny::<P>(2)),
        ),
        row(
            "100k tiny tasks, 4 workers",
            at_most(1.0, tasks),
            pools!(P => tiny::<P>(4)),
        ),
        row(
            "submit + result, batch of 1000",
            at_most(1.0, results),
            answering!(P => batch::<P>(2)),
        ),
        row(
            "submit + result, round trip",
            at_most(0.1, results),
            answering!(P => |slice| round_trip::<P, Duration>(2, slice)),
        ),
    ]
}
