//! The errors of the primitives. Each name states the fact.

use core::{error::Error, fmt};

macro_rules! unit_errors {
    ($($(#[$doc:meta])* $name:ident: $text:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name;

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($text)
            }
        }

        impl Error for $name {}
    )*};
}

unit_errors! {
    /// The timeout or deadline elapsed first; the call had no effect.
    TimedOut: "timed out";
    /// The lock cannot be released: it is free, or another thread holds the [`RLock`](crate::RLock).
    NotHeld: "release of a lock that is not held";
    /// The release would exceed the maximum number of permits; no permit was added.
    OverReleased: "semaphore released too many times";
    /// The barrier or this generation is broken: by a timeout, an abort, a reset or a panic of the action.
    Broken: "broken barrier";
}

/// Why [`RLock::try_acquire`](crate::RLock::try_acquire) failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TryAcquireError {
    /// Another thread holds the lock.
    Held,
    /// The calling thread holds the lock at its maximum depth.
    TooDeep,
}

/// Why [`RLock::acquire_timeout`](crate::RLock::acquire_timeout) failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AcquireError {
    /// Another thread held the lock until the timeout or deadline elapsed.
    TimedOut,
    /// The calling thread holds the lock at its maximum depth.
    TooDeep,
}

/// Why [`Barrier::wait_timeout`](crate::Barrier::wait_timeout) failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaitError {
    /// The timeout or deadline elapsed before the last thread arrived; this has broken the barrier.
    TimedOut,
    /// The barrier was already broken, or was broken by another cause than this thread's timeout.
    Broken,
}

const TOO_DEEP: &str = "the lock is held too many times by its owner";

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryAcquireError::Held => "another thread holds the lock",
            TryAcquireError::TooDeep => TOO_DEEP,
        })
    }
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AcquireError::TimedOut => TimedOut.fmt(f),
            AcquireError::TooDeep => f.write_str(TOO_DEEP),
        }
    }
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitError::TimedOut => TimedOut.fmt(f),
            WaitError::Broken => Broken.fmt(f),
        }
    }
}

impl Error for TryAcquireError {}
impl Error for AcquireError {}
impl Error for WaitError {}
