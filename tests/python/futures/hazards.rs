//! Races in which CPython's pool goes wrong, though its tests ask for the like: each of ours is named in the row of the
//! test that comes closest.

use super::{Gate, fail, gated};
use crate::watchdog::{self, Player, Watch};
use selvedge::pool::{Builder, as_completed, wait};
use selvedge::thread::Registry;
use selvedge::{Job, Outcome, SubmitError, ThreadPool, TimedOut, Until};
use std::thread;

/// Some who wait for these jobs in all ways.
fn waiters<'scope, 'env: 'scope>(watch: &Watch<'scope, 'env>, jobs: &'env [Job<u32>]) -> [Player<'scope, ()>; 3] {
    [
        watch.spawn("one who waits for all", move |role| {
            role.waits("wait", || wait(jobs, Until::All))
        }),
        watch.spawn("one who takes each", move |role| {
            assert_eq!(role.waits("as_completed", || as_completed(jobs).count()), jobs.len());
        }),
        watch.spawn("one who waits for the last", move |role| {
            _ = role.waits("wait", || jobs[jobs.len() - 1].wait())
        }),
    ]
}

/// Hazard B: in CPython neither `wait` nor `as_completed` sees that a future was cancelled in the queue.
#[test]
fn a_cancelled_job_is_seen_by_all_who_wait() {
    let by_itself = |_: &ThreadPool, jobs: &[Job<u32>]| assert!(jobs.iter().all(Job::cancel));
    let by_the_pool = |pool: &ThreadPool, _: &[Job<u32>]| assert_eq!(pool.try_shutdown_cancel(), Err(TimedOut));
    for cancel in [by_itself, by_the_pool] as [fn(&ThreadPool, &[Job<u32>]); 2] {
        let (_, pool, gate) = gated(1);
        let held = pool.submit(gate.before(|| 0)).unwrap();
        let jobs = [1, 2, 3].map(|n| pool.submit(move || n).unwrap());
        watchdog::run(|watch| {
            gate.await_arrivals(watch, 1);
            let waiters = waiters(watch, &jobs);
            waiters.iter().for_each(Player::until_asleep);
            cancel(&pool, &jobs);
            waiters.into_iter().for_each(Player::join);
        });
        assert!(held.is_running(), "nobody had to come by");
        assert!(jobs.iter().all(|job| job.outcome() == Some(Outcome::Cancelled)));
    }
}

/// Hazard C: in CPython more threads may count as idle than are, and then a future stays in the queue though all
/// threads are busy, and fewer than there may be.
#[test]
fn whoever_finds_all_workers_busy_gets_another() {
    const WORKERS: usize = 3;
    watchdog::run(|watch| {
        for round in 0..1000 {
            let (_, pool, gate) = gated(WORKERS);
            for n in 0..1 + round % 5 {
                let short = pool.submit(|| ()).unwrap();
                if n % 2 == round % 2 {
                    watch.waits("a short job", || short.wait()); // its thread is about to look for another
                }
                (0..round % 7).for_each(|_| thread::yield_now());
            }
            let _held = [(); WORKERS].map(|()| pool.submit(gate.before(|| ())).unwrap());
            gate.await_arrivals(watch, WORKERS);
            assert_eq!(pool.workers(), WORKERS);
        }
    });
}

/// Hazard D: in CPython the first cancelled future in the queue ends the clearing up after an initializer that fails.
#[test]
fn a_broken_pool_leaves_no_job_pending() {
    for (workers, cancelled) in [(1, 0), (1, 1), (1, 3), (2, 0), (2, 2), (4, 1)] {
        let gate = Gate::new();
        let pass = gate.pass();
        let initialize = move || {
            pass();
            fail();
        };
        let builder = Builder::new()
            .workers(workers)
            .registry(&Registry::new())
            .initializer(initialize);
        let (pool, gate) = (builder.build(), gate); // to be dropped in that order: the last first
        let jobs = [0, 1, 2, 3].map(|n| pool.submit(move || n).unwrap());
        watchdog::run(|watch| {
            gate.await_arrivals(watch, workers);
            assert!(jobs[cancelled].cancel());
            let waiters = waiters(watch, &jobs);
            gate.open();
            waiters.into_iter().for_each(Player::join);
            watch.waits("shutdown", || pool.shutdown());
        });
        let outcomes = jobs.each_ref().map(|job| job.outcome().unwrap());
        let mut expected = [Outcome::Broken; 4];
        expected[cancelled] = Outcome::Cancelled;
        assert_eq!(outcomes, expected);
        assert!(matches!(pool.submit(|| 4), Err(SubmitError::Broken(_))));
    }
}
