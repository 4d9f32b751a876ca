//! A timer, as its scheduler sees it: its action, its phase, and the event that its end sets.
//!
//! # State
//! The phase of a timer. The scheduler's lock is held at each transition except the one to OVER.
//! ```text
//!          expires          has run for the last time
//!   WAITING ─────▶ RUNNING ──────────────────────────▶ OVER
//!    │  ▲            │  ▲ │
//!    │  └─ repeats ──┘  └─┘ cancel: this run is the last
//!    │ cancel
//!    └───────────▶ CANCELLED
//! ```
//! # Invariants
//! 1. A timer that is WAITING is in the scheduler's heap and holds
//!    its action. A timer that is RUNNING or OVER is not in the heap.
//! 2. `done` is set once: when the action will not run any more and has been dropped.

use crate::backend::process::Process;
use crate::backend::{Arc, Instant, thread, unobserved_panic};
use crate::sync::{Event, Mutex};
use crate::thread::error::Panicked;
use crate::thread::registry::Registry;
use crate::unwind::{catch, catch_quietly, message};
use core::cmp::Ordering;
use core::mem;
use core::num::NonZeroUsize;
use core::time::Duration;

/// The function of a timer.
pub(super) enum Action {
    Once(Box<dyn FnOnce() + Send>),
    Every(Duration, Box<dyn FnMut() + Send>),
}

impl Action {
    /// Runs the function. The first result is the period and the action
    /// of a repeating timer that did not panic. The second is the panic.
    pub(super) fn run(self, registry: &Registry) -> (Option<(Duration, Action)>, Option<Panicked>) {
        let (again, ended) = match self {
            Action::Once(run) => (None, catch(run)),
            Action::Every(period, mut run) => {
                let ended = catch(&mut run);
                (Some((period, Action::Every(period, run))), ended)
            }
        };
        let Err(payload) = ended else { return (again, None) };
        catch_quietly(|| drop(again));
        let thread = registry.current();
        if !registry.report(&thread, &*payload) {
            unobserved_panic(|| message(&*payload));
        }
        let panicked = Panicked::new(thread.name(), &*payload);
        catch_quietly(|| drop(payload));
        (None, Some(panicked))
    }
}

/// A timer in the heap of its scheduler. The order is reversed: the earliest timer is the
/// greatest. Timers that expire at the same instant run in the order of their starts.
pub(super) struct Scheduled {
    pub(super) at: Instant,
    pub(super) number: u64,
    pub(super) entry: Arc<Entry>,
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Scheduled) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Scheduled) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Scheduled) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scheduled {}

pub(super) struct Entry {
    home: Process,
    phase: Mutex<Phase>,
    pub(super) done: Event,
}

enum Phase {
    Waiting(Action),
    Running { by: NonZeroUsize, last: bool },
    Cancelled { by: NonZeroUsize },
    Over(Option<Panicked>),
}

impl Entry {
    pub(super) fn new(action: Action) -> Entry {
        Entry {
            home: Process::this(),
            phase: Mutex::new(Phase::Waiting(action)),
            done: Event::new(),
        }
    }

    /// Whether the process is a child made by `fork`, and the timer
    /// was started by the parent and was not over at the fork.
    pub(super) fn is_left_behind(&self) -> bool {
        self.home.is_parent() && !self.done.is_set()
    }

    /// Moves an expired timer from WAITING to RUNNING, and returns the action, which the caller must run.
    pub(super) fn expire(&self) -> Action {
        let running = Phase::Running {
            by: thread::id(),
            last: false,
        };
        match mem::replace(&mut *self.phase.acquire(), running) {
            Phase::Waiting(action) => action,
            _ => unreachable!("invariant 1"),
        }
    }

    /// Moves a repeating timer from RUNNING back to WAITING. If the
    /// timer was cancelled during the run, returns the action instead.
    pub(super) fn wait_again(&self, action: Action) -> Option<Action> {
        let mut phase = self.phase.acquire();
        if let Phase::Running { last: true, .. } = *phase {
            return Some(action);
        }
        *phase = Phase::Waiting(action);
        None
    }

    /// Cancels the timer. The first result is the action, if the timer was WAITING: the caller must
    /// [drop](Entry::drop_action) it. The second is true if the function does not run now and will not run any more.
    pub(super) fn cancel(&self) -> (Option<Action>, bool) {
        let mut phase = self.phase.acquire();
        let cancelled = Phase::Cancelled { by: thread::id() };
        let (phase_now, result) = match mem::replace(&mut *phase, Phase::Over(None)) {
            Phase::Waiting(action) => (cancelled, (Some(action), true)),
            Phase::Cancelled { by } => (Phase::Cancelled { by }, (None, true)),
            Phase::Running { by, .. } => (Phase::Running { by, last: true }, (None, false)),
            over => (over, (None, false)),
        };
        *phase = phase_now;
        result
    }

    /// Drops the action of a timer that the caller has cancelled, and sets `done`, even if the drop panics.
    pub(super) fn drop_action(&self, action: Action) {
        let _done = SetOnDrop(&self.done);
        drop(action);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        matches!(*self.phase.acquire(), Phase::Cancelled { .. })
    }

    /// Moves the timer from RUNNING to OVER. Its action has been dropped.
    pub(super) fn finish(&self, panicked: Option<Panicked>) {
        *self.phase.acquire() = Phase::Over(panicked);
        self.done.set();
    }

    /// Whether the calling thread runs the function or drops it after
    /// a cancel. Then it can't wait for `done`, which it sets itself.
    pub(super) fn ends_on_this_thread(&self) -> bool {
        let me = thread::id();
        matches!(*self.phase.acquire(), Phase::Running { by, .. } | Phase::Cancelled { by } if by == me)
    }

    pub(super) fn outcome(&self) -> Result<(), Panicked> {
        match &*self.phase.acquire() {
            Phase::Over(Some(panicked)) => Err(panicked.clone()),
            _ => Ok(()),
        }
    }
}

struct SetOnDrop<'a>(&'a Event);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.set();
    }
}
