//! A flag that threads wait for; Python's `threading.Event`.
//!
//! # State
//! One word: SET, SLEEPERS, and in the other 30 bits how often the event has been set (the generation).
//! ```text
//!   generation g, –  ──────────────── set ────────────▶  g + 1, SET
//!      │        ▲                                             │
//!      │        └──────────────────── clear ──────────────────┘
//!      │ a thread will sleep
//!      ▼
//!   generation g, SLEEPERS ────────── set, wake all ──▶  g + 1, SET
//! ```
//! # Invariants
//! 1. SET and SLEEPERS exclude each other.
//! 2. A thread goes to sleep on `word` only while it is SLEEPERS and the generation that it found.
//! 3. Whoever moves SLEEPERS to SET wakes all.
//! 4. A waiter returns once the event is set or its generation is over, which `clear` does not bring back.
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
const GENERATION: u32 = 4; // one, in the word's upper 30 bits

/// A flag that one thread sets and others wait for. Four bytes.
///
/// It stays set until [`clear`](Event::clear). A thread that waits when [`set`](Event::set) is called returns,
/// even if `clear` follows before it runs.
///
/// Everything before the `set` that sets the event happens-before the return of each wait that it releases, and
/// everything after the `clear` that follows it. A `set` that finds the event set is no more than a look: it
/// changes nothing and publishes nothing. Work that is announced by a `set`, and looked for after a `clear` and
/// before the next wait, is not missed if a lock guards it; if it is a bare atomic flag, it can be.
///
/// A panic leaves nothing behind. The event counts how often it was set: a waiter that does not get to run
/// while the event is set and cleared exactly 2³⁰ times, or a multiple, can miss that.
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
/// READY.clear(); // the waiter returns all the same if it was waiting
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

    /// Whether the event is set. What happened before it was set is visible if so.
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

    /// Sets the event and releases all who wait; does nothing if it is set.
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
            // ORDERING: Release pairs with the Acquire in `look`, `await_set` and `clear`: who sees it set sees all we did.
            match self.word.compare_exchange_weak(word, next, Release, Relaxed) {
                Ok(_) if word & SLEEPERS != 0 => return self.wake_all(), // invariant 3
                Ok(_) => return,
                Err(newer) => word = newer,
            }
        }
    }

    /// Unsets the event; nobody is woken, and those whom a `set` has released stay released.
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
        // An RMW, not a store: sleepers and the generation stay, and so does what `set` has published.
        // ORDERING: Acquire pairs with the Release in `set`: what is looked for after a clear was announced before.
        self.word.fetch_and(!SET, Acquire);
    }

    /// Sleeps until the event is set.
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

    /// Sleeps until the event is set, for at most `timeout`; zero is one look.
    ///
    /// # Errors
    /// [`TimedOut`] if it was not set all the time.
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

    /// Sleeps until the event is set, or `deadline`; one that has passed is one look.
    ///
    /// # Errors
    /// [`TimedOut`] if it was not set all the time.
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
        // ORDERING: Acquire pairs with the Release in `set`; what `clear` and sleepers do to the word are RMWs,
        // so that a waiter which reads theirs still sees what the setter did.
        self.word.load(Acquire)
    }

    /// Waits for the present generation to end; false once the deadline has passed.
    #[cold]
    fn await_set(&self, deadline: Option<Instant>) -> bool {
        let initial = self.load() & !SLEEPERS;
        if initial & SET != 0 {
            return true;
        }
        let mut spin = Spin::for_hand_over(deadline);
        while spin.again() {
            if self.load() & !SLEEPERS != initial {
                return true; // invariant 4
            }
        }
        let with_sleepers = initial | SLEEPERS;
        loop {
            // A CAS, not a bit set blindly: on a set event it would stay and cost a wake-up (invariant 1).
            // ORDERING: Acquire pairs with the Release in `set`, as in `look`.
            match self.word.compare_exchange(initial, with_sleepers, Relaxed, Acquire) {
                Err(word) if word != with_sleepers => return true, // invariant 4
                _ => {}
            }
            if futex::wait(&self.word, with_sleepers, deadline) == futex::Wait::TimedOut {
                // It may have been set, and its setter not yet come to wake us.
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
