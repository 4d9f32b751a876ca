//! `ThreadPoolExecutorTest`.

use super::{WORKERS, gated};
use crate::python::threading::OnDrop;
use crate::support::panic_of;
use crate::watchdog;
use selvedge::thread::Run;
use selvedge::{Event, JobError, Outcome, Semaphore, ThreadPool, TimedOut, pool};
use std::hint;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn submit() {
    let pool = ThreadPool::new(WORKERS);
    assert_eq!(pool.submit(|| 2_u32.pow(8)).unwrap().result().unwrap(), 256);
}

#[test]
fn submit_keyword() {
    struct Product {
        x: u32,
        y: u32,
    }
    impl Run for Product {
        type Output = u32;

        fn run(self) -> u32 {
            self.x * self.y
        }
    }
    let (pool, y) = (ThreadPool::new(WORKERS), 8);
    assert_eq!(pool.submit(Product { x: 2, y }).unwrap().result().unwrap(), 16);
    assert_eq!(pool.submit(move || (1, y)).unwrap().result().unwrap(), (1, 8));
}

#[test]
fn map() {
    let pool = ThreadPool::new(WORKERS);
    let powers: Vec<u64> = (0..10).map(|n| u64::from(n).pow(n)).collect();
    let pairs = || (0_u64..10).zip(0_u32..10);
    assert_eq!(
        pool.map(pairs(), |(x, y)| x.pow(y))
            .collect::<Result<Vec<_>, _>>()
            .unwrap(),
        powers
    );
    for ahead in [1, 3, 100] {
        let ours = pool.map_ahead(ahead, pairs(), |(x, y)| x.pow(y));
        assert_eq!(ours.collect::<Result<Vec<_>, _>>().unwrap(), powers, "{ahead} ahead");
    }
}

#[test]
fn map_exception() {
    let pool = ThreadPool::new(WORKERS);
    let divide = |(x, y): (u32, u32)| (x / y, x % y);
    let pairs = [(1, 2), (1, 3), (1, 0), (1, 5)];
    let mut quotients = pool.map(pairs, divide);
    for _ in 0..2 {
        assert_eq!(quotients.next().unwrap().unwrap(), (0, 1));
    }
    let failed = quotients.next().unwrap().unwrap_err();
    assert_eq!(failed.message(), Some("attempt to divide by zero"));
    assert_eq!(quotients.next().unwrap().unwrap(), (0, 1));
    assert!(quotients.next().is_none());
    let all: Result<Vec<_>, _> = pool.map(pairs, divide).collect();
    assert!(matches!(all, Err(JobError::Panicked(_))));
}

#[test]
fn map_timeout() {
    let (_, pool, gate) = gated(WORKERS);
    let pass = gate.pass();
    let mut results = pool.map([false, false, true], move |held| {
        if held {
            pass()
        }
    });
    for _ in 0..2 {
        assert!(matches!(results.next_timeout(Duration::MAX), Ok(Some(Ok(())))));
    }
    for patience in [Duration::ZERO, Duration::from_millis(5)] {
        assert!(matches!(results.next_timeout(patience), Err(TimedOut)));
    }
    gate.open();
    assert!(matches!(results.next_timeout(Duration::MAX), Ok(Some(Ok(())))));
    assert!(matches!(results.next_timeout(Duration::MAX), Ok(None)));
}

#[test]
fn shutdown_race_issue12456() {
    watchdog::run(|watch| {
        for _ in 0..100 {
            let (_, pool, _gate) = gated(WORKERS);
            let texts = pool.map([2; WORKERS + 1], |n| n.to_string());
            watch.waits("shutdown", || pool.shutdown());
            assert_eq!(texts.collect::<Result<Vec<_>, _>>().unwrap(), ["2"; WORKERS + 1]);
        }
    });
}

#[test]
fn no_stale_references() {
    let pool = ThreadPool::new(WORKERS);
    let dropped = Arc::new(Event::new());
    let object = || {
        let dropped = Arc::clone(&dropped);
        OnDrop(move || dropped.set())
    };
    watchdog::run(|watch| {
        let (run, kept, made) = (object(), object(), object());
        drop(pool.submit(move || drop(run)).unwrap());
        watch.waits("the drop of what it used", || dropped.wait());
        dropped.clear();
        let job = pool.submit(move || _ = &kept).unwrap();
        watch.waits("the drop of what it held", || dropped.wait());
        assert_eq!(job.wait(), Outcome::Returned);
        dropped.clear();
        drop(pool.submit(move || made).unwrap());
        watch.waits("the drop of what it made", || dropped.wait());
    });
}

#[test]
fn max_workers_negative() {
    assert_eq!(panic_of(|| ThreadPool::new(0)), "a pool must have at least one worker");
    assert_eq!(
        panic_of(|| pool::Builder::new().workers(0)),
        "a pool must have at least one worker"
    );
}

#[test]
fn free_reference() {
    let pool = ThreadPool::new(WORKERS);
    for object in pool.map(0..10, Arc::new) {
        assert_eq!(Arc::strong_count(&object.unwrap()), 1, "somebody has it still");
    }
}

#[test]
fn map_submits_without_iteration() {
    let (_, pool, _gate) = gated(WORKERS);
    let finished = Arc::new(Mutex::new(Vec::new()));
    let theirs = Arc::clone(&finished);
    let _results = pool.map(0..2 * WORKERS, move |n| theirs.lock().unwrap().push(n));
    watchdog::run(|watch| watch.waits("shutdown", || pool.shutdown()));
    let mut finished = finished.lock().unwrap();
    finished.sort_unstable();
    assert!(finished.iter().copied().eq(0..2 * WORKERS), "{finished:?}");
}

#[test]
fn default_workers() {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    assert_eq!(ThreadPool::default().max_workers(), (processors + 4).min(32));
}

#[test]
fn saturation() {
    let (registry, pool, _gate) = gated(4);
    let permits = Arc::new(Semaphore::new(0));
    for _ in 0..15 * pool.max_workers() {
        let permits = Arc::clone(&permits);
        pool.submit(move || permits.acquire().forget()).unwrap();
    }
    assert_eq!((pool.workers(), registry.active_count()), (4, 1 + 4));
    (0..15 * pool.max_workers()).for_each(|_| permits.release(1).unwrap());
    watchdog::run(|watch| watch.waits("shutdown", || pool.shutdown()));
    assert_eq!((permits.available(), registry.active_count()), (0, 1));
}

#[test]
fn idle_thread_reuse() {
    let pool = ThreadPool::default();
    watchdog::run(|watch| {
        for _ in 0..3000 {
            for (x, y) in [(21, 2), (6, 7), (3, 14)] {
                let job = pool.submit(move || x * y).unwrap();
                (0..1000).take_while(|_| !job.is_done()).for_each(|_| hint::spin_loop()); // who sleeps comes late
                assert_eq!(watch.waits("a product", || job.result()).unwrap(), 42);
            }
        }
    });
    assert_eq!(pool.workers(), 1, "whoever has a result finds its worker idle");
}

#[test]
fn executor_map_current_future_cancel() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let (_, pool, gate) = gated(1);
    let theirs = Arc::clone(&log);
    let logs = move |ident: &'static str| theirs.lock().unwrap().push(ident);
    let (logs_first, others) = (logs.clone(), ["second", "third"]);
    let first = pool.submit(gate.before(move || logs_first("first"))).unwrap();
    let mut results = pool.map(others, logs);
    assert!(matches!(results.next_timeout(Duration::ZERO), Err(TimedOut)));
    drop(results);
    gate.open();
    watchdog::run(|watch| watch.waits("shutdown", || pool.shutdown()));
    first.result().unwrap();
    assert_eq!(*log.lock().unwrap(), ["first"]);
}
