//! A lock that its owner may acquire again; Python's `threading.RLock`.
//!
//! # State
//! ```text
//!            acquire            acquire             acquire
//!   free ─────────────▶ depth 1 ───────▶ depth 2 ───────▶ … max_depth
//!     ▲                  │    ▲             │    ▲            │
//!     └──────────────────┘    └─────────────┘    └────────────┘
//!           release               release            release        each by the owner
//! ```
//! # Invariants
//! 1. `owner` is a thread's id only while that thread holds `lock`; only that thread stores or clears it. So a
//!    thread that reads its own id there holds the lock, and one that does not, does not.
//! 2. Only the owner touches `depth`, which is at least 1 while it is the owner.
//! 3. `lock` is released once, when `depth` comes down from 1, after `owner` was cleared.
//!
//! Laws R1 to R4 are checked in `loom-tests`; the specification is `fuzz/spec/rlock.rs`.

use super::error::{AcquireError, NotHeld, TimedOut, TryAcquireError};
use super::guard::Relock;
use super::lock::{Lock, LockGuard};
use crate::backend::atomic::{AtomicUsize, Ordering::Relaxed};
use crate::backend::{Instant, cell::UnsafeCell, const_fn, thread};
use core::fmt;
use core::marker::PhantomData;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::time::Duration;

const NO_OWNER: usize = 0; // no thread's id

/// A lock without data that the thread which holds it may acquire again, and which is free once it has been
/// released as often.
///
/// The guard stays on its thread. It lends no data: it does not exclude the same thread. A panic while a
/// guard lives releases that level; nothing is poisoned. A leaked guard leaves its level held until the owner
/// calls [`release`](RLock::release); if the owner ends first, the lock is held for ever, for ids of threads
/// are never reused.
///
/// Everything before the outermost release happens-before everything after the outermost acquire that follows.
///
/// # Python
/// `threading.RLock`. Acquiring deeper than [`MAX_DEPTH`](RLock::MAX_DEPTH) is an error there too.
///
/// ```
/// use selvedge::RLock;
/// static TREE: RLock = RLock::new();
///
/// fn depth_of(levels: u32) -> u32 {
///     let _guard = TREE.acquire(); // again at each level
///     if levels == 0 { TREE.depth() } else { depth_of(levels - 1) }
/// }
/// assert_eq!(depth_of(3), 4);
/// assert_eq!(TREE.depth(), 0);
/// ```
#[doc(alias("threading.RLock", "ReentrantLock", "ReentrantMutex"))]
pub struct RLock {
    lock: Lock,
    max_depth: u32,
    depth: UnsafeCell<u32>,
    owner: AtomicUsize,
}

// SAFETY: invariant 2: one thread at a time touches `depth`; the rest is `Sync`.
unsafe impl Sync for RLock {}

// A panic leaves it as it was.
impl UnwindSafe for RLock {}
impl RefUnwindSafe for RLock {}

/// Why the lock could not be taken, before a caller words it.
enum NotAcquired {
    Held,
    TooDeep,
}

impl RLock {
    /// How often the owner may hold the lock, unless it was made [shallower](RLock::with_max_depth).
    pub const MAX_DEPTH: u32 = u32::MAX;

    const_fn! {
        /// A free lock.
        #[inline]
        pub fn new() -> RLock {
            RLock::with_max_depth(RLock::MAX_DEPTH)
        }
    }

    const_fn! {
        /// A free lock that its owner may hold at most `max_depth` times.
        ///
        /// # Panics
        /// If `max_depth` is zero: such a lock could never be acquired.
        ///
        /// ```
        /// use selvedge::{RLock, sync::TryAcquireError};
        /// let lock = RLock::with_max_depth(1);
        /// let _guard = lock.acquire();
        /// assert_eq!(lock.try_acquire().unwrap_err(), TryAcquireError::TooDeep);
        /// ```
        pub fn with_max_depth(max_depth: u32) -> RLock {
            assert!(max_depth > 0, "an RLock needs a depth of at least one");
            RLock { lock: Lock::new(), max_depth, depth: UnsafeCell::new(0), owner: AtomicUsize::new(NO_OWNER) }
        }
    }

    /// Takes the lock if it is free or the caller's own; never blocks.
    ///
    /// # Errors
    /// [`TryAcquireError::Held`] by another thread, or [`TryAcquireError::TooDeep`].
    ///
    /// ```
    /// let lock = selvedge::RLock::new();
    /// let _outer = lock.acquire();
    /// assert!(lock.try_acquire().is_ok());
    /// ```
    #[inline]
    pub fn try_acquire(&self) -> Result<RLockGuard<'_>, TryAcquireError> {
        self.acquire_with(|| self.lock.try_acquire().ok_or(TimedOut))
            .map_err(|failure| match failure {
                NotAcquired::Held => TryAcquireError::Held,
                NotAcquired::TooDeep => TryAcquireError::TooDeep,
            })
    }

    /// Takes the lock, at once if it is the caller's own, and sleeps until it can.
    ///
    /// # Panics
    /// If the caller holds the lock as deep as it may be held; nothing changes. The other forms return an
    /// error instead.
    ///
    /// ```
    /// let lock = selvedge::RLock::new();
    /// let _outer = lock.acquire();
    /// let _inner = lock.acquire();
    /// ```
    #[inline]
    #[doc(alias("lock", "__enter__"))]
    pub fn acquire(&self) -> RLockGuard<'_> {
        match self.acquire_with(|| Ok(self.lock.acquire())) {
            Ok(guard) => guard,
            Err(_) => panic!("{}", AcquireError::TooDeep),
        }
    }

    /// Takes the lock, waiting for at most `timeout`; zero is one attempt.
    ///
    /// # Errors
    /// [`AcquireError::TimedOut`] if it did not find it free in time, or [`AcquireError::TooDeep`].
    ///
    /// ```
    /// let lock = selvedge::RLock::new();
    /// assert!(lock.acquire_timeout(std::time::Duration::from_secs(1)).is_ok());
    /// ```
    #[inline]
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<RLockGuard<'_>, AcquireError> {
        self.acquire_with(|| self.lock.acquire_timeout(timeout))
            .map_err(acquire_error)
    }

    /// Takes the lock, waiting until `deadline` at the latest; one that has passed is one attempt.
    ///
    /// # Errors
    /// [`AcquireError::TimedOut`] if it did not find it free in time, or [`AcquireError::TooDeep`].
    ///
    /// ```
    /// use selvedge::{Instant, RLock};
    /// assert!(RLock::new().acquire_deadline(Instant::now()).is_ok());
    /// ```
    #[inline]
    pub fn acquire_deadline(&self, deadline: Instant) -> Result<RLockGuard<'_>, AcquireError> {
        self.acquire_with(|| self.lock.acquire_deadline(deadline))
            .map_err(acquire_error)
    }

    /// Gives back one level; the lock is free when the last is given back. The pair of a guard that was
    /// [forgotten](RLockGuard::forget).
    ///
    /// # Errors
    /// [`NotHeld`] if the calling thread is not the owner, and nothing changes.
    ///
    /// ```
    /// use selvedge::{NotHeld, RLock};
    /// let lock = RLock::new();
    /// lock.acquire().forget();
    /// assert_eq!(std::thread::scope(|s| s.spawn(|| lock.release()).join().unwrap()), Err(NotHeld));
    /// assert_eq!(lock.release(), Ok(()));
    /// ```
    #[inline]
    #[doc(alias("unlock", "__exit__"))]
    pub fn release(&self) -> Result<(), NotHeld> {
        if !self.is_owned() {
            return Err(NotHeld);
        }
        // SAFETY: invariant 2: we are the owner.
        let depth = self.depth.with_mut(|depth| unsafe { &mut *depth });
        *depth -= 1;
        if *depth > 0 {
            return Ok(());
        }
        self.release_lock()
    }

    /// Whether any thread holds the lock; by the time you look, that may have changed.
    ///
    /// ```
    /// assert!(!selvedge::RLock::new().is_locked());
    /// ```
    #[inline]
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.lock.is_locked()
    }

    /// How often the calling thread holds the lock; 0 if it does not.
    ///
    /// ```
    /// let lock = selvedge::RLock::new();
    /// let _guard = lock.acquire();
    /// assert_eq!(lock.depth(), 1);
    /// ```
    #[inline]
    #[doc(alias("_recursion_count", "_is_owned"))]
    pub fn depth(&self) -> u32 {
        if !self.is_owned() {
            return 0;
        }
        // SAFETY: invariant 2: we are the owner.
        self.depth.with(|depth| unsafe { *depth })
    }

    #[inline]
    fn is_owned(&self) -> bool {
        // Relaxed: invariant 1: only we could have stored our id, and we see what we stored last.
        self.owner.load(Relaxed) == thread::id().get()
    }

    /// Frees the lock, whose depth is 0.
    #[inline]
    fn release_lock(&self) -> Result<(), NotHeld> {
        self.owner.store(NO_OWNER, Relaxed);
        self.lock.release()
    }

    /// One level more for the owner; for others, the lock as `take` gets it.
    #[inline]
    fn acquire_with<'a>(
        &'a self,
        acquire_lock: impl FnOnce() -> Result<LockGuard<'a>, TimedOut>,
    ) -> Result<RLockGuard<'a>, NotAcquired> {
        let this_thread = thread::id().get();
        // Relaxed: as in `is_owned`.
        if self.owner.load(Relaxed) != this_thread {
            acquire_lock().map_err(|TimedOut| NotAcquired::Held)?.forget();
            self.owner.store(this_thread, Relaxed);
        }
        // SAFETY: invariant 2: we are the owner.
        let depth = self.depth.with_mut(|depth| unsafe { &mut *depth });
        // Never so when the lock was just taken: the depth is 0 then, which is below any limit.
        if *depth == self.max_depth {
            return Err(NotAcquired::TooDeep);
        }
        *depth += 1;
        Ok(RLockGuard {
            lock: self,
            not_send: PhantomData,
        })
    }
}

fn acquire_error(failure: NotAcquired) -> AcquireError {
    match failure {
        NotAcquired::Held => AcquireError::TimedOut,
        NotAcquired::TooDeep => AcquireError::TooDeep,
    }
}

impl Default for RLock {
    /// A free lock.
    fn default() -> RLock {
        RLock::new()
    }
}

impl fmt::Debug for RLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RLock")
            .field("locked", &self.is_locked())
            .field("depth", &self.depth())
            .finish()
    }
}

/// One level of a held [`RLock`]: dropping it gives the level back. It stays on the thread that acquired it.
#[must_use = "the level is given back when the guard is dropped"]
pub struct RLockGuard<'a> {
    lock: &'a RLock,
    not_send: PhantomData<*const ()>, // not `Send`: only the owner releases
}

// SAFETY: a shared guard gives access to nothing (invariant 2 concerns its drop, which needs it whole).
unsafe impl Sync for RLockGuard<'_> {}

impl RLockGuard<'_> {
    /// Leaves the level held, to be given back by [`RLock::release`].
    ///
    /// ```
    /// let lock = selvedge::RLock::new();
    /// lock.acquire().forget();
    /// assert_eq!(lock.depth(), 1);
    /// ```
    #[inline]
    pub fn forget(self) {
        core::mem::forget(self);
    }
}

impl Relock for RLockGuard<'_> {
    type Saved = u32;

    fn lock_address(&self) -> *const () {
        core::ptr::from_ref(self.lock).cast()
    }

    /// Gives back all levels, and tells how many they were.
    fn unlock(&mut self) -> u32 {
        let depth = self.lock.depth();
        if depth > 0 {
            // SAFETY: invariant 2: we are the owner.
            self.lock.depth.with_mut(|depth| unsafe { *depth = 0 });
            let _ = self.lock.release_lock(); // held: it has a depth
        }
        depth
    }

    fn relock(&mut self, depth: u32) {
        if depth > 0 {
            self.lock.acquire().forget();
            // SAFETY: invariant 2: we are the owner.
            self.lock.depth.with_mut(|now| unsafe { *now = depth });
        }
    }
}

impl Drop for RLockGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // Given back by an unpaired release: nothing is ours any more.
        let _ = self.lock.release();
    }
}

impl fmt::Debug for RLockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RLockGuard").finish_non_exhaustive()
    }
}
