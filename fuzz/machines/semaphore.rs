//! `Semaphore` with few permits and with almost as many as it can hold, and `BoundedSemaphore`.

use crate::primitive::{Context, Guard, Primitive};
use proptest::prelude::*;
use selvedge::{BoundedSemaphore, Permit, Semaphore};
use spec::Answer::{self, Busy, Count, Done, OverReleased, TimedOut};
use spec::semaphore::{self, Call};

crate::fuzzers!(AnySemaphore);

pub enum AnySemaphore {
    Semaphore(Semaphore),
    Bounded(BoundedSemaphore),
}

/// The type, and its initial permits.
#[derive(Clone, Debug)]
pub enum Start {
    Semaphore(u32),
    Bounded(u32),
}

impl Primitive for AnySemaphore {
    type Start = Start;
    type Spec = semaphore::Semaphore;
    type Guard<'a> = Permit<'a>;

    const NAME: &'static str = "semaphore";
    const RUNS: u32 = 2;
    const RELEASE: Call = Call::Release(1);
    // With more releases, no thread would block.
    const CALLS: &'static [(u32, Call)] = &[
        (12, Call::Acquire),
        (3, Call::Release(1)),
        (1, Call::Release(2)),
        (1, Call::Release(3)),
        (1, Call::Release(0)),
        (3, Call::TryAcquire),
        (8, Call::AcquireTimeout),
        (1, Call::Available),
    ];
    const ACQUIRES: &'static [Call] = &[Call::Acquire, Call::TryAcquire, Call::AcquireTimeout];
    const OBSERVERS: &'static [Call] = &[Call::Available];
    const ANSWERS: &'static [Answer] = &[
        Done,
        Busy,
        TimedOut,
        OverReleased,
        Count(0),
        Count(1),
        Count(2),
        Count(3),
    ];

    fn starts() -> BoxedStrategy<Start> {
        let few = (0u32..=3).prop_map(Start::Semaphore);
        let many = (0u32..=2).prop_map(|room| Start::Semaphore(Semaphore::MAX_PERMITS - room));
        let bounded = (1u32..=3).prop_map(Start::Bounded);
        prop_oneof![4 => few, 1 => many, 5 => bounded].boxed()
    }

    fn create(start: &Start) -> (AnySemaphore, semaphore::Semaphore, String) {
        let (object, name, permits, limit) = match *start {
            Start::Semaphore(permits) => {
                let semaphore = AnySemaphore::Semaphore(Semaphore::new(permits));
                (semaphore, "Semaphore", permits, Semaphore::MAX_PERMITS)
            }
            Start::Bounded(limit) => {
                let semaphore = AnySemaphore::Bounded(BoundedSemaphore::new(limit));
                (semaphore, "BoundedSemaphore", limit, limit)
            }
        };
        let line = format!("let semaphore = {name}::new({permits});");
        (object, semaphore::Semaphore::new(permits, limit), line)
    }

    fn perform<'a>(&'a self, call: Call, context: Context<'_, Permit<'a>>) -> Answer {
        macro_rules! perform {
            ($it:expr) => {
                match call {
                    Call::Acquire => context.take($it.acquire()),
                    Call::TryAcquire => context.try_take($it.try_acquire()),
                    Call::AcquireTimeout => {
                        context.take_within(|time| $it.acquire_timeout(time), |at| $it.acquire_deadline(at))
                    }
                    Call::Release(count) => $it.release(count).map_or(OverReleased, |()| Done),
                    Call::Available => Count($it.available()),
                }
            };
        }
        match self {
            AnySemaphore::Semaphore(semaphore) => perform!(semaphore),
            AnySemaphore::Bounded(semaphore) => perform!(semaphore),
        }
    }
}

impl Guard for Permit<'_> {
    fn forget(self) {
        Permit::forget(self);
    }
}
