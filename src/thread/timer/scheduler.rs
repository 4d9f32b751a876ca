//! The timers of a clock, in a heap, and the threads that run the expired timers.
//!
//! # State
//! One worker is the leader: it blocks until the first timer expires, removes it from the heap,
//! appoints another leader, and runs the timer. So no timer waits for another one's function.
//! ```text
//!                 spawned, or appointed                its timer expires
//!   (no thread) ───────────────────────▶ LEADS ─────────────────────────▶ RUNS
//!        ▲                               │   ▲                             │
//!        │ no timer for LINGER           │   │ there is no leader          │
//!        ├───────────────────────────────┘   └─────────────────────────────┤
//!        │ not appointed for LINGER                    there is a leader   ▼
//!        └────────────────────────────────────────────────────────────── WAITS
//! ```
//! After a shutdown, workers that lead or wait end, and a worker that runs a timer ends after it.
//!
//! # Invariants
//! 1. A timer runs or is cancelled: its phase decides, which changes while the lock is held. A cancelled
//!    timer stays in the heap, without its action, until it expires or half of the heap is cancelled timers.
//! 2. While a timer waits, there is a leader, or a worker that will
//!    check for one after its run, or a thread that is appointed.
//! 3. A leader that blocks does so until the first timer expires, at the latest.
//! 4. No user code runs while the lock is held.
//! 5. `at_work` holds each worker from before its start until its last access
//!    to the scheduler. After `close` no worker is started and no timer waits.
//!
//! Laws TI1 to TI4 are checked in `loom-tests`.

use super::entry::{Action, Entry, Scheduled};
use crate::backend::process::{ForChild, Process};
use crate::backend::{Arc, Instant, thread};
use crate::sync::{Condition, Mutex, MutexGuard, TimedOut};
use crate::thread::registry::Registry;
use crate::unwind::catch_quietly;
use core::mem;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::collections::BinaryHeap;
use std::io;

/// How long an idle worker stays.
const LINGER: Duration = Duration::from_millis(100);
/// Cancelled timers are not removed from a heap of at most this size.
const FEW: usize = 64;

pub(super) struct Scheduler {
    state: Mutex<State>,
    /// The leader blocks on this condition.
    timer_is_earlier: Condition,
    /// Idle workers block on this condition.
    leader_is_missing: Condition,
    /// Threads that wait until no thread is at work block on this condition.
    work_has_ended: Condition,
    registry: Registry,
}

struct State {
    heap: BinaryHeap<Scheduled>,
    cancelled: usize,
    leader: Leader,
    has_idle_worker: bool,
    last_number: u64,
    /// The ids of all workers, and of each thread that drops the actions of a
    /// scheduler that it has closed. A worker that does both is contained twice.
    at_work: Vec<NonZeroUsize>,
    closed: bool,
}

#[derive(Clone, Copy)]
enum Leader {
    None,
    Running,
    Blocked { until: Instant },
}

/// In a child made by `fork`, a scheduler has no timers and no workers.
impl ForChild for Arc<Scheduler> {
    fn for_child(&self) -> Arc<Scheduler> {
        let closed = self.state.try_acquire().is_some_and(|state| state.closed);
        Scheduler::new(&self.registry, closed)
    }
}

impl State {
    fn pending(&self) -> usize {
        self.heap.len() - self.cancelled
    }

    /// Removes the cancelled timers when they are more than half of
    /// the heap, so that the amortised cost of a cancel is constant.
    fn remove_cancelled(&mut self) {
        if self.heap.len() > FEW && self.cancelled > self.heap.len() / 2 {
            self.heap.retain(|timer| !timer.entry.is_cancelled());
            self.cancelled = 0;
        }
    }

    /// The first timer that is not cancelled.
    fn first(&mut self) -> Option<&Scheduled> {
        while self.heap.peek().is_some_and(|timer| timer.entry.is_cancelled()) {
            self.heap.pop();
            self.cancelled -= 1;
        }
        self.heap.peek()
    }

    /// Returns true if the leader is blocked beyond `instant`. Then the caller
    /// must notify the leader, whose state is set to running (invariant 3).
    fn claim_wake_up_of_leader(&mut self, instant: Instant) -> bool {
        let is_late = matches!(self.leader, Leader::Blocked { until } if instant < until);
        if is_late {
            self.leader = Leader::Running;
        }
        is_late
    }
}

impl Scheduler {
    pub(super) fn new(registry: &Registry, closed: bool) -> Arc<Scheduler> {
        let state = Mutex::new(State {
            heap: BinaryHeap::new(),
            cancelled: 0,
            leader: Leader::None,
            has_idle_worker: false,
            last_number: 0,
            at_work: Vec::new(),
            closed,
        });
        Arc::new(Scheduler {
            state,
            timer_is_earlier: Condition::new(),
            leader_is_missing: Condition::new(),
            work_has_ended: Condition::new(),
            registry: registry.clone(),
        })
    }

    /// The number of timers that wait, unless the lock is held.
    pub(super) fn try_pending(&self) -> Option<usize> {
        self.state.try_acquire().map(|state| state.pending())
    }

    pub(super) fn pending(&self) -> usize {
        self.state.acquire().pending()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.acquire().closed
    }

    /// Whether the calling thread is a worker, or drops actions of this scheduler.
    pub(super) fn is_this_thread_at_work(&self) -> bool {
        self.state.acquire().at_work.contains(&thread::id())
    }

    /// Adds a timer that expires at `at`.
    pub(super) fn add(self: &Arc<Scheduler>, at: Instant, action: Action) -> io::Result<Arc<Entry>> {
        let mut state = self.state.acquire();
        let entry = Arc::new(Entry::new(action));
        state.last_number += 1;
        let number = state.last_number;
        let led = match state.leader {
            _ if state.closed => Err(io::Error::other("the clock is shut down")),
            Leader::None => self.appoint_leader(&mut state),
            Leader::Running | Leader::Blocked { .. } => Ok(()),
        };
        if let Err(error) = led {
            drop(state);
            drop(entry); // invariant 4
            return Err(error);
        }
        state.heap.push(Scheduled {
            at,
            number,
            entry: Arc::clone(&entry),
        });
        if state.claim_wake_up_of_leader(at) {
            drop(state);
            self.timer_is_earlier.notify_one();
        }
        Ok(entry)
    }

    /// Cancels a timer; the results are those of [`Entry::cancel`].
    pub(super) fn cancel(&self, entry: &Entry) -> (Option<Action>, bool) {
        let mut state = self.state.acquire();
        let (action, never) = entry.cancel();
        if action.is_some() {
            state.cancelled += 1;
            state.remove_cancelled();
            // If no timer is left, wake the leader, so that it does not stay until the
            // cancelled timer expires. Don't wake a leader that would wake within LINGER:
            // a program that starts and cancels timers would pay for a wake-up each time.
            if state.pending() == 0 && state.claim_wake_up_of_leader(Instant::now() + LINGER) {
                drop(state);
                self.timer_is_earlier.notify_one();
            }
        }
        (action, never)
    }

    /// Makes another worker the leader: an idle one, or a new one.
    fn appoint_leader(self: &Arc<Scheduler>, state: &mut State) -> io::Result<()> {
        if !self.leader_is_missing.notify_one() {
            let (scheduler, id) = (Arc::clone(self), thread::NewId::reserve());
            let number = id.get();
            thread::Builder::new().name("timer".to_owned()).spawn(move || {
                id.adopt();
                scheduler.work();
            })?;
            state.at_work.push(number); // invariant 5: the worker first acquires the lock, which is held here
        }
        state.leader = Leader::Running;
        Ok(())
    }

    /// The body of a worker's thread, which starts as the leader.
    fn work(self: &Arc<Scheduler>) {
        if let Some(mut state) = self.lead_and_run() {
            self.leave(&mut state);
        }
    }

    /// Removes the calling thread from `at_work`, once.
    fn leave(&self, state: &mut State) {
        let me = thread::id();
        let index = state.at_work.iter().position(|&other| other == me);
        state
            .at_work
            .swap_remove(index.expect("a thread leaves as often as it was added"));
        if state.closed && state.at_work.is_empty() {
            self.work_has_ended.notify_all();
        }
    }

    /// Leads and runs timers until the worker is not needed. Returns `None` in a child
    /// made by a timer's function with `fork`, where the scheduler is the parent's.
    fn lead_and_run(self: &Arc<Scheduler>) -> Option<MutexGuard<'_, State>> {
        let home = Process::this();
        let mut state = self.state.acquire();
        while let Some(Scheduled { at, number, entry }) = self.lead(&mut state) {
            let action = entry.expire();
            state.leader = Leader::None;
            if state.pending() > 0 {
                // If the system can't create a thread, the other timers wait until this timer has run (invariant 2).
                drop(self.appoint_leader(&mut state));
            }
            drop(state);
            let (again, panicked) = action.run(&self.registry);
            if home.is_parent() {
                return None;
            }
            state = self.state.acquire();
            let (period, stopped) = match again {
                Some((period, action)) if state.closed => (Some(period), Some(action)),
                Some((period, action)) => (Some(period), entry.wait_again(action)),
                None => (None, None),
            };
            match period {
                Some(period) if stopped.is_none() => {
                    // A timer whose next run is already late starts a new period, instead of making up for missed runs.
                    let next = at + period;
                    let at = if next.has_passed() {
                        Instant::now() + period
                    } else {
                        next
                    };
                    state.heap.push(Scheduled { at, number, entry });
                    if state.claim_wake_up_of_leader(at) {
                        self.timer_is_earlier.notify_one();
                    }
                }
                _ => {
                    drop(state);
                    catch_quietly(|| drop(stopped)); // invariant 4
                    if home.is_parent() {
                        return None;
                    }
                    entry.finish(panicked);
                    state = self.state.acquire();
                }
            }
            if !self.wait_for_lead(&mut state) {
                break;
            }
        }
        Some(state)
    }

    /// Blocks until there is no leader. Returns false if this worker is not
    /// needed: another worker is idle, or this one was not appointed for LINGER.
    fn wait_for_lead(&self, state: &mut MutexGuard<'_, State>) -> bool {
        let has_leader = |state: &State| !matches!(state.leader, Leader::None);
        if !has_leader(state) {
            return true;
        }
        if state.has_idle_worker {
            return false;
        }
        state.has_idle_worker = true;
        let appointed = self.leader_is_missing.wait_timeout(state, LINGER).is_ok();
        state.has_idle_worker = false;
        // Checked after a timeout too: the thread that released the lead may have found no idle worker to notify.
        appointed || !has_leader(state)
    }

    /// Blocks until a timer expires, and removes it from the heap. Returns `None` if there was no timer for LINGER.
    fn lead(&self, state: &mut MutexGuard<'_, State>) -> Option<Scheduled> {
        let mut may_linger = true;
        loop {
            let first = state.first().map(|timer| timer.at);
            if first.is_some_and(Instant::has_passed) {
                return state.heap.pop();
            }
            if first.is_none() && (state.closed || !may_linger) {
                state.leader = Leader::None;
                return None;
            }
            may_linger = first.is_some();
            let until = first.unwrap_or_else(|| Instant::now() + LINGER);
            state.leader = Leader::Blocked { until };
            // The heap decides; the reason for the wake-up is irrelevant.
            let _ = self.timer_is_earlier.wait_deadline(state, until);
            state.leader = Leader::Running;
        }
    }

    /// Cancels all timers that wait, and makes the workers end. No timer can be added after that.
    pub(super) fn close(&self) {
        let mut state = self.state.acquire();
        state.closed = true;
        state.cancelled = 0;
        let waiting = mem::take(&mut state.heap).into_iter();
        let cancelled: Vec<_> = waiting
            .filter_map(|timer| Some((timer.entry.cancel().0?, timer.entry)))
            .collect();
        state.leader = Leader::None;
        self.timer_is_earlier.notify_all();
        self.leader_is_missing.notify_all();
        if cancelled.is_empty() {
            return;
        }
        let home = Process::this();
        state.at_work.push(thread::id()); // a concurrent shutdown waits for the drop of the actions
        drop(state);
        for (action, entry) in cancelled {
            if home.is_parent() {
                mem::forget((action, entry)); // in a child made by a drop: the actions are the parent's
            } else {
                catch_quietly(|| entry.drop_action(action)); // invariant 4
            }
        }
        if home.is_this() {
            self.leave(&mut self.state.acquire());
        }
    }

    /// Blocks until no thread is at work. It must follow `close`, after which no worker is started.
    pub(super) fn await_end(&self, deadline: Option<Instant>) -> Result<(), TimedOut> {
        let mut state = self.state.acquire();
        match deadline {
            None => self
                .work_has_ended
                .wait_while(&mut state, |state| !state.at_work.is_empty()),
            Some(deadline) => {
                self.work_has_ended
                    .wait_while_deadline(&mut state, deadline, |state| !state.at_work.is_empty())?;
            }
        }
        Ok(())
    }
}
