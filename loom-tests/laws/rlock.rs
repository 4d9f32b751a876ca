//! RLock: R1 to R4.

use super::{Data, TIMEOUT};
use crate::law::{Law, Model};
use crate::refines::{Start, Subject, every, program, refinement};
use crate::scenario::{Scenario, panics};
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
            "the lock becomes free exactly when the owner has released it as often as it acquired it",
            [
                Model::new(
                    "one nested owner of two",
                    [[Count(2), Count(3)], [Count(3), Count(1)]],
                    |s| nested_owner(s, acquire),
                ),
                Model::new("two nested owners", [[Count(2), Count(4)], [Count(4), Count(2)]], |s| {
                    nested_owner(s, acquire_nested)
                }),
                Model::new("nested by each method", [[Count(4), Done]], nested_by_each_method),
                Model::new("spurious wake-ups", [[Count(2), Count(3)], [Count(3), Count(1)]], |s| {
                    nested_owner(s, acquire)
                })
                .spurious(),
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
            "a release by a thread that is not the owner returns an error and has no effect",
            [
                Model::new("another thread releases", [[Done, NotHeld, Is(true)]], another_releases),
                Model::new(
                    "with a waiter",
                    [[Done, NotHeld, Done, Is(false)]],
                    another_releases_with_a_waiter,
                )
                .within(2, 3),
            ],
        ),
        Law::new(
            "R3",
            "no other thread acquires the lock before the owner's last release",
            [
                Model::new("acquire", [[Count(1), Done], [Count(1), Blocked]], |s| {
                    one_level_left(s, plain)
                }),
                Model::new("try_acquire", [[Count(1), Done], [Count(1), Busy]], |s| {
                    one_level_left(s, tried)
                }),
                Model::new("acquire_timeout", [[Count(1), Done], [Count(1), TimedOut]], |s| {
                    one_level_left(s, with_timeout)
                }),
                Model::new("acquire_deadline", [[Count(1), Done], [Count(1), TimedOut]], |s| {
                    one_level_left(s, with_deadline)
                }),
                Model::new("acquire_timeout, released", [[Done, Done], [Done, TimedOut]], |s| {
                    owner_releases(s, with_timeout)
                })
                .timed(&[2]),
                Model::new("acquire_deadline, released", [[Done, Done], [Done, TimedOut]], |s| {
                    owner_releases(s, with_deadline)
                })
                .timed(&[2]),
            ],
        ),
        Law::new(
            "R4",
            "an acquire beyond the depth limit returns an error and has no effect",
            [Model::new(
                "each method",
                [[TooDeep, TooDeep, TooDeep, Count(2), Done]],
                too_deep_by_each_method,
            )],
        ),
        refinement(
            "R-spec",
            every(&starts(), &Call::ALL, 2),
            every(&starts(), &Call::ALL, 3),
            owner_with_a_call(),
        ),
    ]
}

type Form = fn(&Owned) -> Answer;

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

fn acquire(owned: &Owned) -> Answer {
    let _guard = owned.lock.acquire();
    owned.data.add()
}

/// Adds at depth two and, after a release, at depth one.
fn acquire_nested(owned: &Owned) -> Answer {
    let _outer = owned.lock.acquire();
    let inner = owned.lock.acquire();
    owned.data.add();
    drop(inner);
    owned.data.add()
}

fn nested_owner(scenario: &Scenario, other: Form) -> Vec<Answer> {
    let owned = Owned::shared();
    scenario.thread(&owned, acquire_nested);
    scenario.thread(&owned, other);
    scenario.finish()
}

fn nested_by_each_method(scenario: &Scenario) -> Vec<Answer> {
    let lock = Arc::new(RLock::new());
    scenario.thread(&lock, |lock| {
        let _plain = lock.acquire();
        let _tried = lock.try_acquire().expect("this thread is the owner");
        let _timed = lock.acquire_timeout(TIMEOUT).expect("this thread is the owner");
        let _deadline = lock
            .acquire_deadline(Instant::now() + TIMEOUT)
            .expect("this thread is the owner");
        Count(lock.depth())
    });
    scenario.thread(&lock, |lock| release(plain(lock)));
    scenario.finish()
}

fn a_nested_owner_panics(scenario: &Scenario) -> Vec<Answer> {
    let owned = Owned::shared();
    scenario.thread(&owned, |owned| {
        panics("in the critical section", || {
            let _outer = owned.lock.acquire();
            let _inner = owned.lock.acquire();
            owned.data.add();
            panic!("in the critical section");
        });
        Done
    });
    scenario.thread(&owned, acquire);
    scenario.finish()
}

fn three_owners(scenario: &Scenario) -> Vec<Answer> {
    let owned = Owned::shared();
    for form in [acquire_nested, acquire, acquire] {
        scenario.thread(&owned, move |owned| {
            form(owned);
            Done
        });
    }
    scenario.finish_observing(|| Is(owned.lock.is_locked()))
}

fn another_releases(scenario: &Scenario) -> Vec<Answer> {
    let lock = Arc::new(RLock::new());
    scenario.thread(&lock, |lock| {
        lock.acquire().forget();
        Done
    });
    scenario.thread(&lock, |lock| lock.release().map_or(NotHeld, |()| Done));
    scenario.finish_observing(|| Is(lock.is_locked()))
}

fn another_releases_with_a_waiter(scenario: &Scenario) -> Vec<Answer> {
    let owned = Owned::shared();
    scenario.thread(&owned, |owned| {
        acquire_nested(owned);
        Done
    });
    scenario.thread(&owned, |owned| owned.lock.release().map_or(NotHeld, |()| Done));
    scenario.thread(&owned, |owned| {
        acquire(owned);
        Done
    });
    scenario.finish_observing(|| Is(owned.lock.is_locked()))
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

fn with_timeout(lock: &RLock) -> Guarded<'_> {
    lock.acquire_timeout(TIMEOUT).map_err(acquire_error)
}

fn with_deadline(lock: &RLock) -> Guarded<'_> {
    lock.acquire_deadline(Instant::now() + TIMEOUT).map_err(acquire_error)
}

fn acquire_error(error: AcquireError) -> Answer {
    match error {
        AcquireError::TimedOut => TimedOut,
        AcquireError::TooDeep => TooDeep,
    }
}

fn keep(guarded: Guarded<'_>) -> Answer {
    guarded.map_or_else(identity, |guard| {
        guard.forget();
        Done
    })
}

fn release(guarded: Guarded<'_>) -> Answer {
    guarded.map_or_else(identity, |_guard| Done)
}

fn one_level_left(scenario: &Scenario, form: fn(&RLock) -> Guarded<'_>) -> Vec<Answer> {
    let owned = Owned::shared();
    scenario.thread(&owned, |owned| {
        keep(plain(&owned.lock));
        release(plain(&owned.lock));
        owned.data.add();
        Count(owned.lock.depth())
    });
    scenario.thread(&owned, move |owned| {
        form(&owned.lock).map_or_else(identity, |_guard| {
            owned.data.add();
            Done
        })
    });
    scenario.finish()
}

fn owner_releases(scenario: &Scenario, form: fn(&RLock) -> Guarded<'_>) -> Vec<Answer> {
    let owned = Owned::shared();
    scenario.thread(&owned, |owned| {
        acquire_nested(owned);
        Done
    });
    scenario.thread(&owned, move |owned| {
        form(&owned.lock).map_or_else(identity, |_guard| {
            owned.data.add();
            Done
        })
    });
    scenario.finish()
}

fn too_deep_by_each_method(scenario: &Scenario) -> Vec<Answer> {
    let lock = Arc::new(RLock::with_max_depth(2));
    scenario.program(&lock, |lock, report| {
        let _guards = (lock.acquire(), lock.acquire());
        panics(&AcquireError::TooDeep.to_string(), || drop(lock.acquire()));
        for form in [tried, with_timeout, with_deadline] {
            report(keep(form(lock)));
        }
        report(Count(lock.depth()));
    });
    scenario.thread(&lock, |lock| release(plain(lock)));
    scenario.finish()
}

impl Subject for RLock {
    type Spec = spec::rlock::RLock;

    fn perform(&self, call: Call) -> Answer {
        match call {
            Call::Acquire if self.depth() == MAX_DEPTH => {
                panics(&AcquireError::TooDeep.to_string(), || self.acquire().forget());
                TooDeep
            }
            Call::Acquire => keep(plain(self)),
            Call::TryAcquire => keep(tried(self)),
            Call::AcquireTimeout => keep(with_timeout(self)),
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

/// Programs of an owner that nests and releases, with each call of a second thread. Programs of single calls never nest.
fn owner_with_a_call() -> Vec<Model> {
    let [free, _] = starts();
    let owner = [Call::Acquire, Call::Acquire, Call::Release, Call::Release];
    Call::ALL
        .into_iter()
        .map(|other| program(&free, vec![owner.to_vec(), vec![other]]))
        .collect()
}
