//! `wait` for several jobs: law F3.

use super::{arc_pair, occupy, pool};
use crate::forms::{BLOCKING, EXPIRING, EXPIRING_WAITS, Form};
use crate::queue::spawn_blocked;
use crate::support::panic_of;
use crate::thread::Drops;
use crate::watchdog;
use selvedge::pool::{as_completed, wait, wait_deadline, wait_timeout};
use selvedge::{Event, Instant, Job, JobError, Outcome, ThreadPool, TimedOut, Until};
use std::borrow::Borrow;
use std::sync::Arc;
use std::time::Duration;

const UNTIL: [Until; 3] = [Until::All, Until::FirstCompleted, Until::FirstFailed];

fn wait_by<T, J: Borrow<Job<T>>>(jobs: impl IntoIterator<Item = J>, until: Until, form: Form) -> Result<(), TimedOut> {
    match form {
        Form::Try => wait_timeout(jobs, until, Duration::ZERO),
        Form::Plain => {
            wait(jobs, until);
            Ok(())
        }
        Form::Timeout(time) => wait_timeout(jobs, until, time),
        Form::Deadline(time) => wait_deadline(jobs, until, Instant::now() + time),
    }
}

/// Jobs that wait for their gates, each on a worker of its own; those that fail panic then.
pub(super) fn gated(pool: &ThreadPool, fails: &[bool]) -> (Vec<Arc<Event>>, Vec<Job<usize>>) {
    let submit = |(number, &fails): (usize, &bool)| {
        let (gate, theirs) = arc_pair(Event::new());
        let job = pool.submit(move || {
            theirs.wait();
            assert!(!fails, "job {number} fails");
            number
        });
        (gate, job.unwrap())
    };
    fails.iter().enumerate().map(submit).unzip()
}

pub(super) fn open(gates: &[Arc<Event>]) {
    gates.iter().for_each(|gate| gate.set());
}

#[test]
fn a_wait_for_no_jobs_returns_immediately() {
    watchdog::run(|_| {
        for until in UNTIL {
            for form in BLOCKING.into_iter().chain(EXPIRING) {
                assert_eq!(wait_by(Vec::<Job<()>>::new(), until, form), Ok(()));
            }
        }
        let mut none = as_completed(Vec::<Job<()>>::new());
        assert_eq!((none.len(), none.size_hint()), (0, (0, Some(0))));
        assert!(none.next().is_none() && none.next_timeout(Duration::ZERO).unwrap().is_none());
        assert!(none.into_rest().is_empty());
    });
}

#[test]
fn each_form_waits_until_all_or_the_first_have_ended_or_one_has_failed() {
    const SECOND_FAILS: [bool; 3] = [false, true, false];
    // The jobs that end one after another; the wait returns after the last of them.
    let rows: [(Until, [bool; 3], &[usize]); 6] = [
        (Until::All, SECOND_FAILS, &[0, 1, 2]),
        (Until::FirstCompleted, SECOND_FAILS, &[0]),
        (Until::FirstCompleted, SECOND_FAILS, &[1]),
        (Until::FirstCompleted, SECOND_FAILS, &[2]),
        (Until::FirstFailed, SECOND_FAILS, &[0, 1]),
        (Until::FirstFailed, [false; 3], &[2, 1, 0]),
    ];
    watchdog::run(|watch| {
        let pool = pool(3);
        for (row, form) in rows.iter().flat_map(|row| BLOCKING.map(|form| (row, form))) {
            let &(until, fails, ends) = row;
            let (gates, jobs) = gated(&pool, &fails);
            let (jobs, theirs) = arc_pair(jobs);
            let waiter = spawn_blocked(watch, "wait", move || wait_by(&*theirs, until, form));
            for &number in ends {
                waiter.until_blocked();
                for hasty in EXPIRING {
                    assert_eq!(wait_by(&*jobs, until, hasty), Err(TimedOut), "{row:?}");
                }
                gates[number].set();
                jobs[number].wait();
            }
            assert_eq!(waiter.join(), Ok(()), "{row:?}");
            assert_eq!(jobs.iter().filter(|job| job.is_done()).count(), ends.len());
            for hasty in EXPIRING {
                assert_eq!(wait_by(&*jobs, until, hasty), Ok(()), "{row:?}");
            }
            open(&gates);
        }
    });
}

#[test]
fn a_cancelled_job_has_ended_but_not_failed() {
    watchdog::run(|watch| {
        let pool = pool(1);
        for until in UNTIL {
            let busy = occupy(&pool);
            let (jobs, theirs) = arc_pair([(); 3].map(|()| pool.submit(|| ()).unwrap()));
            let waiter = spawn_blocked(watch, "wait", move || wait(&*theirs, until));
            assert!(jobs[2].cancel());
            if until != Until::FirstCompleted {
                waiter.until_blocked();
                assert!(jobs[0].cancel() && jobs[1].cancel());
            }
            waiter.join();
            drop(busy);
        }
    });
}

#[test]
fn a_shutdown_that_cancels_ends_each_wait() {
    watchdog::run(|watch| {
        for until in UNTIL {
            let pool = pool(1);
            let busy = occupy(&pool);
            let submit = || [(); 3].map(|()| pool.submit(|| ()).unwrap());
            let (waited, completed, [job, ..]) = (submit(), submit(), submit());
            let waiter = spawn_blocked(watch, "wait", move || wait(waited, until));
            let taker = spawn_blocked(watch, "result", move || job.result());
            let outcomes = || as_completed(completed).map(|job| job.outcome()).collect::<Vec<_>>();
            let iterator = spawn_blocked(watch, "as_completed", outcomes);
            assert_eq!(pool.try_shutdown_cancel(), Err(TimedOut));
            waiter.join();
            assert!(matches!(taker.join(), Err(JobError::Cancelled)));
            assert_eq!(iterator.join(), [Some(Outcome::Cancelled); 3]);
            busy.release();
        }
    });
}

#[test]
fn jobs_may_be_owned_borrowed_or_shared_and_of_several_pools() {
    watchdog::run(|_| {
        let pools = [1, 2, 3].map(pool);
        let jobs = || {
            (0..)
                .zip(&pools)
                .map(|(number, pool)| pool.submit(move || number).unwrap())
        };
        let list = || jobs().collect::<Vec<Job<usize>>>();
        for until in UNTIL {
            wait(list(), until);
            let owned = list();
            wait(&owned, until);
            wait(jobs().map(Arc::new), until);
            wait(jobs().map(Box::new), until);
        }
        assert_eq!(as_completed(list()).map(|job| job.result().unwrap()).sum::<usize>(), 3);
        assert_eq!(as_completed(&list()).filter(|job| job.is_done()).count(), 3);
        let shared: Vec<_> = jobs().map(Arc::new).collect();
        for job in as_completed(shared.clone()) {
            assert!(shared.iter().any(|other| Arc::ptr_eq(other, &job)) && job.is_done());
        }
        let twice = [&*shared[0], &*shared[0]];
        assert_eq!(as_completed(twice).count(), 2);
        wait(twice, Until::All);
    });
}

/// If the waiters that time out stayed registered with the jobs, these would keep some 50 MB.
#[cfg(target_os = "linux")]
#[test]
fn waits_that_time_out_keep_no_memory() {
    use super::resident_bytes;
    crate::child::passes(&[], || {
        let pool = pool(1);
        let busy = occupy(&pool);
        let jobs = [(); 3].map(|()| pool.submit(|| ()).unwrap());
        let time_out = |round: usize| {
            assert_eq!(
                wait_by(&jobs, UNTIL[round % 3], EXPIRING_WAITS[round % 2]),
                Err(TimedOut)
            );
            assert!(as_completed(&jobs).next_timeout(Duration::ZERO).is_err());
            assert_eq!(as_completed(&jobs).into_rest().len(), 3);
        };
        (0..100).for_each(time_out);
        let before = resident_bytes();
        (0..50_000).for_each(time_out);
        let more = resident_bytes().saturating_sub(before);
        assert!(more < 8 << 20, "{more} bytes more");
        busy.release();
        jobs.into_iter().for_each(|job| job.result().unwrap());
    });
}

#[test]
fn a_panic_of_the_iterator_of_jobs_has_no_effect_on_its_jobs() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let (busy, token) = (occupy(&pool), drops.token());
        let job = pool.submit(move || drop(token)).unwrap();
        let jobs = || {
            [1, 2]
                .into_iter()
                .map(|number| if number == 2 { panic!("of the jobs") } else { &job })
        };
        assert_eq!(panic_of(|| wait(jobs(), Until::All)), "of the jobs");
        assert_eq!(panic_of(|| as_completed(jobs())), "of the jobs");
        busy.release();
        job.result().unwrap();
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn each_of_several_waiters_is_notified_of_each_job() {
    watchdog::run(|watch| {
        let pool = pool(2);
        for _ in 0..100 {
            let jobs: Arc<Vec<_>> = Arc::new((0..12).map(|number| pool.submit(move || number).unwrap()).collect());
            let waiters = UNTIL.map(|until| {
                let jobs = Arc::clone(&jobs);
                watch.spawn(format!("{until:?}"), move |role| {
                    role.waits("wait", || wait(&*jobs, until));
                    let count = || as_completed(&*jobs).filter(|job| job.is_done()).count();
                    role.waits("as_completed", count)
                })
            });
            jobs.iter().step_by(2).for_each(|job| _ = job.cancel());
            assert_eq!(waiters.map(|waiter| waiter.join()), [12; 3]);
        }
    });
}
