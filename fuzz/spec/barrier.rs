//! A place where threads wait until all parties have come.

use crate::{
    Answer::{self, Broken, Count, Done, Is, TimedOut},
    Spec, Step,
};
use std::collections::BTreeMap;

/// Who has come, in order; who may leave, and with what answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Barrier {
    parties: usize,
    line: Vec<usize>,
    leaving: BTreeMap<usize, Answer>,
    broken: bool,
}

/// A call of the barrier. A wait answers with its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are the barrier's own")]
pub enum Call {
    Wait,
    WaitTimeout,
    Abort,
    Reset,
    Waiting,
    IsBroken,
}

impl Call {
    /// All of them.
    pub const ALL: [Call; 6] = [
        Call::Wait,
        Call::WaitTimeout,
        Call::Abort,
        Call::Reset,
        Call::Waiting,
        Call::IsBroken,
    ];
}

impl Barrier {
    /// An empty barrier for so many.
    pub fn new(parties: usize) -> Barrier {
        Barrier {
            parties,
            line: Vec::new(),
            leaving: BTreeMap::new(),
            broken: false,
        }
    }

    fn come(&mut self, thread: usize) -> Step {
        if let Some(answer) = self.leaving.remove(&thread) {
            return Step::Done(answer);
        }
        if self.line.contains(&thread) {
            return Step::WouldBlock;
        }
        if self.broken {
            return Step::Done(Broken);
        }
        let index = self.line.len();
        if index + 1 < self.parties {
            self.line.push(thread);
            return Step::WouldBlock;
        }
        self.leaving.extend(self.line.drain(..).zip((0..).map(Count)));
        Step::Done(Count(index as u32))
    }

    fn turn_away(&mut self, broken: bool) {
        self.broken = broken;
        self.leaving.extend(self.line.drain(..).map(|thread| (thread, Broken)));
    }
}

impl Spec for Barrier {
    type Call = Call;

    fn step(&mut self, thread: usize, call: Call) -> Step {
        Step::Done(match call {
            Call::Wait | Call::WaitTimeout => return self.come(thread),
            Call::Abort | Call::Reset => {
                self.turn_away(call == Call::Abort);
                Done
            }
            Call::Waiting => Count(self.line.len() as u32),
            Call::IsBroken => Is(self.broken),
        })
    }

    fn is_timed(call: Call) -> bool {
        call == Call::WaitTimeout
    }

    fn give_up(&mut self, thread: usize) -> Answer {
        self.line.retain(|&waiter| waiter != thread);
        self.turn_away(true);
        TimedOut
    }

    fn observe(&self) -> Answer {
        Is(self.broken)
    }
}
