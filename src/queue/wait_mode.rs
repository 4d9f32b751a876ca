//! Who waits for a turn, for how long, and why in vain.

use crate::backend::Instant;
use core::time::Duration;

/// Who moves items.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Putter,
    Getter,
}

/// Why a thread does not have its turn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocked {
    /// There is no room, or no item.
    FullOrEmpty,
    ShutDown,
}

/// How long a thread waits for its turn. The clock is not read before it must.
#[derive(PartialEq, Eq)]
pub(super) enum WaitMode {
    NoWait,
    Timeout(Duration),
    Deadline(Instant),
    Indefinite,
}

impl WaitMode {
    /// Until when, beginning now.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match *self {
            WaitMode::NoWait => Some(Instant::now()),
            WaitMode::Timeout(timeout) => Some(Instant::now() + timeout),
            WaitMode::Deadline(deadline) => Some(deadline),
            WaitMode::Indefinite => None,
        }
    }
}
