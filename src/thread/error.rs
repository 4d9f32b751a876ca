//! What can become of a thread, or of waiting for one.

use crate::backend::{Arc, text};
use core::any::Any;
use core::{error::Error, fmt};

/// The thread, or the timer's function, has panicked. Every joiner is told; whoever wants the payload itself
/// [takes](crate::thread::JoinHandle::take_panic) it.
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
            message: text(payload).map(Arc::from),
        }
    }

    /// What there is to say of a thread, or a timer, of the parent's in a child made by `fork`.
    pub(super) fn left_behind(thread: &str) -> Panicked {
        Panicked::new(thread, &"it was left behind in the parent by a fork")
    }

    /// The name of the thread.
    pub fn thread(&self) -> &str {
        &self.thread
    }

    /// What it panicked with, if that was a text.
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

/// Why a join with a timeout failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JoinError {
    /// The timeout or deadline passed first; the thread goes on, and can be joined again.
    TimedOut,
    /// The thread has ended, by a panic.
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
