//! What `ThreadTests`, `ThreadJoinOnShutdown` and
//! `SubinterpThreadingTests` check of the exit and no behaviour test does.

use super::{OnDrop, assert_says, said, say};
use crate::{child, watchdog};
use selvedge::thread::{self, Builder, Local, Registry, Thread, exit_guard};
use selvedge::{Event, Semaphore};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

/// Threads that use the file system all the time do not disturb the exit.
#[test]
fn daemon_threads() {
    assert_says(&[], || {
        const THREADS: usize = 40;
        let _guard = exit_guard();
        let started = Arc::new(Semaphore::new(0));
        for _ in 0..THREADS {
            let started = Arc::clone(&started);
            let read_and_write = || {
                let read = std::fs::read(file!()).map_or(0, |text| text.len());
                std::fs::write(if cfg!(windows) { "NUL" } else { "/dev/null" }, read.to_string()).unwrap();
            };
            let run = move || {
                read_and_write();
                started.release(1).unwrap();
                loop {
                    read_and_write();
                }
            };
            Builder::new().daemon(true).spawn(run).unwrap();
        }
        (0..THREADS).for_each(|_| started.acquire().forget());
        assert_eq!(thread::active_count(), THREADS + 1);
    });
}

#[test]
fn finalize_running_thread() {
    let output = child::run(&[], || {
        let guard = exit_guard();
        let ready = Arc::new(Event::new());
        let signal = Arc::clone(&ready);
        let wait = move || {
            let _held = OnDrop(|| say("dropped"));
            signal.set();
            Event::new().wait();
        };
        Builder::new().daemon(true).spawn(wait).unwrap();
        ready.wait();
        drop(guard);
        std::process::exit(42);
    });
    let Some(output) = output else { return };
    assert_eq!((output.status.code(), output.stderr.len()), (Some(42), 0), "{output:?}");
    assert!(said(&output).is_empty(), "what a daemon holds was dropped");
}

#[test]
fn main_thread() {
    assert_says(&[], || {
        let (main, me) = (thread::main_thread(), thread::current());
        assert_eq!(main, me);
        assert_eq!(main.name(), std::thread::current().name().unwrap());
        assert_eq!(main.id(), selvedge::backend::thread::id());
        let other = thread::spawn(|| assert_ne!(thread::main_thread(), thread::current()));
        other.join().unwrap();
    });
}

#[test]
fn main_thread_during_shutdown() {
    assert_says(&["[true, true, true]"; 2], || {
        let main = thread::current();
        let observe = || {
            let only_main = thread::enumerate() == [main.clone()];
            say(&format!(
                "{:?}",
                [thread::current() == main, thread::main_thread() == main, only_main]
            ));
        };
        let _after_the_guard = OnDrop(observe);
        let _guard = exit_guard();
        let _before_the_guard = OnDrop(observe);
    });
}

/// Returns once the thread is blocked in any call. Exact on Linux only.
fn until_blocked(thread: &Thread) {
    let is_blocked = || {
        if !cfg!(target_os = "linux") {
            (0..1000).for_each(|_| std::thread::yield_now());
            return true;
        }
        let Some(number) = thread.native_id() else { return false };
        let stat = std::fs::read_to_string(format!("/proc/self/task/{number}/stat"));
        stat.is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S")))
    };
    while !is_blocked() {
        std::thread::yield_now();
    }
}

/// The guard waits until a thread has dropped its locals, whether its function returns before the guard waits or after.
#[test]
fn finalization_shutdown() {
    type Slow = RefCell<Option<OnDrop<Box<dyn FnMut()>>>>;
    for returns_before in [false, true] {
        let dropped = Arc::new(AtomicBool::new(false));
        let local = Arc::new(Local::<Slow>::default()); // outlives the thread: the function does not drop the values
        watchdog::run(|watch| {
            let registry = Registry::new();
            let (returned, waits) = (Arc::new(Event::new()), Arc::new(Event::new()));
            let guard = registry.exit_guard();
            let (main, signals) = (registry.main_thread(), (Arc::clone(&returned), Arc::clone(&waits)));
            let (local, dropped) = (Arc::clone(&local), Arc::clone(&dropped));
            let run = move || {
                let (returned, waits) = signals;
                let until_guarded = move || {
                    waits.wait();
                    until_blocked(&main);
                };
                let before_the_return = until_guarded.clone();
                let drop_late = move || {
                    returned.set();
                    until_guarded();
                    dropped.store(true, Relaxed);
                };
                local.with(|slow| *slow.borrow_mut() = Some(OnDrop(Box::new(drop_late))));
                if !returns_before {
                    before_the_return();
                }
            };
            registry.builder().spawn(run).unwrap();
            if returns_before {
                watch.waits("the function's return", || returned.wait());
            }
            waits.set();
            watch.waits("the guard", || drop(guard));
        });
        assert!(
            dropped.load(Relaxed),
            "the guard has not waited for the drop of a local"
        );
    }
}

#[test]
fn locals_at_exit() {
    assert_says(&["value"], || {
        let local = Arc::new(Local::new(|| RefCell::new("nothing")));
        local.with(|value| value.replace("value"));
        let of_main = Arc::clone(&local);
        let _at_exit = OnDrop(move || of_main.with(|value| say(&value.borrow())));
        let _guard = exit_guard();
        thread::spawn(move || local.with(|value| assert_eq!(value.replace("another"), "nothing")));
    });
}

#[test]
fn import_from_another_thread() {
    assert_says(&["waited for"], || {
        static IS_MAIN: AtomicBool = AtomicBool::new(false);
        let first = std::thread::spawn(|| {
            IS_MAIN.store(thread::current() == thread::main_thread(), Relaxed);
            loop {
                std::thread::park();
            }
        });
        while !IS_MAIN.load(Relaxed) {
            std::thread::yield_now();
        }
        drop(first);
        let _guard = exit_guard();
        thread::spawn(|| say("waited for"));
    });
}

#[test]
fn start_new_thread_at_finalization() {
    assert_says(&["started"], || {
        let _after_the_guard = OnDrop(|| {
            let started = Arc::new(Event::new());
            let signal = Arc::clone(&started);
            thread::spawn(move || {
                say("started");
                signal.set();
                Event::new().wait();
            });
            started.wait();
        });
        let _guard = exit_guard();
    });
}

#[test]
fn threads_join_with_no_main() {
    let steps = Arc::new(AtomicU32::new(0));
    watchdog::run(|watch| {
        let registry = watch.spawn("first thread", |_| Registry::new()).join();
        let guard = registry.exit_guard();
        let done = Arc::new(Event::new());
        let (awaited, counted) = (Arc::clone(&done), Arc::clone(&steps));
        let run = move || {
            awaited.wait();
            counted.fetch_add(1, Relaxed);
        };
        let thread = registry.builder().spawn(run).unwrap();
        let at_exit = OnDrop(|| {
            done.set();
            watch.waits("join", || thread.join()).unwrap();
            assert_eq!(steps.fetch_add(1, Relaxed), 1);
        });
        drop(at_exit);
        watch.waits("the guard", || drop(guard));
        assert_eq!(registry.active_count(), 1);
    });
    assert_eq!(steps.load(Relaxed), 2);
}
