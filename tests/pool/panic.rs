//! Panics of all that is the user's: law P5, and that each drop happens once.

use super::{hold, pool, said, two};
use crate::support::panic_of;
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::pool::as_completed;
use selvedge::{Event, Job, JobError, Outcome, ThreadPool, Until};
use std::panic::panic_any;
use std::sync::Arc;

const BOMB: &str = "a drop that fails";

/// The only worker still runs jobs, and it is the same.
fn goes_on(pool: &ThreadPool) {
    assert_eq!(pool.submit(|| 7).unwrap().result().unwrap(), 7);
    assert_eq!((pool.workers(), pool.pending()), (1, 0));
}

#[test]
fn a_job_that_panics_kills_no_worker() {
    watchdog::run(|_| {
        let pool = pool(1);
        let worker = pool.submit(|| std::thread::current().id()).unwrap().result().unwrap();
        for _ in 0..50 {
            assert_eq!(
                said(pool.submit(|| panic!("on purpose")).unwrap().result()),
                "on purpose"
            );
        }
        assert_eq!(
            pool.submit(|| std::thread::current().id()).unwrap().result().unwrap(),
            worker
        );
        goes_on(&pool);
    });
}

#[test]
fn what_a_job_captured_may_panic_in_its_drop() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let (bomb, token) = (Bomb::new(&drops), drops.token());
        let job = pool.submit(move || {
            let (_token, _bomb) = (token, bomb);
        });
        assert_eq!(said(job.unwrap().result()), BOMB);
        assert_eq!(drops.count(), 2);
        goes_on(&pool);
    });
}

#[test]
fn a_value_that_nobody_takes_may_panic_in_its_drop() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let make = || {
            let bomb = Bomb::new(&drops);
            pool.submit(move || bomb).unwrap()
        };
        let held = hold(&pool);
        drop(make()); // the worker's
        held.release();
        goes_on(&pool);
        assert_eq!(drops.count(), 1);
        let job = make();
        job.wait();
        goes_on(&pool); // it has let go of that one
        assert_eq!(panic_of(|| drop(job)), BOMB, "the owner's");
        assert_eq!(drops.count(), 2);
        let job = make();
        let bomb = job.result().unwrap();
        assert_eq!(drops.count(), 2);
        assert_eq!(panic_of(|| drop(bomb)), BOMB);
        goes_on(&pool);
        assert_eq!(drops.count(), 3);
    });
}

#[test]
fn a_payload_may_panic_in_its_drop() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let fail = || {
            let bomb = Bomb::new(&drops);
            pool.submit(move || panic_any(bomb)).unwrap()
        };
        let held = hold(&pool);
        drop::<Job<()>>(fail()); // the worker's
        held.release();
        goes_on(&pool);
        assert_eq!(drops.count(), 1);
        let job: Job<()> = fail();
        job.wait();
        goes_on(&pool);
        assert_eq!(panic_of(|| drop(job)), BOMB);
        assert_eq!(drops.count(), 2);
        let result: Result<(), _> = fail().result();
        let Err(JobError::Panicked(payload)) = result else {
            panic!("it has panicked")
        };
        assert_eq!(drops.count(), 2);
        assert_eq!(panic_of(|| drop(payload)), BOMB);
        goes_on(&pool);
        assert_eq!(drops.count(), 3);
    });
}

/// Functions that are dropped by a shutdown, or because the pool is broken, may panic: nobody hears of it, and all are told.
#[test]
fn functions_that_are_not_run_may_panic_in_their_drops() {
    watchdog::run(|_| {
        for breaks in [false, true] {
            let (drops, go) = (Drops::default(), Arc::new(Event::new()));
            let (theirs, first) = (Arc::clone(&go), std::sync::atomic::AtomicBool::new(true));
            let builder = selvedge::pool::Builder::new().workers(2).initializer(move || {
                if !first.swap(false, std::sync::atomic::Ordering::SeqCst) {
                    theirs.wait();
                    assert!(!breaks, "on purpose");
                }
            });
            let pool = builder.build();
            let held = hold(&pool);
            let submit = |_| {
                let (bomb, after) = (Bomb::new(&drops), drops.token());
                pool.submit(move || unreachable!("{bomb:?} {after:?}")).unwrap()
            };
            let jobs: Vec<Job<()>> = (0..10).map(submit).collect();
            if breaks {
                go.set();
            } else {
                assert!(pool.try_shutdown_cancel().is_err());
                go.set();
            }
            let expected = if breaks { Outcome::Broken } else { Outcome::Cancelled };
            assert!(as_completed(jobs).all(|job| job.outcome() == Some(expected)));
            held.release();
            pool.shutdown();
            assert_eq!(drops.count(), 20);
        }
    });
}

/// One of many is dropped by a wait or an iterator: its panic loses none of the others.
#[test]
fn who_waits_for_owned_jobs_hears_their_drops() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let jobs = || {
            let made: Vec<_> = (0..4)
                .map(|number| {
                    let (bomb, token) = ((number == 1).then(|| Bomb::new(&drops)), drops.token());
                    pool.submit(move || (bomb, token)).unwrap()
                })
                .collect();
            goes_on(&pool);
            made
        };
        assert_eq!(panic_of(|| selvedge::pool::wait(jobs(), Until::All)), BOMB);
        assert_eq!(drops.count(), 5);
        assert_eq!(panic_of(|| drop(as_completed(jobs()))), BOMB);
        assert_eq!(drops.count(), 10);
        assert_eq!(panic_of(|| as_completed(jobs()).for_each(drop)), BOMB);
        assert_eq!(drops.count(), 15);
        goes_on(&pool);
    });
}

/// A panic of the pool's user, while jobs run: the drop of the pool waits all the same.
#[test]
fn a_pool_that_is_dropped_by_a_panic_runs_what_is_queued() {
    watchdog::run(|_| {
        let drops = Drops::default();
        let said = panic_of(|| {
            let pool = pool(2);
            for _ in 0..20 {
                let token = drops.token();
                drop(pool.submit(move || drop(token)).unwrap());
            }
            panic!("of the owner");
        });
        assert_eq!((said.as_str(), drops.count()), ("of the owner", 20));
    });
}

#[test]
fn a_panic_can_be_passed_on() {
    watchdog::run(|_| {
        let pool = pool(1);
        let said = panic_of(|| match pool.submit(|| panic!("from afar")).unwrap().result() {
            Err(JobError::Panicked(payload)) => std::panic::resume_unwind(payload),
            other => drop(other),
        });
        assert_eq!(said, "from afar");
        let (inner, theirs) = two(pool);
        let nested = theirs.submit(|| panic!("again")).unwrap();
        drop(theirs);
        assert_eq!(super::said(nested.result()), "again");
        goes_on(&inner);
    });
}
