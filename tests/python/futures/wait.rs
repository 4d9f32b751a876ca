//! `ThreadPoolWaitTests`. Where Python's has two sets, ours asks each job whether it is done.

use super::{AnyState, Gate, WORKERS, are_done, fail, gated};
use crate::python::{A_WHILE, blocks_until, timed};
use crate::watchdog;
use selvedge::pool::{wait, wait_deadline, wait_timeout};
use selvedge::{Instant, TimedOut, Until};
use std::time::Duration;

#[test]
fn issue_20369() {
    let (_, pool, gate) = gated(WORKERS);
    let job = pool.submit(gate.before(|| 2)).unwrap();
    watchdog::run(|watch| blocks_until(watch, "wait", || wait([&job, &job], Until::All), || gate.open()));
    assert!(job.is_done());
}

#[test]
fn first_completed() {
    let (any, (_, pool, gate), first) = (AnyState::new(), gated(WORKERS), Gate::new());
    let product = pool.submit(first.before(|| 21 * 2)).unwrap();
    let [held, other] = [(); 2].map(|()| pool.submit(gate.before(|| 1)).unwrap());
    watchdog::run(|watch| {
        blocks_until(
            watch,
            "wait",
            || wait([&held, &product], Until::FirstCompleted),
            || first.open(),
        );
        assert_eq!(are_done([&held, &product]), [false, true]);
        watch.waits("no job", || {
            wait([&held, &other, &any.cancelled], Until::FirstCompleted)
        });
        assert_eq!(are_done([&held, &other, &any.cancelled]), [false, false, true]);
    });
}

#[test]
fn first_completed_some_already_completed() {
    let (any, (_, pool, gate)) = (AnyState::new(), gated(WORKERS));
    let held = pool.submit(gate.before(|| 1)).unwrap();
    let jobs = [&any.cancelled, &any.successful, &held];
    watchdog::run(|watch| watch.waits("no job", || wait(jobs, Until::FirstCompleted)));
    assert_eq!(are_done(jobs), [true, true, false]);
}

#[test]
fn first_exception() {
    let ((_, pool, gate), first, second) = (gated(WORKERS), Gate::new(), Gate::new());
    let product = pool.submit(first.before(|| 2 * 21)).unwrap();
    let failing = pool.submit(second.before(fail)).unwrap();
    let held = pool.submit(gate.before(|| 1)).unwrap();
    let jobs = [&product, &failing, &held];
    watchdog::run(|watch| {
        let waiter = watch.spawn("waiter", move |role| {
            role.waits("wait", || wait(jobs, Until::FirstFailed))
        });
        waiter.until_asleep();
        first.open();
        watch.waits("the product", || product.wait());
        waiter.until_asleep(); // again, or still
        second.open();
        waiter.join();
    });
    assert_eq!(are_done(jobs), [true, true, false]);
}

#[test]
fn first_exception_some_already_complete() {
    let (any, (_, pool, gate), first) = (AnyState::new(), gated(WORKERS), Gate::new());
    let failing = pool.submit(first.before(fail)).unwrap();
    let held = pool.submit(gate.before(|| 1)).unwrap();
    let jobs = [&any.successful, &any.cancelled, &failing, &held];
    watchdog::run(|watch| blocks_until(watch, "wait", move || wait(jobs, Until::FirstFailed), || first.open()));
    assert_eq!(are_done(jobs), [true, true, true, false]);
}

#[test]
fn first_exception_one_already_failed() {
    let (any, (_, pool, gate)) = (AnyState::new(), gated(WORKERS));
    let held = pool.submit(gate.before(|| 1)).unwrap();
    watchdog::run(|watch| watch.waits("no job", || wait([&any.failed, &held], Until::FirstFailed)));
    assert_eq!(are_done([&any.failed, &held]), [true, false]);
}

#[test]
fn all_completed() {
    let (any, (_, pool, gate)) = (AnyState::new(), gated(WORKERS));
    let failing = pool.submit(gate.before(fail)).unwrap();
    let product = pool.submit(gate.before(|| 2 * 21)).unwrap();
    let jobs = [&any.successful, &any.cancelled, &any.failed, &failing, &product];
    watchdog::run(|watch| blocks_until(watch, "wait", move || wait(jobs, Until::All), || gate.open()));
    assert_eq!(are_done(jobs), [true; 5]);
}

#[test]
fn timeout() {
    let (any, (_, pool, gate)) = (AnyState::new(), gated(WORKERS));
    let held = pool.submit(gate.before(|| 1)).unwrap();
    let jobs = [&any.cancelled, &any.failed, &any.successful, &held];
    for patience in [Duration::ZERO, A_WHILE] {
        for (waited, time) in [
            timed(|| wait_timeout(jobs, Until::All, patience)),
            timed(|| wait_deadline(jobs, Until::All, Instant::now() + patience)),
        ] {
            assert_eq!(waited, Err(TimedOut));
            assert!(time >= patience, "it gave up early");
        }
        assert_eq!(are_done(jobs), [true, true, true, false]);
    }
    gate.open();
    assert_eq!(wait_timeout(jobs, Until::All, Duration::MAX), Ok(()));
}

#[test]
fn pending_calls_race() {
    watchdog::run(|watch| {
        for _ in 0..50 {
            let (_, pool, gate) = gated(WORKERS);
            let jobs: Vec<_> = (0..100).map(|n| pool.submit(gate.before(move || n)).unwrap()).collect();
            gate.open();
            watch.waits("all jobs", || wait(&jobs, Until::All));
            assert!(jobs.into_iter().map(|job| job.result().unwrap()).eq(0..100));
        }
    });
}
