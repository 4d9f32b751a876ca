//! The laws, one file per primitive. The id of a law identifies it in the semantics, the table and the reports.

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

/// All laws, in table order.
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

/// Any duration works: in a model a deadline elapses at every point at which it can.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Plain memory. Two conflicting accesses that are not ordered by happens-before fail the model, so this memory tests both
/// mutual exclusion and visibility.
struct Data(UnsafeCell<u32>);

// SAFETY: loom rejects every access that is not ordered by happens-before.
unsafe impl Sync for Data {}

impl Data {
    fn new() -> Data {
        Data(UnsafeCell::new(0))
    }

    /// Adds one and returns the sum.
    fn add(&self) -> Answer {
        // SAFETY: `with_mut` checks that no other access is concurrent.
        let sum = self.0.with_mut(|sum| unsafe { &mut *sum });
        *sum += 1;
        Answer::Count(*sum)
    }

    fn read(&self) -> Answer {
        // SAFETY: `with` checks that no write is concurrent.
        Answer::Count(self.0.with(|sum| unsafe { *sum }))
    }
}
