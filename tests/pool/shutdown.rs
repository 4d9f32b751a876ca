//! Laws P3 and P4: after a shutdown no worker lives, each job has ended, and no job is accepted.

use super::{arc_pair, occupy, pool, pool_on, shut_down_by};
use crate::forms::{BLOCKING, EXPIRING, Form};
use crate::queue::spawn_blocked;
use crate::support::panic_of;
use crate::thread::Drops;
use crate::watchdog;
use selvedge::thread::Registry;
use selvedge::{Event, Job, JobError, Outcome, SubmitError, ThreadPool, TimedOut};
use std::sync::Arc;

fn is_refused(pool: &ThreadPool) -> bool {
    matches!(pool.submit(|| ()), Err(SubmitError::ShutDown(_)))
}

/// Each way to end the queued jobs, in each of the forms.
fn ways<const N: usize>(forms: [Form; N]) -> impl Iterator<Item = (bool, Form)> {
    [false, true]
        .into_iter()
        .flat_map(move |cancels| forms.map(|form| (cancels, form)))
}

/// While the workers are busy a hasty form times out, and a patient one blocks.
#[test]
fn each_form_runs_or_cancels_the_queued_jobs_and_joins_the_workers() {
    watchdog::run(|watch| {
        for (cancels, form) in ways(BLOCKING) {
            let registry = Registry::new();
            let (pool, theirs) = arc_pair(pool_on(&registry, 2));
            let busy = [(); 2].map(|()| occupy(&pool));
            let jobs = [0, 1, 2, 3, 4].map(|number| pool.submit(move || number).unwrap());
            assert!(!pool.is_shutdown());
            for hasty in EXPIRING {
                assert_eq!(shut_down_by(&pool, false, hasty), Err(TimedOut));
                assert!(pool.is_shutdown() && !pool.is_broken() && is_refused(&pool));
            }
            assert_eq!(pool.pending(), 5);
            for hasty in EXPIRING.into_iter().filter(|_| cancels) {
                assert_eq!(shut_down_by(&pool, true, hasty), Err(TimedOut));
                assert!(jobs.iter().all(|job| job.outcome() == Some(Outcome::Cancelled)));
            }
            let closer = spawn_blocked(watch, "shutdown", move || shut_down_by(&theirs, cancels, form));
            busy.iter().for_each(|worker| worker.release());
            assert_eq!(closer.join(), Ok(()), "{form:?}");
            assert_eq!(registry.active_count(), 1, "a worker remains");
            for (number, job) in jobs.into_iter().enumerate() {
                match job.result() {
                    Ok(result) => assert_eq!((result, cancels), (number, false)),
                    Err(error) => assert!(matches!(error, JobError::Cancelled) && cancels),
                }
            }
            for (cancels, form) in ways(BLOCKING).chain(ways(EXPIRING)) {
                assert_eq!(shut_down_by(&pool, cancels, form), Ok(()), "again");
            }
            assert_eq!((pool.workers(), pool.pending()), (2, 0));
        }
    });
}

#[test]
fn an_unused_or_idle_pool_shuts_down_in_each_form() {
    watchdog::run(|_| {
        for (cancels, form) in ways(BLOCKING).chain(ways(EXPIRING)) {
            let pool = pool(3);
            assert_eq!(shut_down_by(&pool, cancels, form), Ok(()));
            assert!(pool.is_shutdown() && is_refused(&pool));
            assert_eq!(pool.workers(), 0, "no worker is spawned for a refused job");
        }
        for (cancels, form) in ways(BLOCKING) {
            let registry = Registry::new();
            let pool = pool_on(&registry, 2);
            pool.submit(|| ()).unwrap().result().unwrap();
            assert_eq!(shut_down_by(&pool, cancels, form), Ok(()));
            assert_eq!(registry.active_count(), 1);
        }
    });
}

#[test]
fn the_drop_of_a_pool_runs_the_queued_jobs_and_joins_the_workers() {
    watchdog::run(|watch| {
        let (registry, drops) = (Registry::new(), Drops::default());
        let pool = pool_on(&registry, 2);
        let busy = [(); 2].map(|()| occupy(&pool));
        for _ in 0..20 {
            let token = drops.token();
            drop(pool.submit(move || drop(token)).unwrap());
        }
        let owner = spawn_blocked(watch, "the drop of the pool", move || drop(pool));
        busy.iter().for_each(|worker| worker.release());
        owner.join();
        assert_eq!((drops.count(), registry.active_count()), (20, 1));
    });
}

#[test]
fn several_threads_may_shut_down_a_pool() {
    let registry = Registry::new();
    watchdog::run(|watch| {
        for round in 0..100_usize {
            let pool = Arc::new(pool_on(&registry, 2));
            let jobs: Vec<_> = (0..20).map(|number| pool.submit(move || number).unwrap()).collect();
            let closers = [0, 1, 2].map(|number| {
                let pool = Arc::clone(&pool);
                let form = BLOCKING[(round + number) % BLOCKING.len()];
                let cancels = (round + number) % 4 == 0;
                watch.spawn(format!("closer {number}"), move |role| {
                    role.waits("shutdown", || shut_down_by(&pool, cancels, form)).unwrap();
                })
            });
            closers.into_iter().for_each(|closer| closer.join());
            assert_eq!(registry.active_count(), 1);
            assert!(jobs.iter().all(Job::is_done));
        }
    });
}

#[test]
fn a_worker_that_would_wait_for_its_own_pool_panics() {
    watchdog::run(|_| {
        let pool = Arc::new(pool(2));
        for (cancels, form) in ways(BLOCKING) {
            let theirs = Arc::clone(&pool);
            let said = pool
                .submit(move || panic_of(|| shut_down_by(&theirs, cancels, form)))
                .unwrap();
            assert_eq!(said.result().unwrap(), "a thread of a pool can't wait for its own end");
            assert!(!pool.is_shutdown());
            assert_eq!(pool.submit(|| 7).unwrap().result().unwrap(), 7);
        }
    });
}

#[test]
fn a_worker_may_start_the_shutdown_of_its_pool() {
    watchdog::run(|_| {
        for (cancels, workers) in [(false, 1), (false, 3), (true, 1), (true, 3)] {
            let (pool, theirs) = arc_pair(pool(workers));
            let busy: Vec<_> = (1..workers).map(|_| occupy(&pool)).collect();
            let (go, goes) = arc_pair(Event::new());
            let closer = pool.submit(move || {
                goes.wait();
                let ends = [(); 2].map(|()| shut_down_by(&theirs, cancels, Form::Try));
                (ends, is_refused(&theirs))
            });
            let queued = pool.submit(|| 7).unwrap();
            go.set();
            let result = closer.unwrap().result().unwrap();
            assert_eq!(result, ([Err(TimedOut); 2], true), "the calling worker has not ended");
            busy.iter().for_each(|worker| worker.release());
            assert_eq!(queued.result().ok(), (!cancels).then_some(7));
            pool.shutdown();
        }
    });
}

#[test]
fn a_worker_may_shut_down_another_pool() {
    watchdog::run(|_| {
        let (pool, (other, theirs)) = (pool(1), arc_pair(super::pool(1)));
        let job = other.submit(|| 7).unwrap();
        pool.submit(move || theirs.shutdown()).unwrap().result().unwrap();
        assert!(job.is_done() && other.is_shutdown() && !pool.is_shutdown());
    });
}

/// A worker that drops the last handle of its pool does not wait, and the queued jobs still run.
#[test]
fn a_pool_may_be_dropped_by_its_own_job_value_or_callback() {
    watchdog::run(|watch| {
        for (by, workers) in [("job", 1), ("job", 3), ("value", 1), ("callback", 1)] {
            let (registry, drops) = (Registry::new(), Drops::default());
            let (pool, theirs) = arc_pair(pool_on(&registry, workers));
            let busy: Vec<_> = (0..workers).map(|_| occupy(&pool)).collect();
            match by {
                "job" => drop(pool.submit(move || drop(theirs)).unwrap()),
                "value" => drop(pool.submit(move || theirs).unwrap()),
                _ => busy[0].job.on_done(move |_| drop(theirs)),
            }
            let jobs = [(); 5].map(|()| {
                let token = drops.token();
                pool.submit(move || drop(token)).unwrap()
            });
            drop(pool);
            busy.iter().for_each(|worker| worker.release());
            jobs.into_iter().for_each(|job| job.result().unwrap());
            assert_eq!(drops.count(), 5, "{by}");
            watch.until("the ends of the workers", || registry.active_count() == 1);
        }
    });
}
