//! A point at which a fixed number of threads wait for each other; Python's `threading.Barrier`.
//!
//! Each time `parties` threads have arrived, one *generation* is complete, and all its threads pass.
//!
//! # State
//! Behind a mutex: the queue of the threads that have arrived in the current generation, and
//! whether the barrier is broken.
//! ```text
//!            a thread arrives              the last thread arrives: all pass
//!   empty ─────────────────────▶ filling ───────────────────────────────────▶ empty
//!     │                             │
//!     │ abort                       │ timeout, abort: all waiters get `Broken`
//!     ▼                             ▼
//!   broken ◀────────────────────────┘
//! ```
//! `reset` leads from each state to empty; the waiters of a filling generation get `Broken`.
//!
//! If the barrier has an action, the last thread of a generation removes all its waiters from the queue and runs the
//! action without the mutex. Meanwhile the next generation fills. If the action panics, the barrier becomes broken.
//!
//! # Invariants
//! 1. All threads in the queue wait for the generation that is filling. There are fewer than `parties`, and none
//!    while the barrier is broken.
//! 2. A thread that removes waiters from the queue writes the outcome of their generation into their frames. So an
//!    arriving thread never has to wait until the threads of an earlier generation have left.
//! 3. A full generation ends only by its action: all its waiters pass if the action returns, and
//!    all get `Broken` if it panics.
//! 4. A waiter that is still in the queue after its deadline breaks the barrier and is no longer counted. A waiter
//!    that is no longer in the queue belongs to a generation that has ended or is full.
//!
//! # Linearization points
//! All calls linearize while they hold the mutex: an arrival when it is enqueued, or when it completes the
//! generation; a timeout, an abort and a reset when they set `broken`.
//!
//! Laws B1 to B8 are checked in `loom-tests`; the specification is `fuzz/spec/barrier.rs`.

use super::error::{Broken, WaitError};
use super::mutex::{Mutex, MutexGuard};
use super::waiter_queue::{Outcome, Waiter, WaiterQueue};
use crate::backend::{Instant, const_fn};
use core::fmt;
use core::time::Duration;

const PASSED: Outcome = 2;
const BROKEN: Outcome = 3;

/// A point at which a fixed number of threads wait for each other, generation after generation.
///
/// The last thread to arrive runs the action, if there is one; then all threads of the generation pass. A thread
/// whose timeout elapses breaks the barrier: all waiting threads, and all that arrive later, get [`Broken`], until
/// [`reset`](Barrier::reset) repairs the barrier. [`abort`](Barrier::abort) and an action that panics break it too.
/// Either all threads of a generation pass, or none.
///
/// A thread that arrives again belongs to the next generation, even if other threads have not yet returned from the
/// previous one. Each waiter is stored in its thread's stack frame: nothing is allocated.
///
/// All arrivals of a generation happen-before its action, and the action happens-before each
/// return of that generation.
///
/// # Python
/// `threading.Barrier`. The thread that times out gets [`WaitError::TimedOut`], the other threads get [`Broken`].
/// There is no default timeout. In CPython a timed wait can exceed its timeout while the previous generation drains;
/// here no thread waits for that.
///
/// ```
/// use selvedge::Barrier;
/// static START: Barrier = Barrier::new(3);
///
/// std::thread::scope(|scope| {
///     let runners: Vec<_> = (0..3).map(|_| scope.spawn(|| START.wait().unwrap().index)).collect();
///     let mut indices: Vec<_> = runners.into_iter().map(|runner| runner.join().unwrap()).collect();
///     indices.sort();
///     assert_eq!(indices, [0, 1, 2]);
/// });
/// ```
#[doc(alias("threading.Barrier", "CyclicBarrier"))]
pub struct Barrier<A = fn()> {
    parties: usize,
    state: Mutex<State>,
    action: Option<Mutex<A>>,
}

struct State {
    waiters: WaiterQueue,
    broken: bool,
}

/// The result of a wait that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Turn {
    /// The number of threads that arrived before this one. Each generation has each index below `parties` once.
    pub index: usize,
    /// Whether this thread arrived last. Exactly one thread per generation is the leader.
    pub is_leader: bool,
}

impl Barrier {
    const_fn! {
        /// A barrier for `parties` threads.
        ///
        /// # Panics
        /// If `parties` is zero.
        ///
        /// ```
        /// assert!(selvedge::Barrier::new(1).wait().unwrap().is_leader);
        /// ```
        pub fn new(parties: usize) -> Barrier {
            Barrier::with_parts(parties, None)
        }
    }
}

impl<A> Barrier<A> {
    const_fn! {
        fn with_parts(parties: usize, action: Option<Mutex<A>>) -> Barrier<A> {
            assert!(parties > 0, "a barrier needs at least one party");
            Barrier { parties, state: Mutex::new(State { waiters: WaiterQueue::new(), broken: false }), action }
        }
    }

    /// The number of threads per generation.
    ///
    /// ```
    /// assert_eq!(selvedge::Barrier::new(2).parties(), 2);
    /// ```
    #[inline]
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// The number of threads that are waiting in the current generation. The result may be
    /// outdated when the call returns.
    ///
    /// ```
    /// assert_eq!(selvedge::Barrier::new(2).waiting(), 0);
    /// ```
    #[doc(alias = "n_waiting")]
    pub fn waiting(&self) -> usize {
        self.state.acquire().waiters.len()
    }

    /// Whether the barrier is broken.
    ///
    /// ```
    /// let barrier = selvedge::Barrier::new(2);
    /// barrier.abort();
    /// assert!(barrier.is_broken());
    /// ```
    #[doc(alias = "broken")]
    pub fn is_broken(&self) -> bool {
        self.state.acquire().broken
    }

    /// Breaks the barrier: all waiting threads, and all that arrive later, get [`Broken`], until the barrier is
    /// [reset](Barrier::reset). A full generation whose action is running is not affected: it passes.
    ///
    /// ```
    /// use selvedge::{Barrier, Broken};
    /// let barrier = Barrier::new(1);
    /// barrier.abort();
    /// assert_eq!(barrier.wait(), Err(Broken));
    /// ```
    pub fn abort(&self) {
        self.state.acquire().break_generation(true);
    }

    /// Makes the barrier empty and unbroken. All waiting threads get [`Broken`]. A full generation whose action is
    /// running is not affected: it passes.
    ///
    /// ```
    /// let barrier = selvedge::Barrier::new(1);
    /// barrier.abort();
    /// barrier.reset();
    /// assert!(barrier.wait().is_ok());
    /// ```
    pub fn reset(&self) {
        self.state.acquire().break_generation(false);
    }
}

impl<A: FnMut() + Send> Barrier<A> {
    const_fn! {
        /// A barrier whose last thread of each generation runs `action` before any thread of that generation passes.
        ///
        /// The action may call `abort`, `reset` and the observers of this barrier. It must not wait on the barrier:
        /// the next generation cannot end before this action returns, so the wait may block indefinitely. If the
        /// action panics, the `wait` that runs it panics too, and the generation and the barrier are broken.
        ///
        /// # Panics
        /// If `parties` is zero.
        ///
        /// ```
        /// let mut rounds = 0;
        /// let barrier = selvedge::Barrier::with_action(1, || rounds += 1);
        /// barrier.wait().unwrap();
        /// barrier.wait().unwrap();
        /// drop(barrier);
        /// assert_eq!(rounds, 2);
        /// ```
        pub fn with_action(parties: usize, action: A) -> Barrier<A> {
            Barrier::with_parts(parties, Some(Mutex::new(action)))
        }
    }

    /// Waits until all threads of the generation have arrived.
    ///
    /// # Errors
    /// [`Broken`] if the barrier is broken, or becomes broken or is reset while this thread waits.
    ///
    /// # Panics
    /// If this thread arrived last and the action panics.
    ///
    /// ```
    /// let barrier = selvedge::Barrier::new(2);
    /// std::thread::scope(|scope| {
    ///     let other = scope.spawn(|| barrier.wait().unwrap());
    ///     let result = barrier.wait().unwrap();
    ///     assert_ne!(result.is_leader, other.join().unwrap().is_leader);
    /// });
    /// ```
    pub fn wait(&self) -> Result<Turn, Broken> {
        self.arrive(|| None).map_err(|_| Broken)
    }

    /// [`wait`](Barrier::wait) for at most `timeout`. If the last thread has not arrived when the
    /// timeout elapses, this call breaks the barrier. A zero timeout breaks it unless this thread
    /// is the last. The time of the action is not limited.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`] if this thread's timeout elapsed; [`WaitError::Broken`] as for
    /// [`wait`](Barrier::wait).
    ///
    /// # Panics
    /// As [`wait`](Barrier::wait).
    ///
    /// ```
    /// use selvedge::{Barrier, Broken, sync::WaitError};
    /// let barrier = Barrier::new(2);
    /// assert_eq!(barrier.wait_timeout(std::time::Duration::from_millis(1)), Err(WaitError::TimedOut));
    /// assert_eq!(barrier.wait(), Err(Broken));
    /// ```
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Turn, WaitError> {
        self.arrive(|| Some(Instant::now() + timeout))
    }

    /// [`wait`](Barrier::wait) until `deadline` at the latest. If the last thread has not arrived at the deadline,
    /// this call breaks the barrier. The time of the action is not limited.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`] if the deadline elapsed; [`WaitError::Broken`] as for [`wait`](Barrier::wait).
    ///
    /// # Panics
    /// As [`wait`](Barrier::wait).
    ///
    /// ```
    /// use selvedge::{Barrier, Instant};
    /// assert!(Barrier::new(1).wait_deadline(Instant::now()).is_ok());
    /// ```
    pub fn wait_deadline(&self, deadline: Instant) -> Result<Turn, WaitError> {
        self.arrive(|| Some(deadline))
    }

    /// All forms of `wait`. The clock is not read if this thread arrives last.
    fn arrive(&self, deadline: impl FnOnce() -> Option<Instant>) -> Result<Turn, WaitError> {
        // A thread that arrives again right after it passed finds the mutex held by the last thread of its previous
        // generation, which completes waiters under the mutex and releases it soon: so spin without backing off.
        let mut state = self.state.acquire_eager();
        if state.broken {
            return Err(WaitError::Broken);
        }
        let index = state.waiters.len();
        if index + 1 == self.parties {
            self.complete_generation(state);
            return Ok(Turn { index, is_leader: true });
        }
        let waiter = Waiter::new();
        // SAFETY: invariants 2 and 4 of `waiter_queue`: this thread holds the mutex. `await_generation` returns only
        // after the waiter was completed or removed, and nothing unwinds before it is called.
        unsafe { state.waiters.push(&waiter) };
        drop(state);
        self.await_generation(&waiter, deadline()).map(|()| Turn {
            index,
            is_leader: false,
        })
    }

    /// Runs the action, if there is one, without the mutex, and completes all waiters of the full generation.
    fn complete_generation(&self, mut state: MutexGuard<'_, State>) {
        let Some(action) = &self.action else {
            return state.waiters.complete_all(PASSED);
        };
        let waiters = state.waiters.dequeue_all();
        drop(state);
        let mut full = FullGeneration {
            state: &self.state,
            waiters,
            outcome: BROKEN,
        };
        // The next generation may be full before this action returns. Its last thread then blocks here.
        let mut action = action.acquire();
        action();
        full.outcome = PASSED;
    }

    /// Waits until the waiter's generation ends, or until the deadline.
    fn await_generation(&self, waiter: &Waiter, mut deadline: Option<Instant>) -> Result<(), WaitError> {
        if !waiter.spin_or_set_blocked(deadline) {
            loop {
                waiter.block(deadline);
                let mut state = self.state.acquire();
                if state.waiters.remove(waiter) {
                    state.break_generation(true); // invariant 4
                    return Err(WaitError::TimedOut);
                }
                if waiter.outcome().is_some() {
                    break;
                }
                deadline = None; // invariant 4: the generation is full, and its action is running
            }
        }
        if waiter.outcome() == Some(PASSED) {
            Ok(())
        } else {
            Err(WaitError::Broken)
        }
    }
}

impl State {
    /// Ends the generation that is filling: all its waiters get `Broken`. Leaves the barrier broken or unbroken.
    fn break_generation(&mut self, broken: bool) {
        self.broken = broken;
        self.waiters.complete_all(BROKEN);
    }
}

/// A full generation whose action runs. The drop completes all its waiters: with BROKEN if the action has panicked.
struct FullGeneration<'a> {
    state: &'a Mutex<State>,
    waiters: WaiterQueue,
    outcome: Outcome,
}

impl Drop for FullGeneration<'_> {
    fn drop(&mut self) {
        let mut state = self.state.acquire();
        if self.outcome == BROKEN {
            state.break_generation(true);
        }
        self.waiters.complete_all(self.outcome);
    }
}

impl<A> fmt::Debug for Barrier<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Barrier");
        out.field("parties", &self.parties);
        // Copy the values first: the formatter may call code that uses this barrier.
        match self
            .state
            .try_acquire()
            .map(|state| (state.waiters.len(), state.broken))
        {
            Some((waiting, broken)) => out.field("waiting", &waiting).field("broken", &broken).finish(),
            None => out.finish_non_exhaustive(),
        }
    }
}
