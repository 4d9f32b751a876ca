//! A counter of permits; Python's `threading.Semaphore`.
//!
//! # State
//! One word: the permits in the upper 31 bits, SLEEPERS in the lowest.
//! ```text
//!   permits, SLEEPERS │ acquire                      │ release(n)
//!   n > 0    –        │ n - 1                        │ more permits
//!   0        –        │ set SLEEPERS, then sleep     │ n permits
//!   0        set      │ sleep                        │ n permits, clear SLEEPERS, wake n
//!   n > 0    set      │ n - 1, SLEEPERS stays        │ more permits, clear SLEEPERS, wake n
//! ```
//! # Invariants
//! 1. A thread goes to sleep on `word` only while it is 0 permits and SLEEPERS.
//! 2. Whoever clears SLEEPERS, adding n permits, wakes n sleepers.
//! 3. While a thread sleeps, SLEEPERS is set, or somebody between a wake-up and its next move will set it: whoever
//!    was woken sets it before it sleeps, takes a permit, or gives up.
//! 4. Whoever was woken and leaves permits behind wakes one more, which a release may have missed while the
//!    bit was clear.
//!
//! Laws S1 to S8 are checked in `loom-tests`; the specification is `fuzz/spec/semaphore.rs`.

use super::error::{OverReleased, TimedOut};
use crate::backend::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::backend::{Instant, const_fn, futex, hint::Spin};
use core::fmt;
use core::time::Duration;

const SLEEPERS: u32 = 1;
const PERMIT: u32 = 2;

fn permits(word: u32) -> u32 {
    word / PERMIT
}

/// A number of permits: [`acquire`](Semaphore::acquire) takes one and waits while there is none,
/// [`release`](Semaphore::release) adds some. Four bytes.
///
/// It does not know how many permits it began with; one that does is
/// [`BoundedSemaphore`](crate::BoundedSemaphore). Whoever finds a permit takes it: threads that slept have no
/// precedence.
///
/// A panic while a [`Permit`] lives gives it back. A leaked permit stays taken until somebody calls `release`.
///
/// Everything before a release happens-before everything after the acquire that takes its permit.
///
/// # Python
/// `threading.Semaphore`. `release(0)` does nothing, where Python raises; what is too large for Python's
/// memory is [`OverReleased`] here.
///
/// ```
/// use selvedge::Semaphore;
/// static CONNECTIONS: Semaphore = Semaphore::new(2);
///
/// let (_first, second) = (CONNECTIONS.acquire(), CONNECTIONS.acquire());
/// assert!(CONNECTIONS.try_acquire().is_none());
/// drop(second);
/// assert!(CONNECTIONS.try_acquire().is_some());
/// ```
#[doc(alias = "threading.Semaphore")]
pub struct Semaphore {
    word: AtomicU32,
}

impl Semaphore {
    /// The most permits that a semaphore can hold: 2³¹ − 1.
    pub const MAX_PERMITS: u32 = u32::MAX / PERMIT;

    const_fn! {
        /// A semaphore that holds `permits`.
        ///
        /// # Panics
        /// If `permits` is more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
        #[inline]
        pub fn new(permits: u32) -> Semaphore {
            assert!(permits <= Semaphore::MAX_PERMITS, "a semaphore cannot hold so many permits");
            Semaphore { word: AtomicU32::new(permits * PERMIT) }
        }
    }

    /// Takes a permit if there is one; never blocks.
    ///
    /// ```
    /// assert!(selvedge::Semaphore::new(0).try_acquire().is_none());
    /// ```
    #[inline]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.try_acquire_setting(0).then(|| self.permit())
    }

    /// Takes a permit, and sleeps until there is one.
    ///
    /// ```
    /// let semaphore = selvedge::Semaphore::new(1);
    /// let _permit = semaphore.acquire();
    /// assert_eq!(semaphore.available(), 0);
    /// ```
    #[inline]
    #[doc(alias("wait", "P", "__enter__"))]
    pub fn acquire(&self) -> Permit<'_> {
        if !self.try_acquire_setting(0) {
            self.acquire_contended(None);
        }
        self.permit()
    }

    /// Takes a permit, waiting for at most `timeout`; zero is one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if it did not find one in time.
    ///
    /// ```
    /// use std::time::Duration;
    /// assert!(selvedge::Semaphore::new(0).acquire_timeout(Duration::from_millis(1)).is_err());
    /// ```
    #[inline]
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_>, TimedOut> {
        let acquired = self.try_acquire_setting(0) || self.acquire_contended(Some(Instant::now() + timeout));
        acquired.then(|| self.permit()).ok_or(TimedOut)
    }

    /// Takes a permit, waiting until `deadline` at the latest; one that has passed is one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if it did not find one in time.
    ///
    /// ```
    /// use selvedge::{Instant, Semaphore};
    /// assert!(Semaphore::new(1).acquire_deadline(Instant::now()).is_ok());
    /// ```
    #[inline]
    pub fn acquire_deadline(&self, deadline: Instant) -> Result<Permit<'_>, TimedOut> {
        let acquired = self.try_acquire_setting(0) || self.acquire_contended(Some(deadline));
        acquired.then(|| self.permit()).ok_or(TimedOut)
    }

    /// Adds `count` permits and wakes as many sleepers; any thread may, whether it has acquired or not.
    ///
    /// # Errors
    /// [`OverReleased`] if that were more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS); none is added.
    ///
    /// ```
    /// use selvedge::{OverReleased, Semaphore};
    /// let semaphore = Semaphore::new(0);
    /// semaphore.release(2)?;
    /// assert_eq!(semaphore.available(), 2);
    /// assert_eq!(semaphore.release(Semaphore::MAX_PERMITS), Err(OverReleased));
    /// # Ok::<(), OverReleased>(())
    /// ```
    #[inline]
    #[doc(alias("signal", "post", "V", "__exit__"))]
    pub fn release(&self, count: u32) -> Result<(), OverReleased> {
        self.release_within(Semaphore::MAX_PERMITS, count)
    }

    /// How many permits there are; by the time you look, that may have changed.
    ///
    /// ```
    /// assert_eq!(selvedge::Semaphore::new(3).available(), 3);
    /// ```
    #[inline]
    #[doc(alias("get_value", "_value"))]
    pub fn available(&self) -> u32 {
        permits(self.word.load(Relaxed))
    }

    /// Adds all of `count` permits, or none if that were more than `limit`.
    #[inline]
    pub(super) fn release_within(&self, limit: u32, count: u32) -> Result<(), OverReleased> {
        if count == 0 {
            return Ok(()); // it would clear SLEEPERS and wake nobody
        }
        let mut word = self.word.load(Relaxed);
        loop {
            let available = permits(word);
            if count > limit.saturating_sub(available) {
                return Err(OverReleased);
            }
            // Without SLEEPERS: invariant 2 makes up for it.
            let added = (available + count) * PERMIT;
            // ORDERING: Release pairs with the Acquire in `try_take`: who takes a permit sees all we did.
            match self.word.compare_exchange_weak(word, added, Release, Relaxed) {
                Ok(_) => break,
                Err(newer) => word = newer,
            }
        }
        if word & SLEEPERS != 0 {
            self.wake(count);
        }
        Ok(())
    }

    /// Takes a permit if there is one, setting `mark` beside those that are left.
    #[inline]
    fn try_acquire_setting(&self, flag: u32) -> bool {
        let mut word = self.word.load(Relaxed);
        while permits(word) > 0 {
            let remaining = (word - PERMIT) | flag;
            // ORDERING: Acquire pairs with the Release in `release_within`: we see all that the releaser did.
            match self.word.compare_exchange_weak(word, remaining, Acquire, Relaxed) {
                // Invariant 4.
                Ok(_) if flag != 0 && permits(remaining) > 0 => {
                    self.wake(1);
                    return true;
                }
                Ok(_) => return true,
                Err(newer) => word = newer,
            }
        }
        false
    }

    /// Waits for a permit and takes it; false once the deadline has passed.
    #[cold]
    fn acquire_contended(&self, deadline: Option<Instant>) -> bool {
        let mut spin = Spin::for_lock(deadline);
        while spin.again() {
            if self.try_acquire_setting(0) {
                return true;
            }
        }
        loop {
            // Invariants 1 and 3: an RMW, so that no release between it and the sleep goes unseen.
            if permits(self.word.fetch_or(SLEEPERS, Relaxed)) == 0
                && futex::wait(&self.word, SLEEPERS, deadline) == futex::Wait::TimedOut
            {
                return false;
            }
            if self.try_acquire_setting(SLEEPERS) {
                return true;
            }
        }
    }

    #[cold]
    fn wake(&self, count: u32) {
        futex::wake(&self.word, count);
    }

    #[inline]
    fn permit(&self) -> Permit<'_> {
        Permit {
            semaphore: self,
            limit: Semaphore::MAX_PERMITS,
        }
    }
}

impl Default for Semaphore {
    /// A semaphore that holds one permit, as in Python.
    fn default() -> Semaphore {
        Semaphore::new(1)
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available", &self.available())
            .finish()
    }
}

/// A permit taken from a [`Semaphore`] or a [`BoundedSemaphore`](crate::BoundedSemaphore): dropping it gives
/// it back, on whichever thread. Where a bounded semaphore is full again meanwhile, the drop does nothing.
#[must_use = "the permit is given back when it is dropped"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
    limit: u32,
}

impl<'a> Permit<'a> {
    /// The same permit, given back only while the semaphore holds less than `limit`.
    #[inline]
    pub(super) fn with_limit(self, limit: u32) -> Permit<'a> {
        let semaphore = self.semaphore;
        self.forget();
        Permit { semaphore, limit }
    }

    /// Leaves the permit taken; a `release` gives it back.
    ///
    /// ```
    /// let semaphore = selvedge::Semaphore::new(1);
    /// semaphore.acquire().forget();
    /// assert_eq!(semaphore.available(), 0);
    /// ```
    #[inline]
    pub fn forget(self) {
        core::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        // Released by somebody without a permit: there is no room to give ours back.
        let _ = self.semaphore.release_within(self.limit, 1);
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
