//! A semaphore with an upper limit: [`Semaphore`]'s word and laws, with a smaller limit on release (law S5).
//!
//! # Invariants
//! 1. The semaphore never holds more than `limit` permits: it is constructed with `limit` permits, and each release
//!    calls `release_within(limit, …)`.

use super::error::{OverReleased, TimedOut};
use super::semaphore::{Permit, Semaphore};
use crate::backend::{Instant, const_fn};
use core::fmt;
use core::time::Duration;

/// A [`Semaphore`] that never holds more permits than its initial number. A release beyond that number is an error,
/// which detects programs that release permits they have not acquired. Its size is eight bytes.
///
/// In all other respects, memory ordering included, it behaves as a [`Semaphore`].
///
/// # Python
/// `threading.BoundedSemaphore`; [`OverReleased`] corresponds to its `ValueError`.
///
/// ```
/// use selvedge::{BoundedSemaphore, OverReleased};
/// static GATE: BoundedSemaphore = BoundedSemaphore::new(5);
///
/// let permit = GATE.acquire();
/// drop(permit);
/// assert_eq!(GATE.release(1), Err(OverReleased));
/// ```
#[doc(alias = "threading.BoundedSemaphore")]
pub struct BoundedSemaphore {
    semaphore: Semaphore,
    limit: u32,
}

impl BoundedSemaphore {
    const_fn! {
        /// A semaphore with `limit` permits, which is also its maximum.
        ///
        /// # Panics
        /// If `limit` is more than [`Semaphore::MAX_PERMITS`].
        #[inline]
        pub fn new(limit: u32) -> BoundedSemaphore {
            BoundedSemaphore { semaphore: Semaphore::new(limit), limit }
        }
    }

    /// Acquires a permit if there is one; never blocks.
    ///
    /// ```
    /// assert!(selvedge::BoundedSemaphore::new(1).try_acquire().is_some());
    /// ```
    #[inline]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.semaphore.try_acquire().map(|permit| permit.with_limit(self.limit))
    }

    /// Acquires a permit, blocking until there is one.
    ///
    /// ```
    /// let gate = selvedge::BoundedSemaphore::new(1);
    /// let _permit = gate.acquire();
    /// ```
    #[inline]
    #[doc(alias("wait", "P", "__enter__"))]
    pub fn acquire(&self) -> Permit<'_> {
        self.semaphore.acquire().with_limit(self.limit)
    }

    /// Acquires a permit, blocking for at most `timeout`; a zero timeout makes one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if no permit was acquired before the timeout elapsed.
    ///
    /// ```
    /// let gate = selvedge::BoundedSemaphore::new(1);
    /// let _permit = gate.acquire();
    /// assert!(gate.acquire_timeout(std::time::Duration::from_millis(1)).is_err());
    /// ```
    #[inline]
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_>, TimedOut> {
        self.semaphore
            .acquire_timeout(timeout)
            .map(|permit| permit.with_limit(self.limit))
    }

    /// Acquires a permit, blocking until `deadline` at the latest; a deadline that has elapsed allows one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if no permit was acquired before the deadline.
    ///
    /// ```
    /// use selvedge::{BoundedSemaphore, Instant};
    /// assert!(BoundedSemaphore::new(1).acquire_deadline(Instant::now()).is_ok());
    /// ```
    #[inline]
    pub fn acquire_deadline(&self, deadline: Instant) -> Result<Permit<'_>, TimedOut> {
        self.semaphore
            .acquire_deadline(deadline)
            .map(|permit| permit.with_limit(self.limit))
    }

    /// Adds `count` permits and wakes up to `count` blocked threads.
    ///
    /// # Errors
    /// [`OverReleased`] if the sum would exceed the [`limit`](BoundedSemaphore::limit); no permit is added.
    ///
    /// ```
    /// let gate = selvedge::BoundedSemaphore::new(2);
    /// gate.acquire().forget();
    /// assert!(gate.release(2).is_err());
    /// assert_eq!(gate.available(), 1);
    /// ```
    #[inline]
    #[doc(alias("signal", "post", "V", "__exit__"))]
    pub fn release(&self, count: u32) -> Result<(), OverReleased> {
        self.semaphore.release_within(self.limit, count)
    }

    /// The number of permits. The result may be outdated when the call returns.
    ///
    /// ```
    /// assert_eq!(selvedge::BoundedSemaphore::new(3).available(), 3);
    /// ```
    #[inline]
    #[doc(alias("get_value", "_value"))]
    pub fn available(&self) -> u32 {
        self.semaphore.available()
    }

    /// The initial number of permits, which is also the maximum.
    ///
    /// ```
    /// assert_eq!(selvedge::BoundedSemaphore::new(3).limit(), 3);
    /// ```
    #[inline]
    #[doc(alias = "_initial_value")]
    pub fn limit(&self) -> u32 {
        self.limit
    }
}

impl Default for BoundedSemaphore {
    /// A semaphore with one permit, as in Python.
    fn default() -> BoundedSemaphore {
        BoundedSemaphore::new(1)
    }
}

impl fmt::Debug for BoundedSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundedSemaphore")
            .field("available", &self.available())
            .field("limit", &self.limit)
            .finish()
    }
}
