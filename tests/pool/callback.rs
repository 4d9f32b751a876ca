//! Law F4: each callback runs once, after the job has ended, in the order in which the callbacks were added.

use super::{arc_pair, assert_runs_jobs, occupy, pool};
use crate::support::panic_of;
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::{Event, Job, Outcome, SimpleQueue};
use std::panic::panic_any;
use std::sync::Arc;
use std::thread::{ThreadId, current};

type Log = Arc<SimpleQueue<(usize, Outcome, ThreadId)>>;

/// Adds `count` callbacks, which log their number.
fn log_of(job: &Job<ThreadId>, count: usize) -> Log {
    let log = Log::default();
    for number in 0..count {
        let log = Arc::clone(&log);
        job.on_done(move |outcome| log.put((number, outcome, current().id())));
    }
    log
}

#[test]
fn callbacks_run_in_order_on_the_thread_that_ends_the_job_or_adds_them_later() {
    watchdog::run(|_| {
        let (pool, me) = (pool(1), current().id());
        let busy = occupy(&pool);
        let [ran, cancelled] = [0, 1].map(|_| pool.submit(|| current().id()).unwrap());
        let (of_worker, of_canceller) = (log_of(&ran, 3), log_of(&cancelled, 3));
        assert!(cancelled.cancel());
        let expected = |outcome, thread| [0, 1, 2].map(|number| (number, outcome, thread));
        assert_eq!(of_canceller.drain(), expected(Outcome::Cancelled, me));
        assert!(of_worker.is_empty());
        busy.release();
        ran.wait();
        assert_eq!(log_of(&ran, 3).drain(), expected(Outcome::Returned, me));
        let worker = ran.result().unwrap();
        assert_eq!([0; 3].map(|_| of_worker.get()), expected(Outcome::Returned, worker));
        assert_ne!(worker, me);
        let failed = pool.submit(|| panic!("on purpose")).unwrap();
        failed.wait();
        assert_eq!(log_of(&failed, 3).drain(), expected(Outcome::Panicked, me));
        let said = panic_of(|| failed.on_done(|_| panic!("of the callback")));
        assert_eq!(said, "of the callback", "in the thread that adds it");
    });
}

#[test]
fn a_callback_observes_that_the_job_has_ended() {
    watchdog::run(|_| {
        let pool = pool(2);
        for cancels in [false, true] {
            let busy = [(); 2].map(|()| occupy(&pool));
            let (job, theirs) = arc_pair(pool.submit(|| ()).unwrap());
            let (seen, sees) = arc_pair(SimpleQueue::new());
            job.on_done(move |outcome| {
                sees.put((outcome, theirs.wait(), theirs.is_done(), theirs.cancel()));
                let again = Arc::clone(&sees);
                theirs.on_done(move |outcome| again.put((outcome, outcome, false, false)));
            });
            if cancels {
                job.cancel();
            }
            busy.iter().for_each(|worker| worker.release());
            let end = if cancels { Outcome::Cancelled } else { Outcome::Returned };
            assert_eq!(seen.get(), (end, end, true, cancels));
            assert_eq!(seen.get(), (end, end, false, false));
        }
    });
}

#[test]
fn a_callback_that_panics_affects_no_other_callback() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        for cancels in [false, true] {
            let busy = occupy(&pool);
            let job = pool.submit(|| current().id()).unwrap();
            job.on_done(|_| panic!("the first callback"));
            let first = log_of(&job, 2);
            let [captured, payload] = [(); 2].map(|()| Bomb::new(&drops));
            job.on_done(move |_| drop(captured));
            job.on_done(move |_| panic_any(payload)); // a payload whose drop panics
            let last = log_of(&job, 2);
            if cancels {
                assert!(job.cancel());
            }
            busy.release();
            job.wait();
            assert_eq!([&first, &first, &last, &last].map(|log| log.get().0), [0, 1, 0, 1]);
            assert_runs_jobs(&pool);
        }
        pool.shutdown();
        assert_eq!(drops.count(), 2, "the payloads are leaked");
    });
}

/// A worker that runs a callback is busy: a job that is submitted meanwhile, by any thread, gets another worker.
#[test]
fn a_callback_that_waits_for_a_job_gets_a_worker_for_it() {
    watchdog::run(|watch| {
        let (pool, theirs) = arc_pair(pool(2));
        let (busy, (results, puts)) = (occupy(&pool), arc_pair(SimpleQueue::new()));
        busy.job
            .on_done(move |_| puts.put(theirs.submit(|| 7).unwrap().result().unwrap()));
        assert_eq!(pool.workers(), 1);
        busy.release();
        assert_eq!(watch.waits("the job of the callback", || results.get()), 7);
    });
    watchdog::run(|watch| {
        let pool = pool(2);
        let (busy, (begun, begins), (go, goes)) = (occupy(&pool), arc_pair(Event::new()), arc_pair(Event::new()));
        busy.job.on_done(move |_| {
            begins.set();
            goes.wait();
        });
        busy.release();
        begun.wait();
        assert_eq!(pool.workers(), 1);
        let job = pool.submit(move || go.set()).unwrap();
        watch.waits("the callback's job", || job.result()).unwrap();
        assert_eq!(pool.workers(), 2);
    });
}

#[test]
fn callbacks_of_a_dropped_job_run() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let (busy, (outcomes, puts)) = (occupy(&pool), arc_pair(SimpleQueue::new()));
        let (job, token) = (pool.submit(|| ()).unwrap(), drops.token());
        job.on_done(move |outcome| (token, puts.put(outcome)).1);
        drop(job);
        busy.release();
        assert_eq!(outcomes.get(), Outcome::Returned);
        pool.shutdown();
        assert_eq!(drops.count(), 1);
    });
}
