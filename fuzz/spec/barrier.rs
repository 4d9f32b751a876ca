//! A barrier: threads block until `parties` threads have arrived.

use crate::{
    Answer::{self, Broken, Count, Done, Is, TimedOut},
    Spec, Step,
};
use std::collections::BTreeMap;

/// The arrived threads in order, and the released threads with the results that their calls return.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Barrier {
    parties: usize,
    arrived: Vec<usize>,
    released: BTreeMap<usize, Answer>,
    broken: bool,
}

/// A call of the barrier. A wait returns the index of the thread's arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "named after the barrier's methods")]
pub enum Call {
    Wait,
    WaitTimeout,
    Abort,
    Reset,
    Waiting,
    IsBroken,
}

impl Call {
    /// Every call.
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
    /// A barrier for `parties` threads at which no thread has arrived.
    pub fn new(parties: usize) -> Barrier {
        Barrier {
            parties,
            arrived: Vec::new(),
            released: BTreeMap::new(),
            broken: false,
        }
    }

    fn arrive(&mut self, thread: usize) -> Step {
        if let Some(answer) = self.released.remove(&thread) {
            return Step::Done(answer);
        }
        if self.arrived.contains(&thread) {
            return Step::WouldBlock;
        }
        if self.broken {
            return Step::Done(Broken);
        }
        let index = self.arrived.len();
        if index + 1 < self.parties {
            self.arrived.push(thread);
            return Step::WouldBlock;
        }
        self.released.extend(self.arrived.drain(..).zip((0..).map(Count)));
        Step::Done(Count(index as u32))
    }

    fn end_generation(&mut self, broken: bool) {
        self.broken = broken;
        self.released
            .extend(self.arrived.drain(..).map(|thread| (thread, Broken)));
    }
}

impl Spec for Barrier {
    type Call = Call;

    fn step(&mut self, thread: usize, call: Call) -> Step {
        Step::Done(match call {
            Call::Wait | Call::WaitTimeout => return self.arrive(thread),
            Call::Abort | Call::Reset => {
                self.end_generation(call == Call::Abort);
                Done
            }
            Call::Waiting => Count(self.arrived.len() as u32),
            Call::IsBroken => Is(self.broken),
        })
    }

    fn is_timed(call: Call) -> bool {
        call == Call::WaitTimeout
    }

    fn time_out(&mut self, thread: usize) -> Answer {
        self.arrived.retain(|&waiter| waiter != thread);
        self.end_generation(true);
        TimedOut
    }

    fn observe(&self) -> Answer {
        Is(self.broken)
    }
}
