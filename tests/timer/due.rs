//! When a timer runs.

use super::{LATER, clock, event};
use crate::watchdog;
use selvedge::thread::Timer;
use selvedge::{Instant, Semaphore};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

#[test]
fn a_timer_runs_once_and_not_before_its_time() {
    watchdog::run(|watch| {
        let clock = clock();
        for wait in [0, 1, 3, 10].map(Duration::from_millis) {
            for absolute in [false, true] {
                let runs = Arc::new(AtomicUsize::new(0));
                let (theirs, due) = (Arc::clone(&runs), Instant::now() + wait);
                let run = move || {
                    assert!(due.has_passed());
                    theirs.fetch_add(1, SeqCst);
                };
                let timer = if absolute {
                    clock.start_at(due, run)
                } else {
                    clock.start(wait, run)
                }
                .unwrap();
                assert_eq!(watch.waits("join", || timer.join()), Ok(()));
                assert!(timer.is_finished());
                assert_eq!(
                    (runs.load(SeqCst), Arc::strong_count(&runs)),
                    (1, 1),
                    "and its function is dropped"
                );
            }
        }
        assert_eq!(clock.pending(), 0);
    });
}

#[test]
fn what_is_due_already_runs_at_once() {
    watchdog::run(|watch| {
        let clock = clock();
        let past = Instant::now();
        while past.remaining() != Some(Duration::ZERO) {}
        let _later = clock.start(LATER, || unreachable!()).unwrap();
        for timer in [clock.start_at(past, || ()), clock.start(Duration::ZERO, || ())] {
            watch.waits("join", || timer.unwrap().join()).unwrap();
        }
        assert_eq!(clock.pending(), 1);
    });
}

#[test]
fn for_ever_never_comes() {
    watchdog::run(|watch| {
        let clock = clock();
        let never = [
            clock.start(Duration::MAX, || unreachable!()).unwrap(),
            clock
                .start(Duration::from_secs(i64::MAX as u64 / 2), || unreachable!())
                .unwrap(),
            clock
                .start_at(Instant::now() + Duration::MAX, || unreachable!())
                .unwrap(),
            clock.every(Duration::MAX, || unreachable!()).unwrap(),
        ];
        assert_eq!(clock.pending(), 4);
        let soon = clock.start(Duration::from_millis(1), || ()).unwrap();
        watch.waits("join", || soon.join()).unwrap();
        assert_eq!(clock.pending(), 4, "the others still run");
        assert!(never.iter().all(|timer| !timer.is_finished() && timer.cancel()));
        assert_eq!(clock.pending(), 0);
    });
}

/// A sooner timer wakes whoever sleeps until a later one.
#[test]
fn a_sooner_timer_does_not_wait_for_a_later_one() {
    watchdog::run(|watch| {
        let clock = clock();
        for hours in (1..=10).rev() {
            let later = clock.start(LATER * hours, || unreachable!()).unwrap();
            let soon = clock.start(Duration::from_millis(2), || ()).unwrap();
            watch.waits("join", || soon.join()).unwrap();
            assert!(!later.is_finished());
        }
        assert_eq!(clock.pending(), 10);
    });
}

/// Whoever is taken off first was due first, or started first: then it can't be cancelled any more.
#[test]
fn timers_are_taken_in_order() {
    watchdog::run(|watch| {
        let (clock, mut rounds) = (clock(), 0);
        while rounds < 30 {
            let (done, all) = (Arc::new(Semaphore::new(0)), Arc::new(OnceLock::<Vec<Timer>>::new()));
            let soon = Instant::now() + Duration::from_millis(5);
            // The order in which they are started, and in which they are due.
            let dues = [
                soon + Duration::from_millis(1),
                soon,
                soon,
                soon + Duration::from_nanos(1),
                soon,
            ];
            let order = [1, 2, 4, 3, 0];
            let start = |number| {
                let (done, all) = (Arc::clone(&done), Arc::clone(&all));
                let before = order.into_iter().take_while(move |&other| other != number);
                let run = move || {
                    let late = before.filter(|&other| all.wait()[other].cancel()).count();
                    assert_eq!(late, 0, "{number} came before {late} others");
                    done.release(1).unwrap();
                };
                clock.start_at(dues[number], run).unwrap()
            };
            let timers: Vec<_> = (0..5).map(start).collect();
            let in_time = !soon.has_passed(); // or the first may have run before the last was started
            all.set(timers.clone()).unwrap();
            watch.waits("the timers", || {
                timers
                    .iter()
                    .map(Timer::join)
                    .for_each(|end| assert!(end.is_ok() || !in_time))
            });
            rounds += usize::from(in_time);
        }
    });
}

#[test]
fn a_dropped_handle_and_a_dropped_clock_cancel_nothing_while_a_handle_is_kept() {
    watchdog::run(|watch| {
        let clock = clock();
        let ((here, one), (there, other)) = (event(), event());
        drop(clock.start(Duration::from_millis(3), move || one.set()).unwrap());
        let kept = clock
            .clone()
            .start(Duration::from_millis(3), move || other.set())
            .unwrap();
        drop(clock);
        watch.waits("the dropped timer", || here.wait());
        watch.waits("the other timer", || there.wait());
        watch.waits("join", || kept.join()).unwrap();
    });
}

#[test]
fn the_programs_clock_serves_the_timers_without_one() {
    watchdog::run(|watch| {
        let (done, theirs) = event();
        let timers = [
            Timer::start(Duration::from_millis(1), || ()),
            Timer::start_at(Instant::now() + Duration::from_millis(2), || ()),
            Timer::every(Duration::from_millis(1), move || theirs.set()),
        ];
        watch.waits("a repeating timer", || done.wait());
        timers[2].cancel();
        timers
            .iter()
            .for_each(|timer| watch.waits("join", || timer.join()).unwrap());
        let later = Timer::start(LATER, || unreachable!());
        assert!(later.cancel());
    });
}

#[test]
fn debug_shows_what_is_left() {
    let clock = clock();
    let timer = clock.start(LATER, || ()).unwrap();
    assert_eq!(
        format!("{clock:?} {timer:?}"),
        "Clock { pending: Some(1), .. } Timer { finished: false }"
    );
    timer.cancel();
    assert_eq!(
        format!("{clock:?} {timer:?}"),
        "Clock { pending: Some(0), .. } Timer { finished: true }"
    );
}
