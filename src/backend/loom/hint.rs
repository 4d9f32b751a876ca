//! Spinning in a model, where a thread polls at most once per change of a value.

use super::atomic::{AtomicUsize, Ordering};
use super::instant::Instant;
use ::std::panic::Location;

/// A spin budget of zero: loom explores the interleavings for which production spins.
#[derive(Debug)]
pub struct Spin(());

impl Spin {
    pub fn for_lock(_: Option<Instant>) -> Spin {
        Spin(())
    }

    pub fn for_hand_off(_: Option<Instant>) -> Spin {
        Spin(())
    }

    pub fn again(&mut self) -> bool {
        false
    }
}

/// A backoff that does nothing: loom explores every order of the attempts.
#[derive(Debug, Default)]
pub struct Backoff(());

impl Backoff {
    pub fn new() -> Backoff {
        Backoff::default()
    }

    pub fn spin(&self) {}
}

#[track_caller]
pub fn spin_until(word: &AtomicUsize, order: Ordering, ready: impl Fn(usize) -> bool) {
    word.spin_until(Location::caller(), order, ready);
}
