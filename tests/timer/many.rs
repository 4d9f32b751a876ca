//! Many timers on one clock, quick and slow: none waits for another's function.

use super::{LATER, clock, event};
use crate::support::Line;
use crate::watchdog;
use selvedge::thread::Timer;
use selvedge::{Barrier, Instant};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// The slow one ends when the later one has run.
#[test]
fn a_slow_function_delays_no_other() {
    watchdog::run(|watch| {
        for later_by in [0, 1, 5] {
            for repeats in [false, true] {
                let clock = clock();
                let (done, sets) = event();
                let slow = move || done.wait();
                let slow = if repeats {
                    clock.every(Duration::ZERO, slow)
                } else {
                    clock.start(Duration::ZERO, slow)
                };
                let slow = slow.unwrap();
                let later = clock
                    .start(Duration::from_millis(later_by), move || sets.set())
                    .unwrap();
                watch.waits("the later one", || later.join()).unwrap();
                slow.cancel();
                watch.waits("the slow one", || slow.join()).unwrap();
            }
        }
    });
}

/// Started when the slow one runs: nobody leads then.
#[test]
fn a_timer_that_is_started_beside_a_slow_one_runs() {
    watchdog::run(|watch| {
        let clock = clock();
        for _ in 0..20 {
            let ((began, begins), (done, sets)) = (event(), event());
            let slow = move || {
                begins.set();
                done.wait();
            };
            let slow = clock.start(Duration::ZERO, slow).unwrap();
            watch.waits("the slow one's begin", || began.wait());
            drop(clock.start(Duration::from_millis(1), move || sets.set()).unwrap());
            watch.waits("the slow one", || slow.join()).unwrap();
        }
    });
}

#[test]
fn sixty_four_slow_ones_run_at_once() {
    watchdog::run(|watch| {
        let (clock, all) = (clock(), Arc::new(Barrier::new(64)));
        for _ in 0..3 {
            let start = |_| {
                let all = Arc::clone(&all);
                clock
                    .start(Duration::from_millis(2), move || _ = all.wait().unwrap())
                    .unwrap()
            };
            let timers: Vec<_> = (0..64).map(start).collect();
            watch.waits("join", || timers.iter().for_each(|timer| timer.join().unwrap()));
        }
    });
}

#[test]
fn a_function_may_start_timers() {
    fn generation(clock: selvedge::thread::Clock, left: usize, done: Arc<selvedge::Event>) {
        if left == 0 {
            return done.set();
        }
        let theirs = clock.clone();
        clock
            .start(Duration::from_micros(100), move || generation(theirs, left - 1, done))
            .unwrap();
    }
    watchdog::run(|watch| {
        let (done, theirs) = event();
        generation(clock(), 100, theirs);
        watch.waits("the last one", || done.wait());
    });
}

#[test]
fn a_hundred_thousand_wait_and_are_cancelled() {
    let (clock, ran) = (clock(), Arc::new(AtomicUsize::new(0)));
    let now = Instant::now() + LATER;
    let start = |number: u64| {
        let ran = Arc::clone(&ran);
        let due = now + Duration::from_micros(number * 7919 % 100_003);
        clock.start_at(due, move || _ = ran.fetch_add(1, SeqCst)).unwrap()
    };
    let timers: Vec<_> = (0..100_000).map(start).collect();
    assert_eq!(clock.pending(), 100_000);
    let (even, odd): (Vec<_>, Vec<_>) = timers.iter().enumerate().partition(|(number, _)| number % 2 == 0);
    assert!(even.iter().all(|(_, timer)| timer.cancel()));
    assert_eq!(clock.pending(), 50_000);
    assert!(odd.iter().all(|(_, timer)| timer.cancel()));
    assert_eq!((clock.pending(), ran.load(SeqCst), Arc::strong_count(&ran)), (0, 0, 1));
}

#[test]
fn thousands_run_once_each() {
    let (clock, line, ran) = (clock(), Line::new(2), Arc::new(AtomicUsize::new(0)));
    watchdog::run(|watch| {
        let starter = |seed| {
            let (clock, line, ran) = (&clock, &line, &ran);
            watch.spawn(format!("starter {seed}"), move |role| {
                let mut rng = fastrand::Rng::with_seed(seed);
                line.cross();
                let start = |_| {
                    let ran = Arc::clone(ran);
                    let after = Duration::from_micros(rng.u64(..3000));
                    clock.start(after, move || _ = ran.fetch_add(1, SeqCst)).unwrap()
                };
                let timers: Vec<Timer> = (0..1500).map(start).collect();
                role.waits("join", || timers.iter().for_each(|timer| timer.join().unwrap()));
            })
        };
        [1, 2].map(starter).into_iter().for_each(|starter| starter.join());
        assert_eq!(
            (ran.load(SeqCst), Arc::strong_count(&ran), clock.pending()),
            (3000, 1, 0)
        );
    });
}
