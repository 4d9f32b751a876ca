//! The errors: what they say, and that they are errors like any other.

use selvedge::sync::{AcquireError, TryAcquireError, WaitError};
use selvedge::{Broken, GetError, NotHeld, OverReleased, PutError, ShutDown, TimedOut, TooManyDone};
use static_assertions::{assert_impl_all, assert_not_impl_any};
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
assert_impl_all!(GetError: Error, Send, Sync, Copy, Debug, Eq, Hash, From<ShutDown>);
assert_impl_all!(TooManyDone: Error, Send, Sync, Copy, Debug, Eq, Hash);
assert_impl_all!(ShutDown: Error, Send, Sync, Copy, Debug, Eq, Hash);
assert_impl_all!(ShutDown<u8>: Error, Send, Sync, Copy, Debug, Eq, Hash);
assert_impl_all!(PutError<u8>: Error, Send, Sync, Copy, Debug, Eq, Hash, From<ShutDown<u8>>);
assert_impl_all!(ShutDown<Opaque>: Error, Debug);
assert_impl_all!(PutError<Opaque>: Error, Debug);
assert_not_impl_any!(PutError<Opaque>: Clone, PartialEq);
assert_not_impl_any!(PutError<std::rc::Rc<u8>>: Send, Sync);

/// An item that can do nothing.
struct Opaque;

#[test]
fn every_error_says_what_happened() {
    let said = |error: Box<dyn Error + Send + Sync>| error.to_string();
    assert_eq!(said(TimedOut.into()), "timed out");
    assert_eq!(said(NotHeld.into()), "release of a lock that is not held");
    assert_eq!(said(OverReleased.into()), "semaphore released too many times");
    assert_eq!(said(Broken.into()), "broken barrier");
    assert_eq!(said(TryAcquireError::Held.into()), "another thread holds the lock");
    assert_eq!(
        said(TryAcquireError::TooDeep.into()),
        "the lock is held too many times by its owner"
    );
    assert_eq!(said(AcquireError::TimedOut.into()), said(TimedOut.into()));
    assert_eq!(
        said(AcquireError::TooDeep.into()),
        said(TryAcquireError::TooDeep.into())
    );
    assert_eq!(said(WaitError::TimedOut.into()), said(TimedOut.into()));
    assert_eq!(said(WaitError::Broken.into()), said(Broken.into()));
    assert_eq!(said(ShutDown(()).into()), "the queue is shut down");
    assert_eq!(said(TooManyDone.into()), "task_done called too many times");
    assert_eq!(said(GetError::Empty.into()), "the queue is empty");
    assert_eq!(said(GetError::ShutDown.into()), said(ShutDown(()).into()));
    assert_eq!(said(PutError::Full(7).into()), "the queue is full");
    assert_eq!(said(PutError::ShutDown(7).into()), said(ShutDown(7).into()));
}

#[test]
fn debug_names_the_error() {
    assert_eq!(
        format!("{TimedOut:?} {NotHeld:?} {OverReleased:?} {Broken:?}"),
        "TimedOut NotHeld OverReleased Broken"
    );
    assert_eq!(
        format!("{:?} {:?}", TryAcquireError::Held, TryAcquireError::TooDeep),
        "Held TooDeep"
    );
    assert_eq!(
        format!("{:?} {:?}", AcquireError::TimedOut, AcquireError::TooDeep),
        "TimedOut TooDeep"
    );
    assert_eq!(
        format!("{:?} {:?}", WaitError::TimedOut, WaitError::Broken),
        "TimedOut Broken"
    );
    assert_eq!(
        format!("{:?} {:?} {TooManyDone:?}", GetError::Empty, GetError::ShutDown),
        "Empty ShutDown TooManyDone"
    );
    let [full, shut_down] = [PutError::Full, PutError::ShutDown].map(|error| error(Opaque));
    assert_eq!(
        format!("{full:?} {shut_down:?} {:?}", ShutDown(Opaque)),
        "Full ShutDown ShutDown"
    );
}

#[test]
fn what_could_not_be_put_comes_back() {
    let item = || String::from("an item");
    let (full, shut_down) = (PutError::Full(item()), PutError::from(ShutDown(item())));
    assert_eq!((full.is_full(), full.is_shut_down()), (true, false));
    assert_eq!((shut_down.is_full(), shut_down.is_shut_down()), (false, true));
    assert_ne!(full, shut_down);
    assert_ne!(full, PutError::Full(String::new()));
    assert_eq!(shut_down.clone(), PutError::ShutDown(item()));
    assert_eq!(
        [full.into_inner(), shut_down.into_inner(), ShutDown(item()).into_inner()],
        [(); 3].map(|()| item())
    );
    assert_eq!(GetError::from(ShutDown(())), GetError::ShutDown);
}
