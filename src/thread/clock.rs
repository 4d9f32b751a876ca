//! The timers that wait, and the few threads that run what is due.
//!
//! # State
//! One worker leads: it sleeps until the first timer is due, takes it off, calls another worker to lead, and runs it. So
//! none waits for the one before it.
//! ```text
//!                  hired, or called                  its timer is due
//!   (no thread) ──────────────────────▶ LEADS ─────────────────────────▶ RUNS
//!        ▲                              │   ▲                             │
//!        │ nothing came for a while     │   │ nobody leads                │
//!        ├──────────────────────────────┘   └─────────────────────────────┤
//!        │ nobody called for a while                somebody else leads   ▼
//!        └───────────────────────────────────────────────────────────── WAITS
//! ```
//! # Invariants
//! 1. A timer runs or is cancelled: whoever takes it off `pending`, under the lock, decides.
//! 2. While a timer is pending, somebody leads, or runs and will look, or is being called to lead.
//! 3. Whoever leads and sleeps does so until the first timer at the latest.
//! 4. No code of the user's runs while the lock is held.
//!
//! Laws TI1 and TI2 are checked in `loom-tests`.

use super::hook::catch_quietly;
use super::registry::Registry;
use super::timer::{Action, Fate, Timer};
use crate::backend::{Arc, Instant, global, thread};
use crate::sync::{Condition, Mutex, MutexGuard};
use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;

global! {
    static GLOBAL: Clock = Clock::new(super::registry::global());
}

/// The program's own.
pub(super) fn global() -> &'static Clock {
    &GLOBAL
}

/// For how long a worker without work stays.
const LINGER: Duration = Duration::from_millis(100);

/// Runs timers: on one thread while none of them takes long, and on as many as there are slow ones.
///
/// Its threads are not on the registry, and end soon after the last timer. [`Timer::start`] uses the program's own.
/// Clones are the same clock.
///
/// ```
/// use selvedge::thread::{Clock, Registry};
/// use std::time::Duration;
/// let clock = Clock::new(&Registry::new());
/// let timer = clock.start(Duration::from_secs(60), || ())?;
/// assert!(timer.cancel());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Clock {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    /// Where the leader sleeps.
    sooner: Condition,
    /// Where idle workers sleep.
    called: Condition,
    registry: Registry,
}

/// When a timer is due, and its number: those of one moment run in the order in which they were started.
pub(super) type Key = (Instant, u64);

pub(super) struct Pending {
    pub(super) fate: Arc<Fate>,
    pub(super) action: Action,
}

struct State {
    pending: BTreeMap<Key, Pending>,
    leader: Leader,
    last: u64,
}

#[derive(Clone, Copy)]
enum Leader {
    Nobody,
    Awake,
    Asleep { until: Instant },
}

impl Clock {
    /// A clock without timers and threads, which tells the registry's panic hook of those that panic.
    pub fn new(registry: &Registry) -> Clock {
        let state = Mutex::new(State { pending: BTreeMap::new(), leader: Leader::Nobody, last: 0 });
        let (sooner, called, registry) = (Condition::new(), Condition::new(), registry.clone());
        Clock { inner: Arc::new(Inner { state, sooner, called, registry }) }
    }

    /// [`Timer::start`], on this clock.
    ///
    /// # Errors
    /// What the system says if it refuses the clock's first thread: there is no timer then.
    pub fn start(&self, after: Duration, run: impl FnOnce() + Send + 'static) -> io::Result<Timer> {
        self.start_at(Instant::now() + after, run)
    }

    /// [`Timer::start_at`], on this clock.
    ///
    /// # Errors
    /// As [`start`](Clock::start).
    pub fn start_at(&self, due: Instant, run: impl FnOnce() + Send + 'static) -> io::Result<Timer> {
        self.add(due, Action::Once(Box::new(run)))
    }

    /// [`Timer::every`], on this clock.
    ///
    /// # Errors
    /// As [`start`](Clock::start).
    pub fn every(&self, period: Duration, run: impl FnMut() + Send + 'static) -> io::Result<Timer> {
        self.add(Instant::now() + period, Action::Every(period, Box::new(run)))
    }

    /// How many timers wait for their time.
    pub fn pending(&self) -> usize {
        self.inner.state.acquire().pending.len()
    }

    fn add(&self, due: Instant, action: Action) -> io::Result<Timer> {
        let mut state = self.inner.state.acquire();
        state.last += 1;
        let key = (due, state.last);
        let fate = Arc::new(Fate::new(key));
        state.pending.insert(key, Pending { fate: Arc::clone(&fate), action });
        if let Leader::Nobody = state.leader {
            if let Err(refused) = self.inner.call(&mut state) {
                let pending = state.pending.remove(&key);
                drop(state);
                drop(pending); // invariant 4
                return Err(refused);
            }
        } else if state.is_late_for(due) {
            drop(state);
            self.inner.sooner.notify_one();
        }
        Ok(Timer::new(self.clone(), fate))
    }

    /// Takes a timer off if it waits for its time (invariant 1). Whether it will never run.
    pub(super) fn take_off(&self, fate: &Fate) -> (Option<Pending>, bool) {
        let mut state = self.inner.state.acquire();
        let (key, never) = fate.cancel();
        let taken = key.and_then(|key| state.pending.remove(&key));
        // The leader need not stay for a time that means nothing any more. If it goes soon, it is let alone, or each start
        // and cancel would wake it.
        if taken.is_some() && state.pending.is_empty() && state.is_late_for(Instant::now() + LINGER) {
            drop(state);
            self.inner.sooner.notify_one();
        }
        (taken, never)
    }
}

impl State {
    /// Whether the leader would sleep too long for this moment; then the caller must rouse it (invariant 3).
    fn is_late_for(&mut self, moment: Instant) -> bool {
        let late = matches!(self.leader, Leader::Asleep { until } if moment < until);
        if late {
            self.leader = Leader::Awake;
        }
        late
    }
}

impl Inner {
    /// Lets another worker lead: one that waits, or a new one.
    fn call(self: &Arc<Inner>, state: &mut State) -> io::Result<()> {
        if !self.called.notify_one() {
            let inner = Arc::clone(self);
            thread::Builder::new().name("timer".to_owned()).spawn(move || inner.work())?;
        }
        state.leader = Leader::Awake;
        Ok(())
    }

    /// A worker's life, which begins as the leader.
    fn work(self: Arc<Inner>) {
        let mut state = self.state.acquire();
        while let Some(((due, _), Pending { fate, action })) = self.lead(&mut state) {
            fate.begin();
            state.leader = Leader::Nobody;
            if !state.pending.is_empty() {
                // If there is no thread to be had, the others wait until this one has run (invariant 2).
                drop(self.call(&mut state));
            }
            drop(state);
            let (again, panicked) = action.run(&self.registry);
            state = self.state.acquire();
            match again {
                Some((period, action)) if !fate.is_stopped() => {
                    self.put_back(&mut state, due + period, period, fate, action)
                }
                over => {
                    drop(state);
                    catch_quietly(|| drop(over)); // invariant 4
                    fate.end(panicked);
                    state = self.state.acquire();
                }
            }
            if !matches!(state.leader, Leader::Nobody) && self.called.wait_timeout(&mut state, LINGER).is_err() {
                return;
            }
        }
    }

    /// Sleeps until a timer is due, and takes it off; `None` if there was none for a while.
    fn lead(&self, state: &mut MutexGuard<'_, State>) -> Option<(Key, Pending)> {
        let mut patient = true;
        loop {
            let first = state.pending.first_key_value().map(|(&(due, _), _)| due);
            if first.is_some_and(Instant::has_passed) {
                return state.pending.pop_first();
            }
            if first.is_none() && !patient {
                state.leader = Leader::Nobody;
                return None;
            }
            patient = first.is_some();
            let until = first.unwrap_or_else(|| Instant::now() + LINGER);
            state.leader = Leader::Asleep { until };
            // Whatever ended the sleep, what is pending decides.
            let _ = self.sooner.wait_deadline(state, until);
            state.leader = Leader::Awake;
        }
    }

    /// A timer that repeats waits again. If it is late, it skips the times that have passed.
    fn put_back(&self, state: &mut State, next: Instant, period: Duration, fate: Arc<Fate>, action: Action) {
        let due = if next.has_passed() { Instant::now() + period } else { next };
        let key = fate.wait_again(due);
        state.pending.insert(key, Pending { fate, action });
        if state.is_late_for(due) {
            self.sooner.notify_one();
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pending = self.inner.state.try_acquire().map(|state| state.pending.len());
        f.debug_struct("Clock").field("pending", &pending).finish_non_exhaustive()
    }
}
