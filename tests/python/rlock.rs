//! `RLockTests`.

use super::any_lock::{self, AnyLock};
use super::is_free_for_others;
use crate::support::SHORT;
use crate::watchdog;
use selvedge::{Condition, NotHeld, RLock, TimedOut};
use std::sync::mpsc::channel;

any_lock::tests!(RLock);

/// Does something while another thread holds the lock, and returns how deep that one holds it afterwards.
fn while_another_owns(lock: &RLock, body: impl FnOnce()) -> u32 {
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
        body();
        drop(stop);
        owner.join()
    })
}

fn depth_for_others(lock: &RLock) -> u32 {
    watchdog::run(|watch| watch.spawn("other", |_| lock.depth()).join())
}

/// Twice deep, up and down.
fn go_up_and_down(lock: &RLock) {
    lock.take();
    lock.take();
    assert_eq!(lock.release(), Ok(()));
    lock.take();
    assert_eq!(lock.release(), Ok(()));
    assert!(!is_free_for_others(lock));
    assert_eq!(lock.release(), Ok(()));
    assert!(is_free_for_others(lock));
}

#[test]
fn reacquire() {
    let lock = RLock::new();
    go_up_and_down(&lock);
    assert!(!lock.is_locked());
}

#[test]
fn release_unacquired() {
    let lock = RLock::new();
    assert_eq!(lock.release(), Err(NotHeld));
    go_up_and_down(&lock);
    assert_eq!(lock.release(), Err(NotHeld));
    go_up_and_down(&lock);
}

/// `_release_save` is how a condition gives up the lock. A guard whose level is gone has nothing to give up, and takes
/// nothing from the thread that has it.
#[test]
fn release_save_unacquired() {
    let (lock, condition) = (RLock::new(), Condition::new());
    let mut stale = lock.acquire();
    assert_eq!(lock.release(), Ok(()));
    for _ in 0..2 {
        assert_eq!(condition.wait_timeout(&mut stale, SHORT), Err(TimedOut));
        assert!(!lock.is_locked());
        let theirs = while_another_owns(&lock, || {
            assert_eq!(condition.wait_timeout(&mut stale, SHORT), Err(TimedOut));
            assert_eq!(lock.depth(), 0);
            assert!(!is_free_for_others(&lock));
        });
        assert_eq!(theirs, 1);
        go_up_and_down(&lock);
    }
}

#[test]
fn recursion_count() {
    let lock = RLock::new();
    assert_eq!(lock.depth(), 0);
    for depth in 1..=3 {
        lock.take();
        assert_eq!(lock.depth(), depth);
    }
    for depth in (0..3).rev() {
        assert_eq!(lock.release(), Ok(()));
        assert_eq!(lock.depth(), depth);
    }
    assert_eq!(while_another_owns(&lock, || assert_eq!(lock.depth(), 0)), 1);
    assert_eq!(lock.depth(), 0);
}

#[test]
fn different_thread() {
    let lock = RLock::new();
    let theirs = while_another_owns(&lock, || {
        assert_eq!(lock.release(), Err(NotHeld));
        assert!(!is_free_for_others(&lock));
    });
    assert_eq!(theirs, 1);
}

#[test]
fn is_owned() {
    let lock = RLock::new();
    assert_eq!(lock.depth(), 0);
    for _ in 0..2 {
        lock.take();
        assert!(lock.depth() > 0);
        assert_eq!(depth_for_others(&lock), 0);
    }
    assert_eq!(lock.release(), Ok(()));
    assert!(lock.depth() > 0);
    assert_eq!(lock.release(), Ok(()));
    assert_eq!(lock.depth(), 0);
}
