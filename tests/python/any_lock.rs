//! `BaseLockTests`: what holds for `Lock` and `RLock` alike, with the type as a parameter.

use super::{A_WHILE, bunch, is_free_for_others, join, timed, until_asleep};
use crate::forms::{Acquire, Form::Plain, Form::Timeout, Form::Try};
use crate::support::{SHORT, panic_of};
use crate::watchdog;
use selvedge::{Lock, NotHeld, RLock};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// Either lock.
pub trait AnyLock: Acquire + Default {
    fn release(&self) -> Result<(), NotHeld>;
    fn is_locked(&self) -> bool;

    /// Python's unguarded style.
    fn take(&self) {
        std::mem::forget(self.acquire_by(Plain));
    }
}

macro_rules! any_lock {
    ($($lock:ty),*) => {$(
        impl AnyLock for $lock {
            fn release(&self) -> Result<(), NotHeld> {
                self.release()
            }

            fn is_locked(&self) -> bool {
                self.is_locked()
            }
        }
    )*};
}

any_lock!(Lock, RLock);

/// The tests of one of them.
macro_rules! tests {
    ($lock:ty) => {
        $crate::python::any_lock::tests! { $lock: constructor acquire_destroy acquire_release try_acquire
            try_acquire_contended acquire_contended with thread_leak timeout }
    };
    ($lock:ty: $($test:ident)*) => {$(
        #[test]
        fn $test() {
            $crate::python::any_lock::$test::<$lock>();
        }
    )*};
}
pub(super) use tests;

pub fn constructor<L: AnyLock>() {
    let lock = L::default();
    assert!(!lock.is_locked());
    assert!(is_free_for_others(&lock));
}

/// A lock that is destroyed while it is held leaves nothing to the next one at its address.
pub fn acquire_destroy<L: AnyLock>() {
    let mut lock = L::default();
    for _ in 0..3 {
        assert!(!lock.is_locked());
        assert!(is_free_for_others(&lock));
        lock.take();
        watchdog::run(|watch| {
            let hasty = watch.spawn("hasty", |role| {
                role.waits("acquire", || lock.acquire_by(Timeout(SHORT)).is_some())
            });
            assert!(!hasty.join());
        });
        assert!(lock.is_locked());
        lock = L::default();
    }
}

pub fn acquire_release<L: AnyLock>() {
    let lock = L::default();
    for _ in 0..3 {
        lock.take();
        assert!(lock.is_locked());
        assert_eq!(lock.release(), Ok(()));
        assert!(!lock.is_locked());
    }
    assert!(is_free_for_others(&lock));
}

pub fn try_acquire<L: AnyLock>() {
    let lock = L::default();
    let held = lock.acquire_by(Try);
    assert!(held.is_some());
    assert!(lock.is_locked());
    drop(held);
    assert!(!lock.is_locked());
}

pub fn try_acquire_contended<L: AnyLock>() {
    let lock = L::default();
    lock.take();
    assert!(!is_free_for_others(&lock));
    assert_eq!(lock.release(), Ok(()));
    assert!(is_free_for_others(&lock));
}

pub fn acquire_contended<L: AnyLock>() {
    let (lock, got_it) = (L::default(), AtomicUsize::new(0));
    watchdog::run(|watch| {
        lock.take();
        let contenders = bunch(watch, 5, "contender", |role| {
            let _held = role.waits("acquire", || lock.acquire_by(Plain));
            got_it.fetch_add(1, Relaxed);
        });
        until_asleep(&contenders);
        assert_eq!(got_it.load(Relaxed), 0);
        assert_eq!(lock.release(), Ok(()));
        join(contenders);
    });
    assert_eq!(got_it.load(Relaxed), 5);
    assert!(!lock.is_locked());
}

pub fn with<L: AnyLock>() {
    let lock = L::default();
    {
        let _held = lock.acquire_by(Plain);
        assert!(!is_free_for_others(&lock));
    }
    assert!(is_free_for_others(&lock));
    let said = panic_of(|| {
        let _held = lock.acquire_by(Plain);
        panic!("locked: {}", lock.is_locked());
    });
    assert_eq!(said, "locked: true");
    assert!(is_free_for_others(&lock));
}

/// Python looks for what a thread that it has not started leaves behind. We have started none of these.
pub fn thread_leak<L: AnyLock>() {
    let (lock, inside) = (L::default(), AtomicBool::new(false));
    watchdog::run(|watch| {
        for _ in 0..3 {
            join(bunch(watch, 15, "visitor", |role| {
                let _held = role.waits("acquire", || lock.acquire_by(Plain));
                assert!(!inside.swap(true, Relaxed), "two at once");
                inside.store(false, Relaxed);
            }));
            assert!(!lock.is_locked());
        }
    });
    assert!(is_free_for_others(&lock));
}

pub fn timeout<L: AnyLock>() {
    let lock = L::default();
    for more_than_enough in [Duration::MAX, Duration::from_secs(5)] {
        let held = lock.acquire_by(Timeout(more_than_enough));
        assert!(held.is_some(), "{more_than_enough:?}");
        watchdog::run(|watch| {
            let late = watch.spawn("late", |role| {
                role.waits("acquire_timeout", || {
                    timed(|| lock.acquire_by(Timeout(A_WHILE)).is_some())
                })
            });
            let (got_it, time) = late.join();
            assert!(!got_it);
            assert!(time >= A_WHILE, "{A_WHILE:?} were cut short: {time:?}");
        });
        assert!(lock.is_locked());
        drop(held);
        assert!(!lock.is_locked());
    }
}
