//! Waiting for several jobs at once. Law F3.

use super::{hold, pool, two};
use crate::forms::{Form, HASTY, IN_VAIN, PATIENT};
use crate::support::SHORT;
use crate::thread::Drops;
use crate::watchdog::{Player, Watch};
use crate::{child, watchdog};
use selvedge::pool::{as_completed, wait, wait_deadline, wait_timeout};
use selvedge::{Event, Instant, Job, Outcome, ThreadPool, TimedOut, Until};
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
        let (gate, theirs) = two(Event::new());
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

type Awaited<'scope> = (
    Vec<Arc<Event>>,
    Arc<Vec<Job<usize>>>,
    Player<'scope, Result<(), TimedOut>>,
);

/// Three such jobs, of which the second fails, their gates, and somebody who waits for them in this form.
fn awaited<'scope>(watch: &Watch<'scope, '_>, pool: &ThreadPool, until: Until, form: Form) -> Awaited<'scope> {
    let (gates, jobs) = gated(pool, &[false, true, false]);
    let (jobs, theirs) = two(jobs);
    let waiter = watch.spawn("waiter", move |role| {
        role.waits("wait", || wait_by(&*theirs, until, form))
    });
    (gates, jobs, waiter)
}

#[test]
fn of_no_jobs_nobody_waits_for_any() {
    watchdog::run(|_| {
        for until in UNTIL {
            for form in PATIENT.into_iter().chain(HASTY) {
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
fn all_means_all() {
    watchdog::run(|watch| {
        let pool = pool(3);
        for form in PATIENT {
            let (gates, jobs, waiter) = awaited(watch, &pool, Until::All, form);
            for (gate, job) in gates.iter().zip(&*jobs) {
                waiter.until_asleep();
                for form in HASTY {
                    assert_eq!(wait_by(&*jobs, Until::All, form), Err(TimedOut));
                }
                gate.set();
                job.wait();
            }
            assert_eq!(waiter.join(), Ok(()));
            for form in HASTY {
                assert_eq!(
                    wait_by(&*jobs, Until::All, form),
                    Ok(()),
                    "all have ended, and one look is enough"
                );
            }
        }
    });
}

#[test]
fn the_first_that_ends_will_do() {
    watchdog::run(|watch| {
        let pool = pool(3);
        for form in PATIENT {
            for first in 0..3 {
                let (gates, jobs, waiter) = awaited(watch, &pool, Until::FirstCompleted, form);
                waiter.until_asleep();
                for form in HASTY {
                    assert_eq!(wait_by(&*jobs, Until::FirstCompleted, form), Err(TimedOut));
                }
                gates[first].set();
                assert_eq!(waiter.join(), Ok(()));
                assert!(jobs[first].is_done());
                assert_eq!(jobs.iter().filter(|job| job.is_done()).count(), 1);
                for form in HASTY {
                    assert_eq!(wait_by(&*jobs, Until::FirstCompleted, form), Ok(()));
                }
                open(&gates);
            }
        }
    });
}

#[test]
fn the_first_that_fails_will_do_or_all() {
    watchdog::run(|watch| {
        let pool = pool(3);
        for form in PATIENT {
            let (gates, jobs, waiter) = awaited(watch, &pool, Until::FirstFailed, form);
            gates[0].set();
            jobs[0].wait();
            waiter.until_asleep();
            assert_eq!(wait_by(&*jobs, Until::FirstFailed, Form::Timeout(SHORT)), Err(TimedOut));
            gates[1].set();
            assert_eq!((waiter.join(), jobs[2].is_done()), (Ok(()), false));
            open(&gates);
            let (gates, jobs) = gated(&pool, &[false; 3]);
            open(&gates);
            assert_eq!(wait_by(&jobs, Until::FirstFailed, form), Ok(()), "none fails, all end");
            assert!(jobs.iter().all(Job::is_done));
        }
    });
}

/// To be cancelled is an end and no failure, and it is told whoever cancels.
#[test]
fn a_cancelled_job_has_ended_but_not_failed() {
    watchdog::run(|watch| {
        let pool = pool(1);
        for until in UNTIL {
            let held = hold(&pool);
            let jobs = Arc::new([(); 3].map(|()| pool.submit(|| ()).unwrap()));
            let theirs = Arc::clone(&jobs);
            let waiter = watch.spawn("waiter", move |role| role.waits("wait", || wait(&*theirs, until)));
            waiter.until_asleep();
            assert!(jobs[2].cancel());
            if until != Until::FirstCompleted {
                waiter.until_asleep();
                assert!(jobs[0].cancel() && jobs[1].cancel());
            }
            waiter.join();
            drop(held);
        }
    });
}

#[test]
fn a_shutdown_by_another_thread_ends_each_wait() {
    watchdog::run(|watch| {
        for until in UNTIL {
            let pool = pool(1);
            let held = hold(&pool);
            let submit = || [(); 3].map(|()| pool.submit(|| ()).unwrap());
            let (waited, completed) = (submit(), submit());
            let waiter = watch.spawn("waiter", move |role| role.waits("wait", || wait(waited, until)));
            let taker = watch.spawn("taker", move |role| {
                let ends = as_completed(completed).map(|job| job.outcome());
                role.waits("as_completed", || ends.collect::<Vec<_>>())
            });
            waiter.until_asleep();
            taker.until_asleep();
            assert_eq!(pool.try_shutdown_cancel(), Err(TimedOut));
            waiter.join();
            assert_eq!(taker.join(), [Some(Outcome::Cancelled); 3]);
            held.release();
        }
    });
}

#[test]
fn jobs_may_be_owned_borrowed_or_shared_and_of_several_pools() {
    watchdog::run(|_| {
        let pools = [1, 2, 3].map(pool);
        let jobs = || {
            pools
                .iter()
                .enumerate()
                .map(|(number, pool)| pool.submit(move || number).unwrap())
        };
        for until in UNTIL {
            wait(jobs().collect::<Vec<_>>(), until);
            let list: Vec<_> = jobs().collect();
            wait(&list, until);
            wait(jobs().map(Arc::new), until);
            wait(jobs().map(Box::new).collect::<Vec<_>>(), until);
        }
        let sum = |results: Vec<Result<usize, _>>| {
            results
                .into_iter()
                .map(|result: Result<_, _>| result.unwrap())
                .sum::<usize>()
        };
        assert_eq!(sum(as_completed(jobs()).map(Job::result).collect()), 3);
        let owned: Vec<_> = jobs().collect();
        assert_eq!(as_completed(&owned).filter(|job| job.is_done()).count(), 3);
        assert_eq!(
            sum(owned
                .into_iter()
                .map(Job::result)
                .collect::<Vec<Result<_, selvedge::JobError>>>()),
            3
        );
        let shared: Vec<_> = jobs().map(Arc::new).collect();
        for job in as_completed(shared.clone()) {
            assert!(shared.iter().any(|other| Arc::ptr_eq(other, &job)) && job.is_done());
        }
        let twice = [&shared[0], &shared[0]].map(|job| &**job);
        assert_eq!(as_completed(twice).count(), 2, "one that is given twice comes twice");
        wait(twice, Until::All);
    });
}

/// Whoever stands on a job's list holds memory: if nobody came off, these would hold some 50 MB.
#[cfg(target_os = "linux")]
#[test]
fn whoever_gives_up_leaves_no_trace() {
    fn resident() -> usize {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    }
    child::passes(&[], || {
        let pool = pool(1);
        let held = hold(&pool);
        let jobs = [(); 3].map(|()| pool.submit(|| ()).unwrap());
        let give_up = |round: usize| {
            assert_eq!(wait_by(&jobs, UNTIL[round % 3], IN_VAIN[round % 2]), Err(TimedOut));
            assert!(as_completed(&jobs).next_timeout(Duration::ZERO).is_err());
            assert_eq!(as_completed(&jobs).into_rest().len(), 3);
        };
        (0..100).for_each(give_up);
        let before = resident();
        (0..50_000).for_each(give_up);
        let more = resident().saturating_sub(before);
        assert!(more < 8 << 20, "{more} bytes more");
        held.release();
        jobs.into_iter().for_each(|job| job.result().unwrap());
    });
}

/// A list of jobs that fails half way.
#[test]
fn a_list_that_panics_leaves_its_jobs_alone() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let held = hold(&pool);
        let token = drops.token();
        let job = pool.submit(move || drop(token)).unwrap();
        let list = || {
            [1, 2]
                .into_iter()
                .map(|number| if number == 2 { panic!("of the list") } else { &job })
        };
        assert_eq!(crate::support::panic_of(|| wait(list(), Until::All)), "of the list");
        assert_eq!(crate::support::panic_of(|| as_completed(list())), "of the list");
        held.release();
        job.result().unwrap();
        assert_eq!(drops.count(), 1);
    });
}

/// Owned jobs are dropped as they end, and the others with the iterator; all run.
#[test]
fn owned_jobs_are_dropped_with_their_results() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let submit = || {
            let token = drops.token();
            pool.submit(move || token).unwrap()
        };
        wait((0..5).map(|_| submit()), Until::All);
        pool.submit(|| ()).unwrap().result().unwrap();
        assert_eq!(drops.count(), 5);
        let held = hold(&pool);
        drop(as_completed((0..5).map(|_| submit())));
        assert_eq!(drops.count(), 5, "nothing was cancelled");
        held.release();
        pool.shutdown();
        assert_eq!(drops.count(), 10);
    });
}

/// Several wait for the same jobs while these end: everyone is told of each.
#[test]
fn many_wait_for_the_same_jobs_and_miss_none() {
    watchdog::run(|watch| {
        let pool = pool(2);
        for _ in 0..100 {
            let jobs: Arc<Vec<_>> = Arc::new((0..12).map(|number| pool.submit(move || number).unwrap()).collect());
            let takers = UNTIL.map(|until| {
                let jobs = Arc::clone(&jobs);
                watch.spawn(format!("{until:?}"), move |role| {
                    role.waits("wait", || wait(&*jobs, until));
                    role.waits("as_completed", || {
                        as_completed(&*jobs).filter(|job| job.is_done()).count()
                    })
                })
            });
            jobs.iter().step_by(2).for_each(|job| _ = job.cancel());
            takers.into_iter().for_each(|taker| assert_eq!(taker.join(), 12));
        }
    });
}
