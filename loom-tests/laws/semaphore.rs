//! Semaphore and BoundedSemaphore: S1 to S8.

use super::{Data, SOON};
use crate::law::{Law, Model};
use crate::refines::{Start, Subject, every, program, refinement};
use crate::stage::{Stage, panics};
use selvedge_loom::backend::Arc;
use selvedge_loom::{BoundedSemaphore, Instant, Permit, Semaphore};
use spec::Answer::{self, Blocked, Busy, Count, Done, OverReleased, TimedOut};
use spec::semaphore::Call::{self, Acquire, AcquireTimeout, Release};
use std::convert::identity;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

pub fn laws() -> Vec<Law> {
    vec![
        Law::new(
            "S1",
            "no more threads hold permits than there were permits",
            [
                Model::new(
                    "one permit, two threads",
                    [[Count(1), Count(2)], [Count(2), Count(1)]],
                    |s| one_permit(s, plain),
                ),
                Model::new(
                    "two permits, three threads",
                    [[Count(1)], [Count(2)]],
                    two_permits_three_threads,
                )
                .within(2, 3),
            ],
        ),
        Law::new(
            "S2",
            "permits are conserved: those there and those held are those there were and those released",
            [
                Model::new("a timeout", [[Done, Done, Count(0)], [Done, TimedOut, Count(1)]], |s| {
                    races_a_release(s, soon)
                })
                .timed(&[2]),
                Model::new(
                    "a deadline",
                    [[Done, Done, Count(0)], [Done, TimedOut, Count(1)]],
                    |s| races_a_release(s, later),
                )
                .timed(&[2]),
                Model::new(
                    "waits return early",
                    [[Done, Done, Count(0)], [Done, TimedOut, Count(1)]],
                    |s| races_a_release(s, soon),
                )
                .early(),
                program(&holding(0), vec![vec![Release(1)], vec![AcquireTimeout], vec![Acquire]])
                    .timed(&[2])
                    .within(3, 4),
                program(&holding(0), vec![vec![Release(1)], vec![Acquire]]),
            ],
        ),
        Law::new(
            "S3",
            "no thread sleeps while there is a permit for it",
            [
                program(&holding(0), vec![vec![Acquire, Release(1)], vec![Release(1), Acquire]]),
                program(&holding(0), vec![vec![Acquire], vec![Release(0), Release(1)]]),
                program(&holding(0), vec![vec![Acquire], vec![Release(1)]]).early(),
                program(
                    &holding(0),
                    vec![vec![Acquire], vec![Acquire], vec![Release(1), Release(1)]],
                )
                .within(2, 3),
                program(
                    &holding(0),
                    vec![vec![Acquire], vec![AcquireTimeout], vec![Release(1), Release(1)]],
                )
                .timed(&[2])
                .within(3, 4),
                Model::new("two asleep, two releases", [[Done, Done, Count(0)]], |s| {
                    two_asleep(s, &[1, 1])
                }),
            ],
        ),
        Law::new(
            "S4",
            "a release of n lets n sleepers through",
            [
                Model::new("two asleep, two released", [[Done, Done, Count(0)]], |s| {
                    two_asleep(s, &[2])
                }),
                Model::new(
                    "two asleep, one released",
                    [[Done, Blocked, Count(0)], [Blocked, Done, Count(0)]],
                    |s| two_asleep(s, &[1]),
                ),
                program(&holding(0), vec![vec![Acquire], vec![Acquire], vec![Release(2)]]).within(2, 3),
            ],
        ),
        Law::new(
            "S5",
            "a bounded semaphore never holds more than it began with",
            [
                program(&bounded(1, 1), vec![vec![Release(1)], vec![Release(1)]]),
                program(&bounded(2, 2), vec![vec![Release(2)], vec![Release(1)]]),
                program(
                    &bounded(1, 0),
                    vec![vec![Release(1)], vec![Acquire, Release(1), Release(1)]],
                ),
                program(&bounded(1, 1), vec![vec![Release(1)], vec![Release(1)], vec![Acquire]]).within(2, 3),
                Model::new("guards", [[Done, Done, Count(1)]], bounded_guards),
                Model::new(
                    "a guard whose room is taken",
                    [[Done, Done, Count(1)], [Done, OverReleased, Count(1)]],
                    a_guard_whose_room_is_taken,
                ),
            ],
        ),
        Law::new(
            "S6",
            "what happened before a release is seen after the acquire that takes its permit",
            [
                Model::new("by one that waits", [[Count(1), Count(1)]], |s| passed_on(s, plain)),
                Model::new("by one that tries", [[Count(1), Count(1)], [Count(1), Busy]], |s| {
                    passed_on(s, tried)
                }),
                Model::new("in time", [[Count(1), Count(1)], [Count(1), TimedOut]], |s| {
                    passed_on(s, soon)
                }),
                Model::new("by a deadline", [[Count(1), Count(1)], [Count(1), TimedOut]], |s| {
                    passed_on(s, later)
                }),
                Model::new("through another's release", [[Done, Done, Count(2)]], through_another).within(2, 3),
            ],
        ),
        Law::new(
            "S7",
            "a holder that panics gives its permit back, one that forgets it does not",
            [
                Model::new("panics", [[Done, Done, Count(1)]], a_holder_panics),
                Model::new(
                    "forgets",
                    [[Done, Blocked, Count(0)], [Blocked, Done, Count(0)]],
                    two_forget,
                ),
            ],
        ),
        Law::new(
            "S8",
            "a release beyond the largest count is an error and changes nothing",
            [
                program(&holding(0), vec![vec![Release(MAX)], vec![Release(1)]]),
                program(&holding(0), vec![vec![Acquire], vec![Release(MAX)], vec![Release(1)]]).within(2, 3),
                program(&holding(0), vec![vec![Release(u32::MAX)], vec![Acquire]]),
            ],
        ),
        refinement(
            "S-spec",
            every(&starts(), &Call::ALL, 2),
            every(&starts(), &Call::ALL, 3),
            vec![],
        ),
    ]
}

const MAX: u32 = Semaphore::MAX_PERMITS;

type Taken<'a> = Result<Permit<'a>, Answer>;
type Form = fn(&Semaphore) -> Taken<'_>;

fn plain(semaphore: &Semaphore) -> Taken<'_> {
    Ok(semaphore.acquire())
}

fn tried(semaphore: &Semaphore) -> Taken<'_> {
    semaphore.try_acquire().ok_or(Busy)
}

fn soon(semaphore: &Semaphore) -> Taken<'_> {
    semaphore.acquire_timeout(SOON).map_err(|_| TimedOut)
}

fn later(semaphore: &Semaphore) -> Taken<'_> {
    semaphore.acquire_deadline(Instant::now() + SOON).map_err(|_| TimedOut)
}

fn kept(taken: Taken<'_>) -> Answer {
    taken.map_or_else(identity, |permit| {
        permit.forget();
        Done
    })
}

struct Shared {
    semaphore: Semaphore,
    data: Data,
    inside: AtomicU32, // std's: no model's business
    most: AtomicU32,
}

impl Shared {
    fn holding(permits: u32) -> Arc<Shared> {
        let semaphore = Semaphore::new(permits);
        Arc::new(Shared {
            semaphore,
            data: Data::new(),
            inside: AtomicU32::new(0),
            most: AtomicU32::new(0),
        })
    }
}

fn one_permit(stage: &Stage, form: Form) -> Vec<Answer> {
    let shared = Shared::holding(1);
    for _ in 0..2 {
        stage.thread(&shared, move |shared| {
            form(&shared.semaphore).map_or_else(identity, |_permit| shared.data.add())
        });
    }
    stage.finish()
}

fn two_permits_three_threads(stage: &Stage) -> Vec<Answer> {
    let shared = Shared::holding(2);
    for form in [plain, soon, plain] {
        stage.thread(&shared, move |shared| {
            let Ok(_permit) = form(&shared.semaphore) else {
                return TimedOut;
            };
            shared.most.fetch_max(shared.inside.fetch_add(1, Relaxed) + 1, Relaxed);
            shared.semaphore.available(); // others may run here
            shared.inside.fetch_sub(1, Relaxed);
            Done
        });
    }
    stage.finish();
    vec![Count(shared.most.load(Relaxed))]
}

fn races_a_release(stage: &Stage, form: Form) -> Vec<Answer> {
    let shared = Shared::holding(0);
    stage.thread(&shared, |shared| {
        shared.semaphore.release(1).map_or(OverReleased, |()| Done)
    });
    stage.thread(&shared, move |shared| kept(form(&shared.semaphore)));
    stage.finish_seeing(|| Count(shared.semaphore.available()))
}

fn two_asleep(stage: &Stage, releases: &[u32]) -> Vec<Answer> {
    let shared = Shared::holding(0);
    for _ in 0..2 {
        stage.thread(&shared, |shared| kept(plain(&shared.semaphore)));
    }
    stage.settle();
    for &count in releases {
        shared.semaphore.release(count).expect("there is room");
    }
    stage.finish_seeing(|| Count(shared.semaphore.available()))
}

fn bounded_guards(stage: &Stage) -> Vec<Answer> {
    let shared = Arc::new((BoundedSemaphore::new(1), Data::new()));
    for _ in 0..2 {
        stage.thread(&shared, |(semaphore, data)| {
            let _permit = semaphore.acquire();
            data.add();
            Done
        });
    }
    stage.finish_seeing(|| Count(shared.0.available()))
}

fn a_guard_whose_room_is_taken(stage: &Stage) -> Vec<Answer> {
    let semaphore = Arc::new(BoundedSemaphore::new(1));
    stage.thread(&semaphore, |semaphore| {
        drop(semaphore.acquire());
        Done
    });
    stage.thread(&semaphore, |semaphore| {
        semaphore.release(1).map_or(OverReleased, |()| Done)
    });
    stage.finish_seeing(|| Count(semaphore.available()))
}

fn passed_on(stage: &Stage, form: Form) -> Vec<Answer> {
    let shared = Shared::holding(0);
    stage.thread(&shared, |shared| {
        let sum = shared.data.add();
        shared.semaphore.release(1).expect("there is room");
        sum
    });
    stage.thread(&shared, move |shared| {
        form(&shared.semaphore).map_or_else(identity, |permit| {
            permit.forget();
            shared.data.read()
        })
    });
    stage.finish()
}

/// Two permits from two releasers: who takes both has seen what both did, whichever permit came from whom.
fn through_another(stage: &Stage) -> Vec<Answer> {
    let shared = Arc::new((Semaphore::new(0), [Data::new(), Data::new()]));
    for releaser in 0..2 {
        stage.thread(&shared, move |(semaphore, data)| {
            data[releaser].add();
            semaphore.release(1).expect("there is room");
            Done
        });
    }
    stage.thread(&shared, |(semaphore, data)| {
        kept(plain(semaphore));
        kept(plain(semaphore));
        let (Count(first), Count(second)) = (data[0].read(), data[1].read()) else {
            unreachable!("both are counts")
        };
        Count(first + second)
    });
    stage.finish()
}

fn a_holder_panics(stage: &Stage) -> Vec<Answer> {
    let shared = Shared::holding(1);
    stage.thread(&shared, |shared| {
        panics("while it holds a permit", || {
            let _permit = shared.semaphore.acquire();
            panic!("while it holds a permit");
        });
        Done
    });
    stage.thread(&shared, |shared| {
        drop(shared.semaphore.acquire());
        Done
    });
    stage.finish_seeing(|| Count(shared.semaphore.available()))
}

fn two_forget(stage: &Stage) -> Vec<Answer> {
    let shared = Shared::holding(1);
    for _ in 0..2 {
        stage.thread(&shared, |shared| kept(plain(&shared.semaphore)));
    }
    stage.finish_seeing(|| Count(shared.semaphore.available()))
}

impl Subject for Semaphore {
    type Spec = spec::semaphore::Semaphore;

    fn perform(&self, call: Call) -> Answer {
        match call {
            Call::Acquire => kept(plain(self)),
            Call::TryAcquire => kept(tried(self)),
            Call::AcquireTimeout => kept(soon(self)),
            Call::Release(count) => self.release(count).map_or(OverReleased, |()| Done),
            Call::Available => Count(self.available()),
        }
    }

    fn observe(&self) -> Answer {
        Count(self.available())
    }
}

impl Subject for BoundedSemaphore {
    type Spec = spec::semaphore::Semaphore;

    fn perform(&self, call: Call) -> Answer {
        match call {
            Call::Acquire => kept(Ok(self.acquire())),
            Call::TryAcquire => kept(self.try_acquire().ok_or(Busy)),
            Call::AcquireTimeout => kept(self.acquire_timeout(SOON).map_err(|_| TimedOut)),
            Call::Release(count) => self.release(count).map_or(OverReleased, |()| Done),
            Call::Available => Count(self.available()),
        }
    }

    fn observe(&self) -> Answer {
        Count(self.available())
    }
}

fn holding(permits: u32) -> Start<Semaphore> {
    let before = if permits == 0 { vec![] } else { vec![Release(permits)] };
    Start {
        make: || Semaphore::new(0),
        spec: spec::semaphore::Semaphore::new(0, MAX),
        before,
    }
}

/// A bounded semaphore of one or two permits, `taken` of which main has acquired.
fn bounded(limit: u32, taken: usize) -> Start<BoundedSemaphore> {
    let make = if limit == 1 {
        || BoundedSemaphore::new(1)
    } else {
        || BoundedSemaphore::new(2)
    };
    Start {
        make,
        spec: spec::semaphore::Semaphore::new(limit, limit),
        before: vec![Acquire; taken],
    }
}

fn starts() -> [Start<Semaphore>; 2] {
    [holding(0), holding(1)]
}
