//! The errors: what they say, and that they are errors like any other.

use selvedge::sync::{AcquireError, TryAcquireError, WaitError};
use selvedge::{Broken, NotHeld, OverReleased, TimedOut};
use static_assertions::assert_impl_all;
use std::error::Error;
use std::fmt::Debug;
use std::hash::Hash;

assert_impl_all!(TimedOut: Error, Send, Sync, Copy, Debug, Eq, Hash);
assert_impl_all!(NotHeld: Error, Send, Sync, Copy, Debug, Eq, Hash);
assert_impl_all!(OverReleased: Error, Send, Sync, Copy, Debug, Eq, Hash);
assert_impl_all!(Broken: Error, Send, Sync, Copy, Debug, Eq, Hash);
assert_impl_all!(TryAcquireError: Error, Send, Sync, Copy, Debug, Eq, Hash);
assert_impl_all!(AcquireError: Error, Send, Sync, Copy, Debug, Eq, Hash);
assert_impl_all!(WaitError: Error, Send, Sync, Copy, Debug, Eq, Hash);

#[test]
fn every_error_says_what_happened() {
    let said = |error: Box<dyn Error + Send + Sync>| error.to_string();
    assert_eq!(said(TimedOut.into()), "timed out");
    assert_eq!(said(NotHeld.into()), "release of a lock that is not held");
    assert_eq!(said(OverReleased.into()), "semaphore released too many times");
    assert_eq!(said(Broken.into()), "broken barrier");
    assert_eq!(said(TryAcquireError::Held.into()), "another thread holds the lock");
    assert_eq!(said(TryAcquireError::TooDeep.into()), "the lock is held too many times by its owner");
    assert_eq!(said(AcquireError::TimedOut.into()), said(TimedOut.into()));
    assert_eq!(said(AcquireError::TooDeep.into()), said(TryAcquireError::TooDeep.into()));
    assert_eq!(said(WaitError::TimedOut.into()), said(TimedOut.into()));
    assert_eq!(said(WaitError::Broken.into()), said(Broken.into()));
}

#[test]
fn debug_names_the_error() {
    assert_eq!(format!("{TimedOut:?} {NotHeld:?} {OverReleased:?} {Broken:?}"), "TimedOut NotHeld OverReleased Broken");
    assert_eq!(format!("{:?} {:?}", TryAcquireError::Held, TryAcquireError::TooDeep), "Held TooDeep");
    assert_eq!(format!("{:?} {:?}", AcquireError::TimedOut, AcquireError::TooDeep), "TimedOut TooDeep");
    assert_eq!(format!("{:?} {:?}", WaitError::TimedOut, WaitError::Broken), "TimedOut Broken");
}
