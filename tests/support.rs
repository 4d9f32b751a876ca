//! What many tests need: a common start, and what a panic said.

use crate::watchdog::message;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering::AcqRel, Ordering::Acquire};
use std::thread;
use std::time::{Duration, Instant};

/// The timeout of a call that nobody answers.
pub const SHORT: Duration = Duration::from_millis(5);

/// The most that a hasty thread waits in a stress test: some succeed, some do not.
pub const PATIENCE: Duration = Duration::from_micros(100);

/// The message with which `body` panics.
pub fn panic_of<R>(body: impl FnOnce() -> R) -> String {
    let panic = catch_unwind(AssertUnwindSafe(body))
        .err()
        .expect("it returned instead of panicking");
    message(&*panic)
}

/// A starting line that all cross within nanoseconds: who sleeps on std's barrier starts a wake-up too late
/// for a race. It can be crossed again and again.
pub struct Line {
    parties: u32,
    arrived: AtomicU32,
}

impl Line {
    pub fn new(parties: u32) -> Line {
        Line {
            parties,
            arrived: AtomicU32::new(0),
        }
    }

    pub fn cross(&self) {
        let before_us = self.arrived.fetch_add(1, AcqRel);
        let all = (before_us / self.parties + 1) * self.parties;
        let mut looks = 0_u32;
        while self.arrived.load(Acquire) < all {
            looks += 1;
            if looks % 64 == 0 {
                thread::yield_now()
            } else {
                std::hint::spin_loop()
            }
        }
    }
}

/// Long enough for the others' patience to end, now and then. On a busy machine one yield may be.
pub fn dawdle(rng: &mut fastrand::Rng) {
    if rng.u8(..8) == 0 {
        let (begin, long) = (Instant::now(), Duration::from_micros(rng.u64(..150)));
        while begin.elapsed() < long {
            thread::yield_now();
        }
    }
}
