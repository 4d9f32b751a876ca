//! `ThreadJoinOnShutdown`, and those of `ThreadTests` that end a program.

use super::program::{run, run_to_code, say};
use super::{OnDrop, until_asleep};
use selvedge::thread::{self, Builder, Local, exit_guard, main_thread};
use selvedge::{Event, Semaphore};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// An event, and what sets it when it is dropped: before the guard, if it was made after it.
fn end_of_main() -> (Arc<Event>, OnDrop<impl FnMut()>) {
    let event = Arc::new(Event::new());
    let theirs = Arc::clone(&event);
    (event, OnDrop(move || theirs.set()))
}

/// Waits until `main` has come to its end, and sleeps in the guard.
fn until_guarded(end_of_main: &Event) {
    end_of_main.wait();
    until_asleep(&main_thread());
}

#[test]
fn join_on_shutdown() {
    let program = run(|| {
        let _guard = exit_guard();
        let (end, _end) = end_of_main();
        thread::spawn(move || {
            until_guarded(&end);
            say("end of thread");
        });
        say("end of main");
    });
    program.assert_well(&["end of main", "end of thread"]);
}

#[test]
fn join_nondaemon_on_shutdown() {
    let program = run(|| {
        let _guard = exit_guard();
        let (end, _end) = end_of_main();
        thread::spawn(move || {
            until_guarded(&end);
            say("woke up");
        });
        panic!("raised in main");
    });
    assert_eq!(
        (program.code, &*program.said),
        (Some(101), &["woke up".to_owned()][..]),
        "{program:?}"
    );
    assert_eq!(program.stderr.matches("panicked").count(), 1, "{program:?}");
}

#[test]
fn daemon_threads() {
    let program = run(|| {
        const THREADS: usize = 40;
        let _guard = exit_guard();
        let has_run = Arc::new(Semaphore::new(0));
        for _ in 0..THREADS {
            let has_run = Arc::clone(&has_run);
            let io = move || {
                let mut first = true;
                loop {
                    let read = std::fs::read(file!()).map_or(0, |text| text.len());
                    std::fs::write(if cfg!(windows) { "NUL" } else { "/dev/null" }, read.to_string()).unwrap();
                    if std::mem::take(&mut first) {
                        has_run.release(1).unwrap();
                    }
                }
            };
            Builder::new().daemon(true).spawn(io).unwrap();
        }
        (0..THREADS).for_each(|_| has_run.acquire().forget());
        assert_eq!(thread::active_count(), THREADS + 1);
    });
    program.assert_well(&[]);
}

#[test]
fn thread_from_thread() {
    let program = run(|| {
        let _guard = exit_guard();
        let (end, _end) = end_of_main();
        thread::spawn(move || {
            until_guarded(&end);
            let theirs = thread::current();
            thread::spawn(move || {
                // The guard has waited for that one, and waits for this one now.
                theirs.join().unwrap();
                until_asleep(&main_thread());
                say("OK");
            });
        });
    });
    program.assert_well(&["OK"]);
}

#[test]
fn finalize_running_thread() {
    let program = run_to_code(|| {
        let _guard = exit_guard();
        let ready = Arc::new(Event::new());
        let theirs = Arc::clone(&ready);
        let wait = move || {
            let _held = OnDrop(|| say("dropped"));
            theirs.set();
            Event::new().wait();
        };
        Builder::new().daemon(true).spawn(wait).unwrap();
        ready.wait();
        42
    });
    assert_eq!((program.code, &*program.stderr), (Some(42), ""));
    assert!(program.said.is_empty(), "a daemon is cut off where it is");
}

#[test]
fn main_thread_in_a_program() {
    let program = run(|| {
        let (main, me) = (main_thread(), thread::current());
        assert_eq!(main, me);
        assert_eq!(main.name(), std::thread::current().name().unwrap());
        assert_eq!(main.id(), selvedge::backend::thread::id());
        let other = thread::spawn(|| assert_ne!(main_thread(), thread::current()));
        other.join().unwrap();
    });
    program.assert_well(&[]);
}

#[test]
fn main_thread_during_shutdown() {
    let program = run(|| {
        let main = thread::current();
        let ask = || {
            let answers = (
                thread::current() == main,
                main_thread() == main,
                thread::enumerate() == [main.clone()],
            );
            say(&format!("{answers:?}"));
        };
        let _after_the_guard = OnDrop(ask);
        let _guard = exit_guard();
        let _before_it = OnDrop(ask);
    });
    program.assert_well(&["(true, true, true)"; 2]);
}

/// The `main` of a program whose thread drops a local when `main` sleeps in the guard already, and not before.
fn drops_a_local_slowly(returns_before: bool) {
    type Slow = RefCell<Option<OnDrop<Box<dyn FnMut()>>>>;
    let local = Arc::new(Local::<Slow>::default()); // outlives the thread, or its values would be dropped by the function
    let _guard = exit_guard();
    let (end, _end) = end_of_main();
    let returned = Arc::new(Event::new());
    let (theirs, local) = (Arc::clone(&returned), Arc::clone(&local));
    thread::spawn(move || {
        let dropped_at = Arc::clone(&end);
        let drop_late = move || {
            theirs.set();
            until_guarded(&dropped_at);
            say("dropped");
        };
        local.with(|slow| *slow.borrow_mut() = Some(OnDrop(Box::new(drop_late))));
        if !returns_before {
            until_guarded(&end);
        }
    });
    if returns_before {
        returned.wait();
    }
}

#[test]
fn finalization_shutdown() {
    run(|| drops_a_local_slowly(false)).assert_well(&["dropped"]);
}

#[test]
fn finalization_shutdown_after_the_return() {
    run(|| drops_a_local_slowly(true)).assert_well(&["dropped"]);
}

#[test]
fn locals_at_exit() {
    let program = run(|| {
        let local = Arc::new(Local::new(|| RefCell::new("nothing")));
        local.with(|value| value.replace("value"));
        let theirs = Arc::clone(&local);
        let _at_exit = OnDrop(move || theirs.with(|value| say(&value.borrow())));
        let _guard = exit_guard();
        thread::spawn(move || local.with(|value| assert_eq!(value.replace("another"), "nothing")));
    });
    program.assert_well(&["value"]);
}

#[test]
fn import_from_another_thread() {
    let program = run(|| {
        static USED: AtomicBool = AtomicBool::new(false);
        let first = std::thread::spawn(|| {
            let first = thread::current() == main_thread();
            USED.store(first, Relaxed);
            loop {
                std::thread::park();
            }
        });
        while !USED.load(Relaxed) {
            std::thread::yield_now();
        }
        drop(first);
        let _guard = exit_guard();
        thread::spawn(|| say("waited for"));
    });
    program.assert_well(&["waited for"]);
}

#[test]
fn start_new_thread_at_finalization() {
    let program = run(|| {
        let _after_the_guard = OnDrop(|| {
            say("OK");
            let begun = Arc::new(Event::new());
            let theirs = Arc::clone(&begun);
            thread::spawn(move || {
                theirs.set();
                Event::new().wait();
                say("nobody is left");
            });
            begun.wait();
        });
        let _guard = exit_guard();
    });
    program.assert_well(&["OK"]);
}
