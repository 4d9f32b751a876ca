//! What is told when a thread panics.

use super::thread::Thread;
use core::any::Any;

/// Is told of each panic that ends a thread, or a timer's function: which thread, and what it panicked with.
pub type PanicHook = dyn Fn(&Thread, &(dyn Any + Send)) + Send + Sync;
