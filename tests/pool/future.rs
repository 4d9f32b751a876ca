//! A job as a future, with executors of a few lines.

use super::{hold, pool, said, two};
use crate::support::panic_of;
use crate::watchdog;
use selvedge::{Event, Job, JobError};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

/// Wakes whoever waits for its event, and counts that.
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

/// An executor of one future, whose thread sleeps until it is woken.
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
fn a_job_can_be_awaited() {
    watchdog::run(|watch| {
        let pool = pool(2);
        let sum = watch.waits("the sum", || {
            block_on(async {
                let mut sum = 0;
                for number in 0..500 {
                    sum += pool.submit(move || number).unwrap().await.unwrap();
                }
                let failed = pool.submit(|| panic!("no yarn")).unwrap().await;
                assert_eq!(said(failed), "no yarn");
                sum
            })
        });
        assert_eq!(sum, (0..500).sum());
    });
}

#[test]
fn whoever_awaits_is_woken_by_the_end_and_by_a_cancel() {
    watchdog::run(|watch| {
        let pool = pool(1);
        for cancels in [false, true] {
            let held = hold(&pool);
            let (job, theirs) = two(selvedge::Mutex::new(pool.submit(|| 7).unwrap()));
            let (polled, polls) = two(Event::new());
            let waiter = watch.spawn("awaiter", move |role| {
                let result = role.waits("the job", || {
                    block_on(std::future::poll_fn(|context| {
                        let polled = Pin::new(&mut *theirs.acquire()).poll(context);
                        polls.set();
                        polled
                    }))
                });
                result.ok()
            });
            polled.wait();
            waiter.until_asleep();
            if cancels {
                assert!(job.acquire().cancel());
            } else {
                held.release();
            }
            assert_eq!(waiter.join(), (!cancels).then_some(7));
        }
    });
}

#[test]
fn a_waker_that_does_nothing_will_do_for_a_look() {
    watchdog::run(|watch| {
        let pool = pool(1);
        let held = hold(&pool);
        let mut job = pool.submit(|| 7).unwrap();
        for _ in 0..10 {
            assert!(poll(&mut job, Waker::noop()).is_pending());
        }
        held.release();
        let mut result = Poll::Pending;
        watch.until("ready", || {
            result = poll(&mut job, Waker::noop());
            result.is_ready()
        });
        assert!(matches!(result, Poll::Ready(Ok(7))));
        assert_eq!(
            panic_of(|| poll(&mut job, Waker::noop())),
            "the result of the job was already taken"
        );
    });
}

fn pending(pool: &selvedge::ThreadPool, bells: &[&Arc<Bell>]) -> Job<()> {
    let mut job = pool.submit(|| ()).unwrap();
    for bell in bells {
        for _ in 0..3 {
            assert!(poll(&mut job, &Waker::from(Arc::clone(bell))).is_pending());
        }
    }
    job
}

/// The last waker is the one that counts, and one is enough.
#[test]
fn only_the_last_waker_is_woken_and_once() {
    watchdog::run(|_| {
        let pool = pool(1);
        for cancels in [false, true] {
            let held = hold(&pool);
            let [old, new] = [(); 2].map(|()| Arc::new(Bell::default()));
            let mut job = pending(&pool, &[&new, &old, &new]);
            assert_eq!(Arc::strong_count(&old), 1, "nobody needs it any more");
            if cancels {
                assert!(job.cancel());
            }
            held.release();
            new.rung.wait();
            let result = poll(&mut job, Waker::noop());
            assert!(matches!(result, Poll::Ready(result) if result.is_err() == cancels));
            drop(job);
            assert_eq!([&old, &new].map(|bell| bell.times.load(SeqCst)), [0, 1]);
            drop(held);
        }
    });
}

#[test]
fn a_future_that_is_dropped_leaves_no_waker_behind() {
    watchdog::run(|_| {
        let pool = pool(1);
        let held = hold(&pool);
        let bell = Arc::new(Bell::default());
        for _ in 0..100 {
            drop(pending(&pool, &[&bell]));
            assert_eq!(Arc::strong_count(&bell), 1);
        }
        held.release();
        pool.shutdown();
        assert_eq!(bell.times.load(SeqCst), 0, "the jobs ran, and nobody wanted to know");
    });
}

/// Awaited first, and asked like any other then.
#[test]
fn a_job_that_was_polled_can_be_waited_for_in_other_ways() {
    watchdog::run(|_| {
        let pool = pool(1);
        let (bell, held) = (Arc::new(Bell::default()), hold(&pool));
        let [by_result, by_look] = [0, 1].map(|_| pending(&pool, &[&bell]));
        held.release();
        by_result.result().unwrap();
        by_look.wait();
        let mut by_look = by_look;
        assert!(by_look.try_result().unwrap().is_ok());
        drop(by_look);
        pool.shutdown();
        assert_eq!((Arc::strong_count(&bell), bell.times.load(SeqCst) <= 2), (1, true));
    });
}

/// Wakers of other kinds: one that panics, and one that polls where it is woken.
#[test]
fn a_waker_that_panics_holds_up_nobody() {
    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Panics>) {
            panic!("of the waker");
        }
    }
    watchdog::run(|_| {
        let pool = pool(1);
        let held = hold(&pool);
        let mut job = pool.submit(|| 7).unwrap();
        assert!(poll(&mut job, &Waker::from(Arc::new(Panics))).is_pending());
        let (told, tells) = two(Event::new());
        job.on_done(move |_| tells.set());
        held.release();
        told.wait();
        assert_eq!(job.result().unwrap(), 7);
        assert_eq!(pool.submit(|| 8).unwrap().result().unwrap(), 8);
    });
}

#[test]
fn many_futures_race_with_their_ends_and_none_sleeps_on() {
    watchdog::run(|watch| {
        let pool = Arc::new(pool(2));
        let executors = [0, 1, 2].map(|number| {
            let pool = Arc::clone(&pool);
            watch.spawn(format!("executor {number}"), move |role| {
                let mut rng = fastrand::Rng::with_seed(number);
                for round in 0..1_000 {
                    let job = pool.submit(move || round).unwrap();
                    let cancelled = rng.bool() && job.cancel();
                    match role.waits("an await", || block_on(job)) {
                        Ok(result) => assert_eq!((result, cancelled), (round, false)),
                        Err(error) => assert!(matches!(error, JobError::Cancelled) && cancelled),
                    }
                }
            })
        });
        executors.into_iter().for_each(|executor| executor.join());
    });
}
