//! Short waits before a thread blocks: how long it polls, and when it may yield.
//!
//! # The rule
//! While every ready thread of the machine belongs to this process, a yield is the best step of a
//! wait: the processor goes to the thread that is waited for. While another process is busy, it is the
//! worst step: a yield can cost a time slice of some milliseconds. So a wait has two modes.
//!
//! 1. **No other process is known to be busy**: `PAUSES` pauses, then up to `YIELDS` yields, in all about the cost of
//!    blocking and being woken. The clock is read after each yield. After a yield longer than `LONG_YIELD`, the
//!    processor time that the process has used since an earlier such yield is compared with four fifths of the time of
//!    all processors. If the process certainly used less, other processes were busy. The process then **suspends
//!    yields**: this wait blocks, and no wait of the process yields for 8 ms. If that happens again, the suspension
//!    doubles, up to 2 s. The first waits after a suspension yield again. Linux updates the processor time of a running
//!    thread at each timer tick. "Certainly" allows for one tick of each other processor, so a decision takes some
//!    7 ms (with ticks of 4 ms and two processors, each with one busy process).
//! 2. **Yields are suspended**: a wait for a lock pauses as in mode 1, and then blocks. A wait for a hand-off polls.
//!    Polling pays only if the other thread runs on another processor at that time, so each thread has a budget of
//!    pauses. A wait that ends by blocking divides the budget by four, down to `SHORTEST`. A wait that ends while
//!    polling sets it to `LONGEST`. A thread with the shortest budget tries the longest in one wait of 8, then of 16,
//!    up to one of 256, so that it detects when polls pay again.
//!
//! The process has the suspension, which depends on the machine. Each thread has a budget, which depends on the threads
//! with which it communicates.
//!
//! # Measured
//! Microseconds for a hand-off between two threads, on two processors of a virtual machine.
//! "always" is up to 60 yields in each wait. "never" is the same source, built without yields.
//!
//! | machine | always | never | this rule | std |
//! |---|--:|--:|--:|--:|
//! | idle: Event | 0.07 | 4.5 | 0.06 | 17 |
//! | one processor, one busy process: Event | 711 | 5.4 | 4.6 | 4 |
//! | one processor, three busy processes: Event | 2,133 | 15 | 13 | 12 |
//! | two processors, a busy process each: Event | 1,429 | 5 to 37 | 0.1 to 6 | 5 to 36 |
//! | two processors, a busy process each: Queue of 1 | 4,265 | 12 | 0.2 to 14 | 17 to 87 |
//!
//! On an idle machine the rule costs one clock read (23 ns) for each yield (510 ns). With busy
//! processes it costs one time slice for each suspension: some 40 ms in the first four seconds, then
//! two slices every two seconds. Polling for 30 us in each wait, without yields, would perform as well
//! for two threads on two idle processors. With more threads than processors, polls take the processor
//! from the thread that is waited for: a barrier of 4 took 40 us, not 5.6.

use super::Instant;
use super::atomic::{AtomicUsize, Ordering};
use core::cell::Cell;
use core::time::Duration;
pub use crossbeam_utils::Backoff;
use crossbeam_utils::atomic::AtomicCell;
use std::sync::{LazyLock, Mutex};

const PAUSES: u32 = 48;
const LONGEST: u32 = 1200; // some 30 µs
const SHORTEST: u32 = 16;
const YIELDS: u32 = 60;
/// False only in a build of the benchmarks, for comparison.
const WITH_YIELDS: bool = !cfg!(selvedge_without_yields);
const LONG_YIELD: Duration = Duration::from_micros(50);

/// A budget of polls, then yields, before a thread blocks: `while spin.again() { poll }`.
///
/// ```
/// use selvedge::backend::hint::Spin;
/// let (mut spin, mut polls) = (Spin::for_lock(None), 0);
/// while spin.again() {
///     polls += 1; // the budget ends, whatever the state is
/// }
/// assert!(!spin.again());
/// # assert!(polls < 10_000);
/// ```
#[derive(Debug)]
pub struct Spin {
    polls: u32,
    /// The number of pauses before each poll.
    pauses: u32,
    yields: u32,
    step: Step,
    /// The end of the last yield.
    last_yield: Option<Duration>,
    deadline: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The wait pauses within the thread's budget. If it ends in this step, the budget is restored.
    Budget,
    /// The wait pauses, without effect on the budget.
    Pauses,
    /// The wait yields, and the last yield was short.
    Yields,
    /// Nothing is left to do when the wait ends.
    Done,
}

impl Spin {
    /// For a wait until a short critical section ends. It polls rarely, so that the cache line stays with the
    /// owner, which may re-acquire the lock a few times before the line moves to another processor.
    #[inline]
    pub fn for_lock(deadline: Option<Instant>) -> Spin {
        Spin::new(16, deadline)
    }

    /// For a wait for a hand-off by another thread. It polls after each pause, to detect the hand-off immediately.
    #[inline]
    pub fn for_hand_off(deadline: Option<Instant>) -> Spin {
        Spin::new(1, deadline)
    }

    #[inline]
    fn new(pauses: u32, deadline: Option<Instant>) -> Spin {
        let spin = Spin {
            polls: PAUSES / pauses,
            pauses,
            yields: YIELDS,
            step: Step::Pauses,
            last_yield: None,
            deadline,
        };
        if deadline.is_some_and(Instant::has_passed) {
            return Spin {
                polls: 0,
                step: Step::Done,
                yields: 0,
                ..spin
            };
        }
        if WITH_YIELDS && suspension::is_over() {
            return spin;
        }
        spin.without_yields()
    }

    #[cold]
    fn without_yields(self) -> Spin {
        match self.pauses {
            1 if WITH_YIELDS => Spin {
                polls: budget::next(),
                yields: 0,
                step: Step::Budget,
                ..self
            },
            _ => Spin { yields: 0, ..self },
        }
    }

    /// Pauses or yields, and returns true. Returns false when the budget is used up or the deadline has passed.
    #[inline]
    pub fn again(&mut self) -> bool {
        if self.polls == 0 {
            return self.yield_again();
        }
        self.polls -= 1;
        (0..self.pauses).for_each(|_| core::hint::spin_loop());
        true
    }

    fn yield_again(&mut self) -> bool {
        // The deadline is checked only here: a clock read is short compared with a yield, but not with a pause.
        if self.yields == 0 || self.deadline.is_some_and(Instant::has_passed) {
            if self.step == Step::Budget {
                budget::failed();
                self.step = Step::Done;
            }
            return false;
        }
        let before = self.last_yield.unwrap_or_else(suspension::now);
        ::std::thread::yield_now();
        let now = suspension::now();
        self.last_yield = Some(now);
        self.yields -= 1;
        self.step = Step::Yields;
        if now - before > LONG_YIELD {
            self.step = Step::Done;
            if suspension::yield_took_long(now) {
                self.yields = 0;
            }
        }
        true
    }
}

impl Drop for Spin {
    #[inline]
    fn drop(&mut self) {
        match self.step {
            Step::Budget => budget::restore(),
            Step::Yields => suspension::end(),
            Step::Pauses | Step::Done => {}
        }
    }
}

/// The number of pauses that a thread spends on a hand-off before it blocks.
mod budget {
    use super::{Cell, LONGEST, SHORTEST};

    /// The first and the largest number of waits between two trials of the longest budget.
    const TRIALS: [u16; 2] = [8, 256];

    #[derive(Clone, Copy)]
    struct Budget {
        pauses: u32,
        /// The number of waits before the next trial of the longest budget.
        next_trial: u16,
        interval: u16,
    }

    const FULL: Budget = Budget {
        pauses: LONGEST,
        next_trial: TRIALS[0],
        interval: TRIALS[0],
    };

    ::std::thread_local!(static BUDGET: Cell<Budget> = const { Cell::new(FULL) });

    #[inline]
    pub(super) fn next() -> u32 {
        let budget = BUDGET.get();
        if budget.pauses > SHORTEST {
            return budget.pauses;
        }
        if budget.next_trial > 0 {
            BUDGET.set(Budget {
                next_trial: budget.next_trial - 1,
                ..budget
            });
            return SHORTEST;
        }
        let interval = (budget.interval * 2).min(TRIALS[1]);
        BUDGET.set(Budget {
            next_trial: interval,
            interval,
            ..budget
        });
        LONGEST
    }

    pub(super) fn failed() {
        let budget = BUDGET.get();
        BUDGET.set(Budget {
            pauses: (budget.pauses / 4).max(SHORTEST),
            ..budget
        });
    }

    #[inline]
    pub(super) fn restore() {
        if BUDGET.get().pauses < LONGEST {
            BUDGET.set(FULL);
        }
    }
}

/// Decides whether the waits of the process yield, by the cost of earlier yields.
mod suspension {
    use super::{AtomicCell, Duration, LazyLock, Mutex, usage};
    use ::std::time::Instant;
    use core::ops::RangeInclusive;

    const SHORTEST: Duration = Duration::from_millis(8);
    const LONGEST: Duration = Duration::from_millis(2048);

    /// The valid length of a sample. A shorter one is too inexact, a longer one too old.
    const SAMPLE: RangeInclusive<Duration> = Duration::from_millis(2)..=Duration::from_millis(100);

    /// The process uses at least this share of all processors' time if no other process is busy.
    const FULL_SHARE: f64 = 0.8;

    const NEVER: Duration = Duration::ZERO;

    /// The processor time that the process may have used but that the system has not yet counted.
    static ERROR: LazyLock<Duration> = LazyLock::new(|| usage::tick().mul_f64(*PROCESSORS - 1.0));

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    static PROCESSORS: LazyLock<f64> = LazyLock::new(|| super::super::thread::processors() as f64);
    /// No wait yields before this time, in nanoseconds. Zero if yields are not suspended.
    static UNTIL: AtomicCell<u64> = AtomicCell::new(0);
    static PAST: Mutex<Past> = Mutex::new(Past {
        at: NEVER,
        used: NEVER,
        suspension: NEVER,
        start: NEVER,
    });

    /// The start of the current sample, and the last suspension.
    struct Past {
        at: Duration,
        /// The processor time of the process at the start of the sample.
        used: Duration,
        /// The length of the last suspension.
        suspension: Duration,
        /// The start of the last suspension.
        start: Duration,
    }

    /// The time since the first wait of the process that yielded.
    pub(super) fn now() -> Duration {
        START.elapsed()
    }

    /// Whether waits may yield. Reads the clock only if yields are suspended.
    #[inline]
    pub(super) fn is_over() -> bool {
        let until = UNTIL.load();
        until == 0 || nanoseconds(now()) >= until
    }

    /// Called after a short yield: removes a suspension that is over.
    #[inline]
    pub(super) fn end() {
        let until = UNTIL.load();
        if until != 0 && nanoseconds(now()) >= until {
            let _ = UNTIL.compare_exchange(until, 0); // fails if another thread has started a new suspension
        }
    }

    /// Called after a long yield: suspends yields if other processes used the processors. Returns whether it did.
    #[cold]
    pub(super) fn yield_took_long(now: Duration) -> bool {
        let Ok(mut past) = PAST.try_lock() else { return false }; // another thread is deciding
        let elapsed = now.saturating_sub(past.at);
        if elapsed < *SAMPLE.start() {
            return false;
        }
        let (used, full) = (usage::processor_time(), elapsed.mul_f64(FULL_SHARE * *PROCESSORS));
        let share = used.saturating_sub(past.used);
        let is_short = elapsed <= *SAMPLE.end();
        if is_short && (share..share + *ERROR).contains(&full) {
            return false; // undecided: the sample continues
        }
        (past.at, past.used) = (now, used);
        if !is_short || share >= full {
            return false;
        }
        let is_repeated = now <= past.start + past.suspension * 2;
        past.suspension = if is_repeated {
            (past.suspension * 2).min(LONGEST)
        } else {
            SHORTEST
        };
        past.start = now;
        UNTIL.store(nanoseconds(now + past.suspension));
        true
    }

    /// The time in 64 bits, which fit into an atomic and last for 500 years.
    fn nanoseconds(time: Duration) -> u64 {
        u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The processor time of the process, as the system counts it. It is read through the C library: rustix
/// reads clocks through the kernel's vDSO page, which valgrind hides, and would abort the process there.
#[cfg(all(target_os = "linux", not(miri)))]
mod usage {
    use super::Duration;
    use libc::{CLOCK_MONOTONIC_COARSE, CLOCK_PROCESS_CPUTIME_ID, clock_getres, clock_gettime, clockid_t, timespec};

    pub(super) fn processor_time() -> Duration {
        read(clock_gettime, CLOCK_PROCESS_CPUTIME_ID)
    }

    /// The interval at which the system updates the processor time.
    pub(super) fn tick() -> Duration {
        read(clock_getres, CLOCK_MONOTONIC_COARSE) // this clock advances with each timer tick
    }

    /// The time that the call returns, or zero if the call fails.
    fn read(call: unsafe extern "C" fn(clockid_t, *mut timespec) -> i32, clock: clockid_t) -> Duration {
        // SAFETY: all zeros are a valid `timespec`.
        let mut time: timespec = unsafe { ::core::mem::zeroed() };
        // SAFETY: the pointer is valid for writes, since it comes from a `&mut`.
        let error = unsafe { call(clock, &mut time) };
        let (seconds, nanoseconds) = (time.tv_sec.try_into(), time.tv_nsec.try_into());
        match (error, seconds, nanoseconds) {
            (0, Ok(seconds), Ok(nanoseconds)) => Duration::new(seconds, nanoseconds),
            _ => Duration::ZERO,
        }
    }
}

/// The processor time is unknown, so each long yield counts as caused by another process.
#[cfg(not(all(target_os = "linux", not(miri))))]
mod usage {
    use super::Duration;

    pub(super) fn processor_time() -> Duration {
        Duration::ZERO
    }

    pub(super) fn tick() -> Duration {
        Duration::ZERO
    }
}

/// Polls the word, by loads with this ordering, until its value is `ready`. The thread does not block. For a wait until
/// another thread has completed a few steps.
///
/// Under a model the thread polls once after each change of the word.
///
/// ```
/// use selvedge::backend::{atomic::{AtomicUsize, Ordering::{Acquire, Release}}, hint, thread};
/// static STEPS: AtomicUsize = AtomicUsize::new(0);
/// let stepper = thread::spawn(|| STEPS.store(2, Release));
/// hint::spin_until(&STEPS, Acquire, |steps| steps == 2);
/// # stepper.join().unwrap();
/// ```
#[inline]
pub fn spin_until(word: &AtomicUsize, order: Ordering, ready: impl Fn(usize) -> bool) {
    if !ready(word.load(order)) {
        spin_on(word, order, ready);
    }
}

#[cold]
fn spin_on(word: &AtomicUsize, order: Ordering, ready: impl Fn(usize) -> bool) {
    let backoff = Backoff::new();
    while !ready(word.load(order)) {
        backoff.snooze();
    }
}
