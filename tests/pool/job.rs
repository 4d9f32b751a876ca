//! A job's result and its end, in all forms.

use super::{arc_pair, message, occupy, pool, result_by, wait_by};
use crate::forms::{BLOCKING, EXPIRING};
use crate::queue::spawn_blocked;
use crate::support::panic_of;
use crate::watchdog;
use selvedge::thread::Run;
use selvedge::{Event, Job, JobError, Outcome};
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// A form that times out returns the job, a patient form blocks, and each form takes the result of an ended job.
#[test]
fn each_form_takes_what_a_job_returns_or_panics_with() {
    watchdog::run(|watch| {
        let pool = pool(1);
        for (round, form) in BLOCKING.into_iter().chain(EXPIRING).enumerate() {
            for panics in [false, true] {
                let (gate, opens) = arc_pair(Event::new());
                let run = move || {
                    opens.wait();
                    if panics { panic_any(round) } else { round.to_string() }
                };
                let mut job = pool.submit(run).unwrap();
                for hasty in EXPIRING {
                    job = result_by(job, hasty).expect_err("it has not ended");
                    assert_eq!(wait_by(&job, hasty), None);
                }
                let result = if BLOCKING.len() > round {
                    let waiter = spawn_blocked(watch, "result", move || result_by(job, form));
                    gate.set();
                    waiter.join()
                } else {
                    gate.set();
                    job.wait();
                    result_by(job, form)
                };
                match result.unwrap() {
                    Ok(text) => assert_eq!((text, panics), (round.to_string(), false), "{form:?}"),
                    Err(JobError::Panicked(payload)) => assert_eq!(payload.downcast_ref(), Some(&round), "{form:?}"),
                    Err(error) => panic!("{form:?}: {error:?}"),
                }
            }
        }
        assert_eq!(pool.workers(), 1);
    });
}

#[test]
fn any_number_of_threads_wait_in_any_form_and_the_result_remains() {
    let (pool, begun, gate) = (pool(1), Event::new(), Event::new());
    watchdog::run(|watch| {
        let (pool, begun, gate) = (&pool, &begun, &gate);
        for end in [Outcome::Returned, Outcome::Panicked, Outcome::Cancelled] {
            begun.clear();
            gate.clear();
            pool.scope(|scope| {
                let busy = (end == Outcome::Cancelled).then(|| occupy(pool));
                let run = move || {
                    begun.set();
                    gate.wait();
                    assert!(end == Outcome::Returned, "job {}", 3);
                };
                let (job, theirs) = arc_pair(scope.submit(run).unwrap());
                let waiters = BLOCKING.map(|form| {
                    let job = Arc::clone(&theirs);
                    spawn_blocked(watch, "wait", move || wait_by(&job, form))
                });
                drop(theirs);
                if busy.is_none() {
                    begun.wait();
                }
                let state = || (job.is_running(), job.is_done(), job.outcome());
                assert_eq!(state(), (busy.is_none(), false, None));
                assert_eq!(job.cancel(), end == Outcome::Cancelled);
                gate.set();
                assert!(waiters.into_iter().all(|waiter| waiter.join() == Some(end)));
                assert!(EXPIRING.into_iter().all(|form| wait_by(&job, form) == Some(end)));
                assert_eq!(state(), (false, true, Some(end)));
                drop(busy);
                let result = Arc::into_inner(job).unwrap().result();
                match end {
                    Outcome::Returned => result.unwrap(),
                    Outcome::Panicked => assert_eq!(message(result), "job 3"),
                    _ => assert!(matches!(result, Err(JobError::Cancelled))),
                }
            });
        }
    });
}

#[test]
fn a_second_take_of_the_result_panics() {
    watchdog::run(|_| {
        let pool = pool(1);
        for end in [Outcome::Returned, Outcome::Panicked, Outcome::Cancelled] {
            let busy = occupy(&pool);
            let mut job = pool.submit(move || assert_eq!(end, Outcome::Returned)).unwrap();
            if end == Outcome::Cancelled {
                job.cancel();
            }
            busy.release();
            job.wait();
            assert!(job.try_result().is_some());
            assert_eq!(job.wait(), end, "the outcome remains");
            let calls: [fn(&mut Job<()>); 3] = [
                |job| drop(job.try_result()),
                |job| drop(job.result_timeout(Duration::ZERO)),
                |job| drop(job.result_timeout(Duration::MAX)),
            ];
            let mut said = Vec::from(calls.map(|call| panic_of(|| call(&mut job))));
            said.push(panic_of(|| job.result()));
            assert_eq!(said, ["the result of the job was already taken"; 4]);
        }
    });
}

/// Law F5.
#[test]
fn a_job_happens_before_the_return_of_a_wait_for_it() {
    watchdog::run(|_| {
        let pool = pool(2);
        for form in BLOCKING.into_iter().chain(EXPIRING).cycle().take(1_000) {
            let (written, theirs) = arc_pair(AtomicU32::new(0));
            let job = pool.submit(move || theirs.store(7, Relaxed)).unwrap();
            while wait_by(&job, form).is_none() {}
            assert_eq!(written.load(Relaxed), 7);
            assert_eq!(Arc::strong_count(&written), 1, "its function is dropped");
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
fn an_object_can_be_submitted_and_is_returned_if_refused() {
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
fn a_job_runs_though_its_handle_is_dropped() {
    watchdog::run(|_| {
        let pool = pool(1);
        let (busy, (ran, theirs)) = (occupy(&pool), arc_pair(Event::new()));
        drop(pool.submit(move || theirs.set()).unwrap());
        busy.release();
        ran.wait();
    });
}
