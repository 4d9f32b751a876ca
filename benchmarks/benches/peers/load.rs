//! The measurement loops. Each is generic over the operation, so that every participant gets the same loop, inlined
//! around its own code.

use crossbeam_utils::CachePadded;
use std::arch::asm;
use std::hint::black_box;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Barrier, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

/// The time for which the system may leave threads that never block on one core while another is idle. A hand-off takes
/// 30 times as long there, whichever implementation does it.
pub const SETTLING: Duration = Duration::from_millis(25);

/// Operations between two reads of the clock, each of which costs 25 ns.
const BATCH: u32 = 4096;

/// Operations between two reads of the clock, if an operation takes microseconds.
const TRIPS: u32 = 64;

/// The duration of short work.
const SHORT: Duration = Duration::from_nanos(20);

/// The duration of long work.
const LONG: Duration = Duration::from_nanos(1650);

/// Nanoseconds per operation, on one thread.
#[inline(always)]
pub fn alone(slice: Duration, operation: impl Fn()) -> f64 {
    in_batches(slice, BATCH, operation)
}

/// Measures an operation in which several threads take part, by repeating it.
pub trait Meter {
    /// The result.
    type Figure;
    /// Repeats `run`, each call of which performs this number of operations.
    fn measure(self, operations: u32, run: impl FnMut()) -> Self::Figure;
}

/// Nanoseconds per operation for this long, after the threads have settled: for round trips, and other operations that
/// take microseconds.
impl Meter for Duration {
    type Figure = f64;

    #[inline(always)]
    fn measure(self, operations: u32, run: impl FnMut()) -> f64 {
        settled(self, TRIPS.div_ceil(operations), run) / f64::from(operations)
    }
}

/// Nanoseconds per operation in which several threads take part, after they have settled.
#[inline(always)]
pub fn settled(slice: Duration, batch: u32, mut operation: impl FnMut()) -> f64 {
    in_batches(SETTLING, batch, &mut operation);
    in_batches(slice, batch, operation)
}

#[inline(always)]
fn in_batches(slice: Duration, batch: u32, mut operation: impl FnMut()) -> f64 {
    let began = Instant::now();
    let mut batches = 0_u32;
    loop {
        // The loop begins on a cache line: across two, the same few instructions take up to twice as long.
        // SAFETY: the directive inserts instructions without effect.
        unsafe { asm!(".p2align 6", options(nomem, nostack, preserves_flags)) };
        for _ in 0..batch {
            operation();
            black_box(()); // memory may have changed: the compiler hoists nothing out of the loop
        }
        batches += 1;
        let elapsed = began.elapsed();
        if elapsed >= slice {
            return nanoseconds(elapsed) / (f64::from(batch) * f64::from(batches));
        }
    }
}

/// Nanoseconds per operation, counting all threads' operations, while `threads` do nothing else; and the number of all
/// operations. The time is fixed, not the work: no thread finishes early and leaves the others uncontended.
#[inline(always)]
pub fn together(slice: Duration, threads: usize, operation: impl Fn() + Sync) -> (f64, u64) {
    let phase = CachePadded::new(AtomicU8::new(SETTLE));
    let start = Barrier::new(threads + 1);
    let work = || {
        start.wait();
        let (mut all, mut settled) = (0_u64, None);
        loop {
            match (phase.load(Relaxed), settled) {
                (SETTLE, _) | (COUNT, Some(_)) => {}
                (COUNT, None) => settled = Some((Instant::now(), all)),
                _ => break,
            }
            operation();
            black_box(());
            all += 1;
        }
        let (began, before) = settled.unwrap_or_else(|| (Instant::now(), all));
        (began, Instant::now(), all, all - before)
    };
    let done: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        start.wait();
        thread::sleep(SETTLING);
        phase.store(COUNT, Relaxed);
        thread::sleep(slice);
        phase.store(STOP, Relaxed);
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a worker panicked"))
            .collect()
    });
    let began = done.iter().map(|&(began, ..)| began).min().expect("there are threads");
    let ended = done
        .iter()
        .map(|&(_, ended, ..)| ended)
        .max()
        .expect("there are threads");
    let counted = done.iter().map(|&(.., counted)| counted).sum::<u64>();
    (
        nanoseconds(ended - began) / counted as f64,
        done.iter().map(|&(_, _, all, _)| all).sum(),
    )
}

// The phases of threads that work together.
const SETTLE: u8 = 0;
const COUNT: u8 = 1;
const STOP: u8 = 2;

/// A counter that is correct only under a lock: its increment is not atomic, but a load and a store.
#[derive(Default)]
pub struct Guarded<L> {
    /// The lock, on the cache line of the count, as in a `Mutex<T>`.
    pub lock: L,
    count: AtomicU64,
}

impl<L> Guarded<L> {
    /// A count of zero, alone on its cache line.
    pub fn new(lock: L) -> CachePadded<Guarded<L>> {
        CachePadded::new(Guarded {
            lock,
            count: AtomicU64::new(0),
        })
    }

    /// Increments the count; the caller holds the lock.
    #[inline(always)]
    pub fn count_one(&self) {
        self.count.store(self.count.load(Relaxed) + 1, Relaxed);
    }

    /// Panics if an increment was lost: a lock without mutual exclusion is not fast but wrong.
    pub fn must_be(&self, count: u64) {
        assert_eq!(
            self.count.load(Relaxed),
            count,
            "two threads held the lock at the same time"
        );
    }
}

/// Work that accesses no shared memory.
#[derive(Clone, Copy)]
pub struct Work {
    /// Iterations of its loop.
    pub iterations: u32,
}

impl Work {
    /// Short work, as long as a few function calls: 20 ns.
    pub fn short() -> Work {
        Work::lasting(SHORT)
    }

    /// Long work: 1.65 µs.
    pub fn long() -> Work {
        Work::lasting(LONG)
    }

    fn lasting(time: Duration) -> Work {
        Work {
            iterations: (nanoseconds(time) / *ITERATION).round() as u32,
        }
    }

    /// Runs the loop.
    #[inline(always)]
    pub fn work(self) {
        iterate(self.iterations);
    }
}

/// Nanoseconds of an iteration, one value for the whole process.
static ITERATION: LazyLock<f64> = LazyLock::new(|| {
    const ITERATIONS: u32 = 100_000;
    let sample = |_| {
        let began = Instant::now();
        iterate(ITERATIONS);
        began.elapsed()
    };
    let fastest = (0..20).map(sample).min().expect("there are samples");
    nanoseconds(fastest) / f64::from(ITERATIONS)
});

#[inline(never)]
fn iterate(iterations: u32) {
    let mut state = 1_u64;
    for _ in 0..iterations {
        state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}

/// A duration in nanoseconds.
pub fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}
