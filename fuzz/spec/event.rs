//! A flag that threads wait for. The machine does not record waiters, so it does not say that a thread which is blocked
//! at a `set` returns even if a `clear` follows: law E2 says so.

use crate::{
    Answer::{Done, Is},
    Spec, Step,
};

/// The state of the flag.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    set: bool,
}

/// A call of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "named after the event's methods")]
pub enum Call {
    Wait,
    WaitTimeout,
    Set,
    Clear,
    IsSet,
}

impl Call {
    /// Every call.
    pub const ALL: [Call; 5] = [Call::Wait, Call::WaitTimeout, Call::Set, Call::Clear, Call::IsSet];
}

impl Spec for Event {
    type Call = Call;

    fn step(&mut self, _: usize, call: Call) -> Step {
        Step::Done(match call {
            Call::IsSet => Is(self.set),
            Call::Set | Call::Clear => {
                self.set = call == Call::Set;
                Done
            }
            Call::Wait | Call::WaitTimeout if self.set => Done,
            Call::Wait | Call::WaitTimeout => return Step::WouldBlock,
        })
    }

    fn is_timed(call: Call) -> bool {
        call == Call::WaitTimeout
    }

    fn observe(&self) -> crate::Answer {
        Is(self.set)
    }
}
