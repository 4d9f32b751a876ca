//! Threads that have ended keep no stacks, though their handles live. Each test is alone in its process.

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

/// A stack is two mappings. The system caches a few stacks for the next threads, and the allocator has memory for each of some
/// threads.
const MOST: usize = THREADS / 2;

fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

/// Threads that have all lived at once, and whose ends `observe` observes. Their stacks go without another call.
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
    until_few_are_left(before);
    handles.iter().for_each(|handle| handle.join().unwrap());
}

/// Blocks until the stacks are unmapped; if they never are, the watchdog stops the process.
fn until_few_are_left(before: usize) {
    while mappings() > before + MOST {
        std::thread::yield_now();
    }
}

#[test]
fn after_a_try_join() {
    child::passes(&[], || {
        stacks_go(|handle| {
            while handle.try_join().is_none() {
                std::thread::yield_now();
            }
        });
    });
}

#[test]
fn after_a_join_with_a_timeout() {
    child::passes(&[], || {
        stacks_go(|handle| join_by(handle, Form::Timeout(Duration::MAX)).unwrap())
    });
}

#[test]
fn after_a_join_with_a_deadline() {
    child::passes(&[], || {
        stacks_go(|handle| join_by(handle, Form::Deadline(Duration::MAX)).unwrap())
    });
}

/// A call that joins all knows of those that are not gone, and of no others.
#[test]
fn after_a_timed_join_of_all() {
    child::passes(&[], || {
        let (registry, before) = (Registry::new(), mappings());
        let start = |_| registry.builder().spawn(|| ()).unwrap();
        let handles: Vec<_> = (0..THREADS).map(start).collect();
        while mappings() > before + MOST {
            registry.join_all_deadline(Instant::now()).ok();
            registry.join_all_timeout(Duration::MAX).unwrap();
        }
        drop(handles);
    });
}

/// The scope keeps each thread whose panic no join has reported.
#[test]
fn in_a_scope_whose_threads_panic() {
    child::passes(&[], || {
        let before = mappings();
        let told = panic_of(|| {
            thread::scope(|scope| {
                for _ in 0..THREADS {
                    let failed = scope.spawn(|| resume_unwind(Box::new("no yarn")));
                    while failed.is_alive() {
                        std::thread::yield_now();
                    }
                }
                until_few_are_left(before);
            });
        });
        assert_eq!(told, "a scoped thread panicked");
    });
}

/// Another thread that comes or goes is enough.
#[test]
fn after_no_call_at_all() {
    child::passes(&[], || {
        let before = mappings();
        let handles: Vec<_> = (0..THREADS).map(|_| thread::spawn(|| ())).collect();
        while mappings() > before + MOST {
            thread::spawn(|| ()).join().unwrap();
        }
        drop(handles);
    });
}

/// The system runs the destructors of a C library's thread-specific data after those of the thread-locals.
#[test]
fn a_thread_that_is_gone_may_start_another() {
    extern "C" fn starts(_: *mut libc::c_void) {
        drop(thread::spawn(|| ()));
    }
    child::passes(&[], || {
        let mut key = 0;
        // SAFETY: the place is a variable's, and the function of the type that is asked for.
        assert_eq!(unsafe { libc::pthread_key_create(&mut key, Some(starts)) }, 0);
        let sets = move || {
            // SAFETY: the key has been made; what it points to is only passed on.
            assert_eq!(unsafe { libc::pthread_setspecific(key, std::ptr::dangling()) }, 0);
        };
        thread::spawn(sets).join().unwrap();
        thread::join_all();
    });
}
