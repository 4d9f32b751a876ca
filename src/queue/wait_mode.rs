//! A caller's role at a queue, how long it waits, and why it did not proceed.

use crate::backend::Instant;
use core::time::Duration;

/// Whether the caller puts or gets items.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Putter,
    Getter,
}

/// Why a call could not put or get an item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocked {
    /// The queue is full (for a putter) or empty (for a getter).
    FullOrEmpty,
    ShutDown,
}

/// How long a call may wait for a free slot or an item. Only the
/// slow path turns it into a deadline, which reads the clock.
#[derive(PartialEq, Eq)]
pub(super) enum WaitMode {
    NoWait,
    Timeout(Duration),
    Deadline(Instant),
    Indefinite,
}

impl WaitMode {
    /// The moment at which the wait ends, if it starts now; `None` if it never does.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match *self {
            WaitMode::NoWait => Some(Instant::now()),
            WaitMode::Timeout(timeout) => Some(Instant::now() + timeout),
            WaitMode::Deadline(deadline) => Some(deadline),
            WaitMode::Indefinite => None,
        }
    }
}
