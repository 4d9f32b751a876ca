//! A lock that any thread may release; Python's `threading.Lock`.
//!
//! # State
//! One atomic word with two bits, HELD and SLEEPERS. CONTENDED is both.
//! ```text
//!           acquire          a thread is about to block             acquire
//!   FREE ────────────▶ HELD ────────────────────────────▶ CONTENDED ◀──────── SLEEPERS
//!   ▲  ▲                │ release                             │ release        ▲   │
//!   │  └────────────────┘                                     └────────────────┘   │
//!   └────────── the releaser clears SLEEPERS and wakes one blocked thread ─────────┘
//! ```
//! # Invariants
//! 1. A thread blocks on `word` only while `word == CONTENDED`. While a thread is blocked, SLEEPERS is set, or a
//!    releaser that has cleared it is about to wake a thread, or a woken thread has not yet retried.
//! 2. A releaser that leaves SLEEPERS set on a free lock clears the flag and wakes one blocked thread. If another
//!    thread acquires the lock first, the flag stays set, and the release of that thread does this.
//! 3. A thread that has blocked acquires the lock with SLEEPERS set, from FREE too, because other
//!    threads may still be blocked.
//! 4. A thread that sets HELD in a word without HELD is the only holder until HELD is cleared.
//!
//! # Orderings
//! Acquire and Release order what the lock protects. Every write to `word` is a read-modify-write, so it continues
//! the release sequence: an acquire synchronizes with all earlier releases. Blocking and waking need no ordering.
//!
//! Laws L1 to L6 are checked in `loom-tests`; the specification is `fuzz/spec/lock.rs`.

use super::error::{NotHeld, TimedOut};
use super::guard::Relock;
use crate::backend::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::backend::{Instant, const_fn, futex, hint::Spin, model_lock};
use core::fmt;
use core::time::Duration;

const FREE: u32 = 0;
const SLEEPERS: u32 = 1; // a flag bit: threads may be blocked, and a release must wake one
const HELD: u32 = 2;
const CONTENDED: u32 = HELD | SLEEPERS;

/// A lock without data, which any thread may release. Its size is four bytes.
///
/// The lock is unfair: a thread that was blocked competes with barging threads, which arrive while the lock is free.
/// A thread that acquires the lock while it already holds it deadlocks; see [`RLock`](crate::RLock). To protect data,
/// use [`Mutex`](crate::Mutex).
///
/// A panic while a guard is alive releases the lock; nothing is poisoned. A leaked guard leaves the lock held until a
/// thread calls [`release`](Lock::release).
///
/// A release happens-before the acquire that follows it.
///
/// # Python
/// `threading.Lock`. `acquire` returns a guard. [`LockGuard::forget`] together with [`release`](Lock::release) gives
/// Python's style without guards.
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

    /// Acquires the lock if it is free; never blocks.
    ///
    /// ```
    /// let lock = selvedge::Lock::new();
    /// assert!(lock.try_acquire().is_some());
    /// ```
    #[inline]
    pub fn try_acquire(&self) -> Option<LockGuard<'_>> {
        // Not `then_some`: it would construct the guard in any case, and the drop of an unused
        // guard releases the lock.
        self.try_acquire_as(HELD).then(|| LockGuard { lock: self })
    }

    /// Acquires the lock, blocking until it is available.
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

    /// [`acquire`](Lock::acquire) for a lock whose holder is about to release it: spins without backing off.
    #[inline]
    pub(super) fn acquire_eager(&self) -> LockGuard<'_> {
        self.acquire_with(Spin::for_hand_off)
    }

    #[inline]
    fn acquire_with(&self, spin: fn(Option<Instant>) -> Spin) -> LockGuard<'_> {
        model_lock::acquire(&self.word, || {
            if !self.try_acquire_uncontended() {
                self.acquire_contended(None, spin);
            }
        });
        LockGuard { lock: self }
    }

    /// Acquires the lock, blocking for at most `timeout`; a zero timeout makes one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if the lock was not acquired before the timeout elapsed.
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

    /// Acquires the lock, blocking until `deadline` at the latest; a deadline that has elapsed allows one attempt.
    ///
    /// # Errors
    /// [`TimedOut`] if the lock was not acquired before the deadline.
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

    /// Releases the lock, whichever thread holds it, and wakes one blocked thread. This is the
    /// counterpart of a guard that was [forgotten](LockGuard::forget). A call without such a
    /// guard releases the lock of the current holder, as in Python.
    ///
    /// # Errors
    /// [`NotHeld`] if the lock is free; nothing changes.
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
        model_lock::release(&self.word, || self.clear_held(), Ok(()))
    }

    /// Whether a thread holds the lock. The result may be outdated when the call returns.
    ///
    /// ```
    /// assert!(!selvedge::Lock::new().is_locked());
    /// ```
    #[inline]
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.word.load(Relaxed) & HELD != 0
    }

    /// Acquires the lock if it is free, and sets the word to `state`: HELD or CONTENDED. The load comes first so that
    /// an unsuccessful attempt does not take the cache line from the holder.
    #[inline]
    fn try_acquire_as(&self, state: u32) -> bool {
        // Linearization point of an unsuccessful attempt: the load or the failed CAS that reads HELD.
        let mut word = self.word.load(Relaxed);
        while word & HELD == 0 {
            match self.try_acquire_from(word, state) {
                Ok(_) => return true,
                Err(newer) => word = newer, // perhaps still free: a releaser has cleared SLEEPERS
            }
        }
        false
    }

    /// Acquires the lock if it is free and SLEEPERS is not set.
    #[inline]
    fn try_acquire_uncontended(&self) -> bool {
        self.try_acquire_from(FREE, HELD).is_ok()
    }

    /// Acquires a lock whose word is `free`; otherwise returns the word. SLEEPERS stays set if it was set (invariant 1).
    #[inline]
    fn try_acquire_from(&self, free: u32, state: u32) -> Result<u32, u32> {
        // ORDERING: Acquire; synchronizes with the Release `fetch_and` in `clear_held`: all
        // writes of earlier holders are visible.
        // Linearization point of an acquire: this CAS, or the swap in `acquire_contended`.
        self.word.compare_exchange(free, free | state, Acquire, Relaxed)
    }

    #[inline]
    fn clear_held(&self) -> Result<(), NotHeld> {
        // ORDERING: Release; synchronizes with the Acquire operations in `try_acquire_from` and `acquire_contended`:
        // all writes of this thread are visible to the next holder.
        // Linearization point of a release: this `fetch_and`.
        let word = self.word.fetch_and(!HELD, Release);
        // Test the remaining bits, so that this compiles to `lock and` and a conditional jump, faster than a swap.
        if word & !HELD != 0 {
            self.wake_one();
        }
        if word & HELD != 0 { Ok(()) } else { Err(NotHeld) }
    }

    /// Blocks until the lock is acquired. Returns false if the deadline elapsed first.
    #[cold]
    fn acquire_contended(&self, deadline: Option<Instant>, spin: fn(Option<Instant>) -> Spin) -> bool {
        let mut state = HELD;
        loop {
            // Spin after each wake-up too: a thread that blocked again immediately would make every release during a
            // long contended phase pay for a wake-up.
            let mut spin = spin(deadline);
            while spin.again() {
                if self.try_acquire_as(state) {
                    return true;
                }
            }
            // Invariant 1: a swap, not a CAS: it acquires the lock if the lock is free, and sets
            // SLEEPERS in any case.
            // ORDERING: Acquire; synchronizes with the Release `fetch_and` in `clear_held`: all
            // writes of earlier holders are visible.
            // Linearization point of a call that times out: its last swap, which found the lock held.
            if self.word.swap(CONTENDED, Acquire) & HELD == 0 {
                return true;
            }
            if futex::wait(&self.word, CONTENDED, deadline) == futex::Wait::TimedOut {
                return false;
            }
            state = CONTENDED; // invariant 3
        }
    }

    /// Clears SLEEPERS and wakes one blocked thread, unless another thread has acquired the lock (invariant 2).
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

/// Holds a [`Lock`]. Dropping the guard releases the lock, on whichever thread the guard is
/// dropped. If another thread has called [`release`](Lock::release) in the meantime, the drop
/// releases the lock of the current holder, if there is one.
#[must_use = "the lock is released when the guard is dropped"]
pub struct LockGuard<'a> {
    lock: &'a Lock,
}

impl LockGuard<'_> {
    /// Leaves the lock held; [`Lock::release`] releases it.
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
        let _ = self.lock.release(); // an error is ignored, as in the drop
    }

    fn relock(&mut self, (): ()) {
        self.lock.acquire().forget();
    }
}

impl Drop for LockGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // An error means that an unpaired `release` has already released the lock: there is nothing left to release.
        let _ = self.lock.release();
    }
}

impl fmt::Debug for LockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockGuard").finish_non_exhaustive()
    }
}
