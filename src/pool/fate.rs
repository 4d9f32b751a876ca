//! What has become of a job, and who wants to know.
//!
//! # State
//! One word: the phase; WATCHED, which says that somebody is to be told; and AWAITED, that somebody waits.
//! ```text
//!              begin                     end
//!   PENDING ───────────▶ RUNNING ─────────────────▶ RETURNED, PANICKED
//!      │
//!      │ withdraw
//!      └───────────────▶ CANCELLED, BROKEN
//! ```
//! # Invariants
//! 1. One thread takes a job out of PENDING: it begins and ends it, or withdraws it. What the job holds is that thread's then,
//!    until a RUNNING one ends.
//! 2. Whoever comes to watch marks the word under the lists' lock: before the end, and then whoever ends the job waits for
//!    that lock and tells all on the lists; or after it, and is told at once. So each is told once.
//! 3. No code of the user's runs while the lists are locked.
//! 4. Whoever waits for `done` has marked the word AWAITED before the end; whoever ends the job finds that, and sets `done`.

use crate::backend::Instant;
use crate::backend::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::sync::{Event, Mutex};
use crate::thread::catch_quietly;

const PENDING: u32 = 0;
const RUNNING: u32 = 1;
const RETURNED: u32 = 2;
const PANICKED: u32 = 3;
const CANCELLED: u32 = 4;
const BROKEN: u32 = 5;
const PHASE: u32 = 7;
const FORKED: u32 = 6; // no word is: it follows from where the job was submitted
const WATCHED: u32 = 8;
const AWAITED: u32 = 16;

/// How a job has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Its function has returned.
    Returned = RETURNED as isize,
    /// Its function has panicked.
    Panicked = PANICKED as isize,
    /// It was cancelled, and has not run.
    Cancelled = CANCELLED as isize,
    /// The pool's initializer has panicked, and the job has not run.
    Broken = BROKEN as isize,
    /// It had not ended when the process was forked, and this is the child: the parent runs it.
    Forked = FORKED as isize,
}

impl Outcome {
    fn of(word: u32) -> Option<Outcome> {
        match word & PHASE {
            RETURNED => Some(Outcome::Returned),
            PANICKED => Some(Outcome::Panicked),
            CANCELLED => Some(Outcome::Cancelled),
            BROKEN => Some(Outcome::Broken),
            _ => None,
        }
    }
}

type Waiter = Box<dyn FnOnce() + Send>;
pub(super) type Callback = Box<dyn FnOnce(Outcome) + Send>;

/// Who is to be told: first those who wait, then the callbacks, which may take long.
#[derive(Default)]
struct Watchers {
    last: u64,
    waiters: Vec<(u64, Waiter)>,
    callbacks: Vec<Callback>,
}

pub(super) struct Fate {
    word: AtomicU32,
    done: Event,
    /// In a box, since few jobs have any: what a job costs is how much memory it takes.
    watchers: Mutex<Option<Box<Watchers>>>,
}

impl Fate {
    pub(super) fn new() -> Fate {
        Fate {
            word: AtomicU32::new(PENDING),
            done: Event::new(),
            watchers: Mutex::new(None),
        }
    }

    /// Whether the job is the caller's to run now (invariant 1).
    pub(super) fn begin(&self) -> bool {
        // What the job holds came to the caller with the job.
        self.leave_pending(RUNNING).is_some()
    }

    /// Whether the caller has kept the job from running; then it [tells](Fate::tell) those who watch.
    pub(super) fn withdraw(&self, outcome: Outcome) -> bool {
        let before = self.leave_pending(outcome as u32);
        before.inspect(|&before| self.release_waiters(before)).is_some()
    }

    /// Takes the job out of PENDING, if nobody else has (invariant 1), and gives the word before.
    fn leave_pending(&self, phase: u32) -> Option<u32> {
        let mut word = PENDING; // a guess, and most often right: a look would fetch the line twice
        while word & PHASE == PENDING {
            // ORDERING: Release pairs with the Acquire in `outcome` and `mark`, as in `end`: who sees it withdrawn sees all before.
            match self.word.compare_exchange_weak(word, word | phase, Release, Relaxed) {
                Ok(before) => return Some(before),
                Err(newer) => word = newer,
            }
        }
        None
    }

    /// Invariant 4; most often nobody waits, or has not begun to.
    fn release_waiters(&self, before: u32) {
        if before & AWAITED != 0 {
            self.done.set();
        }
    }

    /// Waits for the end until the deadline; how the job has ended, if it has.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> Option<Outcome> {
        if let Some(outcome) = self.mark(AWAITED) {
            return Some(outcome);
        }
        match deadline {
            None => self.done.wait(),
            Some(deadline) => drop(self.done.wait_deadline(deadline)),
        }
        // Its end can be seen a moment before it is told.
        self.outcome()
    }

    pub(super) fn is_running(&self) -> bool {
        self.word.load(Relaxed) & PHASE == RUNNING
    }

    pub(super) fn never_runs(&self) -> bool {
        matches!(self.word.load(Relaxed) & PHASE, CANCELLED | BROKEN)
    }

    /// How the job has ended, if it has. Everything that it did happens-before this.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        // ORDERING: Acquire pairs with the Release in `end`; the marks of watchers are RMWs, and hide nothing of it.
        Outcome::of(self.word.load(Acquire))
    }

    /// Ends the job that the caller has begun; whether somebody is to be [told](Fate::tell).
    pub(super) fn end(&self, outcome: Outcome) -> bool {
        // ORDERING: Release pairs with the Acquire in `outcome` and `mark`: who sees the end sees all of the job.
        let before = self.word.swap(outcome as u32, Release);
        self.release_waiters(before);
        before & WATCHED != 0
    }

    /// Tells all who wait, and gives the callbacks, which are to be [told](Fate::call_back) too (invariant 2).
    #[cold]
    pub(super) fn tell(&self) -> Vec<Callback> {
        let watchers = self.watchers.acquire().take().unwrap_or_default();
        for (_, waiter) in watchers.waiters {
            catch_quietly(waiter);
        }
        watchers.callbacks
    }

    pub(super) fn call_back(callbacks: Vec<Callback>, outcome: Outcome) {
        for callback in callbacks {
            catch_quietly(|| callback(outcome));
        }
    }

    /// Has `callback` told by whoever ends the job, or at once if it has ended.
    pub(super) fn call(&self, callback: Callback) {
        let mut watchers = self.watchers.acquire();
        match self.mark(WATCHED) {
            None => watchers.get_or_insert_default().callbacks.push(callback),
            Some(outcome) => {
                drop(watchers);
                callback(outcome);
            }
        }
    }

    /// Has `waiter` told by whoever ends the job, or at once if it has ended. The number is for [`leave`](Fate::leave).
    pub(super) fn stand_by(&self, waiter: Waiter) -> u64 {
        let mut watchers = self.watchers.acquire();
        if self.mark(WATCHED).is_some() {
            drop(watchers);
            waiter();
            return 0;
        }
        let watchers = watchers.get_or_insert_default();
        watchers.last += 1;
        watchers.waiters.push((watchers.last, waiter));
        watchers.last
    }

    /// Takes a waiter off the list, if it has not been told.
    pub(super) fn leave(&self, number: u64) {
        let mut all = self.watchers.acquire();
        let ours = all.as_mut().and_then(|watchers| {
            let place = watchers.waiters.iter().position(|&(other, _)| other == number)?;
            Some(watchers.waiters.remove(place))
        });
        drop(all);
        drop(ours);
    }

    /// Says that there is somebody (invariants 2 and 4); the outcome if that comes too late.
    fn mark(&self, mark: u32) -> Option<Outcome> {
        // ORDERING: Acquire pairs with the Release in `end`, for who is told at once.
        Outcome::of(self.word.fetch_or(mark, Acquire))
    }
}
