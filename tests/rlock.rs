//! `RLock`: laws R1 to R4.

use crate::forms::{self, Acquire, Form};
use crate::support::{SHORT, panic_of};
use crate::watchdog;
use selvedge::sync::{AcquireError, TryAcquireError};
use selvedge::{Instant, NotHeld, RLock, RLockGuard};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::fmt::Debug;
use std::time::Duration;

assert_impl_all!(RLock: Send, Sync, Default, Debug);
assert_impl_all!(RLockGuard<'static>: Sync, Debug);
assert_not_impl_any!(RLockGuard<'static>: Send);

forms::laws!(RLock::new());

const FORMS: [Form; 4] = [
    Form::Try,
    Form::Plain,
    Form::Timeout(SHORT),
    Form::Deadline(Duration::ZERO),
];

/// What another thread sees: nothing of our depth.
fn is_held_for_others(lock: &RLock) -> bool {
    watchdog::run(|watch| {
        let look = |_: &_| {
            assert_eq!(lock.depth(), 0);
            assert_eq!(lock.release(), Err(NotHeld));
            lock.try_acquire().map(drop)
        };
        match watch.spawn("other", look).join() {
            Ok(()) => false,
            Err(TryAcquireError::Held) => true,
            Err(TryAcquireError::TooDeep) => panic!("the depth is the owner's affair"),
        }
    })
}

#[test]
fn a_new_lock_is_free() {
    for lock in [RLock::new(), RLock::default(), RLock::with_max_depth(1)] {
        assert!(!lock.is_locked());
        assert_eq!(lock.depth(), 0);
        assert!(lock.try_acquire().is_ok());
    }
    assert_eq!(RLock::MAX_DEPTH, u32::MAX);
}

#[test]
fn a_static_lock_is_one_for_all_threads() {
    static LOCK: RLock = RLock::new();
    static SHALLOW: RLock = RLock::with_max_depth(1);
    let held = (LOCK.acquire(), SHALLOW.acquire());
    assert!(is_held_for_others(&LOCK) && is_held_for_others(&SHALLOW));
    drop(held);
    assert!(!is_held_for_others(&LOCK) && !is_held_for_others(&SHALLOW));
}

#[test]
fn as_many_releases_as_acquires_free_it() {
    let lock = RLock::new();
    let mut guards = Vec::new();
    for (depth, form) in (1..).zip(FORMS.into_iter().chain(FORMS)) {
        guards.push(lock.acquire_by(form).expect("it is our own"));
        assert_eq!(lock.depth(), depth);
        assert!(lock.is_locked());
    }
    for depth in (0..8).rev() {
        assert!(is_held_for_others(&lock), "freed at depth {}", depth + 1);
        guards.pop();
        assert_eq!(lock.depth(), depth);
    }
    assert!(!lock.is_locked());
    assert!(!is_held_for_others(&lock));
}

#[test]
fn the_order_in_which_guards_are_dropped_does_not_matter() {
    let lock = RLock::new();
    let (outer, inner) = (lock.acquire(), lock.acquire());
    drop(outer);
    assert_eq!(lock.depth(), 1);
    assert!(is_held_for_others(&lock));
    drop(inner);
    assert!(!is_held_for_others(&lock));
}

#[test]
fn a_release_of_a_free_lock_is_an_error_and_changes_nothing() {
    let lock = RLock::new();
    assert_eq!(lock.release(), Err(NotHeld));
    assert_eq!(lock.depth(), 0);
    assert!(!lock.is_locked());
    let held = lock.acquire();
    assert_eq!(lock.depth(), 1);
    assert!(is_held_for_others(&lock));
    drop(held);
    assert_eq!(lock.release(), Err(NotHeld));
}

#[test]
fn a_foreign_release_is_an_error_and_changes_nothing() {
    let lock = RLock::new();
    let _guards = (lock.acquire(), lock.acquire());
    assert!(is_held_for_others(&lock)); // releases, in vain
    assert_eq!(lock.depth(), 2);
    assert!(is_held_for_others(&lock));
}

#[test]
fn a_forgotten_guard_is_released_by_its_owner() {
    let lock = RLock::new();
    lock.acquire().forget();
    std::mem::forget(lock.acquire());
    assert_eq!(lock.depth(), 2);
    assert_eq!(lock.release(), Ok(()));
    assert!(is_held_for_others(&lock));
    assert_eq!(lock.release(), Ok(()));
    assert_eq!(lock.release(), Err(NotHeld));
    assert!(!is_held_for_others(&lock));
}

#[test]
fn a_guard_whose_level_was_released_by_hand_does_nothing() {
    let lock = RLock::new();
    let stale = lock.acquire();
    assert_eq!(lock.release(), Ok(()));
    watchdog::run(|watch| {
        let lock = &lock;
        let (held, is_held) = std::sync::mpsc::channel();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let next = watch.spawn("next owner", move |_| {
            let _held = lock.acquire();
            held.send(()).unwrap();
            let _ = stopped.recv();
            lock.depth()
        });
        watch.waits("the next owner", || is_held.recv()).unwrap();
        drop(stale);
        assert_eq!(lock.try_acquire().unwrap_err(), TryAcquireError::Held);
        drop(stop);
        assert_eq!(next.join(), 1);
    });
}

#[test]
fn an_owner_that_ends_without_releasing_leaves_it_held_for_ever() {
    let lock = RLock::new();
    watchdog::run(|watch| watch.spawn("owner", |_| lock.acquire().forget()).join());
    assert!(lock.is_locked());
    assert_eq!(lock.release(), Err(NotHeld));
    assert_eq!(lock.acquire_timeout(SHORT).unwrap_err(), AcquireError::TimedOut);
    for _ in 0..200 {
        assert!(is_held_for_others(&lock), "a new thread was taken for the dead owner");
    }
}

#[test]
fn deeper_than_it_may_be_is_an_error_and_changes_nothing() {
    for max_depth in [1, 2, 5] {
        let lock = RLock::with_max_depth(max_depth);
        let mut guards: Vec<_> = (0..max_depth).map(|_| lock.acquire()).collect();
        assert_eq!(lock.try_acquire().unwrap_err(), TryAcquireError::TooDeep);
        assert_eq!(lock.acquire_timeout(Duration::MAX).unwrap_err(), AcquireError::TooDeep);
        assert_eq!(lock.acquire_timeout(Duration::ZERO).unwrap_err(), AcquireError::TooDeep);
        assert_eq!(
            lock.acquire_deadline(Instant::now()).unwrap_err(),
            AcquireError::TooDeep
        );
        assert_eq!(panic_of(|| drop(lock.acquire())), AcquireError::TooDeep.to_string());
        assert_eq!(lock.depth(), max_depth);
        assert!(is_held_for_others(&lock));
        guards.pop();
        guards.push(lock.acquire());
        drop(guards);
        assert_eq!(lock.depth(), 0);
        assert!(!is_held_for_others(&lock));
    }
}

#[test]
fn a_lock_that_could_never_be_acquired_is_not_made() {
    assert_eq!(
        panic_of(|| RLock::with_max_depth(0)),
        "an RLock needs a depth of at least one"
    );
}

#[test]
fn a_panic_gives_back_the_levels_it_unwinds() {
    let lock = RLock::new();
    let outer = lock.acquire();
    let said = panic_of(|| {
        let _guards = (lock.acquire(), lock.acquire());
        panic!("at depth {}", lock.depth());
    });
    assert_eq!(said, "at depth 3");
    assert_eq!(lock.depth(), 1);
    drop(outer);
    assert!(!is_held_for_others(&lock));
}

#[test]
fn debug_shows_the_callers_depth_and_does_not_wait() {
    let lock = RLock::new();
    assert_eq!(format!("{lock:?}"), "RLock { locked: false, depth: 0 }");
    let guards = (lock.acquire(), lock.acquire());
    assert_eq!(format!("{lock:?}"), "RLock { locked: true, depth: 2 }");
    assert_eq!(format!("{:?}", guards.0), "RLockGuard { .. }");
    let theirs = watchdog::run(|watch| watch.spawn("other", |_| format!("{lock:?}")).join());
    assert_eq!(theirs, "RLock { locked: true, depth: 0 }");
}
