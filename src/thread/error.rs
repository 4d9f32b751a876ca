//! The panic of a thread, and the error of a join.

use crate::backend::{Arc, panic_text};
use core::any::Any;
use core::{error::Error, fmt};

/// The thread's function, or the timer's, panicked. Every joiner receives this error. The
/// payload itself can be taken once, with [`take_panic`](crate::thread::JoinHandle::take_panic).
///
/// ```
/// let failed = selvedge::thread::spawn(|| panic!("no paper")).join().unwrap_err();
/// assert_eq!(failed.message(), Some("no paper"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Panicked {
    thread: Arc<str>,
    message: Option<Arc<str>>,
}

impl Panicked {
    pub(super) fn new(thread: &str, payload: &(dyn Any + Send)) -> Panicked {
        Panicked {
            thread: thread.into(),
            message: panic_text(payload).map(Arc::from),
        }
    }

    /// The error for a thread or timer of the parent that does not exist in a child made by `fork`.
    pub(super) fn left_behind(thread: &str) -> Panicked {
        Panicked::new(thread, &"it was left behind in the parent by a fork")
    }

    /// The name of the thread.
    pub fn thread(&self) -> &str {
        &self.thread
    }

    /// The message of the panic, if its payload is a string.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl fmt::Debug for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panicked")
            .field("thread", &self.thread())
            .field("message", &self.message())
            .finish()
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "thread '{}' panicked", self.thread)?;
        self.message().map_or(Ok(()), |message| write!(f, ": {message}"))
    }
}

impl Error for Panicked {}

/// The error of a join with a timeout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JoinError {
    /// The timeout or deadline elapsed first. The thread continues, and can be joined again.
    TimedOut,
    /// The thread ended with a panic.
    Panicked(Panicked),
}

impl From<Panicked> for JoinError {
    fn from(panicked: Panicked) -> JoinError {
        JoinError::Panicked(panicked)
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::TimedOut => f.write_str("timed out"),
            JoinError::Panicked(panicked) => panicked.fmt(f),
        }
    }
}

impl Error for JoinError {}
