//! `ThreadPoolAsCompletedTest`.

use super::{AnyState, WORKERS, gated};
use crate::python::{A_WHILE, timed};
use crate::watchdog;
use selvedge::pool::as_completed;
use selvedge::{Job, Semaphore, TimedOut};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

/// The places in `jobs` at which these are.
fn places<'a, const N: usize>(jobs: [&Job<u32>; N], some: impl IntoIterator<Item = &'a Job<u32>>) -> Vec<usize> {
    some.into_iter()
        .map(|one| jobs.iter().position(|job| ptr::eq(*job, one)).unwrap())
        .collect()
}

#[test]
fn no_timeout() {
    let (any, (_, pool, gate)) = (AnyState::new(), gated(WORKERS));
    let [first, second] = [2 * 21, 7 * 6].map(|product| pool.submit(gate.before(move || product)).unwrap());
    let jobs = [&first, &second, &any.cancelled, &any.failed, &any.successful];
    let mut completed = as_completed(jobs);
    watchdog::run(|watch| {
        let ended: Vec<_> = watch.waits("those that have ended", || completed.by_ref().take(3).collect());
        assert_eq!(
            places(jobs, ended),
            [2, 3, 4],
            "those that have ended come first, and in order"
        );
        gate.open();
        let mut others = places(jobs, watch.waits("the others", || completed.collect::<Vec<_>>()));
        others.sort_unstable();
        assert_eq!(others, [0, 1]);
    });
}

#[test]
fn future_times_out() {
    let (any, (_, pool, gate)) = (AnyState::new(), gated(WORKERS));
    let held = pool.submit(gate.before(|| 1)).unwrap();
    let jobs = [&any.cancelled, &any.failed, &any.successful, &held];
    for patience in [Duration::ZERO, A_WHILE] {
        let mut completed = as_completed(jobs);
        let ended: Vec<_> = (0..3)
            .map(|_| completed.next_timeout(patience).unwrap().unwrap())
            .collect();
        assert_eq!(places(jobs, ended), [0, 1, 2]);
        let (next, time) = timed(|| completed.next_timeout(patience));
        assert!(matches!(next, Err(TimedOut)));
        assert!(time >= patience, "it gave up early");
    }
    let mut completed = as_completed([&held]);
    assert!(matches!(completed.next_timeout(Duration::ZERO), Err(TimedOut)));
    gate.open();
    assert!(matches!(completed.next_timeout(Duration::MAX), Ok(Some(job)) if ptr::eq(job, &held)));
    assert!(matches!(completed.next_timeout(Duration::MAX), Ok(None)));
}

#[test]
fn duplicate_futures() {
    let (_, pool, gate) = gated(WORKERS);
    let job = pool.submit(gate.before(|| 1)).unwrap();
    let completed = as_completed(std::iter::repeat_n(&job, 3));
    watchdog::run(|watch| {
        let waiter = watch.spawn("waiter", |role| role.waits("each", || completed.collect::<Vec<_>>()));
        waiter.until_asleep();
        gate.open();
        let given = waiter.join();
        assert_eq!(given.len(), 3, "each as often as it came");
        assert!(given.into_iter().all(|one| ptr::eq(one, &job)));
    });
}

/// What was given is the caller's alone: its value goes when he drops it.
#[test]
fn free_reference_yielded_future() {
    let (_, pool, _gate) = gated(1);
    let permits = Arc::new(Semaphore::new(0));
    let submit = |n: u32| {
        let (permits, value) = (Arc::clone(&permits), Arc::new(n));
        pool.submit(move || {
            permits.acquire().forget();
            value
        })
    };
    let mut completed = as_completed((0..8).map(|n| submit(n).unwrap()));
    watchdog::run(|watch| {
        for n in 0..8 {
            assert!(matches!(completed.next_timeout(Duration::ZERO), Err(TimedOut)));
            permits.release(1).unwrap();
            let job = watch.waits("the next", || completed.next()).unwrap();
            let value = job.result().unwrap();
            assert_eq!(*value, n);
            assert_eq!(Arc::strong_count(&value), 1, "somebody has it still");
        }
        assert!(completed.next().is_none());
    });
}

#[test]
fn correct_timeout_exception_msg() {
    let any = AnyState::new();
    let jobs = any.all().map(|(job, _)| job);
    let mut completed = as_completed(jobs);
    assert_eq!(completed.len(), 5);
    let refused = loop {
        match completed.next_timeout(Duration::ZERO) {
            Ok(job) => drop(job.expect("two have not ended")),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused.to_string(), "timed out");
    assert_eq!(completed.len(), 2, "of five");
    assert_eq!(places(jobs, completed.into_rest()), [0, 1]);
}
