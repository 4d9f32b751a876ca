//! What `lock_tests.py` checks and no behaviour test does.

use crate::forms::{Acquire, Form::Timeout, Form::Try};
use crate::support::SHORT;
use crate::watchdog;
use selvedge::sync::TryAcquireError;
use selvedge::{BoundedSemaphore, Condition, Lock, RLock, Semaphore, TimedOut};
use std::sync::mpsc::channel;

#[test]
fn acquire_destroy() {
    is_dropped_while_held::<Lock>();
    is_dropped_while_held::<RLock>();
    is_dropped_while_held::<Semaphore>();
    is_dropped_while_held::<BoundedSemaphore>();
}

/// An object that is dropped while it is held does not affect the next object at its address.
fn is_dropped_while_held<L: Acquire + Default>() {
    let (mut object, name) = (L::default(), std::any::type_name::<L>());
    for round in 0..3 {
        let held = object.acquire_by(Try);
        assert!(held.is_some(), "{name}: held from the start in round {round}");
        std::mem::forget(held);
        watchdog::run(|watch| {
            let acquire = || object.acquire_by(Timeout(SHORT)).is_some();
            let other = watch.spawn("other", move |role| role.waits("acquire_timeout", acquire));
            assert!(!other.join(), "{name}: acquired twice in round {round}");
        });
        object = L::default();
    }
}

/// `_release_save` is how a condition releases the lock. A guard whose level was released by hand releases nothing,
/// whether the lock is free or another thread holds it.
#[test]
fn release_save_unacquired() {
    let (lock, condition) = (&RLock::new(), Condition::new());
    let mut stale = lock.acquire();
    assert_eq!(lock.release(), Ok(()));
    let mut wait = || assert_eq!(condition.wait_timeout(&mut stale, SHORT), Err(TimedOut));
    wait();
    assert!(!lock.is_locked());
    watchdog::run(|watch| {
        let (held, is_held) = channel();
        let (stop, stopped) = channel::<()>();
        let owner = watch.spawn("owner", move |_| {
            let _held = lock.acquire();
            held.send(()).unwrap();
            let _ = stopped.recv();
            lock.depth()
        });
        watch.waits("the owner", || is_held.recv()).unwrap();
        wait();
        assert_eq!(lock.depth(), 0);
        assert_eq!(lock.try_acquire().unwrap_err(), TryAcquireError::Held);
        drop(stop);
        assert_eq!(owner.join(), 1);
    });
    wait();
    assert!(lock.try_acquire().is_ok());
}
