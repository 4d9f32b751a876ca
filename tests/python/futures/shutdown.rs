//! `ThreadPoolShutdownTest`. It is the pool's owner who waits for it, where Python's interpreter does at its exit.

use super::{Gate, WORKERS, gated};
use crate::python::blocks_until;
use crate::python::threading::{OnDrop, program, until_asleep};
use crate::watchdog;
use selvedge::pool::Builder;
use selvedge::thread::{Registry, main_thread};
use selvedge::{Job, Outcome, Semaphore, SubmitError, ThreadPool, TimedOut};
use std::sync::Arc;

/// What most jobs of programs do, while the first thread waits.
fn say_apple_late() {
    until_asleep(&main_thread());
    program::say("apple");
}

#[test]
fn run_after_shutdown() {
    let pool = ThreadPool::new(WORKERS);
    pool.shutdown();
    let refused = pool.submit(|| 2_u32.pow(5)).unwrap_err();
    assert!(matches!(refused, SubmitError::ShutDown(_)));
    assert_eq!(refused.into_inner()(), 32);
}

#[test]
fn interpreter_shutdown() {
    let program = program::run(|| {
        let pool = ThreadPool::new(5);
        pool.submit(say_apple_late).unwrap();
    });
    program.assert_well(&["apple"]);
}

#[test]
fn submit_after_interpreter_shutdown() {
    let program = program::run(|| {
        let pool = ThreadPool::new(5);
        let _last = OnDrop(|| program::say(&pool.submit(|| ()).unwrap_err().to_string()));
        let _at_exit = OnDrop(|| pool.shutdown());
        pool.submit(say_apple_late).unwrap();
    });
    program.assert_well(&["apple", "the pool is shut down"]);
}

fn submit_held<const JOBS: usize>(pool: &ThreadPool, gate: &Gate) -> [Job<usize>; JOBS] {
    std::array::from_fn(|n| pool.submit(gate.before(move || n)).unwrap())
}

#[test]
fn hang_issue12364() {
    let (_, pool, gate) = gated(WORKERS);
    let jobs: [_; 50] = submit_held(&pool, &gate);
    watchdog::run(|watch| blocks_until(watch, "shutdown", || pool.shutdown(), || gate.open()));
    assert!(jobs.iter().all(Job::is_done), "it did not wait");
    assert!(jobs.into_iter().map(|job| job.result().unwrap()).eq(0..50));
}

#[test]
fn cancel_futures() {
    let (_, pool, gate) = gated(WORKERS);
    let jobs: [_; 50] = submit_held(&pool, &gate);
    let outcomes = |running, queued| [[running; WORKERS].as_slice(), &[queued; 50 - WORKERS]].concat();
    let are = |expected: Vec<Option<Outcome>>| jobs.iter().map(Job::outcome).eq(expected);
    watchdog::run(|watch| {
        gate.await_arrivals(watch, WORKERS);
        let shutter = watch.spawn("shutter", |role| role.waits("shutdown", || pool.shutdown_cancel()));
        watch.until("those that are queued are cancelled", || {
            are(outcomes(None, Some(Outcome::Cancelled)))
        });
        shutter.until_asleep();
        gate.open();
        shutter.join();
    });
    assert!(
        are(outcomes(Some(Outcome::Returned), Some(Outcome::Cancelled))),
        "{jobs:?}"
    );
}

#[test]
fn hang_gh83386() {
    let program = program::run(|| {
        let pool = ThreadPool::new(3);
        pool.submit(say_apple_late).unwrap();
        assert_eq!(pool.try_shutdown(), Err(TimedOut), "this thread does not sleep");
    });
    program.assert_well(&["apple"]);
}

#[test]
fn hang_gh94440() {
    watchdog::run(|watch| {
        for _ in 0..500 {
            let (_, pool, _gate) = gated(1);
            watch
                .waits("a result", || pool.submit(|| ()).unwrap().result())
                .unwrap();
            let job = pool.submit(|| ()).unwrap();
            let outcome = if job.cancel() {
                Outcome::Cancelled
            } else {
                Outcome::Returned
            };
            watch.waits("shutdown", || pool.shutdown());
            assert_eq!(job.outcome(), Some(outcome));
        }
    });
}

#[test]
fn threads_terminate() {
    let (registry, pool, _gate) = gated(WORKERS);
    let permits = Arc::new(Semaphore::new(0));
    for _ in 0..3 {
        let permits = Arc::clone(&permits);
        pool.submit(move || permits.acquire().forget()).unwrap();
    }
    assert_eq!((pool.workers(), registry.active_count()), (3, 1 + 3));
    permits.release(3).unwrap();
    watchdog::run(|watch| watch.waits("shutdown", || pool.shutdown()));
    assert_eq!(registry.active_count(), 1);
}

const SIZES: [i32; 10] = [5, 4, 3, 2, 1, 0, 1, 2, 3, 4];

fn submit_sizes(pool: &ThreadPool, gate: &Gate) -> Vec<Job<i32>> {
    (-5..5)
        .map(|n: i32| pool.submit(gate.before(move || n.abs())).unwrap())
        .collect()
}

fn are_sizes(jobs: Vec<Job<i32>>) -> bool {
    jobs.iter().all(Job::is_done) && jobs.into_iter().map(|job| job.result().unwrap()).eq(SIZES)
}

#[test]
fn context_manager_shutdown() {
    let (registry, pool, _gate) = gated(5);
    watchdog::run(|watch| {
        let sizes: Result<Vec<_>, _> = watch.waits("the sizes", || pool.map(-5..5, i32::abs).collect());
        assert_eq!(sizes.unwrap(), SIZES);
        assert!(registry.active_count() > 1);
        watch.waits("the pool's drop", || drop(pool));
    });
    assert_eq!(registry.active_count(), 1);
}

#[test]
fn del_shutdown() {
    let (registry, pool, gate) = gated(5);
    let jobs = submit_sizes(&pool, &gate);
    watchdog::run(|watch| blocks_until(watch, "the pool's drop", || drop(pool), || gate.open()));
    assert_eq!(registry.active_count(), 1);
    assert!(are_sizes(jobs));
}

#[test]
fn shutdown_no_wait() {
    let (registry, pool, gate) = gated(5);
    let jobs = submit_sizes(&pool, &gate);
    assert_eq!(pool.try_shutdown(), Err(TimedOut));
    let threads = registry.enumerate();
    assert_eq!(threads.len(), 1 + 5);
    gate.open();
    watchdog::run(|watch| {
        for worker in threads.into_iter().filter(|thread| *thread != registry.main_thread()) {
            watch.waits("a worker's end", || worker.join()).unwrap();
        }
    });
    assert_eq!(pool.try_shutdown(), Ok(()));
    assert!(are_sizes(jobs));
}

/// The names of five workers, each of which has one of five jobs.
fn names(builder: Builder) -> Vec<String> {
    let registry = Registry::new();
    let (pool, gate) = (builder.workers(5).registry(&registry).build(), Gate::new());
    let _jobs: [_; 5] = submit_held(&pool, &gate);
    let workers = registry
        .enumerate()
        .into_iter()
        .filter(|thread| *thread != registry.main_thread());
    let mut names: Vec<_> = workers.map(|worker| worker.name().to_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn thread_names_assigned() {
    let assigned = names(Builder::new().name("SpecialPool"));
    assert_eq!(
        assigned,
        [
            "SpecialPool_0",
            "SpecialPool_1",
            "SpecialPool_2",
            "SpecialPool_3",
            "SpecialPool_4"
        ]
    );
}

#[test]
fn thread_names_default() {
    assert_eq!(
        names(Builder::new()),
        ["pool_0", "pool_1", "pool_2", "pool_3", "pool_4"]
    );
}

#[test]
fn cancel_futures_wait_false() {
    let program = program::run(|| {
        let pool = ThreadPool::default();
        let job = pool.submit(|| program::say("apple")).unwrap();
        _ = pool.try_shutdown_cancel(); // its thread may be there, or have ended
        watchdog::run(|watch| watch.waits("the pool's drop", || drop(pool)));
        program::say(&format!("{:?}", job.outcome().unwrap()));
    });
    program.assert_well(if program.said.len() == 1 {
        &["Cancelled"]
    } else {
        &["apple", "Returned"]
    });
}
