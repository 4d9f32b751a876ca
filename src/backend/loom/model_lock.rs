//! The abstract lock: loom's own mutex in place of the steps of a lock. It costs a model one step instead of ten.
//!
//! A model must not use it in two cases. If a thread panics while it holds the lock, loom's mutex is
//! poisoned. If there are several locks, loom makes its mutexes sequentially consistent with each
//! other, which the real locks are not. The watcher acquires the lock only when no other thread can
//! run: a notification of the watcher would unblock it without the lock.

use super::atomic::AtomicU32;
use super::scene;
use super::verdict::step;
use ::loom::sync::{Mutex, MutexGuard};
use ::std::cell::RefCell;
use ::std::panic::Location;

type Caller = &'static Location<'static>;

/// loom's mutex in place of a word, and its guard while the lock is held. The guard is dropped before the mutex, or
/// forgotten.
struct Replacement {
    /// The number of the word.
    word: u32,
    held: Option<MutexGuard<'static, ()>>,
    mutex: Box<Mutex<()>>,
}

thread_local! {
    /// Of the current execution, whose model has one lock.
    static REPLACEMENT: RefCell<Option<Replacement>> = const { RefCell::new(None) };
}

/// Starts an execution without a replacement.
pub(super) fn begin() {
    // A guard that is still held would unlock the mutex of an execution that has ended.
    REPLACEMENT
        .take()
        .into_iter()
        .for_each(|replacement| std::mem::forget(replacement.held));
}

#[track_caller]
pub fn acquire(word: &AtomicU32, steps: impl FnOnce()) {
    if !scene::locks_are_abstract() {
        return steps();
    }
    let (at, number): (Caller, u32) = (Location::caller(), word.number());
    scene::set_abstract_lock(number);
    let mutex: *const Mutex<()> = REPLACEMENT.with_borrow_mut(|replacement| {
        let new = || Replacement {
            word: number,
            held: None,
            mutex: Box::new(Mutex::new(())),
        };
        &raw const *replacement.get_or_insert_with(new).mutex
    });
    // SAFETY: the mutex stays in its box until the next execution begins.
    let guard = step(|| unsafe { &*mutex }.lock()).expect("no thread panics while it holds the abstract lock");
    REPLACEMENT.with_borrow_mut(|replacement| {
        replacement.as_mut().expect("it stays until the next execution").held = Some(guard);
    });
    word.log(at, |number| format!("acquires lock #{number}"));
}

#[track_caller]
pub fn release<R>(word: &AtomicU32, steps: impl FnOnce() -> R, released: R) -> R {
    if !scene::locks_are_abstract() {
        return steps();
    }
    let (at, number): (Caller, u32) = (Location::caller(), word.number());
    let held = REPLACEMENT.with_borrow_mut(|replacement| {
        let of_word = replacement.as_mut().filter(|replacement| replacement.word == number);
        of_word.and_then(|replacement| replacement.held.take())
    });
    assert!(held.is_some(), "release of a lock that is not held");
    word.log(at, |number| format!("releases lock #{number}"));
    step(|| drop(held));
    released
}
