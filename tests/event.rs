//! `Event`: laws E1 to E5.

use crate::forms::{self, Await, Form, IN_VAIN, PATIENT};
use crate::watchdog::{self, Player, Watch};
use selvedge::{Event, Instant};
use std::time::Duration;

impl Await for Event {
    fn wait_by(&self, form: Form) -> bool {
        match form {
            Form::Try => unreachable!("a wait has no try form"),
            Form::Plain => {
                self.wait();
                true
            }
            Form::Timeout(time) => self.wait_timeout(time).is_ok(),
            Form::Deadline(time) => self.wait_deadline(Instant::now() + time).is_ok(),
        }
    }

    fn end_a_wait(&self) {
        self.set();
    }

    fn mend(&self) {
        self.clear();
    }
}

forms::waits!(in_all_forms: Event::new());

/// One waiter for each form that blocks until it succeeds.
fn waiters<'scope, 'env>(watch: &Watch<'scope, 'env>, event: &'env Event) -> Vec<Player<'scope, ()>> {
    let waiter = |form| {
        let wait = move || assert!(event.wait_by(form), "{form:?}");
        watch.spawn(format!("waiter by {form:?}"), move |role| role.waits("a wait", wait))
    };
    PATIENT.map(waiter).into()
}

#[test]
fn no_wait_blocks_between_set_and_clear() {
    let event = Event::new();
    watchdog::run(|_| {
        for _ in 0..3 {
            for change in [Event::set, Event::set] {
                change(&event);
                assert!(event.is_set() && IN_VAIN.into_iter().chain(PATIENT).all(|form| event.wait_by(form)));
            }
            for change in [Event::clear, Event::clear] {
                change(&event); // in saa, the event stayed set here
                assert!(!IN_VAIN.into_iter().any(|form| event.wait_by(form)) && !event.is_set());
            }
        }
    });
}

#[test]
fn a_set_ends_every_wait() {
    watchdog::run(|watch| {
        for round in 0..50 {
            let event: &'static Event = Box::leak(Box::default());
            let waiters = waiters(watch, event);
            if round % 2 == 0 {
                waiters.iter().for_each(|waiter| waiter.until_asleep());
            } else {
                assert!(event.wait_timeout(Duration::from_millis(1)).is_err()); // has no effect on the waiters
            }
            event.set();
            waiters.into_iter().for_each(|waiter| waiter.join());
        }
    });
}

/// Law E2. In Python's `multiprocessing.Event`, the waiters stay blocked.
#[cfg(target_os = "linux")]
#[test]
fn a_set_ends_each_blocked_wait_though_a_clear_follows_immediately() {
    let event = Event::new();
    watchdog::run(|watch| {
        for round in 0..100 {
            let waiters = waiters(watch, &event);
            waiters.iter().for_each(|waiter| waiter.until_asleep());
            for _ in 0..1 + round % 2 {
                event.set();
                event.clear();
            }
            waiters.into_iter().for_each(|waiter| waiter.join());
            assert!(!event.is_set());
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_clear_wakes_no_waiter() {
    let event = Event::new();
    watchdog::run(|watch| {
        let waiter = watch.spawn("waiter", |role| role.waits("Event::wait", || event.wait()));
        assert!(waiter.stays_blocked(|| {
            event.clear();
            assert!(!IN_VAIN.into_iter().any(|form| event.wait_by(form)));
        }));
        event.set();
        waiter.join();
    });
}
