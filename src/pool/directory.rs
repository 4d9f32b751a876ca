//! A directory of all pools of the program, by id.
//!
//! The task of a cancelled job stays in its pool's queue, and keeps its memory. To remove it,
//! the job must find the pool. A reference to the pool would cost each job two atomic operations
//! on a shared cache line. An id costs only the cancelled jobs, which search the directory.
//!
//! # Invariants
//! 1. A pool has an entry from its construction until its drop. A process does not reuse ids. A child made
//!    by `fork` starts with an empty directory of its own, and does not look up the ids of its parent.
//! 2. `cancelled` is at least the number of cancelled jobs whose tasks are in the queue.
//! 3. While the lock is held, no pool is dropped and no user code runs.

use crate::backend::process::{ForChild, PerProcess, Process};
use crate::backend::{Weak, global};
use crate::sync::Mutex;
use crate::unwind::catch_quietly;
use std::collections::BTreeMap;

global! {
    static POOLS: PerProcess<Mutex<Pools>> = PerProcess::new(Mutex::new(Pools::default()));
}

#[derive(Default)]
struct Pools {
    last_id: u64,
    entries: BTreeMap<u64, Entry>,
}

impl ForChild for Mutex<Pools> {
    fn for_child(&self) -> Mutex<Pools> {
        Mutex::new(Pools::default())
    }
}

/// A pool, as the directory sees it: a queue from which the tasks of cancelled jobs can be removed.
pub(super) trait CancelledTasks: Send + Sync {
    fn queued(&self) -> usize;

    /// Removes the withdrawn tasks from the queue.
    fn remove_withdrawn(&self);
}

struct Entry {
    pool: Weak<dyn CancelledTasks>,
    cancelled: usize,
}

/// The queue is not searched for cancelled jobs before there are this many.
const FEW: usize = 64;

/// The registration of a pool in the directory; its drop removes the entry.
pub(super) struct Registration {
    id: u64,
    home: Process,
}

impl Registration {
    pub(super) fn new(pool: Weak<dyn CancelledTasks>) -> Registration {
        let mut pools = POOLS.acquire();
        pools.last_id += 1;
        let id = pools.last_id;
        pools.entries.insert(id, Entry { pool, cancelled: 0 });
        Registration {
            id,
            home: Process::this(),
        }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if self.home.is_this() {
            POOLS.acquire().entries.remove(&self.id);
        }
    }
}

/// Counts a cancelled job of the pool. When cancelled jobs may be more than half of the
/// queue, removes them from it, so that the amortised cost of a cancel is constant.
pub(super) fn note_cancel(id: u64) {
    let mut pools = POOLS.acquire();
    let Some(entry) = pools.entries.get_mut(&id) else {
        return;
    };
    entry.cancelled += 1;
    if entry.cancelled < FEW {
        return;
    }
    let Some(pool) = entry.pool.upgrade() else { return };
    let is_search_due = entry.cancelled > pool.queued() / 2;
    if is_search_due {
        entry.cancelled = 0; // before the search: a job that is cancelled during the search is counted again
    }
    drop(pools);
    if is_search_due {
        pool.remove_withdrawn();
    }
    catch_quietly(|| drop(pool)); // the last reference also drops the initializer, which is user code
}
