//! `BoundedSemaphore`: a semaphore that is full when it begins.

use crate::primitive::{Hand, Primitive};
use crate::semaphore::{CALLS, code, takes};
use proptest::prelude::*;
use selvedge::{BoundedSemaphore, Permit};
use spec::Answer::{self, Busy, Count, Done, OverReleased, TimedOut};
use spec::semaphore::{self, Call};

crate::fuzzers!(BoundedSemaphore);

impl Primitive for BoundedSemaphore {
    type Start = u32;
    type Spec = semaphore::Semaphore;
    type Guard<'a> = Permit<'a>;

    const GIVES_BACK: Call = Call::Release(1);
    const CALLS: &'static [(u32, Call)] = CALLS;
    const LOOKS: &'static [Call] = &[Call::Available];
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

    fn starts() -> BoxedStrategy<u32> {
        (1u32..=3).boxed()
    }

    fn spec(&limit: &u32) -> semaphore::Semaphore {
        semaphore::Semaphore::new(limit, limit)
    }

    fn object(&limit: &u32) -> BoundedSemaphore {
        BoundedSemaphore::new(limit)
    }

    fn making(limit: &u32) -> String {
        format!("let semaphore = BoundedSemaphore::new({limit});")
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
