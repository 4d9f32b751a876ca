//! `Lock`: laws L1 to L5.

use crate::forms;
use selvedge::{Lock, NotHeld};

forms::laws!(in_all_forms: Lock::new());

#[test]
fn a_release_of_a_free_lock_is_an_error_and_changes_nothing() {
    let lock = Lock::new();
    assert_eq!(lock.release(), Err(NotHeld));
    let held = lock.try_acquire();
    assert!(held.is_some());
    assert!(lock.try_acquire().is_none(), "it admits a second holder");
    drop(held);
    assert_eq!(lock.release(), Err(NotHeld));
}
