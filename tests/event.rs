//! `Event`: laws E1 to E5.

use crate::forms::{self, Await, Form};
#[cfg(target_os = "linux")]
use crate::{forms::BLOCKING, watchdog};
use selvedge::{Event, Instant};

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

/// Law E2. In Python's `multiprocessing.Event`, the waiters stay blocked.
#[cfg(target_os = "linux")]
#[test]
fn a_set_ends_each_blocked_wait_though_a_clear_follows_immediately() {
    let event = &Event::new();
    watchdog::run(|watch| {
        for round in 0..100 {
            let waiter = |form| {
                let wait = move || assert!(event.wait_by(form), "{form:?}");
                watch.spawn(format!("waiter by {form:?}"), move |role| role.waits("a wait", wait))
            };
            let waiters = BLOCKING.map(waiter);
            waiters.iter().for_each(|waiter| waiter.until_blocked());
            for _ in 0..1 + round % 2 {
                event.set();
                event.clear();
            }
            waiters.into_iter().for_each(|waiter| waiter.join());
            assert!(!event.is_set());
        }
    });
}
