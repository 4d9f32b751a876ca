//! Lock and Mutex: L1 to L6.

use super::{Data, TIMEOUT};
use crate::law::{Law, Model};
use crate::refines::{Start, Subject, every, refinement};
use crate::scenario::{Scenario, panics};
use selvedge_loom::backend::Arc;
use selvedge_loom::backend::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use selvedge_loom::{Instant, Lock, LockGuard, Mutex};
use spec::Answer::{self, Blocked, Busy, Count, Done, Is, NotHeld, TimedOut};
use spec::lock::Call;
use std::time::Duration;

pub fn laws() -> Vec<Law> {
    vec![
        Law::new(
            "L1",
            "at most one thread holds the lock",
            [
                Model::new("two holders", BOTH, |scenario| counted(scenario, [acquire, acquire])),
                Model::new("released by a third thread", BOTH, released_by_a_third_thread),
                Model::new("two users of a mutex", BOTH, two_users_of_a_mutex),
                Model::new(
                    "acquire, try_acquire and acquire_timeout",
                    [
                        [Done, Done, Done],
                        [Done, Busy, Done],
                        [Done, Done, TimedOut],
                        [Done, Busy, TimedOut],
                    ],
                    three_forms,
                )
                .within(2, 3),
            ],
        ),
        Law::new(
            "L2",
            "a release happens-before the next acquire",
            [
                Model::new("try_acquire", [A_THEN_B, B_THEN_A, [Count(1), Busy]], |s| {
                    counted(s, [acquire, try_acquire])
                }),
                Model::new("acquire_timeout", [A_THEN_B, B_THEN_A, [Count(1), TimedOut]], |s| {
                    counted(s, [acquire, acquire_timeout])
                }),
                Model::new("acquire_deadline", [A_THEN_B, B_THEN_A, [Count(1), TimedOut]], |s| {
                    counted(s, [acquire, acquire_deadline])
                }),
                Model::new(
                    "acquire_timeout before acquire",
                    [A_THEN_B, B_THEN_A, [TimedOut, Count(1)]],
                    |s| counted(s, [acquire_timeout, acquire]),
                ),
            ],
        ),
        Law::new(
            "L3",
            "no lost wake-up: no thread stays blocked while the lock is free",
            [
                Model::new("two threads, one of them twice", [[Done, Done, Is(false)]], |s| {
                    acquirers(s, &[1, 2])
                }),
                Model::new("spurious wake-ups", [[Done, Done, Is(false)]], |s| {
                    acquirers(s, &[1, 1])
                })
                .spurious(),
                Model::new("three threads", [[Done, Done, Done, Is(false)]], |s| {
                    acquirers(s, &[1, 1, 1])
                })
                .within(2, 3),
                Model::new("two waiters and a barging thread", BARGING, one_barges).within(2, 3),
                Model::new(
                    "one release, two blocked",
                    [[Done, Blocked], [Blocked, Done]],
                    one_release_two_blocked,
                ),
                Model::new("a holder panics", [[Done, Done, Is(false)]], a_holder_panics),
            ],
        ),
        Law::new(
            "L4",
            "a timed-out acquire does not hold the lock and consumes no wake-up",
            [
                Model::new(
                    "a timeout",
                    [[Done, Done, Is(false)], [Done, TimedOut, Is(false)]],
                    |s| timed_with_a_holder(s, acquire_timeout),
                )
                .timed(&[2]),
                Model::new(
                    "a deadline",
                    [[Done, Done, Is(false)], [Done, TimedOut, Is(false)]],
                    |s| timed_with_a_holder(s, acquire_deadline),
                )
                .timed(&[2]),
                Model::new(
                    "spurious wake-ups",
                    [[Done, Done, Is(false)], [Done, TimedOut, Is(false)]],
                    |s| timed_with_a_holder(s, acquire_timeout),
                )
                .spurious(),
                Model::new(
                    "zero timeout",
                    [[Done, Done, Is(false)], [Done, TimedOut, Is(false)]],
                    |s| timed_with_a_holder(s, acquire_zero_timeout),
                ),
                Model::new(
                    "with an untimed waiter",
                    [[Done, Done, Done, Is(false)], [Done, TimedOut, Done, Is(false)]],
                    timed_with_a_waiter,
                )
                .timed(&[2])
                .within(3, 4),
            ],
        ),
        Law::new(
            "L5",
            "a release of a free lock returns an error and has no effect",
            [
                Model::new(
                    "two releases, one hold",
                    [[Done, NotHeld, Is(false)], [NotHeld, Done, Is(false)]],
                    |s| two_releases(s, false),
                ),
                Model::new(
                    "two releases, one hold, one waiter",
                    [
                        [Done, NotHeld, Done, Is(true)],
                        [NotHeld, Done, Done, Is(true)],
                        [Done, Done, Done, Is(false)],
                    ],
                    |s| two_releases(s, true),
                )
                .within(2, 3),
            ],
        ),
        Law::new(
            "L6",
            "a try_acquire of a free lock succeeds",
            [Model::new(
                "a timed-out waiter has left its flag",
                [[Done, Is(true)], [Done, Is(false)]],
                try_acquire_after_a_check,
            )],
        ),
        refinement(
            "L-spec",
            every(&starts(), &Call::ALL, 2),
            every(&starts(), &Call::ALL, 3),
            vec![],
        ),
    ]
}

const A_THEN_B: [Answer; 2] = [Count(1), Count(2)];
const B_THEN_A: [Answer; 2] = [Count(2), Count(1)];
const BOTH: [[Answer; 2]; 2] = [A_THEN_B, B_THEN_A];

type Form = fn(&Guarded) -> Answer;

struct Guarded {
    lock: Lock,
    data: Data,
}

impl Guarded {
    fn new() -> Guarded {
        Guarded {
            lock: Lock::new(),
            data: Data::new(),
        }
    }

    fn shared() -> Arc<Guarded> {
        Arc::new(Guarded::new())
    }

    fn add(&self, guard: LockGuard<'_>) -> Answer {
        let sum = self.data.add();
        drop(guard);
        sum
    }
}

fn acquire(guarded: &Guarded) -> Answer {
    guarded.add(guarded.lock.acquire())
}

fn try_acquire(guarded: &Guarded) -> Answer {
    guarded.lock.try_acquire().map_or(Busy, |guard| guarded.add(guard))
}

fn acquire_timeout(guarded: &Guarded) -> Answer {
    guarded
        .lock
        .acquire_timeout(TIMEOUT)
        .map_or(TimedOut, |guard| guarded.add(guard))
}

fn acquire_deadline(guarded: &Guarded) -> Answer {
    guarded
        .lock
        .acquire_deadline(Instant::now() + TIMEOUT)
        .map_or(TimedOut, |guard| guarded.add(guard))
}

fn counted(scenario: &Scenario, forms: [Form; 2]) -> Vec<Answer> {
    let guarded = Guarded::shared();
    for form in forms {
        scenario.thread(&guarded, form);
    }
    scenario.finish()
}

fn released_by_a_third_thread(scenario: &Scenario) -> Vec<Answer> {
    let guarded = Arc::new((Guarded::new(), AtomicBool::new(false)));
    scenario.thread(&guarded, |(guarded, handed_off)| {
        guarded.lock.acquire().forget();
        let sum = guarded.data.add();
        // ORDERING: Release; synchronizes with main's Acquire load. The lock publishes only what happens-before the release
        // by main.
        handed_off.store(true, Release);
        sum
    });
    scenario.thread(&guarded, |(guarded, _)| acquire(guarded));
    scenario.settle();
    // ORDERING: Acquire; synchronizes with the holder's Release store.
    assert!(guarded.1.load(Acquire));
    guarded.0.lock.release().expect("the first thread holds it");
    scenario.finish()
}

fn two_users_of_a_mutex(scenario: &Scenario) -> Vec<Answer> {
    let mutex = Arc::new(Mutex::new(0));
    for _ in 0..2 {
        scenario.thread(&mutex, |mutex| {
            let mut value = mutex.acquire();
            *value += 1;
            Count(*value)
        });
    }
    scenario.finish()
}

fn three_forms(scenario: &Scenario) -> Vec<Answer> {
    let guarded = Guarded::shared();
    for form in [acquire, try_acquire, acquire_timeout] {
        scenario.thread(&guarded, move |guarded| match form(guarded) {
            Count(_) => Done,
            other => other,
        });
    }
    scenario.finish()
}

fn acquirers(scenario: &Scenario, threads: &[usize]) -> Vec<Answer> {
    let guarded = Guarded::shared();
    for &times in threads {
        scenario.thread(&guarded, move |guarded| {
            for _ in 0..times {
                acquire(guarded);
            }
            Done
        });
    }
    scenario.finish_observing(|| Is(guarded.lock.is_locked()))
}

/// The barging thread may arrive between a release and the wake-up of the waiter.
const BARGING: [[Answer; 4]; 2] = [[Done, Done, Done, Is(false)], [Done, Done, Busy, Is(false)]];

fn one_barges(scenario: &Scenario) -> Vec<Answer> {
    let lock = Arc::new(Lock::new());
    for _ in 0..2 {
        scenario.thread(&lock, |lock| {
            drop(lock.acquire());
            Done
        });
    }
    scenario.thread(&lock, |lock| lock.try_acquire().map_or(Busy, |_| Done));
    scenario.finish_observing(|| Is(lock.is_locked()))
}

fn one_release_two_blocked(scenario: &Scenario) -> Vec<Answer> {
    let lock = Arc::new(Lock::new());
    lock.acquire().forget();
    for _ in 0..2 {
        scenario.thread(&lock, |lock| {
            lock.acquire().forget();
            Done
        });
    }
    scenario.settle();
    let _ = lock.release();
    scenario.finish()
}

fn a_holder_panics(scenario: &Scenario) -> Vec<Answer> {
    let lock = Arc::new(Lock::new());
    scenario.thread(&lock, |lock| {
        panics("in the critical section", || {
            let _guard = lock.acquire();
            panic!("in the critical section");
        });
        Done
    });
    scenario.thread(&lock, |lock| {
        drop(lock.acquire());
        Done
    });
    scenario.finish_observing(|| Is(lock.is_locked()))
}

fn acquire_zero_timeout(guarded: &Guarded) -> Answer {
    guarded
        .lock
        .acquire_timeout(Duration::ZERO)
        .map_or(TimedOut, |guard| guarded.add(guard))
}

fn timed_with_a_holder(scenario: &Scenario, timed: Form) -> Vec<Answer> {
    let guarded = Guarded::shared();
    for form in [acquire, timed] {
        scenario.thread(&guarded, move |guarded| match form(guarded) {
            Count(_) => Done,
            other => other,
        });
    }
    scenario.finish_observing(|| Is(guarded.lock.is_locked()))
}

fn timed_with_a_waiter(scenario: &Scenario) -> Vec<Answer> {
    let lock = Arc::new(Lock::new());
    lock.acquire().forget();
    scenario.thread(&lock, |lock| lock.release().map_or(NotHeld, |()| Done));
    scenario.thread(&lock, |lock| {
        lock.acquire_timeout(TIMEOUT).map_or(TimedOut, |_guard| Done)
    });
    scenario.thread(&lock, |lock| {
        drop(lock.acquire());
        Done
    });
    scenario.finish_observing(|| Is(lock.is_locked()))
}

fn two_releases(scenario: &Scenario, waiter: bool) -> Vec<Answer> {
    let lock = Arc::new(Lock::new());
    lock.acquire().forget();
    for _ in 0..2 {
        scenario.thread(&lock, |lock| lock.release().map_or(NotHeld, |()| Done));
    }
    if waiter {
        scenario.thread(&lock, |lock| {
            lock.acquire().forget();
            Done
        });
    }
    scenario.finish_observing(|| Is(lock.is_locked()))
}

fn try_acquire_after_a_check(scenario: &Scenario) -> Vec<Answer> {
    let lock = Arc::new(Lock::new());
    lock.acquire().forget();
    assert!(lock.acquire_timeout(Duration::ZERO).is_err());
    scenario.thread(&lock, |lock| lock.release().map_or(NotHeld, |()| Done));
    scenario.thread(&lock, |lock| {
        let was_locked = lock.is_locked();
        if was_locked {
            drop(lock.acquire());
        } else if lock.try_acquire().is_none() {
            return Busy;
        }
        Is(was_locked)
    });
    scenario.finish()
}

impl Subject for Lock {
    type Spec = spec::lock::Lock;

    fn perform(&self, call: Call) -> Answer {
        match call {
            Call::Acquire => {
                self.acquire().forget();
                Done
            }
            Call::TryAcquire => self.try_acquire().map_or(Busy, |guard| {
                guard.forget();
                Done
            }),
            Call::AcquireTimeout => self.acquire_timeout(TIMEOUT).map_or(TimedOut, |guard| {
                guard.forget();
                Done
            }),
            Call::Release => self.release().map_or(NotHeld, |()| Done),
            Call::IsLocked => Is(self.is_locked()),
        }
    }

    fn observe(&self) -> Answer {
        Is(self.is_locked())
    }
}

fn starts() -> [Start<Lock>; 2] {
    let free = || Start {
        make: Lock::new,
        spec: spec::lock::Lock::default(),
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
