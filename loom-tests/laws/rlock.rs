//! RLock: R1 to R4.

use super::{Data, SOON};
use crate::law::{Law, Model};
use crate::refines::{Start, Subject, every, program, refinement};
use crate::stage::{Stage, panics};
use selvedge_loom::backend::Arc;
use selvedge_loom::sync::{AcquireError, TryAcquireError};
use selvedge_loom::{Instant, RLock, RLockGuard};
use spec::Answer::{self, Blocked, Busy, Count, Done, Is, NotHeld, TimedOut, TooDeep};
use spec::rlock::Call;
use std::convert::identity;

pub fn laws() -> Vec<Law> {
    vec![
        Law::new(
            "R1",
            "as many releases free the lock as there were acquires",
            [
                Model::new(
                    "a nested owner and another",
                    [[Count(2), Count(3)], [Count(3), Count(1)]],
                    |s| nested_owner(s, take),
                ),
                Model::new("two nested owners", [[Count(2), Count(4)], [Count(4), Count(2)]], |s| {
                    nested_owner(s, take_nested)
                }),
                Model::new("nested by each form", [[Count(4), Done]], nested_by_each_form),
                Model::new(
                    "waits return early",
                    [[Count(2), Count(3)], [Count(3), Count(1)]],
                    |s| nested_owner(s, take),
                )
                .early(),
                Model::new(
                    "a nested owner panics",
                    [[Done, Count(1)], [Done, Count(2)]],
                    a_nested_owner_panics,
                ),
                Model::new("three owners", [[Done, Done, Done, Is(false)]], three_owners).within(2, 3),
            ],
        ),
        Law::new(
            "R2",
            "only the owner releases",
            [
                Model::new("another releases", [[Done, NotHeld, Is(true)]], another_releases),
                Model::new(
                    "beside a waiter",
                    [[Done, NotHeld, Done, Is(false)]],
                    another_releases_beside_a_waiter,
                )
                .within(2, 3),
            ],
        ),
        Law::new(
            "R3",
            "while the owner has a level left, nobody else gets the lock",
            [
                Model::new("by waiting", [[Count(1), Done], [Count(1), Blocked]], |s| {
                    one_level_left(s, plain)
                }),
                Model::new("by trying", [[Count(1), Done], [Count(1), Busy]], |s| {
                    one_level_left(s, tried)
                }),
                Model::new("in time", [[Count(1), Done], [Count(1), TimedOut]], |s| {
                    one_level_left(s, soon)
                }),
                Model::new("by a deadline", [[Count(1), Done], [Count(1), TimedOut]], |s| {
                    one_level_left(s, later)
                }),
                Model::new("the owner ends, in time", [[Done, Done], [Done, TimedOut]], |s| {
                    an_owner_ends(s, soon)
                })
                .timed(&[2]),
                Model::new("the owner ends, by a deadline", [[Done, Done], [Done, TimedOut]], |s| {
                    an_owner_ends(s, later)
                })
                .timed(&[2]),
            ],
        ),
        Law::new(
            "R4",
            "an acquire beyond the limit is an error and changes nothing",
            [Model::new(
                "by each form",
                [[TooDeep, TooDeep, TooDeep, Count(2), Done]],
                too_deep_by_each_form,
            )],
        ),
        refinement(
            "R-spec",
            every(&starts(), &Call::ALL, 2),
            every(&starts(), &Call::ALL, 3),
            owners_beside_a_call(),
        ),
    ]
}

type Take = fn(&Owned) -> Answer;

struct Owned {
    lock: RLock,
    data: Data,
}

impl Owned {
    fn shared() -> Arc<Owned> {
        Arc::new(Owned {
            lock: RLock::new(),
            data: Data::new(),
        })
    }
}

fn take(owned: &Owned) -> Answer {
    let _guard = owned.lock.acquire();
    owned.data.add()
}

/// Adds at depth two and, having given a level back, at depth one.
fn take_nested(owned: &Owned) -> Answer {
    let _outer = owned.lock.acquire();
    let inner = owned.lock.acquire();
    owned.data.add();
    drop(inner);
    owned.data.add()
}

fn nested_owner(stage: &Stage, other: Take) -> Vec<Answer> {
    let owned = Owned::shared();
    stage.thread(&owned, take_nested);
    stage.thread(&owned, other);
    stage.finish()
}

fn nested_by_each_form(stage: &Stage) -> Vec<Answer> {
    let lock = Arc::new(RLock::new());
    stage.thread(&lock, |lock| {
        let _plain = lock.acquire();
        let _tried = lock.try_acquire().expect("it is ours");
        let _timed = lock.acquire_timeout(SOON).expect("it is ours");
        let _deadline = lock.acquire_deadline(Instant::now() + SOON).expect("it is ours");
        Count(lock.depth())
    });
    stage.thread(&lock, |lock| given_back(plain(lock)));
    stage.finish()
}

fn a_nested_owner_panics(stage: &Stage) -> Vec<Answer> {
    let owned = Owned::shared();
    stage.thread(&owned, |owned| {
        panics("in the critical section", || {
            let _outer = owned.lock.acquire();
            let _inner = owned.lock.acquire();
            owned.data.add();
            panic!("in the critical section");
        });
        Done
    });
    stage.thread(&owned, take);
    stage.finish()
}

fn three_owners(stage: &Stage) -> Vec<Answer> {
    let owned = Owned::shared();
    for form in [take_nested, take, take] {
        stage.thread(&owned, move |owned| {
            form(owned);
            Done
        });
    }
    stage.finish_seeing(|| Is(owned.lock.is_locked()))
}

fn another_releases(stage: &Stage) -> Vec<Answer> {
    let lock = Arc::new(RLock::new());
    stage.thread(&lock, |lock| {
        lock.acquire().forget();
        Done
    });
    stage.thread(&lock, |lock| lock.release().map_or(NotHeld, |()| Done));
    stage.finish_seeing(|| Is(lock.is_locked()))
}

fn another_releases_beside_a_waiter(stage: &Stage) -> Vec<Answer> {
    let owned = Owned::shared();
    stage.thread(&owned, |owned| {
        take_nested(owned);
        Done
    });
    stage.thread(&owned, |owned| owned.lock.release().map_or(NotHeld, |()| Done));
    stage.thread(&owned, |owned| {
        take(owned);
        Done
    });
    stage.finish_seeing(|| Is(owned.lock.is_locked()))
}

type Guarded<'a> = Result<RLockGuard<'a>, Answer>;

fn plain(lock: &RLock) -> Guarded<'_> {
    Ok(lock.acquire())
}

fn tried(lock: &RLock) -> Guarded<'_> {
    lock.try_acquire().map_err(|error| match error {
        TryAcquireError::Held => Busy,
        TryAcquireError::TooDeep => TooDeep,
    })
}

fn soon(lock: &RLock) -> Guarded<'_> {
    lock.acquire_timeout(SOON).map_err(late)
}

fn later(lock: &RLock) -> Guarded<'_> {
    lock.acquire_deadline(Instant::now() + SOON).map_err(late)
}

fn late(error: AcquireError) -> Answer {
    match error {
        AcquireError::TimedOut => TimedOut,
        AcquireError::TooDeep => TooDeep,
    }
}

fn kept(guarded: Guarded<'_>) -> Answer {
    guarded.map_or_else(identity, |guard| {
        guard.forget();
        Done
    })
}

fn given_back(guarded: Guarded<'_>) -> Answer {
    guarded.map_or_else(identity, |_guard| Done)
}

fn one_level_left(stage: &Stage, form: fn(&RLock) -> Guarded<'_>) -> Vec<Answer> {
    let owned = Owned::shared();
    stage.thread(&owned, |owned| {
        kept(plain(&owned.lock));
        given_back(plain(&owned.lock));
        owned.data.add();
        Count(owned.lock.depth())
    });
    stage.thread(&owned, move |owned| {
        form(&owned.lock).map_or_else(identity, |_guard| {
            owned.data.add();
            Done
        })
    });
    stage.finish()
}

fn an_owner_ends(stage: &Stage, form: fn(&RLock) -> Guarded<'_>) -> Vec<Answer> {
    let owned = Owned::shared();
    stage.thread(&owned, |owned| {
        take_nested(owned);
        Done
    });
    stage.thread(&owned, move |owned| {
        form(&owned.lock).map_or_else(identity, |_guard| {
            owned.data.add();
            Done
        })
    });
    stage.finish()
}

fn too_deep_by_each_form(stage: &Stage) -> Vec<Answer> {
    let lock = Arc::new(RLock::with_max_depth(2));
    stage.program(&lock, |lock, say| {
        let _guards = (lock.acquire(), lock.acquire());
        panics(&AcquireError::TooDeep.to_string(), || drop(lock.acquire()));
        for form in [tried, soon, later] {
            say(kept(form(lock)));
        }
        say(Count(lock.depth()));
    });
    stage.thread(&lock, |lock| given_back(plain(lock)));
    stage.finish()
}

impl Subject for RLock {
    type Spec = spec::rlock::RLock;

    fn perform(&self, call: Call) -> Answer {
        match call {
            Call::Acquire if self.depth() == MAX_DEPTH => {
                panics(&AcquireError::TooDeep.to_string(), || self.acquire().forget());
                TooDeep
            }
            Call::Acquire => kept(plain(self)),
            Call::TryAcquire => kept(tried(self)),
            Call::AcquireTimeout => kept(soon(self)),
            Call::Release => self.release().map_or(NotHeld, |()| Done),
            Call::Depth => Count(self.depth()),
            Call::IsLocked => Is(self.is_locked()),
        }
    }

    fn observe(&self) -> Answer {
        Is(self.is_locked())
    }
}

const MAX_DEPTH: u32 = 2;

fn starts() -> [Start<RLock>; 2] {
    let make = || RLock::with_max_depth(MAX_DEPTH);
    let free = || Start {
        make,
        spec: spec::rlock::RLock::with_max_depth(MAX_DEPTH),
        before: vec![],
    };
    [
        free(),
        Start {
            before: vec![Call::Acquire],
            ..free()
        },
    ]
}

/// An owner that goes on, beside one call of another: what single calls cannot show of a lock with owners.
fn owners_beside_a_call() -> Vec<Model> {
    let [free, _] = starts();
    let owner = [Call::Acquire, Call::Acquire, Call::Release, Call::Release];
    Call::ALL
        .into_iter()
        .map(|other| program(&free, vec![owner.to_vec(), vec![other]]))
        .collect()
}
