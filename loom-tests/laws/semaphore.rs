//! Semaphore and BoundedSemaphore: S1 to S8.

use super::{Data, TIMEOUT};
use crate::law::{Law, Model};
use crate::refines::{Start, Subject, every, program, refinement};
use crate::scenario::{Scenario, panics};
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
            "the number of threads that hold a permit never exceeds the number of permits",
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
            "permits are conserved: available plus held permits equal initial plus released permits",
            [
                Model::new("a timeout", [[Done, Done, Count(0)], [Done, TimedOut, Count(1)]], |s| {
                    races_a_release(s, with_timeout)
                })
                .timed(&[2]),
                Model::new(
                    "a deadline",
                    [[Done, Done, Count(0)], [Done, TimedOut, Count(1)]],
                    |s| races_a_release(s, with_deadline),
                )
                .timed(&[2]),
                Model::new(
                    "spurious wake-ups",
                    [[Done, Done, Count(0)], [Done, TimedOut, Count(1)]],
                    |s| races_a_release(s, with_timeout),
                )
                .spurious(),
                program(&holding(0), vec![vec![Release(1)], vec![AcquireTimeout], vec![Acquire]])
                    .timed(&[2])
                    .within(3, 4),
                program(&holding(0), vec![vec![Release(1)], vec![Acquire]]),
            ],
        ),
        Law::new(
            "S3",
            "no lost wake-up: no thread stays blocked while a permit is available",
            [
                program(&holding(0), vec![vec![Acquire, Release(1)], vec![Release(1), Acquire]]),
                program(&holding(0), vec![vec![Acquire], vec![Release(0), Release(1)]]),
                program(&holding(0), vec![vec![Acquire], vec![Release(1)]]).spurious(),
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
                Model::new("two blocked, two releases", [[Done, Done, Count(0)]], |s| {
                    two_blocked(s, &[1, 1])
                }),
            ],
        ),
        Law::new(
            "S4",
            "a release of n permits unblocks min(n, waiters) waiters",
            [
                Model::new("two blocked, two permits released", [[Done, Done, Count(0)]], |s| {
                    two_blocked(s, &[2])
                }),
                Model::new(
                    "two blocked, one permit released",
                    [[Done, Blocked, Count(0)], [Blocked, Done, Count(0)]],
                    |s| two_blocked(s, &[1]),
                ),
                program(&holding(0), vec![vec![Acquire], vec![Acquire], vec![Release(2)]]).within(2, 3),
            ],
        ),
        Law::new(
            "S5",
            "a bounded semaphore never has more available permits than its initial count",
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
                    "a permit dropped at the limit",
                    [[Done, Done, Count(1)], [Done, OverReleased, Count(1)]],
                    permit_dropped_at_the_limit,
                ),
            ],
        ),
        Law::new(
            "S6",
            "a release happens-before every acquire that obtains one of its permits",
            [
                Model::new("acquire", [[Count(1), Count(1)]], |s| published(s, plain)),
                Model::new("try_acquire", [[Count(1), Count(1)], [Count(1), Busy]], |s| {
                    published(s, tried)
                }),
                Model::new("acquire_timeout", [[Count(1), Count(1)], [Count(1), TimedOut]], |s| {
                    published(s, with_timeout)
                }),
                Model::new("acquire_deadline", [[Count(1), Count(1)], [Count(1), TimedOut]], |s| {
                    published(s, with_deadline)
                }),
                Model::new("two releasers", [[Done, Done, Count(2)]], two_releasers).within(2, 3),
            ],
        ),
        Law::new(
            "S7",
            "a permit returns to the semaphore when its holder panics, but not when it is forgotten",
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
            "a release that would exceed the maximum count returns an error and has no effect",
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

type Acquired<'a> = Result<Permit<'a>, Answer>;
type Form = fn(&Semaphore) -> Acquired<'_>;

fn plain(semaphore: &Semaphore) -> Acquired<'_> {
    Ok(semaphore.acquire())
}

fn tried(semaphore: &Semaphore) -> Acquired<'_> {
    semaphore.try_acquire().ok_or(Busy)
}

fn with_timeout(semaphore: &Semaphore) -> Acquired<'_> {
    semaphore.acquire_timeout(TIMEOUT).map_err(|_| TimedOut)
}

fn with_deadline(semaphore: &Semaphore) -> Acquired<'_> {
    semaphore
        .acquire_deadline(Instant::now() + TIMEOUT)
        .map_err(|_| TimedOut)
}

fn keep(acquired: Acquired<'_>) -> Answer {
    acquired.map_or_else(identity, |permit| {
        permit.forget();
        Done
    })
}

struct Shared {
    semaphore: Semaphore,
    data: Data,
    holders: AtomicU32, // std's, so that it adds no interleavings
    max_holders: AtomicU32,
}

impl Shared {
    fn holding(permits: u32) -> Arc<Shared> {
        let semaphore = Semaphore::new(permits);
        Arc::new(Shared {
            semaphore,
            data: Data::new(),
            holders: AtomicU32::new(0),
            max_holders: AtomicU32::new(0),
        })
    }
}

fn one_permit(scenario: &Scenario, form: Form) -> Vec<Answer> {
    let shared = Shared::holding(1);
    for _ in 0..2 {
        scenario.thread(&shared, move |shared| {
            form(&shared.semaphore).map_or_else(identity, |_permit| shared.data.add())
        });
    }
    scenario.finish()
}

fn two_permits_three_threads(scenario: &Scenario) -> Vec<Answer> {
    let shared = Shared::holding(2);
    for form in [plain, with_timeout, plain] {
        scenario.thread(&shared, move |shared| {
            let Ok(_permit) = form(&shared.semaphore) else {
                return TimedOut;
            };
            shared
                .max_holders
                .fetch_max(shared.holders.fetch_add(1, Relaxed) + 1, Relaxed);
            shared.semaphore.available(); // a point at which loom may switch threads
            shared.holders.fetch_sub(1, Relaxed);
            Done
        });
    }
    scenario.finish();
    vec![Count(shared.max_holders.load(Relaxed))]
}

fn races_a_release(scenario: &Scenario, form: Form) -> Vec<Answer> {
    let shared = Shared::holding(0);
    scenario.thread(&shared, |shared| {
        shared.semaphore.release(1).map_or(OverReleased, |()| Done)
    });
    scenario.thread(&shared, move |shared| keep(form(&shared.semaphore)));
    scenario.finish_observing(|| Count(shared.semaphore.available()))
}

fn two_blocked(scenario: &Scenario, releases: &[u32]) -> Vec<Answer> {
    let shared = Shared::holding(0);
    for _ in 0..2 {
        scenario.thread(&shared, |shared| keep(plain(&shared.semaphore)));
    }
    scenario.settle();
    for &count in releases {
        shared.semaphore.release(count).expect("the count is below the maximum");
    }
    scenario.finish_observing(|| Count(shared.semaphore.available()))
}

fn bounded_guards(scenario: &Scenario) -> Vec<Answer> {
    let shared = Arc::new((BoundedSemaphore::new(1), Data::new()));
    for _ in 0..2 {
        scenario.thread(&shared, |(semaphore, data)| {
            let _permit = semaphore.acquire();
            data.add();
            Done
        });
    }
    scenario.finish_observing(|| Count(shared.0.available()))
}

fn permit_dropped_at_the_limit(scenario: &Scenario) -> Vec<Answer> {
    let semaphore = Arc::new(BoundedSemaphore::new(1));
    scenario.thread(&semaphore, |semaphore| {
        drop(semaphore.acquire());
        Done
    });
    scenario.thread(&semaphore, |semaphore| {
        semaphore.release(1).map_or(OverReleased, |()| Done)
    });
    scenario.finish_observing(|| Count(semaphore.available()))
}

fn published(scenario: &Scenario, form: Form) -> Vec<Answer> {
    let shared = Shared::holding(0);
    scenario.thread(&shared, |shared| {
        let sum = shared.data.add();
        shared.semaphore.release(1).expect("the count is below the maximum");
        sum
    });
    scenario.thread(&shared, move |shared| {
        form(&shared.semaphore).map_or_else(identity, |permit| {
            permit.forget();
            shared.data.read()
        })
    });
    scenario.finish()
}

/// Two permits from two releasers. Both releases happen-before the second acquire, whichever permit it obtains.
fn two_releasers(scenario: &Scenario) -> Vec<Answer> {
    let shared = Arc::new((Semaphore::new(0), [Data::new(), Data::new()]));
    for releaser in 0..2 {
        scenario.thread(&shared, move |(semaphore, data)| {
            data[releaser].add();
            semaphore.release(1).expect("the count is below the maximum");
            Done
        });
    }
    scenario.thread(&shared, |(semaphore, data)| {
        keep(plain(semaphore));
        keep(plain(semaphore));
        let (Count(first), Count(second)) = (data[0].read(), data[1].read()) else {
            unreachable!("both answers are counts")
        };
        Count(first + second)
    });
    scenario.finish()
}

fn a_holder_panics(scenario: &Scenario) -> Vec<Answer> {
    let shared = Shared::holding(1);
    scenario.thread(&shared, |shared| {
        panics("while it holds a permit", || {
            let _permit = shared.semaphore.acquire();
            panic!("while it holds a permit");
        });
        Done
    });
    scenario.thread(&shared, |shared| {
        drop(shared.semaphore.acquire());
        Done
    });
    scenario.finish_observing(|| Count(shared.semaphore.available()))
}

fn two_forget(scenario: &Scenario) -> Vec<Answer> {
    let shared = Shared::holding(1);
    for _ in 0..2 {
        scenario.thread(&shared, |shared| keep(plain(&shared.semaphore)));
    }
    scenario.finish_observing(|| Count(shared.semaphore.available()))
}

impl Subject for Semaphore {
    type Spec = spec::semaphore::Semaphore;

    fn perform(&self, call: Call) -> Answer {
        match call {
            Call::Acquire => keep(plain(self)),
            Call::TryAcquire => keep(tried(self)),
            Call::AcquireTimeout => keep(with_timeout(self)),
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
            Call::Acquire => keep(Ok(self.acquire())),
            Call::TryAcquire => keep(self.try_acquire().ok_or(Busy)),
            Call::AcquireTimeout => keep(self.acquire_timeout(TIMEOUT).map_err(|_| TimedOut)),
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

/// A bounded semaphore of one or two permits, `held` of which main has acquired.
fn bounded(limit: u32, held: usize) -> Start<BoundedSemaphore> {
    let make = if limit == 1 {
        || BoundedSemaphore::new(1)
    } else {
        || BoundedSemaphore::new(2)
    };
    Start {
        make,
        spec: spec::semaphore::Semaphore::new(limit, limit),
        before: vec![Acquire; held],
    }
}

fn starts() -> [Start<Semaphore>; 2] {
    [holding(0), holding(1)]
}
