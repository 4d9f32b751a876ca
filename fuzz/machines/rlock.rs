//! `RLock`: its owner may acquire it again, up to a depth.

use crate::primitive::{Context, Guard, Primitive};
use crate::threads::message;
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

    const NAME: &'static str = "lock";
    const RELEASE: Call = Call::Release;
    const CALLS: &'static [(u32, Call)] = &[
        (6, Call::Acquire),
        (5, Call::Release),
        (2, Call::TryAcquire),
        (4, Call::AcquireTimeout),
        (4, Call::Depth),
        (1, Call::IsLocked),
    ];
    const ACQUIRES: &'static [Call] = &[Call::Acquire, Call::TryAcquire, Call::AcquireTimeout];
    const OBSERVERS: &'static [Call] = &[Call::IsLocked, Call::Depth];
    #[rustfmt::skip]
    const ANSWERS: &'static [Answer] = &[
        Done, Busy, TimedOut, NotHeld, TooDeep, Is(false), Is(true), Count(0), Count(1), Count(2), Count(3),
    ];

    fn starts() -> BoxedStrategy<u32> {
        (1u32..=3).boxed()
    }

    fn create(&max_depth: &u32) -> (RLock, rlock::RLock, String) {
        let line = format!("let lock = RLock::with_max_depth({max_depth});");
        let spec = rlock::RLock::with_max_depth(max_depth);
        (RLock::with_max_depth(max_depth), spec, line)
    }

    fn perform<'a>(&'a self, call: Call, context: Context<'_, RLockGuard<'a>>) -> Answer {
        let options = context.options;
        let guard = match call {
            Call::Acquire => match catch_unwind(AssertUnwindSafe(|| self.acquire())) {
                Ok(guard) => Ok(guard),
                // `acquire` has no error: it panics.
                Err(payload) if message(&*payload) == AcquireError::TooDeep.to_string() => Err(TooDeep),
                Err(payload) => resume_unwind(payload),
            },
            Call::TryAcquire => self.try_acquire().map_err(|error| match error {
                TryAcquireError::Held => Busy,
                TryAcquireError::TooDeep => TooDeep,
            }),
            Call::AcquireTimeout => options
                .within(|time| self.acquire_timeout(time), |at| self.acquire_deadline(at))
                .map_err(|error| match error {
                    AcquireError::TimedOut => TimedOut,
                    AcquireError::TooDeep => TooDeep,
                }),
            Call::Release => return self.release().map_or(NotHeld, |()| Done),
            Call::Depth => return Count(self.depth()),
            Call::IsLocked => return Is(self.is_locked()),
        };
        guard.map_or_else(|error| error, |guard| context.take(guard))
    }
}

impl Guard for RLockGuard<'_> {
    fn forget(self) {
        RLockGuard::forget(self);
    }
}
