//! A lock that its owner may acquire again.

use crate::{
    Answer::{Busy, Count, Done, Is, NotHeld, TooDeep},
    Spec, Step,
};

/// Who holds it and how often, at most `max_depth` times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RLock {
    owner: Option<usize>,
    depth: u32,
    max_depth: u32,
}

/// A call of the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are the lock's own")]
pub enum Call {
    Acquire,
    TryAcquire,
    AcquireTimeout,
    Release,
    Depth,
    IsLocked,
}

impl Call {
    /// All of them.
    pub const ALL: [Call; 6] = [
        Call::Acquire,
        Call::TryAcquire,
        Call::AcquireTimeout,
        Call::Release,
        Call::Depth,
        Call::IsLocked,
    ];
}

impl RLock {
    /// A free lock.
    pub fn with_max_depth(max_depth: u32) -> RLock {
        RLock {
            owner: None,
            depth: 0,
            max_depth,
        }
    }
}

impl Spec for RLock {
    type Call = Call;

    fn step(&mut self, thread: usize, call: Call) -> Step {
        let mine = self.owner == Some(thread);
        Step::Done(match call {
            Call::IsLocked => Is(self.owner.is_some()),
            Call::Depth => Count(if mine { self.depth } else { 0 }),
            Call::Release if !mine => NotHeld,
            Call::Release => {
                self.depth -= 1;
                self.owner = self.owner.filter(|_| self.depth > 0);
                Done
            }
            _ if self.owner.is_none() => {
                (self.owner, self.depth) = (Some(thread), 1);
                Done
            }
            _ if mine && self.depth == self.max_depth => TooDeep,
            _ if mine => {
                self.depth += 1;
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
        Is(self.owner.is_some())
    }
}
