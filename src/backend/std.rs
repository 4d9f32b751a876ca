//! What both production worlds share: the platform's own types, inlined away.

pub use ::std::sync::{Arc, Weak};

/// Atomic integers and pointers with their orderings: those of `core`, or loom's under a model.
pub mod atomic {
    pub use core::sync::atomic::{
        AtomicBool, AtomicI32, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicUsize, Ordering, fence,
    };
    #[cfg(target_has_atomic = "64")]
    pub use core::sync::atomic::{AtomicI64, AtomicU64};
}

/// Memory that several threads may touch under a protocol of their own; a model checks the protocol.
pub mod cell {
    /// Like `core::cell::UnsafeCell`, reached through closures so that a model sees each access begin and end.
    ///
    /// ```
    /// let cell = selvedge::backend::cell::UnsafeCell::new(1);
    /// // SAFETY: no other thread knows this cell.
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

        /// Takes the value out.
        #[inline(always)]
        pub fn into_inner(self) -> T {
            self.0.into_inner()
        }
    }

    impl<T: ?Sized> UnsafeCell<T> {
        /// Lends a pointer to read through. Dereferencing it needs the absence of any writer.
        #[inline(always)]
        pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            read(self.0.get())
        }

        /// Lends a pointer to write through. Dereferencing it needs the absence of any other access.
        #[inline(always)]
        pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            write(self.0.get())
        }
    }
}

/// The one place where a thread sleeps.
pub mod futex {
    pub use super::super::sleep::{wait, wake};

    /// Why [`wait`] returned.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Wait {
        /// A [`wake`] counted this thread, or the wait ended early.
        Woken,
        /// The word did not hold the expected value, or the wait ended early.
        Changed,
        /// The deadline has passed and no wake has counted this thread.
        TimedOut,
    }
}

#[path = "std/hint.rs"]
pub mod hint;

mod instant {
    use core::ops::Add;
    use core::time::Duration;

    /// A moment on a clock that never goes back; adding too much to it gives "for ever".
    ///
    /// Production reads the system's monotonic clock. Under a model each thread has a
    /// clock of its own, which moves only when a wait with a deadline ends.
    ///
    /// ```
    /// use selvedge::Instant;
    /// use std::time::Duration;
    /// let deadline = Instant::now() + Duration::from_secs(5);
    /// assert!(!deadline.has_passed());
    /// assert!(Instant::now() + Duration::MAX > deadline);
    /// ```
    // None is "for ever"; it is declared last so that it compares greater than any moment.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Instant(Moment);

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    enum Moment {
        At(::std::time::Instant),
        ForEver,
    }

    impl Instant {
        /// The present.
        #[inline]
        pub fn now() -> Instant {
            Instant(Moment::At(::std::time::Instant::now()))
        }

        /// Whether the present is this moment or a later one. "For ever" never passes.
        #[inline]
        pub fn has_passed(self) -> bool {
            self.remaining().is_some_and(|left| left.is_zero())
        }

        /// The time from now to this moment: zero once it has passed, `None` for "for ever".
        #[inline]
        pub fn remaining(self) -> Option<Duration> {
            match self.0 {
                Moment::At(moment) => Some(moment.saturating_duration_since(::std::time::Instant::now())),
                Moment::ForEver => None,
            }
        }
    }

    impl Add<Duration> for Instant {
        type Output = Instant;

        /// The moment `after` this one, or "for ever" where the clock cannot count so far.
        #[inline]
        fn add(self, after: Duration) -> Instant {
            Instant(match self.0 {
                Moment::At(moment) => moment.checked_add(after).map_or(Moment::ForEver, Moment::At),
                Moment::ForEver => Moment::ForEver,
            })
        }
    }
}

pub use instant::Instant;

/// What a lock does, for those who model what is built on it.
///
/// Both run the given steps. A model of the kit's own may instead do at once what the laws of the lock say, which are proved
/// with the steps: otherwise the steps of locks would be all that the model explores.
pub mod proved {
    use super::atomic::AtomicU32;

    /// Runs the steps that acquire the lock of this word, however long that takes.
    #[inline(always)]
    pub fn acquire(word: &AtomicU32, steps: impl FnOnce()) {
        let _ = word;
        steps();
    }

    /// Runs the steps that release the lock of this word, and tells what they tell; `released` is what they tell of a
    /// lock that is held.
    #[inline(always)]
    pub fn release<R>(word: &AtomicU32, steps: impl FnOnce() -> R, released: R) -> R {
        let (_, _) = (word, released);
        steps()
    }
}

/// Threads, and a name for each that is never reused.
pub mod thread {
    use core::cell::Cell;
    use core::num::NonZeroUsize;
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    pub use ::std::thread::{Builder, JoinHandle, spawn, yield_now};

    /// The calling thread's id; no other thread of the process has or will have the same.
    ///
    /// # Panics
    /// When `usize::MAX` ids have been given: on 32-bit systems, after four thousand million.
    #[inline]
    pub fn id() -> NonZeroUsize {
        ID.get().unwrap_or_else(|| NewId::reserve().adopt())
    }

    thread_local!(static ID: Cell<Option<NonZeroUsize>> = const { Cell::new(None) });

    /// An id for a thread that has not begun: whoever starts it knows it before.
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
        /// An id that no thread has.
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

        /// Makes it the id of the calling thread.
        ///
        /// # Panics
        /// If the thread has one, since it has asked for it.
        pub fn adopt(self) -> NonZeroUsize {
            assert!(ID.replace(Some(self.0)).is_none(), "the thread has an id");
            self.0
        }
    }

    /// What the system calls the calling thread: its number, where the kit knows how to ask (on Linux).
    pub fn native_id() -> Option<NonZeroUsize> {
        #[cfg(target_os = "linux")]
        let number = usize::try_from(::rustix::thread::gettid().as_raw_nonzero().get()).ok();
        #[cfg(not(target_os = "linux"))]
        let number = None;
        number.and_then(NonZeroUsize::new)
    }

    /// What the system calls the first thread of this process, where the kit knows.
    pub fn native_id_of_the_first() -> Option<NonZeroUsize> {
        let number = if cfg!(target_os = "linux") {
            ::std::process::id()
        } else {
            0
        };
        usize::try_from(number).ok().and_then(NonZeroUsize::new)
    }

    /// The calling thread's name, if it was given one; that of the program's first is `main`.
    pub fn name() -> Option<String> {
        ::std::thread::current().name().map(str::to_owned)
    }

    /// How many threads can run at the same time, as far as the system tells; at least one.
    pub fn processors() -> usize {
        ::std::thread::available_parallelism().map_or(1, usize::from)
    }
}

/// A panic of which nobody learns. Only models mind.
#[inline(always)]
pub(crate) fn lost(_said: impl FnOnce() -> String) {}
