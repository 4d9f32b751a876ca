//! The number of threads in `parking_lot_core`'s table, on a system without a futex to block on
//! instead. A child made by `fork` can use the table only if the number was zero during the fork.

use super::abort::abort;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

static IN_TABLE: AtomicUsize = AtomicUsize::new(0);
/// Whether threads of a parent were in the table during the fork.
static HAS_STRANDED: AtomicBool = AtomicBool::new(false);

/// The calling thread counts as in the table until this is dropped.
pub struct InTable(());

/// Counts the calling thread. The caller has registered the fork handler, which calls [`enter_child`].
pub fn enter() -> InTable {
    if HAS_STRANDED.load(Relaxed) {
        abort("a child made by `fork` can't block or wake on this system if threads were blocked during the fork");
    }
    IN_TABLE.fetch_add(1, Relaxed);
    InTable(())
}

impl Drop for InTable {
    fn drop(&mut self) {
        IN_TABLE.fetch_sub(1, Relaxed);
    }
}

/// Called in a child: threads that were in the table during the fork stay there for the life of the child.
pub fn enter_child() {
    if IN_TABLE.load(Relaxed) > 0 {
        HAS_STRANDED.store(true, Relaxed);
    }
}
