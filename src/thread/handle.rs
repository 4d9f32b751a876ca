//! The handle of a started thread, from which the thread's result can be taken once.
//!
//! # Invariants
//! 1. The thread stores its outcome before it ends, and then drops its own reference
//!    to the slot: an outcome that no handle can take is dropped before the end.

use super::thread::Thread;
use crate::backend::Arc;
use crate::sync::Mutex;
use crate::unwind::Payload;
use core::fmt;
use core::ops::Deref;

pub(super) type Outcome<T> = Mutex<Option<Result<T, Payload>>>;

/// A handle of a started thread and of its result. Dereferences to [`Thread`], which has the methods that join.
///
/// All clones share one result, which can be taken once. When all handles
/// are dropped, the thread continues, and drops its result when it ends.
///
/// # Python
/// `threading.Thread` after `start`; Python's threads have no result.
///
/// ```
/// use selvedge::thread;
/// let thread = thread::spawn(|| "done".to_owned());
/// assert_eq!(thread.join(), Ok(()));
/// assert_eq!(thread.clone().take_result().as_deref(), Some("done"));
/// assert_eq!(thread.take_result(), None);
/// ```
pub struct JoinHandle<T> {
    thread: Thread,
    outcome: Arc<Outcome<T>>,
}

/// Stores the outcome, or drops it if no handle remains (invariant 1).
pub(super) fn store_outcome<T>(slot: Arc<Outcome<T>>, outcome: Result<T, Payload>) {
    *slot.acquire() = Some(outcome);
    drop(Arc::into_inner(slot));
}

impl<T> JoinHandle<T> {
    pub(super) fn new(thread: Thread, outcome: Arc<Outcome<T>>) -> JoinHandle<T> {
        JoinHandle { thread, outcome }
    }

    /// The thread, without its result.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// Takes the result of the thread's function. `None` before the thread has
    /// ended, if it panicked, and if the result was already taken. Never blocks.
    ///
    /// ```
    /// let thread = selvedge::thread::spawn(|| 7);
    /// thread.join()?;
    /// assert_eq!(thread.take_result(), Some(7));
    /// # Ok::<(), selvedge::thread::Panicked>(())
    /// ```
    pub fn take_result(&self) -> Option<T> {
        self.take(Result::is_ok)?.ok()
    }

    /// Takes the payload of the thread's panic; [`std::panic::resume_unwind`] continues the panic. `None`
    /// before the thread has ended, if it did not panic, and if the payload was already taken. Never blocks.
    ///
    /// ```
    /// let thread = selvedge::thread::spawn(|| std::panic::panic_any(7));
    /// assert!(thread.join().is_err());
    /// assert_eq!(*thread.take_panic().unwrap().downcast::<i32>().unwrap(), 7);
    /// ```
    pub fn take_panic(&self) -> Option<Payload> {
        self.take(Result::is_err)?.err()
    }

    fn take(&self, wanted: impl FnOnce(&Result<T, Payload>) -> bool) -> Option<Result<T, Payload>> {
        if self.is_alive() || self.is_left_behind() {
            return None;
        }
        self.outcome.acquire().take_if(|outcome| wanted(outcome))
    }
}

impl<T> Clone for JoinHandle<T> {
    fn clone(&self) -> JoinHandle<T> {
        JoinHandle {
            thread: self.thread.clone(),
            outcome: Arc::clone(&self.outcome),
        }
    }
}

impl<T> Deref for JoinHandle<T> {
    type Target = Thread;

    fn deref(&self) -> &Thread {
        &self.thread
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.thread.fmt(f)
    }
}
