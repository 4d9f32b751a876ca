//! Who waits for a turn, for how long, and why in vain.

use crate::backend::Instant;
use core::time::Duration;

/// Who moves items.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Putters,
    Getters,
}

/// Why a thread does not have its turn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no room, or no item.
    NotNow,
    ShutDown,
}

/// How long a thread waits for its turn. The clock is not read before it must.
#[derive(PartialEq, Eq)]
pub(super) enum Patience {
    None,
    For(Duration),
    Until(Instant),
    ForEver,
}

impl Patience {
    /// Until when, beginning now.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match *self {
            Patience::None => Some(Instant::now()),
            Patience::For(timeout) => Some(Instant::now() + timeout),
            Patience::Until(deadline) => Some(deadline),
            Patience::ForEver => None,
        }
    }
}
