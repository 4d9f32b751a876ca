//! Notices that the process is a child made by `fork`, where the C library says so.
//!
//! # State
//! `GENERATION` is 0 until the handler is registered, 1 from then on, and larger in a child than in its parent.
//!
//! # Invariants
//! 1. The handler is registered before [`generation`] first returns.
//! 2. [`enter_child`] runs while its process has one thread.

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

/// How many forks lie between the first process and this one: never the same in a child as in its parent.
#[inline]
pub fn generation() -> u32 {
    match GENERATION.load(Relaxed) {
        0 => register(),
        generation => generation,
    }
}

/// The id of the thread that called `fork`, in a child; it is the only one that the child began with.
pub fn survivor() -> Option<NonZeroUsize> {
    NonZeroUsize::new(SURVIVOR.load(Relaxed))
}

#[cold]
fn register() -> u32 {
    // SAFETY: the handler is a function of this signature, and may run in a child (invariant 2).
    let refused = unsafe { pthread_atfork(None, None, Some(enter_child)) };
    if refused != 0 {
        // As where memory is short, which is the only reason there is. A waiter may be in a list: no panic.
        super::process::abort("the system has no memory for a handler of fork");
    }
    // Of two threads that come here at once, both register: the generation then grows by two at a fork.
    // ORDERING: Release pairs with the Acquire of the other thread: whichever returns, the handler is registered.
    GENERATION
        .compare_exchange(0, 1, Release, Acquire)
        .map_or_else(|generation| generation, |_| 1)
}

/// Makes this process another than its parent.
///
/// # Safety
/// The calling thread is the only one of a process that was made by a fork.
pub unsafe extern "C" fn enter_child() {
    // Neither 0 nor 1 comes again, however often a process and its children fork.
    let generation = GENERATION.load(Relaxed).checked_add(1).unwrap_or(1).max(2);
    GENERATION.store(generation, Relaxed);
    SURVIVOR.store(super::thread::id().get(), Relaxed);
    #[cfg(not(target_os = "linux"))]
    super::sleep::enter_child();
}
