//! `Lock`: laws L1 to L5, and unpaired releases as in Python.

use crate::forms::{self, Acquire, Form};
use crate::support::SHORT;
use crate::watchdog;
use selvedge::{Lock, NotHeld};

forms::laws!(in_all_forms: Lock::new());

#[test]
fn a_holder_cannot_acquire_it_again() {
    let lock = Lock::new();
    assert!(!lock.is_locked());
    let _held = lock.acquire();
    for form in [Form::Try, Form::Timeout(SHORT), Form::Deadline(SHORT)] {
        assert!(lock.acquire_by(form).is_none() && lock.is_locked(), "{form:?}");
    }
}

#[test]
fn a_release_of_a_free_lock_is_an_error_and_changes_nothing() {
    let lock = Lock::new();
    assert_eq!(lock.release(), Err(NotHeld));
    let held = lock.try_acquire();
    assert!(held.is_some());
    assert!(
        lock.try_acquire().is_none(),
        "the failed release admits a second holder"
    );
    drop(held);
    assert_eq!(lock.release(), Err(NotHeld));
}

#[test]
fn a_guard_whose_lock_was_released_does_nothing() {
    let lock = Lock::new();
    let held = lock.acquire();
    assert_eq!(lock.release(), Ok(()));
    assert!(!lock.is_locked());
    drop(held);
    assert_eq!(lock.release(), Err(NotHeld));
    assert!(lock.try_acquire().is_some());
}

#[test]
fn a_lock_whose_guard_was_forgotten_or_leaked_is_released_by_any_thread() {
    let lock = Lock::new();
    for forget in [
        |lock: &Lock| lock.acquire().forget(),
        |lock: &Lock| std::mem::forget(lock.acquire()),
    ] {
        forget(&lock);
        assert!(lock.try_acquire().is_none());
        watchdog::run(|watch| assert_eq!(watch.spawn("releaser", |_| lock.release()).join(), Ok(())));
        assert!(lock.try_acquire().is_some());
    }
}
