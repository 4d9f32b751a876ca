//! A job's result and its end, in all forms.

use super::{hold, pool, result_by, said, two, wait_by};
use crate::forms::{HASTY, PATIENT};
use crate::support::panic_of;
use crate::watchdog;
use selvedge::thread::Run;
use selvedge::{Event, JobError, Outcome, TimedOut};
use std::panic::panic_any;
use std::time::Duration;

#[test]
fn what_a_job_returns_is_had_in_all_forms() {
    watchdog::run(|_| {
        let pool = pool(2);
        for form in PATIENT {
            let text = String::from("woven");
            assert_eq!(
                result_by(pool.submit(|| text).unwrap(), form).unwrap().unwrap(),
                "woven",
                "{form:?}"
            );
        }
        for form in HASTY {
            let job = pool.submit(|| 7).unwrap();
            job.wait();
            assert_eq!(result_by(job, form).unwrap().unwrap(), 7, "{form:?}");
        }
    });
}

#[test]
fn what_a_job_panics_with_is_had_in_all_forms() {
    watchdog::run(|_| {
        let pool = pool(1);
        for form in PATIENT.into_iter().chain(HASTY) {
            let job = pool.submit(|| -> u8 { panic_any(7_i64) }).unwrap();
            job.wait();
            let Ok(Err(JobError::Panicked(payload))) = result_by(job, form) else {
                panic!("{form:?}")
            };
            assert_eq!(payload.downcast_ref(), Some(&7_i64));
        }
        let formatted = pool.submit(|| panic!("thread {} broke", 3)).unwrap();
        assert_eq!(said(formatted.result()), "thread 3 broke");
        assert_eq!(pool.submit(|| 1).unwrap().result().unwrap(), 1, "the worker goes on");
        assert_eq!(pool.workers(), 1);
    });
}

#[test]
fn a_wait_in_vain_loses_nothing() {
    watchdog::run(|_| {
        let pool = pool(1);
        let (gate, theirs) = two(Event::new());
        let mut job = pool.submit(move || theirs.wait()).unwrap();
        for _ in 0..20 {
            for form in HASTY {
                job = result_by(job, form).expect_err("it has not ended");
                assert_eq!(wait_by(&job, form), None);
            }
        }
        assert_eq!((job.outcome(), job.is_done()), (None, false));
        gate.set();
        job.result().unwrap();
    });
}

#[test]
fn any_number_of_threads_wait_in_any_form_and_the_result_stays() {
    let pool = pool(1);
    let gate = Event::new();
    let ends = [Outcome::Returned, Outcome::Panicked, Outcome::Cancelled];
    watchdog::run(|watch| {
        let (pool, gate) = (&pool, &gate);
        for end in ends {
            gate.clear();
            pool.scope(|scope| {
                let held = (end == Outcome::Cancelled).then(|| hold(pool));
                let job = scope.submit(move || {
                    gate.wait();
                    if end == Outcome::Returned { 7 } else { panic!("as told") }
                });
                let (job, theirs) = two(job.unwrap());
                let waiters = PATIENT.map(|form| {
                    let job = job.clone();
                    watch.spawn(format!("{form:?}"), move |role| {
                        role.waits("wait", || wait_by(&job, form))
                    })
                });
                waiters.iter().for_each(|waiter| waiter.until_asleep());
                if end == Outcome::Cancelled {
                    assert!(theirs.cancel());
                }
                gate.set();
                drop(theirs);
                waiters
                    .into_iter()
                    .for_each(|waiter| assert_eq!(waiter.join(), Some(end)));
                HASTY
                    .into_iter()
                    .for_each(|form| assert_eq!(wait_by(&job, form), Some(end)));
                drop(held);
                let result = std::sync::Arc::into_inner(job).unwrap().result();
                match end {
                    Outcome::Returned => assert_eq!(result.unwrap(), 7),
                    Outcome::Panicked => assert_eq!(said(result), "as told"),
                    _ => assert!(matches!(result, Err(JobError::Cancelled))),
                }
            });
        }
    });
}

#[test]
fn who_waits_for_a_result_sleeps_until_it_is_there() {
    watchdog::run(|watch| {
        let pool = pool(1);
        for form in PATIENT {
            let (gate, theirs) = two(Event::new());
            let job = pool.submit(move || theirs.wait()).unwrap();
            let waiter = watch.spawn("waiter", move |role| role.waits("result", || result_by(job, form)));
            waiter.until_asleep();
            gate.set();
            assert!(matches!(waiter.join(), Ok(Ok(()))));
        }
    });
}

#[test]
fn a_job_knows_its_phase() {
    watchdog::run(|_| {
        let pool = pool(1);
        let phase = |job: &selvedge::Job<()>| (job.is_running(), job.is_done(), job.outcome());
        let held = hold(&pool);
        let second = pool.submit(|| ()).unwrap();
        assert_eq!(
            (phase(&held.job), phase(&second)),
            ((true, false, None), (false, false, None))
        );
        held.release();
        assert_eq!(second.wait(), Outcome::Returned);
        assert_eq!(phase(&held.job), (false, true, Some(Outcome::Returned)));
        let failed = pool.submit(|| panic!("on purpose")).unwrap();
        failed.wait();
        assert_eq!(phase(&failed), (false, true, Some(Outcome::Panicked)));
        let held = hold(&pool);
        let cancelled = pool.submit(|| ()).unwrap();
        assert!(cancelled.cancel());
        assert_eq!(phase(&cancelled), (false, true, Some(Outcome::Cancelled)));
        drop(held);
    });
}

#[test]
fn a_result_is_taken_once() {
    const TWICE: &str = "the result of the job was already taken";
    watchdog::run(|_| {
        let pool = pool(1);
        let taken = |end: Outcome| {
            let held = hold(&pool);
            let mut job = pool.submit(move || assert_eq!(end, Outcome::Returned)).unwrap();
            if end == Outcome::Cancelled {
                job.cancel();
            }
            held.release();
            job.wait();
            assert!(job.try_result().is_some());
            assert_eq!(job.wait(), end, "how it went can be asked still");
            job
        };
        for end in [Outcome::Returned, Outcome::Panicked, Outcome::Cancelled] {
            let mut job = taken(end);
            assert_eq!(panic_of(|| job.try_result()), TWICE);
            assert_eq!(panic_of(|| job.result_timeout(Duration::ZERO)), TWICE);
            assert_eq!(panic_of(|| job.result_timeout(Duration::MAX)), TWICE);
            assert_eq!(panic_of(|| job.result()), TWICE);
        }
    });
}

/// Law F5: what the job has written needs no ordering of its own.
#[test]
fn a_job_happens_before_whatever_tells_of_its_end() {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    watchdog::run(|_| {
        let pool = pool(2);
        for form in PATIENT.into_iter().chain(HASTY).cycle().take(1_000) {
            let (written, theirs) = two(AtomicU32::new(0));
            let job = pool.submit(move || theirs.store(7, Relaxed)).unwrap();
            while wait_by(&job, form).is_none() {}
            assert_eq!(written.load(Relaxed), 7);
            assert_eq!(std::sync::Arc::strong_count(&written), 1, "its function is dropped");
        }
    });
}

struct Weaver(&'static str);

impl Run for Weaver {
    type Output = usize;

    fn run(self) -> usize {
        self.0.len()
    }
}

#[test]
fn an_object_can_be_submitted_and_comes_back_if_it_is_refused() {
    watchdog::run(|_| {
        let pool = pool(1);
        assert_eq!(pool.submit(Weaver("warp")).unwrap().result().unwrap(), 4);
        pool.shutdown();
        assert_eq!(pool.submit(Weaver("weft")).unwrap_err().into_inner().0, "weft");
        let mut borrowed = String::from("selvedge");
        assert!(pool.scope(|scope| scope.submit(|| borrowed.push('s')).is_err()));
        assert_eq!(borrowed, "selvedge");
    });
}

#[test]
fn a_job_that_is_dropped_runs_all_the_same() {
    watchdog::run(|_| {
        let pool = pool(1);
        let (ran, theirs) = two(Event::new());
        let held = hold(&pool);
        drop(pool.submit(move || theirs.set()).unwrap());
        assert_eq!(ran.wait_timeout(Duration::ZERO), Err(TimedOut));
        held.release();
        ran.wait();
    });
}
