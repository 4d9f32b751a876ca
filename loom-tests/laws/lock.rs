//! Lock and Mutex: L1 to L5.

use super::{Data, SOON};
use crate::law::{Law, Model};
use crate::refines::{Start, Subject, every, refinement};
use crate::stage::{Stage, panics};
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
                Model::new("two holders", BOTH, |stage| counted(stage, [take, take])),
                Model::new("freed by a third thread", BOTH, freed_by_a_third_thread),
                Model::new("two users of a mutex", BOTH, two_users_of_a_mutex),
                Model::new(
                    "one waits, one tries, one is timed",
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
            "what the holder did before its release is seen after the next acquire",
            [
                Model::new("by one that tries", [A_THEN_B, B_THEN_A, [Count(1), Busy]], |s| {
                    counted(s, [take, try_take])
                }),
                Model::new(
                    "by one that is timed",
                    [A_THEN_B, B_THEN_A, [Count(1), TimedOut]],
                    |s| counted(s, [take, take_soon]),
                ),
                Model::new(
                    "by one with a deadline",
                    [A_THEN_B, B_THEN_A, [Count(1), TimedOut]],
                    |s| counted(s, [take, take_by_deadline]),
                ),
                Model::new(
                    "a timed holder, by one that waits",
                    [A_THEN_B, B_THEN_A, [TimedOut, Count(1)]],
                    |s| counted(s, [take_soon, take]),
                ),
            ],
        ),
        Law::new(
            "L3",
            "no thread sleeps while the lock is free",
            [
                Model::new("two threads, one of them twice", [[Done, Done, Is(false)]], |s| {
                    takers(s, &[1, 2])
                }),
                Model::new("waits return early", [[Done, Done, Is(false)]], |s| takers(s, &[1, 1])).early(),
                Model::new("three threads", [[Done, Done, Done, Is(false)]], |s| {
                    takers(s, &[1, 1, 1])
                })
                .within(2, 3),
                Model::new("two, and one that comes by", COMES_BY, one_comes_by).within(2, 3),
                Model::new(
                    "one release, two asleep",
                    [[Done, Blocked], [Blocked, Done]],
                    one_release_two_asleep,
                ),
                Model::new("a holder panics", [[Done, Done, Is(false)]], a_holder_panics),
            ],
        ),
        Law::new(
            "L4",
            "an acquire that times out holds nothing and swallows no wake-up",
            [
                Model::new(
                    "a timeout",
                    [[Done, Done, Is(false)], [Done, TimedOut, Is(false)]],
                    |s| timed_beside_a_holder(s, take_soon),
                )
                .timed(&[2]),
                Model::new(
                    "a deadline",
                    [[Done, Done, Is(false)], [Done, TimedOut, Is(false)]],
                    |s| timed_beside_a_holder(s, take_by_deadline),
                )
                .timed(&[2]),
                Model::new(
                    "waits return early",
                    [[Done, Done, Is(false)], [Done, TimedOut, Is(false)]],
                    |s| timed_beside_a_holder(s, take_soon),
                )
                .early(),
                Model::new(
                    "no time at all",
                    [[Done, Done, Is(false)], [Done, TimedOut, Is(false)]],
                    |s| timed_beside_a_holder(s, take_at_once),
                ),
                Model::new(
                    "beside one that waits",
                    [[Done, Done, Done, Is(false)], [Done, TimedOut, Done, Is(false)]],
                    timed_beside_a_waiter,
                )
                .timed(&[2])
                .within(3, 4),
            ],
        ),
        Law::new(
            "L5",
            "a release of a free lock is an error and changes nothing",
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

type Take = fn(&Guarded) -> Answer;

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

fn take(guarded: &Guarded) -> Answer {
    guarded.add(guarded.lock.acquire())
}

fn try_take(guarded: &Guarded) -> Answer {
    guarded.lock.try_acquire().map_or(Busy, |guard| guarded.add(guard))
}

fn take_soon(guarded: &Guarded) -> Answer {
    guarded
        .lock
        .acquire_timeout(SOON)
        .map_or(TimedOut, |guard| guarded.add(guard))
}

fn take_by_deadline(guarded: &Guarded) -> Answer {
    guarded
        .lock
        .acquire_deadline(Instant::now() + SOON)
        .map_or(TimedOut, |guard| guarded.add(guard))
}

fn counted(stage: &Stage, forms: [Take; 2]) -> Vec<Answer> {
    let guarded = Guarded::shared();
    for form in forms {
        stage.thread(&guarded, form);
    }
    stage.finish()
}

fn freed_by_a_third_thread(stage: &Stage) -> Vec<Answer> {
    let guarded = Arc::new((Guarded::new(), AtomicBool::new(false)));
    stage.thread(&guarded, |(guarded, handed_over)| {
        guarded.lock.acquire().forget();
        let sum = guarded.data.add();
        // ORDERING: Release pairs with main's Acquire: a lock passes on what its releaser has seen, no more.
        handed_over.store(true, Release);
        sum
    });
    stage.thread(&guarded, |(guarded, _)| take(guarded));
    stage.settle();
    // ORDERING: Acquire pairs with the holder's Release.
    assert!(guarded.1.load(Acquire));
    guarded.0.lock.release().expect("the first thread holds it");
    stage.finish()
}

fn two_users_of_a_mutex(stage: &Stage) -> Vec<Answer> {
    let mutex = Arc::new(Mutex::new(0));
    for _ in 0..2 {
        stage.thread(&mutex, |mutex| {
            let mut value = mutex.acquire();
            *value += 1;
            Count(*value)
        });
    }
    stage.finish()
}

fn three_forms(stage: &Stage) -> Vec<Answer> {
    let guarded = Guarded::shared();
    for form in [take, try_take, take_soon] {
        stage.thread(&guarded, move |guarded| match form(guarded) {
            Count(_) => Done,
            refused => refused,
        });
    }
    stage.finish()
}

fn takers(stage: &Stage, threads: &[usize]) -> Vec<Answer> {
    let guarded = Guarded::shared();
    for &times in threads {
        stage.thread(&guarded, move |guarded| {
            for _ in 0..times {
                take(guarded);
            }
            Done
        });
    }
    stage.finish_seeing(|| Is(guarded.lock.is_locked()))
}

/// It may come by when one has released the lock, and is about to wake the other.
const COMES_BY: [[Answer; 4]; 2] = [[Done, Done, Done, Is(false)], [Done, Done, Busy, Is(false)]];

fn one_comes_by(stage: &Stage) -> Vec<Answer> {
    let lock = Arc::new(Lock::new());
    for _ in 0..2 {
        stage.thread(&lock, |lock| {
            drop(lock.acquire());
            Done
        });
    }
    stage.thread(&lock, |lock| lock.try_acquire().map_or(Busy, |_| Done));
    stage.finish_seeing(|| Is(lock.is_locked()))
}

fn one_release_two_asleep(stage: &Stage) -> Vec<Answer> {
    let lock = Arc::new(Lock::new());
    lock.acquire().forget();
    for _ in 0..2 {
        stage.thread(&lock, |lock| {
            lock.acquire().forget();
            Done
        });
    }
    stage.settle();
    let _ = lock.release();
    stage.finish()
}

fn a_holder_panics(stage: &Stage) -> Vec<Answer> {
    let lock = Arc::new(Lock::new());
    stage.thread(&lock, |lock| {
        panics("in the critical section", || {
            let _guard = lock.acquire();
            panic!("in the critical section");
        });
        Done
    });
    stage.thread(&lock, |lock| {
        drop(lock.acquire());
        Done
    });
    stage.finish_seeing(|| Is(lock.is_locked()))
}

fn take_at_once(guarded: &Guarded) -> Answer {
    guarded
        .lock
        .acquire_timeout(Duration::ZERO)
        .map_or(TimedOut, |guard| guarded.add(guard))
}

fn timed_beside_a_holder(stage: &Stage, timed: Take) -> Vec<Answer> {
    let guarded = Guarded::shared();
    for form in [take, timed] {
        stage.thread(&guarded, move |guarded| match form(guarded) {
            Count(_) => Done,
            refused => refused,
        });
    }
    stage.finish_seeing(|| Is(guarded.lock.is_locked()))
}

fn timed_beside_a_waiter(stage: &Stage) -> Vec<Answer> {
    let lock = Arc::new(Lock::new());
    lock.acquire().forget();
    stage.thread(&lock, |lock| lock.release().map_or(NotHeld, |()| Done));
    stage.thread(&lock, |lock| lock.acquire_timeout(SOON).map_or(TimedOut, |_guard| Done));
    stage.thread(&lock, |lock| {
        drop(lock.acquire());
        Done
    });
    stage.finish_seeing(|| Is(lock.is_locked()))
}

fn two_releases(stage: &Stage, waiter: bool) -> Vec<Answer> {
    let lock = Arc::new(Lock::new());
    lock.acquire().forget();
    for _ in 0..2 {
        stage.thread(&lock, |lock| lock.release().map_or(NotHeld, |()| Done));
    }
    if waiter {
        stage.thread(&lock, |lock| {
            lock.acquire().forget();
            Done
        });
    }
    stage.finish_seeing(|| Is(lock.is_locked()))
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
            Call::AcquireTimeout => self.acquire_timeout(SOON).map_or(TimedOut, |guard| {
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
