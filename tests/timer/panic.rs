//! Functions that panic.

use super::join::join_by;
use super::{clock, event};
use crate::forms::{Form, HASTY, PATIENT, patient};
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::thread::{Clock, JoinError, Registry};
use std::panic::panic_any;
use std::time::Duration;

#[test]
fn joiners_are_told_of_a_panic_and_the_clock_lives_on() {
    watchdog::run(|watch| {
        let clock = clock();
        for repeats in [false, true] {
            let (go_on, waits) = event();
            let drops = Drops::default();
            let token = drops.token();
            let run = move || {
                waits.wait();
                panic!("the timer {token:?} broke");
            };
            let timer = if repeats {
                clock.every(Duration::ZERO, run)
            } else {
                clock.start(Duration::ZERO, run)
            };
            let timer = timer.unwrap();
            let joiner = |(number, form): (usize, Form)| {
                let (timer, drops) = (timer.clone(), drops.clone());
                watch.spawn(format!("joiner {number}"), move |role| {
                    (role.waits("join", || join_by(&timer, form)), drops.count())
                })
            };
            let joiners: Vec<_> = patient(7).enumerate().map(joiner).collect();
            joiners.iter().for_each(|joiner| joiner.until_asleep());
            go_on.set();
            let told: Vec<_> = joiners.into_iter().map(|joiner| joiner.join()).collect();
            for form in HASTY.into_iter().chain(PATIENT) {
                assert_eq!((join_by(&timer, form), drops.count()), told[0]);
            }
            for (error, dropped) in told {
                let Err(JoinError::Panicked(error)) = error else {
                    panic!("told {error:?}")
                };
                assert_eq!((error.thread(), dropped), ("timer", 1));
                assert!(error.message().unwrap().starts_with("the timer Token"), "{error}");
            }
            assert!(timer.is_finished() && !timer.cancel());
            let next = clock.start(Duration::ZERO, || ()).unwrap();
            assert_eq!(watch.waits("join", || next.join()), Ok(()));
        }
        assert_eq!(clock.pending(), 0);
    });
}

#[test]
fn the_hook_is_told_before_the_joiners() {
    watchdog::run(|watch| {
        let registry = Registry::new();
        let ((told, tells), (go_on, waits)) = (event(), event());
        registry.set_panic_hook(move |_, payload| {
            assert_eq!(payload.downcast_ref(), Some(&5));
            tells.set();
            waits.wait();
            panic!("the hook fails too");
        });
        let clock = Clock::new(&registry);
        let timer = clock.start(Duration::ZERO, || panic_any(5)).unwrap();
        watch.waits("the hook", || told.wait());
        assert!(timer.try_join().is_none() && !timer.is_finished());
        go_on.set();
        assert_eq!(watch.waits("join", || timer.join()).unwrap_err().message(), None);
        let next = clock.start(Duration::ZERO, || ()).unwrap();
        assert_eq!(watch.waits("join", || next.join()), Ok(()));
    });
}

#[test]
fn drops_that_panic_strand_no_joiner_and_no_clock() {
    watchdog::run(|watch| {
        let (clock, drops) = (clock(), Drops::default());
        let bomb = || Bomb::new(&drops);
        let captured = bomb();
        let timer = clock.start(Duration::ZERO, move || _ = &captured).unwrap();
        let told = watch.waits("join", || timer.join()).unwrap_err();
        assert_eq!((told.message(), drops.count()), (Some("a drop that fails"), 1));

        let thrown = bomb();
        let timer = clock.start(Duration::ZERO, move || panic_any(thrown)).unwrap();
        assert_eq!(watch.waits("join", || timer.join()).unwrap_err().message(), None);
        assert_eq!(drops.count(), 2);

        let captured = bomb();
        let timer = clock.every(Duration::ZERO, move || {
            let _captured = &captured;
            panic!("first");
        });
        assert_eq!(
            watch.waits("join", || timer.unwrap().join()).unwrap_err().message(),
            Some("first")
        );
        assert_eq!(drops.count(), 3);

        // Cancelled while it runs, a repeating one is dropped on its clock's thread.
        let ((began, begins), (go_on, waits)) = (event(), event());
        let captured = bomb();
        let timer = clock.every(Duration::ZERO, move || {
            let _captured = &captured;
            begins.set();
            waits.wait();
        });
        let timer = timer.unwrap();
        watch.waits("its begin", || began.wait());
        assert!(!timer.cancel());
        go_on.set();
        assert_eq!((watch.waits("join", || timer.join()), drops.count()), (Ok(()), 4));

        let next = clock.start(Duration::ZERO, || ()).unwrap();
        assert_eq!(watch.waits("join", || next.join()), Ok(()));
        assert_eq!(clock.pending(), 0);
    });
}
