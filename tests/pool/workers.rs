//! The number of workers, and the order of the jobs. Laws P1 and P2.

use super::{arc_pair, occupy, pool};
use crate::support::SpinBarrier;
use crate::watchdog;
use selvedge::{Barrier, Event, SimpleQueue};
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::yield_now;

#[test]
fn jobs_one_after_another_need_one_worker() {
    watchdog::run(|watch| {
        for round in 0..8 {
            let pool = pool(8);
            for number in 0..300 {
                let run = move || if number % 10 == 0 { panic_any(()) } else { number };
                let mut job = pool.submit(run).unwrap();
                match (round + number) % 4 {
                    0 => _ = job.wait(),
                    1 => watch.until("the end", || job.is_done()),
                    2 => {
                        watch.until("the result", || job.try_result().is_some());
                        continue;
                    }
                    _ => {}
                }
                drop(job.result()); // otherwise the worker may have to drop it, and be busy meanwhile
            }
            assert_eq!(pool.workers(), 1);
        }
    });
}

/// A scope returns when its worker is idle.
#[test]
fn scopes_one_after_another_need_one_worker() {
    watchdog::run(|_| {
        let pool = pool(8);
        for _ in 0..500 {
            let mut value = 0;
            pool.scope(|scope| drop(scope.submit(|| value += 1).unwrap()));
            assert_eq!((value, pool.workers()), (1, 1));
        }
    });
}

#[test]
fn there_are_as_many_workers_as_jobs_up_to_the_maximum() {
    watchdog::run(|_| {
        let pool = pool(5);
        let mut busy = Vec::new();
        for count in 1..=5 {
            busy.push(occupy(&pool));
            assert_eq!(pool.workers(), count);
        }
        let more = [(); 20].map(|()| pool.submit(|| ()).unwrap());
        assert_eq!((pool.workers(), pool.pending()), (5, 20));
        busy.pop();
        more.into_iter().for_each(|job| job.result().unwrap());
        busy.iter().for_each(|worker| worker.release());
        (0..20).for_each(|_| pool.submit(|| ()).unwrap().result().unwrap());
        assert_eq!((pool.workers(), pool.pending()), (5, 0));
    });
}

/// Law P2, with submitters that race while other workers start and become idle.
#[test]
fn jobs_of_several_submitters_that_wait_for_each_other_all_run() {
    let line = SpinBarrier::new(4);
    watchdog::run(|watch| {
        for _ in 0..100 {
            let (pool, barrier) = (Arc::new(pool(4)), Arc::new(Barrier::new(4)));
            let submitters = [0, 1, 2, 3].map(|number| {
                let (pool, barrier, line) = (Arc::clone(&pool), Arc::clone(&barrier), &line);
                watch.spawn(format!("submitter {number}"), move |role| {
                    line.wait();
                    let quick = pool.submit(|| ()).unwrap();
                    let job = pool.submit(move || _ = barrier.wait().unwrap()).unwrap();
                    role.waits("the other jobs", || job.result()).unwrap();
                    quick.result().unwrap();
                })
            });
            submitters.into_iter().for_each(|submitter| submitter.join());
            assert_eq!(pool.workers(), 4);
        }
    });
}

/// Law P1.
#[test]
fn at_most_max_workers_jobs_run_concurrently() {
    watchdog::run(|_| {
        for workers in [1, 2, 3] {
            let pool = pool(workers);
            let (running, theirs) = arc_pair(AtomicUsize::new(0));
            let counts = pool.map(0..400, move |_| {
                let count = theirs.fetch_add(1, SeqCst) + 1;
                (0..3).for_each(|_| yield_now());
                theirs.fetch_sub(1, SeqCst);
                count
            });
            assert!(counts.map(Result::unwrap).max().unwrap() <= workers);
            assert_eq!((running.load(SeqCst), pool.workers() <= workers), (0, true));
        }
    });
}

#[test]
fn one_worker_starts_the_jobs_of_each_submitter_in_order() {
    watchdog::run(|watch| {
        let (pool, starts) = (Arc::new(pool(1)), Arc::new(SimpleQueue::new()));
        let busy = occupy(&pool);
        let submitters = [0, 1].map(|submitter| {
            let (pool, starts) = (Arc::clone(&pool), Arc::clone(&starts));
            watch.spawn(format!("submitter {submitter}"), move |_| {
                for number in 0..300 {
                    let starts = Arc::clone(&starts);
                    drop(pool.submit(move || starts.put((submitter, number))).unwrap());
                }
            })
        });
        submitters.into_iter().for_each(|submitter| submitter.join());
        busy.release();
        pool.shutdown();
        let (first, second): (Vec<_>, Vec<_>) = starts.drain().into_iter().partition(|start| start.0 == 0);
        for starts in [first, second] {
            assert!(starts.into_iter().map(|start| start.1).eq(0..300));
        }
    });
}

/// A worker that drops a value is busy: a job that is submitted meanwhile gets another worker.
#[test]
fn a_value_whose_drop_waits_for_a_job_gets_a_worker_for_it() {
    struct Waits(Arc<Event>, Arc<Event>);

    impl Drop for Waits {
        fn drop(&mut self) {
            self.0.set();
            self.1.wait();
        }
    }
    watchdog::run(|watch| {
        for panics in [false, true] {
            let pool = pool(2);
            let ((drops, dropping), (go, goes)) = (arc_pair(Event::new()), arc_pair(Event::new()));
            let value = Waits(dropping, goes);
            let run = move || if panics { panic_any(value) } else { value };
            drop(pool.submit(run).unwrap());
            drops.wait();
            let second = pool.submit(move || go.set()).unwrap();
            watch.waits("the job for which the drop waits", || second.wait());
        }
    });
}
