//! The workers of a pool, and the queue from which they take.
//!
//! # State
//! `at_work` counts the jobs that are queued or run, and `members` the threads.
//! ```text
//!   no thread ──── a job comes, and all members have one ───▶ member: waits at the queue ⇄ runs a job
//!                                                               │ the queue is shut down and empty
//!                                                               ▼
//!                                                              ends
//! ```
//! # Invariants
//! 1. There are as many members as jobs are at work, or as many as there may be, or as the system lets there be. So while
//!    a job is queued and a member is wanting, no other can be idle.
//! 2. A job is in the queue only if there is a member, and none ends while one is in the queue.
//! 3. Members are hired under the lock, and none once the crew is closed.
//! 4. No code of the user's runs while the lock is held.
//! 5. What is taken off the queue to be refused has ended before the lock is free.
//! 6. No member is lost before the end of the crew: of the user's code each panic is caught where it runs, and if anything else
//!    unwinds from a job, the member goes on with the next.
//!
//! Laws P1 to P6 are checked in `loom-tests`.

use super::crews::Enrolled;
use super::fate::Outcome;
use super::work::Runs;
use crate::backend::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use crate::backend::process::{Anew, Process};
use crate::backend::{Arc, Instant, Weak, thread};
use crate::queue::Queue;
use crate::sync::{Mutex, TimedOut};
use crate::thread::{Registry, Thread, catch, catch_quietly, leak};
use std::io;

pub(super) type Initializer = dyn Fn() + Send + Sync;

/// What the workers of a pool are like.
#[derive(Clone)]
pub(super) struct Terms {
    pub(super) most: usize,
    pub(super) name: Arc<str>,
    pub(super) stack_size: Option<usize>,
    pub(super) initializer: Option<Arc<Initializer>>,
    pub(super) registry: Registry,
}

pub(super) struct Crew {
    queue: Queue<Arc<dyn Runs>>,
    terms: Terms,
    at_work: AtomicUsize,
    /// How many members there are; it changes under the lock.
    count: AtomicUsize,
    members: Mutex<Members>,
    broken: AtomicBool,
    enrolled: Enrolled,
}

/// Why there is nobody to do it.
pub(super) enum Refusal {
    Closed,
    NoThread(io::Error),
}

struct Members {
    threads: Vec<Thread>,
    closed: bool,
}

/// In a child made by `fork` there are no members and no jobs; what is shut down stays so.
impl Anew for Arc<Crew> {
    fn anew(&self) -> Arc<Crew> {
        Arc::new_cyclic(|me| {
            let crew = Crew::new(self.terms.clone(), me);
            crew.broken.store(self.is_broken(), Relaxed);
            if self.is_shut_down() {
                crew.close(None);
            }
            crew
        })
    }
}

impl Crew {
    pub(super) fn new(terms: Terms, me: &Weak<Crew>) -> Crew {
        Crew {
            queue: Queue::bounded_by_a_lock(usize::MAX), // in a ring, its jobs' models would be thirty times as large
            terms,
            at_work: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
            members: Mutex::new(Members {
                threads: Vec::new(),
                closed: false,
            }),
            broken: AtomicBool::new(false),
            enrolled: Enrolled::new(me.clone()),
        }
    }

    /// By which its jobs find it.
    pub(super) fn number(&self) -> u64 {
        self.enrolled.number()
    }

    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.queue.is_shutdown()
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Relaxed)
    }

    /// Hires for one more job, if that is needed, and puts it into the queue.
    pub(super) fn add(self: &Arc<Crew>, work: Arc<dyn Runs>) -> Result<(), Refusal> {
        // First the worker, then the work: a refusal leaves nothing in the queue (invariant 2).
        let added = self
            .set_to_work()
            .and_then(|()| self.queue.put(work).map_err(|_| Refusal::Closed));
        if added.is_err() {
            self.rest();
        }
        added
    }

    /// One more is at work, and somebody is hired for what is queued, if need be. An error if there is nobody.
    pub(super) fn set_to_work(self: &Arc<Crew>) -> Result<(), Refusal> {
        if self.is_complete() {
            return Ok(());
        }
        // Relaxed: it hires for those of which it knows; who adds one that it does not know of, will hire for that.
        let at_work = self.at_work.fetch_add(1, Relaxed) + 1;
        if at_work <= self.count() { Ok(()) } else { self.hire() }
    }

    /// Takes the jobs that were withdrawn off the queue.
    pub(super) fn tidy(&self) {
        for _ in self.queue.take_if(|work| work.is_withdrawn()) {
            self.rest();
        }
    }

    /// One less is at work.
    pub(super) fn rest(&self) {
        if !self.is_complete() {
            self.at_work.fetch_sub(1, Relaxed);
        }
    }

    /// Nobody will be hired, so nobody need count.
    fn is_complete(&self) -> bool {
        self.count() == self.terms.most
    }

    #[cold]
    fn hire(self: &Arc<Crew>) -> Result<(), Refusal> {
        let mut members = self.members.acquire();
        let wanting = members.threads.len() < self.terms.most.min(self.at_work.load(Relaxed));
        if !wanting {
            return Ok(());
        }
        let hired = if members.closed {
            Err(Refusal::Closed)
        } else {
            self.start(members.threads.len())
        };
        match hired {
            Ok(member) => members.threads.push(member),
            Err(refusal) if members.threads.is_empty() => return Err(refusal), // invariant 2
            Err(_) => {}                                                       // those that are there will run it
        }
        self.count.store(members.threads.len(), Relaxed);
        Ok(())
    }

    fn start(self: &Arc<Crew>, number: usize) -> Result<Thread, Refusal> {
        // Daemons: it is the pool for which a program waits, and the pool that waits for them.
        let builder = self
            .terms
            .registry
            .builder()
            .name(format!("{}_{number}", self.terms.name))
            .daemon(true);
        let builder = match self.terms.stack_size {
            Some(size) => builder.stack_size(size),
            None => builder,
        };
        let crew = Arc::clone(self);
        let started = builder.spawn(move || crew.work()).map_err(Refusal::NoThread)?;
        Ok(started.thread().clone())
    }

    /// A member's life.
    fn work(self: Arc<Crew>) {
        let home = Process::this();
        let begun = self
            .terms
            .initializer
            .as_ref()
            .map_or(Ok(()), |initializer| catch(|| initializer()));
        let begun = begun.map_err(leak);
        if home.is_parent() {
            return; // the initializer has forked; what is queued is the parent's
        }
        if begun.is_err() {
            return self.break_down();
        }
        while let Ok(work) = self.queue.get() {
            catch_quietly(|| work.run(&self)); // invariant 6
            if home.is_parent() {
                return; // the job has forked
            }
        }
    }

    /// Fails all that is queued, and all that comes.
    fn break_down(&self) {
        self.broken.store(true, Relaxed); // seen by those who find the queue shut down by this
        self.close(Some(Outcome::Broken));
    }

    /// From now on nothing is taken; what is queued runs, or has this outcome.
    pub(super) fn close(&self, refused: Option<Outcome>) {
        let mut members = self.members.acquire();
        members.closed = true;
        let Some(outcome) = refused else {
            return self.queue.shutdown();
        };
        // Under the lock: who shuts down beside this finds that lock free only when all of them have ended.
        let taken = self.queue.shutdown_now();
        let refused: Vec<_> = taken.into_iter().map(|work| (work.refuse(outcome), work)).collect();
        drop(members);
        for (refused, work) in refused {
            if refused {
                // SAFETY: it is.
                unsafe { work.let_go(outcome) };
            }
        }
    }

    /// Waits until every member has ended. Only after `close`: there will be no others. A member may only look, and finds itself.
    pub(super) fn await_end(&self, deadline: Option<Instant>) -> Result<(), TimedOut> {
        let me = thread::id();
        let members = self.members.acquire().threads.clone();
        for member in members {
            if member.id() == me {
                return Err(TimedOut); // to join itself is a panic
            }
            match deadline {
                None => drop(member.join()),
                Some(deadline) => drop(member.join_deadline(deadline)),
            }
            if member.is_alive() {
                return Err(TimedOut);
            }
        }
        drop(self.members.acquire()); // invariant 5: they may have found the queue emptied by somebody who refuses
        Ok(())
    }

    /// Whether the calling thread is a member.
    pub(super) fn is_ours(&self) -> bool {
        let me = thread::id();
        self.members.acquire().threads.iter().any(|member| member.id() == me)
    }
}
