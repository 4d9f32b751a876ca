//! What can go wrong, each as a fact.

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
    /// The timeout or deadline passed first; the object is as if the call had never been made.
    TimedOut: "timed out";
    /// The lock is not there to be released: free, or (an [`RLock`](crate::RLock)) held by another thread.
    NotHeld: "release of a lock that is not held";
    /// The release would put more permits in the semaphore than it can hold; none was added.
    OverReleased: "semaphore released too many times";
    /// The barrier is broken, or its round was: by a timeout, an abort, a reset or a panicking action.
    Broken: "broken barrier";
}

/// Why [`RLock::try_acquire`](crate::RLock::try_acquire) failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TryAcquireError {
    /// Another thread holds the lock.
    Held,
    /// The calling thread holds the lock as deep as it may be held.
    TooDeep,
}

/// Why [`RLock::acquire_timeout`](crate::RLock::acquire_timeout) failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AcquireError {
    /// Another thread held the lock until the timeout or deadline had passed.
    TimedOut,
    /// The calling thread holds the lock as deep as it may be held.
    TooDeep,
}

/// Why [`Barrier::wait_timeout`](crate::Barrier::wait_timeout) failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaitError {
    /// The timeout or deadline passed before the round was full; that has broken the barrier.
    TimedOut,
    /// The barrier was broken before, or by something else.
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
