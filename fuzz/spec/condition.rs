//! A condition variable. Its lock is not modelled: each call acquires the lock first and releases it last.

use crate::{
    Answer::{self, Count, Done, Is, TimedOut},
    Spec, Step,
};
use std::collections::BTreeSet;

/// The waiters in FIFO order, and the notified threads that have not returned yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition {
    waiters: Vec<usize>,
    notified: BTreeSet<usize>,
}

/// A call of the condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "named after the condition's methods")]
pub enum Call {
    Wait,
    WaitTimeout,
    NotifyOne,
    Notify(u32),
    NotifyAll,
}

impl Call {
    /// Every call; `Notify` with zero and with two.
    pub const ALL: [Call; 6] = [
        Call::Wait,
        Call::WaitTimeout,
        Call::NotifyOne,
        Call::Notify(0),
        Call::Notify(2),
        Call::NotifyAll,
    ];
}

impl Condition {
    fn notify(&mut self, count: usize) -> usize {
        let count = count.min(self.waiters.len());
        self.notified.extend(self.waiters.drain(..count));
        count
    }
}

impl Spec for Condition {
    type Call = Call;

    fn step(&mut self, thread: usize, call: Call) -> Step {
        Step::Done(match call {
            Call::Wait | Call::WaitTimeout => {
                if self.notified.remove(&thread) {
                    return Step::Done(Done);
                }
                if !self.waiters.contains(&thread) {
                    self.waiters.push(thread);
                }
                return Step::WouldBlock;
            }
            Call::NotifyOne => Is(self.notify(1) == 1),
            Call::Notify(count) => Count(self.notify(count as usize) as u32),
            Call::NotifyAll => Count(self.notify(usize::MAX) as u32),
        })
    }

    fn is_timed(call: Call) -> bool {
        call == Call::WaitTimeout
    }

    fn time_out(&mut self, thread: usize) -> Answer {
        self.waiters.retain(|&waiter| waiter != thread);
        TimedOut
    }

    fn observe(&self) -> Answer {
        Done // a condition has no observers
    }
}
