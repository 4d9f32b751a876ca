//! A counter of permits with a limit: the specification of `Semaphore` and `BoundedSemaphore`.

use crate::{
    Answer::{Busy, Count, Done, OverReleased},
    Spec, Step,
};

/// The available permits, at most `limit`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Semaphore {
    permits: u32,
    limit: u32,
}

/// A call of the semaphore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "named after the semaphore's methods")]
pub enum Call {
    Acquire,
    TryAcquire,
    AcquireTimeout,
    Release(u32),
    Available,
}

impl Call {
    /// Every call; `Release` with zero, one and two permits.
    pub const ALL: [Call; 7] = [
        Call::Acquire,
        Call::TryAcquire,
        Call::AcquireTimeout,
        Call::Release(0),
        Call::Release(1),
        Call::Release(2),
        Call::Available,
    ];
}

impl Semaphore {
    /// A semaphore with `permits` available permits and room for `limit`.
    pub fn new(permits: u32, limit: u32) -> Semaphore {
        Semaphore { permits, limit }
    }
}

impl Spec for Semaphore {
    type Call = Call;

    fn step(&mut self, _: usize, call: Call) -> Step {
        Step::Done(match call {
            Call::Available => Count(self.permits),
            Call::Release(count) if self.permits.checked_add(count).is_none_or(|sum| sum > self.limit) => OverReleased,
            Call::Release(count) => {
                self.permits += count;
                Done
            }
            _ if self.permits > 0 => {
                self.permits -= 1;
                Done
            }
            Call::TryAcquire => Busy,
            Call::Acquire | Call::AcquireTimeout => return Step::WouldBlock,
        })
    }

    fn is_timed(call: Call) -> bool {
        call == Call::AcquireTimeout
    }

    fn observe(&self) -> crate::Answer {
        Count(self.permits)
    }
}
