//! A place where threads wait until all have come; Python's `threading.Barrier`.
//!
//! # State
//! Under a mutex: those who have come, in line, and whether the barrier is broken.
//! ```text
//!             a party comes           the last one comes: action, all pass
//!   empty ─────────────────▶ filling ──────────────────────────────────────▶ empty
//!     ▲ ▲                       │ timeout, abort, reset: all are turned away
//!     │ └──── reset ────────────┤
//!     └────── reset ──────── broken ◀── a panic of the action
//! ```
//! # Invariants
//! 1. Whoever stands in line waits for the round that is filling: fewer than `parties`, and none while it is broken.
//! 2. Whoever is taken out of the line is told how its round ended, in its own frame, so that nobody has to wait until
//!    those of the last round have left.
//! 3. A round that is full ends by its action, and nothing else: those who are taken out for it all pass, or are all
//!    turned away if the action panics.
//! 4. A waiter whose time is over breaks the barrier if it still stands in line, and then it is not counted any more. If
//!    not, its round has ended or is full.
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

/// A place where a number of threads, the parties, wait for each other, round after round.
///
/// The last party to come runs the action, if there is one, and then all pass. A party whose time is over breaks the
/// barrier: all who wait, and all who come later, get [`Broken`], until [`reset`](Barrier::reset) repairs it. So do
/// [`abort`](Barrier::abort) and an action that panics. A round passes whole or is broken whole.
///
/// A thread that comes a second time is a party of the next round, even if others have not left the last one. Nothing is
/// allocated: each waiter stands on its own stack.
///
/// Everything that the parties did before they came, and then the action, happens-before the return of each wait of
/// the round.
///
/// # Python
/// `threading.Barrier`. The party that timed out gets [`WaitError::TimedOut`], the others [`Broken`]. The default timeout
/// is left out. CPython's timed wait can wait for longer while a round drains; here nobody has to.
///
/// ```
/// use selvedge::Barrier;
/// static START: Barrier = Barrier::new(3);
///
/// std::thread::scope(|scope| {
///     let runners: Vec<_> = (0..3).map(|_| scope.spawn(|| START.wait().unwrap().index)).collect();
///     let mut places: Vec<_> = runners.into_iter().map(|runner| runner.join().unwrap()).collect();
///     places.sort();
///     assert_eq!(places, [0, 1, 2]);
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

/// A party's part in a round that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Turn {
    /// How many came before it: each number below [`parties`](Barrier::parties) once in a round.
    pub index: usize,
    /// Whether it came last. So one of the parties does.
    pub is_leader: bool,
}

impl Barrier {
    const_fn! {
        /// A barrier for this number of threads.
        ///
        /// # Panics
        /// If `parties` is zero: nobody could ever pass.
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

    /// How many threads it takes.
    ///
    /// ```
    /// assert_eq!(selvedge::Barrier::new(2).parties(), 2);
    /// ```
    #[inline]
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// How many have come for the present round; by the time you look, that may have changed.
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

    /// Breaks the barrier: all who wait, and all who come later, get [`Broken`], until it is
    /// [reset](Barrier::reset). A round that is full already, whose action runs, passes all the same.
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

    /// Makes the barrier as new: whole, and empty. All who wait get [`Broken`]. A round that is full already, whose
    /// action runs, passes all the same.
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
        /// A barrier whose last party runs `action`, once a round, before anybody passes.
        ///
        /// The action may abort, reset and ask the barrier, but must not wait at it: the round after this one cannot end
        /// before this one's action has, so that such a wait may last for ever. If the action panics, so does the `wait`
        /// that runs it; its round, and the barrier, are broken.
        ///
        /// # Panics
        /// If `parties` is zero: nobody could ever pass.
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

    /// Waits until all parties have come.
    ///
    /// # Errors
    /// [`Broken`] if the barrier is, or the round is broken while this thread waits.
    ///
    /// # Panics
    /// If this thread came last and the action panics.
    ///
    /// ```
    /// let barrier = selvedge::Barrier::new(2);
    /// std::thread::scope(|scope| {
    ///     let other = scope.spawn(|| barrier.wait().unwrap());
    ///     let turn = barrier.wait().unwrap();
    ///     assert_ne!(turn.is_leader, other.join().unwrap().is_leader);
    /// });
    /// ```
    pub fn wait(&self) -> Result<Turn, Broken> {
        self.arrive(|| None).map_err(|_| Broken)
    }

    /// [`wait`](Barrier::wait), for at most `timeout`: if the parties have not all come by then, this breaks the
    /// barrier. Zero does so unless all others have come. An action takes the time that it takes.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`] if this thread's time was over, or [`WaitError::Broken`].
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

    /// [`wait`](Barrier::wait), until `deadline` at the latest: if the parties have not all come by then, this breaks
    /// the barrier. An action takes the time that it takes.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`] if this thread's time was over, or [`WaitError::Broken`].
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

    /// The clock is not read if this party is the last.
    fn arrive(&self, deadline: impl FnOnce() -> Option<Instant>) -> Result<Turn, WaitError> {
        // Who has just passed meets the last party, which has told it so under the mutex.
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
        // SAFETY: `stay` leaves the frame as it must, nothing unwinds before, and we hold the mutex.
        unsafe { state.waiters.push(&waiter) };
        drop(state);
        self.await_generation(&waiter, deadline()).map(|()| Turn {
            index,
            is_leader: false,
        })
    }

    /// Runs the action, if there is one, without the mutex, and lets the round pass.
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
        // Parties of the next round may be as many, and come to run it too: they wait here.
        let mut action = action.acquire();
        action();
        full.outcome = PASSED;
    }

    /// Waits in line for the end of the round.
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
                deadline = None; // the round is full, and its action runs
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
    /// Ends the round for all who wait, and leaves the barrier broken or whole.
    fn break_generation(&mut self, broken: bool) {
        self.broken = broken;
        self.waiters.complete_all(BROKEN);
    }
}

/// A round that is full: dropped when its action has run or panicked, it answers all.
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
        // Read first: what it is printed into may use the barrier.
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
