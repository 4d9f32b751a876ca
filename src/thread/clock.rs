//! The timers that wait, in a heap, and the few threads that run what is due.
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
//! Once the clock is shut down, a worker that leads or waits ends, and one that runs ends after that.
//!
//! # Invariants
//! 1. A timer runs or is cancelled: its phase decides, which changes under the lock. One that is cancelled stays in the
//!    heap, without its function, until its time comes or half of the heap is such.
//! 2. While a timer waits, somebody leads, or runs and will look, or is being called to lead.
//! 3. Whoever leads and sleeps does so until the first timer at the latest.
//! 4. No code of the user's runs while the lock is held.
//! 5. `at_work` has each worker from before it is started until its last use of the clock. None is started, and no timer waits,
//!    once the clock is shut down.
//!
//! Laws TI1 to TI4 are checked in `loom-tests`.

use super::hook::catch_quietly;
use super::registry::Registry;
use super::timer::{Action, Due, Fate, Timer};
use crate::backend::process::{Anew, PerProcess, Process};
use crate::backend::{Arc, Instant, global, thread};
use crate::sync::{Condition, Mutex, MutexGuard};
use core::fmt;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::collections::BinaryHeap;
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

/// Runs timers: on one thread or two while none of them takes long, and on one more for each that does.
///
/// Its threads are not on the registry, and end soon after the last timer. While the system refuses it a thread, timers
/// wait for those that run. [`Timer::start`] uses the program's own clock, which never ends. Clones are the same clock. In a
/// child made by `fork` a clock of the parent's has no timers, and starts threads of its own for new ones. One that is shut
/// down stays so, unless another thread was at it at that moment.
///
/// The clock lives as long as a clone of it, or a [`Timer`] of it. When the last of all these is dropped, it is shut down as by
/// [`try_shutdown`](Clock::try_shutdown): the timers that wait are cancelled, and those that run end. A function that has
/// captured such a handle keeps its own clock; [`shutdown`](Clock::shutdown) ends that.
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
    pub(super) owner: Arc<Owner>,
}

/// What the handles of a clock and of its timers share, and its workers do not: its drop ends the clock.
pub(super) struct Owner {
    pub(super) inner: PerProcess<Arc<Inner>>,
}

pub(super) struct Inner {
    pub(super) state: Mutex<State>,
    /// Where the leader sleeps.
    pub(super) sooner: Condition,
    /// Where idle workers sleep.
    pub(super) called: Condition,
    /// Where those sleep that wait for the last worker of a clock that is shut down.
    pub(super) ended: Condition,
    registry: Registry,
}

/// A heap so small that nobody minds the cancelled timers in it.
const FEW: usize = 64;

pub(super) struct State {
    pub(super) heap: BinaryHeap<Due>,
    pub(super) cancelled: usize,
    pub(super) leader: Leader,
    one_waits: bool,
    last: u64,
    /// The workers, and each thread that drops functions of a clock that it has closed; a worker that does both twice.
    pub(super) at_work: Vec<NonZeroUsize>,
    pub(super) closed: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Leader {
    Nobody,
    Awake,
    Asleep { until: Instant },
}

impl Clock {
    /// A clock without timers and threads, which tells the registry's panic hook of those that panic.
    pub fn new(registry: &Registry) -> Clock {
        Clock {
            owner: Arc::new(Owner {
                inner: PerProcess::new(Inner::new(registry, false)),
            }),
        }
    }

    /// [`Timer::start`], on this clock.
    ///
    /// # Errors
    /// What the system says if it refuses the clock a thread that it needs, or that the clock is shut down: there is no timer
    /// then, and `run` is dropped.
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
        self.every_at(Instant::now() + period, period, run)
    }

    /// [`Timer::every_at`], on this clock.
    ///
    /// # Errors
    /// As [`start`](Clock::start).
    pub fn every_at(&self, first: Instant, period: Duration, run: impl FnMut() + Send + 'static) -> io::Result<Timer> {
        self.add(first, Action::Every(period, Box::new(run)))
    }

    /// How many timers wait for their time.
    pub fn pending(&self) -> usize {
        self.owner.inner.state.acquire().pending()
    }

    fn add(&self, at: Instant, action: Action) -> io::Result<Timer> {
        let inner = &self.owner.inner;
        let mut state = inner.state.acquire();
        let fate = Arc::new(Fate::new(action));
        state.last += 1;
        let number = state.last;
        let called = match state.leader {
            _ if state.closed => Err(io::Error::other("the clock is shut down")),
            Leader::Nobody => inner.call(&mut state),
            _ => Ok(()),
        };
        if let Err(refused) = called {
            drop(state);
            drop(fate); // invariant 4
            return Err(refused);
        }
        state.heap.push(Due {
            at,
            number,
            fate: Arc::clone(&fate),
        });
        if state.is_late_for(at) {
            drop(state);
            inner.sooner.notify_one();
        }
        Ok(Timer::new(self.clone(), fate))
    }

    /// Takes the function away from a timer that waits for its time. Whether it will never run.
    pub(super) fn cancel(&self, fate: &Fate) -> (Option<Action>, bool) {
        let inner = &self.owner.inner;
        let mut state = inner.state.acquire();
        let (action, never) = fate.cancel();
        if action.is_some() {
            state.cancelled += 1;
            state.tidy();
            // The leader need not stay for a time that means nothing any more. If it goes soon, it is let alone, or each
            // start and cancel would wake it.
            if state.pending() == 0 && state.is_late_for(Instant::now() + LINGER) {
                drop(state);
                inner.sooner.notify_one();
            }
        }
        (action, never)
    }
}

impl State {
    /// How many timers wait for their time.
    fn pending(&self) -> usize {
        self.heap.len() - self.cancelled
    }

    /// Lets go of the cancelled timers if they are half of the heap: some steps for each cancel.
    fn tidy(&mut self) {
        if self.heap.len() > FEW && self.cancelled > self.heap.len() / 2 {
            self.heap.retain(|due| !due.fate.is_cancelled());
            self.cancelled = 0;
        }
    }

    /// The first timer that waits for its time.
    fn first(&mut self) -> Option<&Due> {
        while self.heap.peek().is_some_and(|due| due.fate.is_cancelled()) {
            self.heap.pop();
            self.cancelled -= 1;
        }
        self.heap.peek()
    }

    /// Whether the leader would sleep too long for this moment; then the caller must rouse it (invariant 3).
    fn is_late_for(&mut self, moment: Instant) -> bool {
        let late = matches!(self.leader, Leader::Asleep { until } if moment < until);
        if late {
            self.leader = Leader::Awake;
        }
        late
    }
}

/// In a child made by `fork` there are no timers and no workers.
impl Anew for Arc<Inner> {
    fn anew(&self) -> Arc<Inner> {
        Inner::new(
            &self.registry,
            self.state.try_acquire().is_some_and(|state| state.closed),
        )
    }
}

impl Inner {
    fn new(registry: &Registry, closed: bool) -> Arc<Inner> {
        let state = Mutex::new(State {
            heap: BinaryHeap::new(),
            cancelled: 0,
            leader: Leader::Nobody,
            one_waits: false,
            last: 0,
            at_work: Vec::new(),
            closed,
        });
        let (sooner, called, ended) = (Condition::new(), Condition::new(), Condition::new());
        Arc::new(Inner {
            state,
            sooner,
            called,
            ended,
            registry: registry.clone(),
        })
    }

    /// Lets another worker lead: one that waits, or a new one.
    fn call(self: &Arc<Inner>, state: &mut State) -> io::Result<()> {
        if !self.called.notify_one() {
            let (inner, id) = (Arc::clone(self), thread::NewId::reserve());
            let number = id.get();
            thread::Builder::new().name("timer".to_owned()).spawn(move || {
                id.adopt();
                inner.work();
            })?;
            state.at_work.push(number); // invariant 5: the worker's first act waits for the lock
        }
        state.leader = Leader::Awake;
        Ok(())
    }

    /// A worker's life, which begins as the leader.
    fn work(self: &Arc<Inner>) {
        if let Some(mut state) = self.serve() {
            self.leave(&mut state);
        }
    }

    /// The calling thread is at the clock's work no more, or once less.
    pub(super) fn leave(&self, state: &mut State) {
        let me = thread::id();
        let place = state.at_work.iter().position(|&other| other == me);
        state.at_work.swap_remove(place.expect("each leaves once"));
        if state.closed && state.at_work.is_empty() {
            self.ended.notify_all();
        }
    }

    /// Leads and runs, until the worker may go. `None` if what it ran has forked, and this is the child: the clock is the
    /// parent's.
    fn serve(self: &Arc<Inner>) -> Option<MutexGuard<'_, State>> {
        let home = Process::this();
        let mut state = self.state.acquire();
        while let Some(Due { at, number, fate }) = self.lead(&mut state) {
            let action = fate.begin();
            state.leader = Leader::Nobody;
            if state.pending() > 0 {
                // If there is no thread to be had, the others wait until this one has run (invariant 2).
                drop(self.call(&mut state));
            }
            drop(state);
            let (again, panicked) = action.run(&self.registry);
            if home.is_parent() {
                return None;
            }
            state = self.state.acquire();
            let (period, stopped) = match again {
                Some((period, action)) if state.closed => (Some(period), Some(action)),
                Some((period, action)) => (Some(period), fate.wait_again(action)),
                None => (None, None),
            };
            match period {
                Some(period) if stopped.is_none() => {
                    // If it is late already, it starts anew.
                    let next = at + period;
                    let at = if next.has_passed() {
                        Instant::now() + period
                    } else {
                        next
                    };
                    state.heap.push(Due { at, number, fate });
                    if state.is_late_for(at) {
                        self.sooner.notify_one();
                    }
                }
                _ => {
                    drop(state);
                    catch_quietly(|| drop(stopped)); // invariant 4
                    if home.is_parent() {
                        return None;
                    }
                    fate.end(panicked);
                    state = self.state.acquire();
                }
            }
            if !self.waits_to_lead(&mut state) {
                break;
            }
        }
        Some(state)
    }

    /// Waits until nobody else leads; false if the worker may go, since one waits already, or none was called for a while.
    fn waits_to_lead(&self, state: &mut MutexGuard<'_, State>) -> bool {
        let is_led = |state: &State| !matches!(state.leader, Leader::Nobody);
        if !is_led(state) {
            return true;
        }
        if state.one_waits {
            return false;
        }
        state.one_waits = true;
        let called = self.called.wait_timeout(state, LINGER).is_ok();
        state.one_waits = false;
        // Called too late, it looks all the same: who called may have found no other.
        called || !is_led(state)
    }

    /// Sleeps until a timer is due, and takes it off; `None` if there was none for a while.
    fn lead(&self, state: &mut MutexGuard<'_, State>) -> Option<Due> {
        let mut patient = true;
        loop {
            let first = state.first().map(|due| due.at);
            if first.is_some_and(Instant::has_passed) {
                return state.heap.pop();
            }
            if first.is_none() && (state.closed || !patient) {
                state.leader = Leader::Nobody;
                return None;
            }
            patient = first.is_some();
            let until = first.unwrap_or_else(|| Instant::now() + LINGER);
            state.leader = Leader::Asleep { until };
            // Whatever ended the sleep, the heap decides.
            let _ = self.sooner.wait_deadline(state, until);
            state.leader = Leader::Awake;
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pending = self.owner.inner.state.try_acquire().map(|state| state.pending());
        f.debug_struct("Clock")
            .field("pending", &pending)
            .finish_non_exhaustive()
    }
}
