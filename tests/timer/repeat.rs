//! Timers that run again and again.

use super::{clock, event};
use crate::thread::Drops;
use crate::watchdog;
use selvedge::thread::Timer;
use selvedge::{Instant, Semaphore};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

#[test]
fn a_repeating_timer_runs_until_it_is_cancelled() {
    watchdog::run(|watch| {
        for period in [0, 50, 1000].map(Duration::from_micros) {
            let (ticks, runs, drops) = (
                Arc::new(Semaphore::new(0)),
                Arc::new(AtomicUsize::new(0)),
                Drops::default(),
            );
            let (theirs, count, token) = (Arc::clone(&ticks), Arc::clone(&runs), drops.token());
            let (begin, clock) = (Instant::now(), clock());
            let run = move || {
                let _token = &token;
                let earliest = begin + period * (count.fetch_add(1, SeqCst) as u32 + 1);
                assert!(earliest.has_passed(), "the times are a period apart");
                theirs.release(1).unwrap();
            };
            let timer = clock.every(period, run).unwrap();
            (0..5).for_each(|_| watch.waits("a run", || ticks.acquire().forget()));
            let never = timer.cancel();
            if never {
                assert!(timer.is_finished());
            }
            watch.waits("join", || timer.join()).unwrap();
            let at_the_end = runs.load(SeqCst);
            assert!(at_the_end >= 5);
            assert_eq!((drops.count(), clock.pending()), (1, 0), "the function is dropped");
            let later = clock.start(period * 2 + Duration::from_millis(1), || ()).unwrap();
            watch.waits("join", || later.join()).unwrap();
            assert_eq!(runs.load(SeqCst), at_the_end, "it runs no more");
            assert_eq!(timer.cancel(), never);
        }
    });
}

#[test]
fn a_repeating_function_may_cancel_its_own_timer() {
    watchdog::run(|watch| {
        for last in 1..5 {
            let (clock, own, mut run) = (clock(), Arc::new(OnceLock::<Timer>::new()), 0);
            let (theirs, drops) = (Arc::clone(&own), Drops::default());
            let token = drops.token();
            let timer = clock.every(Duration::from_micros(100), move || {
                let _token = &token;
                run += 1;
                assert!(run <= last, "it runs no more");
                if run == last {
                    assert!(!theirs.wait().cancel() && !theirs.wait().cancel(), "it runs");
                }
            });
            own.set(timer.unwrap()).unwrap();
            assert_eq!(watch.waits("join", || own.wait().join()), Ok(()));
            assert_eq!((clock.pending(), drops.count(), own.wait().cancel()), (0, 1, false));
        }
    });
}

#[test]
fn a_cancel_beside_a_run_makes_that_the_last() {
    watchdog::run(|watch| {
        let ((began, begins), (go_on, waits)) = (event(), event());
        let runs = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&runs);
        let timer = clock().every(Duration::ZERO, move || {
            count.fetch_add(1, SeqCst);
            begins.set();
            waits.wait();
        });
        let timer = timer.unwrap();
        watch.waits("its begin", || began.wait());
        assert!(!timer.cancel() && !timer.is_finished());
        assert_eq!(timer.try_join(), None);
        go_on.set();
        watch.waits("join", || timer.join()).unwrap();
        assert_eq!((runs.load(SeqCst), Arc::strong_count(&runs)), (1, 1));
    });
}

#[test]
fn runs_never_overlap() {
    watchdog::run(|watch| {
        let (busy, ticks) = (Arc::new(AtomicBool::new(false)), Arc::new(Semaphore::new(0)));
        let (theirs, tick) = (Arc::clone(&busy), Arc::clone(&ticks));
        let clock = clock();
        let timer = clock.every(Duration::from_micros(1), move || {
            assert!(!theirs.swap(true, SeqCst), "two runs at once");
            (0..20).for_each(|_| std::thread::yield_now()); // longer than the period
            theirs.store(false, SeqCst);
            tick.release(1).unwrap();
        });
        let timer = timer.unwrap();
        for _ in 0..100 {
            drop(clock.start(Duration::ZERO, || ()).unwrap()); // calls others to lead
            watch.waits("a run", || ticks.acquire().forget());
        }
        timer.cancel();
        watch.waits("join", || timer.join()).unwrap();
    });
}

/// The first run takes many periods; those that passed meanwhile are left out.
#[test]
fn times_that_pass_during_a_run_are_left_out() {
    watchdog::run(|watch| {
        let period = Duration::from_millis(20);
        let (ticks, times) = (Arc::new(Semaphore::new(0)), Arc::new(std::sync::Mutex::new(Vec::new())));
        let (tick, notes) = (Arc::clone(&ticks), Arc::clone(&times));
        let clock = clock();
        let timer = clock.every(period, move || {
            let begin = Instant::now();
            let first = notes.lock().unwrap().is_empty();
            let until = begin + period * 5;
            while first && !until.has_passed() {
                std::thread::yield_now();
            }
            notes.lock().unwrap().push((begin, Instant::now()));
            tick.release(1).unwrap();
        });
        let timer = timer.unwrap();
        (0..2).for_each(|_| watch.waits("a run", || ticks.acquire().forget()));
        timer.cancel();
        watch.waits("join", || timer.join()).unwrap();
        let times = times.lock().unwrap();
        assert!(
            times[1].0 >= times[0].1 + period,
            "the next run is a period after the long one"
        );
    });
}

#[test]
fn a_panic_ends_a_repeating_timer() {
    watchdog::run(|watch| {
        let (clock, drops, mut left) = (clock(), Drops::default(), 3);
        let token = drops.token();
        let timer = clock.every(Duration::from_micros(100), move || {
            let _token = &token;
            left -= 1;
            assert!(left > 0, "the third");
        });
        let timer = timer.unwrap();
        assert_eq!(
            watch.waits("join", || timer.join()).unwrap_err().message(),
            Some("the third")
        );
        assert_eq!((clock.pending(), drops.count(), timer.cancel()), (0, 1, false));
    });
}
