//! The loops in which everything is measured. Each is generic over the operation, so that every participant
//! gets the same loop, inlined around its own code.

use crossbeam_utils::CachePadded;
use std::arch::asm;
use std::hint::black_box;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Barrier, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

/// As long as the system may leave threads that never sleep on one core, though another is idle. What is handed to and fro takes
/// 30 times as long there: that is no property of who does it.
pub const SETTLING: Duration = Duration::from_millis(25);

/// Operations between two looks at the clock, which costs 25 ns.
const BATCH: u32 = 4096;

/// Operations that take microseconds, between two reads of the clock.
const TRIPS: u32 = 64;

/// What short work lasts.
const SHORT: Duration = Duration::from_nanos(20);

/// What the long critical sections last.
const LONG: Duration = Duration::from_nanos(1650);

/// Nanoseconds an operation, on one thread.
#[inline(always)]
pub fn alone(slice: Duration, operation: impl Fn()) -> f64 {
    in_batches(slice, BATCH, operation)
}

/// How a figure is taken of what threads do together, again and again.
pub trait Meter {
    /// What is known then.
    type Figure;
    /// Repeats `run`, each call of which does this number of operations.
    fn measure(self, operations: u32, run: impl FnMut()) -> Self::Figure;
}

/// Nanoseconds an operation for this long, once the threads have settled: of there and back, or of what else takes microseconds.
impl Meter for Duration {
    type Figure = f64;

    #[inline(always)]
    fn measure(self, operations: u32, run: impl FnMut()) -> f64 {
        settled(self, TRIPS.div_ceil(operations), run) / f64::from(operations)
    }
}

/// Nanoseconds an operation that several threads have a part in, once they have settled.
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
        // So that the loop begins on a cache line: across two, the same few instructions take up to twice as long.
        // SAFETY: it fills up with instructions that do nothing.
        unsafe { asm!(".p2align 6", options(nomem, nostack, preserves_flags)) };
        for _ in 0..batch {
            operation();
            black_box(()); // memory may have changed: nothing is hoisted out of the loop
        }
        batches += 1;
        let elapsed = began.elapsed();
        if elapsed >= slice {
            return nanoseconds(elapsed) / (f64::from(batch) * f64::from(batches));
        }
    }
}

/// Nanoseconds an operation, all threads' operations counted, while `threads` do nothing else; and how many
/// they did in all. The time is fixed, not the work: nobody finishes early and leaves the others uncontended.
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

// What threads that work together do now.
const SETTLE: u8 = 0;
const COUNT: u8 = 1;
const STOP: u8 = 2;

/// A count that only a lock keeps right: its increment is no atomic operation, but a load and a store.
#[derive(Default)]
pub struct Guarded<L> {
    /// What guards the count, on the same cache line as a `Mutex<T>` has it.
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

    /// One more; the caller holds the lock.
    #[inline(always)]
    pub fn count_one(&self) {
        self.count.store(self.count.load(Relaxed) + 1, Relaxed);
    }

    /// Panics if an increment was lost: whoever does not exclude others is not fast but wrong.
    pub fn must_be(&self, count: u64) {
        assert_eq!(self.count.load(Relaxed), count, "two threads were inside at once");
    }
}

/// Work that touches nothing shared.
#[derive(Clone, Copy)]
pub struct Work {
    /// Turns of its loop.
    pub turns: u32,
}

impl Work {
    /// A short while, about that of a few function calls: 20 ns.
    pub fn short() -> Work {
        Work::lasting(SHORT)
    }

    /// A long critical section: 1.65 µs.
    pub fn long() -> Work {
        Work::lasting(LONG)
    }

    fn lasting(time: Duration) -> Work {
        Work {
            turns: (nanoseconds(time) / *TURN).round() as u32,
        }
    }

    /// Does it.
    #[inline(always)]
    pub fn work(self) {
        turn(self.turns);
    }
}

/// Nanoseconds of a turn, the same for all that is measured in this process.
static TURN: LazyLock<f64> = LazyLock::new(|| {
    const TURNS: u32 = 100_000;
    let sample = |_| {
        let began = Instant::now();
        turn(TURNS);
        began.elapsed()
    };
    let fastest = (0..20).map(sample).min().expect("there are samples");
    nanoseconds(fastest) / f64::from(TURNS)
});

#[inline(never)]
fn turn(turns: u32) {
    let mut state = 1_u64;
    for _ in 0..turns {
        state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}

/// A duration in nanoseconds.
pub fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}
