//! The state of a job: whether it waits, runs or has ended, and what is to be notified of its end.
//!
//! # State
//! `word` holds the phase and two flag bits. WATCHED: the waiter list or the callback list is not empty. AWAITED: a thread
//! blocks on `done`.
//! ```text
//!            try_start                   finish
//!   PENDING ───────────▶ RUNNING ─────────────────▶ RETURNED, PANICKED
//!      │
//!      │ withdraw
//!      └───────────────▶ CANCELLED, BROKEN
//! ```
//! # Invariants
//! 1. Exactly one thread moves a job out of PENDING: with `try_start` or with `withdraw`. What the job holds belongs to that
//!    thread; after `try_start`, until it calls `finish`.
//! 2. A thread that adds a waiter or a callback sets WATCHED while it holds the lock of the lists. If the job has not ended, the
//!    entry is put on its list; the thread that ends the job locks the lists after that, and finds it. If the job has ended,
//!    the adding thread runs the entry itself. So each waiter and each callback runs exactly once.
//! 3. No user code runs while the lists are locked.
//! 4. A thread sets AWAITED before it blocks on `done`. The thread that ends the job sets `done` if it finds AWAITED.
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
const FORKED: u32 = 6; // no word has this phase: it follows from the process in which the job was submitted
const PHASE: u32 = 7;
const WATCHED: u32 = 8;
const AWAITED: u32 = 16;

/// How a job has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Its function has returned.
    Returned = RETURNED as isize,
    /// Its function has panicked.
    Panicked = PANICKED as isize,
    /// It was cancelled before its function started.
    Cancelled = CANCELLED as isize,
    /// The pool's initializer has panicked, and the function did not start.
    Broken = BROKEN as isize,
    /// It had not ended when the process was forked, and this is the child: the job is the parent's.
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

/// The waiters run first, for a callback may take long.
#[derive(Default)]
struct Watchers {
    last_id: u64,
    waiters: Vec<(u64, Waiter)>,
    callbacks: Vec<Callback>,
}

pub(super) struct JobState {
    word: AtomicU32,
    done: Event,
    /// In a box: few jobs have watchers, and the size of a task is most of what a job costs.
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

    /// True if the caller is to run the task (invariant 1).
    pub(super) fn try_start(&self) -> bool {
        // The caller took the task from the queue, which makes the contents visible to it.
        self.leave_pending(RUNNING).is_some()
    }

    /// True if the caller has kept the task from running. Then it must call [`notify_waiters`](JobState::notify_waiters).
    pub(super) fn withdraw(&self, outcome: Outcome) -> bool {
        let before = self.leave_pending(outcome as u32);
        before.inspect(|&before| self.set_done(before)).is_some()
    }

    /// Moves the task out of PENDING, and returns the word before; `None` if another thread has done so (invariant 1).
    fn leave_pending(&self, phase: u32) -> Option<u32> {
        let mut word = PENDING; // a guess that is most often right: a load would fetch the cache line twice
        while word & PHASE == PENDING {
            // ORDERING: Release synchronizes with the Acquire in `outcome` and `set_flag`: a thread that sees the withdrawal sees
            // all that happened before it.
            match self.word.compare_exchange_weak(word, word | phase, Release, Relaxed) {
                Ok(before) => return Some(before),
                Err(newer) => word = newer,
            }
        }
        None
    }

    /// Invariant 4. Most often no thread blocks on `done`.
    fn set_done(&self, before: u32) {
        if before & AWAITED != 0 {
            self.done.set();
        }
    }

    /// Blocks until the task has ended or the deadline has elapsed; the outcome, if it has ended.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> Option<Outcome> {
        if let Some(outcome) = self.set_flag(AWAITED) {
            return Some(outcome);
        }
        match deadline {
            None => self.done.wait(),
            Some(deadline) => drop(self.done.wait_deadline(deadline)),
        }
        // Not decided by the wait: the task may have ended while `done` is not set yet.
        self.outcome()
    }

    pub(super) fn is_running(&self) -> bool {
        self.word.load(Relaxed) & PHASE == RUNNING
    }

    pub(super) fn is_withdrawn(&self) -> bool {
        matches!(self.word.load(Relaxed) & PHASE, CANCELLED | BROKEN)
    }

    /// The outcome, if the task has ended. All that its function did happens-before this returns it.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        // ORDERING: Acquire synchronizes with the Release in `finish` and `leave_pending`. Flags are set by RMWs, which continue
        // the release sequence.
        outcome_of(self.word.load(Acquire))
    }

    /// Ends the task that the caller has started. True if the caller must call
    /// [`notify_waiters`](JobState::notify_waiters).
    pub(super) fn finish(&self, outcome: Outcome) -> bool {
        // ORDERING: Release synchronizes with the Acquire in `outcome` and `set_flag`: a thread that sees the end sees all that the
        // function did.
        let before = self.word.swap(outcome as u32, Release);
        self.set_done(before);
        before & WATCHED != 0
    }

    /// Runs the waiters of an ended task, and returns the callbacks, which the caller must run (invariant 2).
    #[cold]
    pub(super) fn notify_waiters(&self) -> Vec<Callback> {
        let watchers = self.watchers.acquire().take().unwrap_or_default();
        for (_, waiter) in watchers.waiters {
            catch_quietly(waiter);
        }
        watchers.callbacks
    }

    /// Runs `callback` when the task ends: on the thread that ends it, or immediately if it has ended.
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

    /// Runs `waiter` when the task ends, or immediately if it has ended. The id is for
    /// [`unregister_waiter`](JobState::unregister_waiter).
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

    /// Sets a flag bit (invariants 2 and 4). The outcome, if the task has ended: then no thread acts on the flag.
    fn set_flag(&self, flag: u32) -> Option<Outcome> {
        // ORDERING: Acquire synchronizes with the Release in `finish` and `leave_pending`, for a caller that uses the outcome.
        outcome_of(self.word.fetch_or(flag, Acquire))
    }
}

/// Runs callbacks. A panic of one does not keep the next from running.
pub(super) fn run_callbacks(callbacks: Vec<Callback>, outcome: Outcome) {
    for callback in callbacks {
        catch_quietly(|| callback(outcome));
    }
}
