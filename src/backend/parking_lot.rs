//! Blocking in `parking_lot_core`'s table of parked threads: by
//! choice, or on a system without a futex that selvedge uses.
//!
//! A child made by `fork` inherits the table with the parent's waiters. It cannot remove them, and their
//! stacks are reused in the child. On Linux a child therefore blocks by the kernel's futexes: it starts
//! with one thread, which is not blocked, so no wake misses a waiter. On other systems a child uses the
//! table if no thread of its parent was in the table during the fork, and otherwise aborts.

#![allow(missing_docs, reason = "`backend::futex` documents the same names")]

use super::Instant;
use super::atomic::{AtomicU32, Ordering::Relaxed};
#[cfg(all(unix, not(target_os = "linux")))]
use super::census;
use super::futex::Wait;
#[cfg(target_os = "linux")]
use super::linux;
#[cfg(unix)]
use super::process::Process;
use core::time::Duration;
use parking_lot_core::{self as table, DEFAULT_PARK_TOKEN, DEFAULT_UNPARK_TOKEN, FilterOp, ParkResult};

fn key(word: &AtomicU32) -> usize {
    core::ptr::from_ref(word).addr()
}

/// Counts the calling thread as in the table until the result is dropped.
#[cfg(all(unix, not(target_os = "linux")))]
fn enter_table() -> census::InTable {
    let _ = Process::this(); // registers the fork handler, which reads the count
    census::enter()
}

pub fn wait(word: &AtomicU32, expected: u32, deadline: Option<Instant>) -> Wait {
    #[cfg(target_os = "linux")]
    if Process::this().is_child() {
        return linux::wait(word, expected, deadline);
    }
    let left = deadline.and_then(Instant::remaining);
    if left == Some(Duration::ZERO) {
        return Wait::TimedOut;
    }
    let timeout = left.and_then(|left| std::time::Instant::now().checked_add(left));
    #[cfg(all(unix, not(target_os = "linux")))]
    let _in_table = enter_table();
    // Relaxed: the lock of the table orders this load before a wake that follows the change of the word.
    let holds_expected = || word.load(Relaxed) == expected;
    let abort_on_unwind = AbortOnUnwind;
    // SAFETY: the key is the address of a word that the caller owns, so no other
    // code parks on it. The callbacks neither panic nor call into the table.
    let result = unsafe { table::park(key(word), holds_expected, || {}, |_, _| {}, DEFAULT_PARK_TOKEN, timeout) };
    core::mem::forget(abort_on_unwind);
    match result {
        ParkResult::Unparked(_) => Wait::Woken,
        ParkResult::Invalid => Wait::Changed,
        ParkResult::TimedOut => Wait::TimedOut,
    }
}

/// Where a sandbox refuses futexes, `parking_lot_core` polls, but panics if it was built with
/// debug assertions. A caller has already enqueued its waiter, so it must not unwind.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        std::process::abort();
    }
}

pub fn wake(word: &AtomicU32, count: u32) -> usize {
    #[cfg(target_os = "linux")]
    if Process::this().is_child() {
        return linux::wake(word, count);
    }
    #[cfg(all(unix, not(target_os = "linux")))]
    let _in_table = enter_table();
    let mut left = count;
    let choose = |_| match left.checked_sub(1) {
        None => FilterOp::Stop,
        Some(fewer) => {
            left = fewer;
            FilterOp::Unpark
        }
    };
    // SAFETY: as in `wait`: the key is the caller's word, and the callbacks neither panic nor call into the table.
    let result = unsafe { table::unpark_filter(key(word), choose, |_| DEFAULT_UNPARK_TOKEN) };
    result.unparked_threads
}
