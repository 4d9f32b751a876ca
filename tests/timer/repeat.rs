//! Repeating timers.

use super::clock;
use crate::support::shared;
use crate::thread::Drops;
use crate::watchdog;
use selvedge::thread::Timer;
use selvedge::{Instant, Semaphore};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

#[test]
fn a_repeating_timer_runs_until_it_is_cancelled() {
    watchdog::run(|watch| {
        for period in [0, 50, 1000].map(Duration::from_micros) {
            let ((ticks, tick), (runs, count)) = (shared(Semaphore::new(0)), shared(AtomicUsize::new(0)));
            let (start, clock, drops) = (Instant::now(), clock(), Drops::default());
            let token = drops.token();
            let run = move || {
                let _token = &token;
                let earliest = start + period * (count.fetch_add(1, SeqCst) as u32 + 1);
                assert!(earliest.has_passed(), "the runs start a period apart");
                tick.release(1).unwrap();
            };
            let timer = clock.every(period, run).unwrap();
            (0..5).for_each(|_| watch.waits("a run", || ticks.acquire().forget()));
            let cancelled = timer.cancel();
            assert!(!cancelled || timer.is_finished());
            watch.waits("join", || timer.join()).unwrap();
            let last = runs.load(SeqCst);
            assert!(last >= 5);
            assert_eq!((drops.count(), clock.pending()), (1, 0), "the function is dropped");
            let later = clock.start(period * 2 + Duration::from_millis(1), || ()).unwrap();
            watch.waits("join", || later.join()).unwrap();
            assert_eq!(
                (runs.load(SeqCst), timer.cancel()),
                (last, cancelled),
                "it runs no more"
            );
        }
    });
}

#[test]
fn a_repeating_function_may_cancel_its_own_timer() {
    for last in 1..5 {
        let (clock, (own, inside), drops, mut run) = (clock(), shared(OnceLock::<Timer>::new()), Drops::default(), 0);
        let token = drops.token();
        let timer = clock.every(Duration::from_micros(100), move || {
            let _token = &token;
            run += 1;
            assert!(run <= last, "it runs no more");
            assert!(run < last || !inside.wait().cancel(), "it runs");
        });
        own.set(timer.unwrap()).unwrap();
        assert_eq!(own.wait().join(), Ok(()));
        assert_eq!((clock.pending(), drops.count(), own.wait().cancel()), (0, 1, false));
    }
}

#[test]
fn runs_never_overlap() {
    watchdog::run(|watch| {
        let (busy, (ticks, tick), clock) = (AtomicBool::new(false), shared(Semaphore::new(0)), clock());
        let timer = clock.every(Duration::from_micros(1), move || {
            assert!(!busy.swap(true, SeqCst), "two runs overlap");
            (0..20).for_each(|_| std::thread::yield_now()); // longer than the period
            busy.store(false, SeqCst);
            tick.release(1).unwrap();
        });
        let timer = timer.unwrap();
        for _ in 0..100 {
            drop(clock.start(Duration::ZERO, || ()).unwrap()); // makes another thread wait for the next expiry
            watch.waits("a run", || ticks.acquire().forget());
        }
        timer.cancel();
        watch.waits("join", || timer.join()).unwrap();
    });
}

/// The first run takes many periods.
#[test]
fn the_periods_that_pass_during_a_run_are_skipped() {
    watchdog::run(|watch| {
        let (period, clock) = (Duration::from_millis(20), clock());
        let ((ticks, tick), (times, record)) = (shared(Semaphore::new(0)), shared(Mutex::new(Vec::new())));
        let timer = clock.every(period, move || {
            let (start, is_first) = (Instant::now(), record.lock().unwrap().is_empty());
            while is_first && !(start + period * 5).has_passed() {
                std::thread::yield_now();
            }
            record.lock().unwrap().push((start, Instant::now()));
            tick.release(1).unwrap();
        });
        let timer = timer.unwrap();
        (0..2).for_each(|_| watch.waits("a run", || ticks.acquire().forget()));
        timer.cancel();
        watch.waits("join", || timer.join()).unwrap();
        let times = times.lock().unwrap();
        assert!(
            times[1].0 >= times[0].1 + period,
            "the next run starts a period after the end of the first"
        );
    });
}
