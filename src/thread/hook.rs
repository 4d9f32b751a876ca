//! The panic hook.

use super::thread::Thread;
use core::any::Any;

/// A hook that is called for each panic that ends a thread or a
/// timer's function, with the thread and the panic's payload.
pub type PanicHook = dyn Fn(&Thread, &(dyn Any + Send)) + Send + Sync;
