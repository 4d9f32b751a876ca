//! The pools of the program, found by id.
//!
//! A job that is cancelled leaves its task in the queue of its pool, where it keeps its memory. To remove it, the job must find
//! the pool. A reference to the pool would cost each job two atomic operations on a cache line that all of them share; an id
//! costs a search, and only the jobs that are cancelled.
//!
//! # Invariants
//! 1. A pool has an entry from its construction until its drop. A process uses no id twice. A child made by `fork` counts from
//!    the beginning, and uses no id of its parent.
//! 2. `cancelled` counts at least the cancelled jobs whose tasks are in the queue.
//! 3. While the lock is held, no pool is dropped and no user code runs.

use crate::backend::process::{Anew, PerProcess, Process};
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

impl Anew for Mutex<Pools> {
    fn anew(&self) -> Mutex<Pools> {
        Mutex::new(Pools::default())
    }
}

/// The queue of a pool, as far as the directory needs it.
pub(super) trait CancelledTasks: Send + Sync {
    fn queued(&self) -> usize;

    /// Removes the withdrawn tasks from the queue.
    fn remove_withdrawn(&self);
}

struct Entry {
    pool: Weak<dyn CancelledTasks>,
    cancelled: usize,
}

/// With fewer cancelled jobs, a queue is not searched for them.
const FEW: usize = 64;

/// The entry of a pool, which lives as long as this.
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

/// Counts a cancelled job of the pool. When half of the queue may be such jobs, they are removed from it: the amortised cost is
/// a few steps per cancel.
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
        entry.cancelled = 0; // before the search: a job that is cancelled during it is counted again
    }
    drop(pools);
    if is_search_due {
        pool.remove_withdrawn();
    }
    catch_quietly(|| drop(pool)); // perhaps the last reference: its drop drops the initializer, which is user code
}
