#![doc = include_str!("../README.md")]

pub mod backend;
pub mod sync;

pub use backend::{Instant, model, model_within};
pub use sync::{
    BoundedSemaphore, Event, Lock, LockGuard, Mutex, MutexGuard, NotHeld, OverReleased, Permit, RLock, RLockGuard,
    Semaphore, TimedOut,
};
