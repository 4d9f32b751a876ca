//! Scoped threads.

use super::registry::Sink;
use super::{Bomb, Drops};
use crate::support::panic_of;
use crate::watchdog;
use selvedge::Event;
use selvedge::thread::{self, Builder, Registry};
use std::cell::Cell;
use std::fmt::Write;
use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const UNSEEN: &str = "a scoped thread panicked";

fn slowly<T>(step: impl FnOnce() -> T) -> T {
    (0..50).for_each(|_| std::thread::yield_now());
    step()
}

#[test]
fn borrows_end_with_the_scope_and_its_body_has_a_result() {
    let (mut halves, text) = ([vec![0; 8], vec![0; 8]], String::from("shared"));
    let result = thread::scope(|scope| {
        for (number, half) in halves.iter_mut().enumerate() {
            let text = &text;
            scope.spawn(move || slowly(|| half.fill(number + text.len())));
        }
        "the body's result"
    });
    assert_eq!(
        (halves, result, text.as_str()),
        ([vec![6; 8], vec![7; 8]], "the body's result", "shared")
    );
}

#[test]
fn threads_may_spawn_threads_in_their_scope_and_scopes_may_nest() {
    let (count, mut value) = (AtomicUsize::new(0), 1);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..4 {
                    scope.spawn(|| slowly(|| drop(scope.spawn(|| count.fetch_add(1, Relaxed)))));
                }
            });
        }
        scope.spawn(|| {
            thread::scope(|inner| drop(inner.spawn(|| value += 1)));
            value *= 10;
        });
    });
    assert_eq!((count.into_inner(), value), (16, 20));
}

#[test]
fn a_result_may_borrow_and_outlive_the_scope() {
    let words = [String::from("warp"), String::from("weft")];
    let handle = thread::scope(|scope| scope.spawn(|| words.iter().map(String::as_str).max()));
    assert_eq!(handle.take_result(), Some(Some("weft")));
    let length = thread::scope(|scope| {
        let thread = scope.spawn(|| &words[0]);
        thread.join().unwrap();
        thread.take_result().map(String::len)
    });
    assert_eq!(length, Some(4));
    let cell = Cell::new(&words[1]); // neither Sync nor 'static
    thread::scope(|scope| drop(scope.spawn(move || cell.get().len())));
}

#[test]
fn a_scoped_thread_is_as_its_builder_says() {
    let (registry, borrowed) = (Registry::new(), String::from("loom"));
    let named = thread::scope(|scope| {
        let builder = registry.builder().name(borrowed.clone()).daemon(true);
        builder
            .spawn_scoped(scope, || registry.current().name() == borrowed)
            .unwrap()
    });
    assert_eq!(
        (named.take_result(), named.name(), named.is_daemon()),
        (Some(true), "loom", true)
    );
    assert_eq!(registry.active_count(), 1);
    let on_the_programs = thread::scope(|scope| Builder::new().spawn_scoped(scope, thread::enumerate).unwrap());
    assert!(on_the_programs.take_result().unwrap().contains(&on_the_programs));
}

#[test]
fn a_panic_that_no_join_has_reported_is_the_scopes() {
    let drops = Drops::default();
    let unseen = panic_of(|| {
        thread::scope(|scope| {
            scope.spawn(|| panic!("unseen"));
            scope.spawn(|| drop(drops.token()));
            drops.token()
        })
    });
    assert_eq!((unseen.as_str(), drops.count()), (UNSEEN, 2));
    let taken_before_many_others = panic_of(|| {
        thread::scope(|scope| {
            let thread = scope.spawn(|| panic!("taken, but not reported by a join"));
            while thread.is_alive() {}
            assert!(thread.take_panic().is_some());
            (0..100).for_each(|_| scope.spawn(|| ()).join().unwrap());
        });
    });
    assert_eq!(taken_before_many_others, UNSEEN);
}

#[test]
fn a_panic_that_any_join_has_reported_is_not_the_scopes() {
    thread::scope(|scope| {
        let [plain, polled, timed, by_another] = [(); 4].map(|()| scope.spawn(|| panic!("seen")));
        while polled.try_join().is_none() {}
        timed.join_timeout(std::time::Duration::MAX).unwrap_err();
        assert_eq!(plain.join().unwrap_err().message(), Some("seen"));
        scope.spawn(move || by_another.join().unwrap_err());
    });
}

#[test]
fn a_body_that_panics_waits_for_the_threads_too() {
    let (drops, has_started, gate) = (Drops::default(), Event::new(), Event::new());
    watchdog::run(|watch| {
        let body = watch.spawn("body", |role| {
            panic_of(|| {
                thread::scope(|scope| {
                    let token = drops.token();
                    scope.spawn(|| {
                        has_started.set();
                        gate.wait();
                        drop(token);
                    });
                    scope.spawn(|| panic!("the body's panic has precedence"));
                    role.waits("the scope's end", || panic!("the body's"));
                });
            })
        });
        watch.waits("the thread", || has_started.wait());
        assert_eq!(drops.count(), 0);
        gate.set();
        assert_eq!((body.join().as_str(), drops.count()), ("the body's", 1));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_scope_blocks_until_its_threads_have_ended() {
    for _ in 0..20 {
        let (gate, done) = (Event::new(), AtomicUsize::new(0));
        watchdog::run(|watch| {
            let scope = watch.spawn("scope", |role| {
                let thread = || {
                    gate.wait();
                    done.fetch_add(1, Relaxed);
                };
                role.waits("the scope's end", || thread::scope(|scope| drop(scope.spawn(thread))));
                done.load(Relaxed)
            });
            scope.until_blocked();
            gate.set();
            assert_eq!(scope.join(), 1);
        });
    }
}

#[test]
fn the_list_of_a_scopes_threads_does_not_grow_with_the_ended_ones() {
    thread::scope(|scope| {
        let mut most = 0;
        for round in 0..4000 {
            scope.spawn(|| ()).join().unwrap();
            if round % 100 == 99 {
                most = most.max(format!("{scope:?}").matches("name:").count());
            }
        }
        assert!((1..=8).contains(&most), "{most} are kept");
    });
}

#[test]
fn a_writer_may_spawn_threads_in_the_scope_that_it_prints() {
    watchdog::run(|watch| {
        thread::scope(|scope| {
            let mut sink = Sink(|| scope.spawn(|| ()).join().unwrap());
            watch.waits("the writer", || write!(sink, "{scope:?}").unwrap());
        });
    });
}

/// Law TH8, for results and payloads that borrow, and whose handles are dropped before the end.
#[test]
fn a_drop_that_panics_does_not_keep_the_scope() {
    let (drops, gate) = (Drops::default(), Event::new());
    let ends: [fn(Bomb) -> Option<Bomb>; 2] = [Some, |bomb| panic_any(bomb)];
    for (end, count) in ends.into_iter().zip(1..) {
        let bomb = Bomb::new(&drops);
        gate.clear();
        let scope = || {
            thread::scope(|scope| {
                drop(scope.spawn(|| {
                    gate.wait();
                    end(bomb)
                }));
                gate.set();
            });
            "no panic"
        };
        let message = std::panic::catch_unwind(std::panic::AssertUnwindSafe(scope));
        let message = message.unwrap_or_else(|panic| {
            if watchdog::message(&*panic) == UNSEEN {
                UNSEEN
            } else {
                "another"
            }
        });
        assert_eq!((message, drops.count()), (["no panic", UNSEEN][count - 1], count));
    }
}
