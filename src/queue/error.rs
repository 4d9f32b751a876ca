//! The errors of a queue. If a put fails, its error returns the item.

use core::{error::Error, fmt};

/// The queue is shut down: no item can be put any more, or no item
/// is left to get. Contains the item or items of a failed put.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "queue.ShutDown")]
pub struct ShutDown<T = ()>(pub T);

/// Why [`try_put`](super::AnyQueue::try_put) or a timed put failed, with the item or items that were not put.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum PutError<T> {
    /// The queue is full, or was full until the timeout or deadline had passed.
    #[doc(alias = "queue.Full")]
    Full(T),
    /// The queue is shut down.
    ShutDown(T),
}

/// Why [`try_get`](super::AnyQueue::try_get) or a timed get failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GetError {
    /// The queue is empty, or was empty until the timeout or deadline had passed.
    #[doc(alias = "queue.Empty")]
    Empty,
    /// The queue is empty and shut down.
    ShutDown,
}

/// `task_done` was called more often than items were put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TooManyDone;

impl<T> ShutDown<T> {
    /// The item or items that were not put.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> PutError<T> {
    /// The item or items that were not put.
    pub fn into_inner(self) -> T {
        match self {
            PutError::Full(item) | PutError::ShutDown(item) => item,
        }
    }

    /// Whether the queue was full, for a timed put until the timeout or deadline had passed.
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
