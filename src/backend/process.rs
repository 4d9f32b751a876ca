//! What a child made by `fork` inherits: memory, but of the threads only the one that called it.
//!
//! The C library's `fork` is noticed; a bare system call is not, unless the child says so by [`enter_child`].
//!
//! # Invariants
//! 1. The value of an [`Owned`] is used and dropped only in the process that has made it. Another thread of the parent's may
//!    have been changing it at the moment of the fork, so in the child it may be in any state.

use super::fork;
use core::mem::ManuallyDrop;
use core::num::NonZeroUsize;
use core::ops::Deref;
use core::ptr;
use core::sync::atomic::{
    AtomicPtr,
    Ordering::{AcqRel, Acquire},
};

pub use fork::{enter_child, survivor};

/// A process, among itself and its parents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(u32);

impl Process {
    /// The process that runs this. From the first call on a fork is noticed.
    #[inline]
    pub fn this() -> Process {
        Process(fork::generation())
    }

    /// Whether there was no fork since.
    #[inline]
    pub fn is_this(self) -> bool {
        self == Process::this()
    }

    /// Whether there was a fork since: this process is a child of that one, or a child's child.
    #[inline]
    pub fn is_parent(self) -> bool {
        !self.is_this()
    }

    /// Whether the process was made by a fork that was noticed.
    #[allow(dead_code, reason = "only the table of threads asks, on Linux")]
    pub fn is_child(self) -> bool {
        self.0 > 1
    }

    /// Whether a thread of that process, which has not ended in it, does not exist here.
    pub fn left_behind(self, thread: NonZeroUsize) -> bool {
        self.is_parent() && survivor() != Some(thread)
    }
}

/// A value of which a child made by `fork` makes no use: there it is neither taken nor dropped.
pub struct Owned<T> {
    home: Process,
    value: ManuallyDrop<T>,
}

impl<T> Owned<T> {
    pub fn new(value: T) -> Owned<T> {
        Owned {
            home: Process::this(),
            value: ManuallyDrop::new(value),
        }
    }

    /// The value, in the process that has made it.
    pub fn into_inner(self) -> Option<T> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: invariant 1; `this` is not dropped, so the value is taken once.
        this.home
            .is_this()
            .then(|| unsafe { ManuallyDrop::take(&mut this.value) })
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if self.home.is_this() {
            // SAFETY: invariant 1; it is dropped once.
            unsafe { ManuallyDrop::drop(&mut self.value) }
        }
    }
}

/// What each process has its own of: the one that a child needs is made when the child first uses it.
pub struct PerProcess<T: Anew> {
    own: Owned<T>,
    in_child: AtomicPtr<PerProcess<T>>,
}

/// What can be made anew in a child made by `fork`.
pub trait Anew: Send + Sync {
    /// The child's, from the parent's, which another thread may have been using at the moment of the fork: this must not
    /// wait for a lock of it, nor read what changes under one that is held.
    fn anew(&self) -> Self;
}

impl<T: Anew> PerProcess<T> {
    pub fn new(value: T) -> PerProcess<T> {
        PerProcess {
            own: Owned::new(value),
            in_child: AtomicPtr::new(ptr::null_mut()),
        }
    }

    #[cold]
    fn in_child(&self) -> &T {
        // ORDERING: Acquire pairs with the AcqRel below, of the thread that has made it.
        let mut found = self.in_child.load(Acquire);
        if found.is_null() {
            let made = Box::into_raw(Box::new(PerProcess::new(self.own.value.anew())));
            // ORDERING: as above; a thread that comes too late sees the other's.
            found = match self.in_child.compare_exchange(ptr::null_mut(), made, AcqRel, Acquire) {
                Ok(_) => made,
                Err(others) => {
                    // SAFETY: it comes from the box above, and no other thread has seen it.
                    drop(unsafe { Box::from_raw(made) });
                    others
                }
            };
        }
        // SAFETY: it comes from a box, is set once, and is freed by the drop of `self`.
        unsafe { &*found } // of this process, or of a parent that was itself a child
    }
}

impl<T: Anew> Deref for PerProcess<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        if self.own.home.is_this() {
            &self.own.value
        } else {
            self.in_child()
        }
    }
}

impl<T: Anew> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let in_child = *self.in_child.get_mut();
        if !in_child.is_null() {
            // SAFETY: it comes from a box, and nothing refers to it any more.
            drop(unsafe { Box::from_raw(in_child) });
        }
    }
}

/// Says why, and ends the process. It waits for no lock: a child may inherit that of the standard error held.
#[cold]
pub fn abort(why: &str) -> ! {
    #[cfg(unix)]
    {
        use ::std::io::Write;
        use ::std::os::fd::FromRawFd;
        // SAFETY: it is not dropped, so the descriptor stays open; one that is closed gives an error.
        let mut errors = ManuallyDrop::new(unsafe { ::std::fs::File::from_raw_fd(2) });
        let _ = writeln!(errors, "selvedge: {why}");
    }
    #[cfg(not(unix))]
    eprintln!("selvedge: {why}");
    ::std::process::abort()
}
