//! How many threads are in parking_lot_core's table: whether a child made by `fork` may use it. Where there is no futex to
//! block on instead.

use super::super::process;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// Threads of a parent were in the table when it forked.
static STRANDED: AtomicBool = AtomicBool::new(false);

/// The calling thread is in the table until this is dropped.
pub struct Inside(());

pub fn enter() -> Inside {
    let _ = process::Process::this(); // from now on a fork is noticed
    if STRANDED.load(Relaxed) {
        process::abort("on this system a child can't block, nor wake, if others were blocked when it was forked");
    }
    INSIDE.fetch_add(1, Relaxed);
    Inside(())
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, Relaxed);
    }
}

/// In the child: those that were in the table stay there for ever.
pub fn enter_child() {
    if INSIDE.load(Relaxed) > 0 {
        STRANDED.store(true, Relaxed);
    }
}
