//! `BarrierTests`.

use super::{A_WHILE, bunch, join, timed, until};
use crate::support::panic_of;
use crate::watchdog::{self, Role, Watch};
use selvedge::sync::WaitError;
use selvedge::{Barrier, Broken, Turn};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

const N: usize = 5;

/// What the parties return, each a thread.
fn run_parties<'scope, T: Send + 'scope>(
    watch: &Watch<'scope, '_>,
    party: impl Fn(&Role) -> T + Send + Copy + 'scope,
) -> Vec<T> {
    join(bunch(watch, N, "party", party))
}

/// Waits for all others.
fn pass<A: FnMut() + Send>(role: &Role, barrier: &Barrier<A>) -> Turn {
    role.waits("wait", || barrier.wait()).unwrap()
}

/// Whether this is the party, one of the five, that does something else than the others.
fn is_odd_one(turn: Turn) -> bool {
    turn.index == N / 2
}

fn pass_in_lockstep(passes: usize) {
    let (barrier, came, left) = (Barrier::new(N), AtomicUsize::new(0), AtomicUsize::new(0));
    assert_eq!(barrier.parties(), N);
    watchdog::run(|watch| {
        run_parties(watch, |role| {
            for passed in 0..passes {
                came.fetch_add(1, Relaxed);
                assert_eq!(left.load(Relaxed), passed * N);
                pass(role, &barrier);
                left.fetch_add(1, Relaxed);
                assert_eq!(came.load(Relaxed), (passed + 1) * N);
                pass(role, &barrier);
            }
            assert_eq!(barrier.waiting(), 0);
            assert!(!barrier.is_broken());
        });
    });
    assert_eq!((came.into_inner(), left.into_inner()), (passes * N, passes * N));
}

#[test]
fn constructor() {
    assert_eq!(panic_of(|| Barrier::new(0)), "a barrier needs at least one party");
    assert_eq!(
        panic_of(|| Barrier::with_action(0, || ())),
        "a barrier needs at least one party"
    );
}

#[test]
fn barrier() {
    pass_in_lockstep(1);
}

#[test]
fn barrier_10() {
    pass_in_lockstep(10);
}

#[test]
fn wait_return() {
    let barrier = Barrier::new(N);
    let mut turns = watchdog::run(|watch| run_parties(watch, |role| pass(role, &barrier)));
    turns.sort_by_key(|turn| turn.index);
    let in_order = |index| Turn {
        index,
        is_leader: index == N - 1,
    };
    assert_eq!(turns, (0..N).map(in_order).collect::<Vec<_>>());
}

#[test]
fn action() {
    let ran = AtomicUsize::new(0);
    let barrier = Barrier::with_action(N, || _ = ran.fetch_add(1, Relaxed));
    let seen = watchdog::run(|watch| {
        run_parties(watch, |role| {
            pass(role, &barrier);
            ran.load(Relaxed)
        })
    });
    assert_eq!(seen, [1; N]);
}

/// One aborts when it has passed, and the others come again: how that ends for each of them.
fn abort_in_the_second_round(role: &Role, barrier: &Barrier) -> Option<Result<Turn, Broken>> {
    if is_odd_one(pass(role, barrier)) {
        barrier.abort();
        return None;
    }
    Some(role.waits("wait", || barrier.wait()))
}

fn assert_that_all_but_one_are_broken(mut ends: Vec<Option<Result<Turn, Broken>>>) {
    ends.sort_by_key(Option::is_some);
    let broken = Some(Err(Broken));
    assert_eq!(ends, [None, broken, broken, broken, broken]);
}

#[test]
fn abort() {
    let barrier = Barrier::new(N);
    let ends = watchdog::run(|watch| run_parties(watch, |role| abort_in_the_second_round(role, &barrier)));
    assert_that_all_but_one_are_broken(ends);
    assert!(barrier.is_broken());
}

#[test]
fn reset() {
    let barrier = Barrier::new(N);
    let ends = watchdog::run(|watch| {
        run_parties(watch, |role| {
            let end = if is_odd_one(pass(role, &barrier)) {
                role.waits("the others", || {
                    while barrier.waiting() < N - 1 {
                        thread::yield_now();
                    }
                });
                barrier.reset();
                None
            } else {
                Some(role.waits("wait", || barrier.wait()))
            };
            pass(role, &barrier);
            end
        })
    });
    assert_that_all_but_one_are_broken(ends);
    assert!(!barrier.is_broken());
}

#[test]
fn abort_and_reset() {
    let (barrier, other) = (Barrier::new(N), Barrier::new(N));
    let ends = watchdog::run(|watch| {
        run_parties(watch, |role| {
            let end = abort_in_the_second_round(role, &barrier);
            if is_odd_one(pass(role, &other)) {
                assert!(barrier.is_broken());
                barrier.reset();
            }
            pass(role, &other);
            pass(role, &barrier);
            end
        })
    });
    assert_that_all_but_one_are_broken(ends);
    assert!(!barrier.is_broken());
}

#[test]
fn timeout() {
    let barrier = Barrier::new(N);
    let ends = watchdog::run(|watch| {
        run_parties(watch, |role| {
            if is_odd_one(pass(role, &barrier)) {
                role.waits("the others' impatience", || {
                    while !barrier.is_broken() {
                        thread::yield_now();
                    }
                });
            }
            let (end, time) = role.waits("wait_timeout", || timed(|| barrier.wait_timeout(A_WHILE)));
            assert!(
                end != Err(WaitError::TimedOut) || time >= A_WHILE,
                "{A_WHILE:?} were cut short: {time:?}"
            );
            end
        })
    });
    assert!(ends.iter().all(Result::is_err), "{ends:?}");
    assert_eq!(
        ends.iter().filter(|&&end| end == Err(WaitError::TimedOut)).count(),
        1,
        "{ends:?}"
    );
    assert!(barrier.is_broken());
}

/// There the barrier has a timeout, here the wait.
#[test]
fn default_timeout() {
    let barrier = Barrier::new(2);
    watchdog::run(|watch| {
        let wait = || timed(|| barrier.wait_timeout(A_WHILE));
        let (end, time) = watch
            .spawn("lonely", move |role| role.waits("wait_timeout", wait))
            .join();
        assert_eq!(end, Err(WaitError::TimedOut));
        assert!(time >= A_WHILE, "{A_WHILE:?} were cut short: {time:?}");
    });
    assert_eq!(barrier.wait(), Err(Broken));
}

#[test]
fn single_thread() {
    let barrier = Barrier::new(1);
    watchdog::run(|_| {
        for _ in 0..2 {
            assert_eq!(
                barrier.wait(),
                Ok(Turn {
                    index: 0,
                    is_leader: true
                })
            );
        }
    });
}

#[test]
fn repr() {
    let barrier = Barrier::new(3);
    assert_eq!(
        format!("{barrier:?}"),
        "Barrier { parties: 3, waiting: 0, broken: false }"
    );
    watchdog::run(|watch| {
        let others = bunch(watch, 2, "other", |role| pass(role, &barrier));
        until(watch, "the others", || barrier.waiting() == 2);
        assert_eq!(
            format!("{barrier:?}"),
            "Barrier { parties: 3, waiting: 2, broken: false }"
        );
        watch.waits("wait", || barrier.wait()).unwrap();
        join(others);
    });
    assert_eq!(
        format!("{barrier:?}"),
        "Barrier { parties: 3, waiting: 0, broken: false }"
    );
    barrier.abort();
    assert_eq!(
        format!("{barrier:?}"),
        "Barrier { parties: 3, waiting: 0, broken: true }"
    );
}
