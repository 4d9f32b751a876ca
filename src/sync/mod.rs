//! Locks, semaphores, events, conditions and barriers: what Python's `threading` gives, one primitive a file.
//!
//! A blocking call `x` comes in four forms: `try_x` never blocks, `x` waits for ever, `x_timeout` for a
//! [`Duration`](core::time::Duration) (zero is one attempt), `x_deadline` until an
//! [`Instant`](crate::Instant). After a timeout the object is as if the call had never been made. Nothing is
//! poisoned by a panic. Nothing here allocates (the `parking_lot` world's table of sleepers
//! does, when a thread first sleeps).
//!
//! A child made by `fork` may use an object of the parent's if no other thread was using it at that moment, or waiting there. A
//! lock that another thread held stays held for ever. A [`Condition`] or [`Barrier`] at which others were waiting must not be
//! used at all: the waiters' frames are memory that the child uses again. Objects made in the child work as ever. See also
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
