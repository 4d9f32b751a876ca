//! Panics of user code: law P5, and that each drop happens once.

use super::{assert_runs_jobs, half_broken, message, occupy, pool};
use crate::support::panic_of;
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::pool::{as_completed, wait};
use selvedge::thread::Registry;
use selvedge::{Job, Outcome, Until};
use std::panic::panic_any;
use std::sync::Arc;

const BOMB: &str = "a drop that fails";

#[test]
fn a_drop_of_a_captured_value_that_panics_is_a_panic_of_the_job() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let (bomb, token) = (Bomb::new(&drops), drops.token());
        let job = pool.submit(move || _ = (token, bomb));
        assert_eq!(message(job.unwrap().result()), BOMB);
        assert_eq!(drops.count(), 2);
        assert_runs_jobs(&pool);
    });
}

/// The worker drops the value or payload of a job without a handle, otherwise the owner of the handle or result.
#[test]
fn the_drop_of_a_value_or_payload_may_panic() {
    watchdog::run(|_| {
        for panics in [false, true] {
            let (pool, drops) = (pool(1), Drops::default());
            let submit = || {
                let bomb = Bomb::new(&drops);
                let run = move || if panics { panic_any(bomb) } else { bomb };
                pool.submit(run).unwrap()
            };
            let busy = occupy(&pool);
            drop(submit());
            busy.release();
            assert_runs_jobs(&pool);
            assert_eq!(drops.count(), 1, "by the worker");
            let job = submit();
            job.wait();
            assert_runs_jobs(&pool);
            assert_eq!(panic_of(|| drop(job)), BOMB);
            assert_eq!(drops.count(), 2, "by the owner of the handle");
            let result = submit().result();
            assert_eq!(drops.count(), 2);
            assert_eq!(panic_of(|| drop(result)), BOMB);
            assert_runs_jobs(&pool);
            assert_eq!(drops.count(), 3, "by the owner of the result");
        }
    });
}

/// Nothing observes the panic of a function that is dropped because the pool is shut down or broken.
#[test]
fn the_drops_of_functions_that_never_run_may_panic() {
    watchdog::run(|_| {
        for breaks in [false, true] {
            let (pool, _, go) = match breaks {
                true => half_broken(),
                false => (pool(1), Registry::new(), Arc::default()),
            };
            let (busy, drops) = (occupy(&pool), Drops::default());
            let jobs = [(); 10].map(|()| {
                let (bomb, after) = (Bomb::new(&drops), drops.token());
                pool.submit(move || unreachable!("{bomb:?} {after:?}")).unwrap()
            });
            go.set();
            assert!(breaks || pool.try_shutdown_cancel().is_err());
            let expected = if breaks { Outcome::Broken } else { Outcome::Cancelled };
            assert!(as_completed(jobs).all(|job: Job<()>| job.outcome() == Some(expected)));
            busy.release();
            pool.shutdown();
            assert_eq!(drops.count(), 20);
        }
    });
}

/// A job that is dropped by a wait or an iterator: its panic loses none of the other jobs.
#[test]
fn a_wait_for_owned_jobs_passes_on_the_panics_of_their_drops() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let calls: [fn([Job<_>; 4]); 3] = [
            |jobs| wait(jobs, Until::All),
            |jobs| drop(as_completed(jobs)),
            |jobs| as_completed(jobs).for_each(drop),
        ];
        for (row, call) in calls.into_iter().enumerate() {
            let jobs = [0, 1, 2, 3].map(|number| {
                let made = ((number == 1).then(|| Bomb::new(&drops)), drops.token());
                pool.submit(move || made).unwrap()
            });
            assert_runs_jobs(&pool);
            assert_eq!(panic_of(|| call(jobs)), BOMB);
            assert_eq!(drops.count(), 5 * (row + 1));
        }
        assert_runs_jobs(&pool);
    });
}
