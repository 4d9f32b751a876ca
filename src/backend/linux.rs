//! Blocking on the Linux kernel's futexes.
//!
//! A sandbox (seccomp) may refuse the system call. Callers have enqueued their waiters by then, and must not unwind. So an
//! error that the manual does not name for a valid word is an early wake-up: a refused wait pauses for [`PAUSE`] and
//! returns, its caller checks its state and waits again, until that state or the deadline ends the loop. Waits then
//! poll, but lose nothing. A refused wake-up wakes no thread: those that have blocked stay blocked until their deadlines.

use super::Instant;
use super::atomic::AtomicU32;
use super::futex::Wait;
use core::time::Duration;
use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec};

/// How long a refused wait lasts: a waiter polls a thousand times a second, which costs a hundredth of a processor.
const PAUSE: Duration = Duration::from_millis(1);

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
    let left = deadline.and_then(Instant::remaining);
    if left == Some(Duration::ZERO) {
        return Wait::TimedOut;
    }
    // A time that the kernel cannot count is longer than it will run.
    let timeout = left.and_then(|left| Timespec::try_from(left).ok());
    match futex::wait(word, Flags::PRIVATE, expected, timeout.as_ref()) {
        Ok(()) => Wait::Woken,
        Err(Errno::TIMEDOUT) => Wait::TimedOut,
        Err(Errno::AGAIN | Errno::INTR) => Wait::Changed,
        Err(_) => pause(left),
    }
}

/// What is left of a wait that the kernel refuses.
#[cold]
fn pause(left: Option<Duration>) -> Wait {
    let pause = left.map_or(PAUSE, |left| left.min(PAUSE));
    // std's sleep panics if the kernel refuses that too. Then the waiter spins, but leaves the processor to others.
    if let Ok(pause) = Timespec::try_from(pause) {
        let _ = rustix::thread::nanosleep(&pause);
    }
    rustix::thread::sched_yield();
    Wait::Changed
}

/// Wakes up to `count` threads that sleep on `word` and returns how many there were.
pub fn wake(word: &AtomicU32, count: u32) -> usize {
    if count == 0 {
        return 0; // the kernel would wake one
    }
    // The kernel reads the count as signed.
    let count = count.min(i32::MAX as u32);
    futex::wake(word, Flags::PRIVATE, count).unwrap_or(0)
}
