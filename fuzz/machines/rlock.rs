//! `RLock`: whose thread it is matters, and how deep.

use crate::actors::panic_text;
use crate::primitive::{Guard, Hand, Primitive};
use proptest::prelude::*;
use selvedge::sync::{AcquireError, TryAcquireError};
use selvedge::{RLock, RLockGuard};
use spec::Answer::{self, Busy, Count, Done, Is, NotHeld, TimedOut, TooDeep};
use spec::rlock::{self, Call};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

crate::fuzzers!(RLock);

impl Primitive for RLock {
    type Start = u32;
    type Spec = rlock::RLock;
    type Guard<'a> = RLockGuard<'a>;

    const GIVES_BACK: Call = Call::Release;
    const CALLS: &'static [(u32, Call)] = &[
        (6, Call::Acquire),
        (5, Call::Release),
        (2, Call::TryAcquire),
        (4, Call::AcquireTimeout),
        (1, Call::Depth),
        (1, Call::IsLocked),
    ];
    const LOOKS: &'static [Call] = &[Call::IsLocked, Call::Depth];
    const OWN_LOOKS: &'static [Call] = &[Call::Depth];
    const ANSWERS: &'static [Answer] = &[
        Done,
        Busy,
        TimedOut,
        NotHeld,
        TooDeep,
        Is(false),
        Is(true),
        Count(0),
        Count(1),
        Count(2),
        Count(3),
    ];

    fn starts() -> BoxedStrategy<u32> {
        (1u32..=3).boxed()
    }

    fn spec(&max_depth: &u32) -> rlock::RLock {
        rlock::RLock::with_max_depth(max_depth)
    }

    fn object(&max_depth: &u32) -> RLock {
        RLock::with_max_depth(max_depth)
    }

    fn making(max_depth: &u32) -> String {
        format!("let lock = RLock::with_max_depth({max_depth});")
    }

    fn perform<'a>(&'a self, call: Call, hand: Hand<'_, RLockGuard<'a>>) -> Answer {
        match call {
            Call::Acquire => match catch_unwind(AssertUnwindSafe(|| self.acquire())) {
                Ok(guard) => hand.take(guard),
                // The one error for which this form has no result.
                Err(payload) if panic_text(&*payload) == AcquireError::TooDeep.to_string() => TooDeep,
                Err(payload) => resume_unwind(payload),
            },
            Call::TryAcquire => match self.try_acquire() {
                Ok(guard) => hand.take(guard),
                Err(TryAcquireError::Held) => Busy,
                Err(TryAcquireError::TooDeep) => TooDeep,
            },
            Call::AcquireTimeout => {
                match hand
                    .manner
                    .within(|timeout| self.acquire_timeout(timeout), |at| self.acquire_deadline(at))
                {
                    Ok(guard) => hand.take(guard),
                    Err(AcquireError::TimedOut) => TimedOut,
                    Err(AcquireError::TooDeep) => TooDeep,
                }
            }
            Call::Release => self.release().map_or(NotHeld, |()| Done),
            Call::Depth => Count(self.depth()),
            Call::IsLocked => Is(self.is_locked()),
        }
    }

    fn code(call: Call) -> String {
        let code = match call {
            Call::Acquire | Call::AcquireTimeout => "lock.acquire()",
            Call::TryAcquire => "lock.try_acquire()",
            Call::Release => "lock.release()",
            Call::Depth => "lock.depth()",
            Call::IsLocked => "lock.is_locked()",
        };
        code.into()
    }

    fn takes(call: Call) -> bool {
        matches!(call, Call::Acquire | Call::TryAcquire | Call::AcquireTimeout)
    }
}

impl Guard for RLockGuard<'_> {
    fn forget(self) {
        RLockGuard::forget(self);
    }
}
