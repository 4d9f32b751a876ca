#![doc = include_str!("../README.md")]
#![allow(
    clippy::test_attr_in_doctest,
    reason = "the README shows a model as a user writes it, as a test"
)]

pub mod backend;
pub mod pool;
pub mod queue;
pub mod sync;
pub mod thread;
mod unwind;

pub use backend::Instant;
#[allow(unused_imports, reason = "it is empty but where models are explored")]
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
