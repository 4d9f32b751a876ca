//! The starter's end of a thread: what the thread has made, to be taken once.
//!
//! # Invariants
//! 1. The thread puts its outcome in before its life ends, and keeps no share of it: what nobody can take any more is
//!    dropped by then.

use super::thread::Thread;
use crate::backend::Arc;
use crate::sync::Mutex;
use crate::unwind::Payload;
use core::fmt;
use core::ops::Deref;

pub(super) type Outcome<T> = Mutex<Option<Result<T, Payload>>>;

/// A started thread, and the result that it will have. Dereferences to [`Thread`], which joins it.
///
/// Clones share one result: whoever takes it first has it. When all are gone, the thread goes on by itself, and drops
/// its result when it ends.
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

/// Hands the outcome over, or drops it if nobody can take it (invariant 1).
pub(super) fn keep<T>(place: Arc<Outcome<T>>, outcome: Result<T, Payload>) {
    *place.acquire() = Some(outcome);
    drop(Arc::into_inner(place));
}

impl<T> JoinHandle<T> {
    pub(super) fn new(thread: Thread, outcome: Arc<Outcome<T>>) -> JoinHandle<T> {
        JoinHandle { thread, outcome }
    }

    /// The thread, without its result.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// What the thread has returned: once, and only after its end. `None` before that, if it has panicked, and if somebody
    /// has taken it. Never blocks.
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

    /// What the thread has panicked with: once, and only after its end. `None` before that, if it has not panicked, and if
    /// somebody has taken it. Never blocks. To pass the panic on, give it to [`std::panic::resume_unwind`].
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
