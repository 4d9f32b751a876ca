//! Locks, semaphores, events, conditions and barriers, as in Python's `threading`. Each file holds one primitive.
//!
//! A blocking call `x` has four forms: `try_x` never blocks; `x` blocks indefinitely; `x_timeout` blocks for at most
//! a [`Duration`](core::time::Duration), where zero means one attempt; `x_deadline` blocks until an
//! [`Instant`](crate::Instant). A call that times out has no effect. A panic poisons nothing. No primitive allocates;
//! with the `parking_lot` backend the table of parked threads does, when a thread blocks for the first time.
//!
//! A child process made by `fork` may use an object of its parent if no other thread was using the object, or was
//! blocked on it, at the moment of the fork. A lock that another thread held stays held indefinitely. A [`Condition`]
//! or [`Barrier`] on which other threads were waiting must not be used at all: its waiters' frames are memory that
//! the child reuses. Objects that are constructed in the child work as usual. See also
//! [`thread`](crate::thread#fork).

mod barrier;
mod bounded_semaphore;
mod condition;
mod error;
mod event;
mod guard;
mod lock;
mod mutex;
mod rlock;
mod semaphore;
mod waiter_queue;

pub use barrier::{Barrier, Turn};
pub use bounded_semaphore::BoundedSemaphore;
pub use condition::Condition;
pub use error::{AcquireError, Broken, NotHeld, OverReleased, TimedOut, TryAcquireError, WaitError};
pub use event::Event;
pub use guard::Guard;
pub use lock::{Lock, LockGuard};
pub use mutex::{Mutex, MutexGuard};
pub use rlock::{RLock, RLockGuard};
pub use semaphore::{Permit, Semaphore};
