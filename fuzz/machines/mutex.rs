//! `Mutex`: a lock that only its guard releases, and a value that is accessible only through the guard.

use crate::primitive::{Context, Guard, Options, Primitive, method_call};
use proptest::prelude::*;
use selvedge::{Mutex, MutexGuard};
use spec::Answer::{self, Busy, Count, Done, Is, TimedOut};
use spec::{Spec, Step, lock};

crate::fuzzers!(Mutex<u8>);

/// The state of the lock, and the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value {
    lock: lock::Lock,
    value: u8,
}

/// A call of the mutex, or an access to the value through the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Lock(lock::Call),
    Read,
    Add(u8),
}

impl Spec for Value {
    type Call = Call;

    fn step(&mut self, thread: usize, call: Call) -> Step {
        match call {
            Call::Lock(call) => self.lock.step(thread, call),
            Call::Read => Step::Done(Count(self.value.into())),
            Call::Add(more) => {
                self.value = self.value.wrapping_add(more);
                Step::Done(Done)
            }
        }
    }

    fn is_timed(call: Call) -> bool {
        matches!(call, Call::Lock(call) if lock::Lock::is_timed(call))
    }

    fn observe(&self) -> Answer {
        self.lock.observe()
    }
}

impl Primitive for Mutex<u8> {
    type Start = u8;
    type Spec = Value;
    type Guard<'a> = MutexGuard<'a, u8>;

    const NAME: &'static str = "mutex";
    const RELEASE: Call = Call::Lock(lock::Call::Release);
    const CALLS: &'static [(u32, Call)] = &[
        (6, Call::Lock(lock::Call::Acquire)),
        (2, Call::Lock(lock::Call::TryAcquire)),
        (4, Call::Lock(lock::Call::AcquireTimeout)),
        (1, Call::Lock(lock::Call::IsLocked)),
        (1, Call::Read),
        (1, Call::Add(1)),
        (1, Call::Add(100)),
    ];
    const ACQUIRES: &'static [Call] = &[
        Call::Lock(lock::Call::Acquire),
        Call::Lock(lock::Call::TryAcquire),
        Call::Lock(lock::Call::AcquireTimeout),
    ];
    const OBSERVERS: &'static [Call] = &[Call::Lock(lock::Call::IsLocked)];
    const FORGETS: bool = false;
    const ANSWERS: &'static [Answer] = &[Done, Busy, TimedOut, Is(false), Is(true), Count(0), Count(1)];

    fn starts() -> BoxedStrategy<u8> {
        Just(0).boxed()
    }

    fn create(&value: &u8) -> (Mutex<u8>, Value, String) {
        let lock = lock::Lock::default();
        let line = format!("let mutex = Mutex::new({value}u8);");
        (Mutex::new(value), Value { lock, value }, line)
    }

    fn perform<'a>(&'a self, call: Call, context: Context<'_, MutexGuard<'a, u8>>) -> Answer {
        let Call::Lock(call) = call else {
            let guard = context.guards.last_mut().expect("the call needs a guard");
            if let Call::Add(more) = call {
                **guard = guard.wrapping_add(more);
                return Done;
            }
            return Count((**guard).into());
        };
        match call {
            lock::Call::Acquire => context.take(self.acquire()),
            lock::Call::TryAcquire => context.try_take(self.try_acquire()),
            lock::Call::AcquireTimeout => {
                context.take_within(|time| self.acquire_timeout(time), |at| self.acquire_deadline(at))
            }
            lock::Call::IsLocked => Is(self.is_locked()),
            lock::Call::Release => unreachable!("a mutex has no `release`"),
        }
    }

    fn code(call: Call, _: Options) -> String {
        match call {
            Call::Lock(call) => method_call("mutex", call),
            Call::Read => "*guard".into(),
            Call::Add(more) => format!("*guard = guard.wrapping_add({more})"),
        }
    }

    fn needs_guard(call: Call) -> bool {
        matches!(call, Call::Read | Call::Add(_))
    }

    fn ends_as(self, spec: &Value) -> bool {
        self.into_inner() == spec.value
    }
}

impl Guard for MutexGuard<'_, u8> {
    fn forget(self) {
        unreachable!("a mutex whose guard was forgotten stays locked");
    }
}
