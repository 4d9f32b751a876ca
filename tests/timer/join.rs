//! Waiting for a timer's end, in all forms.

use super::{LATER, clock, event};
use crate::forms::{Form, HASTY, PATIENT, patient};
use crate::support::panic_of;
use crate::thread::Drops;
use crate::watchdog;
use selvedge::Instant;
use selvedge::thread::{JoinError, Timer};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub fn join_by(timer: &Timer, form: Form) -> Result<(), JoinError> {
    match form {
        Form::Try => Ok(timer.try_join().ok_or(JoinError::TimedOut)??),
        Form::Plain => Ok(timer.join()?),
        Form::Timeout(time) => timer.join_timeout(time),
        Form::Deadline(time) => timer.join_deadline(Instant::now() + time),
    }
}

#[test]
fn a_join_waits_for_the_end_or_times_out() {
    watchdog::run(|watch| {
        let clock = clock();
        for round in 0..10 {
            let ((began, begins), (go_on, waits)) = (event(), event());
            let drops = Drops::default();
            let token = drops.token();
            let run = move || {
                begins.set();
                waits.wait();
                let _at_last = token;
            };
            let timer = clock.start(Duration::ZERO, run).unwrap();
            if round % 2 == 0 {
                watch.waits("its begin", || began.wait());
            }
            for form in HASTY {
                let start = std::time::Instant::now();
                assert_eq!(join_by(&timer, form), Err(JoinError::TimedOut));
                assert!(start.elapsed() >= form.patience(), "{form:?} was cut short");
            }
            let joiner = |(number, form): (usize, Form)| {
                let (timer, drops) = (timer.clone(), drops.clone());
                watch.spawn(format!("joiner {number}"), move |role| {
                    role.waits("join", || join_by(&timer, form)).unwrap();
                    drops.count()
                })
            };
            let joiners: Vec<_> = patient(7).enumerate().map(joiner).collect();
            joiners.iter().for_each(|joiner| joiner.until_asleep());
            assert!(!timer.is_finished());
            go_on.set();
            joiners.into_iter().for_each(|joiner| assert_eq!(joiner.join(), 1));
            for form in HASTY.into_iter().chain(PATIENT) {
                assert_eq!(join_by(&timer, form), Ok(()), "any number of times");
            }
        }
    });
}

#[test]
fn a_timer_that_waits_is_not_over() {
    let timer = clock().start(LATER, || unreachable!()).unwrap();
    HASTY
        .into_iter()
        .for_each(|form| assert_eq!(join_by(&timer, form), Err(JoinError::TimedOut)));
    assert!(!timer.is_finished() && timer.cancel());
    HASTY
        .into_iter()
        .chain(PATIENT)
        .for_each(|form| assert_eq!(join_by(&timer, form), Ok(())));
}

#[test]
fn a_function_that_joins_its_own_timer_panics() {
    watchdog::run(|watch| {
        for repeats in [false, true] {
            let clock = clock();
            let own = Arc::new(OnceLock::<Timer>::new());
            let theirs = Arc::clone(&own);
            let run = move || {
                for form in HASTY.into_iter().chain(PATIENT) {
                    assert_eq!(panic_of(|| join_by(theirs.wait(), form)), "a timer can't join itself");
                }
                theirs.wait().join().unwrap();
            };
            let timer = if repeats {
                clock.every(Duration::ZERO, run)
            } else {
                clock.start(Duration::ZERO, run)
            };
            own.set(timer.unwrap()).unwrap();
            let told = watch.waits("join", || own.wait().join()).unwrap_err();
            assert_eq!(told.message(), Some("a timer can't join itself"));
        }
    });
}

#[test]
fn a_function_may_join_another_timer() {
    watchdog::run(|watch| {
        let clock = clock();
        let (go_on, waits) = event();
        let slow = clock.start(Duration::ZERO, move || waits.wait()).unwrap();
        let joins = clock.start(Duration::ZERO, move || slow.join().unwrap()).unwrap();
        assert_eq!(joins.try_join(), None);
        go_on.set();
        watch.waits("join", || joins.join()).unwrap();
    });
}
