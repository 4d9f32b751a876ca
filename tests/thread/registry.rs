//! Who lives: law TH6.

use crate::support::Line;
use crate::watchdog;
use selvedge::Event;
use selvedge::thread::{self, JoinHandle, Registry, Thread};
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Threads on this registry that live until the event is set.
fn sleepers(registry: &Registry, count: usize) -> (Arc<Event>, Vec<JoinHandle<()>>) {
    let gate = Arc::new(Event::new());
    let start = |number| {
        let theirs = Arc::clone(&gate);
        registry
            .builder()
            .daemon(number % 2 == 0)
            .spawn(move || theirs.wait())
            .unwrap()
    };
    let threads = (0..count).map(start).collect();
    (gate, threads)
}

#[test]
fn those_who_live_are_listed_oldest_first() {
    watchdog::run(|_| {
        let registry = Registry::new();
        let me = registry.main_thread();
        assert_eq!((registry.enumerate(), registry.active_count()), (vec![me.clone()], 1));
        let (gate, threads) = sleepers(&registry, 6);
        let all: Vec<Thread> = [&me]
            .into_iter()
            .chain(threads.iter().map(|thread| thread.thread()))
            .cloned()
            .collect();
        assert_eq!((registry.enumerate(), registry.active_count()), (all.clone(), 7));
        assert_eq!(registry.clone().enumerate(), all, "clones are the same registry");
        assert_eq!(format!("{registry:?}"), format!("Registry {{ alive: {all:?} }}"));
        assert_eq!(Registry::new().active_count(), 1, "another one is");
        gate.set();
        for thread in threads {
            thread.join().unwrap();
            assert!(!registry.enumerate().contains(&thread), "law TH6");
        }
        assert_eq!(registry.enumerate(), [me]);
    });
}

#[test]
fn the_middle_one_comes_off() {
    watchdog::run(|_| {
        let registry = Registry::new();
        let [(early, first), (middle, second), (late, third)] = [1; 3].map(|count| sleepers(&registry, count));
        middle.set();
        second[0].join().unwrap();
        let all = [
            registry.main_thread(),
            first[0].thread().clone(),
            third[0].thread().clone(),
        ];
        assert_eq!(registry.enumerate(), all);
        early.set();
        late.set();
    });
}

#[test]
fn the_programs_registry_has_the_threads_of_spawn_and_the_first() {
    watchdog::run(|_| {
        let gate = Arc::new(Event::new());
        let theirs = Arc::clone(&gate);
        let thread = thread::spawn(move || theirs.wait());
        let all = thread::enumerate();
        assert!(all.contains(&thread) && all.contains(&thread::main_thread()));
        assert_eq!(all[0], thread::main_thread());
        assert!(thread::active_count() >= 2);
        let (own_gate, own) = sleepers(&Registry::new(), 1);
        assert!(!thread::enumerate().contains(&own[0]));
        gate.set();
        own_gate.set();
        thread.join().unwrap();
        assert!(!thread::enumerate().contains(&thread));
    });
}

/// Whoever runs can find itself, and nobody meets one who was joined.
#[test]
fn a_list_is_of_one_moment() {
    let (registry, over) = (Registry::new(), AtomicBool::new(false));
    let line = Line::new(3);
    watchdog::run(|watch| {
        let starter = |number| {
            let (registry, line) = (&registry, &line);
            watch.spawn(format!("starter {number}"), move |role| {
                line.cross();
                for _ in 0..200 {
                    let theirs = registry.clone();
                    let thread = registry.builder().spawn(move || {
                        let me = theirs.current();
                        assert!(me.is_alive() && theirs.enumerate().contains(&me));
                    });
                    let thread = thread.unwrap();
                    assert_eq!(role.waits("join", || thread.join()), Ok(()));
                    assert!(!registry.enumerate().contains(&thread));
                }
            })
        };
        let starters = [0, 1].map(starter);
        let looker = watch.spawn("looker", |_| {
            line.cross();
            while !over.load(SeqCst) {
                let all = registry.enumerate();
                assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
                assert!(all.len() <= 3 && registry.active_count() <= 3);
                assert_eq!(all[0], registry.main_thread());
            }
        });
        starters.into_iter().for_each(|starter| starter.join());
        over.store(true, SeqCst);
        looker.join();
        assert_eq!(registry.active_count(), 1);
    });
}

#[test]
fn a_daemons_threads_are_daemons() {
    fn children(registry: &Registry) -> [bool; 3] {
        let start = |builder: thread::Builder| builder.spawn(|| ()).unwrap().is_daemon();
        let (said, denied) = (registry.builder().daemon(true), registry.builder().daemon(false));
        [start(registry.builder()), start(said), start(denied)]
    }
    let registry = Registry::new();
    watchdog::run(|watch| {
        assert_eq!(children(&registry), [false, true, false]);
        for daemon in [true, false] {
            let theirs = registry.clone();
            let thread = registry.builder().daemon(daemon).spawn(move || {
                let scoped = thread::scope(|scope| scope.spawn(|| ()).is_daemon());
                let by_child = theirs.builder().spawn({
                    let theirs = theirs.clone();
                    move || children(&theirs)
                });
                let by_child = by_child.unwrap();
                by_child.join().unwrap();
                (children(&theirs), by_child.take_result().unwrap(), scoped)
            });
            let thread = thread.unwrap();
            thread.join().unwrap();
            let theirs = [daemon, true, false];
            assert_eq!(
                thread.take_result(),
                Some((theirs, theirs, daemon)),
                "on whichever registry"
            );
        }
        assert_eq!(
            watch.spawn("of std", |_| children(&registry)).join(),
            [false, true, false]
        );
        registry.join_all();
    });
}

#[test]
fn the_current_thread_is_the_one_that_asks() {
    let registry = Registry::new();
    watchdog::run(|watch| {
        assert_eq!(registry.current(), registry.main_thread());
        assert_eq!(registry.current(), thread::current(), "an id is one for all registries");
        let theirs = registry.clone();
        let thread = registry
            .builder()
            .name("asks")
            .spawn(move || (theirs.current(), theirs.main_thread()))
            .unwrap();
        thread.join().unwrap();
        let (inside, first) = thread.take_result().unwrap();
        assert_eq!((inside.name(), &inside), ("asks", thread.thread()));
        assert_eq!((first.clone(), first.is_daemon()), (registry.main_thread(), false));
        let elsewhere = registry.builder().daemon(true).spawn(thread::current).unwrap();
        elsewhere.join().unwrap();
        let seen = elsewhere.take_result().unwrap();
        assert_eq!(
            (&seen, seen.is_daemon(), seen.is_alive()),
            (elsewhere.thread(), true, false),
            "on another registry"
        );
        let by_spawn = thread::spawn(thread::current);
        by_spawn.join().unwrap();
        assert_eq!(by_spawn.take_result().as_ref(), Some(by_spawn.thread()));

        let (one, other) = watch
            .spawn("of std", |_| (thread::current(), registry.current()))
            .join();
        assert_eq!((one.name(), one.is_daemon(), one.is_alive()), ("of std", false, true));
        assert_eq!(one, other);
        assert_ne!(one, registry.main_thread());
        assert!(!registry.enumerate().contains(&one) && !thread::enumerate().contains(&one));
        let nameless = std::thread::spawn(thread::current).join().unwrap();
        assert!(!nameless.name().is_empty());
        assert_ne!(nameless, one);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn any_thread_can_be_asked_for_the_systems_number() {
    fn number() -> String {
        std::fs::read_link("/proc/thread-self")
            .unwrap()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    }
    watchdog::run(|watch| {
        let registry = Registry::new();
        assert_eq!(registry.main_thread().native_id().unwrap().to_string(), number());
        watch
            .spawn("of std", |_| {
                assert_eq!(thread::current().native_id().unwrap().to_string(), number())
            })
            .join();
        let thread = thread::spawn(number);
        thread.join().unwrap();
        assert_eq!(thread.native_id().map(|id| id.to_string()), thread.take_result());
    });
}

/// Ids and what a thread knows of itself survive a registry that is gone.
#[test]
fn threads_outlive_their_registry() {
    watchdog::run(|_| {
        let registry = Registry::new();
        let (gate, threads) = sleepers(&registry, 2);
        drop(registry);
        gate.set();
        threads.iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(
            threads.iter().map(|thread| thread.name()).collect::<Vec<_>>(),
            ["Thread-1", "Thread-2"]
        );
    });
}

/// A sink that calls `act` whenever something is written into it.
pub(super) struct Sink<F: FnMut()>(pub F);

impl<F: FnMut()> std::fmt::Write for Sink<F> {
    fn write_str(&mut self, _: &str) -> std::fmt::Result {
        (self.0)();
        Ok(())
    }
}

#[test]
fn what_a_registry_is_printed_into_may_use_it() {
    watchdog::run(|watch| {
        let registry = Registry::new();
        let mut calls = 0;
        let mut sink = Sink(|| calls += registry.active_count());
        watch.waits("the sink", || write!(sink, "{registry:?}").unwrap());
        assert!(calls > 0);
    });
}
