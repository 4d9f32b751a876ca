//! `Semaphore`: with few permits, and with nearly as many as it can hold.

use crate::primitive::{Guard, Hand, Primitive};
use proptest::prelude::*;
use selvedge::{Permit, Semaphore};
use spec::Answer::{self, Busy, Count, Done, OverReleased, TimedOut};
use spec::semaphore::{self, Call};

crate::fuzzers!(Semaphore);

impl Primitive for Semaphore {
    type Start = u32;
    type Spec = semaphore::Semaphore;
    type Guard<'a> = Permit<'a>;

    const GIVES_BACK: Call = Call::Release(1);
    const CALLS: &'static [(u32, Call)] = CALLS;
    const LOOKS: &'static [Call] = &[Call::Available];
    const ANSWERS: &'static [Answer] = &[Done, Busy, TimedOut, OverReleased, Count(0), Count(1), Count(2)];

    fn starts() -> BoxedStrategy<u32> {
        let nearly_full = (0u32..=2).prop_map(|room| Semaphore::MAX_PERMITS - room);
        prop_oneof![4 => 0u32..=3, 1 => nearly_full].boxed()
    }

    fn spec(&permits: &u32) -> semaphore::Semaphore {
        semaphore::Semaphore::new(permits, Semaphore::MAX_PERMITS)
    }

    fn object(&permits: &u32) -> Semaphore {
        Semaphore::new(permits)
    }

    fn making(permits: &u32) -> String {
        format!("let semaphore = Semaphore::new({permits});")
    }

    fn perform<'a>(&'a self, call: Call, hand: Hand<'_, Permit<'a>>) -> Answer {
        match call {
            Call::Acquire => hand.take(self.acquire()),
            Call::TryAcquire => hand.try_take(self.try_acquire()),
            Call::AcquireTimeout => {
                hand.take_within(|timeout| self.acquire_timeout(timeout), |at| self.acquire_deadline(at))
            }
            Call::Release(count) => self.release(count).map_or(OverReleased, |()| Done),
            Call::Available => Count(self.available()),
        }
    }

    fn code(call: Call) -> String {
        code(call)
    }

    fn takes(call: Call) -> bool {
        takes(call)
    }
}

/// Releases are rare, or nobody would ever wait.
pub const CALLS: &[(u32, Call)] = &[
    (12, Call::Acquire),
    (3, Call::Release(1)),
    (1, Call::Release(2)),
    (1, Call::Release(3)),
    (1, Call::Release(0)),
    (3, Call::TryAcquire),
    (8, Call::AcquireTimeout),
    (1, Call::Available),
];

/// The call in Rust.
pub fn code(call: Call) -> String {
    match call {
        Call::Acquire | Call::AcquireTimeout => "semaphore.acquire()".into(),
        Call::TryAcquire => "semaphore.try_acquire()".into(),
        Call::Release(count) => format!("semaphore.release({count})"),
        Call::Available => "semaphore.available()".into(),
    }
}

/// Whether the call gives a permit.
pub fn takes(call: Call) -> bool {
    matches!(call, Call::Acquire | Call::TryAcquire | Call::AcquireTimeout)
}

impl Guard for Permit<'_> {
    fn forget(self) {
        Permit::forget(self);
    }
}
