//! Barrier: B1 to B8.

use super::{Data, SOON};
use crate::law::{Law, Model};
use crate::refines::{Start, Subject, choose, every, program, refinement};
use crate::stage::Stage;
use selvedge_loom::backend::Arc;
use selvedge_loom::sync::WaitError;
use selvedge_loom::{Barrier, Broken as IsBroken, Event, Instant, Turn};
use spec::Answer::{self, Blocked, Broken, Count, Done, Is, TimedOut};
use spec::barrier::Call::{self, Abort, Reset, Wait, WaitTimeout, Waiting};
use std::time::Duration;

/// Parties of a round meet under one mutex, so even two threads have too many interleavings to run them all where
/// they wait more than once. The programs of B-spec take it by its specification, and pairs run them all.
pub fn laws() -> Vec<Law> {
    let pairs = every(&starts(), &Call::ALL, 2)
        .into_iter()
        .map(Model::locks_specified)
        .collect();
    let triples = choose(&Call::ALL, 3).into_iter().map(|calls| {
        // A look between a wait and its timeout takes a third preemption to be seen.
        let bound = if [WaitTimeout, Waiting].iter().all(|call| calls.contains(call)) {
            3
        } else {
            2
        };
        program(&of(2), calls.into_iter().map(|call| vec![call]).collect())
            .within(bound, bound + 1)
            .locks_specified()
    });
    vec![
        Law::new(
            "B1",
            "nobody passes before all parties have come, and then sees what they did",
            [
                Model::new("two parties", [[Count(1), Count(1)]], |s| each_sees_the_other(s, plain)),
                Model::new("two parties, timed", BOTH_OR_NONE, |s| each_sees_the_other(s, soon)).within(4, 6),
                Model::new("three parties", [[Count(3), Count(3), Count(3)]], three_parties).within(1, 2),
                Model::new("one is missing", [[Blocked, Blocked]], one_is_missing),
            ],
        ),
        Law::new(
            "B2",
            "each index is given once in a round, and one party is its leader",
            [
                Model::new("two parties", EITHER_ORDER, |s| indices(s, 2)).within(4, 6),
                Model::new("two parties, waits return early", EITHER_ORDER, |s| indices(s, 2))
                    .early()
                    .within(4, 6),
                program(&of(3), vec![vec![Wait], vec![Wait], vec![Wait]]).within(2, 3),
            ],
        ),
        Law::new(
            "B3",
            "the action runs once a round: after all have come, before any passes",
            [
                Model::new("seen by both", [[Count(1), Count(1), Count(1)]], action_is_seen).within(4, 6),
                Model::new("two rounds", [[Count(2), Count(2), Count(2)]], action_of_two_rounds).within(2, 3),
                Model::new(
                    "it panics",
                    [[Done, Broken, Is(true)], [Broken, Done, Is(true)]],
                    action_panics,
                )
                .within(4, 6),
                Model::new("one comes while it runs", LATE_FOR_THE_ACTION, one_comes_while_it_runs).within(2, 3),
                Model::new(
                    "it uses the barrier",
                    [[Count(0), Count(1), Is(true)], [Count(1), Count(0), Is(true)]],
                    action_aborts,
                )
                .within(4, 6),
            ],
        ),
        Law::new(
            "B4",
            "no party passes twice in a round",
            [
                program(&of(2), vec![vec![Wait, Wait], vec![Wait, Wait]]).within(4, 5),
                program(&of(2), vec![vec![Wait, Wait], vec![Wait]]).within(4, 6),
                program(&of(2), vec![vec![Wait], vec![Wait], vec![Wait, Wait]]).within(2, 3),
                Model::new("three parties", [[Done, Done, Done]], nobody_stays_behind).within(1, 2),
            ],
        ),
        Law::new(
            "B5",
            "when a round is broken, all who wait in it are turned away, and nobody sleeps",
            [
                program(&of(3), vec![vec![Wait], vec![Wait], vec![Abort]]).within(2, 3),
                program(&of(2), vec![vec![Wait], vec![WaitTimeout]]).within(4, 6),
                program(&of(2), vec![vec![Wait], vec![Abort, Wait]]).within(4, 6),
                program(&of(2), vec![vec![Wait], vec![Wait], vec![Abort]]).within(2, 3),
                Model::new("two asleep, aborted", [[Broken, Broken, Is(true)]], |s| {
                    two_asleep(s, Barrier::abort)
                })
                .within(4, 6),
                Model::new("two asleep, reset", [[Broken, Broken, Is(false)]], |s| {
                    two_asleep(s, Barrier::reset)
                })
                .within(4, 6),
            ],
        ),
        Law::new(
            "B6",
            "after a reset a full round passes",
            [
                Model::new(
                    "one asleep",
                    [[Broken, Count(0), Count(1)], [Broken, Count(1), Count(0)]],
                    reset_then_a_round,
                )
                .within(2, 3),
                program(&of(2), vec![vec![Abort, Reset, Wait], vec![Wait]]).within(4, 6),
                program(&broken(2), vec![vec![Reset, Wait], vec![Wait]]).within(4, 6),
                program(&of(2), vec![vec![Wait], vec![Wait], vec![Reset]]).within(2, 3),
            ],
        ),
        Law::new(
            "B7",
            "a party that timed out is not counted any more",
            [
                program(&of(2), vec![vec![WaitTimeout, Reset], vec![Wait]])
                    .timed(&[1])
                    .within(4, 6),
                program(&of(2), vec![vec![WaitTimeout, Reset, Wait], vec![Wait]]).within(3, 4),
                program(&of(2), vec![vec![WaitTimeout, Reset, WaitTimeout]]),
                Model::new("nobody is counted", [[TimedOut, Count(0), Is(true)]], nobody_is_counted),
            ],
        ),
        Law::new(
            "B8",
            "a timeout beside the last arrival: all pass, or none",
            [
                Model::new("a timeout", TIMED_OR_BOTH, |s| timed_beside(s, soon))
                    .timed(&[1])
                    .within(4, 6),
                Model::new("a deadline", TIMED_OR_BOTH, |s| timed_beside(s, later))
                    .timed(&[1])
                    .within(4, 6),
                Model::new("no time at all", TIMED_OR_BOTH, |s| timed_beside(s, at_once)).within(4, 6),
                Model::new("waits return early", TIMED_OR_BOTH, |s| timed_beside(s, soon))
                    .early()
                    .within(4, 6),
                program(&of(2), vec![vec![WaitTimeout], vec![WaitTimeout]])
                    .timed(&[1, 2])
                    .within(4, 6),
                Model::new("with an action", TIMED_OR_BOTH, timed_with_an_action)
                    .timed(&[1])
                    .within(4, 6),
                program(&of(3), vec![vec![WaitTimeout], vec![Wait], vec![Wait]])
                    .timed(&[1])
                    .within(3, 4),
            ],
        ),
        refinement("B-spec", pairs, vec![], triples.collect()),
    ]
}

const EITHER_ORDER: [[Answer; 2]; 2] = [[Count(0), Count(1)], [Count(1), Count(0)]];

/// Of two timed parties, both pass; or one's time is over, and the other comes to a broken barrier, or is turned away.
const BOTH_OR_NONE: [[Answer; 2]; 3] = [[Count(1), Count(1)], [TimedOut, Broken], [Broken, TimedOut]];

/// The first is timed; one that comes to the broken barrier is turned away at once.
const TIMED_OR_BOTH: [[Answer; 2]; 3] = [[Count(0), Count(1)], [Count(1), Count(0)], [TimedOut, Broken]];

/// Two are a round, and the third is the next one's first.
const LATE_FOR_THE_ACTION: [[Answer; 4]; 3] = [
    [Done, Done, Blocked, Count(1)],
    [Done, Blocked, Done, Count(1)],
    [Blocked, Done, Done, Count(1)],
];

type Form = fn(&Barrier) -> Result<Turn, WaitError>;

fn plain(barrier: &Barrier) -> Result<Turn, WaitError> {
    barrier.wait().map_err(|IsBroken| WaitError::Broken)
}

fn soon(barrier: &Barrier) -> Result<Turn, WaitError> {
    barrier.wait_timeout(SOON)
}

/// Fails the model if it times out before its time.
fn later(barrier: &Barrier) -> Result<Turn, WaitError> {
    let deadline = Instant::now() + SOON;
    let turn = barrier.wait_deadline(deadline);
    assert!(
        turn != Err(WaitError::TimedOut) || deadline.has_passed(),
        "it gave up too early"
    );
    turn
}

fn at_once(barrier: &Barrier) -> Result<Turn, WaitError> {
    barrier.wait_timeout(Duration::ZERO)
}

/// The index, or what went wrong. The leader is the last to come.
fn index(barrier: &Barrier, turn: Result<Turn, WaitError>) -> Answer {
    worded(turn, |turn| {
        assert_eq!(
            turn.is_leader,
            turn.index + 1 == barrier.parties(),
            "the last to come leads"
        );
        Count(turn.index as u32)
    })
}

fn worded(turn: Result<Turn, WaitError>, passed: impl FnOnce(Turn) -> Answer) -> Answer {
    match turn {
        Ok(turn) => passed(turn),
        Err(WaitError::TimedOut) => TimedOut,
        Err(WaitError::Broken) => Broken,
    }
}

/// Each party writes before it waits, and reads what the other wrote afterwards.
fn each_sees_the_other(stage: &Stage, form: Form) -> Vec<Answer> {
    let shared = Arc::new((Barrier::new(2), [Data::new(), Data::new()]));
    for me in 0..2 {
        stage.thread(&shared, move |(barrier, written)| {
            written[me].add();
            worded(form(barrier), |_| written[1 - me].read())
        });
    }
    stage.finish()
}

fn three_parties(stage: &Stage) -> Vec<Answer> {
    let shared = Arc::new((Barrier::new(3), [Data::new(), Data::new(), Data::new()]));
    for me in 0..3 {
        stage.thread(&shared, move |(barrier, written)| {
            written[me].add();
            worded(plain(barrier), |_| {
                Count(written.iter().filter(|written| written.read() == Count(1)).count() as u32)
            })
        });
    }
    stage.finish()
}

fn nobody_stays_behind(stage: &Stage) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(3));
    for _ in 0..3 {
        stage.thread(&barrier, |barrier| worded(plain(barrier), |_| Done));
    }
    stage.finish()
}

fn one_is_missing(stage: &Stage) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(3));
    for _ in 0..2 {
        stage.thread(&barrier, |barrier| index(barrier, plain(barrier)));
    }
    stage.finish()
}

fn indices(stage: &Stage, parties: usize) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(parties));
    for _ in 0..parties {
        stage.thread(&barrier, |barrier| index(barrier, plain(barrier)));
    }
    stage.finish()
}

/// A barrier whose action counts the rounds.
fn counting(parties: usize) -> Arc<(Barrier<impl FnMut() + Send + 'static>, Arc<Data>)> {
    let rounds = Arc::new(Data::new());
    let counted = Arc::clone(&rounds);
    let action = move || {
        counted.add();
    };
    Arc::new((Barrier::with_action(parties, action), rounds))
}

fn action_is_seen(stage: &Stage) -> Vec<Answer> {
    let shared = counting(2);
    for _ in 0..2 {
        stage.thread(&shared, |(barrier, rounds)| {
            barrier.wait().map_or(Broken, |_| rounds.read())
        });
    }
    stage.finish_seeing(|| shared.1.read())
}

/// The second round's action could run beside the first round's parties, so these read after it only.
fn action_of_two_rounds(stage: &Stage) -> Vec<Answer> {
    let shared = counting(2);
    for _ in 0..2 {
        stage.thread(&shared, |(barrier, rounds)| {
            barrier
                .wait()
                .and_then(|_| barrier.wait())
                .map_or(Broken, |_| rounds.read())
        });
    }
    stage.finish_seeing(|| shared.1.read())
}

/// The leader panics too, and the other is turned away.
fn action_panics(stage: &Stage) -> Vec<Answer> {
    fn action() {
        panic!("the action");
    }
    let barrier = Arc::new(Barrier::with_action(2, action as fn()));
    let first = Arc::new(Data::new());
    for _ in 0..2 {
        let first = Arc::clone(&first);
        stage.thread(&barrier, move |barrier| {
            let mut turned_away = false;
            let leader = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                turned_away = barrier.wait() == Err(IsBroken);
            }));
            match leader {
                Err(payload) if payload.downcast_ref::<&str>() == Some(&"the action") => {
                    first.add();
                    Done
                }
                Err(payload) => std::panic::resume_unwind(payload),
                Ok(()) => {
                    if turned_away {
                        Broken
                    } else {
                        Count(0)
                    }
                }
            }
        });
    }
    stage.finish_seeing(|| Is(barrier.is_broken()))
}

/// Three threads, two parties: the action runs once, and whoever is too many waits for the next round.
fn one_comes_while_it_runs(stage: &Stage) -> Vec<Answer> {
    let shared = counting(2);
    for _ in 0..3 {
        stage.thread(&shared, |(barrier, _)| barrier.wait().map_or(Broken, |_| Done));
    }
    stage.finish_seeing(|| shared.1.read())
}

/// An action that aborts breaks the rounds after its own.
fn action_aborts(stage: &Stage) -> Vec<Answer> {
    let slot = Arc::new(std::sync::OnceLock::<std::sync::Weak<dyn Fn() + Send + Sync>>::new());
    let called = Arc::clone(&slot);
    let barrier = Arc::new(Barrier::with_action(2, move || {
        if let Some(abort) = called.get().and_then(std::sync::Weak::upgrade) {
            abort();
        }
    }));
    let theirs = Arc::clone(&barrier);
    let abort: Arc<dyn Fn() + Send + Sync> = Arc::new(move || theirs.abort());
    let _ = slot.set(Arc::downgrade(&abort));
    for _ in 0..2 {
        stage.thread(&barrier, |barrier| {
            barrier.wait().map_or(Broken, |turn| Count(turn.index as u32))
        });
    }
    stage.finish_seeing(|| Is(barrier.is_broken()))
}

fn two_asleep(stage: &Stage, end: fn(&Barrier)) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(3));
    for _ in 0..2 {
        stage.thread(&barrier, |barrier| index(barrier, plain(barrier)));
    }
    stage.settle();
    end(&barrier);
    stage.finish_seeing(|| Is(barrier.is_broken()))
}

fn reset_then_a_round(stage: &Stage) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(2));
    stage.thread(&barrier, |barrier| index(barrier, plain(barrier)));
    stage.settle();
    barrier.reset();
    for _ in 0..2 {
        stage.thread(&barrier, |barrier| index(barrier, plain(barrier)));
    }
    stage.finish()
}

/// With a second thread, so that one sleeps in a model of this law.
fn nobody_is_counted(stage: &Stage) -> Vec<Answer> {
    let shared = Arc::new((Barrier::new(2), Event::new()));
    stage.thread(&shared, |(barrier, over)| {
        let answer = index(barrier, soon(barrier));
        over.set();
        answer
    });
    stage.thread(&shared, |(barrier, over)| {
        over.wait();
        Count(barrier.waiting() as u32)
    });
    stage.finish_seeing(|| Is(shared.0.is_broken()))
}

fn timed_beside(stage: &Stage, form: Form) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(2));
    stage.thread(&barrier, move |barrier| index(barrier, form(barrier)));
    stage.thread(&barrier, |barrier| index(barrier, plain(barrier)));
    stage.finish()
}

/// A party whose time is over while the action runs stays until its end.
fn timed_with_an_action(stage: &Stage) -> Vec<Answer> {
    let shared = counting(2);
    stage.thread(&shared, |(barrier, _)| {
        worded(barrier.wait_timeout(SOON), |turn| Count(turn.index as u32))
    });
    stage.thread(&shared, |(barrier, _)| {
        barrier.wait().map_or(Broken, |turn| Count(turn.index as u32))
    });
    stage.finish()
}

impl Subject for Barrier {
    type Spec = spec::barrier::Barrier;

    fn perform(&self, call: Call) -> Answer {
        match call {
            Call::Wait => index(self, plain(self)),
            Call::WaitTimeout => index(self, soon(self)),
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

fn of(parties: usize) -> Start<Barrier> {
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
        ..of(parties)
    }
}

fn starts() -> [Start<Barrier>; 3] {
    [of(1), of(2), broken(2)]
}
