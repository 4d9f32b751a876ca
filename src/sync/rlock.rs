//! A lock that its owner may acquire again; Python's `threading.RLock`.
//!
//! # State
//! A [`Lock`], the id of its owner and the owner's depth: the number of levels it has acquired and not released.
//! ```text
//!            acquire             acquire             acquire
//!   free ─────────────▶ depth 1 ─────────▶ depth 2 ─────────▶ … max_depth
//!     ▲                  │    ▲               │    ▲              │
//!     └──────────────────┘    └───────────────┘    └──────────────┘
//!           release                release             release
//! ```
//! Only the owner makes the transitions between the depths.
//!
//! # Invariants
//! 1. `owner` is a thread's id only while that thread holds `lock`, and only that thread stores and clears it. So a
//!    thread that loads its own id holds the lock, and a thread that loads another value does not.
//! 2. Only the owner accesses `depth`. It is at least 1 while there is an owner, except during an
//!    acquire or a release.
//! 3. `lock` is released exactly once, when `depth` becomes 0, after `owner` was cleared.
//!
//! # Linearization points
//! Those of [`Lock`] for the outermost acquire and release. An inner acquire or release affects its own thread only.
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

const NO_OWNER: usize = 0; // never the id of a thread

/// A reentrant lock without data: the thread that holds it may acquire it again. The lock is free
/// once each acquire was matched by a release.
///
/// The guard is not `Send`. It gives access to no data, because it does not exclude its own
/// thread. A panic while a guard is alive releases that level; nothing is poisoned. A leaked
/// guard leaves its level acquired until the owner calls [`release`](RLock::release). If the
/// owner ends first, the lock stays held indefinitely: ids of threads are never reused.
///
/// The outermost release happens-before the outermost acquire that follows it.
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

// SAFETY: invariant 2: only one thread at a time accesses `depth`. The other fields are `Sync`.
unsafe impl Sync for RLock {}

// Nothing is poisoned: a panic leaves the lock as it is.
impl UnwindSafe for RLock {}
impl RefUnwindSafe for RLock {}

/// Why an acquire failed. Each public method maps it to its own error.
enum NotAcquired {
    Held,
    TooDeep,
}

impl RLock {
    /// The default maximum depth; [`with_max_depth`](RLock::with_max_depth) chooses a smaller one.
    pub const MAX_DEPTH: u32 = u32::MAX;

    const_fn! {
        /// A free lock.
        #[inline]
        pub fn new() -> RLock {
            RLock::with_max_depth(RLock::MAX_DEPTH)
        }
    }

    const_fn! {
        /// A free lock that its owner may acquire at most `max_depth` times.
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

    /// Acquires the lock if it is free or owned by the calling thread; never blocks.
    ///
    /// # Errors
    /// [`TryAcquireError::Held`] if another thread holds the lock; [`TryAcquireError::TooDeep`] at the maximum depth.
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

    /// Acquires the lock, blocking until it is available. The owner acquires it without blocking.
    ///
    /// # Panics
    /// If the calling thread holds the lock at the maximum depth; nothing changes. The other
    /// forms return an error instead.
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

    /// Acquires the lock, blocking for at most `timeout`; a zero timeout makes one attempt.
    ///
    /// # Errors
    /// [`AcquireError::TimedOut`] if the lock was not acquired before the timeout elapsed;
    /// [`AcquireError::TooDeep`] at the maximum depth.
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

    /// Acquires the lock, blocking until `deadline` at the latest; a deadline that has elapsed allows one attempt.
    ///
    /// # Errors
    /// [`AcquireError::TimedOut`] if the lock was not acquired before the deadline;
    /// [`AcquireError::TooDeep`] at the maximum depth.
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

    /// Releases one level; releasing the last level frees the lock. This is the counterpart of a guard that was
    /// [forgotten](RLockGuard::forget).
    ///
    /// # Errors
    /// [`NotHeld`] if the calling thread is not the owner; nothing changes.
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
        // SAFETY: invariant 2: this thread is the owner.
        let depth = self.depth.with_mut(|depth| unsafe { &mut *depth });
        *depth -= 1;
        if *depth > 0 {
            return Ok(());
        }
        self.release_lock()
    }

    /// Whether a thread holds the lock. The result may be outdated when the call returns.
    ///
    /// ```
    /// assert!(!selvedge::RLock::new().is_locked());
    /// ```
    #[inline]
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.lock.is_locked()
    }

    /// The number of levels that the calling thread holds; 0 if it is not the owner.
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
        // SAFETY: invariant 2: this thread is the owner.
        self.depth.with(|depth| unsafe { *depth })
    }

    #[inline]
    fn is_owned(&self) -> bool {
        // Relaxed (invariant 1): only this thread stores its own id, and it observes its own last store.
        self.owner.load(Relaxed) == thread::id().get()
    }

    /// Clears the owner and releases the lock (invariant 3). The caller has set the depth to 0.
    #[inline]
    fn release_lock(&self) -> Result<(), NotHeld> {
        self.owner.store(NO_OWNER, Relaxed);
        self.lock.release()
    }

    /// Acquires one more level if this thread is the owner; otherwise acquires the lock first, by `acquire_lock`.
    #[inline]
    fn acquire_with<'a>(
        &'a self,
        acquire_lock: impl FnOnce() -> Result<LockGuard<'a>, TimedOut>,
    ) -> Result<RLockGuard<'a>, NotAcquired> {
        let this_thread = thread::id().get();
        // Relaxed (invariant 1), as in `is_owned`.
        if self.owner.load(Relaxed) != this_thread {
            acquire_lock().map_err(|TimedOut| NotAcquired::Held)?.forget();
            self.owner.store(this_thread, Relaxed);
        }
        // SAFETY: invariant 2: this thread is the owner.
        let depth = self.depth.with_mut(|depth| unsafe { &mut *depth });
        // This is false if the lock was just acquired: the depth is 0, below any maximum.
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

/// One level of a held [`RLock`]. Dropping the guard releases the level. The guard stays on the
/// thread that acquired it.
#[must_use = "the level is given back when the guard is dropped"]
pub struct RLockGuard<'a> {
    lock: &'a RLock,
    not_send: PhantomData<*const ()>, // only the owner may release
}

// SAFETY: invariant 2: a shared reference to a guard gives no access to `depth`. Only `&mut` does, which stays on the
// owner, because the guard is not `Send`.
unsafe impl Sync for RLockGuard<'_> {}

impl RLockGuard<'_> {
    /// Leaves the level acquired; [`RLock::release`] releases it.
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

    /// Releases all levels and returns their number.
    fn unlock(&mut self) -> u32 {
        let depth = self.lock.depth();
        if depth > 0 {
            // SAFETY: invariant 2: this thread is the owner.
            self.lock.depth.with_mut(|depth| unsafe { *depth = 0 });
            let _ = self.lock.release_lock(); // not an error: the depth was above 0, so this thread holds the lock
        }
        depth
    }

    fn relock(&mut self, depth: u32) {
        if depth > 0 {
            self.lock.acquire().forget();
            // SAFETY: invariant 2: this thread is the owner.
            self.lock.depth.with_mut(|now| unsafe { *now = depth });
        }
    }
}

impl Drop for RLockGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // An error means that an unpaired `release` has already released the level: there is nothing left to release.
        let _ = self.lock.release();
    }
}

impl fmt::Debug for RLockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RLockGuard").finish_non_exhaustive()
    }
}
