//! A function on its way through the pool: in one allocation with its fate, and later with what it made.
//!
//! # Invariants
//! 1. What the cell holds belongs to whoever took the job out of its pending state, if that thread runs it, until the end: the
//!    function. Then it belongs to the [`Job`](super::Job), which is one: the value, or the panic's payload.
//! 2. When a scope is told of a job's end, the function is gone, and so is the value unless the job has it or can take it.

use super::crew::Crew;
use super::fate::{Fate, Outcome};
use super::scope::Jobs;
use crate::backend::Arc;
use crate::backend::cell::UnsafeCell;
use crate::backend::lost;
use crate::thread::{Payload, Run, catch, catch_quietly, leak, said};
use core::mem;

pub(super) struct Work<R: Run, S> {
    fate: Fate,
    contents: UnsafeCell<Contents<R>>,
    scope: S,
}

/// The scope that waits for a work, or nobody, who takes no room in it.
pub(super) trait Told: Clone + Send + Sync {
    /// The work has ended.
    fn tell(&self) {}

    /// Its function has panicked; it has not ended yet. True: the program learns of it, whether it takes the result or not.
    fn panicked(&self) -> bool {
        false
    }

    /// The panic's payload is with the program.
    fn panic_taken(&self) {}
}

impl Told for () {}

impl Told for Arc<Jobs> {
    fn tell(&self) {
        self.end();
    }

    fn panicked(&self) -> bool {
        self.add_panic();
        true
    }

    fn panic_taken(&self) {
        self.remove_panic();
    }
}

enum Contents<R: Run> {
    Function(R),
    Value(R::Output),
    /// In a box: few jobs panic, and what a job costs is how much memory it takes.
    Panic(Box<Untaken>),
    Nothing,
}

/// What a job has panicked with, until the program takes it.
struct Untaken {
    payload: Option<Payload>,
    is_told: bool,
}

impl Drop for Untaken {
    fn drop(&mut self) {
        if let Some(payload) = self.payload.as_ref().filter(|_| !self.is_told) {
            lost(|| said(&**payload));
        }
    }
}

impl<R: Run> Contents<R> {
    /// Whether its drop may run the user's code.
    fn has_drop(&self) -> bool {
        match self {
            Contents::Value(_) => mem::needs_drop::<R::Output>(),
            Contents::Function(_) | Contents::Panic(_) => true,
            Contents::Nothing => false,
        }
    }
}

// SAFETY: one thread at a time touches the contents (invariant 1), which can be sent.
unsafe impl<R: Run + Send, S: Sync> Sync for Work<R, S> where R::Output: Send {}

/// What the pool sees of it.
pub(super) trait Runs: Send + Sync {
    /// Runs it, unless it was withdrawn.
    fn run(self: Arc<Self>, crew: &Arc<Crew>);

    /// Whether it was withdrawn: it will not run.
    fn is_withdrawn(&self) -> bool;

    /// Ends it with this outcome, unless it has begun or was withdrawn. Then the caller must let it go.
    fn refuse(&self, outcome: Outcome) -> bool;

    /// Tells who watches, and drops the function, whose panic is of no interest.
    ///
    /// # Safety
    /// The caller has refused it.
    unsafe fn let_go(self: Arc<Self>, outcome: Outcome);
}

/// What the job sees of it.
pub(super) trait Makes<T>: Send + Sync {
    fn fate(&self) -> &Fate;

    /// Cancels it, if it has not begun; then how the drop of its function has ended.
    fn cancel(&self) -> Option<Result<(), Payload>>;

    /// # Safety
    /// The work has ended, and the caller is its only job.
    unsafe fn take(&self) -> Option<Result<T, Payload>>;
}

impl<R: Run, S: Told> Work<R, S> {
    pub(super) fn new(run: R, scope: S) -> Work<R, S> {
        Work {
            fate: Fate::new(),
            contents: UnsafeCell::new(Contents::Function(run)),
            scope,
        }
    }

    /// The function of a work that nobody else has seen.
    pub(super) fn into_function(self) -> Option<R> {
        match self.contents.into_inner() {
            Contents::Function(run) => Some(run),
            _ => None,
        }
    }

    /// # Safety
    /// The contents are the caller's (invariant 1).
    unsafe fn replace(&self, contents: Contents<R>) -> Contents<R> {
        // SAFETY: the caller's.
        self.contents.with_mut(|it| mem::replace(unsafe { &mut *it }, contents))
    }

    /// Tells who watches that it was withdrawn, and drops the function; how that has ended.
    ///
    /// # Safety
    /// The caller has withdrawn the job.
    unsafe fn empty(&self, outcome: Outcome) -> Result<(), Payload> {
        Fate::call_back(self.fate.tell(), outcome);
        // SAFETY: the caller's (invariant 1).
        let function = unsafe { self.replace(Contents::Nothing) };
        let dropped = catch(|| drop(function));
        self.scope.tell(); // invariant 2
        dropped
    }
}

impl<R: Run + Send, S: Told> Runs for Work<R, S>
where
    R::Output: Send,
{
    fn run(self: Arc<Self>, crew: &Arc<Crew>) {
        if !self.fate.begin() {
            return crew.rest();
        }
        // SAFETY: it has begun the job (invariant 1).
        let Contents::Function(run) = (unsafe { self.replace(Contents::Nothing) }) else {
            unreachable!("invariant 1")
        };
        let (contents, outcome) = match catch(|| run.run()) {
            Ok(value) => (Contents::Value(value), Outcome::Returned),
            Err(payload) => {
                let untaken = Untaken {
                    payload: Some(payload),
                    is_told: self.scope.panicked(),
                };
                (Contents::Panic(Box::new(untaken)), Outcome::Panicked)
            }
        };
        // SAFETY: it has begun the job, and not ended it.
        unsafe { self.replace(contents) };
        // Before the end: whoever sees that finds the worker at rest, and needs no other.
        crew.rest();
        let callbacks = if self.fate.end(outcome) {
            self.fate.tell()
        } else {
            Vec::new()
        };
        if !callbacks.is_empty() {
            // They may take long. If nobody can be had for what is queued, it waits until all are told.
            let _ = crew.set_to_work();
            Fate::call_back(callbacks, outcome);
            crew.rest();
        }
        let scope = self.scope.clone();
        let left = Arc::into_inner(self).map(|work| work.contents.into_inner());
        if let Some(left) = left.filter(Contents::has_drop) {
            // Nobody has the job: the drop of what it made may take long, and is work too.
            let _ = crew.set_to_work();
            catch_quietly(|| drop(left));
            crew.rest();
        }
        scope.tell(); // invariant 2
    }

    fn is_withdrawn(&self) -> bool {
        self.fate.never_runs()
    }

    fn refuse(&self, outcome: Outcome) -> bool {
        self.fate.withdraw(outcome)
    }

    unsafe fn let_go(self: Arc<Self>, outcome: Outcome) {
        // SAFETY: the caller's.
        unsafe { self.empty(outcome) }.unwrap_or_else(leak);
    }
}

impl<R: Run + Send, S: Told> Makes<R::Output> for Work<R, S>
where
    R::Output: Send,
{
    fn fate(&self) -> &Fate {
        &self.fate
    }

    fn cancel(&self) -> Option<Result<(), Payload>> {
        // SAFETY: it has withdrawn the job.
        self.fate
            .withdraw(Outcome::Cancelled)
            .then(|| unsafe { self.empty(Outcome::Cancelled) })
    }

    unsafe fn take(&self) -> Option<Result<R::Output, Payload>> {
        // SAFETY: the caller's (invariant 1).
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
