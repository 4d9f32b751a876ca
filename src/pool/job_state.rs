//! The state of a job, and the waiters and callbacks that run when the job ends.
//!
//! # State
//! `word` holds the phase and two flag bits. WATCHED: the list of waiters or
//! the list of callbacks is not empty. AWAITED: a thread blocks on `done`.
//! ```text
//!            try_start                   finish
//!   PENDING ───────────▶ RUNNING ─────────────────▶ RETURNED, PANICKED
//!      │
//!      │ withdraw
//!      └───────────────▶ CANCELLED, BROKEN
//! ```
//! # Invariants
//! 1. Exactly one thread moves a job out of PENDING, by `try_start` or `withdraw`. That thread owns the contents of
//!    the job's task: after `try_start` until it calls `finish`, after `withdraw` until it has dropped the function.
//! 2. A thread that adds a waiter or a callback sets WATCHED while it holds the lock of the
//!    lists. If the job has not ended, it adds the entry to the list. The thread that ends the
//!    job acquires the lock after that, and so finds the entry. If the job has ended, the
//!    adding thread runs the entry itself. So each waiter and each callback runs exactly once.
//! 3. No user code runs while the lists are locked.
//! 4. A thread sets AWAITED before it blocks on `done`. The thread that ends the job sets `done` if it reads AWAITED.
//!
//! Linearization points: the write of the phase for a start, a withdrawal and an end; the load of `word` for `outcome`.

use crate::backend::Instant;
use crate::backend::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::sync::{Event, Mutex};
use crate::unwind::catch_quietly;

const PENDING: u32 = 0;
const RUNNING: u32 = 1;
const RETURNED: u32 = 2;
const PANICKED: u32 = 3;
const CANCELLED: u32 = 4;
const BROKEN: u32 = 5;
const FORKED: u32 = 6; // never stored in a word: follows from the process in which the job was submitted
const PHASE: u32 = 7;
const WATCHED: u32 = 8;
const AWAITED: u32 = 16;

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The function returned.
    Returned = RETURNED as isize,
    /// The function panicked.
    Panicked = PANICKED as isize,
    /// The job was cancelled before the function started.
    Cancelled = CANCELLED as isize,
    /// The pool's initializer panicked before the function started.
    Broken = BROKEN as isize,
    /// The job had not ended when the process called `fork`, and this process is the child.
    Forked = FORKED as isize,
}

fn outcome_of(word: u32) -> Option<Outcome> {
    match word & PHASE {
        RETURNED => Some(Outcome::Returned),
        PANICKED => Some(Outcome::Panicked),
        CANCELLED => Some(Outcome::Cancelled),
        BROKEN => Some(Outcome::Broken),
        _ => None,
    }
}

type Waiter = Box<dyn FnOnce() + Send>;
pub(super) type Callback = Box<dyn FnOnce(Outcome) + Send>;

/// What runs when a job ends: first the waiters, then the callbacks, because a callback may take long.
#[derive(Default)]
struct Watchers {
    last_id: u64,
    waiters: Vec<(u64, Waiter)>,
    callbacks: Vec<Callback>,
}

pub(super) struct JobState {
    word: AtomicU32,
    done: Event,
    /// In a box, because few jobs have watchers, and the cost of a job depends mostly on its size.
    watchers: Mutex<Option<Box<Watchers>>>,
}

impl JobState {
    pub(super) fn new() -> JobState {
        JobState {
            word: AtomicU32::new(PENDING),
            done: Event::new(),
            watchers: Mutex::new(None),
        }
    }

    /// Starts the job. Returns true if the caller must run its function (invariant 1).
    pub(super) fn try_start(&self) -> bool {
        // The contents of the task are visible to the caller, because it has taken the task from the queue.
        self.leave_pending(RUNNING).is_some()
    }

    /// Withdraws the job, if it has not started. If it returns true, the
    /// caller must call [`notify_waiters`](JobState::notify_waiters).
    pub(super) fn withdraw(&self, outcome: Outcome) -> bool {
        let before = self.leave_pending(outcome as u32);
        before.inspect(|&before| self.set_done(before)).is_some()
    }

    /// Moves the job out of PENDING, and returns the previous word; `None` if another thread has done so (invariant 1).
    fn leave_pending(&self, phase: u32) -> Option<u32> {
        let mut word = PENDING; // a guess, usually right: a load first would fetch the cache line twice
        while word & PHASE == PENDING {
            // ORDERING: Release; synchronizes with the Acquire operations in `outcome` and `set_flag`:
            // all writes before the withdrawal are visible to a thread that reads its outcome.
            match self.word.compare_exchange_weak(word, word | phase, Release, Relaxed) {
                Ok(before) => return Some(before),
                Err(newer) => word = newer,
            }
        }
        None
    }

    /// Sets `done` if a thread blocks on it (invariant 4). Usually no thread does, and the write is saved.
    fn set_done(&self, before: u32) {
        if before & AWAITED != 0 {
            self.done.set();
        }
    }

    /// Blocks until the job has ended or the deadline has elapsed. Returns the outcome, if the job has ended.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> Option<Outcome> {
        if let Some(outcome) = self.set_flag(AWAITED) {
            return Some(outcome);
        }
        match deadline {
            None => self.done.wait(),
            Some(deadline) => drop(self.done.wait_deadline(deadline)),
        }
        // Reads the word even after a timeout: the job may have ended although `done` is not set yet.
        self.outcome()
    }

    pub(super) fn is_running(&self) -> bool {
        self.word.load(Relaxed) & PHASE == RUNNING
    }

    pub(super) fn is_withdrawn(&self) -> bool {
        matches!(self.word.load(Relaxed) & PHASE, CANCELLED | BROKEN)
    }

    /// The outcome, if the job has ended. Everything that the function did happens-before the return.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        // ORDERING: Acquire; synchronizes with the Release operations in `finish` and `leave_pending`: all
        // writes of the job's function are visible. Flags are set by RMWs, which continue the release sequence.
        outcome_of(self.word.load(Acquire))
    }

    /// Ends the job, which the caller has started. If it returns true,
    /// the caller must call [`notify_waiters`](JobState::notify_waiters).
    pub(super) fn finish(&self, outcome: Outcome) -> bool {
        // ORDERING: Release; synchronizes with the Acquire operations in `outcome` and
        // `set_flag`: all writes of the function are visible to a thread that reads the outcome.
        let before = self.word.swap(outcome as u32, Release);
        self.set_done(before);
        before & WATCHED != 0
    }

    /// Runs the waiters of an ended job, and returns its callbacks, which the caller must run (invariant 2).
    #[cold]
    pub(super) fn notify_waiters(&self) -> Vec<Callback> {
        let watchers = self.watchers.acquire().take().unwrap_or_default();
        for (_, waiter) in watchers.waiters {
            catch_quietly(waiter);
        }
        watchers.callbacks
    }

    /// Runs `callback` when the job ends: on the thread that ends it, or immediately if it has ended.
    pub(super) fn on_end(&self, callback: Callback) {
        let mut watchers = self.watchers.acquire();
        match self.set_flag(WATCHED) {
            None => watchers.get_or_insert_default().callbacks.push(callback),
            Some(outcome) => {
                drop(watchers);
                callback(outcome);
            }
        }
    }

    /// Runs `waiter` when the job ends, or immediately if it has ended. The
    /// returned id is for [`unregister_waiter`](JobState::unregister_waiter).
    pub(super) fn register_waiter(&self, waiter: Waiter) -> u64 {
        let mut watchers = self.watchers.acquire();
        if self.set_flag(WATCHED).is_some() {
            drop(watchers);
            waiter();
            return 0;
        }
        let watchers = watchers.get_or_insert_default();
        watchers.last_id += 1;
        watchers.waiters.push((watchers.last_id, waiter));
        watchers.last_id
    }

    /// Removes a waiter that has not run.
    pub(super) fn unregister_waiter(&self, id: u64) {
        let mut all = self.watchers.acquire();
        let removed = all.as_mut().and_then(|watchers| {
            let index = watchers.waiters.iter().position(|&(other, _)| other == id)?;
            Some(watchers.waiters.remove(index))
        });
        drop(all);
        drop(removed); // invariant 3
    }

    /// Sets a flag bit (invariants 2 and 4). Returns the outcome if the job has ended; then the flag has no effect.
    fn set_flag(&self, flag: u32) -> Option<Outcome> {
        // ORDERING: Acquire; synchronizes with the Release operations in `finish` and `leave_pending`:
        // all writes of the job's function are visible to a caller that receives the outcome.
        outcome_of(self.word.fetch_or(flag, Acquire))
    }
}

/// Runs callbacks. If a callback panics, the next ones run nevertheless.
pub(super) fn run_callbacks(callbacks: Vec<Callback>, outcome: Outcome) {
    for callback in callbacks {
        catch_quietly(|| callback(outcome));
    }
}
