//! A job as a future, with an executor of a few lines.

use super::{arc_pair, message, occupy, pool};
use crate::support::panic_of;
use crate::watchdog;
use selvedge::{Event, Job, JobError, ThreadPool};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

/// A waker that sets its event and counts its wake-ups.
#[derive(Default)]
struct Bell {
    rung: Event,
    times: AtomicUsize,
}

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        self.times.fetch_add(1, SeqCst);
        self.rung.set();
    }
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// An executor of one future, whose thread blocks until the future is woken.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        bell.rung.wait();
        bell.rung.clear();
    }
}

#[test]
fn awaits_that_race_with_the_ends_of_their_jobs_all_return() {
    watchdog::run(|watch| {
        let pool = Arc::new(pool(2));
        for number in 0..3 {
            let pool = Arc::clone(&pool);
            watch.spawn(format!("executor {number}"), move |role| {
                let mut rng = fastrand::Rng::with_seed(number);
                for round in 0..1_000 {
                    let panics = rng.u8(..8) == 0;
                    let run = move || if panics { panic!("no yarn") } else { round };
                    let job = pool.submit(run).unwrap();
                    let cancelled = rng.bool() && job.cancel();
                    match role.waits("an await", || block_on(job)) {
                        Err(JobError::Cancelled) => assert!(cancelled),
                        Ok(result) => assert_eq!((result, cancelled, panics), (round, false, false)),
                        failed => assert_eq!((message(failed).as_str(), cancelled), ("no yarn", false)),
                    }
                }
            });
        }
    });
}

#[test]
fn a_waker_that_does_nothing_suffices_for_polling() {
    watchdog::run(|watch| {
        let pool = pool(1);
        let busy = occupy(&pool);
        let mut job = pool.submit(|| 7).unwrap();
        assert!((0..10).all(|_| poll(&mut job, Waker::noop()).is_pending()));
        busy.release();
        let mut result = Poll::Pending;
        watch.until("ready", || {
            result = poll(&mut job, Waker::noop());
            result.is_ready()
        });
        assert!(matches!(result, Poll::Ready(Ok(7))));
        let said = panic_of(|| poll(&mut job, Waker::noop()));
        assert_eq!(said, "the result of the job was already taken");
    });
}

/// A queued job that each bell has polled, in this order.
fn polled(pool: &ThreadPool, bells: &[&Arc<Bell>]) -> Job<()> {
    let mut job = pool.submit(|| ()).unwrap();
    for bell in bells {
        assert!((0..3).all(|_| poll(&mut job, &Waker::from(Arc::clone(bell))).is_pending()));
    }
    job
}

#[test]
fn only_the_last_waker_is_woken_and_once() {
    watchdog::run(|_| {
        let pool = pool(1);
        for cancels in [false, true] {
            let busy = occupy(&pool);
            let [old, new] = [(); 2].map(|()| Arc::new(Bell::default()));
            let mut job = polled(&pool, &[&new, &old, &new]);
            assert_eq!(Arc::strong_count(&old), 1, "it is replaced");
            if cancels {
                assert!(job.cancel());
            }
            busy.release();
            new.rung.wait();
            let result = poll(&mut job, Waker::noop());
            assert!(matches!(result, Poll::Ready(result) if result.is_err() == cancels));
            drop(job);
            assert_eq!([&old, &new].map(|bell| bell.times.load(SeqCst)), [0, 1]);
        }
    });
}

#[test]
fn a_dropped_future_drops_its_waker() {
    watchdog::run(|_| {
        let pool = pool(1);
        let (busy, bell) = (occupy(&pool), Arc::new(Bell::default()));
        for _ in 0..100 {
            drop(polled(&pool, &[&bell]));
            assert_eq!(Arc::strong_count(&bell), 1);
        }
        busy.release();
        pool.shutdown();
        assert_eq!(bell.times.load(SeqCst), 0, "the jobs have run");
    });
}

#[test]
fn a_polled_job_can_be_waited_for_in_other_ways() {
    watchdog::run(|_| {
        let pool = pool(1);
        let (bell, busy) = (Arc::new(Bell::default()), occupy(&pool));
        let [by_result, mut by_try] = [0, 1].map(|_| polled(&pool, &[&bell]));
        busy.release();
        by_result.result().unwrap();
        by_try.wait();
        by_try.try_result().unwrap().unwrap();
        drop(by_try);
        pool.shutdown();
        assert_eq!((Arc::strong_count(&bell), bell.times.load(SeqCst) <= 2), (1, true));
    });
}

#[test]
fn a_waker_that_panics_affects_neither_callbacks_nor_the_worker() {
    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Panics>) {
            panic!("of the waker");
        }
    }
    watchdog::run(|_| {
        let pool = pool(1);
        let busy = occupy(&pool);
        let mut job = pool.submit(|| 7).unwrap();
        assert!(poll(&mut job, &Waker::from(Arc::new(Panics))).is_pending());
        let (called, calls) = arc_pair(Event::new());
        job.on_done(move |_| calls.set());
        busy.release();
        called.wait();
        assert_eq!(job.result().unwrap(), 7);
        assert_eq!(pool.submit(|| 8).unwrap().result().unwrap(), 8);
    });
}
