//! `Mutex`: a lock that only its guard releases, around a value.

use crate::primitive::{Context, Guard, Primitive};
use proptest::prelude::*;
use selvedge::{Mutex, MutexGuard};
use spec::Answer::{self, Busy, Done, Is, TimedOut};
use spec::lock::{self, Call};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

crate::fuzzers!(Subject);

/// A mutex around the number of its acquires, and the same number outside of it.
pub struct Subject {
    mutex: Mutex<u32>,
    acquires: AtomicU32,
}

impl Primitive for Subject {
    type Start = ();
    type Spec = lock::Lock;
    type Guard<'a> = MutexGuard<'a, u32>;

    const NAME: &'static str = "mutex";
    const RELEASE: Call = Call::Release;
    const CALLS: &'static [(u32, Call)] = &[
        (6, Call::Acquire),
        (2, Call::TryAcquire),
        (4, Call::AcquireTimeout),
        (1, Call::IsLocked),
    ];
    const ACQUIRES: &'static [Call] = &[Call::Acquire, Call::TryAcquire, Call::AcquireTimeout];
    const OBSERVERS: &'static [Call] = &[Call::IsLocked];
    const FORGETS: bool = false;
    const ANSWERS: &'static [Answer] = &[Done, Busy, TimedOut, Is(false), Is(true)];

    fn starts() -> BoxedStrategy<()> {
        Just(()).boxed()
    }

    fn create(_: &()) -> (Subject, lock::Lock, String) {
        let subject = Subject {
            mutex: Mutex::new(0),
            acquires: AtomicU32::new(0),
        };
        (subject, lock::Lock::default(), "let mutex = Mutex::new(0);".into())
    }

    fn perform<'a>(&'a self, call: Call, context: Context<'_, MutexGuard<'a, u32>>) -> Answer {
        let mutex = &self.mutex;
        let guard = match call {
            Call::Acquire => Ok(mutex.acquire()),
            Call::TryAcquire => mutex.try_acquire().ok_or(Busy),
            Call::AcquireTimeout => context
                .options
                .within(|time| mutex.acquire_timeout(time), |at| mutex.acquire_deadline(at))
                .map_err(|_| TimedOut),
            Call::IsLocked => Err(Is(mutex.is_locked())),
            Call::Release => unreachable!("a mutex has no `release`"),
        };
        guard.map_or_else(
            |answer| answer,
            |mut guard| {
                assert_eq!(*guard, self.acquires.fetch_add(1, SeqCst), "the value has changed");
                *guard += 1;
                context.take(guard)
            },
        )
    }

    fn ends_as(self, _: &lock::Lock) -> bool {
        self.mutex.into_inner() == self.acquires.into_inner()
    }
}

impl Guard for MutexGuard<'_, u32> {
    fn forget(self) {
        unreachable!("a mutex whose guard was forgotten stays locked");
    }
}
