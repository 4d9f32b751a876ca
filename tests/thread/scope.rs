//! Threads that borrow.

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

#[test]
fn what_threads_borrow_is_back_after_the_scope() {
    watchdog::run(|_| {
        let (mut halves, words) = ([vec![0; 8], vec![0; 8]], String::from("shared"));
        let ran = thread::scope(|scope| {
            for (number, half) in halves.iter_mut().enumerate() {
                scope.spawn(|| assert_eq!(words, "shared"));
                let words = &words;
                scope.spawn(move || {
                    (0..50).for_each(|_| std::thread::yield_now());
                    half.fill(number + words.len());
                });
            }
            "the body's result"
        });
        assert_eq!((halves, ran), ([vec![6; 8], vec![7; 8]], "the body's result"));
        assert_eq!(words, "shared");
    });
}

#[test]
fn threads_may_start_threads_in_their_scope() {
    watchdog::run(|_| {
        let count = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..4 {
                        scope.spawn(|| {
                            (0..50).for_each(|_| std::thread::yield_now());
                            scope.spawn(|| count.fetch_add(1, Relaxed));
                        });
                    }
                });
            }
        });
        assert_eq!(count.into_inner(), 16);
    });
}

#[test]
fn scopes_may_be_nested() {
    watchdog::run(|_| {
        let mut value = 1;
        thread::scope(|outer| {
            outer.spawn(|| {
                thread::scope(|inner| drop(inner.spawn(|| value += 1)));
                value *= 10;
            });
        });
        assert_eq!(value, 20);
    });
}

#[test]
fn a_result_may_borrow_and_leave_the_scope() {
    watchdog::run(|_| {
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
    });
}

#[test]
fn builder_and_registry_are_used() {
    watchdog::run(|_| {
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
    });
}

#[test]
fn a_panic_that_nobody_has_seen_is_the_scopes() {
    watchdog::run(|_| {
        let drops = Drops::default();
        let unseen = panic_of(|| {
            thread::scope(|scope| {
                scope.spawn(|| panic!("unseen"));
                scope.spawn(|| drop(drops.token()));
                drops.token()
            })
        });
        assert_eq!((unseen.as_str(), drops.count()), ("a scoped thread panicked", 2));
        let taken_only = panic_of(|| {
            thread::scope(|scope| {
                let thread = scope.spawn(|| panic!("taken"));
                while thread.is_alive() {}
                assert!(thread.take_panic().is_some());
            });
        });
        assert_eq!(
            taken_only, "a scoped thread panicked",
            "the join tells, not the payload"
        );
    });
}

#[test]
fn a_panic_that_a_join_has_told_is_not() {
    watchdog::run(|_| {
        let told = thread::scope(|scope| {
            let thread = scope.spawn(|| panic!("seen"));
            let by_look = scope.spawn(|| panic!("seen"));
            let in_time = scope.spawn(|| panic!("seen"));
            while by_look.try_join().is_none() {}
            in_time.join_timeout(std::time::Duration::MAX).unwrap_err();
            thread.join().unwrap_err()
        });
        assert_eq!(told.message(), Some("seen"));
        // Another thread of the scope may be the one that is told.
        thread::scope(|scope| {
            let failed = scope.spawn(|| panic!("seen"));
            scope.spawn(move || failed.join().unwrap_err());
        });
    });
}

#[test]
fn a_panic_is_not_forgotten_among_many_threads() {
    watchdog::run(|_| {
        let unseen = panic_of(|| {
            thread::scope(|scope| {
                let failed = scope.spawn(|| panic!("early"));
                while failed.is_alive() {}
                (0..100).for_each(|_| scope.spawn(|| ()).join().unwrap());
            });
        });
        assert_eq!(unseen, "a scoped thread panicked");
    });
}

#[test]
fn a_body_that_panics_waits_too() {
    let (drops, gate) = (Drops::default(), Event::new());
    watchdog::run(|watch| {
        let body = watch.spawn("body", |role| {
            panic_of(|| {
                thread::scope(|scope| {
                    let token = drops.token();
                    scope.spawn(|| {
                        gate.wait();
                        drop(token);
                    });
                    scope.spawn(|| panic!("less than the body's"));
                    role.waits("the scope's end", || panic!("the body's"));
                });
            })
        });
        watch.until("the thread has begun", || thread::active_count() > 0);
        assert_eq!(drops.count(), 0);
        gate.set();
        assert_eq!((body.join().as_str(), drops.count()), ("the body's", 1));
    });
}

/// It is told by who sleeps: a scope whose body is over waits for its thread.
#[cfg(target_os = "linux")]
#[test]
fn a_scope_sleeps_until_its_threads_have_ended() {
    for _ in 0..20 {
        let (gate, done) = (Event::new(), AtomicUsize::new(0));
        watchdog::run(|watch| {
            let scope = watch.spawn("scope", |role| {
                role.waits("the scope's end", || {
                    thread::scope(|scope| {
                        scope.spawn(|| {
                            gate.wait();
                            done.fetch_add(1, Relaxed);
                        });
                    });
                });
                done.load(Relaxed)
            });
            scope.until_asleep();
            gate.set();
            assert_eq!(scope.join(), 1);
        });
    }
}

#[test]
fn threads_one_after_another_do_not_pile_up() {
    watchdog::run(|_| {
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
    });
}

#[test]
fn what_a_scope_is_printed_into_may_start_threads_in_it() {
    watchdog::run(|watch| {
        thread::scope(|scope| {
            let mut sink = Sink(|| scope.spawn(|| ()).join().unwrap());
            watch.waits("the sink", || write!(sink, "{scope:?}").unwrap());
        });
    });
}

/// Law TH8, for what is borrowed.
#[test]
fn drops_that_panic_do_not_keep_the_scope() {
    watchdog::run(|_| {
        let (drops, gate) = (Drops::default(), Event::new());
        let explodes = || {
            gate.wait();
            Bomb::new(&drops)
        };
        thread::scope(|scope| {
            drop(scope.spawn(explodes));
            gate.set(); // nobody can take it any more
        });
        assert_eq!(drops.count(), 1);
        gate.clear();
        let bomb = Bomb::new(&drops);
        let panics = || {
            gate.wait();
            panic_any(bomb)
        };
        let scope = || {
            thread::scope(|scope| {
                drop(scope.spawn(panics));
                gate.set(); // nor this
            });
        };
        assert_eq!(panic_of(scope), "a scoped thread panicked");
        assert_eq!(drops.count(), 2);
    });
}
