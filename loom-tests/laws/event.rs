//! Event: E1 to E5.

use super::{Data, TIMEOUT};
use crate::law::{Law, Model};
use crate::refines::{Start, Subject, every, program, refinement};
use crate::scenario::Scenario;
use selvedge_loom::backend::Arc;
use selvedge_loom::backend::atomic::{AtomicU32, Ordering::Relaxed};
use selvedge_loom::{Event, Instant, Mutex};
use spec::Answer::{self, Blocked, Busy, Count, Done, Is, TimedOut};
use spec::event::Call::{self, Clear, Set, Wait, WaitTimeout};
use std::time::Duration;

pub fn laws() -> Vec<Law> {
    vec![
        Law::new(
            "E1",
            "a set happens-before the return of every wait that observes it",
            [
                Model::new("wait", [[Count(1), Count(1)]], |s| published(s, plain)),
                Model::new("is_set", [[Count(1), Count(1)], [Count(1), Busy]], |s| {
                    published(s, poll)
                }),
                Model::new("wait_timeout", [[Count(1), Count(1)], [Count(1), TimedOut]], |s| {
                    published(s, with_timeout)
                }),
                Model::new("wait_deadline", [[Count(1), Count(1)], [Count(1), TimedOut]], |s| {
                    published(s, with_deadline)
                }),
                Model::new(
                    "set, then cleared",
                    [[Count(1), Count(1)], [Count(1), Blocked]],
                    set_and_cleared,
                ),
                Model::new("two waiters", [[Count(1), Count(1), Count(1)]], two_waiters).within(2, 3),
                Model::new("observed by a clear", [[Done, Count(1)]], flag_checked_after_clear),
            ],
        ),
        Law::new(
            "E2",
            "every thread that is blocked at a set returns, even if a clear follows",
            [
                Model::new("one blocked", [[Done, Is(false)]], |s| blocked_at_set(s, 1)),
                Model::new("two blocked", [[Done, Done, Is(false)]], |s| blocked_at_set(s, 2)),
                Model::new("set again before they run", [[Done, Done, Is(true)]], set_twice).within(2, 3),
            ],
        ),
        Law::new(
            "E3",
            "no lost wake-up: no wait stays blocked between a set and the next clear",
            [
                program(&unset(), vec![vec![Wait], vec![Set]]),
                program(&unset(), vec![vec![Wait], vec![Set]]).spurious(),
                program(&unset(), vec![vec![Wait, Wait], vec![Set]]),
                program(&unset(), vec![vec![Wait], vec![Clear, Set]]),
                Model::new(
                    "work is checked after a clear",
                    [[Done, Count(1)]],
                    work_checked_after_clear,
                ),
                program(&unset(), vec![vec![Wait], vec![Wait], vec![Set]]).within(2, 3),
                program(&unset(), vec![vec![Wait], vec![WaitTimeout], vec![Set]])
                    .timed(&[2])
                    .within(3, 4),
            ],
        ),
        Law::new(
            "E4",
            "a timed wait fails only after its deadline",
            [
                Model::new("a timeout", [[Done, Done], [Done, TimedOut]], |s| {
                    with_a_setter(s, checked_timeout)
                })
                .timed(&[2]),
                Model::new("a deadline", [[Done, Done], [Done, TimedOut]], |s| {
                    with_a_setter(s, checked_deadline)
                })
                .timed(&[2]),
                Model::new("spurious wake-ups", [[Done, Done], [Done, TimedOut]], |s| {
                    with_a_setter(s, checked_timeout)
                })
                .spurious(),
                Model::new("zero timeout", [[Done, Done], [Done, TimedOut]], |s| {
                    with_a_setter(s, zero_timeout)
                }),
                Model::new(
                    "with an untimed waiter",
                    [[Done, Done, Done], [Done, TimedOut, Done]],
                    with_a_setter_and_a_waiter,
                )
                .timed(&[2])
                .within(3, 4),
                Model::new("already set", [[Done, Done, Done]], already_set),
            ],
        ),
        Law::new(
            "E5",
            "set is idempotent, and clear wakes no thread",
            [
                Model::new(
                    "cleared while a thread is blocked",
                    [[Blocked, Is(false)]],
                    cleared_while_blocked,
                ),
                program(&unset(), vec![vec![Set], vec![Set]]),
                program(&unset(), vec![vec![Set], vec![Set], vec![Wait]]).within(2, 3),
                program(&unset(), vec![vec![Set, Set], vec![Wait, Clear]]),
                program(&unset(), vec![vec![Set, Clear], vec![Wait, Wait]]),
            ],
        ),
        refinement(
            "E-spec",
            every(&starts(), &Call::ALL, 2),
            every(&starts(), &Call::ALL, 3),
            vec![],
        ),
    ]
}

type Form = fn(&Event) -> Answer;

fn plain(event: &Event) -> Answer {
    event.wait();
    Done
}

fn poll(event: &Event) -> Answer {
    if event.is_set() { Done } else { Busy }
}

fn with_timeout(event: &Event) -> Answer {
    event.wait_timeout(TIMEOUT).map_or(TimedOut, |()| Done)
}

fn with_deadline(event: &Event) -> Answer {
    event
        .wait_deadline(Instant::now() + TIMEOUT)
        .map_or(TimedOut, |()| Done)
}

fn zero_timeout(event: &Event) -> Answer {
    event.wait_timeout(Duration::ZERO).map_or(TimedOut, |()| Done)
}

/// Fails the model if the wait times out before its deadline.
fn checked_timeout(event: &Event) -> Answer {
    let deadline = Instant::now() + TIMEOUT;
    let answer = with_timeout(event);
    assert!(answer == Done || deadline.has_passed(), "timed out before the deadline");
    answer
}

fn checked_deadline(event: &Event) -> Answer {
    let deadline = Instant::now() + TIMEOUT;
    let answer = event.wait_deadline(deadline).map_or(TimedOut, |()| Done);
    assert!(answer == Done || deadline.has_passed(), "timed out before the deadline");
    answer
}

fn shared() -> Arc<(Event, Data)> {
    Arc::new((Event::new(), Data::new()))
}

fn set_after_writing((event, data): &(Event, Data)) -> Answer {
    let sum = data.add();
    event.set();
    sum
}

fn published(scenario: &Scenario, form: Form) -> Vec<Answer> {
    let shared = shared();
    scenario.thread(&shared, set_after_writing);
    scenario.thread(&shared, move |(event, data)| match form(event) {
        Done => data.read(),
        other => other,
    });
    scenario.finish()
}

fn set_and_cleared(scenario: &Scenario) -> Vec<Answer> {
    let shared = shared();
    scenario.thread(&shared, |shared| {
        let sum = set_after_writing(shared);
        shared.0.clear();
        sum
    });
    scenario.thread(&shared, |(event, data)| {
        event.wait();
        data.read()
    });
    scenario.finish()
}

fn two_waiters(scenario: &Scenario) -> Vec<Answer> {
    let shared = shared();
    scenario.thread(&shared, set_after_writing);
    for _ in 0..2 {
        scenario.thread(&shared, |(event, data)| {
            event.wait();
            data.read()
        });
    }
    scenario.finish()
}

fn blocked_at_set(scenario: &Scenario, waiters: usize) -> Vec<Answer> {
    let event = Arc::new(Event::new());
    for _ in 0..waiters {
        scenario.thread(&event, plain);
    }
    scenario.settle();
    event.set();
    event.clear();
    scenario.finish_observing(|| Is(event.is_set()))
}

fn set_twice(scenario: &Scenario) -> Vec<Answer> {
    let event = Arc::new(Event::new());
    for _ in 0..2 {
        scenario.thread(&event, plain);
    }
    scenario.settle();
    event.set();
    event.clear();
    event.set();
    scenario.finish_observing(|| Is(event.is_set()))
}

fn with_a_setter(scenario: &Scenario, form: Form) -> Vec<Answer> {
    let event = Arc::new(Event::new());
    scenario.thread(&event, |event| {
        event.set();
        Done
    });
    scenario.thread(&event, form);
    scenario.finish()
}

fn with_a_setter_and_a_waiter(scenario: &Scenario) -> Vec<Answer> {
    let event = Arc::new(Event::new());
    scenario.thread(&event, |event| {
        event.set();
        Done
    });
    scenario.thread(&event, checked_timeout);
    scenario.thread(&event, plain);
    scenario.finish()
}

fn already_set(scenario: &Scenario) -> Vec<Answer> {
    let event = Arc::new(Event::new());
    event.set();
    for form in [with_timeout, with_deadline, zero_timeout] {
        scenario.thread(&event, form);
    }
    scenario.finish()
}

/// The event is not set before. If the clear follows the set, the set happens-before it, and the flag is visible.
fn flag_checked_after_clear(scenario: &Scenario) -> Vec<Answer> {
    let shared = Arc::new((Event::new(), AtomicU32::new(0)));
    scenario.thread(&shared, |(event, flag)| {
        flag.store(1, Relaxed);
        event.set();
        Done
    });
    scenario.thread(&shared, |(event, flag)| {
        event.clear();
        if flag.load(Relaxed) == 0 {
            event.wait();
        }
        Count(flag.load(Relaxed))
    });
    scenario.finish()
}

/// The event is set before, so the worker's `set` may find it set and only load the word.
fn work_checked_after_clear(scenario: &Scenario) -> Vec<Answer> {
    let shared = Arc::new((Event::new(), Mutex::new(0)));
    shared.0.set();
    scenario.thread(&shared, |(event, work)| {
        *work.acquire() += 1;
        event.set();
        Done
    });
    scenario.thread(&shared, |(event, work)| {
        event.clear();
        let none = *work.acquire() == 0;
        if none {
            event.wait();
        }
        Count(*work.acquire())
    });
    scenario.finish()
}

fn cleared_while_blocked(scenario: &Scenario) -> Vec<Answer> {
    let event = Arc::new(Event::new());
    scenario.thread(&event, plain);
    scenario.settle();
    event.clear();
    scenario.finish_observing(|| Is(event.is_set()))
}

impl Subject for Event {
    type Spec = spec::event::Event;

    fn perform(&self, call: Call) -> Answer {
        match call {
            Call::Wait => plain(self),
            Call::WaitTimeout => with_timeout(self),
            Call::IsSet => Is(self.is_set()),
            Call::Set => {
                self.set();
                Done
            }
            Call::Clear => {
                self.clear();
                Done
            }
        }
    }

    fn observe(&self) -> Answer {
        Is(self.is_set())
    }
}

fn unset() -> Start<Event> {
    Start {
        make: Event::new,
        spec: spec::event::Event::default(),
        before: vec![],
    }
}

fn starts() -> [Start<Event>; 2] {
    [
        unset(),
        Start {
            before: vec![Set],
            ..unset()
        },
    ]
}
