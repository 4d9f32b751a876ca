//! `SubinterpThreadingTests`, asked of a registry: a part of a program that has its own threads, and its own exit.

use super::{OnDrop, until_asleep};
use crate::support::Line;
use crate::watchdog;
use selvedge::Event;
use selvedge::thread::{Local, Registry};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::Duration;

#[test]
fn threads_join() {
    let ended = Arc::new(AtomicBool::new(false));
    watchdog::run(|watch| {
        let registry = Registry::new();
        let (end, first) = (Arc::new(Event::new()), registry.main_thread());
        let (awaited, theirs) = (Arc::clone(&end), Arc::clone(&ended));
        let run = move || {
            awaited.wait();
            until_asleep(&first);
            theirs.store(true, Relaxed);
        };
        let guard = registry.exit_guard();
        registry.builder().spawn(run).unwrap();
        end.set();
        watch.waits("the guard", || drop(guard));
    });
    assert!(ended.load(Relaxed), "it was not joined");
}

/// Who has come off the registry may have a last step to do, for which those who join all wait.
#[test]
fn threads_join_in_a_race() {
    watchdog::run(|watch| {
        for round in 0..1000 {
            let (registry, line) = (Registry::new(), Arc::new(Line::new(2)));
            let theirs = Arc::clone(&line);
            let thread = registry.builder().spawn(move || theirs.cross()).unwrap();
            line.cross();
            watch.waits("the end of all", || {
                while registry.join_all_timeout(Duration::ZERO).is_err() {}
            });
            assert!(!thread.is_alive(), "joined, but alive in round {round}");
        }
    });
}

#[test]
fn threads_join_2() {
    type Slow = RefCell<Option<OnDrop<Box<dyn FnMut()>>>>;
    let (dropped, local) = (Arc::new(AtomicBool::new(false)), Arc::new(Local::<Slow>::default()));
    watchdog::run(|watch| {
        let registry = Registry::new();
        let (begun, end) = (Arc::new(Event::new()), Arc::new(Event::new()));
        let guard = registry.exit_guard();
        let (first, seen) = (registry.main_thread(), (Arc::clone(&begun), Arc::clone(&end)));
        let theirs = (Arc::clone(&local), Arc::clone(&dropped));
        let run = move || {
            let drop_late = move || {
                seen.0.set();
                seen.1.wait();
                until_asleep(&first);
                theirs.1.store(true, Relaxed);
            };
            theirs
                .0
                .with(|slow| *slow.borrow_mut() = Some(OnDrop(Box::new(drop_late))));
        };
        registry.builder().spawn(run).unwrap();
        watch.waits("its function's end", || begun.wait());
        end.set();
        watch.waits("the guard", || drop(guard));
    });
    assert!(dropped.load(Relaxed), "its local was not dropped");
}

#[test]
fn threads_join_with_no_main() {
    let steps = Arc::new(AtomicU32::new(0));
    watchdog::run(|watch| {
        let registry = watch.spawn("its first thread", |_| Registry::new()).join();
        let guard = registry.exit_guard();
        let (done, theirs) = (Arc::new(Event::new()), Arc::clone(&steps));
        let awaited = Arc::clone(&done);
        let run = move || {
            awaited.wait();
            theirs.fetch_add(1, Relaxed);
        };
        let thread = registry.builder().spawn(run).unwrap();
        let at_exit = OnDrop(|| {
            done.set();
            watch.waits("its end", || thread.join()).unwrap();
            assert_eq!(steps.fetch_add(1, Relaxed), 1);
        });
        drop(at_exit);
        watch.waits("the guard", || drop(guard));
        assert_eq!(registry.active_count(), 1);
    });
    assert_eq!(steps.load(Relaxed), 2);
}

#[test]
fn daemon_threads_fatal_error() {
    watchdog::run(|watch| {
        let registry = Registry::new();
        let go = Arc::new(Event::new());
        let theirs = Arc::clone(&go);
        let guard = registry.exit_guard();
        let daemon = registry.builder().daemon(true).spawn(move || theirs.wait()).unwrap();
        watch.waits("the guard", || drop(guard));
        assert!(daemon.is_alive());
        assert!(registry.enumerate().contains(&daemon));
        go.set();
        watch.waits("the daemon's end", || daemon.join()).unwrap();
        assert_eq!(registry.active_count(), 1);
    });
}
