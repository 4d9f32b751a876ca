//! A reentrant lock.

use crate::{
    Answer::{Busy, Count, Done, Is, NotHeld, TooDeep},
    Spec, Step,
};

/// The owner, and how often it has acquired the lock: at most `max_depth` times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RLock {
    owner: Option<usize>,
    depth: u32,
    max_depth: u32,
}

/// A call of the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "named after the lock's methods")]
pub enum Call {
    Acquire,
    TryAcquire,
    AcquireTimeout,
    Release,
    Depth,
    IsLocked,
}

impl Call {
    /// Every call.
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
    /// An unlocked lock.
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
        let is_owner = self.owner == Some(thread);
        Step::Done(match call {
            Call::IsLocked => Is(self.owner.is_some()),
            Call::Depth => Count(if is_owner { self.depth } else { 0 }),
            Call::Release if !is_owner => NotHeld,
            Call::Release => {
                self.depth -= 1;
                self.owner = self.owner.filter(|_| self.depth > 0);
                Done
            }
            _ if self.owner.is_none() => {
                (self.owner, self.depth) = (Some(thread), 1);
                Done
            }
            _ if is_owner && self.depth == self.max_depth => TooDeep,
            _ if is_owner => {
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
