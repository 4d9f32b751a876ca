//! Waiting for a timer's end, in all forms.

use super::{LATER, clock, event, panic_message, start};
use crate::forms::{BLOCKING, EXPIRING, Form, blocking};
use crate::support::{panic_of, shared};
use crate::thread::Drops;
use crate::watchdog;
use selvedge::Instant;
use selvedge::thread::{JoinError, Timer};
use std::sync::OnceLock;
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
            let ((started, starts), (go_on, waits)) = (event(), event());
            let drops = Drops::default();
            let token = drops.token();
            let run = move || {
                starts.set();
                waits.wait();
                drop(token);
            };
            let timer = clock.start(Duration::ZERO, run).unwrap();
            if round % 2 == 0 {
                watch.waits("the run", || started.wait());
            }
            for form in EXPIRING {
                let start = std::time::Instant::now();
                assert_eq!(join_by(&timer, form), Err(JoinError::TimedOut));
                assert!(start.elapsed() >= form.timeout(), "{form:?} gave up early");
            }
            let joiner = |(number, form): (usize, Form)| {
                let (timer, drops) = (timer.clone(), drops.clone());
                watch.spawn(format!("joiner {number}"), move |role| {
                    role.waits("join", || join_by(&timer, form)).unwrap();
                    drops.count()
                })
            };
            let joiners: Vec<_> = blocking(7).enumerate().map(joiner).collect();
            joiners.iter().for_each(|joiner| joiner.until_blocked());
            assert!(!timer.is_finished());
            go_on.set();
            joiners.into_iter().for_each(|joiner| assert_eq!(joiner.join(), 1));
            for form in EXPIRING.into_iter().chain(BLOCKING) {
                assert_eq!(join_by(&timer, form), Ok(()), "any number of times");
            }
        }
    });
}

#[test]
fn a_join_of_a_waiting_timer_times_out_until_it_is_cancelled() {
    let timer = clock().start(LATER, || unreachable!()).unwrap();
    assert!(
        EXPIRING
            .into_iter()
            .all(|form| join_by(&timer, form) == Err(JoinError::TimedOut))
    );
    assert!(!timer.is_finished() && timer.cancel());
    assert!(
        EXPIRING
            .into_iter()
            .chain(BLOCKING)
            .all(|form| join_by(&timer, form) == Ok(()))
    );
}

#[test]
fn a_function_that_joins_its_own_timer_panics() {
    const WHY: &str = "a timer can't join itself";
    for repeats in [false, true] {
        let ((own, inside), clock) = (shared(OnceLock::<Timer>::new()), clock());
        let run = move || {
            for form in EXPIRING.into_iter().chain(BLOCKING) {
                assert_eq!(panic_of(|| join_by(inside.wait(), form)), WHY);
            }
            inside.wait().join().unwrap();
        };
        own.set(start(&clock, repeats, Duration::ZERO, run)).unwrap();
        assert_eq!(panic_message(own.wait()).as_deref(), Some(WHY));
    }
}

#[test]
fn a_function_may_join_another_timer() {
    let (clock, (go_on, waits)) = (clock(), event());
    let slow = clock.start(Duration::ZERO, move || waits.wait()).unwrap();
    let joins = clock.start(Duration::ZERO, move || slow.join().unwrap()).unwrap();
    assert_eq!(joins.try_join(), None);
    go_on.set();
    joins.join().unwrap();
}
