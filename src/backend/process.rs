//! Processes and what a child made by `fork` inherits: all memory, but only the thread that called `fork`.
//!
//! The C library's `fork` is detected. A fork by a bare system
//! call is detected only if the child calls [`enter_child`].
//!
//! # Invariants
//! 1. The value of an [`Owned`] is used and dropped only in the process that created it. Another thread of the
//!    parent may have been changing the value during the fork, so the child's copy may be in any state.
//! 2. `in_child` of a [`PerProcess`] is null or comes from `Box::into_raw`. It is set once, and freed by the drop.

use super::fork;
use core::mem::ManuallyDrop;
use core::num::NonZeroUsize;
use core::ops::Deref;
use core::ptr;
use core::sync::atomic::{
    AtomicPtr,
    Ordering::{AcqRel, Acquire},
};

pub use super::abort::abort;
pub use fork::{enter_child, survivor};

/// Identifies a process among itself, its ancestors and its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(u32);

impl Process {
    /// The current process. The first call registers the handler that detects a fork.
    #[inline]
    pub fn this() -> Process {
        Process(fork::generation())
    }

    /// Whether this is the current process.
    #[inline]
    pub fn is_this(self) -> bool {
        self == Process::this()
    }

    /// Whether this is an ancestor of the current process: its parent, its parent's parent, and so on.
    #[inline]
    pub fn is_parent(self) -> bool {
        !self.is_this()
    }

    /// Whether the process was made by a fork that was detected.
    #[allow(dead_code, reason = "only `parking_lot.rs` calls it, on Linux")]
    pub fn is_child(self) -> bool {
        self.0 > 1
    }

    /// Whether a live thread of this process does not exist in the current process, because it did not call `fork`.
    pub fn left_behind(self, thread: NonZeroUsize) -> bool {
        self.is_parent() && survivor() != Some(thread)
    }
}

/// A value of one process. In a child made by `fork` it is neither used nor dropped.
pub struct Owned<T> {
    owner: Process,
    value: ManuallyDrop<T>,
}

impl<T> Owned<T> {
    pub fn new(value: T) -> Owned<T> {
        Owned {
            owner: Process::this(),
            value: ManuallyDrop::new(value),
        }
    }

    /// The value, or `None` in a child of the process that created it.
    pub fn into_inner(self) -> Option<T> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: invariant 1. `this` is never dropped, so the value is not used again.
        this.owner
            .is_this()
            .then(|| unsafe { ManuallyDrop::take(&mut this.value) })
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if self.owner.is_this() {
            // SAFETY: invariant 1. The value is not used after this drop.
            unsafe { ManuallyDrop::drop(&mut self.value) }
        }
    }
}

/// A value of which each process has its own. A child creates its value on first use.
pub struct PerProcess<T: ForChild> {
    own: Owned<T>,
    in_child: AtomicPtr<PerProcess<T>>,
}

/// A value from which a child made by `fork` can create its own.
pub trait ForChild: Send + Sync {
    /// Creates the child's value from the parent's. Another thread may have been using the parent's value during the
    /// fork: this method must neither acquire a lock of that value nor read data that such a lock protects.
    fn for_child(&self) -> Self;
}

impl<T: ForChild> PerProcess<T> {
    pub fn new(value: T) -> PerProcess<T> {
        PerProcess {
            own: Owned::new(value),
            in_child: AtomicPtr::new(ptr::null_mut()),
        }
    }

    #[cold]
    fn in_child(&self) -> &T {
        // ORDERING: Acquire; synchronizes with the AcqRel below in the
        // thread that published the value: it is initialized.
        let mut found = self.in_child.load(Acquire);
        if found.is_null() {
            let new = Box::into_raw(Box::new(PerProcess::new(self.own.value.for_child())));
            // ORDERING: AcqRel publishes `new` to the load above. Acquire on failure synchronizes
            // with the exchange of the thread that published first: its value is initialized.
            found = match self.in_child.compare_exchange(ptr::null_mut(), new, AcqRel, Acquire) {
                Ok(_) => new,
                Err(published) => {
                    // SAFETY: `new` comes from the box above, and was not published.
                    drop(unsafe { Box::from_raw(new) });
                    published
                }
            };
        }
        // SAFETY: invariant 2: the pointer is valid until the drop of `self`, which is borrowed.
        unsafe { &*found } // created by this process, or by a parent that is itself a child
    }
}

impl<T: ForChild> Deref for PerProcess<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        if self.own.owner.is_this() {
            &self.own.value
        } else {
            self.in_child()
        }
    }
}

impl<T: ForChild> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let in_child = *self.in_child.get_mut();
        if !in_child.is_null() {
            // SAFETY: invariant 2. `&mut self` is exclusive, so no reference to the value is left.
            drop(unsafe { Box::from_raw(in_child) });
        }
    }
}
