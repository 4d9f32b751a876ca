//! The items that the fuzzers put into queues: the queue compares their priorities,
//! comparisons can be made to panic, and live items are counted.

use crate::primitive::INJECTED_PANIC;
use selvedge::Prioritized;
use spec::queue;
use std::cell::Cell;
use std::cmp::Ordering;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// An item. Items of equal priority are equal for the queue, but have different numbers.
pub type Item = Prioritized<Priority, Counted>;

/// The tens digit of an item's number.
#[derive(Debug)]
pub struct Priority(u32);

/// The item of the specification, and the counter of live items.
#[derive(Debug)]
pub struct Counted {
    pub number: queue::Item,
    counter: Counter,
}

/// The number of live items.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicUsize>);

impl Counter {
    /// A new item, counted until it is dropped.
    pub fn item(&self, number: queue::Item) -> Item {
        self.0.fetch_add(1, SeqCst);
        Prioritized {
            priority: Priority(number / 10),
            item: Counted {
                number,
                counter: self.clone(),
            },
        }
    }

    /// How many items were created and not dropped. An item that was dropped twice counts as minus one.
    pub fn live(&self) -> isize {
        self.0.load(SeqCst) as isize
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.counter.0.fetch_sub(1, SeqCst);
    }
}

thread_local! {
    static PANICS_AT: Cell<Option<u32>> = const { Cell::new(None) };
}

/// On this thread, this many comparisons succeed, and the next one panics; `None`: no comparison panics.
pub fn panic_at(comparisons: Option<u32>) {
    PANICS_AT.set(comparisons);
}

impl Ord for Priority {
    fn cmp(&self, other: &Priority) -> Ordering {
        let left = PANICS_AT.get();
        PANICS_AT.set(left.and_then(|left| left.checked_sub(1)));
        if left == Some(0) {
            resume_unwind(Box::new(INJECTED_PANIC)); // without a message on stderr
        }
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Priority {
    fn partial_cmp(&self, other: &Priority) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Priority {
    fn eq(&self, other: &Priority) -> bool {
        self.0 == other.0
    }
}

impl Eq for Priority {}
