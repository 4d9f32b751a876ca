//! `ThreadTests`, but for what happens at exit, and what is left of `InterruptMainTests`.

use super::{OnDrop, until_asleep};
use crate::python::{A_WHILE, until};
use crate::support::panic_of;
use crate::watchdog;
use selvedge::thread::{Builder, JoinError, JoinHandle, Registry, Run};
use selvedge::{BoundedSemaphore, Event, Lock, OverReleased, RLock, Semaphore};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn name() {
    let registry = Registry::new();
    let name_of = |builder: Builder| {
        let (theirs, seen) = (registry.clone(), Arc::new(Mutex::new(String::new())));
        let see = Arc::clone(&seen);
        let thread = builder
            .spawn(move || *see.lock().unwrap() = theirs.current().name().to_owned())
            .unwrap();
        thread.join().unwrap();
        assert_eq!(*seen.lock().unwrap(), thread.name(), "it calls itself otherwise");
        thread.name().to_owned()
    };
    assert_eq!(name_of(registry.builder().name("myname1")), "myname1");
    assert_eq!(name_of(registry.builder().name(123.to_string())), "123");
    assert_eq!(name_of(registry.builder().name("")), "");
    assert_eq!(name_of(registry.builder()), "Thread-1");
    assert_eq!(name_of(registry.builder().name("myname2")), "myname2");
    assert_eq!(name_of(registry.builder()), "Thread-2");
}

/// What takes its argument as an object.
struct Doubles(u32);

impl Run for Doubles {
    type Output = u32;

    fn run(self) -> u32 {
        self.0 * 2
    }
}

#[test]
fn args_argument() {
    fn has_made<T: PartialEq + std::fmt::Debug>(thread: &JoinHandle<T>, made: T) {
        thread.join().unwrap();
        assert_eq!(thread.take_result(), Some(made));
    }
    let (number, text, list) = (1, "str".to_owned(), (vec![1],));
    has_made(&Registry::new().builder().spawn(move || number).unwrap(), 1);
    has_made(
        &Registry::new().builder().spawn(move || text).unwrap(),
        "str".to_owned(),
    );
    has_made(&Registry::new().builder().spawn(Doubles(number)).unwrap(), 2);
    selvedge::thread::scope(|scope| has_made(&scope.spawn(|| list.0.len()), 1));
}

#[derive(Default)]
struct Various {
    known: Event,
    begun: Semaphore,
    mutex: RLock,
    running: AtomicU32,
}

/// One of many, of which three may run.
struct Task(Arc<(Various, BoundedSemaphore)>);

impl Run for Task {
    type Output = ();

    fn run(self) {
        let (various, room) = &*self.0;
        various.begun.release(1).unwrap();
        various.known.wait();
        let _place = room.acquire();
        let running = || {
            let _held = various.mutex.acquire();
            various.running.fetch_add(1, Relaxed) + 1
        };
        assert!((1..=3).contains(&running()));
        std::thread::yield_now();
        let _held = various.mutex.acquire();
        assert!(various.running.fetch_sub(1, Relaxed) > 0);
    }
}

fn do_various_ops(with_stack: impl Fn(Builder) -> Builder) {
    const TASKS: usize = 10;
    let registry = Registry::new();
    let shared = Arc::new((
        Various {
            begun: Semaphore::new(0),
            ..Various::default()
        },
        BoundedSemaphore::new(3),
    ));
    let start = |n| {
        let builder = with_stack(registry.builder().name(format!("<thread {n}>")));
        builder.spawn(Task(Arc::clone(&shared))).unwrap()
    };
    let threads: Vec<_> = (0..TASKS).map(start).collect();
    watchdog::run(|watch| {
        watch.waits("all to begin", || {
            (0..TASKS).for_each(|_| shared.0.begun.acquire().forget())
        });
        if cfg!(target_os = "linux") {
            let me = registry.current();
            let all = threads.iter().map(|thread| thread.thread()).chain([&me]);
            let native_ids: BTreeSet<_> = all.map(|thread| thread.native_id().unwrap()).collect();
            assert_eq!(native_ids.len(), TASKS + 1);
        }
        let ids: BTreeSet<_> = registry.enumerate().iter().map(|thread| thread.id()).collect();
        assert_eq!(ids.len(), TASKS + 1);
        assert!(threads.iter().all(|thread| thread.is_alive()));
        assert!(format!("{:?}", threads[0]).ends_with("alive: true }"));
        shared.0.known.set();
        for (n, thread) in threads.iter().enumerate() {
            assert_eq!(watch.waits("a task's end", || thread.join()), Ok(()));
            assert!(!thread.is_alive());
            assert!(ids.contains(&thread.id()));
            let shown = format!("{thread:?}");
            assert!(
                shown.starts_with(&format!("Thread {{ name: \"<thread {n}>\"")),
                "{shown}"
            );
            assert!(shown.ends_with("alive: false }"), "{shown}");
        }
    });
    assert_eq!(shared.0.running.load(Relaxed), 0);
    assert_eq!(shared.1.available(), 3);
}

#[test]
fn various_ops() {
    do_various_ops(|builder| builder);
}

#[test]
fn various_ops_small_stack() {
    do_various_ops(|builder| builder.stack_size(256 * 1024));
}

#[test]
fn various_ops_large_stack() {
    do_various_ops(|builder| builder.stack_size(1024 * 1024));
}

#[test]
fn ident_of_no_threading_threads() {
    let registry = Registry::new();
    let me = registry.current().id();
    assert_eq!(me, registry.main_thread().id());
    let (known, theirs) = watchdog::run(|watch| {
        watch
            .spawn("foreign", |_| {
                (selvedge::backend::thread::id(), registry.current().id())
            })
            .join()
    });
    assert_eq!(known, theirs);
    assert_ne!(theirs, me);
}

#[test]
fn foreign_thread() {
    let registry = Registry::new();
    let foreign = watchdog::run(|watch| {
        let foreign = watch.spawn("foreign", |_| {
            let (me, again) = (registry.current(), registry.current());
            assert_eq!(me, again);
            assert!(me.is_alive());
            assert_eq!(me.name(), "foreign");
            assert!(panic_of(|| me.join()).contains("can't be joined"));
            me
        });
        foreign.join()
    });
    assert_ne!(foreign, registry.current());
    assert!(panic_of(|| foreign.join()).contains("can't be joined"));
    assert!(panic_of(|| foreign.try_join()).contains("can't be joined"));
    assert!(panic_of(|| foreign.join_timeout(A_WHILE)).contains("can't be joined"));
    assert!(!registry.enumerate().contains(&foreign));
}

#[test]
fn limbo_cleanup() {
    let (registry, argument) = (Registry::new(), Arc::new(()));
    let is_refused = |builder: Builder| {
        let theirs = Arc::clone(&argument);
        assert!(builder.spawn(move || drop(theirs)).is_err());
        assert_eq!(registry.enumerate(), [registry.main_thread()]);
        assert_eq!(registry.active_count(), 1);
        assert_eq!(
            Arc::strong_count(&argument),
            1,
            "what was not started holds its argument"
        );
    };
    is_refused(registry.builder().stack_size(usize::MAX));
    is_refused(registry.builder().name("zero\0byte"));
    if cfg!(all(target_os = "linux", target_pointer_width = "64")) {
        is_refused(registry.builder().stack_size(isize::MAX as usize / 2)); // by the system
    }
    registry.join_all();
}

#[test]
fn enumerate_after_join() {
    let registry = Registry::new();
    for trial in 0..100 {
        let thread = registry.builder().spawn(|| ()).unwrap();
        // What the timed form does not wait for comes after the registry.
        let joined = if trial % 2 == 0 {
            thread.join_timeout(Duration::MAX)
        } else {
            thread.join().map_err(JoinError::from)
        };
        assert_eq!(joined, Ok(()));
        assert!(!registry.enumerate().contains(&thread), "after {trial} trials");
        assert_eq!(registry.active_count(), 1);
    }
}

#[test]
fn join_from_multiple_threads() {
    let registry = Registry::new();
    for joiners in 2..20 {
        let go = Arc::new(Event::new());
        let theirs = Arc::clone(&go);
        let worker = registry.builder().name("worker").spawn(move || theirs.wait()).unwrap();
        let join = |_| {
            let worker = worker.clone();
            registry
                .builder()
                .spawn(move || (worker.join(), worker.take_result()))
                .unwrap()
        };
        let joiners: Vec<_> = (0..joiners).map(join).collect();
        watchdog::run(|watch| {
            watch.waits("joiners to sleep", || {
                joiners.iter().for_each(|joiner| until_asleep(joiner))
            });
            go.set();
            watch.waits("the worker's end", || worker.join()).unwrap();
            watch
                .waits("the joiners' ends", || {
                    joiners.iter().try_for_each(|joiner| joiner.join())
                })
                .unwrap();
        });
        let joined: Vec<_> = joiners.iter().map(|joiner| joiner.take_result().unwrap()).collect();
        assert!(joined.iter().all(|(joined, _)| joined.is_ok()));
        assert_eq!(joined.iter().filter(|(_, result)| result.is_some()).count(), 1);
    }
}

#[test]
fn join_with_timeout() {
    let lock = Arc::new(Lock::new());
    let (held, theirs) = (lock.acquire(), Arc::clone(&lock));
    let thread = Registry::new().builder().spawn(move || drop(theirs.acquire())).unwrap();
    assert_eq!(thread.join_timeout(A_WHILE), Err(JoinError::TimedOut));
    assert!(thread.is_alive());
    drop(held);
    watchdog::run(|watch| watch.waits("its end", || thread.join())).unwrap();
    assert!(!thread.is_alive());
}

#[test]
fn no_refcycle_through_target() {
    /// What runs one of its own functions, and knows the thread that does.
    #[derive(Default)]
    struct RunsItself(Mutex<Option<JoinHandle<()>>>);

    for (panics, timed) in [(false, false), (false, true), (true, false), (true, true)] {
        let object = Arc::new(RunsItself::default());
        let (theirs, seen) = (Arc::clone(&object), Arc::downgrade(&object));
        let run = move || {
            let _ = theirs.0.lock().unwrap().is_some();
            assert!(!panics, "as told");
        };
        let thread = Registry::new().builder().spawn(run).unwrap();
        *object.0.lock().unwrap() = Some(thread.clone());
        drop(object);
        let thread = thread.thread().clone();
        let well = if timed {
            thread.join_timeout(Duration::MAX).is_ok()
        } else {
            thread.join().is_ok()
        };
        assert_eq!(well, !panics);
        // The thread has dropped its share of it, so all that is left is what the object holds of itself: nothing.
        assert!(
            seen.upgrade().is_none(),
            "it was dropped neither by {thread:?} nor with it"
        );
    }
}

#[test]
fn repr_daemon() {
    let registry = Registry::new();
    let shown = |daemon| format!("{:?}", registry.builder().daemon(daemon).spawn(|| ()).unwrap());
    assert!(shown(false).contains("daemon: false"));
    assert!(shown(true).contains("daemon: true"));
}

#[test]
fn daemon_param() {
    let registry = Registry::new();
    assert!(!registry.builder().spawn(|| ()).unwrap().is_daemon());
    assert!(!registry.builder().daemon(false).spawn(|| ()).unwrap().is_daemon());
    assert!(registry.builder().daemon(true).spawn(|| ()).unwrap().is_daemon());
    for daemon in [false, true] {
        let theirs = registry.clone();
        let start = move || theirs.builder().spawn(|| ()).unwrap().is_daemon();
        let starter = registry.builder().daemon(daemon).spawn(start).unwrap();
        starter.join().unwrap();
        assert_eq!(
            starter.take_result(),
            Some(daemon),
            "it is as the thread that starts it is"
        );
    }
}

#[test]
fn repr_stopped() {
    let (started, finish) = (Arc::new(Event::new()), Arc::new(Event::new()));
    let theirs = (Arc::clone(&started), Arc::clone(&finish));
    let run = move || {
        theirs.0.set();
        theirs.1.wait();
    };
    let thread = Registry::new().builder().spawn(run).unwrap();
    watchdog::run(|watch| {
        watch.waits("its begin", || started.wait());
        assert!(format!("{thread:?}").contains("alive: true"));
        finish.set();
        until(watch, "its end to be shown", || {
            format!("{thread:?}").contains("alive: false")
        });
    });
    thread.join().unwrap();
}

#[test]
fn bounded_semaphore_limit() {
    let registry = Registry::new();
    for limit in 1..10 {
        let semaphore = Arc::new(BoundedSemaphore::new(limit));
        let all_do = |run: fn(&BoundedSemaphore)| {
            let start = |_| {
                let theirs = Arc::clone(&semaphore);
                registry.builder().spawn(move || run(&theirs)).unwrap()
            };
            let threads: Vec<_> = (0..limit).map(start).collect();
            watchdog::run(|watch| watch.waits("all", || threads.iter().try_for_each(|thread| thread.join()))).unwrap();
        };
        all_do(|semaphore| semaphore.acquire().forget());
        assert_eq!(semaphore.available(), 0);
        all_do(|semaphore| semaphore.release(1).unwrap());
        assert_eq!(semaphore.release(1), Err(OverReleased));
    }
}

#[test]
fn leak_without_join() {
    let (registry, shared) = (Registry::new(), Arc::new(()));
    for _ in 0..100 {
        let theirs = Arc::clone(&shared);
        drop(registry.builder().spawn(move || theirs).unwrap());
    }
    watchdog::run(|watch| until(watch, "the last end", || registry.active_count() == 1));
    assert_eq!(Arc::strong_count(&shared), 1, "results that nobody can take are kept");
}

#[test]
fn can_interrupt_tight_loops() {
    let (go_on, started) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let theirs = (Arc::clone(&go_on), Arc::clone(&started));
    let run = move || {
        theirs.1.store(true, Relaxed);
        while theirs.0.load(Relaxed) {
            std::hint::spin_loop();
        }
        "interrupted"
    };
    let thread = Registry::new().builder().spawn(run).unwrap();
    watchdog::run(|watch| {
        until(watch, "its begin", || started.load(Relaxed));
        go_on.store(false, Relaxed);
        watch.waits("its end", || thread.join()).unwrap();
    });
    assert_eq!(thread.take_result(), Some("interrupted"));
}

#[test]
fn multithread_modify_file_noerror() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("modified-{}", std::process::id()));
    let _remove = OnDrop(|| std::fs::remove_file(&path).unwrap());
    for _ in 0..100 {
        let theirs = path.clone();
        let modify = move || {
            std::fs::write(&theirs, " ").unwrap();
            std::backtrace::Backtrace::force_capture().to_string()
        };
        let thread = Registry::new().builder().spawn(modify).unwrap();
        thread.join().unwrap();
        assert!(!thread.take_result().unwrap().is_empty());
    }
}
