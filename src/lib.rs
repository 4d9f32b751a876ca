#![doc = include_str!("../README.md")]

pub mod backend;
pub mod pool;
pub mod queue;
pub mod sync;
pub mod thread;

pub use backend::{Instant, model, model_within};
pub use pool::{Job, JobError, Outcome, SubmitError, ThreadPool, Until};
pub use queue::{
    GetError, LifoQueue, Prioritized, PriorityQueue, PutError, Queue, ShutDown, SimpleQueue, Task, TooManyDone,
};
pub use sync::{
    Barrier, BoundedSemaphore, Broken, Condition, Event, Lock, LockGuard, Mutex, MutexGuard, NotHeld, OverReleased,
    Permit, RLock, RLockGuard, Semaphore, TimedOut, Turn,
};
pub use thread::Timer;
