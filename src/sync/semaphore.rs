//! A counter of permits; Python's `threading.Semaphore`.
//!
//! # State
//! One atomic word: the number of permits in the upper 31 bits, the flag SLEEPERS in the lowest bit.
//! ```text
//!   permits │ SLEEPERS │ acquire                       │ release(n)
//!   k > 0   │ clear    │ k - 1 permits                 │ k + n permits
//!   0       │ clear    │ set SLEEPERS, then block      │ n permits
//!   0       │ set      │ block                         │ n permits, clear SLEEPERS, wake n threads
//!   k > 0   │ set      │ k - 1 permits, flag stays set │ k + n permits, clear SLEEPERS, wake n threads
//! ```
//! # Invariants
//! 1. A thread blocks on `word` only while there are 0 permits and SLEEPERS is set.
//! 2. A releaser that adds n permits and clears SLEEPERS wakes n blocked threads.
//! 3. While a thread is blocked, SLEEPERS is set, or a woken thread will set it with its next write to `word`: a
//!    woken thread sets the flag both when it acquires a permit and before it blocks again.
//! 4. A woken thread that acquires a permit and leaves others wakes one more thread: a release that ran while the
//!    flag was clear has added permits without waking a thread.
//!
//! # Orderings
//! A release happens-before the acquire that takes its permit. Every write to `word` is a read-modify-write, so it
//! continues the release sequence: an acquire synchronizes with all earlier releases.
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

/// A number of permits: [`acquire`](Semaphore::acquire) takes one and blocks while there is none;
/// [`release`](Semaphore::release) adds permits. Its size is four bytes.
///
/// A semaphore does not limit its permits to the initial number; a [`BoundedSemaphore`](crate::BoundedSemaphore)
/// does. It is unfair: a thread that was blocked competes with barging threads, which arrive while there is a permit.
///
/// A panic while a [`Permit`] is alive releases the permit. A leaked permit stays acquired until
/// a thread calls `release`.
///
/// A release happens-before the acquire that takes its permit.
///
/// # Python
/// `threading.Semaphore`. `release(0)` has no effect, where Python raises. A number of permits beyond
/// [`MAX_PERMITS`](Semaphore::MAX_PERMITS) is [`OverReleased`], where Python is limited by memory only.
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
    /// The maximum number of permits of a semaphore: 2³¹ − 1.
    pub const MAX_PERMITS: u32 = u32::MAX / PERMIT;

    const_fn! {
        /// A semaphore with `permits` permits.
        ///
        /// # Panics
        /// If `permits` is more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
        #[inline]
        pub fn new(permits: u32) -> Semaphore {
            assert!(permits <= Semaphore::MAX_PERMITS, "a semaphore holds at most MAX_PERMITS permits");
            Semaphore { word: AtomicU32::new(permits * PERMIT) }
        }
    }

    /// Acquires a permit if there is one; never blocks.
    ///
    /// ```
    /// assert!(selvedge::Semaphore::new(0).try_acquire().is_none());
    /// ```
    #[inline]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.try_acquire_setting(0).then(|| self.permit())
    }

    /// Acquires a permit, blocking until there is one.
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

    /// Acquires a permit, blocking for at most `timeout`; a zero timeout makes one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if no permit was acquired before the timeout elapsed.
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

    /// Acquires a permit, blocking until `deadline` at the latest; a deadline that has elapsed allows one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if no permit was acquired before the deadline.
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

    /// Adds `count` permits and wakes up to `count` blocked threads. Any thread may call it, also
    /// one without a permit.
    ///
    /// # Errors
    /// [`OverReleased`] if the sum would exceed [`MAX_PERMITS`](Semaphore::MAX_PERMITS); no permit is added.
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

    /// The number of permits. The result may be outdated when the call returns.
    ///
    /// ```
    /// assert_eq!(selvedge::Semaphore::new(3).available(), 3);
    /// ```
    #[inline]
    #[doc(alias("get_value", "_value"))]
    pub fn available(&self) -> u32 {
        permits(self.word.load(Relaxed))
    }

    /// Adds `count` permits, or none if the sum would exceed `limit`.
    #[inline]
    pub(super) fn release_within(&self, limit: u32, count: u32) -> Result<(), OverReleased> {
        if count == 0 {
            return Ok(()); // the CAS below would clear SLEEPERS, and no thread would be woken
        }
        let mut word = self.word.load(Relaxed);
        loop {
            let available = permits(word);
            if count > limit.saturating_sub(available) {
                return Err(OverReleased);
            }
            // This clears SLEEPERS; the wake-up below follows (invariant 2).
            let added = (available + count) * PERMIT;
            // ORDERING: Release; synchronizes with the Acquire CAS in `try_acquire_setting`: all writes of this
            // thread are visible to a thread that takes one of the permits.
            // Linearization point of a release: this CAS; of an error, the load or failed CAS
            // that reads too many permits.
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

    /// Acquires a permit if there is one. On success also sets the bits of `flag`: 0 or SLEEPERS.
    #[inline]
    fn try_acquire_setting(&self, flag: u32) -> bool {
        let mut word = self.word.load(Relaxed);
        while permits(word) > 0 {
            let remaining = (word - PERMIT) | flag;
            // ORDERING: Acquire; synchronizes with the Release CAS in `release_within`: all
            // writes of the releaser are visible.
            // Linearization point of an acquire: this CAS. Of an unsuccessful attempt: the load
            // or failed CAS that reads no permits.
            match self.word.compare_exchange_weak(word, remaining, Acquire, Relaxed) {
                // Invariant 4: this thread was woken, and permits remain.
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

    /// Blocks until a permit is acquired. Returns false if the deadline elapsed first.
    #[cold]
    fn acquire_contended(&self, deadline: Option<Instant>) -> bool {
        let mut spin = Spin::for_lock(deadline);
        while spin.again() {
            if self.try_acquire_setting(0) {
                return true;
            }
        }
        loop {
            // Invariants 1 and 3: an RMW, not a load: a later release sees SLEEPERS, an earlier one is seen here.
            // Linearization point of a call that times out: its last `fetch_or`, which found no permit.
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
    /// A semaphore with one permit, as in Python.
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

/// A permit acquired from a [`Semaphore`] or a [`BoundedSemaphore`](crate::BoundedSemaphore).
/// Dropping it releases the permit, on whichever thread. If a bounded semaphore has reached its
/// limit in the meantime, the drop has no effect.
#[must_use = "the permit is given back when it is dropped"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
    limit: u32,
}

impl<'a> Permit<'a> {
    /// The same permit, whose drop never raises the number of permits above `limit`.
    #[inline]
    pub(super) fn with_limit(self, limit: u32) -> Permit<'a> {
        let semaphore = self.semaphore;
        self.forget();
        Permit { semaphore, limit }
    }

    /// Keeps the permit acquired after the drop; a later `release` adds it again.
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
        // An error means that a `release` without a permit has already filled the semaphore:
        // nothing is left to release.
        let _ = self.semaphore.release_within(self.limit, 1);
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
