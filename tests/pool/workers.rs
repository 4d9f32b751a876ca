//! How many workers there are, and what they run next. Laws P1 and P2.

use super::{hold, pool, two};
use crate::support::Line;
use crate::thread::Drops;
use crate::watchdog;
use selvedge::{Barrier, Event, SimpleQueue};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::yield_now;

#[test]
fn one_job_after_another_needs_one_worker() {
    watchdog::run(|watch| {
        for round in 0..8 {
            let pool = pool(8);
            for number in 0..300 {
                let mut job = pool
                    .submit(move || if number % 10 == 0 { panic_any(()) } else { number })
                    .unwrap();
                match (round + number) % 4 {
                    0 => _ = job.wait(),
                    1 => watch.until("the end", || job.is_done()),
                    2 => {
                        watch.until("the result", || job.try_result().is_some());
                        continue;
                    }
                    _ => {}
                }
                drop(job.result()); // else the worker may have it to drop, and be busy with that
            }
            assert_eq!(pool.workers(), 1);
        }
    });
}

/// A scope too returns when its worker is at rest.
#[test]
fn one_scope_after_another_needs_one_worker() {
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
fn as_many_workers_as_busy_jobs_but_never_more_than_may_be() {
    watchdog::run(|_| {
        let pool = pool(5);
        let mut held = Vec::new();
        for count in 1..=5 {
            held.push(hold(&pool));
            assert_eq!(pool.workers(), count);
        }
        let more: Vec<_> = (0..20).map(|_| pool.submit(|| ()).unwrap()).collect();
        assert_eq!((pool.workers(), pool.pending()), (5, 20));
        held.pop();
        more.into_iter().for_each(|job| job.result().unwrap());
        held.iter().for_each(|held| held.release());
        (0..20).for_each(|_| pool.submit(|| ()).unwrap().result().unwrap());
        assert_eq!((pool.workers(), pool.pending()), (5, 0));
    });
}

/// Law P2: so many meet only if each has a worker, whether those were idle, or come now.
#[test]
fn jobs_that_wait_for_each_other_all_run_if_there_may_be_so_many() {
    watchdog::run(|_| {
        for workers in [2, 3, 6] {
            let pool = pool(workers);
            for round in 0..60 {
                (0..round % 4).for_each(|_| drop(pool.submit(|| ()).unwrap()));
                let all = Arc::new(Barrier::new(workers));
                let meet = |_| {
                    let all = Arc::clone(&all);
                    pool.submit(move || all.wait().unwrap().index).unwrap()
                };
                let jobs: Vec<_> = (0..workers).map(meet).collect();
                let places: HashSet<_> = jobs.into_iter().map(|job| job.result().unwrap()).collect();
                assert_eq!(places.len(), workers);
            }
            assert_eq!(pool.workers(), workers);
        }
    });
}

/// The same when several submit at once, with idle workers that begin and end meanwhile.
#[test]
fn jobs_of_several_submitters_meet() {
    let line = Line::new(4);
    watchdog::run(|watch| {
        let line = &line;
        for _ in 0..100 {
            let (pool, all) = (Arc::new(pool(4)), Arc::new(Barrier::new(4)));
            let submitters = [0, 1, 2, 3].map(|number| {
                let (pool, all) = (Arc::clone(&pool), Arc::clone(&all));
                watch.spawn(format!("submitter {number}"), move |role| {
                    line.cross();
                    let quick = pool.submit(|| ()).unwrap();
                    let job = pool.submit(move || _ = all.wait().unwrap()).unwrap();
                    role.waits("a meeting", || job.result()).unwrap();
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
fn no_more_jobs_run_at_once_than_there_may_be_workers() {
    watchdog::run(|_| {
        for workers in [1, 2, 3] {
            let pool = pool(workers);
            let (inside, theirs) = two(AtomicUsize::new(0));
            let most = pool.map(0..400, move |_| {
                let now = theirs.fetch_add(1, SeqCst) + 1;
                (0..3).for_each(|_| yield_now());
                theirs.fetch_sub(1, SeqCst);
                now
            });
            assert!(most.map(Result::unwrap).max().unwrap() <= workers);
            assert_eq!((inside.load(SeqCst), pool.workers() <= workers), (0, true));
        }
    });
}

#[test]
fn one_worker_begins_the_jobs_in_their_order() {
    watchdog::run(|watch| {
        let (pool, order) = (Arc::new(pool(1)), Arc::new(SimpleQueue::new()));
        let held = hold(&pool);
        let submitters = [0, 1].map(|number| {
            let (pool, order) = (Arc::clone(&pool), Arc::clone(&order));
            watch.spawn(format!("submitter {number}"), move |_| {
                for place in 0..300 {
                    let order = Arc::clone(&order);
                    drop(pool.submit(move || order.put((number, place))).unwrap());
                }
            })
        });
        submitters.into_iter().for_each(|submitter| submitter.join());
        held.release();
        pool.shutdown();
        let order = order.drain();
        assert_eq!(order.len(), 600);
        for number in [0, 1] {
            let places = order
                .iter()
                .filter(|(other, _)| *other == number)
                .map(|(_, place)| *place);
            assert!(places.eq(0..300), "one overtook another of the same submitter");
        }
    });
}

/// A job may submit others, though there is one worker only, as long as it does not wait for them.
#[test]
fn jobs_submit_jobs() {
    watchdog::run(|watch| {
        for workers in [1, 3] {
            let pool = Arc::new(pool(workers));
            let (ended, ends) = two(Event::new());
            fn generation(pool: Arc<selvedge::ThreadPool>, left: usize, ends: Arc<Event>) {
                let theirs = Arc::clone(&pool);
                match left {
                    0 => ends.set(),
                    _ => drop(pool.submit(move || generation(theirs, left - 1, ends)).unwrap()),
                }
            }
            generation(Arc::clone(&pool), 500, ends);
            watch.waits("the last generation", || ended.wait());
            assert!(pool.workers() <= workers);
        }
    });
}

/// A worker that drops a value nobody takes is busy like any other, and what is submitted meanwhile gets another worker.
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
            let ((drops, dropped), (go, goes)) = (two(Event::new()), two(Event::new()));
            let value = Waits(drops, goes);
            let job = move || if panics { panic_any(value) } else { value };
            drop(pool.submit(job).unwrap());
            dropped.wait();
            let second = pool.submit(move || go.set()).unwrap();
            watch.waits("the job that the drop waits for", || second.wait());
        }
    });
}

/// Bursts and pauses, with as many workers as come about.
#[test]
fn nothing_is_left_waiting_after_a_burst() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(3), Drops::default());
        let mut rng = fastrand::Rng::with_seed(0);
        let mut taken = 0;
        for _ in 0..300 {
            let burst = rng.usize(..8);
            let jobs: Vec<_> = (0..burst)
                .map(|number| {
                    let token = drops.token();
                    pool.submit(move || {
                        let _token = token;
                        if number == 5 {
                            resume_unwind(Box::new(number));
                        }
                    })
                })
                .collect();
            taken += burst;
            if burst > 0 && rng.bool() {
                jobs.into_iter().for_each(|job| _ = job.unwrap().wait());
                assert_eq!(pool.pending(), 0, "those of earlier bursts have begun too");
            }
        }
        let refused = catch_unwind(AssertUnwindSafe(|| drop(pool)));
        assert_eq!((refused.is_ok(), drops.count()), (true, taken));
    });
}
