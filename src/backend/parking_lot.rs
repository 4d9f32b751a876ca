//! Sleeping in parking_lot_core's table of threads: by choice, or where the kit knows no futex.
//!
//! A child made by `fork` inherits the table with the waiters of its parent, whose stacks are used again there, and
//! can't empty it. On Linux a child therefore blocks in the kernel's futexes: it begins with one thread, which is not
//! blocked, so no waiter is missed. Elsewhere it uses the table if no thread of its parent was in there, and else aborts.

use super::Instant;
use super::atomic::{AtomicU32, Ordering::Relaxed};
use super::futex::Wait;
#[cfg(target_os = "linux")]
use super::{linux, process::Process};
use core::time::Duration;
use parking_lot_core::{self as table, DEFAULT_PARK_TOKEN, DEFAULT_UNPARK_TOKEN, FilterOp, ParkResult};

#[cfg(all(unix, not(target_os = "linux")))]
mod census;

#[cfg(all(unix, not(target_os = "linux")))]
pub(super) use census::enter_child;

fn key(word: &AtomicU32) -> usize {
    core::ptr::from_ref(word).addr()
}

/// Sleeps while `word` holds `expected`, until a [`wake`] or the deadline.
///
/// A deadline that has passed gives [`Wait::TimedOut`] at once, whatever the word holds. Promises no memory
/// ordering. May return early: decide by state.
///
/// ```
/// use selvedge::backend::{atomic::AtomicU32, futex};
/// let word = AtomicU32::new(1);
/// assert_eq!(futex::wait(&word, 0, None), futex::Wait::Changed);
/// assert_eq!(futex::wake(&word, 1), 0);
/// ```
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
    let _inside = census::enter();
    // Relaxed: the table's lock orders this look against a wake that follows the word's change.
    let still = || word.load(Relaxed) == expected;
    let aborts = AbortOnUnwind;
    // SAFETY: the key is the address of a word that belongs to the kit's caller, so no one else parks on it;
    // the callbacks neither panic nor call the table.
    let result = unsafe { table::park(key(word), still, || {}, |_, _| {}, DEFAULT_PARK_TOKEN, timeout) };
    core::mem::forget(aborts);
    match result {
        ParkResult::Unparked(_) => Wait::Woken,
        ParkResult::Invalid => Wait::Changed,
        ParkResult::TimedOut => Wait::TimedOut,
    }
}

/// Where a sandbox refuses futexes, the table polls, but panics if it was built with debug assertions. Callers have enqueued
/// their waiters, and must not unwind.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        std::process::abort();
    }
}

/// Wakes up to `count` threads that sleep on `word` and returns how many there were.
pub fn wake(word: &AtomicU32, count: u32) -> usize {
    #[cfg(target_os = "linux")]
    if Process::this().is_child() {
        return linux::wake(word, count);
    }
    #[cfg(all(unix, not(target_os = "linux")))]
    let _inside = census::enter();
    let mut left = count;
    let choose = |_| match left.checked_sub(1) {
        None => FilterOp::Stop,
        Some(fewer) => {
            left = fewer;
            FilterOp::Unpark
        }
    };
    // SAFETY: as in `wait`; the callbacks neither panic nor call the table.
    let result = unsafe { table::unpark_filter(key(word), choose, |_| DEFAULT_UNPARK_TOKEN) };
    result.unparked_threads
}
