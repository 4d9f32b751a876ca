//! The workers of a pool, and the queue from which they take tasks.
//!
//! # State
//! `active` is the number of tasks that are queued or running; `count` is the number of workers. The state of a worker:
//! ```text
//!   (no thread) ─── a task is submitted while each worker has one ───▶ waits for a task ⇄ runs a task
//!                                                                        │ the queue is shut down and empty
//!                                                                        ▼
//!                                                                      ended
//! ```
//! # Invariants
//! 1. There are as many workers as active tasks, or `max_workers`, or as many as the system
//!    could create. So no task stays queued while a further worker could be spawned.
//! 2. A task is in the queue only if there is a worker, and no worker ends while a task is in the queue.
//! 3. Workers are spawned while the lock of `members` is held, and none is spawned after `close`.
//! 4. No user code runs while the lock is held.
//! 5. A task that `close` removes from the queue is withdrawn before the lock is released.
//! 6. A worker ends only when the pool is shut down. Each panic of user code is caught where that
//!    code is called; if another panic unwinds from a task, the worker continues with the next task.
//!
//! Laws P1 to P6 are checked in `loom-tests`.

use super::directory::{CancelledTasks, Registration};
use super::job_state::{Outcome, run_callbacks};
use super::task::ErasedTask;
use crate::backend::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use crate::backend::process::{ForChild, Process};
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
    /// The number of workers, written while the lock is held.
    count: AtomicUsize,
    members: Mutex<Members>,
    broken: AtomicBool,
    registration: Registration,
}

/// The reason why a task is rejected.
pub(super) enum Rejection {
    Closed,
    NoThread(io::Error),
}

struct Members {
    threads: Vec<Thread>,
    closed: bool,
}

/// In a child made by `fork`, a pool has no workers and no tasks. A pool that is shut down stays so.
impl ForChild for Arc<Workers> {
    fn for_child(&self) -> Arc<Workers> {
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
            queue: Queue::bounded_by_a_lock(usize::MAX), // a ring would make loom models thirty times larger
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

    /// The pool's id in the directory, by which a job finds its pool.
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

    /// Queues a task. Spawns a worker first if all workers have a task and the maximum is not reached.
    pub(super) fn submit(self: &Arc<Workers>, task: Arc<dyn ErasedTask>) -> Result<(), Rejection> {
        // The worker is spawned before the task is queued, so that the
        // task is not in the queue if there is no worker (invariant 2).
        let queued = self
            .task_started()
            .and_then(|()| self.queue.put(task).map_err(|_| Rejection::Closed));
        if queued.is_err() {
            self.task_finished();
        }
        queued
    }

    /// Adds a task to `active`, and spawns a worker if one is missing. Returns an error if there is no worker at all.
    fn task_started(self: &Arc<Workers>) -> Result<(), Rejection> {
        if self.are_at_max() {
            return Ok(());
        }
        // Relaxed: the calling thread provides workers for all tasks counted up
        // to this RMW. The thread that counts a later task provides its worker.
        let active = self.active.fetch_add(1, Relaxed) + 1;
        if active <= self.count() {
            Ok(())
        } else {
            self.spawn_missing()
        }
    }

    /// Removes a task from `active`.
    fn task_finished(&self) {
        if !self.are_at_max() {
            self.active.fetch_sub(1, Relaxed);
        }
    }

    /// Whether the number of workers has reached its maximum. Then
    /// no worker will be spawned, and `active` is not maintained.
    fn are_at_max(&self) -> bool {
        self.count() == self.config.max_workers
    }

    #[cold]
    fn spawn_missing(self: &Arc<Workers>) -> Result<(), Rejection> {
        let mut members = self.members.acquire();
        let is_missing = members.threads.len() < self.config.max_workers.min(self.active.load(Relaxed));
        if !is_missing {
            return Ok(());
        }
        let spawned = if members.closed {
            Err(Rejection::Closed)
        } else {
            self.spawn(members.threads.len())
        };
        match spawned {
            Ok(worker) => members.threads.push(worker),
            Err(rejection) if members.threads.is_empty() => return Err(rejection), // invariant 2
            Err(_) => {}                                                           // the existing workers run the task
        }
        self.count.store(members.threads.len(), Relaxed);
        Ok(())
    }

    fn spawn(self: &Arc<Workers>, index: usize) -> Result<Thread, Rejection> {
        // Workers are daemons, because the pool's owner waits for them when it shuts the pool down.
        let builder = self.config.registry.builder();
        let builder = builder.name(format!("{}_{index}", self.config.name)).daemon(true);
        let builder = match self.config.stack_size {
            Some(size) => builder.stack_size(size),
            None => builder,
        };
        let workers = Arc::clone(self);
        let spawned = builder.spawn(move || workers.work()).map_err(Rejection::NoThread)?;
        Ok(spawned.thread().clone())
    }

    /// The function of a worker's thread.
    fn work(self: Arc<Workers>) {
        let home = Process::this();
        let initialized = match &self.config.initializer {
            Some(initializer) => catch(|| initializer()),
            None => Ok(()),
        };
        let initialized = initialized.map_err(leak);
        if home.is_parent() {
            return; // this is a child made by the initializer with `fork`: the queue is the parent's
        }
        if initialized.is_err() {
            return self.break_down();
        }
        while let Ok(task) = self.queue.get() {
            catch_quietly(|| self.run(task)); // invariant 6
            if home.is_parent() {
                return; // this is a child made by the task with `fork`
            }
        }
    }

    fn run(self: &Arc<Workers>, task: Arc<dyn ErasedTask>) {
        let Some(outcome) = task.run() else {
            return self.task_finished();
        };
        // Called before the task's end is visible, so that a thread that observes
        // the end and submits a task finds this worker idle and spawns no other.
        self.task_finished();
        let callbacks = task.end(outcome);
        if !callbacks.is_empty() {
            self.run_as_task(|| run_callbacks(callbacks, outcome));
        }
        if let Some(drop_value) = task.release() {
            self.run_as_task(drop_value);
        }
    }

    /// Runs user code that may take long although its task has ended. It counts as a task, so that a worker
    /// is spawned if one is missing meanwhile. If the system can't create one, the queued tasks wait.
    fn run_as_task(self: &Arc<Workers>, body: impl FnOnce()) {
        let _ = self.task_started();
        body();
        self.task_finished();
    }

    /// Breaks the pool: all queued tasks fail, and new tasks are rejected.
    fn break_down(&self) {
        self.broken.store(true, Relaxed); // a thread that finds the queue shut down by `close` reads true
        self.close(Some(Outcome::Broken));
    }

    /// Rejects new tasks. With an outcome, withdraws the queued tasks with it; without one, the queued tasks run.
    pub(super) fn close(&self, withdrawn: Option<Outcome>) {
        let mut members = self.members.acquire();
        members.closed = true;
        let Some(outcome) = withdrawn else {
            return self.queue.shutdown();
        };
        // The lock is held until all removed tasks are withdrawn (invariant 5): a concurrent
        // shutdown acquires the lock before it returns, and so finds all tasks ended.
        let removed = self.queue.shutdown_now();
        let removed: Vec<_> = removed.into_iter().map(|task| (task.withdraw(outcome), task)).collect();
        drop(members);
        for (is_withdrawn, task) in removed {
            if is_withdrawn {
                // SAFETY: invariant 1 of job_state.rs: this thread has withdrawn the task with `outcome`.
                unsafe { task.discard(outcome) };
            }
        }
    }

    /// Blocks until every worker has ended. It must follow `close`, after which no worker is spawned.
    /// A worker that calls this with a deadline gets `TimedOut`, because it is alive itself.
    pub(super) fn await_end(&self, deadline: Option<Instant>) -> Result<(), TimedOut> {
        let me = thread::id();
        let members = self.members.acquire().threads.clone();
        for member in members {
            if member.id() == me {
                return Err(TimedOut); // not `join`, which panics if a thread joins itself
            }
            match deadline {
                None => drop(member.join()),
                Some(deadline) => drop(member.join_deadline(deadline)),
            }
            if member.is_alive() {
                return Err(TimedOut);
            }
        }
        // Invariant 5: another thread may have removed tasks from the queue, and not withdrawn them yet.
        drop(self.members.acquire());
        Ok(())
    }

    /// Whether the calling thread is a worker.
    pub(super) fn contain_this_thread(&self) -> bool {
        let me = thread::id();
        self.members.acquire().threads.iter().any(|member| member.id() == me)
    }
}
