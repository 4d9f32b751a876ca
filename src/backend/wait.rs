//! The result of a futex wait.

/// Why [`wait`](super::futex::wait) returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wait {
    /// A [`wake`](super::futex::wake) counted this thread, or the wait returned early.
    Woken,
    /// The word did not hold the expected value, or the wait returned early.
    Changed,
    /// The deadline has passed and no wake has counted this thread.
    TimedOut,
}
