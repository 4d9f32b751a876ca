//! A lock that any thread may release; Python's `threading.Lock`.
//!
//! # State
//! ```text
//!   FREE ──acquire──▶ HELD ──somebody will sleep──▶ CONTENDED ◀──acquire── SLEEPERS
//!    ▲ ▲               │ release                        │ release           ▲  │ wake one
//!    │ └───────────────┘                                └───────────────────┘  │
//!    └─────────────────────────────────────────────────────────────────────────┘
//! ```
//! # Invariants
//! 1. A thread goes to sleep on `word` only while it is CONTENDED. While one sleeps, `word` has the mark SLEEPERS, or a
//!    wake-up is due, or a thread that was woken has not yet moved.
//! 2. Whoever releases and leaves the mark takes it off and wakes one, unless another has taken the lock by then: it will
//!    leave the mark in its turn.
//! 3. Whoever has slept acquires with the mark, for others may still sleep.
//! 4. Whoever moves `word` to HELD or CONTENDED from a state without HELD is the only holder until it has none again.
//!
//! Laws L1 to L5 are checked in `loom-tests`; the specification is `fuzz/spec/lock.rs`.

use super::error::{NotHeld, TimedOut};
use super::guard::Relock;
use crate::backend::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::backend::{Instant, const_fn, futex, hint::Spin, proved};
use core::fmt;
use core::time::Duration;

const FREE: u32 = 0;
const SLEEPERS: u32 = 1; // a mark: whoever releases must wake someone
const HELD: u32 = 2;
const CONTENDED: u32 = HELD | SLEEPERS;

/// A lock without data, which any thread may release. Four bytes.
///
/// Whoever finds it free takes it: threads that slept have no precedence over threads that come by. A thread
/// that acquires it twice waits for itself for ever; see [`RLock`](crate::RLock). To guard data, use
/// [`Mutex`](crate::Mutex).
///
/// A panic while a guard lives releases the lock; nothing is poisoned. A leaked guard leaves it held until
/// somebody calls [`release`](Lock::release).
///
/// Everything before a release happens-before everything after the acquire that follows it.
///
/// # Python
/// `threading.Lock`. `acquire` gives a guard; [`LockGuard::forget`] with [`release`](Lock::release) is
/// Python's unguarded style.
///
/// ```
/// static LOCK: selvedge::Lock = selvedge::Lock::new();
///
/// let guard = LOCK.acquire();
/// assert!(LOCK.try_acquire().is_none());
/// std::thread::spawn(|| drop(guard)).join().unwrap(); // another thread may release
/// assert!(!LOCK.is_locked());
/// ```
#[doc(alias = "threading.Lock")]
pub struct Lock {
    word: AtomicU32,
}

impl Lock {
    const_fn! {
        /// A free lock.
        #[inline]
        pub fn new() -> Lock {
            Lock { word: AtomicU32::new(FREE) }
        }
    }

    /// Takes the lock if it is free; never blocks.
    ///
    /// ```
    /// let lock = selvedge::Lock::new();
    /// assert!(lock.try_acquire().is_some());
    /// ```
    #[inline]
    pub fn try_acquire(&self) -> Option<LockGuard<'_>> {
        // Never `then_some`: a guard built and dropped would release.
        self.try_acquire_as(HELD).then(|| LockGuard { lock: self })
    }

    /// Takes the lock, and sleeps until it can.
    ///
    /// ```
    /// let lock = selvedge::Lock::new();
    /// let _guard = lock.acquire();
    /// ```
    #[inline]
    #[doc(alias("lock", "__enter__"))]
    pub fn acquire(&self) -> LockGuard<'_> {
        self.acquire_with(Spin::for_lock)
    }

    /// [`acquire`](Lock::acquire), by who comes back at once from a holder that was about to let go: it does not look away.
    #[inline]
    pub(super) fn acquire_eager(&self) -> LockGuard<'_> {
        self.acquire_with(Spin::for_hand_over)
    }

    #[inline]
    fn acquire_with(&self, spin: fn(Option<Instant>) -> Spin) -> LockGuard<'_> {
        proved::acquire(&self.word, || {
            if !self.try_acquire_uncontended() {
                self.acquire_contended(None, spin);
            }
        });
        LockGuard { lock: self }
    }

    /// Takes the lock, waiting for at most `timeout`; zero is one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if it did not find it free in time.
    ///
    /// ```
    /// use std::time::Duration;
    /// let lock = selvedge::Lock::new();
    /// let _guard = lock.acquire_timeout(Duration::MAX)?;
    /// assert!(lock.acquire_timeout(Duration::from_millis(1)).is_err());
    /// # Ok::<(), selvedge::TimedOut>(())
    /// ```
    #[inline]
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<LockGuard<'_>, TimedOut> {
        let acquired =
            self.try_acquire_uncontended() || self.acquire_contended(Some(Instant::now() + timeout), Spin::for_lock);
        acquired.then(|| LockGuard { lock: self }).ok_or(TimedOut)
    }

    /// Takes the lock, waiting until `deadline` at the latest; one that has passed is one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if it did not find it free in time.
    ///
    /// ```
    /// use selvedge::{Instant, Lock};
    /// assert!(Lock::new().acquire_deadline(Instant::now()).is_ok());
    /// ```
    #[inline]
    pub fn acquire_deadline(&self, deadline: Instant) -> Result<LockGuard<'_>, TimedOut> {
        let acquired = self.try_acquire_uncontended() || self.acquire_contended(Some(deadline), Spin::for_lock);
        acquired.then(|| LockGuard { lock: self }).ok_or(TimedOut)
    }

    /// Frees the lock, whoever holds it, and wakes a sleeper. The pair of a guard that was
    /// [forgotten](LockGuard::forget); unpaired, it frees the present holder, as in Python.
    ///
    /// # Errors
    /// [`NotHeld`] if the lock is free, and nothing changes.
    ///
    /// ```
    /// use selvedge::{Lock, NotHeld};
    /// let lock = Lock::new();
    /// lock.acquire().forget();
    /// assert_eq!(lock.release(), Ok(()));
    /// assert_eq!(lock.release(), Err(NotHeld));
    /// ```
    #[inline]
    #[doc(alias("unlock", "__exit__"))]
    pub fn release(&self) -> Result<(), NotHeld> {
        proved::release(&self.word, || self.clear_held(), Ok(()))
    }

    /// Whether somebody holds the lock; by the time you look, that may have changed.
    ///
    /// ```
    /// assert!(!selvedge::Lock::new().is_locked());
    /// ```
    #[inline]
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.word.load(Relaxed) & HELD != 0
    }

    /// Takes the lock if it is free, leaving it HELD or CONTENDED. It looks before it writes: a failed attempt leaves the cache
    /// line with the holder.
    #[inline]
    fn try_acquire_as(&self, state: u32) -> bool {
        let word = self.word.load(Relaxed);
        word & HELD == 0 && self.try_acquire_from(word, state)
    }

    /// Takes the lock if it is free and nobody sleeps.
    #[inline]
    fn try_acquire_uncontended(&self) -> bool {
        self.try_acquire_from(FREE, HELD)
    }

    /// The mark stays (invariant 1).
    #[inline]
    fn try_acquire_from(&self, free: u32, state: u32) -> bool {
        // ORDERING: Acquire pairs with the Release in `set_free`: we see all that the last holder did.
        self.word.compare_exchange(free, free | state, Acquire, Relaxed).is_ok()
    }

    #[inline]
    fn clear_held(&self) -> Result<(), NotHeld> {
        // ORDERING: Release pairs with the Acquire in `take` and `contend`: the next holder sees all we did.
        let word = self.word.fetch_and(!HELD, Release);
        // Asked of what is left: that the processor tells with the AND itself, which takes less time than a swap.
        if word & !HELD != 0 {
            self.wake_one();
        }
        if word & HELD != 0 { Ok(()) } else { Err(NotHeld) }
    }

    /// Waits for the lock and takes it; false once the deadline has passed.
    #[cold]
    fn acquire_contended(&self, deadline: Option<Instant>, spin: fn(Option<Instant>) -> Spin) -> bool {
        let mut state = HELD;
        loop {
            // Also after a sleep: who sleeps again at once makes every release of a long section pay for a wake-up.
            let mut spin = spin(deadline);
            while spin.again() {
                if self.try_acquire_as(state) {
                    return true;
                }
            }
            // Invariant 1: a swap, not a CAS: it marks the lock, or takes it if it is free.
            // ORDERING: Acquire pairs with the Release in `set_free`, as in `take`.
            if self.word.swap(CONTENDED, Acquire) & HELD == 0 {
                return true;
            }
            if futex::wait(&self.word, CONTENDED, deadline) == futex::Wait::TimedOut {
                return false;
            }
            state = CONTENDED; // invariant 3
        }
    }

    /// Invariant 2.
    #[cold]
    fn wake_one(&self) {
        if self.word.compare_exchange(SLEEPERS, FREE, Relaxed, Relaxed).is_ok() {
            futex::wake(&self.word, 1);
        }
    }
}

impl Default for Lock {
    /// A free lock.
    fn default() -> Lock {
        Lock::new()
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("locked", &self.is_locked()).finish()
    }
}

/// A held [`Lock`]: dropping it releases, on whichever thread it is dropped. On a lock that is free, because
/// somebody [released](Lock::release) it meanwhile, the drop does nothing; one that was then taken again it frees.
#[must_use = "the lock is released when the guard is dropped"]
pub struct LockGuard<'a> {
    lock: &'a Lock,
}

impl LockGuard<'_> {
    /// Leaves the lock held, to be freed by [`Lock::release`].
    ///
    /// ```
    /// let lock = selvedge::Lock::new();
    /// lock.acquire().forget();
    /// assert!(lock.is_locked());
    /// ```
    #[inline]
    pub fn forget(self) {
        core::mem::forget(self);
    }
}

impl Relock for LockGuard<'_> {
    type Saved = ();

    fn lock_address(&self) -> *const () {
        core::ptr::from_ref(self.lock).cast()
    }

    fn unlock(&mut self) {
        let _ = self.lock.release(); // as in the drop
    }

    fn relock(&mut self, (): ()) {
        self.lock.acquire().forget();
    }
}

impl Drop for LockGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // An error if an unpaired release has freed it: nothing is ours any more.
        let _ = self.lock.release();
    }
}

impl fmt::Debug for LockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockGuard").finish_non_exhaustive()
    }
}
