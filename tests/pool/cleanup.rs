//! Nothing is leaked or dropped twice: what jobs own, the threads of the registry, and those of the system.

use super::{arc_pair, occupy, pool};
use crate::child;
use crate::thread::Drops;
use crate::watchdog;
use selvedge::pool::{Until, as_completed, wait};
use selvedge::thread::exit_guard;
use selvedge::{Event, ThreadPool};
use std::panic::panic_any;
use std::sync::Arc;

/// What each job captured, its value or payload, and its callback, however the job ends and its handle is used.
#[test]
fn each_part_of_a_job_is_dropped_once() {
    watchdog::run(|_| {
        let (drops, mut tokens) = (Drops::default(), 0);
        for workers in [1, 3] {
            let pool = pool(workers);
            let mut rng = fastrand::Rng::with_seed(workers as u64);
            for _ in 0..600 {
                let [captured, made, callback] = [drops.token(), drops.token(), drops.token()];
                tokens += 3;
                let panics = rng.u8(..4) == 0;
                let run = move || {
                    drop(captured);
                    if panics { panic_any(made) } else { made }
                };
                let mut job = pool.submit(run).unwrap();
                job.on_done(move |_| drop(callback));
                match rng.u8(..8) {
                    0 => drop(job),
                    1 => _ = job.cancel(),
                    2 => drop(job.result()),
                    3 => _ = job.wait(),
                    4 => wait([job], Until::All),
                    5 => drop(as_completed([job])),
                    6 => as_completed([job]).for_each(|job| drop(job.result())),
                    _ => drop(job.try_result()),
                }
            }
            drop(pool);
            assert_eq!(drops.count(), tokens);
        }
    });
}

#[test]
fn a_callback_is_dropped_as_soon_as_it_has_run() {
    watchdog::run(|_| {
        let pool = pool(1);
        let (shared, share) = arc_pair(());
        let job = pool.submit(|| ()).unwrap();
        job.wait();
        for _ in 0..100 {
            let share = Arc::clone(&share);
            job.on_done(move |_| drop(share));
            assert_eq!(Arc::strong_count(&shared), 2);
        }
        let busy = occupy(&pool);
        let next = pool.submit(|| ()).unwrap();
        next.on_done(move |_| drop(share));
        next.cancel();
        assert_eq!(Arc::strong_count(&shared), 1, "before the worker discards the job");
        busy.release();
    });
}

#[test]
fn jobs_and_callbacks_may_own_jobs() {
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
fn a_dropped_pool_leaves_no_thread_of_the_system() {
    use selvedge::{pool::Builder, thread::Registry};
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
            assert_eq!(child::threads(), before, "no worker before the first job");
            let submit = |number| pool.submit(move || number % (round + 1)).ok();
            let jobs: Vec<_> = (0..10).filter_map(submit).collect();
            let count = AtomicUsize::new(0);
            pool.scope(|scope| (0..10).for_each(|_| drop(scope.submit(|| count.fetch_add(1, Relaxed)))));
            assert!(child::threads() <= before + 4);
            match round % 4 {
                0 => pool.shutdown(),
                1 => pool.shutdown_cancel(),
                2 => drop((pool.try_shutdown(), pool)),
                _ => drop(pool),
            }
            child::until_threads(before); // a thread may outlive its join by a moment
            assert_eq!(registry.active_count(), 1);
            drop(jobs);
        }
    });
}

/// As of a pool in a static.
#[test]
fn a_leaked_pool_does_not_delay_the_end_of_the_program() {
    let output = child::run(&[], || {
        let pool: &'static ThreadPool = Box::leak(Box::new(ThreadPool::new(2)));
        std::mem::forget(occupy(pool));
        (0..10).for_each(|_| drop(pool.submit(|| Event::new().wait()).unwrap()));
        drop(exit_guard());
        println!("the end of main");
    });
    let Some(output) = output else { return };
    assert!(output.status.success(), "{output:?}");
    assert!(child::text(&output.stdout).contains("the end of main"));
}
