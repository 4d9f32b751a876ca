//! What the fuzzers put into queues: items whose tens are their priority, all of them accounted for, and an order that can
//! be made to panic.

use selvedge::Prioritized;
use spec::queue::Item;
use std::cell::Cell;
use std::cmp::Ordering;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// An item. Those of equal tens are equal to the queue, and only there.
pub type Ware = Prioritized<Rank, Counted>;

/// The tens of an item.
#[derive(Debug)]
pub struct Rank(u32);

/// The item, and where it is counted.
#[derive(Debug)]
pub struct Counted {
    /// The item of the specification.
    pub number: Item,
    ledger: Ledger,
}

/// How many items there are.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<AtomicUsize>);

impl Ledger {
    /// An item that is counted as long as it lives.
    pub fn ware(&self, number: Item) -> Ware {
        self.0.fetch_add(1, SeqCst);
        Prioritized {
            priority: Rank(number / 10),
            item: Counted {
                number,
                ledger: self.clone(),
            },
        }
    }

    /// How many items have not been dropped. One that was dropped twice is missing here.
    pub fn alive(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.ledger.0.fetch_sub(1, SeqCst);
    }
}

thread_local! {
    /// How many comparisons succeed before one panics.
    static FUSE: Cell<Option<u32>> = const { Cell::new(None) };
}

/// From now on, on this thread, so many comparisons succeed, and the next one panics; `None` puts an end to it.
pub fn light_fuse(comparisons: Option<u32>) {
    FUSE.set(comparisons);
}

impl Ord for Rank {
    fn cmp(&self, other: &Rank) -> Ordering {
        match FUSE.get() {
            Some(0) => {
                FUSE.set(None);
                resume_unwind(Box::new("the order of the items panicked")); // without a message on the screen
            }
            Some(left) => FUSE.set(Some(left - 1)),
            None => {}
        }
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Rank) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Rank {
    fn eq(&self, other: &Rank) -> bool {
        self.0 == other.0
    }
}

impl Eq for Rank {}
