//! A task: a submitted function, later its result, and the state of its job, in one allocation.
//!
//! # Invariants
//! 1. `contents` are owned by one thread at a time. The thread that moves the job out of PENDING owns
//!    them until it has ended the job or, after a withdrawal, dropped the function. After that, the job's
//!    only [`Job`](super::Job) owns them; if it has been dropped, the last reference to the task does.
//! 2. When a scope is notified of the end of a task, the function has been
//!    dropped, and so has the value, unless a `Job` holds it or can take it.

use super::job_state::{Callback, JobState, Outcome, run_callbacks};
use crate::backend::cell::UnsafeCell;
use crate::backend::{Arc, unobserved_panic};
use crate::thread::Run;
use crate::unwind::{Payload, catch, catch_quietly, leak, message};
use core::mem;

/// The scope that waits for a task. If there is none, `()`, which takes no memory.
pub(super) trait ScopeToken: Clone + Send + Sync {
    /// Notifies the scope that the task has ended (invariant 2).
    fn task_ended(&self) {}

    /// Notifies the scope that the function has panicked, before
    /// the task ends. Returns true if the scope reports the panic.
    fn task_panicked(&self) -> bool {
        false
    }

    /// Notifies the scope that the program has taken the panic's payload.
    fn panic_taken(&self) {}
}

impl ScopeToken for () {}

pub(super) struct Task<R: Run, S> {
    state: JobState,
    contents: UnsafeCell<Contents<R>>,
    scope: S,
}

enum Contents<R: Run> {
    Function(R),
    Value(R::Output),
    /// In a box, because few jobs panic, and the cost of a job depends mostly on its size.
    Panic(Box<Untaken>),
    Nothing,
}

/// The panic of a job, until the program takes its payload.
struct Untaken {
    payload: Option<Payload>,
    is_reported: bool,
}

impl Drop for Untaken {
    fn drop(&mut self) {
        if let Some(payload) = self.payload.as_ref().filter(|_| !self.is_reported) {
            unobserved_panic(|| message(&**payload));
        }
    }
}

impl<R: Run> Contents<R> {
    /// Whether the drop of the contents may run user code.
    fn need_drop(&self) -> bool {
        match self {
            Contents::Value(_) => mem::needs_drop::<R::Output>(),
            Contents::Function(_) | Contents::Panic(_) => true,
            Contents::Nothing => false,
        }
    }
}

// SAFETY: invariant 1: one thread at a time accesses the contents, which are `Send`.
unsafe impl<R: Run + Send, S: Sync> Sync for Task<R, S> where R::Output: Send {}

/// A task without the type of its function, for the workers. A worker calls `run`, `end` and `release`, in this order.
pub(super) trait ErasedTask: Send + Sync {
    /// Runs the function and stores its value or panic, without
    /// ending the task. Returns `None` if the task was withdrawn.
    fn run(&self) -> Option<Outcome>;

    /// Ends the task after `run`, and runs its waiters. The caller must run the callbacks.
    fn end(&self, outcome: Outcome) -> Vec<Callback>;

    /// Releases the worker's reference to an ended task. If no `Job` refers to the task, and the drop of
    /// its value may run user code, returns a function that drops the value, which the caller must call.
    fn release<'a>(self: Arc<Self>) -> Option<Box<dyn FnOnce() + 'a>>
    where
        Self: 'a;

    /// Whether the task was withdrawn, and so will not run.
    fn is_withdrawn(&self) -> bool;

    /// Withdraws the task; returns false if it has started or was withdrawn before.
    /// If it returns true, the caller must call [`discard`](ErasedTask::discard).
    fn withdraw(&self, outcome: Outcome) -> bool;

    /// Runs the waiters and the callbacks of a withdrawn task, and drops
    /// its function. A panic of that drop is caught and its payload leaked.
    ///
    /// # Safety
    /// The caller has withdrawn the task with this outcome.
    unsafe fn discard(self: Arc<Self>, outcome: Outcome);
}

/// A task without the type of its function, for its `Job`.
pub(super) trait TaskResult<T>: Send + Sync {
    fn state(&self) -> &JobState;

    /// Withdraws the task, if it has not started, and drops its function. Returns
    /// `Some(Err(_))` if that drop panicked, and `None` if the task was not withdrawn.
    fn cancel(&self) -> Option<Result<(), Payload>>;

    /// # Safety
    /// The task has ended, and the caller is its only `Job`.
    unsafe fn take(&self) -> Option<Result<T, Payload>>;
}

impl<R: Run, S: ScopeToken> Task<R, S> {
    pub(super) fn new(run: R, scope: S) -> Task<R, S> {
        Task {
            state: JobState::new(),
            contents: UnsafeCell::new(Contents::Function(run)),
            scope,
        }
    }

    /// The function of a task that was not queued and so did not run.
    pub(super) fn into_function(self) -> Option<R> {
        match self.contents.into_inner() {
            Contents::Function(run) => Some(run),
            _ => None,
        }
    }

    /// # Safety
    /// The caller owns the contents (invariant 1).
    unsafe fn replace(&self, contents: Contents<R>) -> Contents<R> {
        // SAFETY: invariant 1: the caller owns the contents.
        self.contents.with_mut(|it| mem::replace(unsafe { &mut *it }, contents))
    }

    /// Runs the waiters and the callbacks, and drops the function. Returns an error if that drop panicked.
    ///
    /// # Safety
    /// The caller has withdrawn the task with this outcome.
    unsafe fn discard_function(&self, outcome: Outcome) -> Result<(), Payload> {
        run_callbacks(self.state.notify_waiters(), outcome);
        // SAFETY: invariant 1: the caller has withdrawn the task.
        let function = unsafe { self.replace(Contents::Nothing) };
        let dropped = catch(|| drop(function));
        self.scope.task_ended(); // invariant 2
        dropped
    }
}

impl<R: Run + Send, S: ScopeToken> ErasedTask for Task<R, S>
where
    R::Output: Send,
{
    fn run(&self) -> Option<Outcome> {
        if !self.state.try_start() {
            return None;
        }
        // SAFETY: invariant 1: this thread has started the task.
        let Contents::Function(run) = (unsafe { self.replace(Contents::Nothing) }) else {
            unreachable!("invariant 1")
        };
        let (contents, outcome) = match catch(|| run.run()) {
            Ok(value) => (Contents::Value(value), Outcome::Returned),
            Err(payload) => {
                let untaken = Untaken {
                    payload: Some(payload),
                    is_reported: self.scope.task_panicked(),
                };
                (Contents::Panic(Box::new(untaken)), Outcome::Panicked)
            }
        };
        // SAFETY: invariant 1: this thread has started the task, and has not ended it.
        unsafe { self.replace(contents) };
        Some(outcome)
    }

    fn end(&self, outcome: Outcome) -> Vec<Callback> {
        match self.state.finish(outcome) {
            true => self.state.notify_waiters(),
            false => Vec::new(),
        }
    }

    fn release<'a>(self: Arc<Self>) -> Option<Box<dyn FnOnce() + 'a>>
    where
        Self: 'a,
    {
        let scope = self.scope.clone();
        let contents = Arc::into_inner(self).map(|task| task.contents.into_inner());
        let Some(contents) = contents.filter(Contents::need_drop) else {
            scope.task_ended(); // invariant 2
            return None;
        };
        Some(Box::new(move || {
            catch_quietly(|| drop(contents));
            scope.task_ended(); // invariant 2
        }))
    }

    fn is_withdrawn(&self) -> bool {
        self.state.is_withdrawn()
    }

    fn withdraw(&self, outcome: Outcome) -> bool {
        self.state.withdraw(outcome)
    }

    unsafe fn discard(self: Arc<Self>, outcome: Outcome) {
        // SAFETY: invariant 1: the caller has withdrawn the task with this outcome.
        unsafe { self.discard_function(outcome) }.unwrap_or_else(leak);
    }
}

impl<R: Run + Send, S: ScopeToken> TaskResult<R::Output> for Task<R, S>
where
    R::Output: Send,
{
    fn state(&self) -> &JobState {
        &self.state
    }

    fn cancel(&self) -> Option<Result<(), Payload>> {
        let withdrawn = self.state.withdraw(Outcome::Cancelled);
        // SAFETY: invariant 1: this thread has withdrawn the task.
        withdrawn.then(|| unsafe { self.discard_function(Outcome::Cancelled) })
    }

    unsafe fn take(&self) -> Option<Result<R::Output, Payload>> {
        // SAFETY: invariant 1: the task has ended, and the caller is its only `Job`.
        match unsafe { self.replace(Contents::Nothing) } {
            Contents::Value(value) => Some(Ok(value)),
            Contents::Panic(mut untaken) => {
                self.scope.panic_taken();
                untaken.payload.take().map(Err)
            }
            Contents::Nothing | Contents::Function(_) => None,
        }
    }
}
