//! `BaseSemaphoreTests`: what holds for `Semaphore` and `BoundedSemaphore` alike, with the type as a parameter.

use super::{A_WHILE, bunch, join, timed, until, until_asleep};
use crate::forms::{Acquire, Form::Plain, Form::Timeout, Form::Try};
use crate::support::{SHORT, panic_of};
use crate::watchdog;
use selvedge::{BoundedSemaphore, OverReleased, Semaphore};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Either semaphore.
pub trait AnySemaphore: Acquire + Default {
    fn holding(permits: u32) -> Self;
    fn release(&self, count: u32) -> Result<(), OverReleased>;
    fn available(&self) -> u32;

    /// Python's unguarded style.
    fn take(&self) {
        std::mem::forget(self.acquire_by(Plain));
    }
}

macro_rules! any_semaphore {
    ($($semaphore:ty),*) => {$(
        impl AnySemaphore for $semaphore {
            fn holding(permits: u32) -> Self {
                <$semaphore>::new(permits)
            }

            fn release(&self, count: u32) -> Result<(), OverReleased> {
                self.release(count)
            }

            fn available(&self) -> u32 {
                self.available()
            }
        }
    )*};
}

any_semaphore!(Semaphore, BoundedSemaphore);

/// The tests of one of them.
macro_rules! tests {
    ($semaphore:ty) => {
        $crate::python::any_semaphore::tests! { $semaphore: constructor acquire acquire_destroy acquire_contended
            multirelease try_acquire try_acquire_contended acquire_timeout default_value with }
    };
    ($semaphore:ty: $($test:ident)*) => {$(
        #[test]
        fn $test() {
            $crate::python::any_semaphore::$test::<$semaphore>();
        }
    )*};
}
pub(super) use tests;

/// Python's negative numbers, as large as they can be had here.
pub fn constructor<S: AnySemaphore>() {
    for minus in [1, i32::MAX as u32] {
        assert_eq!(
            panic_of(|| S::holding(minus.wrapping_neg())),
            "a semaphore holds at most MAX_PERMITS permits"
        );
    }
    assert_eq!(S::holding(0).available(), 0);
}

pub fn acquire<S: AnySemaphore>() {
    for permits in 1..=2 {
        let semaphore = S::holding(permits);
        for left in (0..permits).rev() {
            semaphore.take();
            assert_eq!(semaphore.available(), left);
        }
        for given_back in 1..=permits {
            assert_eq!(semaphore.release(1), Ok(()));
            assert_eq!(semaphore.available(), given_back);
        }
    }
}

/// A semaphore that is destroyed while its permit is out leaves nothing to the next one at its address.
pub fn acquire_destroy<S: AnySemaphore>() {
    let mut semaphore = S::default();
    for _ in 0..3 {
        assert_eq!(semaphore.available(), 1);
        semaphore.take();
        assert!(semaphore.acquire_by(Timeout(SHORT)).is_none());
        assert_eq!(semaphore.available(), 0);
        semaphore = S::default();
    }
}

/// Ten threads acquire twice each, beside one permit that is out all the time. What comes back in a phase, and nothing
/// else, lets as many through in it.
fn let_twenty_through<S: AnySemaphore>(release: impl Fn(&S, u32)) {
    const PERMITS: u32 = 7;
    let semaphore = S::holding(PERMITS);
    let (phase, through) = (AtomicUsize::new(0), [const { AtomicUsize::new(0) }; 4]);
    let let_through = || through.each_ref().map(|count| count.load(Relaxed));
    watchdog::run(|watch| {
        semaphore.take();
        let acquirers = bunch(watch, 10, "acquirer", |role| {
            for _ in 0..2 {
                role.waits("acquire", || semaphore.take());
                through[phase.load(Relaxed)].fetch_add(1, Relaxed);
            }
        });
        let mut expected = [0; 4];
        for (now, count) in [PERMITS - 1, PERMITS, PERMITS - 1].into_iter().enumerate() {
            if now > 0 {
                phase.store(now, Relaxed);
                release(&semaphore, count);
            }
            expected[now] = count as usize;
            until(watch, "those who can", || {
                let_through().iter().sum::<usize>() >= expected.iter().sum()
            });
            assert_eq!(let_through(), expected);
        }
        assert!(semaphore.acquire_by(Try).is_none());
        phase.store(3, Relaxed);
        release(&semaphore, 1); // for the last
        join(acquirers);
    });
    assert_eq!(let_through(), [6, 7, 6, 1]);
    assert_eq!(semaphore.available(), 0);
}

pub fn acquire_contended<S: AnySemaphore>() {
    let_twenty_through(|semaphore: &S, count| (0..count).for_each(|_| assert_eq!(semaphore.release(1), Ok(()))));
}

pub fn multirelease<S: AnySemaphore>() {
    let_twenty_through(|semaphore: &S, count| assert_eq!(semaphore.release(count), Ok(())));
}

pub fn try_acquire<S: AnySemaphore>() {
    let semaphore = S::holding(2);
    let permits = [semaphore.acquire_by(Try), semaphore.acquire_by(Try)];
    assert!(permits.iter().all(Option::is_some));
    assert!(semaphore.acquire_by(Try).is_none());
    assert_eq!(semaphore.release(1), Ok(()));
    assert!(semaphore.acquire_by(Try).is_some());
}

pub fn try_acquire_contended<S: AnySemaphore>() {
    let semaphore = S::holding(4);
    semaphore.take();
    let tries = watchdog::run(|watch| {
        join(bunch(watch, 5, "trier", |_| {
            [(); 2].map(|()| semaphore.acquire_by(Try).map(std::mem::forget).is_some())
        }))
    });
    assert_eq!(tries.as_flattened().iter().filter(|&&got_it| got_it).count(), 3);
    assert_eq!(semaphore.available(), 0);
}

pub fn acquire_timeout<S: AnySemaphore>() {
    let semaphore = S::holding(2);
    let got_one = || semaphore.acquire_by(Timeout(SHORT)).map(std::mem::forget).is_some();
    assert!(got_one());
    assert!(got_one());
    assert!(!got_one());
    assert_eq!(semaphore.release(1), Ok(()));
    assert!(got_one());
    let (got_it, time) = timed(|| semaphore.acquire_by(Timeout(A_WHILE)).is_some());
    assert!(!got_it);
    assert!(time >= A_WHILE, "{A_WHILE:?} were cut short: {time:?}");
    assert_eq!(semaphore.available(), 0);
}

pub fn default_value<S: AnySemaphore>() {
    let (semaphore, got_it) = (S::default(), AtomicUsize::new(0));
    watchdog::run(|watch| {
        semaphore.take();
        let waiters = bunch(watch, 1, "waiter", |role| {
            let _permit = role.waits("acquire", || semaphore.acquire_by(Plain));
            got_it.fetch_add(1, Relaxed);
        });
        until_asleep(&waiters);
        assert_eq!(got_it.load(Relaxed), 0);
        assert_eq!(semaphore.release(1), Ok(()));
        join(waiters);
    });
    assert_eq!(semaphore.available(), 1);
}

pub fn with<S: AnySemaphore>() {
    let semaphore = S::holding(2);
    let nested = |fails: bool| {
        let _outer = semaphore.acquire_by(Plain);
        assert!(semaphore.acquire_by(Try).is_some());
        let _inner = semaphore.acquire_by(Plain);
        assert!(semaphore.acquire_by(Try).is_none());
        assert!(!fails, "inside of both");
    };
    nested(false);
    assert_eq!(semaphore.available(), 2);
    assert_eq!(panic_of(|| nested(true)), "inside of both");
    assert_eq!(semaphore.available(), 2);
}
