//! Threads that borrow: none outlives the scope in which it was started.
//!
//! # Invariants
//! 1. [`scope`] does not return, by a panic either, before every thread that was admitted has ended; then nothing that
//!    it borrowed is in its hands (invariant 2 of thread.rs).

use super::builder::{Builder, Run};
use super::handle::JoinHandle;
use super::thread::Thread;
use crate::sync::Mutex;
use crate::unwind::{abort_left_behind, catch, or_abort};
use core::fmt;
use core::marker::PhantomData;
use std::panic::resume_unwind;

/// Where threads are started that may borrow; [`scope`] gives it.
pub struct Scope<'scope, 'env: 'scope> {
    admitted: Mutex<Vec<Thread>>,
    // As those of std: neither may shrink or grow.
    _scope: PhantomData<&'scope mut &'scope ()>,
    _env: PhantomData<&'env mut &'env ()>,
}

/// Runs `body`, in which threads may be started that borrow what lives longer, and waits for the end of all of them.
///
/// Everything that they did happens-before the return.
///
/// In a child made by `fork` it aborts if one of its threads had not ended at the fork: what that had borrowed may be half
/// changed. Let such a child exit, or execute another program, in `body`.
///
/// # Panics
/// As `body` does; and if one of the threads has panicked and nobody has joined it since.
///
/// # Python
/// There is no twin: nothing is borrowed there.
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
        admitted: Mutex::new(Vec::new()),
        _scope: PhantomData,
        _env: PhantomData,
    };
    let result = catch(|| body(&scope));
    let all_well = or_abort(|| scope.join_all());
    let result = result.unwrap_or_else(|payload| resume_unwind(payload));
    assert!(all_well, "a scoped thread panicked");
    result
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// Starts a thread, as [`Builder::spawn_scoped`] does.
    ///
    /// # Panics
    /// If the system refuses the thread.
    pub fn spawn<R>(&'scope self, run: R) -> JoinHandle<R::Output>
    where
        R: Run + Send + 'scope,
        R::Output: Send + 'scope,
    {
        Builder::new()
            .spawn_scoped(self, run)
            .expect("the system has room for a thread")
    }

    pub(super) fn admit(&self, thread: Thread) {
        let mut admitted = self.admitted.acquire();
        if admitted.len() == admitted.capacity() {
            // A scope may start any number of threads, one after another.
            admitted.retain(|thread| !thread.is_gone() || thread.has_unseen_panic());
        }
        admitted.push(thread);
    }

    /// Waits for all; whether no panic is unseen.
    fn join_all(&self) -> bool {
        let mut all_well = true;
        loop {
            let next = self.admitted.acquire().pop(); // those that still live may admit others
            let Some(thread) = next else { return all_well };
            if thread.is_left_behind() {
                abort_left_behind();
            }
            thread.await_end();
            all_well &= !thread.see_panic();
        }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Cloned: the formatter's sink is user code, and may start another thread.
        let admitted = self.admitted.try_acquire().map(|admitted| admitted.clone());
        let mut out = f.debug_struct("Scope");
        match admitted {
            Some(admitted) => out.field("threads", &admitted).finish(),
            None => out.field("threads", &format_args!("<locked>")).finish(),
        }
    }
}
