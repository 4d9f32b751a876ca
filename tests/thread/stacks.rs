//! Ended threads keep no stacks, though their handles live. Each test is alone in its process.

#![cfg(target_os = "linux")]

use super::join_by;
use crate::child;
use crate::forms::Form;
use crate::support::panic_of;
use selvedge::thread::{self, JoinHandle, Registry};
use selvedge::{Event, Instant};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

const THREADS: usize = 300;

/// A stack is two mappings. The system caches a few stacks for new threads, and the allocator has memory for some
/// threads.
const MOST: usize = THREADS / 2;

fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

/// Calls `step` until few mappings remain; if that never happens, the watchdog ends the process.
fn until_few_remain(before: usize, mut step: impl FnMut()) {
    while mappings() > before + MOST {
        step();
    }
}

/// Threads that have all lived at the same time; `observe` observes the end of each. Then no other call is needed.
fn stacks_go(observe: impl Fn(&JoinHandle<()>)) {
    let (before, gate) = (mappings(), Arc::new(Event::new()));
    let start = |_| {
        let gate = Arc::clone(&gate);
        thread::spawn(move || gate.wait())
    };
    let handles: Vec<_> = (0..THREADS).map(start).collect();
    assert!(mappings() > before + MOST, "the threads have stacks");
    gate.set();
    handles.iter().for_each(observe);
    until_few_remain(before, std::thread::yield_now);
    handles.iter().for_each(|handle| handle.join().unwrap());
}

#[test]
fn after_each_form_of_join() {
    child::passes(&[], || {
        for form in [Form::Try, Form::Timeout(Duration::MAX), Form::Deadline(Duration::MAX)] {
            stacks_go(|handle| while join_by(handle, form).is_err() {});
        }
    });
}

/// A join of all knows the threads that have not been reaped, and no others.
#[test]
fn after_a_timed_join_of_all() {
    child::passes(&[], || {
        let (registry, before) = (Registry::new(), mappings());
        let handles: Vec<_> = (0..THREADS).map(|_| registry.builder().spawn(|| ()).unwrap()).collect();
        until_few_remain(before, || {
            registry.join_all_deadline(Instant::now()).ok();
            registry.join_all_timeout(Duration::MAX).unwrap();
        });
        drop(handles);
    });
}

/// The scope keeps each thread whose panic no join has reported.
#[test]
fn in_a_scope_whose_threads_panic() {
    child::passes(&[], || {
        let before = mappings();
        let scope = || {
            thread::scope(|scope| {
                for _ in 0..THREADS {
                    let failed = scope.spawn(|| resume_unwind(Box::new("no yarn")));
                    while failed.is_alive() {
                        std::thread::yield_now();
                    }
                }
                until_few_remain(before, std::thread::yield_now);
            })
        };
        assert_eq!(panic_of(scope), "a scoped thread panicked");
    });
}

#[test]
fn without_a_call_once_another_thread_starts_or_ends() {
    child::passes(&[], || {
        let before = mappings();
        let handles: Vec<_> = (0..THREADS).map(|_| thread::spawn(|| ())).collect();
        until_few_remain(before, || thread::spawn(|| ()).join().unwrap());
        drop(handles);
    });
}

/// The destructors of a C library's thread-specific data run after those of the thread-locals.
#[test]
fn a_thread_that_has_dropped_its_locals_may_spawn_another() {
    extern "C" fn spawns(_: *mut libc::c_void) {
        drop(thread::spawn(|| ()));
    }
    child::passes(&[], || {
        let mut key = 0;
        // SAFETY: `key` is writable, and `spawns` has the type of a destructor.
        assert_eq!(unsafe { libc::pthread_key_create(&mut key, Some(spawns)) }, 0);
        let sets = move || {
            // SAFETY: the key exists, and its value is only passed to `spawns`, which ignores it.
            assert_eq!(unsafe { libc::pthread_setspecific(key, std::ptr::dangling()) }, 0);
        };
        thread::spawn(sets).join().unwrap();
        thread::join_all();
    });
}
