//! Panics of user code, which are caught where that code is called, so that they never unwind a frame of this crate.

use crate::backend::{panic_text, process, unobserved_panic};
use core::any::Any;
use core::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The payload of a thread's panic, as in std.
pub type Payload = Box<dyn Any + Send>;

/// Runs user code, and returns its panic as an error.
pub(crate) fn catch<R>(user_code: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(user_code))
}

/// Runs user code whose panic can't be reported: the panic is caught and its payload leaked.
pub(crate) fn catch_quietly(user_code: impl FnOnce()) {
    catch(user_code).unwrap_or_else(leak);
}

/// Discards the payload of a panic that is not reported to the
/// program. The payload is leaked, because its drop could panic again.
pub(crate) fn leak(payload: Payload) {
    unobserved_panic(|| message(&*payload));
    mem::forget(payload);
}

/// The message of a panic, if its payload is a string; otherwise a placeholder.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    panic_text(payload).unwrap_or("a panic without a message").to_owned()
}

/// Runs code of this crate that must not unwind, because its caller would free
/// memory that other threads borrow. A panic aborts the process. This code panics
/// only if the system fails, for instance if the kernel can't block a thread.
pub(crate) fn or_abort<R>(body: impl FnOnce() -> R) -> R {
    catch(body).unwrap_or_else(|_| std::process::abort())
}

/// Aborts the process, a child made by `fork` in which a scope can't end: the threads or jobs that the
/// scope waits for were left behind in the parent, and the memory that they borrowed may be half written.
#[cold]
pub(crate) fn abort_left_behind() -> ! {
    process::abort("a scope can't end in a child of fork: its threads or jobs were left behind in the parent")
}
