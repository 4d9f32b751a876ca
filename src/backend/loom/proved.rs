//! A lock taken by its specification: the explorer's own mutex, which costs a model one step instead of ten.
//!
//! Not for models in which somebody panics while it holds the lock: the explorer's mutex would be poisoned. Nor for
//! those with several locks, for the explorer makes its mutexes sequentially consistent with each other. The watcher takes the
//! lock only when nobody moves: told something while it is blocked, it would go on without the lock.

use super::atomic::AtomicU32;
use super::explorer::sync::{Mutex, MutexGuard};
use super::verdict::step;
use ::std::cell::{Cell, RefCell};
use ::std::collections::HashMap;
use ::std::panic::Location;

type At = &'static Location<'static>;

/// A mutex of the explorer's, and who holds it. The guard is released before the mutex goes, or forgotten.
struct StandIn {
    held: Option<MutexGuard<'static, ()>>,
    mutex: Box<Mutex<()>>,
}

thread_local! {
    static SPECIFIED: Cell<bool> = const { Cell::new(false) };
    /// By the number of the word for which they stand.
    static STAND_INS: RefCell<HashMap<u32, StandIn>> = RefCell::default();
}

/// Starts an execution, in which locks run step by step or not.
pub(super) fn begin(specified: bool) {
    SPECIFIED.set(specified);
    // What is still held would be released without an execution.
    STAND_INS
        .take()
        .into_values()
        .for_each(|stand_in| std::mem::forget(stand_in.held));
}

/// Somebody touches the word itself.
#[inline]
pub(super) fn assert_no_stand_in(number: u32) {
    if SPECIFIED.get() && STAND_INS.with_borrow(|all| all.contains_key(&number)) {
        panic!("a lock that is taken by its specification is used in another way");
    }
}

#[track_caller]
pub fn acquire(word: &AtomicU32, steps: impl FnOnce()) {
    if !SPECIFIED.get() {
        return steps();
    }
    let (at, number): (At, u32) = (Location::caller(), word.number());
    let mutex: *const Mutex<()> = STAND_INS.with_borrow_mut(|all| {
        let new = || StandIn {
            held: None,
            mutex: Box::new(Mutex::new(())),
        };
        let mutex: *const Mutex<()> = &raw const *all.entry(number).or_insert_with(new).mutex;
        assert!(
            all.len() == 1,
            "a model that takes its lock by its specification has one"
        );
        mutex
    });
    // SAFETY: it stays in its box until the next execution begins.
    let guard = step(|| unsafe { &*mutex }.lock()).expect("nobody panics while it is held by loom");
    STAND_INS.with_borrow_mut(|all| all.get_mut(&number).expect("it was there").held = Some(guard));
    word.log(at, |number| format!("acquires lock #{number}"));
}

#[track_caller]
pub fn release<R>(word: &AtomicU32, steps: impl FnOnce() -> R, released: R) -> R {
    if !SPECIFIED.get() {
        return steps();
    }
    let at = Location::caller();
    let held = STAND_INS.with_borrow_mut(|all| all.get_mut(&word.number()).and_then(|stand_in| stand_in.held.take()));
    assert!(held.is_some(), "release of a lock that nobody holds");
    word.log(at, |number| format!("releases lock #{number}"));
    step(|| drop(held));
    released
}
