//! Threads: laws TH1 to TH8. Those that look at a registry have their own, so that others may run beside them.

mod exit;
mod hook;
mod join;
mod local;
mod misuse;
mod registry;
mod result;
mod scope;
mod stacks;
mod start;

use crate::forms::Form::{self, Deadline, Plain, Timeout, Try};
use selvedge::Instant;
use selvedge::thread::{Builder, Clock, ExitGuard, JoinError, JoinHandle, Local, Registry, Scope, Thread};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::fmt::Debug;
use std::hash::Hash;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

assert_impl_all!(Thread: Send, Sync, Clone, Eq, Hash, Debug);
assert_impl_all!(JoinHandle<Cell<u8>>: Send, Sync, Clone, Debug);
assert_not_impl_any!(JoinHandle<Rc<u8>>: Send, Sync);
assert_impl_all!(Builder: Send, Sync, Clone, Debug);
assert_impl_all!(Registry: Send, Sync, Clone, Debug);
assert_impl_all!(Clock: Send, Sync, Clone, Debug);
assert_impl_all!(selvedge::Timer: Send, Sync, Clone, Debug);
assert_impl_all!(ExitGuard: Send, Sync, Debug);
assert_impl_all!(Scope<'static, 'static>: Send, Sync, Debug);
assert_impl_all!(Local<Rc<u8>>: Send, Sync, Default, Debug);

/// Counts the drops of its tokens.
#[derive(Clone, Debug, Default)]
pub struct Drops(Arc<AtomicUsize>);

impl Drops {
    pub fn token(&self) -> Token {
        Token(self.clone())
    }

    pub fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

/// Takes its time to be dropped: who does not wait for that comes too early.
#[derive(Debug)]
pub struct Token(Drops);

impl Drop for Token {
    fn drop(&mut self) {
        (0..20).for_each(|_| std::thread::yield_now());
        self.0.0.fetch_add(1, SeqCst);
    }
}

/// Its drop panics, once what it holds is dropped.
#[derive(Debug)]
pub struct Bomb(Option<Token>);

impl Bomb {
    pub fn new(drops: &Drops) -> Bomb {
        Bomb(Some(drops.token()))
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        drop(self.0.take());
        resume_unwind(Box::new("a drop that fails"));
    }
}

/// Joins in any form; a form that does not wait tells that it timed out.
pub fn join_by(thread: &Thread, form: Form) -> Result<(), JoinError> {
    match form {
        Try => Ok(thread.try_join().ok_or(JoinError::TimedOut)??),
        Plain => Ok(thread.join()?),
        Timeout(time) => thread.join_timeout(time),
        Deadline(time) => thread.join_deadline(Instant::now() + time),
    }
}
