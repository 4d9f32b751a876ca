//! A condition variable with exact notifications; Python's `threading.Condition`.
//!
//! # State
//! - `waiters`, behind a mutex of its own: the queue of the waiting threads, and the address of
//!   the lock that they released.
//! - `has_waiters`: whether the queue is non-empty. A notifier loads it without the mutex, so
//!   that it can return quickly.
//!
//! A wait has these steps:
//! ```text
//!                                 ┌─ removed by a notifier ─────────────▶ notified ──┐
//!   enqueue ──▶ release the lock ─┤                                                  ├──▶ re-acquire the lock
//!                                 └─ removes itself after its deadline ─▶ timed out ─┘
//! ```
//! # Invariants
//! 1. `has_waiters` is written under the mutex and equals "the queue is non-empty" whenever the
//!    mutex is free. A waiter is enqueued before it releases the lock. So a notifier that has
//!    acquired the lock after that release loads `true`:
//!    - waiter: holds the lock, enqueues itself, stores `true`, releases the lock
//!    - notifier: acquires the lock, changes the state that the waiter waits for, loads `true`
//! 2. All threads in the queue have released the same lock.
//! 3. A wait succeeds if and only if a notifier has removed the waiter from the queue. After its deadline a waiter
//!    removes itself. If a notifier has already removed it, the wait succeeds, so the notification is not lost.
//!
//! # Linearization points
//! Of the release and wait: the release of the lock. Of a notification: the removal of the waiters under the mutex,
//! or the load of `has_waiters` if that reads `false`. Of a timeout: the waiter's removal of itself under the mutex.
//!
//! Laws C1 to C7 are checked in `loom-tests`; the specification is `fuzz/spec/condition.rs`.

use super::error::TimedOut;
use super::guard::Guard;
use super::mutex::Mutex;
use super::waiter_queue::{Outcome, Waiter, WaiterQueue};
use crate::backend::atomic::{AtomicBool, Ordering::Relaxed};
use crate::backend::{Instant, const_fn};
use core::fmt;
use core::ptr;
use core::time::Duration;

const NOTIFIED: Outcome = 2;

/// A condition variable: threads that hold a lock wait until another thread notifies them.
///
/// A thread that holds a [`Lock`](crate::Lock), an [`RLock`](crate::RLock) or a [`Mutex`](crate::Mutex) calls
/// [`wait`](Condition::wait), which releases the lock, blocks until another thread notifies, and re-acquires the
/// lock. The release and the start of the wait are one atomic step, so no later notification is lost. All threads
/// that wait at the same time must use the same lock.
///
/// Notifications are exact: `notify(n)` wakes the `n` threads that have waited longest, and no
/// others. There are no spurious wake-ups: a wait returns only after a notification or its
/// timeout. A timed-out wait consumes no notification.
///
/// A notification that finds no waiting thread has no effect: it is not stored. If a waiting
/// thread panics, in its predicate for example, the condition is unaffected. Each waiter is
/// stored in its thread's stack frame: nothing is allocated.
///
/// A notification happens-before the return of each wait that it ends.
///
/// # Python
/// `threading.Condition`, but it owns no lock: the caller passes the guard. Python's `notify` requires the lock, this
/// one does not. CPython's timed wait can consume a notification and return `False`, so that another thread blocks
/// indefinitely; here this is impossible.
///
/// ```
/// use selvedge::{Condition, Mutex};
/// static QUEUE: Mutex<Vec<u32>> = Mutex::new(Vec::new());
/// static NOT_EMPTY: Condition = Condition::new();
///
/// let getter = std::thread::spawn(|| {
///     let mut queue = QUEUE.acquire();
///     NOT_EMPTY.wait_while(&mut queue, |queue| queue.is_empty());
///     queue.pop()
/// });
/// QUEUE.acquire().push(7);
/// NOT_EMPTY.notify_one();
/// assert_eq!(getter.join().unwrap(), Some(7));
/// ```
#[doc(alias("threading.Condition", "Condvar"))]
pub struct Condition {
    has_waiters: AtomicBool,
    waiters: Mutex<Waiters>,
}

struct Waiters {
    queue: WaiterQueue,
    lock: *const (),
}

// SAFETY: `lock` is only compared, never dereferenced; invariant 1 of `waiter_queue` covers the queue.
unsafe impl Send for Waiters {}

impl Condition {
    const_fn! {
        /// A condition without waiters.
        #[inline]
        pub fn new() -> Condition {
            let waiters = Waiters { queue: WaiterQueue::new(), lock: ptr::null() };
            Condition { has_waiters: AtomicBool::new(false), waiters: Mutex::new(waiters) }
        }
    }

    /// Releases the lock, blocks until another thread notifies, and re-acquires the lock. An [`RLock`](crate::RLock)
    /// is released completely and re-acquired with the same depth.
    ///
    /// Another thread may change the awaited state again before the lock is re-acquired; see
    /// [`wait_while`](Condition::wait_while).
    ///
    /// # Panics
    /// If another thread is waiting on this condition with a different lock. The lock stays held,
    /// and nothing has changed.
    ///
    /// ```
    /// use selvedge::{Condition, Lock};
    /// let (lock, condition) = (Lock::new(), Condition::new());
    /// std::thread::scope(|scope| {
    ///     let mut guard = lock.acquire();
    ///     scope.spawn(|| {
    ///         let _guard = lock.acquire(); // acquired only after the other thread has begun to wait
    ///         condition.notify_one();
    ///     });
    ///     condition.wait(&mut guard);
    /// });
    /// ```
    pub fn wait<G: Guard>(&self, guard: &mut G) {
        self.wait_until_notified(guard, None);
    }

    /// [`wait`](Condition::wait) for at most `timeout`, plus the time to re-acquire the lock. A zero timeout releases
    /// and re-acquires the lock once.
    ///
    /// # Errors
    /// [`TimedOut`] if no notification arrived before the timeout elapsed. The lock is held again.
    ///
    /// # Panics
    /// As [`wait`](Condition::wait).
    ///
    /// ```
    /// use selvedge::{Condition, Lock, TimedOut};
    /// let (lock, condition) = (Lock::new(), Condition::new());
    /// let mut guard = lock.acquire();
    /// assert_eq!(condition.wait_timeout(&mut guard, std::time::Duration::from_millis(1)), Err(TimedOut));
    /// assert!(lock.is_locked());
    /// ```
    #[doc(alias = "wait_for")]
    pub fn wait_timeout<G: Guard>(&self, guard: &mut G, timeout: Duration) -> Result<(), TimedOut> {
        self.wait_deadline(guard, Instant::now() + timeout)
    }

    /// [`wait`](Condition::wait) until `deadline` at the latest, plus the time to re-acquire the lock.
    ///
    /// # Errors
    /// [`TimedOut`] if no notification arrived before the deadline. The lock is held again.
    ///
    /// # Panics
    /// As [`wait`](Condition::wait).
    ///
    /// ```
    /// use selvedge::{Condition, Instant, Mutex, TimedOut};
    /// let (value, condition) = (Mutex::new(1), Condition::new());
    /// assert_eq!(condition.wait_deadline(&mut value.acquire(), Instant::now()), Err(TimedOut));
    /// ```
    #[doc(alias = "wait_until")]
    pub fn wait_deadline<G: Guard>(&self, guard: &mut G, deadline: Instant) -> Result<(), TimedOut> {
        self.wait_until_notified(guard, Some(deadline))
            .then_some(())
            .ok_or(TimedOut)
    }

    /// Waits while `condition` returns true. `condition` is evaluated with the lock held, first immediately and then
    /// after each notification. When this method returns, `condition` has returned false and the lock is held.
    ///
    /// # Panics
    /// As [`wait`](Condition::wait), and if `condition` panics. In that case the lock is still held.
    ///
    /// ```
    /// use selvedge::{Condition, Mutex};
    /// let (ready, condition) = (Mutex::new(false), Condition::new());
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         *ready.acquire() = true;
    ///         condition.notify_all();
    ///     });
    ///     condition.wait_while(&mut ready.acquire(), |ready| !**ready);
    /// });
    /// ```
    #[doc(alias = "wait_for")]
    pub fn wait_while<G: Guard>(&self, guard: &mut G, mut condition: impl FnMut(&mut G) -> bool) {
        while condition(guard) {
            self.wait(guard);
        }
    }

    /// [`wait_while`](Condition::wait_while) for at most `timeout`. A zero timeout evaluates
    /// `condition` at most twice.
    ///
    /// # Errors
    /// [`TimedOut`] if `condition` still returns true when it is evaluated once more after the timeout.
    ///
    /// # Panics
    /// As [`wait_while`](Condition::wait_while).
    ///
    /// ```
    /// use selvedge::{Condition, Mutex, TimedOut};
    /// use std::time::Duration;
    /// let (ready, condition) = (Mutex::new(false), Condition::new());
    /// let waited = condition.wait_while_timeout(&mut ready.acquire(), Duration::from_millis(1), |ready| !**ready);
    /// assert_eq!(waited, Err(TimedOut));
    /// ```
    #[doc(alias("wait_for", "wait_timeout_while"))]
    pub fn wait_while_timeout<G: Guard>(
        &self,
        guard: &mut G,
        timeout: Duration,
        condition: impl FnMut(&mut G) -> bool,
    ) -> Result<(), TimedOut> {
        self.wait_while_until(guard, || Instant::now() + timeout, condition)
    }

    /// [`wait_while`](Condition::wait_while) until `deadline` at the latest.
    ///
    /// # Errors
    /// [`TimedOut`] if `condition` still returns true when it is evaluated once more after the deadline.
    ///
    /// # Panics
    /// As [`wait_while`](Condition::wait_while).
    ///
    /// ```
    /// use selvedge::{Condition, Instant, Mutex};
    /// let (ready, condition) = (Mutex::new(true), Condition::new());
    /// assert!(condition.wait_while_deadline(&mut ready.acquire(), Instant::now(), |ready| !**ready).is_ok());
    /// ```
    #[doc(alias = "wait_until")]
    pub fn wait_while_deadline<G: Guard>(
        &self,
        guard: &mut G,
        deadline: Instant,
        condition: impl FnMut(&mut G) -> bool,
    ) -> Result<(), TimedOut> {
        self.wait_while_until(guard, || deadline, condition)
    }

    /// Wakes the thread that has waited longest. Returns false if no thread waits. The lock need not be held.
    ///
    /// ```
    /// assert!(!selvedge::Condition::new().notify_one());
    /// ```
    #[inline]
    pub fn notify_one(&self) -> bool {
        self.notify(1) == 1
    }

    /// Wakes the `count` threads that have waited longest, or all if there are fewer. Returns the number of threads
    /// woken. The lock need not be held.
    ///
    /// ```
    /// assert_eq!(selvedge::Condition::new().notify(2), 0);
    /// ```
    #[inline]
    pub fn notify(&self, count: usize) -> usize {
        // Relaxed: the lock orders this load after the store (invariant 1).
        if self.has_waiters.load(Relaxed) {
            self.notify_waiters(count)
        } else {
            0
        }
    }

    /// Wakes all waiting threads. Returns their number. The lock need not be held.
    ///
    /// ```
    /// assert_eq!(selvedge::Condition::new().notify_all(), 0);
    /// ```
    #[inline]
    #[doc(alias = "notifyAll")]
    pub fn notify_all(&self) -> usize {
        self.notify(usize::MAX)
    }

    /// The loop of the timed `wait_while` forms. The clock is not read if `condition` returns false the first time.
    fn wait_while_until<G: Guard>(
        &self,
        guard: &mut G,
        deadline: impl FnOnce() -> Instant,
        mut condition: impl FnMut(&mut G) -> bool,
    ) -> Result<(), TimedOut> {
        if !condition(guard) {
            return Ok(());
        }
        let deadline = deadline();
        loop {
            let notified = self.wait_deadline(guard, deadline);
            if !condition(guard) {
                return Ok(());
            }
            notified?;
        }
    }

    #[cold]
    fn notify_waiters(&self, count: usize) -> usize {
        let mut waiters = self.waiters.acquire();
        let mut notified = 0;
        while notified < count && waiters.queue.complete_first(NOTIFIED) {
            notified += 1;
        }
        if waiters.queue.len() == 0 {
            self.has_waiters.store(false, Relaxed);
        }
        notified
    }

    /// Performs the steps of a wait. Returns false if the deadline elapsed first. No step unwinds
    /// while the waiter is in the queue.
    fn wait_until_notified<G: Guard>(&self, guard: &mut G, deadline: Option<Instant>) -> bool {
        let waiter = Waiter::new();
        self.enqueue(&waiter, guard.lock_address());
        let saved = guard.unlock();
        let notified = waiter.spin_or_set_blocked(deadline) || {
            waiter.block(deadline);
            !self.try_dequeue(&waiter) // invariant 3
        };
        guard.relock(saved);
        notified
    }

    fn enqueue(&self, waiter: &Waiter, lock: *const ()) {
        let mut waiters = self.waiters.acquire();
        if waiters.queue.len() == 0 {
            waiters.lock = lock;
        }
        if !ptr::eq(waiters.lock, lock) {
            drop(waiters); // a panic hook may use this condition
            panic!("all waiters of a condition must use the same lock");
        }
        // SAFETY: invariants 2 and 4 of `waiter_queue`: this thread holds the mutex, and `wait_until_notified`, which
        // owns the waiter, returns only after `spin_or_set_blocked` or `try_dequeue` permits it.
        unsafe { waiters.queue.push(waiter) };
        if waiters.queue.len() == 1 {
            self.has_waiters.store(true, Relaxed);
        }
    }

    /// Removes the waiter from the queue, unless a notifier has removed it. Acquires the mutex in both cases, as
    /// invariant 4 of `waiter_queue` requires.
    fn try_dequeue(&self, waiter: &Waiter) -> bool {
        let mut waiters = self.waiters.acquire();
        let removed = waiters.queue.remove(waiter);
        if removed && waiters.queue.len() == 0 {
            self.has_waiters.store(false, Relaxed);
        }
        removed
    }
}

impl Default for Condition {
    /// A condition without waiters.
    fn default() -> Condition {
        Condition::new()
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition")
            .field("awaited", &self.has_waiters.load(Relaxed))
            .finish()
    }
}
