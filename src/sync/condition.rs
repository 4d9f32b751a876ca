//! Waiting for what others do under a lock; Python's `threading.Condition`.
//!
//! # State
//! A line of waiters under a mutex of its own, the lock that they have let go of, and whether there is anybody in line, to
//! be read without the mutex.
//!
//! # Invariants
//! 1. `occupied` says whether the line has anybody in it; it is written under the mutex. A waiter stands in line before
//!    it releases the lock, so a notifier that has held the lock since then reads `true`:
//!    - waiter: holds the lock, stands in line, stores `true`, releases the lock
//!    - notifier: acquires the lock, changes what was waited for, loads `true`
//! 2. All who stand in line have let go of the same lock.
//! 3. A wait succeeds if and only if a notifier took the waiter out of the line. A waiter whose time is over takes itself
//!    out, and if it can't, because it has been notified, the wait succeeds: no notification is swallowed.
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

/// Waits for what other threads do under a lock.
///
/// A thread that holds a [`Lock`](crate::Lock), an [`RLock`](crate::RLock) or a [`Mutex`](crate::Mutex) calls
/// [`wait`](Condition::wait), which releases it, sleeps until another thread notifies, and acquires it again. Release and
/// sleep are one: whoever notifies later has the waiter in line. All threads that wait at a time must have held the same
/// lock.
///
/// Notifications are exact: `notify(n)` makes the `n` that have waited longest return, and nobody else. A wait never
/// returns without having been notified, and one that times out has consumed no notification.
///
/// A panic of a thread that waits, in its predicate say, leaves nothing behind but what its guard does. A notification is
/// not remembered for those who come later. Each waiter stands on its own stack: nothing is allocated.
///
/// Everything before a notification happens-before the return of each wait that it ends.
///
/// # Python
/// `threading.Condition`, without a lock of its own: it is given the guard. There `notify` needs the lock, here it works
/// without. CPython's timed wait can return `False` and consume a notification all the same, and then another thread
/// sleeps for ever; this one can't.
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

// SAFETY: the pointer is compared, never followed.
unsafe impl Send for Waiters {}

impl Condition {
    const_fn! {
        /// A condition for which nobody waits.
        #[inline]
        pub fn new() -> Condition {
            let waiters = Waiters { queue: WaiterQueue::new(), lock: ptr::null() };
            Condition { has_waiters: AtomicBool::new(false), waiters: Mutex::new(waiters) }
        }
    }

    /// Releases the lock, sleeps until another thread notifies, and acquires the lock again: an
    /// [`RLock`](crate::RLock) as deep as it was held.
    ///
    /// What was waited for may have been undone before the lock was acquired again; see
    /// [`wait_while`](Condition::wait_while).
    ///
    /// # Panics
    /// If another thread waits and held another lock. The lock is still held, and nothing has changed.
    ///
    /// ```
    /// use selvedge::{Condition, Lock};
    /// let (lock, condition) = (Lock::new(), Condition::new());
    /// std::thread::scope(|scope| {
    ///     let mut guard = lock.acquire();
    ///     scope.spawn(|| {
    ///         let _guard = lock.acquire(); // only when the other waits
    ///         condition.notify_one();
    ///     });
    ///     condition.wait(&mut guard);
    /// });
    /// ```
    pub fn wait<G: Guard>(&self, guard: &mut G) {
        self.wait_until_notified(guard, None);
    }

    /// [`wait`](Condition::wait), for at most `timeout`; acquiring the lock again takes what it takes. Zero gives
    /// others a moment with the lock.
    ///
    /// # Errors
    /// [`TimedOut`] if nobody notified this thread in time. The lock is held again.
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

    /// [`wait`](Condition::wait), until `deadline` at the latest; acquiring the lock again takes what it takes.
    ///
    /// # Errors
    /// [`TimedOut`] if nobody notified this thread in time. The lock is held again.
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

    /// Waits as long as `condition` holds. It is asked under the lock, at once and after each notification; when this
    /// returns, it does not hold, and the lock is held.
    ///
    /// # Panics
    /// As [`wait`](Condition::wait), and if `condition` does: the lock is held then.
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

    /// [`wait_while`](Condition::wait_while), for at most `timeout`; zero asks twice.
    ///
    /// # Errors
    /// [`TimedOut`] if `condition` holds still, asked once more when the time is over.
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

    /// [`wait_while`](Condition::wait_while), until `deadline` at the latest.
    ///
    /// # Errors
    /// [`TimedOut`] if `condition` holds still, asked once more when the time is over.
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

    /// Ends the wait of the thread that has waited longest; false if nobody waits. The lock need not be held.
    ///
    /// ```
    /// assert!(!selvedge::Condition::new().notify_one());
    /// ```
    #[inline]
    pub fn notify_one(&self) -> bool {
        self.notify(1) == 1
    }

    /// Ends the waits of the `count` threads that have waited longest, or of all if there are fewer, and tells how
    /// many. The lock need not be held.
    ///
    /// ```
    /// assert_eq!(selvedge::Condition::new().notify(2), 0);
    /// ```
    #[inline]
    pub fn notify(&self, count: usize) -> usize {
        // Relaxed: invariant 1.
        if self.has_waiters.load(Relaxed) {
            self.notify_waiters(count)
        } else {
            0
        }
    }

    /// Ends the waits of all threads that wait, and tells how many. The lock need not be held.
    ///
    /// ```
    /// assert_eq!(selvedge::Condition::new().notify_all(), 0);
    /// ```
    #[inline]
    #[doc(alias = "notifyAll")]
    pub fn notify_all(&self) -> usize {
        self.notify(usize::MAX)
    }

    /// The clock is not read if there is nothing to wait for.
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

    /// Waits in line without the lock: false if the time was over first. Nothing in here unwinds while the waiter stands
    /// in line.
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
            panic!("threads wait for one condition with two locks");
        }
        // SAFETY: `sleep`, whose frame it is, leaves it as it must, and we hold the mutex.
        unsafe { waiters.queue.push(waiter) };
        if waiters.queue.len() == 1 {
            self.has_waiters.store(true, Relaxed);
        }
    }

    /// False if the waiter was taken out before. In any case the mutex has been held.
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
    /// A condition for which nobody waits.
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
