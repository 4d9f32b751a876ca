//! When a timer runs.

use super::{LATER, clock, event};
use crate::support::shared;
use crate::watchdog;
use selvedge::Instant;
use selvedge::thread::Timer;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

#[test]
fn a_timer_runs_once_and_not_before_it_expires() {
    let clock = clock();
    for wait in [0, 1, 3, 10].map(Duration::from_millis) {
        for absolute in [false, true] {
            let ((runs, count), due) = (shared(AtomicUsize::new(0)), Instant::now() + wait);
            let run = move || {
                assert!(due.has_passed());
                count.fetch_add(1, SeqCst);
            };
            let timer = if absolute {
                clock.start_at(due, run)
            } else {
                clock.start(wait, run)
            }
            .unwrap();
            assert_eq!((timer.join(), timer.is_finished()), (Ok(()), true));
            assert_eq!(
                (runs.load(SeqCst), Arc::strong_count(&runs)),
                (1, 1),
                "its function is dropped"
            );
        }
    }
    assert_eq!(clock.pending(), 0);
}

#[test]
fn a_timer_beyond_the_clock_never_expires() {
    let clock = clock();
    let never = [
        clock.start(Duration::MAX, || unreachable!()),
        clock.start(Duration::from_secs(i64::MAX as u64 / 2), || unreachable!()),
        clock.start_at(Instant::now() + Duration::MAX, || unreachable!()),
        clock.every(Duration::MAX, || unreachable!()),
    ];
    clock.start(Duration::from_millis(1), || ()).unwrap().join().unwrap();
    assert_eq!(clock.pending(), 4);
    let cancel = |timer: Timer| !timer.is_finished() && timer.cancel();
    assert!(never.into_iter().all(|timer| cancel(timer.unwrap())));
    assert_eq!(clock.pending(), 0);
}

/// The start of an earlier timer wakes the thread that waits for a later one.
#[test]
fn an_earlier_timer_does_not_wait_for_a_later_one() {
    let clock = clock();
    for hours in (1..=10).rev() {
        let later = clock.start(LATER * hours, || unreachable!()).unwrap();
        clock.start(Duration::from_millis(2), || ()).unwrap().join().unwrap();
        assert!(!later.is_finished());
    }
    assert_eq!(clock.pending(), 10);
}

/// By expiry, and then by start. A timer that has been removed for its run cannot be cancelled any more.
#[test]
fn timers_are_removed_in_order() {
    watchdog::run(|watch| {
        let (clock, mut rounds) = (clock(), 0);
        while rounds < 30 {
            let all = Arc::new(OnceLock::<Vec<Timer>>::new());
            let soon = Instant::now() + Duration::from_millis(5);
            let dues = [1_000_000, 0, 0, 1, 0].map(|nanos| soon + Duration::from_nanos(nanos));
            let order = [1, 2, 4, 3, 0];
            let start = |number| {
                let all = Arc::clone(&all);
                let before = order.into_iter().take_while(move |&other| other != number);
                let run = move || {
                    let late = before.filter(|&other| all.wait()[other].cancel()).count();
                    assert_eq!(late, 0, "{number} was removed before {late} others");
                };
                clock.start_at(dues[number], run).unwrap()
            };
            let timers: Vec<_> = (0..5).map(start).collect();
            let in_time = !soon.has_passed(); // else the first may have run before the last was started
            all.set(timers.clone()).unwrap();
            let joins = || timers.iter().all(|timer| timer.join().is_ok());
            assert!(watch.waits("the timers", joins) || !in_time);
            rounds += usize::from(in_time);
        }
    });
}

#[test]
fn a_dropped_handle_and_a_dropped_clock_cancel_nothing_while_a_handle_is_kept() {
    let (clock, (ran, sets)) = (clock(), event());
    drop(clock.start(Duration::from_millis(3), move || sets.set()).unwrap());
    let (kept_ran, sets) = event();
    let kept = clock
        .clone()
        .start(Duration::from_millis(3), move || sets.set())
        .unwrap();
    drop(clock);
    ran.wait();
    kept.join().unwrap();
    assert!(kept_ran.is_set());
}

#[test]
fn the_programs_clock_serves_timers_without_one() {
    let (ran, sets) = event();
    let timers = [
        Timer::start(Duration::from_millis(1), || ()),
        Timer::start_at(Instant::now() + Duration::from_millis(2), || ()),
        Timer::every(Duration::from_millis(1), move || sets.set()),
    ];
    ran.wait();
    timers[2].cancel();
    timers.iter().for_each(|timer| timer.join().unwrap());
    assert!(Timer::start(LATER, || unreachable!()).cancel());
}
