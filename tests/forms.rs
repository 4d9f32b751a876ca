//! Properties of every primitive in each of its forms, with the primitive as a parameter: [`laws`] makes the tests of
//! one that is acquired, and has room for one holder; [`waits`] those of one that is waited for.

pub use crate::stress::it_has_one_holder_at_a_time_under_stress;
use crate::support::SHORT;
use crate::watchdog::{self, Watch};
use selvedge::sync::{Guard, WaitError};
use selvedge::{
    Barrier, BoundedSemaphore, Condition, Instant, Lock, LockGuard, Mutex, MutexGuard, Permit, RLock, RLockGuard,
    Semaphore, Turn,
};
use std::time::Duration;

/// The form of a call; a deadline is given by its distance.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    Try,
    Plain,
    Timeout(Duration),
    Deadline(Duration),
}

use Form::{Deadline, Plain, Timeout, Try};

// More than a clock can count, and the most that the kernel accepts.
const HUGE: Duration = Duration::from_secs(u64::MAX);
const EONS: Duration = Duration::from_secs(i64::MAX as u64 / 2);

/// The forms that block until they succeed.
pub const BLOCKING: [Form; 7] = [
    Plain,
    Timeout(Duration::MAX),
    Timeout(HUGE),
    Timeout(EONS),
    Deadline(Duration::MAX),
    Deadline(HUGE),
    Deadline(EONS),
];

/// The forms that give up soon.
pub const EXPIRING: [Form; 5] = [
    Try,
    Timeout(Duration::ZERO),
    Deadline(Duration::ZERO),
    Timeout(SHORT),
    Deadline(SHORT),
];

/// The forms of a wait that times out: there is no `try_wait`.
pub const EXPIRING_WAITS: [Form; 4] = [EXPIRING[1], EXPIRING[2], EXPIRING[3], EXPIRING[4]];

/// `count` forms that block until they succeed.
pub fn blocking(count: usize) -> impl Iterator<Item = Form> {
    BLOCKING.into_iter().cycle().take(count)
}

impl Form {
    pub fn timeout(self) -> Duration {
        match self {
            Try => Duration::ZERO,
            Plain => Duration::MAX,
            Timeout(time) | Deadline(time) => time,
        }
    }

    /// A random form; a timed one with a random timeout of at most `longest`.
    pub fn random(rng: &mut fastrand::Rng, longest: Duration) -> Form {
        let time = longest.mul_f32(rng.f32());
        match rng.u8(..4) {
            0 => Try,
            1 => Plain,
            2 => Timeout(time),
            _ => Deadline(time),
        }
    }

    /// [`random`](Form::random), of a wait.
    pub fn random_wait(rng: &mut fastrand::Rng, longest: Duration) -> Form {
        match Form::random(rng, longest) {
            Try => Timeout(Duration::ZERO),
            form => form,
        }
    }
}

/// A primitive that is acquired, in each form.
pub trait Acquire: Sync {
    type Guard<'a>
    where
        Self: 'a;

    fn acquire_by(&self, form: Form) -> Option<Self::Guard<'_>>;
}

macro_rules! acquire {
    ($($primitive:ty => $guard:ty;)*) => {$(
        impl Acquire for $primitive {
            type Guard<'a> = $guard;

            fn acquire_by(&self, form: Form) -> Option<Self::Guard<'_>> {
                match form {
                    Try => self.try_acquire().into_iter().next(), // an Option or a Result
                    Plain => Some(self.acquire()),
                    Timeout(time) => self.acquire_timeout(time).ok(),
                    Deadline(time) => self.acquire_deadline(Instant::now() + time).ok(),
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

/// Makes each property a test of a new object.
macro_rules! properties {
    ($name:ident of $make:expr => $($(#[$attribute:meta])* $property:ident)*) => {
        mod $name {
            use super::*;

            $($(#[$attribute])*
            #[test]
            fn $property() {
                crate::forms::$property(&$make);
            })*
        }
    };
}
pub(crate) use properties;

/// The tests of a primitive that is acquired.
macro_rules! laws {
    ($name:ident: $make:expr) => {
        $crate::forms::properties! { $name of $make =>
            each_form_acquires_it_when_free_and_gives_up_in_time_when_held
            a_release_admits_the_waiters_one_after_the_other
            a_panic_releases_it_without_poison
            it_has_one_holder_at_a_time_under_stress
            #[cfg(target_os = "linux")] a_blocked_acquire_does_not_poll
        }
    };
}
pub(crate) use laws;

/// No form acquires it on another thread, nor gives up before its deadline.
fn is_refused_to_others<'scope, 'env: 'scope, L: Acquire>(watch: &Watch<'scope, 'env>, it: &'env L) {
    let contend = || {
        for form in EXPIRING {
            let start = std::time::Instant::now();
            assert!(it.acquire_by(form).is_none(), "{form:?}");
            assert!(start.elapsed() >= form.timeout(), "{form:?} gave up early");
        }
    };
    let contender = watch.spawn("contender", move |role| role.waits("any form that gives up", contend));
    contender.join();
}

pub fn each_form_acquires_it_when_free_and_gives_up_in_time_when_held<L: Acquire>(it: &L) {
    watchdog::run(|watch| {
        for form in EXPIRING.into_iter().chain(BLOCKING) {
            let held = it.acquire_by(form);
            assert!(held.is_some(), "{form:?}");
            is_refused_to_others(watch, it);
        }
        std::mem::forget(it.acquire_by(Try).expect("a call that gave up has no effect"));
        is_refused_to_others(watch, it);
    });
}

pub fn a_release_admits_the_waiters_one_after_the_other<L: Acquire>(it: &L) {
    watchdog::run(|watch| {
        for round in 0..15 * BLOCKING.len() {
            let held = it.acquire_by(Plain);
            let waiter = |n: usize| {
                let form = BLOCKING[(round + n) % BLOCKING.len()];
                watch.spawn(format!("waiter {n}"), move |role| {
                    assert!(role.waits("an acquire", || it.acquire_by(form)).is_some(), "{form:?}");
                })
            };
            let waiters: Vec<_> = (0..1 + round % 4).map(waiter).collect();
            if round % 3 > 0 {
                waiters.iter().for_each(|waiter| waiter.until_blocked()); // else they may arrive after the release
            }
            drop(held);
            waiters.into_iter().for_each(|waiter| waiter.join());
        }
    });
}

pub fn a_panic_releases_it_without_poison<L: Acquire>(it: &L) {
    watchdog::run(|watch| {
        let crasher = watch.spawn("crasher", |_| {
            let _held = it.acquire_by(Plain);
            std::panic::resume_unwind(Box::new("in the critical section")); // prints nothing
        });
        assert!(crasher.try_join().is_err());
        for form in EXPIRING {
            assert!(it.acquire_by(form).is_some(), "{form:?}");
        }
    });
}

#[cfg(target_os = "linux")]
pub fn a_blocked_acquire_does_not_poll<L: Acquire>(it: &L) {
    watchdog::run(|watch| {
        let held = it.acquire_by(Plain);
        let waiter = watch.spawn("waiter", |role| drop(role.waits("acquire", || it.acquire_by(Plain))));
        assert!(waiter.stays_blocked(|| is_refused_to_others(watch, it)));
        drop(held);
        waiter.join();
    });
}

/// One wait; false if it timed out.
pub fn wait_by<G: Guard>(condition: &Condition, guard: &mut G, form: Form) -> bool {
    match form {
        Try => unreachable!("a wait has no try form"),
        Plain => {
            condition.wait(guard);
            true
        }
        Timeout(time) => condition.wait_timeout(guard, time).is_ok(),
        Deadline(time) => condition.wait_deadline(guard, Instant::now() + time).is_ok(),
    }
}

/// Waits while `holds`; false if it still holds at the deadline.
pub fn wait_while_by<G: Guard>(
    condition: &Condition,
    guard: &mut G,
    form: Form,
    holds: impl FnMut(&mut G) -> bool,
) -> bool {
    let deadline = |time| Instant::now() + time;
    match form {
        Try => unreachable!("a wait has no try form"),
        Plain => {
            condition.wait_while(guard, holds);
            true
        }
        Timeout(time) => condition.wait_while_timeout(guard, time, holds).is_ok(),
        Deadline(time) => condition.wait_while_deadline(guard, deadline(time), holds).is_ok(),
    }
}

/// Waits at a barrier.
pub fn barrier_wait_by<A: FnMut() + Send>(barrier: &Barrier<A>, form: Form) -> Result<Turn, WaitError> {
    match form {
        Try => unreachable!("a wait has no try form"),
        Plain => barrier.wait().map_err(|_| WaitError::Broken),
        Timeout(time) => barrier.wait_timeout(time),
        Deadline(time) => barrier.wait_deadline(Instant::now() + time),
    }
}

/// What is waited for, in each form.
pub trait Await: Sync {
    /// False if it timed out.
    fn wait_by(&self, form: Form) -> bool;

    /// Ends the wait of a thread that waits, or will soon.
    fn end_a_wait(&self);

    /// Undoes the effects that a timeout has by specification.
    fn mend(&self) {}
}

/// The tests of what is waited for.
macro_rules! waits {
    ($name:ident: $make:expr) => {
        $crate::forms::properties! { $name of $make =>
            a_timed_wait_lasts_until_its_deadline_and_has_no_effect
            a_wait_lasts_until_it_is_ended
            #[cfg(target_os = "linux")] a_blocked_wait_does_not_poll
        }
    };
}
pub(crate) use waits;

pub fn a_timed_wait_lasts_until_its_deadline_and_has_no_effect<W: Await>(it: &W) {
    watchdog::run(|watch| {
        for form in EXPIRING_WAITS {
            let start = std::time::Instant::now();
            assert!(!it.wait_by(form), "{form:?} did not wait");
            assert!(start.elapsed() >= form.timeout(), "{form:?} gave up early");
            it.mend();
            let waiter = watch.spawn("waiter", |role| assert!(role.waits("a wait", || it.wait_by(Plain))));
            watch.waits("the waiter's arrival", || it.end_a_wait());
            waiter.join();
            it.mend();
        }
    });
}

pub fn a_wait_lasts_until_it_is_ended<W: Await>(it: &W) {
    watchdog::run(|watch| {
        for (form, round) in BLOCKING
            .into_iter()
            .flat_map(|form| (0..10).map(move |round| (form, round)))
        {
            let waiter = watch.spawn("waiter", move |role| {
                assert!(role.waits("a wait", || it.wait_by(form)), "{form:?}");
            });
            if round % 2 == 0 {
                waiter.until_blocked(); // else it may arrive late
            }
            watch.waits("the waiter's arrival", || it.end_a_wait());
            waiter.join();
            it.mend();
        }
    });
}

#[cfg(target_os = "linux")]
pub fn a_blocked_wait_does_not_poll<W: Await>(it: &W) {
    watchdog::run(|watch| {
        let waiter = watch.spawn("waiter", |role| assert!(role.waits("a wait", || it.wait_by(Plain))));
        assert!(waiter.stays_blocked(|| {
            let start = std::time::Instant::now();
            while start.elapsed() < SHORT {
                std::thread::yield_now();
            }
        }));
        it.end_a_wait();
        waiter.join();
    });
}
