//! Threads that may borrow: they end before the scope in which they were started.
//!
//! # Invariants
//! 1. [`scope`] returns or unwinds only after each thread that was added to the scope has ended.
//!    Then the values that the thread borrowed are no longer used (invariant 2 of thread.rs).

use super::builder::{Builder, Run};
use super::handle::JoinHandle;
use super::thread::Thread;
use crate::sync::Mutex;
use crate::unwind::{abort_left_behind, catch, or_abort};
use core::fmt;
use core::marker::PhantomData;
use std::panic::resume_unwind;

/// A scope in which threads that borrow can be started; [`scope`] creates it.
pub struct Scope<'scope, 'env: 'scope> {
    threads: Mutex<Vec<Thread>>,
    // As in std: invariant lifetimes, which can neither shrink nor grow.
    _scope: PhantomData<&'scope mut &'scope ()>,
    _env: PhantomData<&'env mut &'env ()>,
}

/// Runs `body`, which may start threads that borrow values that
/// outlive the scope; then blocks until all these threads have ended.
///
/// Everything that the threads did happens-before the return.
///
/// In a child made by `fork`, `scope` aborts the process at the end of `body` if one of
/// its threads had not ended at the fork, because the values that the thread borrowed
/// may be half written. In `body`, such a child may exit or execute another program.
///
/// # Panics
/// If `body` panics, or a thread panicked and was not joined after that.
///
/// # Python
/// Python has no counterpart, because nothing is borrowed there.
///
/// ```
/// let mut colours = vec!["madder", "weld", "woad"];
/// let longest = selvedge::thread::scope(|scope| {
///     let thread = scope.spawn(|| colours.iter().map(|name| name.len()).max());
///     thread.join().unwrap();
///     thread.take_result().flatten()
/// });
/// colours.clear();
/// assert_eq!(longest, Some(6));
/// ```
pub fn scope<'env, R>(body: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R) -> R {
    let scope = Scope {
        threads: Mutex::new(Vec::new()),
        _scope: PhantomData,
        _env: PhantomData,
    };
    let result = catch(|| body(&scope));
    let no_unreported_panic = or_abort(|| scope.join_all());
    let result = result.unwrap_or_else(|payload| resume_unwind(payload));
    assert!(no_unreported_panic, "a scoped thread panicked");
    result
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// Starts a thread, as [`Builder::spawn_scoped`] does.
    ///
    /// # Panics
    /// If the system can't create the thread.
    pub fn spawn<R>(&'scope self, run: R) -> JoinHandle<R::Output>
    where
        R: Run + Send + 'scope,
        R::Output: Send + 'scope,
    {
        Builder::new().spawn_scoped(self, run).expect("failed to spawn thread")
    }

    pub(super) fn add(&self, thread: Thread) {
        let mut threads = self.threads.acquire();
        if threads.len() == threads.capacity() {
            // Keep the list short in a scope that starts many threads one after another.
            threads.retain(|thread| !thread.has_exited() || thread.has_unreported_panic());
        }
        threads.push(thread);
    }

    /// Blocks until all threads of the scope have ended. Returns
    /// false if a thread panicked and the panic was not reported.
    fn join_all(&self) -> bool {
        let mut no_unreported_panic = true;
        loop {
            let next = self.threads.acquire().pop(); // threads that are still alive may start others
            let Some(thread) = next else { return no_unreported_panic };
            if thread.is_left_behind() {
                abort_left_behind();
            }
            thread.await_end();
            no_unreported_panic &= !thread.mark_panic_reported();
        }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The list is cloned, because the formatter's sink is user code, and may start another thread.
        let threads = self.threads.try_acquire().map(|threads| threads.clone());
        let mut out = f.debug_struct("Scope");
        match threads {
            Some(threads) => out.field("threads", &threads).finish(),
            None => out.field("threads", &format_args!("<locked>")).finish(),
        }
    }
}
