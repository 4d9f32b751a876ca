//! Timers: TI1 to TI4.

use super::{Data, TIMEOUT};
use crate::law::{Law, Model};
use crate::scenario::Scenario;
use selvedge_loom::backend::Arc;
use selvedge_loom::thread::{Clock, Registry, Timer};
use selvedge_loom::{Event, Instant};
use spec::Answer::{self, Count, Done, Is};
use std::panic::resume_unwind;
use std::time::Duration;

pub fn laws() -> Vec<Law> {
    vec![
        Law::new(
            "TI1",
            "a timer either runs or is cancelled, and cancel returns which",
            [
                Model::new("cancelled immediately", RUN_OR_CANCELLED, cancelled_immediately).within(3, 4),
                Model::new("cancelled by another thread", RUN_OR_CANCELLED, cancelled_by_another).within(2, 3),
                Model::new(
                    "cancelled by two threads",
                    [[Is(true), Is(true)], [Is(false), Is(false)]],
                    cancelled_by_two,
                )
                .within(1, 2),
                Model::new(
                    "a repeating timer",
                    [
                        [Is(true), Count(0)],
                        [Is(true), Count(1)],
                        [Is(false), Count(1)],
                        [Is(false), Count(2)],
                    ],
                    repeating_cancelled,
                )
                .within(3, 4),
            ],
        ),
        Law::new(
            "TI2",
            "every joiner of a timer returns after the timer has run, has panicked or was cancelled",
            [
                Model::new("run", [[Done, Count(1)]], run).within(3, 4),
                Model::new("panicked", [[Answer::Panicked, Count(1)]], panicked).within(3, 4),
                Model::new("cancelled", [[Is(true), Done]], cancelled).within(2, 3),
            ],
        ),
        Law::new(
            "TI3",
            "every timer runs, whatever other timers do",
            [
                Model::new("a timer with an earlier deadline", [[Done]], earlier_deadline).within(2, 3),
                Model::new("a timer while the worker exits", [[Done, Done]], one_after_the_other).within(2, 3),
                Model::new("a repeating timer", [[Answer::Panicked, Count(2)]], repeating).within(2, 3),
                Model::new(
                    "a timer that blocks until another runs",
                    [[Done, Done]],
                    one_waits_for_the_other,
                )
                .within(2, 3),
                Model::new("two started concurrently", [[Done, Done]], two_start).within(1, 2),
            ],
        ),
        Law::new(
            "TI4",
            "a clock that was shut down or dropped runs no timer and cancels all pending timers",
            [
                Model::new("a pending and a repeating timer", RUNS_BEFORE_SHUTDOWN, shut_down).within(2, 3),
                Model::new("by a repeating timer", [[Done, Count(1)]], shut_down_by_repeating_timer).within(2, 3),
                Model::new(
                    "during a start",
                    [[Done, Is(true)], [Done, Is(false)]],
                    shut_down_during_start,
                )
                .within(2, 3),
                Model::new(
                    "two shutdowns",
                    [[Count(0), Count(0)], [Count(1), Count(1)]],
                    two_shut_down,
                )
                .within(1, 2),
                Model::new("dropped", [[Done, Count(0)], [Done, Count(1)]], dropped).within(2, 3),
            ],
        ),
    ]
}

/// The number of runs of the repeating timer.
const RUNS_BEFORE_SHUTDOWN: [[Answer; 2]; 3] = [[Done, Count(0)], [Done, Count(1)], [Done, Count(2)]];

const RUN_OR_CANCELLED: [[Answer; 2]; 2] = [[Is(true), Count(0)], [Is(false), Count(1)]];

struct Fixture {
    clock: Clock,
    data: Data,
}

fn fixture() -> Arc<Fixture> {
    Arc::new(Fixture {
        clock: Clock::new(&Registry::new()),
        data: Data::new(),
    })
}

/// Starts a timer that adds to the data.
fn start(fixture: &Arc<Fixture>, after: Duration) -> Timer {
    let captured = Arc::clone(fixture);
    let run = move || {
        captured.data.add();
    };
    fixture.clock.start(after, run).expect("loom allows this many threads")
}

fn join(timer: &Timer) -> Answer {
    timer.join().map_or(Answer::Panicked, |()| Done)
}

fn cancelled_immediately(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    scenario.program(&fixture, |fixture, report| {
        let timer = start(fixture, TIMEOUT);
        report(Is(timer.cancel()));
        assert_eq!(join(&timer), Done);
        report(fixture.data.read());
    });
    scenario.finish()
}

fn cancelled_by_another(scenario: &Scenario) -> Vec<Answer> {
    let fixture = fixture();
    let shared = Arc::new((start(&fixture, TIMEOUT), fixture));
    scenario.thread(&shared, |(timer, _)| Is(timer.cancel()));
    scenario.thread(&shared, |(timer, fixture)| {
        assert_eq!(join(timer), Done);
        fixture.data.read()
    });
    scenario.finish()
}

fn cancelled_by_two(scenario: &Scenario) -> Vec<Answer> {
    let timer = Arc::new(start(&fixture(), TIMEOUT));
    for _ in 0..2 {
        scenario.thread(&timer, |timer| {
            let was_cancelled = timer.cancel();
            assert_eq!(join(timer), Done);
            Is(was_cancelled)
        });
    }
    scenario.finish()
}

/// Starts a repeating timer that panics, and so ends, in its second run.
fn start_repeating(fixture: &Arc<Fixture>) -> Timer {
    let captured = Arc::clone(fixture);
    let run = move || {
        if captured.data.add() == Count(2) {
            resume_unwind(Box::new("expected"));
        }
    };
    fixture
        .clock
        .every(TIMEOUT, run)
        .expect("loom allows this many threads")
}

fn repeating_cancelled(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    scenario.program(&fixture, |fixture, report| {
        let timer = start_repeating(fixture);
        report(Is(timer.cancel()));
        join(&timer);
        report(fixture.data.read());
    });
    scenario.finish()
}

fn repeating(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    scenario.program(&fixture, |fixture, report| {
        report(join(&start_repeating(fixture)));
        report(fixture.data.read());
    });
    scenario.finish()
}

fn run(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    scenario.program(&fixture, |fixture, report| {
        report(join(&start(fixture, TIMEOUT)));
        report(fixture.data.read());
    });
    scenario.finish()
}

/// The timer never expires.
fn cancelled(scenario: &Scenario) -> Vec<Answer> {
    let timer = Arc::new(start(&fixture(), Duration::MAX));
    scenario.thread(&timer, |timer| Is(timer.cancel()));
    scenario.thread(&timer, join);
    scenario.finish()
}

fn panicked(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    scenario.program(&fixture, |fixture, report| {
        let captured = Arc::clone(fixture);
        let registry = Registry::new();
        registry.set_panic_hook(move |_, _| {
            captured.data.add();
        });
        let timer = Clock::new(&registry).start(TIMEOUT, || resume_unwind(Box::new("expected")));
        report(join(&timer.expect("loom allows this many threads")));
        report(fixture.data.read());
    });
    scenario.finish()
}

/// The leader is blocked until the deadline of a timer that never expires.
fn earlier_deadline(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    scenario.thread(&fixture, |fixture| {
        let never = start(fixture, Duration::MAX);
        let end = join(&start(fixture, TIMEOUT));
        assert!(never.cancel());
        end
    });
    scenario.finish()
}

/// The first timer blocks until the second runs.
fn one_waits_for_the_other(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    scenario.program(&fixture, |fixture, report| {
        let other = Arc::new(Event::new());
        let (sets, waits) = (Arc::clone(&other), Arc::clone(&other));
        let slow = fixture
            .clock
            .start(TIMEOUT, move || waits.wait())
            .expect("loom allows this many threads");
        let deadline = Instant::now() + TIMEOUT;
        let quick = fixture
            .clock
            .start_at(deadline, move || sets.set())
            .expect("loom allows this many threads");
        report(join(&quick));
        report(join(&slow));
    });
    scenario.finish()
}

/// The second timer is started after the worker has run the first, while the worker may be about to exit.
fn one_after_the_other(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    scenario.program(&fixture, |fixture, report| {
        report(join(&start(fixture, TIMEOUT)));
        report(join(&start(fixture, TIMEOUT)));
    });
    scenario.finish()
}

/// If the repeating timer ran after the shutdown, its addition would be a data race with the read.
fn shut_down(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    scenario.program(&fixture, |fixture, report| {
        let (never, repeats) = (start(fixture, Duration::MAX), start_repeating(fixture));
        fixture.clock.shutdown();
        assert!(never.is_finished() && repeats.is_finished());
        report(join(&never));
        report(fixture.data.read());
    });
    scenario.finish()
}

/// A second run of the timer would panic.
fn shut_down_by_repeating_timer(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    scenario.program(&fixture, |fixture, report| {
        let (data, clock) = (Arc::new(Data::new()), fixture.clock.clone());
        let captured = Arc::clone(&data);
        let run = move || {
            assert_eq!(captured.add(), Count(1));
            assert!(clock.try_shutdown().is_err(), "a timer runs");
        };
        report(join(
            &fixture
                .clock
                .every(TIMEOUT, run)
                .expect("loom allows this many threads"),
        ));
        report(data.read());
    });
    scenario.finish()
}

fn shut_down_during_start(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    scenario.thread(&fixture, |fixture| {
        fixture.clock.shutdown();
        Done
    });
    scenario.thread(&fixture, |fixture| {
        let started = fixture.clock.start(Duration::MAX, || ());
        // The shutdown cancels the timer.
        Is(started.is_ok_and(|timer| join(&timer) == Done))
    });
    scenario.finish()
}

fn two_shut_down(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    drop(start(&fixture, TIMEOUT));
    for _ in 0..2 {
        scenario.thread(&fixture, |fixture| {
            fixture.clock.shutdown();
            fixture.data.read()
        });
    }
    scenario.finish()
}

struct SetsOnDrop(Arc<Event>);

impl Drop for SetsOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// The functions of both timers are dropped. One timer may have run; the other never expires.
fn dropped(scenario: &Scenario) -> Vec<Answer> {
    let data = Arc::new(Arc::new(Data::new()));
    scenario.program(&data, |data, report| {
        let (clock, captured) = (Clock::new(&Registry::new()), Arc::clone(data));
        let ended = [Arc::new(Event::new()), Arc::new(Event::new())];
        let [soon, never] = ended.each_ref().map(|ended| SetsOnDrop(Arc::clone(ended)));
        let run = move || {
            captured.add();
            drop(soon);
        };
        let timer = clock.start(TIMEOUT, run).expect("loom allows this many threads");
        drop(
            clock
                .start(Duration::MAX, move || drop(never))
                .expect("loom allows this many threads"),
        );
        drop(clock);
        drop(timer);
        ended.iter().for_each(|ended| ended.wait());
        report(Done);
        report(data.read());
    });
    scenario.finish()
}

fn two_start(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    for _ in 0..2 {
        scenario.thread(&fixture, |fixture| {
            join(
                &fixture
                    .clock
                    .start(TIMEOUT, || ())
                    .expect("loom allows this many threads"),
            )
        });
    }
    scenario.finish()
}
