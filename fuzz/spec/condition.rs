//! A line of threads that wait to be notified. The lock that they hold before and after is left out: each call acquires
//! it, and releases it when it is done.

use crate::{
    Answer::{self, Count, Done, Is, TimedOut},
    Spec, Step,
};
use std::collections::BTreeSet;

/// Who waits, the longest first, and who has been notified and not yet returned.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition {
    line: Vec<usize>,
    notified: BTreeSet<usize>,
}

/// A call of the condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are the condition's own")]
pub enum Call {
    Wait,
    WaitTimeout,
    NotifyOne,
    Notify(u32),
    NotifyAll,
}

impl Call {
    /// All of them, notifications of none and of two among them.
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
        let count = count.min(self.line.len());
        self.notified.extend(self.line.drain(..count));
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
                if !self.line.contains(&thread) {
                    self.line.push(thread);
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

    fn give_up(&mut self, thread: usize) -> Answer {
        self.line.retain(|&waiter| waiter != thread);
        TimedOut
    }

    fn observe(&self) -> Answer {
        Done // nothing is to be seen of a condition but by notifying
    }
}
