//! Functions that panic.

use super::join::join_by;
use super::{clock, event, panic_message, start};
use crate::forms::{BLOCKING, EXPIRING, Form, blocking};
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::thread::{Clock, JoinError, Registry};
use std::panic::panic_any;
use std::time::Duration;

/// The clock still runs timers.
fn assert_alive(clock: &Clock) {
    assert_eq!(clock.start(Duration::ZERO, || ()).unwrap().join(), Ok(()));
    assert_eq!(clock.pending(), 0);
}

#[test]
fn a_panic_is_reported_to_every_joiner_and_does_not_end_the_clock() {
    watchdog::run(|watch| {
        let clock = clock();
        for repeats in [false, true] {
            let (drops, (go_on, waits)) = (Drops::default(), event());
            let token = drops.token();
            let timer = start(&clock, repeats, Duration::ZERO, move || {
                waits.wait();
                panic!("the timer {token:?} broke");
            });
            let joiner = |(number, form): (usize, Form)| {
                let (timer, drops) = (timer.clone(), drops.clone());
                watch.spawn(format!("joiner {number}"), move |role| {
                    (role.waits("join", || join_by(&timer, form)), drops.count())
                })
            };
            let joiners: Vec<_> = blocking(7).enumerate().map(joiner).collect();
            joiners.iter().for_each(|joiner| joiner.until_blocked());
            go_on.set();
            let blocked: Vec<_> = joiners.into_iter().map(|joiner| joiner.join()).collect();
            let later = EXPIRING
                .into_iter()
                .chain(BLOCKING)
                .map(|form| (join_by(&timer, form), drops.count()));
            for (result, dropped) in blocked.into_iter().chain(later) {
                let Err(JoinError::Panicked(error)) = result else {
                    panic!("{result:?}")
                };
                assert_eq!((error.thread(), dropped), ("timer", 1));
                assert!(error.message().unwrap().starts_with("the timer Token"), "{error}");
            }
            assert!(timer.is_finished() && !timer.cancel());
            assert_alive(&clock);
        }
    });
}

#[test]
fn the_hook_runs_before_the_joiners_return() {
    let (registry, (called, calls), (go_on, waits)) = (Registry::new(), event(), event());
    registry.set_panic_hook(move |_, payload| {
        assert_eq!(payload.downcast_ref(), Some(&5));
        calls.set();
        waits.wait();
        panic!("the hook fails too");
    });
    let clock = Clock::new(&registry);
    let timer = clock.start(Duration::ZERO, || panic_any(5)).unwrap();
    called.wait();
    assert!(timer.try_join().is_none() && !timer.is_finished());
    go_on.set();
    assert_eq!(panic_message(&timer), None);
    assert_alive(&clock);
}

#[test]
fn a_drop_that_panics_strands_no_joiner_and_does_not_end_the_clock() {
    let (clock, drops) = (clock(), Drops::default());
    let captured = Bomb::new(&drops);
    let timer = clock.start(Duration::ZERO, move || _ = &captured).unwrap();
    assert_eq!(
        (panic_message(&timer).as_deref(), drops.count()),
        (Some("a drop that fails"), 1)
    );

    let payload = Bomb::new(&drops);
    let timer = clock.start(Duration::ZERO, move || panic_any(payload)).unwrap();
    assert_eq!((panic_message(&timer), drops.count()), (None, 2));

    let captured = Bomb::new(&drops);
    let timer = start(&clock, true, Duration::ZERO, move || {
        let _captured = &captured;
        panic!("first");
    });
    assert_eq!((panic_message(&timer).as_deref(), drops.count()), (Some("first"), 3));

    // Cancelled during its run, the function of a repeating timer is dropped on the clock's thread.
    let ((started, starts), (go_on, waits), captured) = (event(), event(), Bomb::new(&drops));
    let timer = start(&clock, true, Duration::ZERO, move || {
        let _captured = &captured;
        starts.set();
        waits.wait();
    });
    started.wait();
    assert!(!timer.cancel());
    go_on.set();
    assert_eq!((timer.join(), drops.count()), (Ok(()), 4));
    assert_alive(&clock);
}
