//! What can go wrong with a queue. What was to be put comes back in the error.

use core::{error::Error, fmt};

/// The queue is shut down: nothing can be put any more, or there is nothing left to get. Holds what was to be put.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "queue.ShutDown")]
pub struct ShutDown<T = ()>(pub T);

/// Why [`try_put`](super::AnyQueue::try_put) or a timed put failed, and what was to be put.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum PutError<T> {
    /// There is no room, or there was none until the timeout or deadline had passed.
    #[doc(alias = "queue.Full")]
    Full(T),
    /// The queue is shut down.
    ShutDown(T),
}

/// Why [`try_get`](super::AnyQueue::try_get) or a timed get failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GetError {
    /// There is nothing in the queue, or there was nothing until the timeout or deadline had passed.
    #[doc(alias = "queue.Empty")]
    Empty,
    /// There is nothing in the queue, and it is shut down.
    ShutDown,
}

/// `task_done` was called more often than items were put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TooManyDone;

impl<T> ShutDown<T> {
    /// What was to be put.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> PutError<T> {
    /// What was to be put.
    pub fn into_inner(self) -> T {
        match self {
            PutError::Full(item) | PutError::ShutDown(item) => item,
        }
    }

    /// Whether there was no room, or not in time.
    pub fn is_full(&self) -> bool {
        matches!(self, PutError::Full(_))
    }

    /// Whether the queue is shut down.
    pub fn is_shut_down(&self) -> bool {
        matches!(self, PutError::ShutDown(_))
    }
}

const SHUT_DOWN: &str = "the queue is shut down";

impl<T> fmt::Debug for ShutDown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShutDown")
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_full() { "Full" } else { "ShutDown" })
    }
}

impl<T> fmt::Display for ShutDown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHUT_DOWN)
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_full() { "the queue is full" } else { SHUT_DOWN })
    }
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == GetError::Empty {
            "the queue is empty"
        } else {
            SHUT_DOWN
        })
    }
}

impl fmt::Display for TooManyDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("task_done called too many times")
    }
}

impl<T> Error for ShutDown<T> {}
impl<T> Error for PutError<T> {}
impl Error for GetError {}
impl Error for TooManyDone {}

impl<T> From<ShutDown<T>> for PutError<T> {
    fn from(ShutDown(item): ShutDown<T>) -> PutError<T> {
        PutError::ShutDown(item)
    }
}

impl From<ShutDown> for GetError {
    fn from(_: ShutDown) -> GetError {
        GetError::ShutDown
    }
}
