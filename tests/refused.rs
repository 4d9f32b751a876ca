//! A sandbox (seccomp) in which the kernel refuses the kit's futexes: waits poll, and nothing unwinds.
//!
//! The filter is one of the calling thread and those that it starts. It refuses what the kit asks for and the standard
//! library does not, which waits by FUTEX_WAIT_BITSET. Nor does it refuse a wait for the value 2, by which libc's own locks wait.

#![cfg(all(target_os = "linux", target_pointer_width = "64", not(feature = "parking_lot")))]

use crate::child;
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
const SHORT: Duration = Duration::from_millis(5);

fn refuse(operation: u64) {
    let is_operation = SeccompCondition::new(1, Dword, SeccompCmpOp::Eq, operation).unwrap();
    let is_not_of_libc = SeccompCondition::new(2, Dword, SeccompCmpOp::Ne, 2).unwrap();
    let rule = SeccompRule::new(vec![is_operation, is_not_of_libc]).unwrap();
    let architecture = std::env::consts::ARCH.try_into().unwrap();
    let rules = [(SYS_FUTEX, vec![rule])].into();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(EPERM), architecture).unwrap();
    apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
    let (word, deadline) = (AtomicU32::new(1), selvedge::Instant::now() + Duration::from_secs(3600));
    if operation == WAIT {
        assert_eq!(
            futex::wait(&word, 1, Some(deadline)),
            futex::Wait::Changed,
            "it is not refused"
        );
    }
}

/// Long enough for the others to use up their spins: here they may be early, but are most often asleep.
fn pass_some_time() {
    assert_eq!(Event::new().wait_timeout(SHORT), Err(TimedOut));
}

#[test]
fn a_condition_and_a_barrier_end() {
    child::passes(&[], || {
        refuse(WAIT);
        let (turn, changed, barrier) = (Mutex::new(false), Condition::new(), Barrier::new(3));
        watchdog::run(|_| {
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        changed.wait_while(&mut turn.acquire(), |turn| !**turn);
                        barrier.wait().unwrap();
                    });
                }
                pass_some_time();
                *turn.acquire() = true;
                changed.notify_all();
                pass_some_time();
                barrier.wait().unwrap();
            });
            assert_eq!(changed.wait_timeout(&mut turn.acquire(), SHORT), Err(TimedOut));
            assert_eq!(barrier.wait_timeout(SHORT), Err(WaitError::TimedOut));
        });
    });
}

#[test]
fn locks_semaphores_and_events_end() {
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
                pass_some_time();
                event.set();
                pass_some_time();
                drop(held);
                pass_some_time();
                permits.release(2).unwrap();
            });
        });
    });
}

#[test]
fn queues_and_joins_end() {
    child::passes(&[], || {
        refuse(WAIT);
        let (ringed, locked) = (Queue::bounded(2), PriorityQueue::bounded(1));
        watchdog::run(|_| {
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| ringed.iter().for_each(|item| locked.put(item).unwrap()));
                }
                let getter = scope.spawn(|| (0..20).for_each(|_| drop(locked.get_task().unwrap())));
                pass_some_time();
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
fn a_refused_wake_up_does_not_panic() {
    child::passes(&[], || {
        refuse(WAKE);
        assert_eq!(futex::wake(&AtomicU32::new(0), 1), 0);
        // Also what the test harness would do now is refused.
        std::process::exit(0);
    });
}
