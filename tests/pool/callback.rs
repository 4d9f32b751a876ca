//! Law F4: each callback runs once, after the end, in its order.

use super::{hold, pool, two};
use crate::support::{Line, panic_of};
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::{Event, Job, Outcome, SimpleQueue, ThreadPool};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::{ThreadId, current};

type Log = Arc<SimpleQueue<(usize, Outcome, ThreadId)>>;

fn log_of(job: &Job<ThreadId>, count: usize) -> Log {
    let log = Log::default();
    for number in 0..count {
        let log = Arc::clone(&log);
        job.on_done(move |outcome| log.put((number, outcome, current().id())));
    }
    log
}

#[test]
fn callbacks_run_in_their_order_on_the_thread_that_ends_the_job() {
    watchdog::run(|_| {
        let pool = pool(1);
        let held = hold(&pool);
        let [ran, cancelled] = [0, 1].map(|_| pool.submit(|| current().id()).unwrap());
        let (of_worker, of_canceller) = (log_of(&ran, 5), log_of(&cancelled, 5));
        assert!(cancelled.cancel());
        let me = current().id();
        let expected: Vec<_> = (0..5).map(|number| (number, Outcome::Cancelled, me)).collect();
        assert_eq!(of_canceller.drain(), expected, "before `cancel` returns");
        assert!(of_worker.is_empty());
        held.release();
        let worker = ran.result().unwrap();
        let told: Vec<_> = (0..5).map(|_| of_worker.get()).collect();
        assert_eq!(
            told,
            (0..5)
                .map(|number| (number, Outcome::Returned, worker))
                .collect::<Vec<_>>()
        );
        assert_ne!(worker, me);
    });
}

#[test]
fn a_callback_of_a_job_that_has_ended_runs_at_once_here() {
    watchdog::run(|_| {
        let pool = pool(1);
        let ended = pool.submit(|| current().id()).unwrap();
        assert_eq!(ended.wait(), Outcome::Returned);
        let log = log_of(&ended, 3);
        assert_eq!(
            log.drain(),
            [0, 1, 2].map(|number| (number, Outcome::Returned, current().id()))
        );
        let failed = pool.submit(|| panic!("on purpose")).unwrap();
        failed.wait();
        assert_eq!(log_of(&failed, 1).drain(), [(0, Outcome::Panicked, current().id())]);
        assert_eq!(
            panic_of(|| failed.on_done(|_| panic!("of the callback"))),
            "of the callback"
        );
        assert_eq!(log_of(&failed, 1).len(), 1);
    });
}

#[test]
fn a_callback_sees_that_the_job_has_ended() {
    watchdog::run(|_| {
        let pool = pool(2);
        for cancels in [false, true] {
            let held = [(); 2].map(|()| hold(&pool));
            let (job, theirs) = two(pool.submit(|| ()).unwrap());
            let (seen, sees) = two(SimpleQueue::new());
            job.on_done(move |outcome| {
                sees.put((outcome, theirs.wait(), theirs.is_done(), theirs.cancel()));
                let again = Arc::clone(&sees);
                theirs.on_done(move |outcome| again.put((outcome, outcome, false, false)));
            });
            if cancels {
                job.cancel();
            }
            held.iter().for_each(|held| held.release());
            let end = if cancels { Outcome::Cancelled } else { Outcome::Returned };
            assert_eq!(
                [seen.get(), seen.get()],
                [(end, end, true, cancels), (end, end, false, false)]
            );
        }
    });
}

#[test]
fn one_that_panics_holds_up_none_of_the_others() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        for cancels in [false, true] {
            let held = hold(&pool);
            let job = pool.submit(|| current().id()).unwrap();
            job.on_done(|_| panic!("the first callback"));
            let first = log_of(&job, 2);
            let bomb = Bomb::new(&drops);
            job.on_done(move |_| drop(bomb));
            let bomb = Bomb::new(&drops);
            job.on_done(move |_| std::panic::panic_any(bomb)); // a payload whose drop panics
            let last = log_of(&job, 2);
            if cancels {
                assert!(job.cancel());
            }
            held.release();
            job.wait();
            assert_eq!([first.get().0, first.get().0, last.get().0, last.get().0], [0, 1, 0, 1]);
            assert_eq!(pool.submit(|| 7).unwrap().result().unwrap(), 7, "the worker goes on");
        }
        pool.shutdown();
        assert_eq!(drops.count(), 2, "the payloads are leaked");
    });
}

#[test]
fn a_callback_runs_once_even_if_it_comes_with_the_end() {
    const ROUNDS: usize = 1_500;
    let (pool, line, called) = (pool(1), Line::new(3), AtomicUsize::new(0));
    let place = selvedge::Mutex::new(None::<Arc<Job<()>>>);
    let (calls, callbacks) = two(AtomicUsize::new(0));
    watchdog::run(|watch| {
        let (line, place, called) = (&line, &place, &called);
        for number in 0..2 {
            let callbacks = Arc::clone(&callbacks);
            watch.spawn(format!("adder {number}"), move |_| {
                for _ in 0..ROUNDS {
                    line.cross();
                    let job = place.acquire().clone().unwrap();
                    for _ in 0..3 {
                        let callbacks = Arc::clone(&callbacks);
                        job.on_done(move |outcome| {
                            assert_eq!(outcome, Outcome::Returned);
                            callbacks.fetch_add(1, SeqCst);
                        });
                    }
                    called.fetch_add(3, SeqCst);
                    line.cross();
                }
            });
        }
        for _ in 0..ROUNDS {
            let (go, theirs) = two(Event::new());
            let (mine, theirs) = two(pool.submit(move || theirs.wait()).unwrap());
            *place.acquire() = Some(theirs);
            line.cross();
            go.set();
            mine.wait();
            line.cross();
        }
    });
    pool.shutdown(); // the worker may be in the last callbacks
    assert_eq!((called.into_inner(), calls.load(SeqCst)), (6 * ROUNDS, 6 * ROUNDS));
    drop(callbacks);
    place.acquire().take();
    assert_eq!(Arc::strong_count(&calls), 1, "each is dropped");
}

/// A callback may take long: its worker is busy, and what is submitted meanwhile, by whomever, gets another.
#[test]
fn a_callback_that_waits_for_a_job_gets_a_worker_for_it() {
    watchdog::run(|watch| {
        let pool = Arc::new(pool(2));
        let held = hold(&pool);
        let (told, tells) = two(SimpleQueue::new());
        let theirs: Arc<ThreadPool> = Arc::clone(&pool);
        held.job
            .on_done(move |_| tells.put(theirs.submit(|| 7).unwrap().result().unwrap()));
        assert_eq!(pool.workers(), 1);
        held.release();
        assert_eq!(watch.waits("the job of the callback", || told.get()), 7);
    });
    watchdog::run(|watch| {
        let pool = pool(2);
        let (held, (begun, begins), (go, goes)) = (hold(&pool), two(Event::new()), two(Event::new()));
        held.job.on_done(move |_| {
            begins.set();
            goes.wait();
        });
        held.release();
        begun.wait();
        assert_eq!(pool.workers(), 1);
        let job = pool.submit(move || go.set()).unwrap();
        watch
            .waits("the job for which the callback waits", || job.result())
            .unwrap();
        assert_eq!(pool.workers(), 2);
    });
}

#[test]
fn callbacks_of_a_job_that_was_dropped_run() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let held = hold(&pool);
        let (told, tells) = two(SimpleQueue::new());
        let job = pool.submit(|| ()).unwrap();
        let token = drops.token();
        job.on_done(move |outcome| {
            let _token = token;
            tells.put(outcome);
        });
        drop(job);
        held.release();
        assert_eq!(told.get(), Outcome::Returned);
        pool.shutdown();
        assert_eq!(drops.count(), 1);
    });
}
