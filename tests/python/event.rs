//! `EventTests`.

use super::{A_WHILE, bunch, join, timed, until_asleep};
use crate::watchdog;
use selvedge::{Event, TimedOut};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

#[test]
fn is_set() {
    let event = Event::new();
    assert!(!event.is_set());
    for _ in 0..2 {
        for _ in 0..2 {
            event.set();
            assert!(event.is_set());
        }
        for _ in 0..2 {
            event.clear();
            assert!(!event.is_set());
        }
    }
}

#[test]
fn notify() {
    let event = Event::new();
    for _ in 0..2 {
        let returned = AtomicU32::new(0);
        watchdog::run(|watch| {
            let waiters = bunch(watch, 5, "waiter", |role| {
                for _ in 0..2 {
                    role.waits("wait", || event.wait());
                    assert!(event.is_set());
                    returned.fetch_add(1, Relaxed);
                }
            });
            until_asleep(&waiters);
            assert_eq!(returned.load(Relaxed), 0);
            event.set();
            join(waiters);
        });
        assert_eq!(returned.load(Relaxed), 10);
        event.clear();
    }
}

#[test]
fn timeout() {
    let event = Event::new();
    let wait_in_five_threads = || {
        watchdog::run(|watch| {
            join(bunch(watch, 5, "waiter", |role| {
                let now = event.wait_timeout(Duration::ZERO);
                let (later, time) = role.waits("wait_timeout", || timed(|| event.wait_timeout(A_WHILE)));
                assert!(later.is_ok() || time >= A_WHILE, "{A_WHILE:?} were cut short: {time:?}");
                (now, later)
            }))
        })
    };
    assert_eq!(wait_in_five_threads(), [(Err(TimedOut), Err(TimedOut)); 5]);
    event.set();
    assert_eq!(wait_in_five_threads(), [(Ok(()), Ok(())); 5]);
}

/// Again and again: a waiter that gets to run before the event is cleared shows nothing.
#[cfg(target_os = "linux")] // where one can see them sleep
#[test]
fn set_and_clear() {
    let event = Event::new();
    watchdog::run(|watch| {
        for _ in 0..5 {
            let waiters = bunch(watch, 5, "waiter", |role| {
                role.waits("wait_timeout", || event.wait_timeout(Duration::from_secs(3600)))
            });
            until_asleep(&waiters);
            event.set();
            event.clear();
            assert_eq!(join(waiters), [Ok(()); 5]);
        }
    });
    assert!(!event.is_set());
}
