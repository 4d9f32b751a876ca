//! `Lock`: any thread may release it, and guards are kept or forgotten.

use crate::primitive::{Context, Guard, Primitive};
use proptest::prelude::*;
use selvedge::{Lock, LockGuard};
use spec::Answer::{self, Busy, Done, Is, NotHeld, TimedOut};
use spec::lock::{self, Call};

crate::fuzzers!(Lock);

impl Primitive for Lock {
    type Start = ();
    type Spec = lock::Lock;
    type Guard<'a> = LockGuard<'a>;

    const NAME: &'static str = "lock";
    const RELEASE: Call = Call::Release;
    const CALLS: &'static [(u32, Call)] = &[
        (6, Call::Acquire),
        (4, Call::Release),
        (2, Call::TryAcquire),
        (4, Call::AcquireTimeout),
        (1, Call::IsLocked),
    ];
    const ACQUIRES: &'static [Call] = &[Call::Acquire, Call::TryAcquire, Call::AcquireTimeout];
    const OBSERVERS: &'static [Call] = &[Call::IsLocked];
    const ANSWERS: &'static [Answer] = &[Done, Busy, TimedOut, NotHeld, Is(false), Is(true)];

    fn starts() -> BoxedStrategy<()> {
        Just(()).boxed()
    }

    fn create(_: &()) -> (Lock, lock::Lock, String) {
        (Lock::new(), lock::Lock::default(), "let lock = Lock::new();".into())
    }

    fn perform<'a>(&'a self, call: Call, context: Context<'_, LockGuard<'a>>) -> Answer {
        match call {
            Call::Acquire => context.take(self.acquire()),
            Call::TryAcquire => context.try_take(self.try_acquire()),
            Call::AcquireTimeout => {
                context.take_within(|time| self.acquire_timeout(time), |at| self.acquire_deadline(at))
            }
            Call::Release => self.release().map_or(NotHeld, |()| Done),
            Call::IsLocked => Is(self.is_locked()),
        }
    }
}

impl Guard for LockGuard<'_> {
    fn forget(self) {
        LockGuard::forget(self);
    }
}
