//! The laws, one file a primitive. A law's id is its name in the semantics, the table and the reports.

use crate::law::Law;
use selvedge_loom::backend::cell::UnsafeCell;
use spec::Answer;
use std::time::Duration;

mod barrier;
mod condition;
mod event;
mod lock;
mod pool;
mod queue;
mod rlock;
mod semaphore;
mod thread;
mod timer;

/// All laws, in the order of the table.
pub fn all() -> Vec<Law> {
    let sync = [
        lock::laws(),
        rlock::laws(),
        semaphore::laws(),
        event::laws(),
        condition::laws(),
        barrier::laws(),
        queue::laws(),
    ];
    let threads = [thread::laws(), timer::laws(), pool::laws()];
    sync.into_iter().chain(threads).flatten().collect()
}

/// Any time will do: under a model a deadline fires wherever it can.
const SOON: Duration = Duration::from_secs(1);

/// Plain memory. Two threads that touch it without a happens-before between them fail the model, so it shows
/// exclusion and visibility at once.
struct Data(UnsafeCell<u32>);

// SAFETY: loom refuses each access that is not ordered against the others.
unsafe impl Sync for Data {}

impl Data {
    fn new() -> Data {
        Data(UnsafeCell::new(0))
    }

    /// Adds one and tells the sum.
    fn add(&self) -> Answer {
        // SAFETY: `with_mut` has just checked that nobody else touches it.
        let sum = self.0.with_mut(|sum| unsafe { &mut *sum });
        *sum += 1;
        Answer::Count(*sum)
    }

    fn read(&self) -> Answer {
        // SAFETY: `with` has just checked that nobody writes it.
        Answer::Count(self.0.with(|sum| unsafe { *sum }))
    }
}
