//! A clock's threads: few, on no registry, and gone soon after the last timer. Each test is alone in its process.

#![cfg(target_os = "linux")]

use super::{LATER, clock};
use crate::child;
use selvedge::thread::{self, Clock, Registry, Timer};
use selvedge::{Barrier, Instant};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn quick_timers_share_one_thread() {
    child::passes(&[], || {
        let (before, clock) = (child::threads(), clock());
        assert_eq!(child::threads(), before, "a clock without timers has none");
        let timers: Vec<_> = (0..1000)
            .map(|_| clock.start(LATER, || unreachable!()).unwrap())
            .collect();
        assert_eq!(child::threads(), before + 1);
        let named = || {
            std::fs::read_dir("/proc/self/task").unwrap().any(|task| {
                std::fs::read_to_string(task.unwrap().path().join("comm")).is_ok_and(|name| name.trim_end() == "timer")
            })
        };
        while !named() {
            std::thread::yield_now(); // the thread names itself
        }
        let one_after_another = (0..100)
            .map(|_| clock.start(Duration::ZERO, || ()).unwrap().join().unwrap())
            .count();
        assert!(
            child::threads() <= before + 3,
            "{} for {one_after_another}",
            child::threads() - before
        );
        timers.iter().for_each(|timer| assert!(timer.cancel()));
        child::until_threads(before);
    });
}

#[test]
fn threads_end_soon_after_the_last_timer() {
    child::passes(&[], || {
        let (before, clock) = (child::threads(), clock());
        let all = Arc::new(Barrier::new(16));
        for round in 0..3 {
            let start = |_| {
                let all = Arc::clone(&all);
                clock.start(Duration::ZERO, move || _ = all.wait().unwrap()).unwrap()
            };
            let timers: Vec<_> = (0..16).map(start).collect();
            timers.iter().for_each(|timer| timer.join().unwrap());
            let failed = clock.start(Duration::ZERO, || panic!("on purpose")).unwrap();
            failed.join().unwrap_err();
            if round < 2 {
                child::until_threads(before); // the clock starts anew
            }
        }
        let far = clock.start(Duration::MAX, || unreachable!()).unwrap();
        assert!(child::threads() > before);
        assert!(far.cancel());
        drop(clock);
        child::until_threads(before);
        let dropped_at_once = Clock::new(&Registry::new())
            .start(Duration::from_millis(1), || ())
            .unwrap();
        dropped_at_once.join().unwrap();
        child::until_threads(before);
    });
}

#[test]
fn a_clocks_threads_are_on_no_registry() {
    child::passes(&[], || {
        let registry = Registry::new();
        let (mine, all) = (registry.enumerate(), thread::enumerate());
        let (theirs, clock) = (registry.clone(), Clock::new(&registry));
        let timer = clock.start(Duration::ZERO, move || {
            let me = thread::current();
            assert!(!theirs.enumerate().contains(&me) && !thread::enumerate().contains(&me));
        });
        timer.unwrap().join().unwrap();
        assert_eq!((registry.enumerate(), thread::enumerate()), (mine, all));
    });
}

/// It would wait an hour.
#[test]
fn a_timer_holds_up_no_exit() {
    let Some(output) = child::run(&[], || {
        let _guard = thread::exit_guard();
        drop(Timer::start(LATER, || unreachable!()));
        let (began, begins) = super::event();
        drop(Timer::start(Duration::ZERO, move || {
            begins.set();
            selvedge::Event::new().wait_deadline(Instant::now() + LATER).unwrap();
        }));
        began.wait();
    }) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
}
