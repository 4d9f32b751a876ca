//! Blocking by the Linux kernel's futexes.
//!
//! A sandbox (seccomp) may refuse the system call. At that point a caller has already enqueued its waiter, so
//! it must not unwind. Therefore an error that the manual does not name for a valid word is a spurious
//! wake-up: a refused wait pauses for [`PAUSE`] and returns, and its caller checks its state and waits again,
//! until the state or the deadline ends the loop. Waits then poll, and no wake-up is lost by them. A refused
//! wake wakes no thread: threads that have blocked stay blocked until their deadlines.

#![allow(missing_docs, reason = "`backend::futex` documents the same names")]

use super::Instant;
use super::atomic::AtomicU32;
use super::futex::Wait;
use core::time::Duration;
use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec};

/// How long a refused wait lasts: the waiter polls a thousand times a second, which costs a hundredth of a processor.
const PAUSE: Duration = Duration::from_millis(1);

pub fn wait(word: &AtomicU32, expected: u32, deadline: Option<Instant>) -> Wait {
    let left = deadline.and_then(Instant::remaining);
    if left == Some(Duration::ZERO) {
        return Wait::TimedOut;
    }
    // A time that does not fit into a `Timespec` is longer than the kernel will run: no timeout.
    let timeout = left.and_then(|left| Timespec::try_from(left).ok());
    match futex::wait(word, Flags::PRIVATE, expected, timeout.as_ref()) {
        Ok(()) => Wait::Woken,
        Err(Errno::TIMEDOUT) => Wait::TimedOut,
        Err(Errno::AGAIN | Errno::INTR) => Wait::Changed,
        Err(_) => pause(left),
    }
}

/// A wait that the kernel has refused: pauses, at most for the time `left` until the deadline.
#[cold]
fn pause(left: Option<Duration>) -> Wait {
    let pause = left.map_or(PAUSE, |left| left.min(PAUSE));
    // Not std's `sleep`, which panics if the kernel refuses that call too. The waiter then spins, and only yields.
    if let Ok(pause) = Timespec::try_from(pause) {
        let _ = rustix::thread::nanosleep(&pause);
    }
    rustix::thread::sched_yield();
    Wait::Changed
}

pub fn wake(word: &AtomicU32, count: u32) -> usize {
    if count == 0 {
        return 0; // the kernel would wake one thread
    }
    // The kernel reads the count as a signed number.
    let count = count.min(i32::MAX as u32);
    futex::wake(word, Flags::PRIVATE, count).unwrap_or(0)
}
