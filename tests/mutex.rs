//! `Mutex`: a lock's laws, and the value that it guards.

use crate::support::{SHORT, panic_of};
use crate::{forms, watchdog};
use selvedge::{Instant, Mutex, MutexGuard, TimedOut};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::fmt::{Debug, Display};
use std::rc::Rc;

assert_impl_all!(Mutex<Cell<u8>>: Send, Sync, Default, Debug, From<Cell<u8>>);
assert_impl_all!(Mutex<str>: Send, Sync, Debug);
assert_not_impl_any!(Mutex<Rc<u8>>: Send, Sync);
assert_impl_all!(MutexGuard<'static, u8>: Send, Sync, Debug, Display);
assert_impl_all!(MutexGuard<'static, Cell<u8>>: Send);
assert_not_impl_any!(MutexGuard<'static, Cell<u8>>: Sync);
assert_not_impl_any!(MutexGuard<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(MutexGuard<'static, *const u8>: Send, Sync);

forms::laws!(Mutex::new(()));

#[test]
fn a_new_mutex_is_free_and_holds_its_value() {
    assert!(!Mutex::new(1).is_locked());
    assert_eq!(Mutex::new(1).into_inner(), 1);
    assert_eq!(Mutex::<u8>::default().into_inner(), 0);
    assert_eq!(Mutex::from("text").into_inner(), "text");
    const { assert!(size_of_val(&Mutex::new(0_u32)) == 8) } // made by the compiler
}

#[test]
fn every_form_reaches_the_value() {
    let mut mutex = Mutex::new(vec![0]);
    mutex.acquire().push(1);
    mutex.try_acquire().unwrap().push(2);
    mutex.acquire_timeout(SHORT).unwrap().push(3);
    mutex.acquire_deadline(Instant::now()).unwrap().push(4);
    mutex.get_mut().push(5);
    assert_eq!(*mutex.acquire(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(mutex.into_inner(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn it_is_locked_while_a_guard_lives() {
    let mutex = Mutex::new(1);
    let held = mutex.acquire();
    assert!(mutex.is_locked());
    assert!(mutex.try_acquire().is_none());
    assert_eq!(mutex.acquire_timeout(SHORT).unwrap_err(), TimedOut);
    assert_eq!(mutex.acquire_deadline(Instant::now() + SHORT).unwrap_err(), TimedOut);
    drop(held);
    assert!(!mutex.is_locked());
}

#[test]
fn a_static_mutex_counts_for_all_threads() {
    static TOTAL: Mutex<u64> = Mutex::new(0);
    watchdog::run(|watch| {
        let count = || (0..10_000).for_each(|_| *TOTAL.acquire() += 1);
        let counters: Vec<_> = (0..4)
            .map(|n| watch.spawn(format!("counter {n}"), move |_| count()))
            .collect();
        counters.into_iter().for_each(|counter| counter.join());
    });
    assert_eq!(*TOTAL.acquire(), 40_000);
}

#[test]
fn it_may_hold_what_has_no_size() {
    let numbers: &Mutex<[u8]> = &Mutex::new([3, 1, 2]);
    numbers.acquire().sort_unstable();
    assert_eq!(*numbers.acquire(), [1, 2, 3]);
    let mut shown: Box<Mutex<dyn Debug + Send>> = Box::new(Mutex::new("text"));
    assert_eq!(format!("{:?}", shown.get_mut()), "\"text\"");
    assert_eq!(format!("{:?}", shown.acquire()), "\"text\"");
}

#[test]
fn a_panic_leaves_the_value_as_it_was_at_that_moment() {
    let mutex = Mutex::new((1, 1));
    let said = panic_of(|| {
        let mut pair = mutex.acquire();
        pair.0 = 2;
        panic!("before the other half");
    });
    assert_eq!(said, "before the other half");
    assert_eq!(*mutex.try_acquire().expect("the panic released it"), (2, 1));
}

#[test]
fn a_mutex_whose_guard_leaked_gives_its_value_to_its_owner_alone() {
    let mut mutex = Mutex::new(1);
    std::mem::forget(mutex.acquire());
    assert!(mutex.try_acquire().is_none());
    *mutex.get_mut() += 1;
    assert!(mutex.is_locked());
    assert_eq!(mutex.into_inner(), 2);
}

#[test]
fn a_guard_may_be_used_and_dropped_by_another_thread() {
    let mutex = Mutex::new(1);
    watchdog::run(|watch| {
        let mut held = mutex.acquire();
        watch.spawn("heir", move |_| *held += 1).join();
        assert_eq!(*mutex.try_acquire().expect("the heir released it"), 2);
    });
}

#[test]
fn the_value_is_dropped_once_with_the_mutex() {
    let value = Rc::new(());
    let mutex = Mutex::new(Rc::clone(&value));
    drop(mutex.acquire());
    assert_eq!(Rc::strong_count(&value), 2);
    drop(mutex);
    assert_eq!(Rc::strong_count(&value), 1);
}

#[test]
fn debug_shows_the_value_if_it_can_and_does_not_wait() {
    let mutex = Mutex::new("text");
    assert_eq!(format!("{mutex:?}"), "Mutex { value: \"text\" }");
    let held = mutex.try_acquire().expect("it was shown and released");
    assert_eq!(format!("{mutex:?}"), "Mutex { value: <locked> }");
    assert_eq!(format!("{held:?} {held}"), "\"text\" text");
    drop(held);
    assert!(!mutex.is_locked());
}
