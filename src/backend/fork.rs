//! Detects that the process is a child made by `fork`, by a handler that the C library calls.
//!
//! # State
//! `GENERATION` is 0 until the handler is registered, then 1. In a child it is larger than in its parent.
//!
//! # Invariants
//! 1. The handler is registered before [`generation`] first returns.
//! 2. [`enter_child`] runs while its process has one thread.

use super::abort::abort;
use core::ffi::c_int;
use core::num::NonZeroUsize;
use core::sync::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

type Handler = unsafe extern "C" fn();

unsafe extern "C" {
    fn pthread_atfork(prepare: Option<Handler>, parent: Option<Handler>, child: Option<Handler>) -> c_int;
}

static GENERATION: AtomicU32 = AtomicU32::new(0);
static SURVIVOR: AtomicUsize = AtomicUsize::new(0);

/// A number that differs between a child and its parent. The first call registers the handler.
#[inline]
pub fn generation() -> u32 {
    match GENERATION.load(Relaxed) {
        0 => register(),
        generation => generation,
    }
}

/// In a child, the id of the thread that called `fork`: the only thread with which the child started.
pub fn survivor() -> Option<NonZeroUsize> {
    NonZeroUsize::new(SURVIVOR.load(Relaxed))
}

#[cold]
fn register() -> u32 {
    // SAFETY: the handler has the required signature, and the C library calls it as invariant 2 demands.
    let error = unsafe { pthread_atfork(None, None, Some(enter_child)) };
    if error != 0 {
        // The only error is a lack of memory. Not a panic: a caller may have enqueued a waiter, and must not unwind.
        abort("out of memory: cannot register a fork handler");
    }
    // If two threads register concurrently, the handler is registered twice, and a fork adds two to the generation.
    // ORDERING: Release on success; synchronizes with the Acquire of a failed exchange in another thread: the
    // handler of the thread that succeeded is registered before either thread returns.
    GENERATION
        .compare_exchange(0, 1, Release, Acquire)
        .map_or_else(|generation| generation, |_| 1)
}

/// Marks this process as a child.
///
/// # Safety
/// The calling thread is the only thread of a process that was made by a fork.
pub unsafe extern "C" fn enter_child() {
    // On overflow the generation wraps to 2, so a child's generation is never 0 or 1.
    let generation = GENERATION.load(Relaxed).checked_add(1).unwrap_or(1).max(2);
    GENERATION.store(generation, Relaxed);
    SURVIVOR.store(super::thread::id().get(), Relaxed);
    #[cfg(not(target_os = "linux"))]
    super::census::enter_child();
}
