//! A sandbox (seccomp) in which the kernel refuses selvedge's futex calls: waits poll instead, and no call panics.
//!
//! The filter applies to the calling thread and the threads that it spawns. It refuses FUTEX_WAIT, which the standard
//! library does not use (it uses FUTEX_WAIT_BITSET), except waits for the value 2, which libc's own locks use.

#![cfg(all(target_os = "linux", target_pointer_width = "64", not(feature = "parking_lot")))]

use crate::child;
use crate::support::SHORT;
use crate::watchdog;
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, apply_filter,
};
use selvedge::backend::atomic::AtomicU32;
use selvedge::backend::futex;
use selvedge::sync::WaitError;
use selvedge::{Barrier, Condition, Event, Lock, Mutex, PriorityQueue, Queue, Semaphore, TimedOut, thread};
use std::time::Duration;

const WAIT: u64 = 128; // FUTEX_WAIT | FUTEX_PRIVATE_FLAG
const WAKE: u64 = 129; // FUTEX_WAKE | FUTEX_PRIVATE_FLAG
#[cfg(target_arch = "x86_64")]
const SYS_FUTEX: i64 = 202;
#[cfg(not(target_arch = "x86_64"))]
const SYS_FUTEX: i64 = 98;
const EPERM: u32 = 1;

fn refuse(operation: u64) {
    // Of the arguments of futex, 1 is the operation and 2 the expected value.
    let is_operation = SeccompCondition::new(1, Dword, SeccompCmpOp::Eq, operation).unwrap();
    let is_not_libc = SeccompCondition::new(2, Dword, SeccompCmpOp::Ne, 2).unwrap();
    let rule = SeccompRule::new(vec![is_operation, is_not_libc]).unwrap();
    let architecture = std::env::consts::ARCH.try_into().unwrap();
    let rules = [(SYS_FUTEX, vec![rule])].into();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(EPERM), architecture).unwrap();
    apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
    let (word, deadline) = (AtomicU32::new(1), selvedge::Instant::now() + Duration::from_secs(3600));
    if operation == WAIT {
        let waited = futex::wait(&word, 1, Some(deadline));
        assert_eq!(waited, futex::Wait::Changed, "the kernel does not refuse it");
    }
}

/// A delay in which the other threads most often have spun and block; the tests also pass if they have not.
fn delay() {
    assert_eq!(Event::new().wait_timeout(SHORT), Err(TimedOut));
}

#[test]
fn waits_of_a_condition_and_a_barrier_end() {
    child::passes(&[], || {
        refuse(WAIT);
        let (open, changed, barrier) = (Mutex::new(false), Condition::new(), Barrier::new(3));
        watchdog::run(|_| {
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        changed.wait_while(&mut open.acquire(), |open| !**open);
                        barrier.wait().unwrap();
                    });
                }
                delay();
                *open.acquire() = true;
                changed.notify_all();
                delay();
                barrier.wait().unwrap();
            });
            assert_eq!(changed.wait_timeout(&mut open.acquire(), SHORT), Err(TimedOut));
            assert_eq!(barrier.wait_timeout(SHORT), Err(WaitError::TimedOut));
        });
    });
}

#[test]
fn waits_of_locks_semaphores_and_events_end() {
    child::passes(&[], || {
        refuse(WAIT);
        let (lock, late, permits, event) = (Lock::new(), Semaphore::new(0), Semaphore::new(0), Event::new());
        watchdog::run(|_| {
            let held = lock.acquire();
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        assert!(lock.acquire_timeout(SHORT).is_err());
                        late.release(1).unwrap();
                        event.wait();
                        drop(lock.acquire());
                        permits.acquire().forget();
                    });
                }
                (0..2).for_each(|_| late.acquire().forget());
                delay();
                event.set();
                delay();
                drop(held);
                delay();
                permits.release(2).unwrap();
            });
        });
    });
}

#[test]
fn waits_of_queues_and_threads_end() {
    child::passes(&[], || {
        refuse(WAIT);
        let (ringed, locked) = (Queue::bounded(2), PriorityQueue::bounded(1));
        watchdog::run(|_| {
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| ringed.iter().for_each(|item| locked.put(item).unwrap()));
                }
                let getter = scope.spawn(|| (0..20).for_each(|_| drop(locked.get_task().unwrap())));
                delay();
                ringed.put_many(0..20).unwrap();
                getter.join().unwrap();
                locked.join();
                ringed.shutdown();
            });
            assert!(locked.get_timeout(SHORT).is_err());
        });
    });
}

#[test]
fn a_refused_wake_does_not_panic() {
    child::passes(&[], || {
        refuse(WAKE);
        assert_eq!(futex::wake(&AtomicU32::new(0), 1), 0);
        // Not by a return: the wakes of the test harness are refused as well.
        std::process::exit(0);
    });
}
