//! Pools as their builder says, and workers that cannot be had or cannot begin.

use super::{hold, two};
use crate::support::panic_of;
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::pool::Builder;
use selvedge::thread::{self, Registry};
use selvedge::{Event, JobError, Outcome, SimpleQueue, SubmitError, ThreadPool};
use std::cell::Cell;
use std::collections::HashSet;
use std::io::ErrorKind;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

#[test]
fn workers_have_the_pools_name_and_a_number() {
    watchdog::run(|_| {
        let registry = Registry::new();
        for (builder, name) in [
            (Builder::new(), "pool"),
            (Builder::default().name("loom"), "loom"),
            (Builder::new().name(String::from("two words")), "two words"),
            (Builder::new().name(""), ""),
        ] {
            let pool = builder.workers(3).registry(&registry).build();
            let held = [(); 3].map(|()| hold(&pool));
            let living = registry.enumerate();
            let names: Vec<_> = living.iter().skip(1).map(|thread| thread.name().to_owned()).collect();
            assert_eq!(names, [0, 1, 2].map(|number| format!("{name}_{number}")));
            assert!(living.iter().skip(1).all(|thread| thread.is_daemon()));
            held.iter().for_each(|held| held.release());
            let inside = pool
                .submit(|| thread::current().name().to_owned())
                .unwrap()
                .result()
                .unwrap();
            assert!(names.contains(&inside));
        }
    });
}

#[test]
fn by_default_there_are_some_more_workers_than_processors() {
    let processors = std::thread::available_parallelism().unwrap().get();
    for pool in [
        ThreadPool::default(),
        Builder::new().build(),
        Builder::default().build(),
    ] {
        assert_eq!((pool.max_workers(), pool.workers()), ((processors + 4).min(32), 0));
    }
    assert_eq!(ThreadPool::new(7).max_workers(), 7);
    assert_eq!(Builder::new().workers(usize::MAX).build().max_workers(), usize::MAX);
}

#[test]
fn a_pool_has_at_least_one_worker() {
    assert_eq!(panic_of(|| ThreadPool::new(0)), "a pool must have at least one worker");
    assert_eq!(
        panic_of(|| Builder::new().workers(0)),
        "a pool must have at least one worker"
    );
}

#[test]
fn workers_stand_on_their_registry() {
    watchdog::run(|_| {
        let registry = Registry::new();
        let pool = Builder::new().workers(2).registry(&registry).build();
        assert_eq!(registry.active_count(), 1, "no thread before there is a job");
        let held = hold(&pool);
        assert_eq!(registry.active_count(), 2);
        registry.join_all(); // which waits for no daemon
        held.release();
        drop(pool);
        assert_eq!(registry.active_count(), 1);
        let on_the_programs = ThreadPool::new(1);
        let current = on_the_programs.submit(thread::current).unwrap().result().unwrap();
        assert!(thread::enumerate().contains(&current));
        on_the_programs.shutdown();
        assert!(!thread::enumerate().contains(&current));
    });
}

#[test]
fn workers_have_the_stack_that_is_asked_for() {
    watchdog::run(|_| {
        let deep = || {
            std::hint::black_box([1_u8; 8 << 20])
                .iter()
                .map(|&byte| u32::from(byte))
                .sum::<u32>()
        };
        let builder = Builder::new().workers(1).stack_size(64 << 20);
        for builder in [builder.clone(), builder] {
            assert_eq!(builder.build().submit(deep).unwrap().result().unwrap(), 8 << 20);
        }
    });
}

#[test]
fn a_refused_thread_gives_the_function_back() {
    watchdog::run(|_| {
        let registry = Registry::new();
        let builder = Builder::new().workers(2).registry(&registry);
        for size in [usize::MAX, isize::MAX as usize / 2, 1 << (usize::BITS - 4)] {
            let pool = builder.clone().stack_size(size).build();
            for _ in 0..3 {
                let drops = Drops::default();
                let token = drops.token();
                let refused = pool.submit(move || format!("{token:?}").len()).unwrap_err();
                assert!(matches!(refused, SubmitError::NoThread(..)));
                assert_eq!(drops.count(), 0, "it lives");
                let run = refused.into_inner();
                assert!(run() > 0);
                drop(run);
                assert_eq!(drops.count(), 1);
                let scoped = pool.scope(|scope| scope.submit(|| drops.count()).map(|_| ()).unwrap_err().into_inner()());
                assert_eq!(scoped, 1);
                drop(pool.submit({
                    let token = drops.token();
                    move || drop(token)
                }));
                assert_eq!(drops.count(), 2);
                assert_eq!((registry.active_count(), pool.workers(), pool.pending()), (1, 0, 0));
                assert!(!pool.is_shutdown() && !pool.is_broken());
            }
            pool.shutdown();
            assert!(matches!(pool.submit(|| ()), Err(SubmitError::ShutDown(_))));
        }
        let zero = builder.name("a\0b").build().submit(|| ()).unwrap_err();
        let SubmitError::NoThread(_, error) = zero else {
            panic!("{zero:?}")
        };
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(registry.active_count(), 1);
    });
}

thread_local! {
    static BEGUN: Cell<usize> = const { Cell::new(0) };
}

#[test]
fn each_worker_runs_the_initializer_once_and_first() {
    watchdog::run(|_| {
        let (begun, theirs) = two(AtomicUsize::new(0));
        let builder = Builder::new()
            .workers(4)
            .registry(&Registry::new())
            .initializer(move || {
                BEGUN.set(BEGUN.get() + 1);
                theirs.fetch_add(1, SeqCst);
            });
        let pool = builder.build();
        assert_eq!(begun.load(SeqCst), 0);
        for count in 1..=4 {
            let held: Vec<_> = (0..count).map(|_| hold(&pool)).collect();
            assert_eq!(begun.load(SeqCst), count);
            held.iter().for_each(|held| held.release());
        }
        let seen: HashSet<_> = pool.map(0..100, |_| BEGUN.get()).map(Result::unwrap).collect();
        assert_eq!((seen, begun.load(SeqCst)), (HashSet::from([1]), 4));
        drop(pool);
        assert_eq!(Arc::strong_count(&begun), 1, "the initializer is dropped with the pool");
    });
}

/// A pool whose second worker can't begin, when it is told to; the first one runs a job.
fn half_broken(payload: impl Fn() + Send + Sync + 'static) -> (ThreadPool, Registry, Arc<Event>) {
    let (go, goes) = two(Event::new());
    let first = AtomicBool::new(true);
    let registry = Registry::new();
    let builder = Builder::new().workers(2).registry(&registry).initializer(move || {
        if !first.swap(false, SeqCst) {
            goes.wait();
            payload();
        }
    });
    (builder.build(), registry, go)
}

#[test]
fn an_initializer_that_panics_breaks_the_pool_but_not_what_runs() {
    watchdog::run(|watch| {
        let (pool, registry, go) = half_broken(|| panic!("on purpose"));
        let drops = Drops::default();
        let held = hold(&pool);
        let tokens: Vec<_> = (0..10).map(|_| drops.token()).collect();
        let pending: Vec<_> = tokens
            .into_iter()
            .map(|token| pool.submit(move || drop(token)).unwrap())
            .collect();
        let (told, tells) = two(SimpleQueue::new());
        for (number, job) in pending.iter().enumerate() {
            let tells = Arc::clone(&tells);
            job.on_done(move |outcome| tells.put((number, outcome)));
        }
        assert!(!pool.is_broken() && !pool.is_shutdown());
        go.set();
        for job in &pending {
            assert_eq!(watch.waits("a broken job", || job.wait()), Outcome::Broken);
            assert!(job.cancel(), "it will never run");
        }
        assert!(
            (0..10)
                .map(|_| told.get())
                .eq((0..10).map(|number| (number, Outcome::Broken)))
        );
        assert!(pool.is_broken() && pool.is_shutdown());
        assert!(held.job.is_running(), "what runs goes on");
        let token = drops.token();
        let refused = pool.submit(move || drop(token)).unwrap_err();
        assert!(matches!(refused, SubmitError::Broken(_)));
        refused.into_inner()();
        pool.scope(|scope| assert!(matches!(scope.submit(|| ()), Err(SubmitError::Broken(_)))));
        held.release();
        assert!(
            pending
                .into_iter()
                .all(|job| matches!(job.result(), Err(JobError::Broken)))
        );
        pool.shutdown();
        assert_eq!(drops.count(), 11);
        assert!(matches!(pool.submit(|| ()), Err(SubmitError::Broken(_))));
        assert_eq!(registry.active_count(), 1);
    });
}

#[test]
fn a_pool_whose_first_worker_fails_is_broken_for_its_job_too() {
    watchdog::run(|watch| {
        for _ in 0..100 {
            let (registry, drops) = (Registry::new(), Drops::default());
            let bombs = drops.clone();
            let builder = Builder::new().workers(2).registry(&registry);
            // A payload whose drop panics.
            let pool = builder.initializer(move || panic_any(Bomb::new(&bombs))).build();
            let mut taken = 0;
            for _ in 0..4 {
                match pool.submit(|| unreachable!()) {
                    Ok::<selvedge::Job<()>, _>(job) => {
                        assert!(matches!(watch.waits("a job", || job.result()), Err(JobError::Broken)));
                        taken += 1;
                    }
                    Err(refused) => assert!(matches!(refused, SubmitError::Broken(_))),
                }
            }
            assert!(taken <= 2 && pool.is_broken());
            drop(pool);
            assert_eq!(
                (registry.active_count(), drops.count()),
                (1, 0),
                "the payload is leaked"
            );
        }
    });
}

/// What a scope has queued fails, and the scope returns.
#[test]
fn a_scope_in_a_pool_that_breaks_returns() {
    watchdog::run(|watch| {
        let (pool, _, go) = half_broken(|| panic!("on purpose"));
        let (held, drops) = (hold(&pool), Drops::default());
        let outcomes = watch.waits("the scope", || {
            pool.scope(|scope| {
                let submit = |_| {
                    let (token, drops) = (drops.token(), &drops);
                    scope.submit(move || (token, drops).1.count()).unwrap()
                };
                let jobs = [0; 3].map(submit);
                go.set();
                jobs.map(|job| job.wait())
            })
        });
        assert_eq!((outcomes, drops.count()), ([Outcome::Broken; 3], 3));
        held.release();
    });
}

#[test]
fn a_pool_that_breaks_while_it_is_shut_down_fails_what_is_queued() {
    watchdog::run(|watch| {
        let (pool, registry, go) = half_broken(|| panic!("on purpose"));
        let held = hold(&pool);
        let queued = [(); 3].map(|()| pool.submit(|| ()).unwrap());
        let cancelled = queued[1].cancel();
        let pool = Arc::new(pool);
        let theirs = Arc::clone(&pool);
        let closer = watch.spawn("closer", move |role| role.waits("shutdown", || theirs.shutdown()));
        closer.until_asleep();
        go.set();
        assert_eq!([&queued[0], &queued[2]].map(|job| job.wait()), [Outcome::Broken; 2]);
        assert!(cancelled && queued[1].outcome() == Some(Outcome::Cancelled));
        held.release();
        closer.join();
        assert_eq!(registry.active_count(), 1);
    });
}

/// A panic of the initializer is no panic of a thread: nothing ends by it.
#[test]
fn the_registrys_hook_is_told_of_no_panic_of_a_job() {
    watchdog::run(|_| {
        let registry = Registry::new();
        let (told, tells) = two(AtomicUsize::new(0));
        registry.set_panic_hook(move |_, _| _ = tells.fetch_add(1, SeqCst));
        let pool = Builder::new().workers(1).registry(&registry).build();
        pool.submit(|| panic!("of the job")).unwrap().wait();
        drop(pool.submit(|| panic!("of a dropped job")).unwrap());
        pool.submit(|| ()).unwrap().on_done(|_| panic!("of a callback"));
        drop(pool);
        let broken = Builder::new()
            .workers(1)
            .registry(&registry)
            .initializer(|| panic!("of the initializer"))
            .build();
        drop(broken.submit(|| ()).unwrap());
        drop(broken);
        assert_eq!(told.load(SeqCst), 0);
    });
}
