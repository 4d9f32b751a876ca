//! The workers of a pool, and the queue from which they take tasks.
//!
//! # State
//! `active` counts the tasks that are queued or run; `count` is the number of workers.
//! ```text
//!   (no thread) ─── a task is submitted while each worker has one ───▶ worker: waits for a task ⇄ runs it
//!                                                                        │ the queue is shut down and empty
//!                                                                        ▼
//!                                                                      ends
//! ```
//! # Invariants
//! 1. There are as many workers as active tasks, or `max_workers`, or as many as the system allows. So no worker is idle while a
//!    task is queued and another worker could be spawned.
//! 2. A task is in the queue only if there is a worker, and no worker ends while a task is in the queue.
//! 3. Workers are spawned while the lock is held, and none is spawned after `close`.
//! 4. No user code runs while the lock is held.
//! 5. A task that `close` removes from the queue is withdrawn before the lock is released.
//! 6. No worker is lost before the pool ends: each panic of user code is caught where it occurs, and if anything else unwinds
//!    from a task, the worker goes on with the next.
//!
//! Laws P1 to P6 are checked in `loom-tests`.

use super::directory::{CancelledTasks, Registration};
use super::job_state::{Outcome, run_callbacks};
use super::task::ErasedTask;
use crate::backend::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use crate::backend::process::{Anew, Process};
use crate::backend::{Arc, Instant, Weak, thread};
use crate::queue::Queue;
use crate::sync::{Mutex, TimedOut};
use crate::thread::{Registry, Thread};
use crate::unwind::{catch, catch_quietly, leak};
use std::io;

pub(super) type Initializer = dyn Fn() + Send + Sync;

/// The configuration of a pool's workers.
#[derive(Clone)]
pub(super) struct Config {
    pub(super) max_workers: usize,
    pub(super) name: Arc<str>,
    pub(super) stack_size: Option<usize>,
    pub(super) initializer: Option<Arc<Initializer>>,
    pub(super) registry: Registry,
}

pub(super) struct Workers {
    queue: Queue<Arc<dyn ErasedTask>>,
    config: Config,
    active: AtomicUsize,
    /// The number of workers; it is written while the lock is held.
    count: AtomicUsize,
    members: Mutex<Members>,
    broken: AtomicBool,
    registration: Registration,
}

/// Why a task is not accepted.
pub(super) enum Refusal {
    Closed,
    NoThread(io::Error),
}

struct Members {
    threads: Vec<Thread>,
    closed: bool,
}

/// A child made by `fork` has no workers and no tasks. A pool that is shut down stays shut down.
impl Anew for Arc<Workers> {
    fn anew(&self) -> Arc<Workers> {
        Arc::new_cyclic(|me| {
            let workers = Workers::new(self.config.clone(), me);
            workers.broken.store(self.is_broken(), Relaxed);
            if self.is_shut_down() {
                workers.close(None);
            }
            workers
        })
    }
}

impl CancelledTasks for Workers {
    fn queued(&self) -> usize {
        self.queue.len()
    }

    fn remove_withdrawn(&self) {
        for _ in self.queue.take_if(|task| task.is_withdrawn()) {
            self.task_finished();
        }
    }
}

impl Workers {
    pub(super) fn new(config: Config, me: &Weak<Workers>) -> Workers {
        Workers {
            queue: Queue::bounded_by_a_lock(usize::MAX), // in a ring, the models of its jobs would be thirty times as large
            config,
            active: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
            members: Mutex::new(Members {
                threads: Vec::new(),
                closed: false,
            }),
            broken: AtomicBool::new(false),
            registration: Registration::new(me.clone()),
        }
    }

    /// The id by which jobs find their pool.
    pub(super) fn id(&self) -> u64 {
        self.registration.id()
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.queue.is_shutdown()
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Relaxed)
    }

    /// Spawns a worker for the task, if one is missing, and queues the task.
    pub(super) fn submit(self: &Arc<Workers>, task: Arc<dyn ErasedTask>) -> Result<(), Refusal> {
        // First the worker, then the task: after an error the queue does not hold the task (invariant 2).
        let queued = self
            .task_started()
            .and_then(|()| self.queue.put(task).map_err(|_| Refusal::Closed));
        if queued.is_err() {
            self.task_finished();
        }
        queued
    }

    /// One more task is active: spawns a worker, if one is missing. An error if there is no worker at all.
    fn task_started(self: &Arc<Workers>) -> Result<(), Refusal> {
        if self.are_at_max() {
            return Ok(());
        }
        // Relaxed: a thread spawns for the tasks that this RMW has counted. A task that is counted later is provided for by the
        // thread that counts it.
        let active = self.active.fetch_add(1, Relaxed) + 1;
        if active <= self.count() {
            Ok(())
        } else {
            self.spawn_missing()
        }
    }

    /// One task less is active.
    fn task_finished(&self) {
        if !self.are_at_max() {
            self.active.fetch_sub(1, Relaxed);
        }
    }

    /// No worker will be spawned any more, so that `active` need not be maintained.
    fn are_at_max(&self) -> bool {
        self.count() == self.config.max_workers
    }

    #[cold]
    fn spawn_missing(self: &Arc<Workers>) -> Result<(), Refusal> {
        let mut members = self.members.acquire();
        let is_missing = members.threads.len() < self.config.max_workers.min(self.active.load(Relaxed));
        if !is_missing {
            return Ok(());
        }
        let spawned = if members.closed {
            Err(Refusal::Closed)
        } else {
            self.spawn(members.threads.len())
        };
        match spawned {
            Ok(worker) => members.threads.push(worker),
            Err(refusal) if members.threads.is_empty() => return Err(refusal), // invariant 2
            Err(_) => {} // the workers that exist will run the task
        }
        self.count.store(members.threads.len(), Relaxed);
        Ok(())
    }

    fn spawn(self: &Arc<Workers>, index: usize) -> Result<Thread, Refusal> {
        // Daemons: the program waits for its pools, and a pool for its workers.
        let builder = self.config.registry.builder();
        let builder = builder.name(format!("{}_{index}", self.config.name)).daemon(true);
        let builder = match self.config.stack_size {
            Some(size) => builder.stack_size(size),
            None => builder,
        };
        let workers = Arc::clone(self);
        let spawned = builder.spawn(move || workers.work()).map_err(Refusal::NoThread)?;
        Ok(spawned.thread().clone())
    }

    /// The body of a worker's thread.
    fn work(self: Arc<Workers>) {
        let home = Process::this();
        let initialized = match &self.config.initializer {
            Some(initializer) => catch(|| initializer()),
            None => Ok(()),
        };
        let initialized = initialized.map_err(leak);
        if home.is_parent() {
            return; // the initializer has forked, and this is the child: the queue is the parent's
        }
        if initialized.is_err() {
            return self.break_down();
        }
        while let Ok(task) = self.queue.get() {
            catch_quietly(|| self.run(task)); // invariant 6
            if home.is_parent() {
                return; // the task has forked, and this is the child
            }
        }
    }

    fn run(self: &Arc<Workers>, task: Arc<dyn ErasedTask>) {
        let Some(outcome) = task.run() else {
            return self.task_finished();
        };
        // Before the end is visible: a thread that sees it finds this worker idle, and needs no other.
        self.task_finished();
        let callbacks = task.end(outcome);
        if !callbacks.is_empty() {
            self.run_as_task(|| run_callbacks(callbacks, outcome));
        }
        if let Some(drop_value) = task.release() {
            self.run_as_task(drop_value);
        }
    }

    /// Runs user code that may take long after its task has ended: a worker that is missing meanwhile is spawned. If the system
    /// refuses a thread, the queued tasks wait.
    fn run_as_task(self: &Arc<Workers>, body: impl FnOnce()) {
        let _ = self.task_started();
        body();
        self.task_finished();
    }

    /// Fails all queued tasks, and all that are submitted from now on.
    fn break_down(&self) {
        self.broken.store(true, Relaxed); // visible to a thread that finds the queue shut down by the next line
        self.close(Some(Outcome::Broken));
    }

    /// Accepts no more tasks. The queued ones run, or end with the outcome `withdrawn`.
    pub(super) fn close(&self, withdrawn: Option<Outcome>) {
        let mut members = self.members.acquire();
        members.closed = true;
        let Some(outcome) = withdrawn else {
            return self.queue.shutdown();
        };
        // While the lock is held (invariant 5): a thread that shuts down at the same time acquires it after all have ended.
        let removed = self.queue.shutdown_now();
        let removed: Vec<_> = removed.into_iter().map(|task| (task.withdraw(outcome), task)).collect();
        drop(members);
        for (is_withdrawn, task) in removed {
            if is_withdrawn {
                // SAFETY: this thread has withdrawn the task with this outcome.
                unsafe { task.discard(outcome) };
            }
        }
    }

    /// Blocks until every worker has ended. Only after `close`, so that no worker is spawned any more. A worker that calls this
    /// with a deadline finds itself alive: it times out.
    pub(super) fn await_end(&self, deadline: Option<Instant>) -> Result<(), TimedOut> {
        let me = thread::id();
        let members = self.members.acquire().threads.clone();
        for member in members {
            if member.id() == me {
                return Err(TimedOut); // a thread that joins itself panics
            }
            match deadline {
                None => drop(member.join()),
                Some(deadline) => drop(member.join_deadline(deadline)),
            }
            if member.is_alive() {
                return Err(TimedOut);
            }
        }
        drop(self.members.acquire()); // invariant 5: another thread may have emptied the queue, and withdraw its tasks
        Ok(())
    }

    /// Whether the calling thread is a worker.
    pub(super) fn contain_this_thread(&self) -> bool {
        let me = thread::id();
        self.members.acquire().threads.iter().any(|member| member.id() == me)
    }
}
