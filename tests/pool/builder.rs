//! What the builder sets, and workers that cannot be spawned or whose initializer panics.

use super::{arc_pair, half_broken, occupy, pool_on};
use crate::queue::spawn_blocked;
use crate::support::panic_of;
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::pool::Builder;
use selvedge::thread::{self, Registry};
use selvedge::{Job, JobError, Outcome, SimpleQueue, SubmitError, ThreadPool};
use std::cell::Cell;
use std::collections::HashSet;
use std::io::ErrorKind;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

#[test]
fn workers_are_daemons_named_by_the_pool_and_a_number() {
    watchdog::run(|_| {
        let registry = Registry::new();
        for (builder, name) in [
            (Builder::new(), "pool"),
            (Builder::default().name(String::from("two words")), "two words"),
            (Builder::new().name(""), ""),
        ] {
            let pool = builder.workers(3).registry(&registry).build();
            let busy = [(); 3].map(|()| occupy(&pool));
            let workers = registry.enumerate().split_off(1);
            let names: Vec<_> = workers.iter().map(|thread| thread.name().to_owned()).collect();
            assert_eq!(names, [0, 1, 2].map(|number| format!("{name}_{number}")));
            assert!(workers.iter().all(|thread| thread.is_daemon()));
            busy.iter().for_each(|worker| worker.release());
            let current = pool.submit(thread::current).unwrap().result().unwrap();
            assert!(workers.contains(&current));
        }
    });
}

#[test]
fn the_default_is_four_workers_more_than_processors_and_at_most_32() {
    let processors = std::thread::available_parallelism().unwrap().get();
    for pool in [ThreadPool::default(), Builder::new().build()] {
        assert_eq!((pool.max_workers(), pool.workers()), ((processors + 4).min(32), 0));
    }
    assert_eq!(ThreadPool::new(7).max_workers(), 7);
    assert_eq!(Builder::new().workers(usize::MAX).build().max_workers(), usize::MAX);
}

#[test]
fn a_pool_without_workers_panics() {
    assert_eq!(panic_of(|| ThreadPool::new(0)), "a pool must have at least one worker");
    assert_eq!(
        panic_of(|| Builder::new().workers(0)),
        "a pool must have at least one worker"
    );
}

#[test]
fn workers_are_enumerated_by_their_registry() {
    watchdog::run(|_| {
        let registry = Registry::new();
        let pool = pool_on(&registry, 2);
        assert_eq!(registry.active_count(), 1, "no worker before the first job");
        let busy = occupy(&pool);
        assert_eq!(registry.active_count(), 2);
        registry.join_all(); // does not wait for daemons
        busy.release();
        drop(pool);
        assert_eq!(registry.active_count(), 1);
        let on_the_main_registry = ThreadPool::new(1);
        let current = on_the_main_registry.submit(thread::current).unwrap().result().unwrap();
        assert!(thread::enumerate().contains(&current));
        on_the_main_registry.shutdown();
        assert!(!thread::enumerate().contains(&current));
    });
}

#[test]
fn workers_have_the_requested_stack_size() {
    watchdog::run(|_| {
        let deep = || {
            let bytes = std::hint::black_box([1_u8; 8 << 20]);
            bytes.iter().map(|&byte| usize::from(byte)).sum::<usize>()
        };
        let builder = Builder::new().workers(1).stack_size(64 << 20);
        for builder in [builder.clone(), builder] {
            assert_eq!(builder.build().submit(deep).unwrap().result().unwrap(), 8 << 20);
        }
    });
}

#[test]
fn a_submit_whose_worker_cannot_be_spawned_returns_the_function() {
    watchdog::run(|_| {
        let registry = Registry::new();
        let builder = Builder::new().workers(2).registry(&registry);
        for size in [usize::MAX, isize::MAX as usize / 2, 1 << (usize::BITS - 4)] {
            let pool = builder.clone().stack_size(size).build();
            for _ in 0..3 {
                let drops = Drops::default();
                let token = drops.token();
                let refused = pool.submit(move || drop(token)).unwrap_err();
                assert!(matches!(refused, SubmitError::NoThread(..)));
                assert_eq!(drops.count(), 0);
                refused.into_inner()();
                assert_eq!(drops.count(), 1);
                let scoped = pool.scope(|scope| scope.submit(|| drops.count()).map(|_| ()).unwrap_err().into_inner()());
                assert_eq!(scoped, 1);
                assert_eq!((registry.active_count(), pool.workers(), pool.pending()), (1, 0, 0));
                assert!(!pool.is_shutdown() && !pool.is_broken());
            }
            pool.shutdown();
            assert!(matches!(pool.submit(|| ()), Err(SubmitError::ShutDown(_))));
        }
        let error = builder.name("a\0b").build().submit(|| ()).unwrap_err();
        let SubmitError::NoThread(_, error) = error else {
            panic!("{error:?}")
        };
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(registry.active_count(), 1);
    });
}

thread_local! {
    static INITIALIZED: Cell<usize> = const { Cell::new(0) };
}

#[test]
fn each_worker_runs_the_initializer_once_before_its_jobs() {
    watchdog::run(|_| {
        let (calls, theirs) = arc_pair(AtomicUsize::new(0));
        let initializer = move || {
            INITIALIZED.set(INITIALIZED.get() + 1);
            theirs.fetch_add(1, SeqCst);
        };
        let builder = Builder::new().workers(4).registry(&Registry::new());
        let pool = builder.initializer(initializer).build();
        for count in 0..=4 {
            let busy: Vec<_> = (0..count).map(|_| occupy(&pool)).collect();
            assert_eq!(calls.load(SeqCst), count);
            busy.iter().for_each(|worker| worker.release());
        }
        let seen: HashSet<_> = pool.map(0..100, |_| INITIALIZED.get()).map(Result::unwrap).collect();
        assert_eq!((seen, calls.load(SeqCst)), (HashSet::from([1]), 4));
        drop(pool);
        assert_eq!(Arc::strong_count(&calls), 1, "the initializer is dropped with the pool");
    });
}

#[test]
fn an_initializer_that_panics_breaks_the_pool_but_not_running_jobs() {
    watchdog::run(|watch| {
        let (pool, registry, go) = half_broken();
        let (busy, drops, outcomes) = (occupy(&pool), Drops::default(), Arc::new(SimpleQueue::new()));
        let submit = |number| {
            let (token, outcomes) = (drops.token(), Arc::clone(&outcomes));
            let job = pool.submit(move || drop(token)).unwrap();
            job.on_done(move |outcome| outcomes.put((number, outcome)));
            job
        };
        let queued: Vec<_> = (0..10).map(submit).collect();
        assert!(!pool.is_broken() && !pool.is_shutdown());
        go.set();
        for job in &queued {
            assert_eq!(watch.waits("a broken job", || job.wait()), Outcome::Broken);
            assert!(job.cancel(), "it will never run");
        }
        for number in 0..10 {
            assert_eq!(outcomes.get(), (number, Outcome::Broken));
        }
        assert!(pool.is_broken() && pool.is_shutdown());
        assert!(busy.job.is_running());
        let token = drops.token();
        let refused = pool.submit(move || drop(token)).unwrap_err();
        assert!(matches!(refused, SubmitError::Broken(_)));
        refused.into_inner()();
        pool.scope(|scope| assert!(matches!(scope.submit(|| ()), Err(SubmitError::Broken(_)))));
        busy.release();
        let is_broken = |job: Job<()>| matches!(job.result(), Err(JobError::Broken));
        assert!(queued.into_iter().all(is_broken));
        pool.shutdown();
        assert_eq!(drops.count(), 11);
        assert!(matches!(pool.submit(|| ()), Err(SubmitError::Broken(_))));
        assert_eq!(registry.active_count(), 1);
    });
}

#[test]
fn a_first_worker_that_fails_breaks_the_pool_and_its_own_job() {
    watchdog::run(|watch| {
        for _ in 0..100 {
            let (registry, drops) = (Registry::new(), Drops::default());
            let theirs = drops.clone();
            let builder = Builder::new().workers(2).registry(&registry);
            // The drop of the payload panics too.
            let pool = builder.initializer(move || panic_any(Bomb::new(&theirs))).build();
            let mut accepted = 0;
            for _ in 0..4 {
                match pool.submit(|| unreachable!()) {
                    Ok::<Job<()>, _>(job) => {
                        assert!(matches!(watch.waits("a job", || job.result()), Err(JobError::Broken)));
                        accepted += 1;
                    }
                    Err(refused) => assert!(matches!(refused, SubmitError::Broken(_))),
                }
            }
            assert!(accepted <= 2 && pool.is_broken());
            drop(pool);
            let counts = (registry.active_count(), drops.count());
            assert_eq!(counts, (1, 0), "the payload is leaked");
        }
    });
}

#[test]
fn a_scope_returns_when_its_pool_breaks() {
    watchdog::run(|watch| {
        let (pool, _, go) = half_broken();
        let (busy, drops) = (occupy(&pool), Drops::default());
        let outcomes = watch.waits("the scope", || {
            pool.scope(|scope| {
                let jobs = [(); 3].map(|()| {
                    let (token, drops) = (drops.token(), &drops);
                    scope.submit(move || (token, drops).1.count()).unwrap()
                });
                go.set();
                jobs.map(|job| job.wait())
            })
        });
        assert_eq!((outcomes, drops.count()), ([Outcome::Broken; 3], 3));
        busy.release();
    });
}

#[test]
fn a_shutdown_returns_when_its_pool_breaks() {
    watchdog::run(|watch| {
        let (pool, registry, go) = half_broken();
        let (busy, queued) = (occupy(&pool), [(); 3].map(|()| pool.submit(|| ()).unwrap()));
        assert!(queued[1].cancel());
        let closer = spawn_blocked(watch, "shutdown", move || pool.shutdown());
        go.set();
        let outcomes = queued.map(|job| job.wait());
        assert_eq!(outcomes, [Outcome::Broken, Outcome::Cancelled, Outcome::Broken]);
        busy.release();
        closer.join();
        assert_eq!(registry.active_count(), 1);
    });
}

#[test]
fn the_panic_hook_of_the_registry_is_not_called_for_jobs_callbacks_and_initializers() {
    watchdog::run(|_| {
        let registry = Registry::new();
        let (calls, theirs) = arc_pair(AtomicUsize::new(0));
        registry.set_panic_hook(move |_, _| _ = theirs.fetch_add(1, SeqCst));
        let pool = pool_on(&registry, 1);
        pool.submit(|| panic!("of the job")).unwrap().wait();
        drop(pool.submit(|| panic!("of a dropped job")).unwrap());
        pool.submit(|| ()).unwrap().on_done(|_| panic!("of a callback"));
        drop(pool);
        let builder = Builder::new().workers(1).registry(&registry);
        let broken = builder.initializer(|| panic!("of the initializer")).build();
        drop(broken.submit(|| ()).unwrap());
        drop(broken);
        assert_eq!(calls.load(SeqCst), 0);
    });
}
