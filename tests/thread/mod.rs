//! Threads: laws TH1 to TH8. Tests that count the threads of a registry have their own, so that other tests may run
//! meanwhile.

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
use crate::support::shared;
use selvedge::thread::{JoinError, JoinHandle, Registry, Thread};
use selvedge::{Event, Instant};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

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

/// A token whose drop is slow: a thread that does not wait for its end reads a lower count.
#[derive(Debug)]
pub struct Token(Drops);

impl Drop for Token {
    fn drop(&mut self) {
        (0..20).for_each(|_| std::thread::yield_now());
        self.0.0.fetch_add(1, SeqCst);
    }
}

/// Its drop drops the token, and panics.
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

/// Joins in any form; a form that does not block reports a timeout.
pub fn join_by(thread: &Thread, form: Form) -> Result<(), JoinError> {
    match form {
        Try => Ok(thread.try_join().ok_or(JoinError::TimedOut)??),
        Plain => Ok(thread.join()?),
        Timeout(time) => thread.join_timeout(time),
        Deadline(time) => thread.join_deadline(Instant::now() + time),
    }
}

/// A thread that waits for the event, and then calls `end`.
fn gated_on<T: Send + 'static>(
    registry: &Registry,
    end: impl FnOnce() -> T + Send + 'static,
) -> (Arc<Event>, JoinHandle<T>) {
    let (gate, waits) = shared(Event::new());
    let thread = registry.builder().name("gated").spawn(move || {
        waits.wait();
        end()
    });
    (gate, thread.unwrap())
}

fn gated<T: Send + 'static>(end: impl FnOnce() -> T + Send + 'static) -> (Arc<Event>, JoinHandle<T>) {
    gated_on(&Registry::new(), end)
}

/// Runs `body` on a thread of the registry; its result.
fn on_a_thread<T: Send + 'static>(registry: &Registry, body: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = registry.builder().spawn(body).unwrap();
    thread.join().unwrap();
    thread.take_result().unwrap()
}
