//! Helpers of many tests: timeouts, the message of a panic, shared objects, a spinning barrier.

use crate::watchdog::message;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::AcqRel, Ordering::Acquire};
use std::thread;
use std::time::{Duration, Instant};

/// The timeout of a call that must time out.
pub const SHORT: Duration = Duration::from_millis(5);

/// The longest timeout in a stress test: some calls succeed, some time out.
pub const STRESS_TIMEOUT: Duration = Duration::from_micros(100);

/// The message with which `body` panics.
pub fn panic_of<R>(body: impl FnOnce() -> R) -> String {
    let result = catch_unwind(AssertUnwindSafe(body));
    message(&*result.err().expect("it returned instead of panicking"))
}

/// Two handles to one object.
pub fn shared<T>(object: T) -> (Arc<T>, Arc<T>) {
    let object = Arc::new(object);
    (Arc::clone(&object), object)
}

/// A barrier at which threads spin, so that all leave within nanoseconds. A thread that blocks in std's barrier leaves
/// one wake-up later, too late for a race. It is reusable.
pub struct SpinBarrier {
    parties: u32,
    arrived: AtomicU32,
}

impl SpinBarrier {
    pub fn new(parties: u32) -> SpinBarrier {
        let arrived = AtomicU32::new(0);
        SpinBarrier { parties, arrived }
    }

    pub fn wait(&self) {
        let before = self.arrived.fetch_add(1, AcqRel);
        let all = (before / self.parties + 1) * self.parties;
        let mut polls = 0_u32;
        while self.arrived.load(Acquire) < all {
            polls += 1;
            if polls % 64 == 0 {
                thread::yield_now()
            } else {
                std::hint::spin_loop()
            }
        }
    }
}

/// A delay that is sometimes longer than `STRESS_TIMEOUT`. On a busy machine a single yield may take as long.
pub fn random_delay(rng: &mut fastrand::Rng) {
    if rng.u8(..8) == 0 {
        let (start, delay) = (Instant::now(), Duration::from_micros(rng.u64(..150)));
        while start.elapsed() < delay {
            thread::yield_now();
        }
    }
}
