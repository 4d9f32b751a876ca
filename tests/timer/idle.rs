//! The threads of a clock: few, on no registry, and ended soon after the last timer. Each test is alone in its process.

#![cfg(target_os = "linux")]

use super::{LATER, clock};
use crate::child;
use selvedge::thread::{self, Clock, Registry, Timer};
use selvedge::{Barrier, Event, Instant};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn fast_timers_share_one_thread() {
    child::passes(&[], || {
        let (before, clock) = (child::threads(), clock());
        assert_eq!(child::threads(), before, "a clock without timers has no thread");
        let start = |time| clock.start(time, || ()).unwrap();
        let timers: Vec<_> = (0..1000).map(|_| start(LATER)).collect();
        assert_eq!(child::threads(), before + 1);
        let is_timer = |task: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(task.unwrap().path().join("comm")).is_ok_and(|name| name.trim_end() == "timer")
        };
        while !std::fs::read_dir("/proc/self/task").unwrap().any(is_timer) {
            std::thread::yield_now(); // the thread sets its name itself
        }
        (0..100).for_each(|_| start(Duration::ZERO).join().unwrap());
        // On a busy machine a worker may not be idle again when the next timer expires.
        assert!(child::threads() < before + 50, "{} threads", child::threads() - before);
        assert!(timers.iter().all(Timer::cancel));
        child::until_threads(before);
    });
}

#[test]
fn threads_end_soon_after_the_last_timer() {
    child::passes(&[], || {
        let (before, clock, all) = (child::threads(), clock(), Arc::new(Barrier::new(16)));
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
                child::until_threads(before); // the next round starts new threads
            }
        }
        let far = clock.start(Duration::MAX, || unreachable!()).unwrap();
        assert!(child::threads() > before && far.cancel());
        drop(clock);
        child::until_threads(before);
        let of_dropped_clock = Clock::new(&Registry::new()).start(Duration::from_millis(1), || ());
        of_dropped_clock.unwrap().join().unwrap();
        child::until_threads(before);
    });
}

#[test]
fn the_threads_of_a_clock_are_on_no_registry() {
    child::passes(&[], || {
        let registry = Registry::new();
        let (before, all) = (registry.enumerate(), thread::enumerate());
        let (own, clock) = (registry.clone(), Clock::new(&registry));
        let timer = clock.start(Duration::ZERO, move || {
            let me = thread::current();
            assert!(!own.enumerate().contains(&me) && !thread::enumerate().contains(&me));
        });
        timer.unwrap().join().unwrap();
        assert_eq!((registry.enumerate(), thread::enumerate()), (before, all));
    });
}

#[test]
fn an_exit_waits_for_no_timer() {
    child::passes(&[], || {
        let _guard = thread::exit_guard();
        drop(Timer::start(LATER, || unreachable!()));
        let (started, starts) = super::event();
        drop(Timer::start(Duration::ZERO, move || {
            starts.set();
            Event::new().wait_deadline(Instant::now() + LATER).unwrap();
        }));
        started.wait();
    });
}
