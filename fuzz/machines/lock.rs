//! `Lock`: any thread may release, kept guards and forgotten ones mixed.

use crate::primitive::{Guard, Hand, Primitive};
use proptest::prelude::*;
use selvedge::{Lock, LockGuard};
use spec::Answer::{self, Busy, Done, Is, NotHeld, TimedOut};
use spec::lock::{self, Call};

crate::fuzzers!(Lock);

impl Primitive for Lock {
    type Start = ();
    type Spec = lock::Lock;
    type Guard<'a> = LockGuard<'a>;

    const GIVES_BACK: Call = Call::Release;
    const CALLS: &'static [(u32, Call)] = &[
        (6, Call::Acquire),
        (4, Call::Release),
        (2, Call::TryAcquire),
        (4, Call::AcquireTimeout),
        (1, Call::IsLocked),
    ];
    const LOOKS: &'static [Call] = &[Call::IsLocked];
    const ANSWERS: &'static [Answer] = &[Done, Busy, TimedOut, NotHeld, Is(false), Is(true)];

    fn starts() -> BoxedStrategy<()> {
        Just(()).boxed()
    }

    fn spec(_: &()) -> lock::Lock {
        lock::Lock::default()
    }

    fn object(_: &()) -> Lock {
        Lock::new()
    }

    fn making(_: &()) -> String {
        "let lock = Lock::new();".into()
    }

    fn perform<'a>(&'a self, call: Call, hand: Hand<'_, LockGuard<'a>>) -> Answer {
        match call {
            Call::Acquire => hand.take(self.acquire()),
            Call::TryAcquire => hand.try_take(self.try_acquire()),
            Call::AcquireTimeout => {
                hand.take_within(|timeout| self.acquire_timeout(timeout), |at| self.acquire_deadline(at))
            }
            Call::Release => self.release().map_or(NotHeld, |()| Done),
            Call::IsLocked => Is(self.is_locked()),
        }
    }

    fn code(call: Call) -> String {
        let code = match call {
            Call::Acquire | Call::AcquireTimeout => "lock.acquire()",
            Call::TryAcquire => "lock.try_acquire()",
            Call::Release => "lock.release()",
            Call::IsLocked => "lock.is_locked()",
        };
        code.into()
    }

    fn takes(call: Call) -> bool {
        matches!(call, Call::Acquire | Call::TryAcquire | Call::AcquireTimeout)
    }
}

impl Guard for LockGuard<'_> {
    fn forget(self) {
        LockGuard::forget(self);
    }
}
