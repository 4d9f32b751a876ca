//! Jobs as they end, one after another. Law F3.

use super::several::{gated, open};
use super::{hold, pool, said, two};
use crate::forms::{Form, PATIENT};
use crate::watchdog;
use selvedge::pool::{as_completed, wait_timeout};
use selvedge::{Event, Instant, TimedOut, Until};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

#[test]
fn jobs_come_in_the_order_of_their_ends() {
    watchdog::run(|_| {
        let pool = pool(4);
        let mut rng = fastrand::Rng::with_seed(0);
        for _ in 0..50 {
            let (gates, jobs) = gated(&pool, &[false; 4]);
            let mut order = [0, 1, 2, 3];
            rng.shuffle(&mut order);
            let (before, after) = order.split_at(rng.usize(..4));
            for &number in before {
                gates[number].set();
                jobs[number].wait();
            }
            let mut ends = as_completed(&jobs);
            let mut ended: Vec<_> = ends.by_ref().take(before.len()).map(std::ptr::from_ref).collect();
            ended.sort();
            let mut expected: Vec<_> = before.iter().map(|&number| &raw const jobs[number]).collect();
            expected.sort();
            assert_eq!(ended, expected, "those that have ended already, first");
            for (left, &number) in after
                .iter()
                .enumerate()
                .map(|(done, number)| (after.len() - done, number))
            {
                assert_eq!(
                    (ends.len(), ends.next_timeout(Duration::ZERO).err()),
                    (left, Some(TimedOut))
                );
                gates[number].set();
                assert!(std::ptr::eq(ends.next().unwrap(), &jobs[number]));
            }
            assert!(ends.next().is_none() && ends.next_deadline(Instant::now()).unwrap().is_none());
        }
    });
}

#[test]
fn each_form_of_next_waits_for_the_next() {
    watchdog::run(|watch| {
        let pool = pool(2);
        for form in PATIENT {
            let (gates, jobs) = gated(&pool, &[false, false]);
            let waiter = watch.spawn("waiter", move |role| {
                let mut ends = as_completed(jobs);
                let next = role.waits("next", || match form {
                    Form::Timeout(time) => ends.next_timeout(time),
                    Form::Deadline(time) => ends.next_deadline(Instant::now() + time),
                    Form::Plain | Form::Try => Ok(ends.next()),
                });
                (next.unwrap().unwrap().result().unwrap(), ends.into_rest())
            });
            waiter.until_asleep();
            gates[1].set();
            let (first, rest) = waiter.join();
            assert_eq!((first, rest.len(), rest[0].is_done()), (1, 1, false));
            open(&gates);
            assert_eq!(rest.into_iter().next().unwrap().result().unwrap(), 0);
        }
    });
}

#[test]
fn the_rest_is_given_back_in_the_order_in_which_it_came() {
    watchdog::run(|_| {
        let pool = pool(4);
        let (gates, jobs) = gated(&pool, &[false, false, true, false]);
        gates[2].set();
        let mut ends = as_completed(jobs);
        assert_eq!(format!("{ends:?}"), "AsCompleted { left: 4, .. }");
        assert_eq!(said(ends.next().unwrap().result()), "job 2 fails");
        let rest = ends.into_rest();
        open(&gates);
        assert_eq!(
            rest.into_iter().map(|job| job.result().unwrap()).collect::<Vec<_>>(),
            [0, 1, 3]
        );
    });
}

/// Between the end of a job and the telling of it there is a moment, which a slow waker makes long here.
#[test]
fn a_look_finds_a_job_that_has_ended_though_nobody_was_told_yet() {
    struct Slow(Arc<Event>);

    impl Wake for Slow {
        fn wake(self: Arc<Slow>) {
            self.0.wait();
        }
    }
    watchdog::run(|_| {
        let pool = pool(2);
        let (held, (go, goes)) = (hold(&pool), two(Event::new()));
        let (gate, opens) = two(Event::new());
        let mut jobs = [pool.submit(move || opens.wait()).unwrap(), pool.submit(|| ()).unwrap()];
        let waker = Waker::from(Arc::new(Slow(goes)));
        assert!(
            Pin::new(&mut jobs[0])
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        let mut ends = as_completed(&jobs);
        assert!(ends.next_timeout(Duration::ZERO).is_err());
        gate.set();
        jobs[0].wait();
        assert_eq!(wait_timeout(&jobs, Until::FirstCompleted, Duration::ZERO), Ok(()));
        assert!(std::ptr::eq(
            ends.next_timeout(Duration::ZERO).unwrap().unwrap(),
            &jobs[0]
        ));
        assert!(
            ends.next_timeout(Duration::ZERO).is_err(),
            "the other has not, and none comes twice"
        );
        go.set();
        held.release();
        assert!(std::ptr::eq(ends.next().unwrap(), &jobs[1]));
        assert!(ends.next().is_none());
    });
}
