//! `Lock`: laws L1 to L5, and what Python's style of unpaired releases does.

use crate::forms::{self, Acquire, Form};
use crate::support::{Line, SHORT};
use crate::watchdog;
use selvedge::{Instant, Lock, LockGuard, NotHeld, TimedOut};
use static_assertions::{assert_eq_size, assert_impl_all};
use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Duration;

assert_eq_size!(Lock, u32);
assert_impl_all!(Lock: Send, Sync, Default, Debug, UnwindSafe, RefUnwindSafe);
assert_impl_all!(LockGuard<'static>: Send, Sync, Debug);

forms::laws!(Lock::new());

#[test]
fn a_new_lock_is_free() {
    const { assert!(size_of_val(&Lock::new()) == 4) } // made by the compiler
    assert!(!Lock::new().is_locked());
    assert!(Lock::default().try_acquire().is_some());
}

#[test]
fn a_static_lock_is_one_for_all_threads() {
    static LOCK: Lock = Lock::new();
    watchdog::run(|watch| {
        let held = LOCK.acquire();
        assert!(watch.spawn("other", |_| LOCK.try_acquire().is_none()).join());
        drop(held);
        assert!(watch.spawn("other", |_| LOCK.try_acquire().is_some()).join());
    });
}

#[test]
fn it_is_locked_while_it_is_held() {
    let lock = Lock::new();
    let held = lock.acquire();
    assert!(lock.is_locked());
    drop(held);
    assert!(!lock.is_locked());
}

#[test]
fn its_holder_cannot_take_it_again() {
    let lock = Lock::new();
    let _held = lock.acquire();
    assert!(lock.try_acquire().is_none());
    assert_eq!(lock.acquire_timeout(SHORT).unwrap_err(), TimedOut);
    assert_eq!(lock.acquire_deadline(Instant::now() + SHORT).unwrap_err(), TimedOut);
    assert!(lock.is_locked());
}

#[test]
fn a_release_of_a_free_lock_is_an_error_and_changes_nothing() {
    let lock = Lock::new();
    assert_eq!(lock.release(), Err(NotHeld));
    assert!(!lock.is_locked());
    let held = lock.try_acquire();
    assert!(held.is_some());
    assert!(lock.try_acquire().is_none(), "the failed release has left room for two");
    drop(held);
    assert_eq!(lock.release(), Err(NotHeld));
}

#[test]
fn an_unpaired_release_frees_the_holder_whose_guard_then_does_nothing() {
    let lock = Lock::new();
    let held = lock.acquire();
    assert_eq!(lock.release(), Ok(()));
    assert!(!lock.is_locked());
    drop(held);
    assert_eq!(lock.release(), Err(NotHeld));
    assert!(lock.try_acquire().is_some());
}

#[test]
fn a_guard_is_released_by_the_thread_that_drops_it() {
    let lock = Lock::new();
    watchdog::run(|watch| {
        let held = lock.acquire();
        watch.spawn("releaser", move |_| drop(held)).join();
        assert!(lock.try_acquire().is_some());
    });
}

#[test]
fn a_forgotten_guard_is_released_by_any_thread() {
    let lock = Lock::new();
    watchdog::run(|watch| {
        lock.acquire().forget();
        assert!(lock.is_locked());
        assert!(lock.try_acquire().is_none());
        assert_eq!(watch.spawn("releaser", |_| lock.release()).join(), Ok(()));
        assert!(lock.try_acquire().is_some());
    });
}

#[test]
fn a_lock_whose_guard_leaked_is_released_by_hand() {
    let lock = Lock::new();
    std::mem::forget(lock.acquire());
    assert!(lock.acquire_by(Form::Timeout(Duration::ZERO)).is_none());
    assert_eq!(lock.release(), Ok(()));
    assert!(lock.acquire_by(Form::Timeout(Duration::ZERO)).is_some());
}

#[test]
fn of_two_racing_releases_one_finds_the_lock_held() {
    const ROUNDS: usize = 5_000;
    let (lock, line) = (Lock::new(), Line::new(2));
    let race = |takes: bool| {
        let round = |_| {
            if takes {
                lock.try_acquire().expect("the last round released it").forget();
            }
            line.cross();
            let released = lock.release().is_ok();
            line.cross();
            released
        };
        (0..ROUNDS).map(round).collect::<Vec<_>>()
    };
    watchdog::run(|watch| {
        let racer = watch.spawn("racer", |_| race(false));
        let paired = race(true)
            .into_iter()
            .zip(racer.join())
            .filter(|(mine, theirs)| mine != theirs)
            .count();
        assert_eq!(paired, ROUNDS);
    });
    assert!(!lock.is_locked());
}

#[test]
fn debug_shows_the_state_and_does_not_wait() {
    let lock = Lock::new();
    assert_eq!(format!("{lock:?}"), "Lock { locked: false }");
    let held = lock.acquire();
    assert_eq!(format!("{lock:?}"), "Lock { locked: true }");
    assert_eq!(format!("{held:?}"), "LockGuard { .. }");
}
