//! Nothing is lost, nothing dropped twice, and nothing left: what jobs hold, the registry's threads, and the system's.

use super::{hold, pool, two};
use crate::thread::Drops;
use crate::watchdog;
use selvedge::pool::{Builder, Until, as_completed, wait};
use selvedge::thread::Registry;
use selvedge::{Job, JobError};
use std::panic::panic_any;
use std::sync::Arc;

/// Of each job: what it captured, what it made, and its callback; however it ends and whatever becomes of its handle.
#[test]
fn each_thing_is_dropped_once() {
    watchdog::run(|_| {
        let (drops, mut tokens) = (Drops::default(), 0);
        for workers in [1, 3] {
            let pool = pool(workers);
            let mut rng = fastrand::Rng::with_seed(workers as u64);
            for _ in 0..600 {
                let [captured, made, callback] = [drops.token(), drops.token(), drops.token()];
                tokens += 3;
                let panics = rng.u8(..4) == 0;
                let job = pool.submit(move || {
                    drop(captured);
                    if panics { panic_any(made) } else { made }
                });
                let job = job.unwrap();
                job.on_done(move |_| drop(callback));
                match rng.u8(..8) {
                    0 => drop(job),
                    1 => _ = job.cancel(),
                    2 => drop(job.result()),
                    3 => _ = job.wait(),
                    4 => wait([job], Until::All),
                    5 => drop(as_completed([job])),
                    6 => as_completed([job]).for_each(|job| drop(job.result())),
                    _ => {
                        let mut job = job;
                        drop(job.try_result());
                    }
                }
            }
            drop(pool);
            assert_eq!(drops.count(), tokens);
        }
    });
}

#[test]
fn every_share_comes_back() {
    watchdog::run(|_| {
        let (shared, registry) = (Arc::new(()), Registry::new());
        let share = || Arc::clone(&shared);
        for cancels in [false, true] {
            let (of_initializer, of_map) = (share(), share());
            let builder = Builder::new()
                .workers(2)
                .registry(&registry)
                .initializer(move || _ = &of_initializer);
            let pool = builder.build();
            let submit = |number: usize| {
                let share = share();
                pool.submit(move || if number % 3 == 0 { panic_any(share) } else { share })
                    .unwrap()
            };
            let jobs: Vec<_> = (0..40).map(submit).collect();
            jobs.iter().step_by(5).for_each(|job| _ = job.cancel());
            let mut map = pool.map((0..40).map(|_| share()), move |item| (item, Arc::clone(&of_map)));
            (0..7).for_each(|_| drop(map.next()));
            if cancels {
                pool.shutdown_cancel();
            }
            drop(map);
            drop(jobs);
            drop(pool);
            assert_eq!((Arc::strong_count(&shared), registry.active_count()), (1, 1));
        }
    });
}

/// What a value holds is there as long as its job, though the pool is gone.
#[test]
fn results_outlive_their_pool() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(2), Drops::default());
        let submit = |_| {
            let token = drops.token();
            pool.submit(move || token).unwrap()
        };
        let jobs: Vec<_> = (0..10).map(submit).collect();
        drop(pool);
        assert_eq!(drops.count(), 0);
        let tokens: Result<Vec<_>, JobError> = jobs.into_iter().map(Job::result).collect();
        assert_eq!(drops.count(), 0);
        drop(tokens);
        assert_eq!(drops.count(), 10);
    });
}

/// A job's end is told by an object that both sides share: it goes with the last of them.
#[test]
fn callbacks_that_come_too_late_are_not_kept() {
    watchdog::run(|_| {
        let pool = pool(1);
        let (shared, share) = two(());
        let job = pool.submit(|| ()).unwrap();
        job.wait();
        for _ in 0..100 {
            let share = Arc::clone(&share);
            job.on_done(move |_| drop(share));
            assert_eq!(Arc::strong_count(&shared), 2);
        }
        let held = hold(&pool);
        let next = pool.submit(|| ()).unwrap();
        next.on_done(move |_| drop(share));
        next.cancel();
        assert_eq!(
            Arc::strong_count(&shared),
            1,
            "run, and gone before the worker passes it over"
        );
        held.release();
    });
}

/// A job can own the handle of another, and so can a callback; or its own pool's jobs.
#[test]
fn jobs_may_hold_jobs() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(2), Drops::default());
        let token = drops.token();
        let first = pool.submit(move || token).unwrap();
        let second = pool.submit(move || first).unwrap();
        let third = pool.submit(move || second.result().unwrap()).unwrap();
        let last = pool.submit(|| ()).unwrap();
        last.on_done(move |_| drop(third));
        drop(last);
        drop(pool);
        assert_eq!(drops.count(), 1);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn no_thread_of_the_system_is_left() {
    use crate::child;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    child::passes(&[], || {
        let (before, registry) = (child::threads(), Registry::new());
        for round in 0..40 {
            let builder = Builder::new().workers(4).registry(&registry);
            let pool = match round % 5 {
                0 => builder.initializer(|| panic!("on purpose")).build(),
                1 => builder.stack_size(usize::MAX).build(),
                _ => builder.build(),
            };
            assert_eq!(child::threads(), before, "there is none before a job comes");
            let jobs: Vec<_> = (0..10)
                .filter_map(|number| pool.submit(move || number % (round + 1)).ok())
                .collect();
            let count = AtomicUsize::new(0);
            pool.scope(|scope| {
                (0..10).for_each(|_| drop(scope.submit(|| count.fetch_add(1, Relaxed))));
            });
            assert!(child::threads() <= before + 4);
            match round % 4 {
                0 => pool.shutdown(),
                1 => pool.shutdown_cancel(),
                2 => drop((pool.try_shutdown(), pool)),
                _ => drop(pool),
            }
            child::until_threads(before); // one whose pool nobody waits for may take a moment
            assert_eq!(registry.active_count(), 1);
            drop(jobs);
        }
    });
}

/// A pool in a static, or one that is leaked, holds up no end of the program.
#[test]
fn a_program_ends_though_its_pool_does_not() {
    use crate::child;
    let output = child::run(&[], || {
        let pool: &'static selvedge::ThreadPool = Box::leak(Box::new(selvedge::ThreadPool::new(2)));
        let held = hold(pool);
        for _ in 0..10 {
            drop(pool.submit(|| selvedge::Event::new().wait()).unwrap());
        }
        std::mem::forget(held);
        drop(selvedge::thread::exit_guard());
        println!("the end of main");
    });
    let Some(output) = output else { return };
    assert!(output.status.success(), "{output:?}");
    assert!(child::text(&output.stdout).contains("the end of main"));
}
