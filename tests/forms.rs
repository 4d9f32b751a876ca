//! What every primitive promises in all of its forms, with the primitive as a parameter: [`laws`] makes the tests for
//! one of capacity one that is acquired, [`waits`] those for one that is waited for.

use crate::support::SHORT;
use crate::watchdog::{self, Watch};
use selvedge::sync::{Guard, WaitError};
use selvedge::{
    Barrier, BoundedSemaphore, Condition, Instant, Lock, LockGuard, Mutex, MutexGuard, Permit, RLock, RLockGuard,
    Semaphore, Turn,
};
use std::time::Duration;

/// How to ask; a deadline is given by its distance.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    Try,
    Plain,
    Timeout(Duration),
    Deadline(Duration),
}

use Form::{Deadline, Plain, Timeout, Try};

// More than a clock can count, and as much as fits the kernel's.
const HUGE: Duration = Duration::from_secs(u64::MAX);
const EONS: Duration = Duration::from_secs(i64::MAX as u64 / 2);

pub const PATIENT: [Form; 7] = [
    Plain,
    Timeout(Duration::MAX),
    Timeout(HUGE),
    Timeout(EONS),
    Deadline(Duration::MAX),
    Deadline(HUGE),
    Deadline(EONS),
];

pub const HASTY: [Form; 5] = [
    Try,
    Timeout(Duration::ZERO),
    Deadline(Duration::ZERO),
    Timeout(SHORT),
    Deadline(SHORT),
];

/// The forms of a wait in vain: there is no `try_wait`.
pub const IN_VAIN: [Form; 4] = [HASTY[1], HASTY[2], HASTY[3], HASTY[4]];

/// So many forms that wait for ever.
pub fn patient(count: usize) -> impl Iterator<Item = Form> {
    PATIENT.into_iter().cycle().take(count)
}

impl Form {
    pub fn patience(self) -> Duration {
        match self {
            Try => Duration::ZERO,
            Plain => Duration::MAX,
            Timeout(time) | Deadline(time) => time,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Try => "try_acquire",
            Plain => "acquire",
            Timeout(_) => "acquire_timeout",
            Deadline(_) => "acquire_deadline",
        }
    }

    /// Any form, with at most `patience` where there is a limit.
    pub fn random(rng: &mut fastrand::Rng, patience: Duration) -> Form {
        let time = patience.mul_f32(rng.f32());
        match rng.u8(..4) {
            0 => Try,
            1 => Plain,
            2 => Timeout(time),
            _ => Deadline(time),
        }
    }

    /// [`random`](Form::random), of a wait.
    pub fn random_wait(rng: &mut fastrand::Rng, patience: Duration) -> Form {
        match Form::random(rng, patience) {
            Try => Timeout(Duration::ZERO),
            form => form,
        }
    }
}

/// Whatever is acquired, in each form.
pub trait Acquire: Sync {
    type Guard<'a>
    where
        Self: 'a;

    fn acquire_until(&self, deadline: Instant) -> Option<Self::Guard<'_>>;

    fn acquire_by(&self, form: Form) -> Option<Self::Guard<'_>>;
}

macro_rules! acquire {
    ($($primitive:ty => $guard:ty;)*) => {$(
        impl Acquire for $primitive {
            type Guard<'a> = $guard;

            fn acquire_until(&self, deadline: Instant) -> Option<Self::Guard<'_>> {
                self.acquire_deadline(deadline).ok()
            }

            fn acquire_by(&self, form: Form) -> Option<Self::Guard<'_>> {
                match form {
                    Try => self.try_acquire().into_iter().next(), // an Option here, a Result there
                    Plain => Some(self.acquire()),
                    Timeout(time) => self.acquire_timeout(time).ok(),
                    Deadline(time) => self.acquire_until(Instant::now() + time),
                }
            }
        }
    )*};
}

acquire! {
    Lock => LockGuard<'a>;
    Mutex<()> => MutexGuard<'a, ()>;
    RLock => RLockGuard<'a>;
    Semaphore => Permit<'a>;
    BoundedSemaphore => Permit<'a>;
}

/// The tests that one primitive of capacity one must pass.
macro_rules! laws {
    ($make:expr) => {
        mod in_all_forms {
            use super::*;
            use crate::forms;

            #[test]
            fn a_free_one_is_taken() {
                forms::a_free_one_is_taken(&$make);
            }

            #[test]
            fn a_held_one_is_refused_and_no_trace_is_left() {
                forms::a_held_one_is_refused_and_no_trace_is_left(&$make);
            }

            #[test]
            fn whoever_is_patient_gets_it_once_it_is_released() {
                forms::whoever_is_patient_gets_it_once_it_is_released(&$make);
            }

            #[test]
            fn a_panic_releases_and_poisons_nothing() {
                forms::a_panic_releases_and_poisons_nothing(&$make);
            }

            #[test]
            fn a_leaked_guard_leaves_it_held() {
                forms::a_leaked_guard_leaves_it_held(&$make);
            }

            #[test]
            fn a_release_lets_all_sleepers_through_one_after_the_other() {
                forms::a_release_lets_all_sleepers_through_one_after_the_other(&$make);
            }

            #[cfg(target_os = "linux")]
            #[test]
            fn whoever_waits_sleeps() {
                forms::whoever_waits_sleeps(&$make);
            }
        }
    };
}
pub(crate) use laws;

pub fn a_free_one_is_taken<L: Acquire>(it: &L) {
    watchdog::run(|_| {
        for form in HASTY.into_iter().chain(PATIENT) {
            // And dropped at once: a guard that did not release would stop the next form.
            assert!(it.acquire_by(form).is_some(), "{form:?}");
        }
    });
}

/// No form of another thread's takes it, nor gives up early.
fn is_refused_to_others<'scope, 'env: 'scope, L: Acquire>(watch: &Watch<'scope, 'env>, it: &'env L) {
    let contend = || {
        for form in HASTY {
            let start = std::time::Instant::now();
            assert!(it.acquire_by(form).is_none(), "{form:?}");
            assert!(start.elapsed() >= form.patience(), "{form:?} gave up early");
        }
    };
    watch
        .spawn("contender", move |role| role.waits("any hasty form", contend))
        .join();
}

pub fn a_held_one_is_refused_and_no_trace_is_left<L: Acquire>(it: &L) {
    watchdog::run(|watch| {
        let held = it.acquire_by(Plain);
        is_refused_to_others(watch, it);
        drop(held);
        assert!(it.acquire_by(Try).is_some(), "a refused call has left something behind");
    });
}

pub fn whoever_is_patient_gets_it_once_it_is_released<L: Acquire>(it: &L) {
    watchdog::run(|watch| {
        for form in PATIENT {
            for round in 0..20 {
                let held = it.acquire_by(Plain);
                let waiter = watch.spawn("waiter", move |role| {
                    assert!(role.waits(form.name(), || it.acquire_by(form)).is_some(), "{form:?}");
                });
                if round % 2 == 0 {
                    waiter.until_asleep(); // in the other rounds it may come before the release or after
                }
                drop(held);
                waiter.join();
            }
        }
    });
}

pub fn a_panic_releases_and_poisons_nothing<L: Acquire>(it: &L) {
    watchdog::run(|watch| {
        let crasher = watch.spawn("crasher", |_| {
            let _held = it.acquire_by(Plain);
            std::panic::resume_unwind(Box::new("in the critical section")); // says nothing on stderr
        });
        assert!(crasher.try_join().is_err());
        for form in HASTY {
            assert!(it.acquire_by(form).is_some(), "{form:?}");
        }
    });
}

pub fn a_leaked_guard_leaves_it_held<L: Acquire>(it: &L) {
    watchdog::run(|watch| {
        std::mem::forget(it.acquire_by(Plain));
        is_refused_to_others(watch, it);
    });
}

pub fn a_release_lets_all_sleepers_through_one_after_the_other<L: Acquire>(it: &L) {
    watchdog::run(|watch| {
        for round in 0..50 {
            let held = it.acquire_by(Plain);
            let sleepers: Vec<_> = (0..4)
                .map(|n| {
                    let form = PATIENT[(round + n) % PATIENT.len()];
                    watch.spawn(format!("sleeper {n}"), move |role| {
                        assert!(role.waits(form.name(), || it.acquire_by(form)).is_some(), "{form:?}");
                    })
                })
                .collect();
            sleepers.iter().for_each(|sleeper| sleeper.until_asleep());
            drop(held);
            sleepers.into_iter().for_each(|sleeper| sleeper.join());
        }
    });
}

/// It sleeps once and for good: it does not look again and again.
#[cfg(target_os = "linux")]
pub fn whoever_waits_sleeps<L: Acquire>(it: &L) {
    watchdog::run(|watch| {
        let held = it.acquire_by(Plain);
        let waiter = watch.spawn("waiter", |role| {
            assert!(role.waits("acquire", || it.acquire_by(Plain)).is_some())
        });
        let sleeps_on = |_| {
            waiter.until_asleep();
            let before = waiter.sleeps();
            is_refused_to_others(watch, it); // takes a while, and is nothing to the waiter
            waiter.sleeps() == before
        };
        assert!((0..10).any(sleeps_on), "the waiter wakes up again and again");
        drop(held);
        waiter.join();
    });
}

/// One wait; false if its time was over first.
pub fn wait_by<G: Guard>(condition: &Condition, guard: &mut G, form: Form) -> bool {
    match form {
        Try => unreachable!("a wait is no attempt"),
        Plain => {
            condition.wait(guard);
            true
        }
        Timeout(time) => condition.wait_timeout(guard, time).is_ok(),
        Deadline(time) => condition.wait_deadline(guard, Instant::now() + time).is_ok(),
    }
}

/// Waits as long as `holds`; false if it does so still when the time is over.
pub fn wait_while_by<G: Guard>(
    condition: &Condition,
    guard: &mut G,
    form: Form,
    holds: impl FnMut(&mut G) -> bool,
) -> bool {
    match form {
        Try => unreachable!("a wait is no attempt"),
        Plain => {
            condition.wait_while(guard, holds);
            true
        }
        Timeout(time) => condition.wait_while_timeout(guard, time, holds).is_ok(),
        Deadline(time) => condition
            .wait_while_deadline(guard, Instant::now() + time, holds)
            .is_ok(),
    }
}

/// Comes to a barrier.
pub fn come_by<A: FnMut() + Send>(barrier: &Barrier<A>, form: Form) -> Result<Turn, WaitError> {
    match form {
        Try => unreachable!("a wait is no attempt"),
        Plain => barrier.wait().map_err(|_| WaitError::Broken),
        Timeout(time) => barrier.wait_timeout(time),
        Deadline(time) => barrier.wait_deadline(Instant::now() + time),
    }
}

/// Whatever is waited for, in each form.
pub trait Await: Sync {
    /// False if the time was over first.
    fn wait_by(&self, form: Form) -> bool;

    /// Ends the wait of one who waits, or will soon.
    fn end_a_wait(&self);

    /// Makes good what a wait in vain does by right.
    fn mend(&self) {}
}

/// The tests that whatever is waited for must pass.
macro_rules! waits {
    ($name:ident: $make:expr) => {
        mod $name {
            use super::*;
            use crate::forms;

            #[test]
            fn nobody_gives_up_before_his_time() {
                forms::nobody_gives_up_before_his_time(&$make);
            }

            #[test]
            fn whoever_is_patient_waits_for_the_end() {
                forms::whoever_is_patient_waits_for_the_end(&$make);
            }

            #[cfg(target_os = "linux")]
            #[test]
            fn whoever_waits_sleeps() {
                forms::whoever_waits_for_the_end_sleeps(&$make);
            }
        }
    };
}
pub(crate) use waits;

pub fn nobody_gives_up_before_his_time<W: Await>(it: &W) {
    watchdog::run(|watch| {
        for form in IN_VAIN {
            let start = std::time::Instant::now();
            assert!(!it.wait_by(form), "{form:?} did not wait");
            assert!(start.elapsed() >= form.patience(), "{form:?} gave up early");
            it.mend();
            let waiter = watch.spawn("waiter", |role| assert!(role.waits("a wait", || it.wait_by(Plain))));
            watch.waits("somebody to come", || it.end_a_wait());
            waiter.join();
            it.mend();
        }
    });
}

pub fn whoever_is_patient_waits_for_the_end<W: Await>(it: &W) {
    watchdog::run(|watch| {
        for form in PATIENT {
            for round in 0..10 {
                let waiter = watch.spawn("waiter", move |role| {
                    assert!(role.waits("a wait", || it.wait_by(form)), "{form:?}");
                });
                if round % 2 == 0 {
                    waiter.until_asleep(); // in the other rounds it may come late
                }
                watch.waits("somebody to come", || it.end_a_wait());
                waiter.join();
                it.mend();
            }
        }
    });
}

/// It sleeps once and for good: it does not look again and again.
#[cfg(target_os = "linux")]
pub fn whoever_waits_for_the_end_sleeps<W: Await>(it: &W) {
    watchdog::run(|watch| {
        let waiter = watch.spawn("waiter", |role| assert!(role.waits("a wait", || it.wait_by(Plain))));
        let sleeps_on = |_| {
            waiter.until_asleep();
            let (before, start) = (waiter.sleeps(), std::time::Instant::now());
            while start.elapsed() < SHORT {
                std::thread::yield_now();
            }
            waiter.sleeps() == before
        };
        assert!((0..10).any(sleeps_on), "the waiter wakes up again and again");
        it.end_a_wait();
        waiter.join();
    });
}
