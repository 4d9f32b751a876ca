//! `Event`: laws E1 to E5.

use crate::support::SHORT;
use crate::watchdog::{self, Player, Watch};
use selvedge::{Event, Instant, TimedOut};
use static_assertions::{assert_eq_size, assert_impl_all};
use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Duration;

assert_eq_size!(Event, u32);
assert_impl_all!(Event: Send, Sync, Default, Debug, UnwindSafe, RefUnwindSafe);

/// Waits in one of the forms that wait for ever.
fn wait_in_form(event: &Event, form: usize) {
    let waited = match form % 3 {
        0 => {
            event.wait();
            Ok(())
        }
        1 => event.wait_timeout(Duration::MAX),
        _ => event.wait_deadline(Instant::now() + Duration::MAX),
    };
    assert_eq!(waited, Ok(()), "nobody waits for ever in vain");
}

/// One waiter a form, twice.
fn waiters<'scope, 'env>(watch: &Watch<'scope, 'env>, event: &'env Event) -> Vec<Player<'scope, ()>> {
    let waiter = |form| {
        watch.spawn(format!("waiter {form}"), move |role| {
            role.waits("any wait", || wait_in_form(event, form))
        })
    };
    (0..6).map(waiter).collect()
}

/// No wait returns but by its timeout, and none before.
fn assert_unset(event: &Event) {
    assert!(!event.is_set());
    for timeout in [Duration::ZERO, Duration::from_millis(1), SHORT] {
        let start = std::time::Instant::now();
        assert_eq!(event.wait_timeout(timeout), Err(TimedOut));
        assert!(start.elapsed() >= timeout, "{timeout:?} was cut short");
        let start = std::time::Instant::now();
        assert_eq!(event.wait_deadline(Instant::now() + timeout), Err(TimedOut));
        assert!(start.elapsed() >= timeout, "a deadline in {timeout:?} was cut short");
    }
    assert!(!event.is_set(), "a wait in vain has changed the event");
}

/// No wait blocks, again and again.
fn assert_set(event: &Event) {
    watchdog::run(|_| {
        for form in 0..3 {
            assert!(event.is_set());
            wait_in_form(event, form);
        }
        assert_eq!(event.wait_timeout(Duration::ZERO), Ok(()));
        assert_eq!(event.wait_deadline(Instant::now()), Ok(()));
    });
}

#[test]
fn a_new_event_is_not_set() {
    assert_unset(&Event::new());
    assert_unset(&Event::default());
}

#[test]
fn a_static_event_is_one_for_all_threads() {
    static READY: Event = Event::new();
    watchdog::run(|watch| {
        let waiter = watch.spawn("waiter", |role| role.waits("wait", || READY.wait()));
        watch.spawn("setter", |_| READY.set()).join();
        waiter.join();
    });
}

#[test]
fn after_set_no_wait_blocks_until_clear() {
    let event = Event::new();
    for _ in 0..3 {
        event.set();
        assert_set(&event);
        event.set();
        assert_set(&event);
        event.clear();
        assert_unset(&event); // saa's gate stayed open here
        event.clear();
        assert_unset(&event);
    }
}

#[test]
fn every_waiter_returns_once_it_is_set() {
    watchdog::run(|watch| {
        for round in 0..50 {
            let event: &'static Event = Box::leak(Box::default());
            let waiters = waiters(watch, event);
            if round % 2 == 0 {
                waiters.iter().for_each(|waiter| waiter.until_asleep());
            }
            event.set();
            waiters.into_iter().for_each(|waiter| waiter.join());
        }
    });
}

/// Law E2. Python's `multiprocessing.Event` lets all of them down.
#[cfg(target_os = "linux")]
#[test]
fn whoever_sleeps_at_set_returns_though_clear_follows_at_once() {
    let event = Event::new();
    watchdog::run(|watch| {
        for round in 0..100 {
            let waiters = waiters(watch, &event);
            waiters.iter().for_each(|waiter| waiter.until_asleep());
            event.set();
            event.clear();
            if round % 2 == 0 {
                // Nor do they mind who comes next.
                event.set();
                event.clear();
            }
            waiters.into_iter().for_each(|waiter| waiter.join());
            assert!(!event.is_set());
        }
        assert_unset(&event);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn clear_wakes_nobody() {
    let event = Event::new();
    watchdog::run(|watch| {
        let waiters = waiters(watch, &event);
        let sleep_on = |_| {
            waiters.iter().for_each(|waiter| waiter.until_asleep());
            let before: Vec<_> = waiters.iter().map(|waiter| waiter.sleeps()).collect();
            event.clear();
            assert_unset(&event);
            waiters.iter().map(|waiter| waiter.sleeps()).collect::<Vec<_>>() == before
        };
        assert!((0..10).any(sleep_on), "the waiters wake up again and again");
        event.set();
        waiters.into_iter().for_each(|waiter| waiter.join());
    });
}

#[test]
fn a_wait_that_timed_out_does_not_disturb_the_others() {
    let event = Event::new();
    watchdog::run(|watch| {
        for _ in 0..20 {
            let waiters = waiters(watch, &event);
            assert_eq!(event.wait_timeout(Duration::from_millis(1)), Err(TimedOut));
            event.set();
            waiters.into_iter().for_each(|waiter| waiter.join());
            event.clear();
        }
    });
}

#[test]
fn debug_shows_the_state() {
    let event = Event::new();
    assert_eq!(format!("{event:?}"), "Event { set: false }");
    event.set();
    assert_eq!(format!("{event:?}"), "Event { set: true }");
}
