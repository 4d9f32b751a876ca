//! Locks, queues, threads, timers and thread pools: what Python's `threading`, `queue` and `concurrent.futures` give,
//! model-checked. The source that runs in production is explored under loom in every order of its threads, timeouts included.
//!
//! ```
//! use selvedge::{Queue, ThreadPool};
//! static WORDS: Queue<&str> = Queue::bounded(2);
//!
//! let pool = ThreadPool::new(2);
//! let total = pool.submit(|| WORDS.iter().map(str::len).sum::<usize>())?;
//! WORDS.put_many(["warp", "weft", "selvedge"])?; // blocks while the queue is full
//! WORDS.shutdown(); // queued items can still be removed
//! assert_eq!(total.result()?, 16);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which type?
//!
//! | | |
//! |---|---|
//! | [`Mutex`] | a value that one thread at a time accesses |
//! | [`Lock`] | a lock without a value; any thread may release it |
//! | [`RLock`] | a lock that its owner may acquire again |
//! | [`Condition`] | waits until another thread has changed what a lock protects; no spurious wake-ups |
//! | [`Semaphore`], [`BoundedSemaphore`] | a number of permits |
//! | [`Event`] | a flag that threads wait for |
//! | [`Barrier`] | threads wait until all have arrived |
//! | [`Queue`], [`LifoQueue`], [`PriorityQueue`] | items from thread to thread; `task_done`, `join`, shutdown |
//! | [`SimpleQueue`] | an unbounded queue that is never shut down |
//! | [`thread::spawn`], [`thread::Builder`] | threads with timed joins, several joiners, and a daemon flag |
//! | [`thread::scope`] | threads that borrow |
//! | [`thread::Registry`] | the threads that are alive, and the exit that waits for them |
//! | [`thread::Local`] | an object with a value for each thread |
//! | [`Timer`] | a function that runs later, once or periodically, unless it is cancelled |
//! | [`ThreadPool`], [`Job`] | functions that a fixed number of threads run; results, cancellation, `map`, scopes |
//! | [`pool::wait`], [`pool::as_completed`] | several jobs at once |
//!
//! # What all of them have in common
//!
//! - A blocking call `x` has up to four forms: `try_x` never blocks, `x` blocks indefinitely, `x_timeout` blocks for at most a
//!   `Duration` (zero makes one attempt), `x_deadline` until an [`Instant`]. A call that times out has no effect, consumes no
//!   wake-up, and returns the item that it was given.
//! - Nothing is poisoned. Guards and permits are released when they are dropped, by a panic too.
//! - All constructors but those of [`thread`] and [`pool`] are `const`: a lock or a queue may be a static.
//! - Each type's page states what happens-before what, what it does after a panic, and where it differs from Python.
//!
//! # Features
//!
//! `parking_lot`: threads block in `parking_lot_core`'s table instead of the kernel's futexes. It changes cost, never meaning.
//! Systems other than Linux always use it.
//!
//! # Checking your own code
//!
//! Under `--cfg loom` the function `model` runs a test's body in every order of its threads. The README has an example, the
//! message of a failure, and the rules; [`backend`] has the types to share memory with.

pub mod backend;
pub mod pool;
pub mod queue;
pub mod sync;
pub mod thread;
mod unwind;

pub use backend::Instant;
#[allow(unused_imports, reason = "empty in a build without models")]
pub use backend::explored::*;
pub use pool::{Job, JobError, Outcome, SubmitError, ThreadPool, Until};
pub use queue::{
    GetError, LifoQueue, Prioritized, PriorityQueue, PutError, Queue, ShutDown, SimpleQueue, Task, TooManyDone,
};
pub use sync::{
    Barrier, BoundedSemaphore, Broken, Condition, Event, Lock, LockGuard, Mutex, MutexGuard, NotHeld, OverReleased,
    Permit, RLock, RLockGuard, Semaphore, TimedOut, Turn,
};
pub use thread::Timer;

/// The README's programs run as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[allow(
    clippy::test_attr_in_doctest,
    reason = "the README shows a model as a user writes it, as a test"
)]
struct Readme;
