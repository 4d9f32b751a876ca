//! A lock together with the value that it protects. The laws of the lock, L1 to L6, hold for the mutex too.
//!
//! # Invariants
//! 1. `value` is accessed only through a guard or through `&mut Mutex`. A guard exists only between an acquire of
//!    `lock` and its release: `lock` is private, so no other code can release it. A [`Condition`](crate::Condition)
//!    that releases the lock during a wait borrows the guard mutably until it has re-acquired the lock, so no
//!    reference from the guard exists meanwhile.

use super::error::TimedOut;
use super::guard::Relock;
use super::lock::{Lock, LockGuard};
use crate::backend::{Instant, cell::UnsafeCell, const_fn};
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::time::Duration;

/// A value that one thread at a time may access.
///
/// A panic while a guard is alive releases the mutex and leaves the value as it is at that
/// moment: nothing is poisoned. A leaked guard leaves the mutex locked indefinitely. The guard
/// may be sent to another thread if the value may be sent.
///
/// The drop of a guard happens-before the acquire that follows it.
///
/// # Python
/// A `threading.Lock` together with the value that it protects. In Python their association is a convention.
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

// SAFETY: invariant 1: threads pass the value on (hence `T: Send`), and only one thread at a time accesses it.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: invariant 1, as above.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

// Nothing is poisoned: a panic releases the lock and leaves the value as it is.
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

    /// Consumes the mutex and returns the value.
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
    /// Acquires the mutex if it is free; never blocks.
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

    /// Acquires the mutex, blocking until it is available.
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

    /// [`acquire`](Mutex::acquire) for a mutex whose holder is about to release it; see [`Lock::acquire_eager`].
    #[inline]
    pub(super) fn acquire_eager(&self) -> MutexGuard<'_, T> {
        self.guard(self.lock.acquire_eager())
    }

    /// Acquires the mutex, blocking for at most `timeout`; a zero timeout makes one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if the mutex was not acquired before the timeout elapsed.
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

    /// Acquires the mutex, blocking until `deadline` at the latest; a deadline that has elapsed allows one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if the mutex was not acquired before the deadline.
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

    /// Whether a thread holds the mutex. The result may be outdated when the call returns.
    ///
    /// ```
    /// assert!(!selvedge::Mutex::new(1).is_locked());
    /// ```
    #[inline]
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.lock.is_locked()
    }

    /// The value, without locking: `&mut self` proves that no guard exists.
    ///
    /// ```
    /// let mut mutex = selvedge::Mutex::new(1);
    /// *mutex.get_mut() = 2;
    /// assert_eq!(mutex.into_inner(), 2);
    /// ```
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: invariant 1: no guard exists, because it would borrow `self`.
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
    /// Prints the value if the mutex is free; never blocks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Mutex");
        match self.try_acquire() {
            Some(value) => out.field("value", &&*value).finish(),
            None => out.field("value", &format_args!("<locked>")).finish(),
        }
    }
}

/// Holds a [`Mutex`] and gives access to its value. Dropping the guard releases the mutex.
#[must_use = "the mutex is released when the guard is dropped"]
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    lock: LockGuard<'a>,
    // The guard is `Send` and `Sync` if `&mut T` is.
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
        // SAFETY: invariant 1: this guard exists, so this access holds the lock.
        self.mutex.value.with(|value| unsafe { &*value })
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: invariant 1: this guard exists, and `&mut self` excludes any other access through it.
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
