//! The part that both production builds share: the platform's own types, without run-time cost.

pub use ::std::sync::{Arc, Weak};

/// Atomic integers and pointers with their orderings: those of `core`, or loom's under a model.
pub mod atomic {
    pub use core::sync::atomic::{
        AtomicBool, AtomicI32, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicUsize, Ordering, fence,
    };
    #[cfg(target_has_atomic = "64")]
    pub use core::sync::atomic::{AtomicI64, AtomicU64};
}

/// Memory that several threads may access under a protocol of their own. A model checks the protocol.
pub mod cell {
    /// Like `core::cell::UnsafeCell`, but accessed through closures, so
    /// that a model sees the start and end of each access.
    ///
    /// ```
    /// let cell = selvedge::backend::cell::UnsafeCell::new(1);
    /// // SAFETY: no other thread has a reference to this cell.
    /// cell.with_mut(|value| unsafe { *value += 1 });
    /// assert_eq!(cell.into_inner(), 2);
    /// ```
    #[derive(Debug)]
    #[repr(transparent)]
    pub struct UnsafeCell<T: ?Sized>(core::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        /// A cell that holds `value`.
        #[inline(always)]
        pub const fn new(value: T) -> UnsafeCell<T> {
            UnsafeCell(core::cell::UnsafeCell::new(value))
        }

        /// Returns the value.
        #[inline(always)]
        pub fn into_inner(self) -> T {
            self.0.into_inner()
        }
    }

    impl<T: ?Sized> UnsafeCell<T> {
        /// Calls `read` with a pointer for reading. It may be dereferenced only while no thread writes.
        #[inline(always)]
        pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            read(self.0.get())
        }

        /// Calls `write` with a pointer for writing. It may be dereferenced only while no other thread reads or writes.
        #[inline(always)]
        pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            write(self.0.get())
        }
    }
}

#[path = "std/hint.rs"]
pub mod hint;

mod instant {
    use core::ops::Add;
    use core::time::Duration;

    /// A time on a monotonic clock. A sum that the clock cannot represent is a deadline that never expires.
    ///
    /// Production uses the system's monotonic clock. Under a model each thread has
    /// its own clock, which moves only when a wait with a deadline ends.
    ///
    /// ```
    /// use selvedge::Instant;
    /// use std::time::Duration;
    /// let deadline = Instant::now() + Duration::from_secs(5);
    /// assert!(!deadline.has_passed());
    /// assert!(Instant::now() + Duration::MAX > deadline);
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Instant(Time);

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    enum Time {
        At(::std::time::Instant),
        /// Declared last, so that it compares greater than any other time.
        Never,
    }

    impl Instant {
        /// The current time.
        #[inline]
        pub fn now() -> Instant {
            Instant(Time::At(::std::time::Instant::now()))
        }

        /// Whether this time has passed. A deadline that never expires does not pass.
        #[inline]
        pub fn has_passed(self) -> bool {
            self.remaining().is_some_and(|left| left.is_zero())
        }

        /// The duration from now to this time: zero once it has passed, `None` if it never expires.
        #[inline]
        pub fn remaining(self) -> Option<Duration> {
            match self.0 {
                Time::At(time) => Some(time.saturating_duration_since(::std::time::Instant::now())),
                Time::Never => None,
            }
        }
    }

    impl Add<Duration> for Instant {
        type Output = Instant;

        /// The time `after` this one. It never expires if the clock cannot represent the sum.
        #[inline]
        fn add(self, after: Duration) -> Instant {
            Instant(match self.0 {
                Time::At(time) => time.checked_add(after).map_or(Time::Never, Time::At),
                Time::Never => Time::Never,
            })
        }
    }
}

pub use instant::Instant;

/// The hook by which a model can replace the steps of a lock by an abstract lock.
///
/// Outside such a model both functions run the given steps. Models of selvedge's own queues and barriers use
/// the abstract lock instead, which acquires or releases in one step: otherwise the steps of locks would be
/// nearly all that they explore. The laws of the lock itself are checked with its full steps.
pub mod model_lock {
    use super::atomic::AtomicU32;

    /// Acquires the lock whose state is `word`, by `steps`. Blocks until the lock is acquired.
    #[inline(always)]
    pub fn acquire(word: &AtomicU32, steps: impl FnOnce()) {
        let _ = word;
        steps();
    }

    /// Releases the lock whose state is `word`, by `steps`, and returns
    /// their result. `released` is their result if the lock is held.
    #[inline(always)]
    pub fn release<R>(word: &AtomicU32, steps: impl FnOnce() -> R, released: R) -> R {
        let (_, _) = (word, released);
        steps()
    }
}

/// Threads, each with an id that is never reused.
pub mod thread {
    use core::cell::Cell;
    use core::num::NonZeroUsize;
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    pub use ::std::thread::{Builder, JoinHandle, spawn, yield_now};

    /// The calling thread's id; no other thread of the process has or will have the same.
    ///
    /// # Panics
    /// When `usize::MAX` ids have been assigned: on 32-bit systems, after about four billion.
    #[inline]
    pub fn id() -> NonZeroUsize {
        ID.get().unwrap_or_else(|| NewId::reserve().adopt())
    }

    thread_local!(static ID: Cell<Option<NonZeroUsize>> = const { Cell::new(None) });

    /// An id for a thread that is not spawned yet, so that the spawning thread knows it in advance.
    ///
    /// ```
    /// use selvedge::backend::thread;
    /// let reserved = thread::NewId::reserve();
    /// let id = reserved.get();
    /// thread::spawn(move || assert_eq!(reserved.adopt(), thread::id())).join().unwrap();
    /// assert_ne!(id, thread::id());
    /// ```
    #[derive(Debug)]
    pub struct NewId(NonZeroUsize);

    impl NewId {
        /// Reserves an id that no thread has.
        ///
        /// # Panics
        /// As [`id`] does.
        #[cold]
        pub fn reserve() -> NewId {
            static LAST: AtomicUsize = AtomicUsize::new(0);
            let last = LAST.fetch_update(Relaxed, Relaxed, |last| last.checked_add(1));
            let last = last.expect("thread ids are exhausted");
            NewId(NonZeroUsize::MIN.saturating_add(last))
        }

        /// The id.
        pub fn get(&self) -> NonZeroUsize {
            self.0
        }

        /// Makes this the id of the calling thread.
        ///
        /// # Panics
        /// If the thread already has an id, because it has called [`id`].
        pub fn adopt(self) -> NonZeroUsize {
            assert!(ID.replace(Some(self.0)).is_none(), "the thread already has an id");
            self.0
        }
    }

    /// The system's number of the calling thread. `None` on systems other than Linux.
    pub fn native_id() -> Option<NonZeroUsize> {
        #[cfg(target_os = "linux")]
        let number = usize::try_from(::rustix::thread::gettid().as_raw_nonzero().get()).ok();
        #[cfg(not(target_os = "linux"))]
        let number = None;
        number.and_then(NonZeroUsize::new)
    }

    /// The system's number of the process's first thread. `None` on systems other than Linux.
    pub fn native_id_of_the_first() -> Option<NonZeroUsize> {
        let number = if cfg!(target_os = "linux") {
            ::std::process::id()
        } else {
            0
        };
        usize::try_from(number).ok().and_then(NonZeroUsize::new)
    }

    /// The calling thread's name, if it has one. The program's first thread has the name `main`.
    pub fn name() -> Option<String> {
        ::std::thread::current().name().map(str::to_owned)
    }

    /// The number of threads that can run in parallel, according to the system. At least one.
    pub fn processors() -> usize {
        ::std::thread::available_parallelism().map_or(1, usize::from)
    }
}

/// Called for a panic that the program cannot observe. It fails a user's model, and does nothing in production.
#[inline(always)]
pub(crate) fn unobserved_panic(_message: impl FnOnce() -> String) {}
