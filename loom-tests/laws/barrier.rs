//! Barrier: B1 to B8.

use super::{Data, TIMEOUT};
use crate::law::{Law, Model};
use crate::refines::{Start, Subject, choose, every, program, refinement};
use crate::scenario::Scenario;
use selvedge_loom::backend::Arc;
use selvedge_loom::sync::WaitError;
use selvedge_loom::{Barrier, Broken as IsBroken, Event, Instant, Turn};
use spec::Answer::{self, Blocked, Broken, Count, Done, Is, TimedOut};
use spec::barrier::Call::{self, Abort, Reset, Wait, WaitTimeout, Waiting};
use std::time::Duration;

/// All threads of a barrier use one mutex, so even two threads that wait twice have too many interleavings, and most models
/// are bounded. The programs of B-spec use the abstract lock; its pairs are exhaustive.
pub fn laws() -> Vec<Law> {
    let pairs = every(&starts(), &Call::ALL, 2)
        .into_iter()
        .map(Model::abstract_locks)
        .collect();
    let triples = choose(&Call::ALL, 3).into_iter().map(|calls| {
        // A call of `waiting` between a wait and its timeout needs a third preemption.
        let bound = if [WaitTimeout, Waiting].iter().all(|call| calls.contains(call)) {
            3
        } else {
            2
        };
        program(&with_parties(2), calls.into_iter().map(|call| vec![call]).collect())
            .within(bound, bound + 1)
            .abstract_locks()
    });
    vec![
        Law::new(
            "B1",
            "no thread passes before all have arrived, and every arrival happens-before every pass",
            [
                Model::new("two threads", [[Count(1), Count(1)]], |s| {
                    two_arrivals_visible(s, plain)
                }),
                Model::new("two threads, timed", BOTH_OR_NONE, |s| {
                    two_arrivals_visible(s, with_timeout)
                })
                .within(4, 6),
                Model::new(
                    "three threads",
                    [[Count(3), Count(3), Count(3)]],
                    three_arrivals_visible,
                )
                .within(1, 2),
                Model::new("one is missing", [[Blocked, Blocked]], one_is_missing),
            ],
        ),
        Law::new(
            "B2",
            "in each generation, each index is returned once and exactly one thread is the leader",
            [
                Model::new("two threads", EITHER_ORDER, |s| indices(s, 2)).within(4, 6),
                Model::new("two threads, spurious wake-ups", EITHER_ORDER, |s| indices(s, 2))
                    .spurious()
                    .within(4, 6),
                program(&with_parties(3), vec![vec![Wait], vec![Wait], vec![Wait]]).within(2, 3),
            ],
        ),
        Law::new(
            "B3",
            "the action runs once per generation, after the last arrival and before any thread passes",
            [
                Model::new("visible to both", [[Count(1), Count(1), Count(1)]], action_is_visible).within(4, 6),
                Model::new(
                    "two generations",
                    [[Count(2), Count(2), Count(2)]],
                    action_of_two_generations,
                )
                .within(2, 3),
                Model::new(
                    "the action panics",
                    [[Done, Broken, Is(true)], [Broken, Done, Is(true)]],
                    action_panics,
                )
                .within(4, 6),
                Model::new("an arrival during the action", ONE_TOO_MANY, arrival_during_the_action).within(2, 3),
                Model::new(
                    "the action aborts the barrier",
                    [[Count(0), Count(1), Is(true)], [Count(1), Count(0), Is(true)]],
                    action_aborts,
                )
                .within(4, 6),
            ],
        ),
        Law::new(
            "B4",
            "no thread passes twice in one generation",
            [
                program(&with_parties(2), vec![vec![Wait, Wait], vec![Wait, Wait]]).within(4, 5),
                program(&with_parties(2), vec![vec![Wait, Wait], vec![Wait]]).within(4, 6),
                program(&with_parties(2), vec![vec![Wait], vec![Wait], vec![Wait, Wait]]).within(2, 3),
                Model::new("three threads", [[Done, Done, Done]], three_pass).within(1, 2),
            ],
        ),
        Law::new(
            "B5",
            "a broken generation returns an error to every waiter and leaves no thread blocked",
            [
                program(&with_parties(3), vec![vec![Wait], vec![Wait], vec![Abort]]).within(2, 3),
                program(&with_parties(2), vec![vec![Wait], vec![WaitTimeout]]).within(4, 6),
                program(&with_parties(2), vec![vec![Wait], vec![Abort, Wait]]).within(4, 6),
                program(&with_parties(2), vec![vec![Wait], vec![Wait], vec![Abort]]).within(2, 3),
                Model::new("two blocked, aborted", [[Broken, Broken, Is(true)]], |s| {
                    two_blocked(s, Barrier::abort)
                })
                .within(4, 6),
                Model::new("two blocked, reset", [[Broken, Broken, Is(false)]], |s| {
                    two_blocked(s, Barrier::reset)
                })
                .within(4, 6),
            ],
        ),
        Law::new(
            "B6",
            "after a reset, the next full generation passes",
            [
                Model::new(
                    "one blocked at the reset",
                    [[Broken, Count(0), Count(1)], [Broken, Count(1), Count(0)]],
                    generation_after_reset,
                )
                .within(2, 3),
                program(&with_parties(2), vec![vec![Abort, Reset, Wait], vec![Wait]]).within(4, 6),
                program(&broken(2), vec![vec![Reset, Wait], vec![Wait]]).within(4, 6),
                program(&with_parties(2), vec![vec![Wait], vec![Wait], vec![Reset]]).within(2, 3),
            ],
        ),
        Law::new(
            "B7",
            "a thread that timed out no longer counts as arrived",
            [
                program(&with_parties(2), vec![vec![WaitTimeout, Reset], vec![Wait]])
                    .timed(&[1])
                    .within(4, 6),
                program(&with_parties(2), vec![vec![WaitTimeout, Reset, Wait], vec![Wait]]).within(3, 4),
                program(&with_parties(2), vec![vec![WaitTimeout, Reset, WaitTimeout]]),
                Model::new("no thread counts", [[TimedOut, Count(0), Is(true)]], no_thread_counts),
            ],
        ),
        Law::new(
            "B8",
            "if a timeout races with the last arrival, either all threads pass or none does",
            [
                Model::new("a timeout", TIMED_OR_BOTH, |s| timed_and_plain(s, with_timeout))
                    .timed(&[1])
                    .within(4, 6),
                Model::new("a deadline", TIMED_OR_BOTH, |s| timed_and_plain(s, with_deadline))
                    .timed(&[1])
                    .within(4, 6),
                Model::new("zero timeout", TIMED_OR_BOTH, |s| timed_and_plain(s, zero_timeout)).within(4, 6),
                Model::new("spurious wake-ups", TIMED_OR_BOTH, |s| timed_and_plain(s, with_timeout))
                    .spurious()
                    .within(4, 6),
                program(&with_parties(2), vec![vec![WaitTimeout], vec![WaitTimeout]])
                    .timed(&[1, 2])
                    .within(4, 6),
                Model::new("with an action", TIMED_OR_BOTH, timed_with_an_action)
                    .timed(&[1])
                    .within(4, 6),
                program(&with_parties(3), vec![vec![WaitTimeout], vec![Wait], vec![Wait]])
                    .timed(&[1])
                    .within(3, 4),
            ],
        ),
        refinement("B-spec", pairs, vec![], triples.collect()),
    ]
}

const EITHER_ORDER: [[Answer; 2]; 2] = [[Count(0), Count(1)], [Count(1), Count(0)]];

/// Both timed threads pass; or one times out, which breaks the barrier for the other.
const BOTH_OR_NONE: [[Answer; 2]; 3] = [[Count(1), Count(1)], [TimedOut, Broken], [Broken, TimedOut]];

/// The first thread is timed. If it times out, the other finds the barrier broken.
const TIMED_OR_BOTH: [[Answer; 2]; 3] = [[Count(0), Count(1)], [Count(1), Count(0)], [TimedOut, Broken]];

/// Two of three threads complete a generation; the third waits in the next.
const ONE_TOO_MANY: [[Answer; 4]; 3] = [
    [Done, Done, Blocked, Count(1)],
    [Done, Blocked, Done, Count(1)],
    [Blocked, Done, Done, Count(1)],
];

type Form = fn(&Barrier) -> Result<Turn, WaitError>;

fn plain(barrier: &Barrier) -> Result<Turn, WaitError> {
    barrier.wait().map_err(|IsBroken| WaitError::Broken)
}

fn with_timeout(barrier: &Barrier) -> Result<Turn, WaitError> {
    barrier.wait_timeout(TIMEOUT)
}

/// Fails the model if the wait times out before its deadline.
fn with_deadline(barrier: &Barrier) -> Result<Turn, WaitError> {
    let deadline = Instant::now() + TIMEOUT;
    let result = barrier.wait_deadline(deadline);
    assert!(
        result != Err(WaitError::TimedOut) || deadline.has_passed(),
        "timed out before the deadline"
    );
    result
}

fn zero_timeout(barrier: &Barrier) -> Result<Turn, WaitError> {
    barrier.wait_timeout(Duration::ZERO)
}

/// The index of a thread that passed, or the error. The leader is the last thread to arrive.
fn index(barrier: &Barrier, result: Result<Turn, WaitError>) -> Answer {
    answer(result, |passed| {
        assert_eq!(
            passed.is_leader,
            passed.index + 1 == barrier.parties(),
            "the last thread to arrive is the leader"
        );
        Count(passed.index as u32)
    })
}

fn answer(result: Result<Turn, WaitError>, passed: impl FnOnce(Turn) -> Answer) -> Answer {
    match result {
        Ok(result) => passed(result),
        Err(WaitError::TimedOut) => TimedOut,
        Err(WaitError::Broken) => Broken,
    }
}

/// Each thread writes before it waits, and afterwards reads what the other thread wrote.
fn two_arrivals_visible(scenario: &Scenario, form: Form) -> Vec<Answer> {
    let shared = Arc::new((Barrier::new(2), [Data::new(), Data::new()]));
    for thread in 0..2 {
        scenario.thread(&shared, move |(barrier, written)| {
            written[thread].add();
            answer(form(barrier), |_| written[1 - thread].read())
        });
    }
    scenario.finish()
}

fn three_arrivals_visible(scenario: &Scenario) -> Vec<Answer> {
    let shared = Arc::new((Barrier::new(3), [Data::new(), Data::new(), Data::new()]));
    for thread in 0..3 {
        scenario.thread(&shared, move |(barrier, written)| {
            written[thread].add();
            answer(plain(barrier), |_| {
                Count(written.iter().filter(|written| written.read() == Count(1)).count() as u32)
            })
        });
    }
    scenario.finish()
}

fn three_pass(scenario: &Scenario) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(3));
    for _ in 0..3 {
        scenario.thread(&barrier, |barrier| answer(plain(barrier), |_| Done));
    }
    scenario.finish()
}

fn one_is_missing(scenario: &Scenario) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(3));
    for _ in 0..2 {
        scenario.thread(&barrier, |barrier| index(barrier, plain(barrier)));
    }
    scenario.finish()
}

fn indices(scenario: &Scenario, parties: usize) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(parties));
    for _ in 0..parties {
        scenario.thread(&barrier, |barrier| index(barrier, plain(barrier)));
    }
    scenario.finish()
}

/// A barrier whose action counts the generations.
fn counting(parties: usize) -> Arc<(Barrier<impl FnMut() + Send + 'static>, Arc<Data>)> {
    let generations = Arc::new(Data::new());
    let counter = Arc::clone(&generations);
    let action = move || {
        counter.add();
    };
    Arc::new((Barrier::with_action(parties, action), generations))
}

fn action_is_visible(scenario: &Scenario) -> Vec<Answer> {
    let shared = counting(2);
    for _ in 0..2 {
        scenario.thread(&shared, |(barrier, generations)| {
            barrier.wait().map_or(Broken, |_| generations.read())
        });
    }
    scenario.finish_observing(|| shared.1.read())
}

/// The action of the second generation may run while threads leave the first, so threads read only after the second.
fn action_of_two_generations(scenario: &Scenario) -> Vec<Answer> {
    let shared = counting(2);
    for _ in 0..2 {
        scenario.thread(&shared, |(barrier, generations)| {
            barrier
                .wait()
                .and_then(|_| barrier.wait())
                .map_or(Broken, |_| generations.read())
        });
    }
    scenario.finish_observing(|| shared.1.read())
}

/// The panic propagates to the leader, and the other thread's wait returns `Broken`.
fn action_panics(scenario: &Scenario) -> Vec<Answer> {
    fn action() {
        panic!("the action");
    }
    let barrier = Arc::new(Barrier::with_action(2, action as fn()));
    let first = Arc::new(Data::new());
    for _ in 0..2 {
        let first = Arc::clone(&first);
        scenario.thread(&barrier, move |barrier| {
            let mut is_broken = false;
            let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                is_broken = barrier.wait() == Err(IsBroken);
            }));
            match waited {
                Err(payload) if payload.downcast_ref::<&str>() == Some(&"the action") => {
                    first.add();
                    Done
                }
                Err(payload) => std::panic::resume_unwind(payload),
                Ok(()) => {
                    if is_broken {
                        Broken
                    } else {
                        Count(0)
                    }
                }
            }
        });
    }
    scenario.finish_observing(|| Is(barrier.is_broken()))
}

/// Three threads at a barrier of two: the action runs once, and the surplus thread waits in the next generation.
fn arrival_during_the_action(scenario: &Scenario) -> Vec<Answer> {
    let shared = counting(2);
    for _ in 0..3 {
        scenario.thread(&shared, |(barrier, _)| barrier.wait().map_or(Broken, |_| Done));
    }
    scenario.finish_observing(|| shared.1.read())
}

/// An action that aborts the barrier breaks the generations after its own.
fn action_aborts(scenario: &Scenario) -> Vec<Answer> {
    let slot = Arc::new(std::sync::OnceLock::<std::sync::Weak<dyn Fn() + Send + Sync>>::new());
    let action_slot = Arc::clone(&slot);
    let barrier = Arc::new(Barrier::with_action(2, move || {
        if let Some(abort) = action_slot.get().and_then(std::sync::Weak::upgrade) {
            abort();
        }
    }));
    let captured = Arc::clone(&barrier);
    let abort: Arc<dyn Fn() + Send + Sync> = Arc::new(move || captured.abort());
    let _ = slot.set(Arc::downgrade(&abort));
    for _ in 0..2 {
        scenario.thread(&barrier, |barrier| {
            barrier.wait().map_or(Broken, |passed| Count(passed.index as u32))
        });
    }
    scenario.finish_observing(|| Is(barrier.is_broken()))
}

fn two_blocked(scenario: &Scenario, end: fn(&Barrier)) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(3));
    for _ in 0..2 {
        scenario.thread(&barrier, |barrier| index(barrier, plain(barrier)));
    }
    scenario.settle();
    end(&barrier);
    scenario.finish_observing(|| Is(barrier.is_broken()))
}

fn generation_after_reset(scenario: &Scenario) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(2));
    scenario.thread(&barrier, |barrier| index(barrier, plain(barrier)));
    scenario.settle();
    barrier.reset();
    for _ in 0..2 {
        scenario.thread(&barrier, |barrier| index(barrier, plain(barrier)));
    }
    scenario.finish()
}

/// The second thread blocks on the event, as a law needs a thread that blocks.
fn no_thread_counts(scenario: &Scenario) -> Vec<Answer> {
    let shared = Arc::new((Barrier::new(2), Event::new()));
    scenario.thread(&shared, |(barrier, over)| {
        let answer = index(barrier, with_timeout(barrier));
        over.set();
        answer
    });
    scenario.thread(&shared, |(barrier, over)| {
        over.wait();
        Count(barrier.waiting() as u32)
    });
    scenario.finish_observing(|| Is(shared.0.is_broken()))
}

fn timed_and_plain(scenario: &Scenario, form: Form) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(2));
    scenario.thread(&barrier, move |barrier| index(barrier, form(barrier)));
    scenario.thread(&barrier, |barrier| index(barrier, plain(barrier)));
    scenario.finish()
}

/// A thread whose deadline elapses during the action waits until the action ends.
fn timed_with_an_action(scenario: &Scenario) -> Vec<Answer> {
    let shared = counting(2);
    scenario.thread(&shared, |(barrier, _)| {
        answer(barrier.wait_timeout(TIMEOUT), |passed| Count(passed.index as u32))
    });
    scenario.thread(&shared, |(barrier, _)| {
        barrier.wait().map_or(Broken, |passed| Count(passed.index as u32))
    });
    scenario.finish()
}

impl Subject for Barrier {
    type Spec = spec::barrier::Barrier;

    fn perform(&self, call: Call) -> Answer {
        match call {
            Call::Wait => index(self, plain(self)),
            Call::WaitTimeout => index(self, with_timeout(self)),
            Call::Abort => {
                self.abort();
                Done
            }
            Call::Reset => {
                self.reset();
                Done
            }
            Call::Waiting => Count(self.waiting() as u32),
            Call::IsBroken => Is(self.is_broken()),
        }
    }

    fn observe(&self) -> Answer {
        Is(self.is_broken())
    }
}

fn with_parties(parties: usize) -> Start<Barrier> {
    let make = [|| Barrier::new(1), || Barrier::new(2), || Barrier::new(3)][parties - 1];
    Start {
        make,
        spec: spec::barrier::Barrier::new(parties),
        before: vec![],
    }
}

fn broken(parties: usize) -> Start<Barrier> {
    Start {
        before: vec![Abort],
        ..with_parties(parties)
    }
}

fn starts() -> [Start<Barrier>; 3] {
    [with_parties(1), with_parties(2), broken(2)]
}
