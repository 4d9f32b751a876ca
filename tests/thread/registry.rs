//! The threads that live: law TH6.

use super::{gated_on, on_a_thread};
use crate::support::shared;
use crate::watchdog;
use selvedge::Event;
use selvedge::thread::{self, Registry};
use std::fmt::Write;

#[test]
fn it_lists_the_living_threads_the_oldest_first() {
    let registry = Registry::new();
    let mut all = vec![registry.main_thread()];
    assert_eq!((registry.enumerate(), registry.active_count()), (all.clone(), 1));
    let mut threads: Vec<_> = (0..6).map(|_| gated_on(&registry, || ())).collect();
    all.extend(threads.iter().map(|(_, thread)| thread.thread().clone()));
    assert_eq!(registry.clone().enumerate(), all, "a clone is the same registry");
    assert_eq!(format!("{registry:?}"), format!("Registry {{ alive: {all:?} }}"));
    assert_eq!(Registry::new().active_count(), 1, "another registry is not");
    while !threads.is_empty() {
        let middle = threads.len() / 2;
        let (gate, thread) = threads.remove(middle);
        all.remove(1 + middle);
        gate.set();
        thread.join().unwrap();
        assert_eq!(
            (registry.enumerate(), registry.active_count()),
            (all.clone(), all.len()),
            "law TH6"
        );
    }
}

#[test]
fn the_programs_registry_has_the_threads_of_spawn_and_the_main_thread() {
    let (gate, waits) = shared(Event::new());
    let thread = thread::spawn(move || waits.wait());
    let all = thread::enumerate();
    assert!(all[0] == thread::main_thread() && all.contains(&thread) && thread::active_count() >= 2);
    let (other_gate, other) = gated_on(&Registry::new(), || ());
    assert!(!thread::enumerate().contains(&other));
    [gate, other_gate].iter().for_each(|gate| gate.set());
    thread.join().unwrap();
    assert!(!thread::enumerate().contains(&thread));
}

#[test]
fn a_thread_is_a_daemon_if_its_builder_says_so_or_its_parent_is_one() {
    fn children(registry: &Registry) -> [bool; 3] {
        let spawn = |builder: thread::Builder| builder.spawn(|| ()).unwrap().is_daemon();
        let builder = || registry.builder();
        [
            spawn(builder()),
            spawn(builder().daemon(true)),
            spawn(builder().daemon(false)),
        ]
    }
    let registry = Registry::new();
    assert_eq!(children(&registry), [false, true, false]);
    for daemon in [true, false] {
        let own = registry.clone();
        let thread = registry.builder().daemon(daemon).spawn(move || {
            let scoped = thread::scope(|scope| scope.spawn(|| ()).is_daemon());
            let by_child = on_a_thread(&own, {
                let own = own.clone();
                move || children(&own)
            });
            (children(&own), by_child, scoped)
        });
        let thread = thread.unwrap();
        thread.join().unwrap();
        let expected = [daemon, true, false];
        assert_eq!(
            thread.take_result(),
            Some((expected, expected, daemon)),
            "on any registry"
        );
    }
    let foreign = std::thread::scope(|scope| scope.spawn(|| children(&registry)).join().unwrap());
    assert_eq!(foreign, [false, true, false]);
    registry.join_all();
}

#[test]
fn the_current_thread_is_the_calling_one() {
    let registry = Registry::new();
    assert_eq!(registry.current(), registry.main_thread());
    assert_eq!(
        registry.current(),
        thread::current(),
        "its id is the same on all registries"
    );
    let own = registry.clone();
    let builder = registry.builder().name("calls");
    let thread = builder
        .spawn(move || (own.current(), own.main_thread(), thread::current()))
        .unwrap();
    thread.join().unwrap();
    let (inside, main, elsewhere) = thread.take_result().unwrap();
    assert_eq!(
        (inside.name(), &inside, &elsewhere),
        ("calls", thread.thread(), thread.thread())
    );
    assert_eq!((main.clone(), main.is_daemon()), (registry.main_thread(), false));

    let foreign = std::thread::Builder::new().name("foreign".into());
    let foreign = foreign.spawn({
        let registry = registry.clone();
        move || {
            let me = thread::current();
            assert_eq!((me.name(), me.is_daemon(), me.is_alive()), ("foreign", false, true));
            assert!(!registry.enumerate().contains(&me) && !thread::enumerate().contains(&me));
            (me, registry.current())
        }
    });
    let (me, on_registry) = foreign.unwrap().join().unwrap();
    assert_eq!(me, on_registry);
    assert_ne!(me, registry.main_thread());
    let nameless = std::thread::spawn(thread::current).join().unwrap();
    assert!(!nameless.name().is_empty() && nameless != me);
}

#[cfg(target_os = "linux")]
#[test]
fn the_native_id_is_the_systems_number_also_of_foreign_threads() {
    fn check() -> String {
        let link = std::fs::read_link("/proc/thread-self").unwrap();
        let number = link.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(thread::current().native_id().unwrap().to_string(), number);
        number
    }
    let registry = Registry::new();
    assert_eq!(registry.main_thread().native_id().unwrap().to_string(), check());
    std::thread::spawn(check).join().unwrap();
    let thread = thread::spawn(check);
    thread.join().unwrap();
    assert_eq!(
        thread.native_id().map(|id| id.to_string()),
        thread.take_result(),
        "kept after the end"
    );
}

#[test]
fn threads_outlive_their_registry() {
    let registry = Registry::new();
    let threads = [(); 2].map(|()| gated_on(&registry, || ()));
    drop(registry);
    for (gate, thread) in threads {
        gate.set();
        thread.join().unwrap();
        assert_eq!(thread.name(), "gated");
    }
}

/// A writer that calls a function for each text.
pub(super) struct Sink<F: FnMut()>(pub F);

impl<F: FnMut()> Write for Sink<F> {
    fn write_str(&mut self, _: &str) -> std::fmt::Result {
        (self.0)();
        Ok(())
    }
}

#[test]
fn a_writer_may_use_the_registry_that_it_prints() {
    watchdog::run(|watch| {
        let (registry, mut calls) = (Registry::new(), 0);
        let mut sink = Sink(|| calls += registry.active_count());
        watch.waits("the writer", || write!(sink, "{registry:?}").unwrap());
        assert!(calls > 0);
    });
}
