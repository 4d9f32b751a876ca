//! Sleeping in the Linux kernel's futexes.

use super::Instant;
use super::atomic::AtomicU32;
use super::futex::Wait;
use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec};

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
    let timeout = match deadline.and_then(Instant::remaining) {
        None => None,
        Some(left) if left.is_zero() => return Wait::TimedOut,
        // A time that the kernel cannot count is longer than it will run.
        Some(left) => Timespec::try_from(left).ok(),
    };
    match futex::wait(word, Flags::PRIVATE, expected, timeout.as_ref()) {
        Ok(()) => Wait::Woken,
        Err(Errno::TIMEDOUT) => Wait::TimedOut,
        Err(Errno::AGAIN | Errno::INTR) => Wait::Changed,
        Err(error) => unreachable!("the kernel refuses to wait on a valid word: {error}"),
    }
}

/// Wakes up to `count` threads that sleep on `word` and returns how many there were.
pub fn wake(word: &AtomicU32, count: u32) -> usize {
    if count == 0 {
        return 0; // the kernel would wake one
    }
    // The kernel reads the count as signed.
    let count = count.min(i32::MAX as u32);
    futex::wake(word, Flags::PRIVATE, count).expect("the kernel wakes the sleepers of a valid word")
}
