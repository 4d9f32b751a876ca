//! `Mutex`: a lock that only its guard releases, around a value that only its guard reaches.

use crate::primitive::{Guard, Hand, Primitive};
use proptest::prelude::*;
use selvedge::{Mutex, MutexGuard};
use spec::Answer::{self, Busy, Count, Done, Is, TimedOut};
use spec::{Spec, Step, lock};

crate::fuzzers!(Mutex<u8>);

/// The lock, and the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value {
    lock: lock::Lock,
    value: u8,
}

/// A call of the mutex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// Of its lock; a release is the drop of the guard.
    Lock(lock::Call),
    /// Through the guard.
    Read,
    /// Through the guard.
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

    const GIVES_BACK: Call = Call::Lock(lock::Call::Release);
    const CALLS: &'static [(u32, Call)] = &[
        (6, Call::Lock(lock::Call::Acquire)),
        (2, Call::Lock(lock::Call::TryAcquire)),
        (4, Call::Lock(lock::Call::AcquireTimeout)),
        (1, Call::Lock(lock::Call::IsLocked)),
        (1, Call::Read),
        (1, Call::Add(1)),
        (1, Call::Add(100)),
    ];
    const LOOKS: &'static [Call] = &[Call::Lock(lock::Call::IsLocked)];
    const FORGETS: bool = false;
    const ANSWERS: &'static [Answer] = &[Done, Busy, TimedOut, Is(false), Is(true), Count(0), Count(1)];

    fn starts() -> BoxedStrategy<u8> {
        Just(0).boxed()
    }

    fn spec(&value: &u8) -> Value {
        Value {
            lock: lock::Lock::default(),
            value,
        }
    }

    fn object(&value: &u8) -> Mutex<u8> {
        Mutex::new(value)
    }

    fn making(value: &u8) -> String {
        format!("let mutex = Mutex::new({value}u8);")
    }

    fn perform<'a>(&'a self, call: Call, hand: Hand<'_, MutexGuard<'a, u8>>) -> Answer {
        let call = match call {
            Call::Lock(call) => call,
            Call::Read => return Count((**held(hand)).into()),
            Call::Add(more) => {
                let value = held(hand);
                **value = value.wrapping_add(more);
                return Done;
            }
        };
        match call {
            lock::Call::Acquire => hand.take(self.acquire()),
            lock::Call::TryAcquire => hand.try_take(self.try_acquire()),
            lock::Call::AcquireTimeout => {
                hand.take_within(|timeout| self.acquire_timeout(timeout), |at| self.acquire_deadline(at))
            }
            lock::Call::IsLocked => Is(self.is_locked()),
            lock::Call::Release => unreachable!("a mutex is released by the drop of its guard alone"),
        }
    }

    fn code(call: Call) -> String {
        match call {
            Call::Lock(call) => <selvedge::Lock as Primitive>::code(call).replace("lock.", "mutex."),
            Call::Read => "*guard".into(),
            Call::Add(more) => format!("*guard = guard.wrapping_add({more})"),
        }
    }

    fn takes(call: Call) -> bool {
        matches!(call, Call::Lock(call) if <selvedge::Lock as Primitive>::takes(call))
    }

    fn needs_guard(call: Call) -> bool {
        matches!(call, Call::Read | Call::Add(_))
    }

    fn ends_as(self, spec: &Value) -> bool {
        self.into_inner() == spec.value
    }
}

fn held<'k, G>(hand: Hand<'k, G>) -> &'k mut G {
    hand.kept
        .last_mut()
        .expect("only a thread that keeps a guard is told to use it")
}

impl Guard for MutexGuard<'_, u8> {
    fn forget(self) {
        unreachable!("nobody could ever release the mutex");
    }
}
