//! A flag that threads wait for. That a waiter asleep at `set` returns whatever follows is said by law E2, not
//! here: this machine does not know who sleeps.

use crate::{
    Answer::{Done, Is},
    Spec, Step,
};

/// Whether it is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    set: bool,
}

/// A call of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are the event's own")]
pub enum Call {
    Wait,
    WaitTimeout,
    Set,
    Clear,
    IsSet,
}

impl Call {
    /// All of them.
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
