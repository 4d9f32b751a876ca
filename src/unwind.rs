//! Panics of user code: caught where it runs, so that they never unwind a frame of the kit.

use crate::backend::{lost, process, text};
use core::any::Any;
use core::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a thread panicked with, as std gives it.
pub type Payload = Box<dyn Any + Send>;

/// Runs user code, and returns its panic as an error.
pub(crate) fn catch<R>(user_code: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(user_code))
}

/// Runs user code whose panic has no receiver: the payload is leaked.
pub(crate) fn catch_quietly(user_code: impl FnOnce()) {
    catch(user_code).unwrap_or_else(leak);
}

/// Discards the payload of a panic that the program does not learn of. It is leaked, for its drop could panic again.
pub(crate) fn leak(payload: Payload) {
    lost(|| message(&*payload));
    mem::forget(payload);
}

/// The message of a panic.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    text(payload).unwrap_or("a panic without a text").to_owned()
}

/// Runs code of the kit that must not unwind, for its caller would free memory that other threads borrow: a panic aborts the
/// process. The kit panics there only if the system fails, for instance if the kernel refuses to block.
pub(crate) fn or_abort<R>(body: impl FnOnce() -> R) -> R {
    catch(body).unwrap_or_else(|_| std::process::abort())
}

/// Aborts a child made by `fork`, in which a scope cannot end: the threads or jobs that it waits for were left behind in the
/// parent, and memory that they borrowed may be half written.
#[cold]
pub(crate) fn abort_left_behind() -> ! {
    process::abort("a scope can't end in a child of fork: its threads or jobs were left behind in the parent")
}
