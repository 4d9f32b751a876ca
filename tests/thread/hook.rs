//! The panic hook of a registry: for which panics it runs, and when.

use super::{Bomb, Drops, gated_on, join_by};
use crate::forms::Form::{Plain, Try};
use crate::support::{panic_of, shared};
use crate::{child, watchdog};
use selvedge::thread::{self, Clock, JoinError, Registry, Thread};
use selvedge::{Event, Timer};
use std::any::Any;
use std::panic::panic_any;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The threads and payloads with which a hook was called.
type Calls = Arc<Mutex<Vec<(Thread, Option<i32>)>>>;

fn recording() -> (Calls, impl Fn(&Thread, &(dyn Any + Send)) + Send + Sync + 'static) {
    let (calls, own): (Calls, Calls) = shared(Mutex::default());
    let hook = move |thread: &Thread, payload: &(dyn Any + Send)| {
        assert_eq!(thread, &thread::current(), "the panicking thread calls it");
        assert!(thread.is_alive());
        own.lock()
            .unwrap()
            .push((thread.clone(), payload.downcast_ref().copied()));
    };
    (calls, hook)
}

fn payloads(calls: &Calls) -> Vec<i32> {
    calls
        .lock()
        .unwrap()
        .iter()
        .map(|(_, payload)| payload.unwrap())
        .collect()
}

/// A thread of the registry panics with this payload.
fn panics(registry: &Registry, payload: i32) -> Thread {
    let thread = registry.builder().spawn(move || panic_any(payload)).unwrap();
    assert_eq!(thread.join().unwrap_err().message(), None);
    thread.thread().clone()
}

#[test]
fn it_runs_for_each_panic_of_its_registry_and_only_for_them() {
    let (registry, (calls, hook)) = (Registry::new(), recording());
    registry.set_panic_hook(hook);
    let failed = [1, 2].map(|payload| panics(&registry, payload));
    super::on_a_thread(&registry, || panic_of(|| panic_any(3)));
    panics(&Registry::new(), 4);
    assert_eq!(
        *calls.lock().unwrap(),
        [1, 2].map(|n| (failed[n as usize - 1].clone(), Some(n)))
    );
    thread::scope(|scope| {
        let scoped = registry.builder().spawn_scoped(scope, || panic_any(5)).unwrap();
        scoped.join().unwrap_err();
    });
    let clock = Clock::new(&registry);
    clock
        .start(Duration::ZERO, || panic_any(6))
        .unwrap()
        .join()
        .unwrap_err();
    clock
        .every(Duration::ZERO, || panic_any(7))
        .unwrap()
        .join()
        .unwrap_err();
    assert_eq!(payloads(&calls), [1, 2, 5, 6, 7]);
    assert_eq!(calls.lock().unwrap()[3].0.name(), "timer");
    registry.take_panic_hook();
    clock
        .start(Duration::ZERO, || panic_any(8))
        .unwrap()
        .join()
        .unwrap_err();
    assert_eq!(payloads(&calls).len(), 5);
}

#[test]
fn it_runs_before_the_joiners_return_and_leaves_the_payload_to_them() {
    watchdog::run(|watch| {
        let (registry, (called, calls), (gate, waits)) = (Registry::new(), shared(Event::new()), shared(Event::new()));
        registry.set_panic_hook(move |_, _| {
            calls.set();
            waits.wait();
        });
        let (start, thread) = gated_on::<()>(&registry, || panic_any(7));
        start.set();
        let joined = thread.clone();
        let joiner = watch.spawn("joiner", move |role| role.waits("join", || join_by(&joined, Plain)));
        watch.waits("the hook", || called.wait());
        joiner.until_blocked();
        assert!(thread.is_alive() && registry.enumerate().contains(&thread));
        assert!(thread.take_panic().is_none());
        assert_eq!(join_by(&thread, Try), Err(JoinError::TimedOut));
        gate.set();
        joiner.join().unwrap_err();
        assert_eq!(thread.take_panic().unwrap().downcast_ref(), Some(&7));
    });
}

#[test]
fn its_panic_strands_no_joiner() {
    let (registry, drops) = (Registry::new(), Drops::default());
    let own = drops.clone();
    registry.set_panic_hook(move |_, _| drop(Bomb::new(&own)));
    for round in 1..=3 {
        let thread = registry.builder().spawn(|| panic!("the thread's own")).unwrap();
        let panicked = thread.join().unwrap_err();
        assert_eq!((panicked.message(), drops.count()), (Some("the thread's own"), round));
    }
    registry.set_panic_hook(|_, _| panic_any(Bomb::new(&Drops::default()))); // the drop of the payload panics too
    panics(&registry, 7);
    assert_eq!(registry.active_count(), 1);
}

#[test]
fn it_can_be_replaced_and_removed() {
    let registry = Registry::new();
    assert!(registry.take_panic_hook().is_none());
    let ([(first, hook), (second, other)], drops) = ([recording(), recording()], Drops::default());
    let token = drops.token();
    registry.set_panic_hook(move |thread, payload| {
        let _captured = &token;
        hook(thread, payload);
    });
    panics(&registry, 1);
    registry.clone().set_panic_hook(other); // a clone is the same registry
    assert_eq!(drops.count(), 1, "the replaced hook is dropped");
    panics(&registry, 2);
    let taken = registry.take_panic_hook().unwrap();
    assert!(registry.take_panic_hook().is_none());
    panics(&registry, 3);
    thread::spawn(move || taken(&thread::current(), &4_i32)).join().unwrap();
    assert_eq!((payloads(&first), payloads(&second)), (vec![1], vec![2, 4]));
}

/// No lock is held while a hook runs or is dropped.
#[test]
fn it_and_its_drop_may_use_the_registry() {
    struct Takes(Registry);
    impl Drop for Takes {
        fn drop(&mut self) {
            assert!(self.0.take_panic_hook().is_some());
        }
    }
    watchdog::run(|watch| {
        let registry = Registry::new();
        let own = registry.clone();
        registry.set_panic_hook(move |thread, _| {
            assert!(own.enumerate().contains(thread));
            drop(own.take_panic_hook());
            super::on_a_thread(&own, || ());
            let captured = own.clone();
            own.set_panic_hook(move |_, _| drop(captured.enumerate()));
        });
        watch.waits("join", || [1, 2].map(|payload| panics(&registry, payload)));
        assert_eq!(registry.active_count(), 1);
        let takes = Takes(registry.clone());
        registry.set_panic_hook(move |_, _| _ = &takes);
        watch.waits("the drop of the hook", || registry.set_panic_hook(|_, _| ()));
        assert!(registry.take_panic_hook().is_none());
    });
}

#[test]
fn the_programs_hook_runs_for_its_threads_and_timers() {
    child::passes(&[], || {
        let (calls, hook) = recording();
        thread::set_panic_hook(hook);
        let thread = thread::spawn(|| panic_any(1));
        thread.join().unwrap_err();
        Timer::start(Duration::ZERO, || panic_any(2)).join().unwrap_err();
        panics(&Registry::new(), 3);
        assert!(thread::take_panic_hook().is_some() && thread::take_panic_hook().is_none());
        thread::spawn(|| panic_any(4)).join().unwrap_err();
        assert_eq!(payloads(&calls), [1, 2]);
        assert_eq!(&calls.lock().unwrap()[0].0, thread.thread());
    });
}
