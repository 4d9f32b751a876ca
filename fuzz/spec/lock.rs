//! A lock that any thread may release: the specification of `Lock` and `Mutex`.

use crate::{
    Answer::{Busy, Done, Is, NotHeld},
    Spec, Step,
};

/// The state of the lock.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lock {
    held: bool,
}

/// A call of the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "named after the lock's methods")]
pub enum Call {
    Acquire,
    TryAcquire,
    AcquireTimeout,
    Release,
    IsLocked,
}

impl Call {
    /// Every call.
    pub const ALL: [Call; 5] = [
        Call::Acquire,
        Call::TryAcquire,
        Call::AcquireTimeout,
        Call::Release,
        Call::IsLocked,
    ];
}

impl Spec for Lock {
    type Call = Call;

    fn step(&mut self, _: usize, call: Call) -> Step {
        Step::Done(match call {
            Call::IsLocked => Is(self.held),
            Call::Release if !self.held => NotHeld,
            Call::Release => {
                self.held = false;
                Done
            }
            Call::TryAcquire if self.held => Busy,
            Call::Acquire | Call::AcquireTimeout if self.held => return Step::WouldBlock,
            Call::Acquire | Call::AcquireTimeout | Call::TryAcquire => {
                self.held = true;
                Done
            }
        })
    }

    fn is_timed(call: Call) -> bool {
        call == Call::AcquireTimeout
    }

    fn observe(&self) -> crate::Answer {
        Is(self.held)
    }
}
