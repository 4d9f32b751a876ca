//! What is told when a thread panics.

use super::error::Payload;
use super::thread::Thread;
use crate::backend::{lost, text};
use core::any::Any;
use core::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Is told of each panic that ends a thread, or a timer's function: which thread, and what it panicked with.
pub type PanicHook = dyn Fn(&Thread, &(dyn Any + Send)) + Send + Sync;

/// Runs what belongs to the user, and keeps its panic from unwinding what is ours.
pub(crate) fn catch<R>(theirs: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(theirs))
}

/// Runs what belongs to the user, whose panic nobody wants. The payload is leaked: its drop could panic again.
pub(crate) fn catch_quietly(theirs: impl FnOnce()) {
    catch(theirs).unwrap_or_else(leak);
}

/// Ends the way of a panic of which the program does not learn: the payload's drop could panic again.
pub(crate) fn leak(payload: Payload) {
    lost(|| said(&*payload));
    mem::forget(payload);
}

/// What a panic says of itself.
pub(crate) fn said(payload: &(dyn Any + Send)) -> String {
    text(payload).unwrap_or("a panic without a text").to_owned()
}
