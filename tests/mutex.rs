//! `Mutex`: a lock's laws, and the value that it guards.

use crate::forms;
use crate::support::{SHORT, panic_of};
use selvedge::{Instant, Mutex};
use std::fmt::Debug;
use std::rc::Rc;

forms::laws!(in_all_forms: Mutex::new(()));

#[test]
fn every_form_reaches_the_value() {
    assert_eq!(Mutex::<u8>::default().into_inner(), 0);
    assert_eq!(Mutex::from("text").into_inner(), "text");
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
fn its_value_may_be_unsized() {
    let numbers: &Mutex<[u8]> = &Mutex::new([3, 1, 2]);
    numbers.acquire().sort_unstable();
    assert_eq!(*numbers.acquire(), [1, 2, 3]);
    let mut shown: Box<Mutex<dyn Debug + Send>> = Box::new(Mutex::new("text"));
    assert_eq!(format!("{:?}", shown.get_mut()), "\"text\"");
    assert_eq!(format!("{:?}", shown.acquire()), "\"text\"");
}

#[test]
fn a_panic_leaves_the_value_as_it_is() {
    let mutex = Mutex::new((1, 1));
    panic_of(|| {
        let mut pair = mutex.acquire();
        pair.0 = 2;
        panic!("before the other half");
    });
    assert_eq!(*mutex.try_acquire().expect("the panic released it"), (2, 1));
}

#[test]
fn after_a_leaked_guard_only_the_owner_reaches_the_value() {
    let mut mutex = Mutex::new(1);
    std::mem::forget(mutex.acquire());
    assert!(mutex.try_acquire().is_none());
    *mutex.get_mut() += 1;
    assert!(mutex.is_locked());
    assert_eq!(mutex.into_inner(), 2);
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
