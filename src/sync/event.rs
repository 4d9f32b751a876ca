//! A flag that threads wait for; Python's `threading.Event`.
//!
//! # State
//! One atomic word: the flags SET and SLEEPERS, and in the upper 30 bits the generation g, which
//! counts the calls that set the event.
//! ```text
//!   g, no flag ──────────────── set ───────────────▶ g + 1, SET
//!    │      ▲                                          │    ▲
//!    │      └──────────────── clear ───────────────────┘    │
//!    │ a thread is about to block                           │ set, wake all blocked threads
//!    ▼                                                      │
//!   g, SLEEPERS ────────────────────────────────────────────┘
//! ```
//! # Invariants
//! 1. SET and SLEEPERS are never set together.
//! 2. A thread blocks on `word` only while the word holds SLEEPERS and the generation that this thread has loaded.
//! 3. A thread that replaces SLEEPERS by SET wakes all blocked threads.
//! 4. A waiter returns once the event is set or its generation has ended; `clear` does not restore a generation.
//!
//! # Orderings
//! A `set` that changes the word publishes with Release. Every write to `word` is a
//! read-modify-write, so it continues the release sequence: a later Acquire synchronizes with
//! that `set`, also through a `clear` or a waiter's SLEEPERS.
//!
//! Laws E1 to E5 are checked in `loom-tests`; the specification is `fuzz/spec/event.rs`.

use super::error::TimedOut;
use crate::backend::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::backend::{Instant, const_fn, futex, hint::Spin};
use core::fmt;
use core::time::Duration;

const SET: u32 = 1;
const SLEEPERS: u32 = 2;
const GENERATION: u32 = 4; // one generation, in the upper 30 bits of the word

/// A flag that one thread sets and other threads wait for. Its size is four bytes.
///
/// The event stays set until [`clear`](Event::clear). A thread that is waiting when [`set`](Event::set) is called
/// returns, even if `clear` is called before that thread runs.
///
/// A `set` that changes the event happens-before the return of each wait that it releases, and before the next
/// `clear`. A `set` on an event that is already set is only a load: it changes nothing and publishes nothing. This
/// matters to a thread that calls `clear`, then checks for work, then waits. It misses no work that is protected by a
/// lock, but it can miss work that is announced by a bare atomic flag.
///
/// A panic has no effect on an event. The generation wraps: a waiter that does not run while the event is set and
/// cleared exactly 2³⁰ times (or a multiple) can miss that.
///
/// # Python
/// `threading.Event`.
///
/// ```
/// use selvedge::Event;
/// static READY: Event = Event::new();
///
/// let waiter = std::thread::spawn(|| READY.wait());
/// READY.set();
/// READY.clear(); // if the waiter was waiting, it returns nevertheless
/// READY.set();
/// waiter.join().unwrap();
/// ```
#[doc(alias("threading.Event", "ManualResetEvent"))]
pub struct Event {
    word: AtomicU32,
}

impl Event {
    const_fn! {
        /// An event that is not set.
        #[inline]
        pub fn new() -> Event {
            Event { word: AtomicU32::new(0) }
        }
    }

    /// Whether the event is set. If so, the `set` that set it happens-before the return.
    ///
    /// ```
    /// let event = selvedge::Event::new();
    /// event.set();
    /// assert!(event.is_set());
    /// ```
    #[inline]
    #[doc(alias("isSet", "try_wait"))]
    pub fn is_set(&self) -> bool {
        self.load() & SET != 0
    }

    /// Sets the event and releases all waiting threads; has no effect if the event is set.
    ///
    /// ```
    /// let event = selvedge::Event::new();
    /// event.set();
    /// event.set();
    /// event.wait();
    /// ```
    #[inline]
    #[doc(alias("notify_all", "signal"))]
    pub fn set(&self) {
        let mut word = self.word.load(Relaxed);
        while word & SET == 0 {
            let next = ((word & !SLEEPERS) | SET).wrapping_add(GENERATION);
            // ORDERING: Release; synchronizes with the Acquire operations in `load`, `await_set` and `clear`: all
            // writes of this thread are visible to a thread that observes the event set.
            // Linearization point of a set: this CAS; if the event is already set, the load or
            // failed CAS that reads SET.
            match self.word.compare_exchange_weak(word, next, Release, Relaxed) {
                Ok(_) if word & SLEEPERS != 0 => return self.wake_all(), // invariant 3
                Ok(_) => return,
                Err(newer) => word = newer,
            }
        }
    }

    /// Clears the event. This wakes no thread, and threads that a `set` has released stay released.
    ///
    /// ```
    /// let event = selvedge::Event::new();
    /// event.set();
    /// event.clear();
    /// assert!(!event.is_set());
    /// ```
    #[inline]
    #[doc(alias = "reset")]
    pub fn clear(&self) {
        // An RMW, not a store: it keeps SLEEPERS, the generation and the release sequence of `set`.
        // ORDERING: Acquire; synchronizes with the Release CAS in `set`: a check for work after this clear sees the
        // work that was published before that `set`.
        // Linearization point of a clear: this `fetch_and`.
        self.word.fetch_and(!SET, Acquire);
    }

    /// Blocks until the event is set.
    ///
    /// ```
    /// let event = selvedge::Event::new();
    /// event.set();
    /// event.wait();
    /// ```
    #[inline]
    pub fn wait(&self) {
        if !self.is_set() {
            self.await_set(None);
        }
    }

    /// Blocks until the event is set, for at most `timeout`; a zero timeout makes one check.
    ///
    /// # Errors
    /// [`TimedOut`] if the event was not set before the timeout elapsed.
    ///
    /// ```
    /// let event = selvedge::Event::new();
    /// assert!(event.wait_timeout(std::time::Duration::from_millis(1)).is_err());
    /// ```
    #[inline]
    pub fn wait_timeout(&self, timeout: Duration) -> Result<(), TimedOut> {
        let released = self.is_set() || self.await_set(Some(Instant::now() + timeout));
        released.then_some(()).ok_or(TimedOut)
    }

    /// Blocks until the event is set or `deadline` has elapsed; a deadline that has elapsed allows one check.
    ///
    /// # Errors
    /// [`TimedOut`] if the event was not set before the deadline.
    ///
    /// ```
    /// use selvedge::{Event, Instant, TimedOut};
    /// assert_eq!(Event::new().wait_deadline(Instant::now()), Err(TimedOut));
    /// ```
    #[inline]
    pub fn wait_deadline(&self, deadline: Instant) -> Result<(), TimedOut> {
        let released = self.is_set() || self.await_set(Some(deadline));
        released.then_some(()).ok_or(TimedOut)
    }

    #[inline]
    fn load(&self) -> u32 {
        // ORDERING: Acquire; synchronizes with the Release CAS in `set`: all writes of the setter are visible.
        // Linearization point of `is_set`: this load. Of a wait that returns by invariant 4: the
        // `set` that ended its generation.
        self.word.load(Acquire)
    }

    /// Waits until the current generation ends. Returns false if the deadline elapsed first.
    #[cold]
    fn await_set(&self, deadline: Option<Instant>) -> bool {
        let initial = self.load() & !SLEEPERS;
        if initial & SET != 0 {
            return true;
        }
        let mut spin = Spin::for_hand_off(deadline);
        while spin.again() {
            if self.load() & !SLEEPERS != initial {
                return true; // invariant 4
            }
        }
        let with_sleepers = initial | SLEEPERS;
        loop {
            // A CAS, not a `fetch_or`: on a set event SLEEPERS would remain and cost a needless
            // wake-up (invariant 1).
            // ORDERING: Acquire (on failure); synchronizes with the Release CAS in `set`: all
            // writes of the setter are visible.
            match self.word.compare_exchange(initial, with_sleepers, Relaxed, Acquire) {
                Err(word) if word != with_sleepers => return true, // invariant 4
                _ => {}
            }
            if futex::wait(&self.word, with_sleepers, deadline) == futex::Wait::TimedOut {
                // The event may have been set before the deadline, while its setter has not called `wake_all` yet.
                // Linearization point of a call that times out: this load.
                return self.load() != with_sleepers;
            }
        }
    }

    #[cold]
    fn wake_all(&self) {
        futex::wake(&self.word, u32::MAX);
    }
}

impl Default for Event {
    /// An event that is not set.
    fn default() -> Event {
        Event::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("set", &self.is_set()).finish()
    }
}
