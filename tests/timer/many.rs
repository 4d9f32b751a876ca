//! Many timers on one clock, fast and slow: none waits for the function of another.

use super::{LATER, clock, event, start};
use crate::support::{SpinBarrier, shared};
use crate::watchdog;
use selvedge::thread::{Clock, Timer};
use selvedge::{Barrier, Event, Instant};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// The slow function ends when the later one has run. With `running`, that one is started when the slow one runs: then
/// no thread waits for the next expiry.
#[test]
fn a_slow_function_delays_no_other() {
    watchdog::run(|watch| {
        for round in 0..20 {
            let (repeats, running, time) = (round % 2 == 0, round % 4 < 2, Duration::from_millis(round % 3));
            let (clock, (started, starts), (done, sets)) = (clock(), event(), event());
            let slow = start(&clock, repeats, Duration::ZERO, move || {
                starts.set();
                done.wait();
            });
            if running {
                watch.waits("the slow function", || started.wait());
            }
            let later = clock.start(time, move || sets.set()).unwrap();
            watch.waits("the later function", || later.join()).unwrap();
            slow.cancel();
            watch.waits("the slow function's end", || slow.join()).unwrap();
        }
    });
}

#[test]
fn sixty_four_slow_functions_run_concurrently() {
    let (clock, all) = (clock(), Arc::new(Barrier::new(64)));
    for _ in 0..3 {
        let start = |_| {
            let all = Arc::clone(&all);
            clock
                .start(Duration::from_millis(2), move || _ = all.wait().unwrap())
                .unwrap()
        };
        let timers: Vec<_> = (0..64).map(start).collect();
        timers.iter().for_each(|timer| timer.join().unwrap());
    }
}

#[test]
fn a_function_may_start_timers() {
    fn generation(clock: Clock, left: usize, done: Arc<Event>) {
        if left == 0 {
            return done.set();
        }
        let own = clock.clone();
        let run = move || generation(own, left - 1, done);
        clock.start(Duration::from_micros(100), run).unwrap();
    }
    let (done, sets) = event();
    generation(clock(), 100, sets);
    done.wait();
}

#[test]
fn a_hundred_thousand_timers_wait_and_are_cancelled() {
    let (clock, (ran, count)) = (clock(), shared(AtomicUsize::new(0)));
    let first = Instant::now() + LATER;
    let start = |number: u64| {
        let count = Arc::clone(&count);
        let due = first + Duration::from_micros(number * 7919 % 100_003);
        clock.start_at(due, move || _ = count.fetch_add(1, SeqCst)).unwrap()
    };
    let timers: Vec<_> = (0..100_000).map(start).collect();
    assert_eq!(clock.pending(), 100_000);
    for (parity, left) in [(0, 50_000), (1, 0)] {
        assert!(timers.iter().skip(parity).step_by(2).all(Timer::cancel));
        assert_eq!(clock.pending(), left);
    }
    drop(count);
    assert_eq!((ran.load(SeqCst), Arc::strong_count(&ran)), (0, 1));
}

#[test]
fn thousands_of_timers_run_once_each() {
    let (clock, barrier, ran) = (clock(), SpinBarrier::new(2), Arc::new(AtomicUsize::new(0)));
    watchdog::run(|watch| {
        let starter = |seed| {
            let (clock, barrier, ran) = (&clock, &barrier, &ran);
            watch.spawn(format!("starter {seed}"), move |role| {
                let mut rng = fastrand::Rng::with_seed(seed);
                barrier.wait();
                let start = |_| {
                    let (ran, time) = (Arc::clone(ran), Duration::from_micros(rng.u64(..3000)));
                    clock.start(time, move || _ = ran.fetch_add(1, SeqCst)).unwrap()
                };
                let timers: Vec<Timer> = (0..1500).map(start).collect();
                role.waits("join", || timers.iter().for_each(|timer| timer.join().unwrap()));
            })
        };
        [1, 2].map(starter).into_iter().for_each(|starter| starter.join());
    });
    assert_eq!(
        (ran.load(SeqCst), Arc::strong_count(&ran), clock.pending()),
        (3000, 1, 0)
    );
}
