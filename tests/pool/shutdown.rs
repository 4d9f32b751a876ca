//! Laws P3 and P4: after a shutdown no worker lives and each job has ended, and none is taken.

use super::{hold, pool, shut_down_by, two};
use crate::forms::{Form, HASTY, PATIENT};
use crate::support::panic_of;
use crate::thread::Drops;
use crate::watchdog;
use selvedge::pool::Builder;
use selvedge::thread::Registry;
use selvedge::{Event, Job, JobError, Outcome, SimpleQueue, SubmitError, ThreadPool, TimedOut};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

const OWN_END: &str = "a thread of a pool can't wait for its own end";

fn on(registry: &Registry, workers: usize) -> ThreadPool {
    Builder::new().workers(workers).registry(registry).build()
}

fn is_refused(pool: &ThreadPool) -> bool {
    matches!(
        pool.submit(|| unreachable!()),
        Err::<Job<()>, _>(SubmitError::ShutDown(_))
    )
}

/// Some workers are busy, others jobs are queued; a hasty shutdown leaves them so, a patient one waits for all.
#[test]
fn each_form_ends_what_is_queued_in_its_way_and_then_the_workers() {
    watchdog::run(|watch| {
        for (cancels, form) in [false, true]
            .into_iter()
            .flat_map(|cancels| PATIENT.map(|form| (cancels, form)))
        {
            let registry = Registry::new();
            let pool = Arc::new(on(&registry, 2));
            let held = [(); 2].map(|()| hold(&pool));
            let jobs: Vec<_> = (0..5).map(|number| pool.submit(move || number).unwrap()).collect();
            assert!(!pool.is_shutdown());
            for hasty in HASTY {
                assert_eq!(shut_down_by(&pool, false, hasty), Err(TimedOut));
                assert!(pool.is_shutdown() && !pool.is_broken() && is_refused(&pool));
            }
            assert_eq!(pool.pending(), 5);
            if cancels {
                for hasty in HASTY {
                    assert_eq!(shut_down_by(&pool, true, hasty), Err(TimedOut), "after a plain one too");
                    assert!(jobs.iter().all(|job| job.outcome() == Some(Outcome::Cancelled)));
                }
            }
            let theirs = Arc::clone(&pool);
            let closer = watch.spawn("closer", move |role| {
                role.waits("shutdown", || shut_down_by(&theirs, cancels, form))
            });
            closer.until_asleep();
            held.iter().for_each(|held| held.release());
            assert_eq!(closer.join(), Ok(()), "{form:?}");
            assert_eq!(registry.active_count(), 1, "no worker is left");
            for (number, job) in jobs.into_iter().enumerate() {
                match job.result() {
                    Ok(result) => assert_eq!((result, cancels), (number, false)),
                    Err(error) => assert!(matches!(error, JobError::Cancelled) && cancels),
                }
            }
            for form in PATIENT.into_iter().chain(HASTY) {
                assert_eq!(
                    [shut_down_by(&pool, false, form), shut_down_by(&pool, true, form)],
                    [Ok(()), Ok(())]
                );
            }
            assert_eq!((pool.workers(), pool.pending()), (2, 0));
        }
    });
}

#[test]
fn a_pool_that_was_given_nothing_has_nobody_to_wait_for() {
    watchdog::run(|_| {
        for form in PATIENT.into_iter().chain(HASTY) {
            for cancels in [false, true] {
                let pool = pool(3);
                assert_eq!(shut_down_by(&pool, cancels, form), Ok(()));
                assert!(pool.is_shutdown() && is_refused(&pool));
                assert_eq!(pool.workers(), 0, "and nobody is hired for what is refused");
            }
        }
    });
}

#[test]
fn an_idle_pool_ends() {
    watchdog::run(|_| {
        for form in PATIENT {
            let registry = Registry::new();
            let pool = on(&registry, 2);
            pool.submit(|| ()).unwrap().result().unwrap();
            assert_eq!(shut_down_by(&pool, false, form), Ok(()));
            assert_eq!(registry.active_count(), 1);
        }
    });
}

#[test]
fn a_pool_that_is_dropped_runs_what_is_queued_and_waits() {
    watchdog::run(|watch| {
        let (registry, ran) = (Registry::new(), Arc::new(AtomicUsize::new(0)));
        let pool = on(&registry, 2);
        let held = hold(&pool);
        let also = hold(&pool);
        for _ in 0..20 {
            let ran = Arc::clone(&ran);
            drop(pool.submit(move || _ = ran.fetch_add(1, SeqCst)).unwrap());
        }
        let owner = watch.spawn("owner", move |role| role.waits("the pool's drop", || drop(pool)));
        owner.until_asleep();
        held.release();
        also.release();
        owner.join();
        assert_eq!((ran.load(SeqCst), registry.active_count()), (20, 1));
    });
}

#[test]
fn any_number_of_threads_may_shut_it_down() {
    let registry = Registry::new();
    watchdog::run(|watch| {
        for round in 0..100_usize {
            let pool = Arc::new(on(&registry, 2));
            let jobs: Vec<_> = (0..20).map(|number| pool.submit(move || number).unwrap()).collect();
            let closers = [0, 1, 2].map(|number| {
                let pool = Arc::clone(&pool);
                let form = PATIENT[(round + number) % PATIENT.len()];
                watch.spawn(format!("closer {number}"), move |role| {
                    role.waits("shutdown", || shut_down_by(&pool, (round + number) % 4 == 0, form))
                        .unwrap();
                })
            });
            closers.into_iter().for_each(|closer| closer.join());
            assert_eq!(registry.active_count(), 1);
            assert!(jobs.iter().all(Job::is_done));
        }
    });
}

#[test]
fn a_worker_that_would_wait_for_itself_is_told_and_changes_nothing() {
    watchdog::run(|_| {
        let pool = Arc::new(pool(2));
        for (cancels, form) in [false, true]
            .into_iter()
            .flat_map(|cancels| PATIENT.map(|form| (cancels, form)))
        {
            let theirs = Arc::clone(&pool);
            let said = pool
                .submit(move || panic_of(|| shut_down_by(&theirs, cancels, form)))
                .unwrap();
            assert_eq!(said.result().unwrap(), OWN_END);
            assert!(!pool.is_shutdown());
            assert_eq!(pool.submit(|| 7).unwrap().result().unwrap(), 7);
        }
    });
}

#[test]
fn a_worker_may_shut_down_its_pool_without_waiting() {
    watchdog::run(|_| {
        for cancels in [false, true] {
            for workers in [1, 3] {
                let pool = Arc::new(pool(workers));
                let held: Vec<_> = (1..workers).map(|_| hold(&pool)).collect();
                let theirs = Arc::clone(&pool);
                let (go, goes) = two(Event::new());
                let closer = pool.submit(move || {
                    goes.wait();
                    let ends = [(); 2].map(|()| shut_down_by(&theirs, cancels, Form::Try));
                    (ends, is_refused(&theirs))
                });
                let queued = pool.submit(|| 7).unwrap();
                go.set();
                let closer = closer.unwrap().result();
                assert_eq!(closer.unwrap(), ([Err(TimedOut); 2], true), "it lives itself");
                held.iter().for_each(|held| held.release());
                assert_eq!(queued.result().ok(), (!cancels).then_some(7));
                pool.shutdown();
            }
        }
    });
}

/// A worker of one pool is nobody in another.
#[test]
fn a_worker_may_shut_down_another_pool() {
    watchdog::run(|_| {
        let (mine, other) = (pool(1), Arc::new(pool(1)));
        let job = other.submit(|| 7).unwrap();
        let theirs = Arc::clone(&other);
        mine.submit(move || theirs.shutdown()).unwrap().result().unwrap();
        assert!(job.is_done() && other.is_shutdown() && !mine.is_shutdown());
    });
}

/// The last owner is a job: its drop waits for nobody, and what is queued still runs.
#[test]
fn a_pool_may_be_dropped_by_its_own_job() {
    watchdog::run(|watch| {
        for workers in [1, 3] {
            let registry = Registry::new();
            let (pool, drops) = (Arc::new(on(&registry, workers)), Drops::default());
            let (go, goes) = two(Event::new());
            let theirs = Arc::clone(&pool);
            let job = pool.submit(move || {
                goes.wait();
                drop(theirs);
            });
            let also: Vec<_> = (1..workers).map(|_| hold(&pool)).collect();
            let tokens: Vec<_> = (0..5)
                .map(|_| drops.token())
                .map(|token| pool.submit(move || drop(token)).unwrap())
                .collect();
            drop(pool);
            go.set();
            job.unwrap().result().unwrap();
            also.iter().for_each(|held| held.release());
            tokens.into_iter().for_each(|job| job.result().unwrap());
            assert_eq!(drops.count(), 5);
            watch.until("the workers' ends", || registry.active_count() == 1);
        }
    });
}

/// Nor does a callback, nor the drop of a value that nobody takes.
#[test]
fn a_pool_may_be_dropped_by_its_own_callback_or_value() {
    watchdog::run(|watch| {
        for by_value in [false, true] {
            let registry = Registry::new();
            let pool = Arc::new(on(&registry, 1));
            let held = hold(&pool);
            let theirs = Arc::clone(&pool);
            if by_value {
                drop(pool.submit(move || theirs).unwrap());
            } else {
                held.job.on_done(move |_| drop(theirs));
            }
            drop(pool);
            held.release();
            watch.until("the worker's end", || registry.active_count() == 1);
        }
    });
}

#[test]
fn callbacks_and_values_are_over_when_a_shutdown_returns() {
    watchdog::run(|_| {
        for _ in 0..200 {
            let (pool, drops) = (pool(2), Drops::default());
            for _ in 0..4 {
                let [value, callback] = [drops.token(), drops.token()];
                pool.submit(move || value).unwrap().on_done(move |_| drop(callback));
            }
            pool.shutdown();
            assert_eq!(drops.count(), 8);
        }
    });
}

/// Law P4: what was taken has an end, and what was not comes back.
#[test]
fn submits_race_with_a_shutdown() {
    watchdog::run(|watch| {
        for round in 0..100 {
            let pool = Arc::new(pool(2));
            let (log, ran) = two(SimpleQueue::new());
            let submitters = [0, 1].map(|number| {
                let (pool, ran) = (Arc::clone(&pool), Arc::clone(&ran));
                watch.spawn(format!("submitter {number}"), move |_| {
                    let mut jobs = Vec::new();
                    loop {
                        std::thread::yield_now(); // or thousands come before the end
                        let (ran, mark) = (Arc::clone(&ran), (number, jobs.len()));
                        match pool.submit(move || ran.put(mark)) {
                            Ok(job) => jobs.push((mark, job)),
                            Err(refused) => {
                                assert!(matches!(refused, SubmitError::ShutDown(_)));
                                assert!(is_refused(&pool), "and for ever");
                                return jobs;
                            }
                        }
                    }
                })
            });
            let cancels = round % 2 == 0;
            (0..round % 7).for_each(|_| std::thread::yield_now());
            shut_down_by(&pool, cancels, Form::Timeout(Duration::MAX)).unwrap();
            let jobs: Vec<_> = submitters.into_iter().flat_map(|submitter| submitter.join()).collect();
            let marks = log.drain();
            let mut ran: HashSet<_> = marks.iter().copied().collect();
            assert_eq!(ran.len(), marks.len(), "a job ran twice");
            for (mark, job) in jobs {
                let has_run = ran.remove(&mark);
                assert_eq!(
                    job.outcome(),
                    Some(if has_run { Outcome::Returned } else { Outcome::Cancelled })
                );
                assert!(cancels || has_run);
            }
            assert!(ran.is_empty(), "a job ran that was refused");
        }
    });
}

/// Whoever waits for a job is told, whoever has shut the pool down.
#[test]
fn a_shutdown_that_cancels_tells_all_who_wait() {
    watchdog::run(|watch| {
        let pool = pool(1);
        let held = hold(&pool);
        let waiters = PATIENT.map(|form| {
            let job = pool.submit(|| unreachable!()).unwrap();
            watch.spawn("waiter", move |role| {
                let result: Result<(), _> = role.waits("result", || super::result_by(job, form)).unwrap();
                matches!(result, Err(JobError::Cancelled))
            })
        });
        waiters.iter().for_each(|waiter| waiter.until_asleep());
        assert_eq!(pool.try_shutdown_cancel(), Err(TimedOut));
        waiters.into_iter().for_each(|waiter| assert!(waiter.join()));
        held.release();
    });
}
