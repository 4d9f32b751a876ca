//! Event: E1 to E5.

use super::{Data, SOON};
use crate::law::{Law, Model};
use crate::refines::{Start, Subject, every, program, refinement};
use crate::stage::Stage;
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
            "what happened before a set is seen after each wait that it releases",
            [
                Model::new("by one that waits", [[Count(1), Count(1)]], |s| passed_on(s, plain)),
                Model::new("by one that looks", [[Count(1), Count(1)], [Count(1), Busy]], |s| {
                    passed_on(s, look)
                }),
                Model::new("in time", [[Count(1), Count(1)], [Count(1), TimedOut]], |s| {
                    passed_on(s, soon)
                }),
                Model::new("by a deadline", [[Count(1), Count(1)], [Count(1), TimedOut]], |s| {
                    passed_on(s, later)
                }),
                Model::new(
                    "though it is cleared",
                    [[Count(1), Count(1)], [Count(1), Blocked]],
                    set_and_cleared,
                ),
                Model::new("beside another waiter", [[Count(1), Count(1), Count(1)]], two_see_it).within(2, 3),
                Model::new("after a clear", [[Done, Count(1)]], a_flag_is_looked_for_after_a_clear),
            ],
        ),
        Law::new(
            "E2",
            "every thread that sleeps at a set returns, though a clear follows",
            [
                Model::new("one asleep", [[Done, Is(false)]], |s| asleep_at_set(s, 1)),
                Model::new("two asleep", [[Done, Done, Is(false)]], |s| asleep_at_set(s, 2)),
                Model::new("set again before they run", [[Done, Done, Is(true)]], set_twice_over).within(2, 3),
            ],
        ),
        Law::new(
            "E3",
            "after a set, until a clear, no wait blocks",
            [
                program(&unset(), vec![vec![Wait], vec![Set]]),
                program(&unset(), vec![vec![Wait], vec![Set]]).early(),
                program(&unset(), vec![vec![Wait, Wait], vec![Set]]),
                program(&unset(), vec![vec![Wait], vec![Clear, Set]]),
                Model::new(
                    "work is looked for after a clear",
                    [[Done, Count(1)]],
                    work_is_looked_for_after_a_clear,
                ),
                program(&unset(), vec![vec![Wait], vec![Wait], vec![Set]]).within(2, 3),
                program(&unset(), vec![vec![Wait], vec![WaitTimeout], vec![Set]])
                    .timed(&[2])
                    .within(3, 4),
            ],
        ),
        Law::new(
            "E4",
            "a wait fails only when its time is over",
            [
                Model::new("a timeout", [[Done, Done], [Done, TimedOut]], |s| {
                    beside_a_setter(s, timely)
                })
                .timed(&[2]),
                Model::new("a deadline", [[Done, Done], [Done, TimedOut]], |s| {
                    beside_a_setter(s, timely_deadline)
                })
                .timed(&[2]),
                Model::new("waits return early", [[Done, Done], [Done, TimedOut]], |s| {
                    beside_a_setter(s, timely)
                })
                .early(),
                Model::new("no time at all", [[Done, Done], [Done, TimedOut]], |s| {
                    beside_a_setter(s, at_once)
                }),
                Model::new(
                    "beside one that waits",
                    [[Done, Done, Done], [Done, TimedOut, Done]],
                    |s| beside_a_setter_and_a_waiter(s),
                )
                .timed(&[2])
                .within(3, 4),
                Model::new("a set event", [[Done, Done, Done]], nothing_to_wait_for),
            ],
        ),
        Law::new(
            "E5",
            "to set twice is to set once, and a clear releases nobody",
            [
                Model::new(
                    "cleared while one sleeps",
                    [[Blocked, Is(false)]],
                    cleared_while_one_sleeps,
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

fn look(event: &Event) -> Answer {
    if event.is_set() { Done } else { Busy }
}

fn soon(event: &Event) -> Answer {
    event.wait_timeout(SOON).map_or(TimedOut, |()| Done)
}

fn later(event: &Event) -> Answer {
    event.wait_deadline(Instant::now() + SOON).map_or(TimedOut, |()| Done)
}

fn at_once(event: &Event) -> Answer {
    event.wait_timeout(Duration::ZERO).map_or(TimedOut, |()| Done)
}

/// Fails the model if it times out before its time.
fn timely(event: &Event) -> Answer {
    let deadline = Instant::now() + SOON;
    let answer = soon(event);
    assert!(answer == Done || deadline.has_passed(), "it gave up too early");
    answer
}

fn timely_deadline(event: &Event) -> Answer {
    let deadline = Instant::now() + SOON;
    let answer = event.wait_deadline(deadline).map_or(TimedOut, |()| Done);
    assert!(answer == Done || deadline.has_passed(), "it gave up too early");
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

fn passed_on(stage: &Stage, form: Form) -> Vec<Answer> {
    let shared = shared();
    stage.thread(&shared, set_after_writing);
    stage.thread(&shared, move |(event, data)| match form(event) {
        Done => data.read(),
        refused => refused,
    });
    stage.finish()
}

fn set_and_cleared(stage: &Stage) -> Vec<Answer> {
    let shared = shared();
    stage.thread(&shared, |shared| {
        let sum = set_after_writing(shared);
        shared.0.clear();
        sum
    });
    stage.thread(&shared, |(event, data)| {
        event.wait();
        data.read()
    });
    stage.finish()
}

fn two_see_it(stage: &Stage) -> Vec<Answer> {
    let shared = shared();
    stage.thread(&shared, set_after_writing);
    for _ in 0..2 {
        stage.thread(&shared, |(event, data)| {
            event.wait();
            data.read()
        });
    }
    stage.finish()
}

fn asleep_at_set(stage: &Stage, waiters: usize) -> Vec<Answer> {
    let event = Arc::new(Event::new());
    for _ in 0..waiters {
        stage.thread(&event, plain);
    }
    stage.settle();
    event.set();
    event.clear();
    stage.finish_seeing(|| Is(event.is_set()))
}

fn set_twice_over(stage: &Stage) -> Vec<Answer> {
    let event = Arc::new(Event::new());
    for _ in 0..2 {
        stage.thread(&event, plain);
    }
    stage.settle();
    event.set();
    event.clear();
    event.set();
    stage.finish_seeing(|| Is(event.is_set()))
}

fn beside_a_setter(stage: &Stage, form: Form) -> Vec<Answer> {
    let event = Arc::new(Event::new());
    stage.thread(&event, |event| {
        event.set();
        Done
    });
    stage.thread(&event, form);
    stage.finish()
}

fn beside_a_setter_and_a_waiter(stage: &Stage) -> Vec<Answer> {
    let event = Arc::new(Event::new());
    stage.thread(&event, |event| {
        event.set();
        Done
    });
    stage.thread(&event, timely);
    stage.thread(&event, plain);
    stage.finish()
}

fn nothing_to_wait_for(stage: &Stage) -> Vec<Answer> {
    let event = Arc::new(Event::new());
    event.set();
    for form in [soon, later, at_once] {
        stage.thread(&event, form);
    }
    stage.finish()
}

/// The event is not set, so the `set` does set it: who clears it again sees what was announced.
fn a_flag_is_looked_for_after_a_clear(stage: &Stage) -> Vec<Answer> {
    let shared = Arc::new((Event::new(), AtomicU32::new(0)));
    stage.thread(&shared, |(event, flag)| {
        flag.store(1, Relaxed);
        event.set();
        Done
    });
    stage.thread(&shared, |(event, flag)| {
        event.clear();
        if flag.load(Relaxed) == 0 {
            event.wait();
        }
        Count(flag.load(Relaxed))
    });
    stage.finish()
}

/// The event is set from before, so the worker's `set` may find it set and be no more than a look.
fn work_is_looked_for_after_a_clear(stage: &Stage) -> Vec<Answer> {
    let shared = Arc::new((Event::new(), Mutex::new(0)));
    shared.0.set();
    stage.thread(&shared, |(event, work)| {
        *work.acquire() += 1;
        event.set();
        Done
    });
    stage.thread(&shared, |(event, work)| {
        event.clear();
        let none = *work.acquire() == 0;
        if none {
            event.wait();
        }
        Count(*work.acquire())
    });
    stage.finish()
}

fn cleared_while_one_sleeps(stage: &Stage) -> Vec<Answer> {
    let event = Arc::new(Event::new());
    stage.thread(&event, plain);
    stage.settle();
    event.clear();
    stage.finish_seeing(|| Is(event.is_set()))
}

impl Subject for Event {
    type Spec = spec::event::Event;

    fn perform(&self, call: Call) -> Answer {
        match call {
            Call::Wait => plain(self),
            Call::WaitTimeout => soon(self),
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
