//! Short waits before a thread blocks: how long a thread polls, and when it may yield.
//!
//! # The rule
//! A yield is the best step of a wait while every thread that is ready to run belongs to this process: the processor goes to
//! the thread that is waited for. Beside a busy process it is the worst: each yield can cost a time slice, some milliseconds.
//! So a wait takes one of two ways.
//!
//! 1. **No other process is known to be busy**: `PAUSES` pauses, then up to `YIELDS` yields, in all about as long as it
//!    takes to block and to be woken. The clock is read after each yield. One that took longer than `LONG_YIELD`
//!    is judged by the processor time that the process has used since an earlier one: if that is certainly less than four
//!    fifths of what all processors had, other processes took it, and the process **rests**: this wait blocks, and no wait of
//!    the process yields for 8 ms, then 16, and so on up to 2 s while that is repeated. The first waits after a rest yield
//!    again. Linux brings the processor time of a thread that runs up to date with each timer tick: "certainly" allows for one
//!    tick of each other processor, so a judgement takes some 7 ms (ticks of 4 ms, two processors, a busy process each).
//! 2. **The process rests**: a wait for a lock pauses as before, and then blocks. A wait for a message (a hand-over) polls,
//!    which pays only if the other thread runs on another processor at that moment, so each thread has a budget of pauses: a
//!    wait that the polls did not end divides it by four, down to `SHORTEST`; one that they ended sets it to `LONGEST`.
//!    A thread with the shortest budget spends the longest on one wait in 8, then in 16, up to one in 256, so it notices
//!    when polls pay again.
//!
//! The rest belongs to the process, since it tells about the machine; the budget to the thread, since it tells about the
//! threads with which it works.
//!
//! # Measured
//! Microseconds for a hand-over between two threads, on two processors of a virtual machine. "always" is up to 60 yields in
//! each wait, "never" is the same source built without yields.
//!
//! | machine | always | never | this rule | std |
//! |---|--:|--:|--:|--:|
//! | idle: Event | 0.07 | 4.5 | 0.06 | 17 |
//! | one processor, one busy process: Event | 711 | 5.4 | 4.6 | 4 |
//! | one processor, three busy processes: Event | 2,133 | 15 | 13 | 12 |
//! | two processors, a busy process each: Event | 1,429 | 5 to 37 | 0.1 to 6 | 5 to 36 |
//! | two processors, a busy process each: Queue of 1 | 4,265 | 12 | 0.2 to 14 | 17 to 87 |
//!
//! On an idle machine the rule costs a clock read (23 ns) for each yield (510 ns). Beside busy processes it costs a time
//! slice for each rest: some 40 ms in the first four seconds, then two slices in two seconds.
//! Polls for 30 us in each wait, without a yield, would do as well for two threads on two idle processors. With more threads
//! than processors they take the processor from the thread that is waited for: a barrier of 4 took 40 us instead of 5.6.

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
/// A build without yields is what the benchmark compares with.
const WITH_YIELDS: bool = !cfg!(selvedge_without_yields);
const LONG_YIELD: Duration = Duration::from_micros(50);

/// A budget of polls, then yields, before a thread blocks: `while spin.again() { poll }`.
///
/// ```
/// use selvedge::backend::hint::Spin;
/// let (mut spin, mut polls) = (Spin::for_lock(None), 0);
/// while spin.again() {
///     polls += 1; // whatever the state is, the budget ends
/// }
/// assert!(!spin.again());
/// # assert!(polls < 10_000);
/// ```
#[derive(Debug)]
pub struct Spin {
    polls: u32,
    /// Pauses before each poll.
    pauses: u32,
    yields: u32,
    step: Step,
    /// When the last yield ended.
    yielded: Option<Duration>,
    deadline: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Pauses out of the thread's budget: if they end the wait, the budget is restored.
    Budget,
    /// Pauses that say nothing about the budget.
    Pauses,
    /// Yields, of which the last was short.
    Yields,
    Over,
}

impl Spin {
    /// Waits for a short critical section to end: with few polls, so that the owner keeps its cache line, and may have it
    /// again a few times before it goes to another processor.
    #[inline]
    pub fn for_lock(deadline: Option<Instant>) -> Spin {
        Spin::new(16, deadline)
    }

    /// Waits for another thread's message: one poll a pause, so that it is seen at once.
    #[inline]
    pub fn for_hand_over(deadline: Option<Instant>) -> Spin {
        Spin::new(1, deadline)
    }

    #[inline]
    fn new(pauses: u32, deadline: Option<Instant>) -> Spin {
        let spin = Spin {
            polls: PAUSES / pauses,
            pauses,
            yields: YIELDS,
            step: Step::Pauses,
            yielded: None,
            deadline,
        };
        if deadline.is_some_and(Instant::has_passed) {
            return Spin {
                polls: 0,
                step: Step::Over,
                yields: 0,
                ..spin
            };
        }
        if WITH_YIELDS && rest::is_over() {
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

    /// Waits a moment and returns true; returns false once the budget is used up or the deadline has passed.
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
        // A yield is long enough to read the clock, a pause is not.
        if self.yields == 0 || self.deadline.is_some_and(Instant::has_passed) {
            if self.step == Step::Budget {
                budget::failed();
                self.step = Step::Over;
            }
            return false;
        }
        let before = self.yielded.unwrap_or_else(rest::now);
        ::std::thread::yield_now();
        let now = rest::now();
        self.yielded = Some(now);
        self.yields -= 1;
        self.step = Step::Yields;
        if now - before > LONG_YIELD {
            self.step = Step::Over;
            if rest::yield_took_long(now) {
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
            Step::Yields => rest::end(),
            Step::Pauses | Step::Over => {}
        }
    }
}

/// How many pauses a thread spends on a hand-over before it blocks.
mod budget {
    use super::{Cell, LONGEST, SHORTEST};

    /// Waits from one try of the longest budget to the next, while none helps.
    const TRIES: [u16; 2] = [8, 256];

    #[derive(Clone, Copy)]
    struct Budget {
        pauses: u32,
        /// Waits until the longest budget is tried again.
        next_try: u16,
        interval: u16,
    }

    const FULL: Budget = Budget {
        pauses: LONGEST,
        next_try: TRIES[0],
        interval: TRIES[0],
    };

    ::std::thread_local!(static BUDGET: Cell<Budget> = const { Cell::new(FULL) });

    #[inline]
    pub(super) fn next() -> u32 {
        let budget = BUDGET.get();
        if budget.pauses > SHORTEST {
            return budget.pauses;
        }
        if budget.next_try > 0 {
            BUDGET.set(Budget {
                next_try: budget.next_try - 1,
                ..budget
            });
            return SHORTEST;
        }
        let interval = (budget.interval * 2).min(TRIES[1]);
        BUDGET.set(Budget {
            next_try: interval,
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

/// Whether the waits of the process yield, by what yields have cost.
mod rest {
    use super::{AtomicCell, Duration, LazyLock, Mutex, usage};
    use ::std::time::Instant;
    use core::ops::RangeInclusive;

    const SHORTEST: Duration = Duration::from_millis(8);
    const LONGEST: Duration = Duration::from_millis(2048);

    /// Shorter times say nothing about the use of the processors, longer ones too little about the present.
    const SAMPLE: RangeInclusive<Duration> = Duration::from_millis(2)..=Duration::from_millis(100);

    /// Of all processors, what the process has used if no other process took them.
    const OURS: f64 = 0.8;

    const NEVER: Duration = Duration::ZERO;

    /// How much more processor time the process may have used than the system has counted.
    static ERROR: LazyLock<Duration> = LazyLock::new(|| usage::tick().mul_f64(*PROCESSORS - 1.0));

    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    static PROCESSORS: LazyLock<f64> = LazyLock::new(|| super::super::thread::processors() as f64);
    /// No wait yields before this moment, in nanoseconds; zero if the process does not rest.
    static UNTIL: AtomicCell<u64> = AtomicCell::new(0);
    static PAST: Mutex<Past> = Mutex::new(Past {
        at: NEVER,
        used: NEVER,
        rest: NEVER,
        began: NEVER,
    });

    /// What was known when a yield took long.
    struct Past {
        at: Duration,
        /// Processor time of the process.
        used: Duration,
        /// The last rest, and when it began.
        rest: Duration,
        began: Duration,
    }

    /// The present, since the first wait of the process that yielded.
    pub(super) fn now() -> Duration {
        BEGIN.elapsed()
    }

    /// Without a rest the clock is not read.
    #[inline]
    pub(super) fn is_over() -> bool {
        let until = UNTIL.load();
        until == 0 || nanoseconds(now()) >= until
    }

    /// A yield was short.
    #[inline]
    pub(super) fn end() {
        let until = UNTIL.load();
        if until != 0 && nanoseconds(now()) >= until {
            let _ = UNTIL.compare_exchange(until, 0); // an error if another thread has begun another rest
        }
    }

    /// Whether the process rests from now on, since other processes had the processors.
    #[cold]
    pub(super) fn yield_took_long(now: Duration) -> bool {
        let Ok(mut past) = PAST.try_lock() else { return false }; // another thread decides
        let elapsed = now.saturating_sub(past.at);
        if elapsed < *SAMPLE.start() {
            return false;
        }
        let (used, enough) = (usage::processor_time(), elapsed.mul_f64(OURS * *PROCESSORS));
        let share = used.saturating_sub(past.used);
        let is_short = elapsed <= *SAMPLE.end();
        if is_short && (share..share + *ERROR).contains(&enough) {
            return false; // the sample goes on
        }
        (past.at, past.used) = (now, used);
        if !is_short || share >= enough {
            return false;
        }
        let repeated = now <= past.began + past.rest * 2;
        past.rest = if repeated {
            (past.rest * 2).min(LONGEST)
        } else {
            SHORTEST
        };
        past.began = now;
        UNTIL.store(nanoseconds(now + past.rest));
        true
    }

    /// As a word that needs no lock: it lasts for 500 years.
    fn nanoseconds(time: Duration) -> u64 {
        u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// What the system counts of the process's use of its processors. By the C library: rustix reads its clocks through a page of
/// the kernel's that valgrind hides, and would end the process there.
#[cfg(all(target_os = "linux", not(miri)))]
mod usage {
    use super::Duration;
    use libc::{CLOCK_MONOTONIC_COARSE, CLOCK_PROCESS_CPUTIME_ID, clock_getres, clock_gettime, clockid_t, timespec};

    pub(super) fn processor_time() -> Duration {
        ask(clock_gettime, CLOCK_PROCESS_CPUTIME_ID)
    }

    /// The time after which it is up to date.
    pub(super) fn tick() -> Duration {
        ask(clock_getres, CLOCK_MONOTONIC_COARSE) // it advances with each tick
    }

    /// Zero if the system does not know.
    fn ask(call: unsafe extern "C" fn(clockid_t, *mut timespec) -> i32, clock: clockid_t) -> Duration {
        // SAFETY: all of it may be zero.
        let mut answer: timespec = unsafe { ::core::mem::zeroed() };
        // SAFETY: the place is a variable's.
        let failed = unsafe { call(clock, &mut answer) };
        let (seconds, nanoseconds) = (answer.tv_sec.try_into(), answer.tv_nsec.try_into());
        match (failed, seconds, nanoseconds) {
            (0, Ok(seconds), Ok(nanoseconds)) => Duration::new(seconds, nanoseconds),
            _ => Duration::ZERO,
        }
    }
}

/// Unknown: each long yield counts as given to another process.
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

/// Waits, without a sleep, until the word's value is `ready`: for another thread that is in the middle of a few steps. Each
/// poll is a load of this ordering.
///
/// Under a model the caller polls again whenever the word has changed.
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
