//! `as_completed` yields jobs as they end: law F3.

use super::several::{gated, open};
use super::{arc_pair, message, occupy, pool};
use crate::forms::{BLOCKING, Form};
use crate::queue::spawn_blocked;
use crate::watchdog;
use selvedge::pool::{as_completed, wait_timeout};
use selvedge::{Event, Instant, Job, TimedOut, Until};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

#[test]
fn jobs_are_yielded_in_the_order_of_their_ends() {
    watchdog::run(|_| {
        let pool = pool(4);
        let mut rng = fastrand::Rng::with_seed(0);
        for _ in 0..50 {
            let (gates, jobs) = gated(&pool, &[false; 4]);
            let mut order = [0, 1, 2, 3];
            rng.shuffle(&mut order);
            let (before, after) = order.split_at_mut(rng.usize(..4));
            for &mut number in &mut *before {
                gates[number].set();
                jobs[number].wait();
            }
            let index = |job: &Job<usize>| jobs.iter().position(|other| std::ptr::eq(other, job)).unwrap();
            let mut completed = as_completed(&jobs);
            let mut first: Vec<_> = completed.by_ref().take(before.len()).map(index).collect();
            first.sort();
            before.sort();
            assert_eq!(first, before, "the jobs that had ended already, in any order");
            for (done, &mut number) in after.iter_mut().enumerate() {
                assert_eq!(completed.len(), 4 - before.len() - done);
                assert_eq!(completed.next_timeout(Duration::ZERO).err(), Some(TimedOut));
                gates[number].set();
                assert_eq!(completed.next().map(index), Some(number));
            }
            assert!(completed.next().is_none() && completed.next_deadline(Instant::now()).unwrap().is_none());
        }
    });
}

#[test]
fn each_form_of_next_blocks_until_a_job_ends() {
    watchdog::run(|watch| {
        let pool = pool(2);
        for form in BLOCKING {
            let (gates, jobs) = gated(&pool, &[false, false]);
            let waiter = spawn_blocked(watch, "next", move || {
                let mut completed = as_completed(jobs);
                let next = match form {
                    Form::Timeout(time) => completed.next_timeout(time),
                    Form::Deadline(time) => completed.next_deadline(Instant::now() + time),
                    Form::Plain | Form::Try => Ok(completed.next()),
                };
                (next.unwrap().unwrap().result().unwrap(), completed.into_rest())
            });
            gates[1].set();
            let (first, rest) = waiter.join();
            assert_eq!((first, rest.len(), rest[0].is_done()), (1, 1, false));
            open(&gates);
        }
    });
}

#[test]
fn into_rest_returns_the_remaining_jobs_in_the_given_order() {
    watchdog::run(|_| {
        let pool = pool(4);
        let (gates, jobs) = gated(&pool, &[false, false, true, false]);
        gates[2].set();
        let mut completed = as_completed(jobs);
        assert_eq!(format!("{completed:?}"), "AsCompleted { left: 4, .. }");
        assert_eq!(message(completed.next().unwrap().result()), "job 2 fails");
        let rest = completed.into_rest();
        open(&gates);
        assert!(rest.into_iter().map(|job| job.result().unwrap()).eq([0, 1, 3]));
    });
}

/// A slow waker prolongs the time between the end of a job and the notification of its waiters.
#[test]
fn a_wait_finds_a_job_that_has_ended_before_its_waiters_are_notified() {
    struct Slow(Arc<Event>);

    impl Wake for Slow {
        fn wake(self: Arc<Slow>) {
            self.0.wait();
        }
    }
    watchdog::run(|_| {
        let pool = pool(2);
        let (busy, (go, goes), (gate, opens)) = (occupy(&pool), arc_pair(Event::new()), arc_pair(Event::new()));
        let mut jobs = [pool.submit(move || opens.wait()).unwrap(), pool.submit(|| ()).unwrap()];
        let waker = Waker::from(Arc::new(Slow(goes)));
        let poll = Pin::new(&mut jobs[0]).poll(&mut Context::from_waker(&waker));
        assert!(poll.is_pending());
        let mut completed = as_completed(&jobs);
        assert!(completed.next_timeout(Duration::ZERO).is_err());
        gate.set();
        jobs[0].wait();
        assert_eq!(wait_timeout(&jobs, Until::FirstCompleted, Duration::ZERO), Ok(()));
        let first = completed.next_timeout(Duration::ZERO).unwrap().unwrap();
        assert!(std::ptr::eq(first, &jobs[0]));
        assert!(completed.next_timeout(Duration::ZERO).is_err(), "yielded twice");
        go.set();
        busy.release();
        assert!(std::ptr::eq(completed.next().unwrap(), &jobs[1]));
        assert!(completed.next().is_none());
    });
}
