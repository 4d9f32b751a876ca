//! A lock around a value. One field is the lock, whose laws L1 to L5 are its own, the other the value.
//!
//! # Invariants
//! 1. Only a living guard touches `value`, and a guard lives only while its acquire of `lock` is unreleased:
//!    the lock is private, so nobody else can release it. A [`Condition`](crate::Condition) that lets go of the lock
//!    borrows the guard, and so whatever is borrowed from it, until it holds the lock again.

use super::error::TimedOut;
use super::guard::Relock;
use super::lock::{Lock, LockGuard};
use crate::backend::{Instant, cell::UnsafeCell, const_fn};
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::time::Duration;

/// A value that one thread at a time may touch.
///
/// A panic while a guard lives releases the mutex and leaves the value as it was at that moment: nothing is
/// poisoned. A leaked guard leaves it locked for ever. The guard may be sent to another thread if the value
/// may be.
///
/// Everything before a guard's drop happens-before everything after the acquire that follows it.
///
/// # Python
/// A `threading.Lock` and the value that it guards, which Python leaves to a convention.
///
/// ```
/// use selvedge::Mutex;
/// static TOTAL: Mutex<u64> = Mutex::new(0);
///
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| *TOTAL.acquire() += 1);
///     }
/// });
/// assert_eq!(*TOTAL.acquire(), 4);
/// ```
pub struct Mutex<T: ?Sized> {
    lock: Lock,
    value: UnsafeCell<T>,
}

// SAFETY: invariant 1: the value goes from thread to thread, and no two touch it at once.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

// Nothing is poisoned: a panic releases the lock, and leaves the value as it was then.
impl<T: ?Sized> UnwindSafe for Mutex<T> {}
impl<T: ?Sized> RefUnwindSafe for Mutex<T> {}

impl<T> Mutex<T> {
    const_fn! {
        /// A free mutex that holds `value`.
        #[inline]
        pub fn new(value: T) -> Mutex<T> {
            Mutex { lock: Lock::new(), value: UnsafeCell::new(value) }
        }
    }

    /// Takes the value out.
    ///
    /// ```
    /// assert_eq!(selvedge::Mutex::new(1).into_inner(), 1);
    /// ```
    #[inline]
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Locks the value if it is free; never blocks.
    ///
    /// ```
    /// let mutex = selvedge::Mutex::new(1);
    /// let held = mutex.acquire();
    /// assert!(mutex.try_acquire().is_none());
    /// ```
    #[inline]
    #[doc(alias = "try_lock")]
    pub fn try_acquire(&self) -> Option<MutexGuard<'_, T>> {
        self.lock.try_acquire().map(|lock| self.guard(lock))
    }

    /// Locks the value, and sleeps until it can.
    ///
    /// ```
    /// let mutex = selvedge::Mutex::new(1);
    /// *mutex.acquire() += 1;
    /// assert_eq!(*mutex.acquire(), 2);
    /// ```
    #[inline]
    #[doc(alias = "lock")]
    pub fn acquire(&self) -> MutexGuard<'_, T> {
        self.guard(self.lock.acquire())
    }

    /// As [`Lock::acquire_at_once`].
    #[inline]
    pub(super) fn acquire_eager(&self) -> MutexGuard<'_, T> {
        self.guard(self.lock.acquire_eager())
    }

    /// Locks the value, waiting for at most `timeout`; zero is one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if it did not find it free in time.
    ///
    /// ```
    /// let mutex = selvedge::Mutex::new(1);
    /// let _held = mutex.acquire();
    /// assert!(mutex.acquire_timeout(std::time::Duration::from_millis(1)).is_err());
    /// ```
    #[inline]
    #[doc(alias = "try_lock_for")]
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<MutexGuard<'_, T>, TimedOut> {
        self.lock.acquire_timeout(timeout).map(|lock| self.guard(lock))
    }

    /// Locks the value, waiting until `deadline` at the latest; one that has passed is one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if it did not find it free in time.
    ///
    /// ```
    /// use selvedge::{Instant, Mutex};
    /// assert_eq!(*Mutex::new(1).acquire_deadline(Instant::now())?, 1);
    /// # Ok::<(), selvedge::TimedOut>(())
    /// ```
    #[inline]
    #[doc(alias = "try_lock_until")]
    pub fn acquire_deadline(&self, deadline: Instant) -> Result<MutexGuard<'_, T>, TimedOut> {
        self.lock.acquire_deadline(deadline).map(|lock| self.guard(lock))
    }

    /// Whether somebody holds the mutex; by the time you look, that may have changed.
    ///
    /// ```
    /// assert!(!selvedge::Mutex::new(1).is_locked());
    /// ```
    #[inline]
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.lock.is_locked()
    }

    /// The value, without locking: `&mut self` proves that nobody else holds it.
    ///
    /// ```
    /// let mut mutex = selvedge::Mutex::new(1);
    /// *mutex.get_mut() = 2;
    /// assert_eq!(mutex.into_inner(), 2);
    /// ```
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: invariant 1: a living guard would borrow `self`.
        self.value.with_mut(|value| unsafe { &mut *value })
    }

    #[inline]
    fn guard<'a>(&'a self, lock: LockGuard<'a>) -> MutexGuard<'a, T> {
        MutexGuard {
            mutex: self,
            lock,
            _value: PhantomData,
        }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Mutex<T> {
        Mutex::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    /// Shows the value if the mutex is free; never blocks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Mutex");
        match self.try_acquire() {
            Some(value) => out.field("value", &&*value).finish(),
            None => out.field("value", &format_args!("<locked>")).finish(),
        }
    }
}

/// A locked [`Mutex`]: reaches the value, and releases when it is dropped.
#[must_use = "the mutex is released when the guard is dropped"]
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    lock: LockGuard<'a>,
    // `Send` and `Sync` as the value itself would be.
    _value: PhantomData<&'a mut T>,
}

impl<T: ?Sized> Relock for MutexGuard<'_, T> {
    type Saved = ();

    fn lock_address(&self) -> *const () {
        self.lock.lock_address()
    }

    fn unlock(&mut self) {
        self.lock.unlock();
    }

    fn relock(&mut self, (): ()) {
        self.lock.relock(());
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: invariant 1: this guard lives.
        self.mutex.value.with(|value| unsafe { &*value })
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: invariant 1: this guard lives, and it is borrowed by us alone.
        self.mutex.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
