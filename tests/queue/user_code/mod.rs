//! What items may do to a queue: their `Drop` and their `Ord` are the user's, and so are their sizes. Law Q12.

mod conserved;
mod drops;
mod lies;
mod panics;
mod sizes;

use std::cell::Cell;
use std::cmp::Ordering;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// Knows of each item that it made how often it was dropped, and how items are compared.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Pages>);

#[derive(Default)]
struct Pages {
    drops: Mutex<Vec<u32>>,
    fuse: AtomicU32, // so many comparisons from now on one panics, if it is not zero
    lies: AtomicBool,
    lie: AtomicU32,
}

/// Is compared by its rank, as its ledger likes.
pub struct Item {
    pub rank: u32,
    pub number: usize,
    on_drop: Option<Box<dyn FnOnce() + Send>>,
    ledger: Ledger,
}

thread_local! {
    /// Whether each comparison in this thread panics.
    static FAILS: Cell<bool> = const { Cell::new(false) };
}

impl Ledger {
    pub fn item(&self, rank: u32) -> Item {
        let mut drops = self.0.drops.lock().unwrap();
        drops.push(0);
        Item {
            rank,
            number: drops.len() - 1,
            on_drop: None,
            ledger: self.clone(),
        }
    }

    /// An item that does something when it is dropped.
    pub fn acting(&self, rank: u32, act: impl FnOnce() + Send + 'static) -> Item {
        let mut item = self.item(rank);
        item.on_drop = Some(Box::new(act));
        item
    }

    pub fn items(&self, ranks: impl IntoIterator<Item = u32>) -> Vec<Item> {
        ranks.into_iter().map(|rank| self.item(rank)).collect()
    }

    /// Lets the comparison panic that comes after so many less one; zero lets none.
    fn fail_at(&self, comparison: u32) {
        self.0.fuse.store(comparison, Relaxed);
    }

    /// From now on comparisons say anything.
    fn lie(&self) {
        self.0.lies.store(true, Relaxed);
    }

    /// How many items have not been dropped.
    pub fn alive(&self) -> usize {
        self.0.drops.lock().unwrap().iter().filter(|&&drops| drops == 0).count()
    }

    pub fn assert_none_dropped_twice(&self) {
        assert!(
            self.0.drops.lock().unwrap().iter().all(|&drops| drops <= 1),
            "an item was dropped twice"
        );
    }

    pub fn assert_each_dropped_once(&self) {
        self.assert_none_dropped_twice();
        assert_eq!(self.alive(), 0, "so many items were lost");
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        // First, and without the lock: what comes next may panic, and may drop others.
        self.ledger.0.drops.lock().unwrap()[self.number] += 1;
        self.on_drop.take().into_iter().for_each(|act| act());
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        let pages = &self.ledger.0;
        let burnt = pages.fuse.fetch_update(Relaxed, Relaxed, |fuse| fuse.checked_sub(1));
        if burnt == Ok(1) || FAILS.get() {
            resume_unwind(Box::new("an Ord that fails")); // says nothing on stderr
        }
        if pages.lies.load(Relaxed) {
            let lie = pages.lie.fetch_add(1, Relaxed).wrapping_mul(0x9E37_79B9) >> 16;
            return [Ordering::Less, Ordering::Equal, Ordering::Greater][lie as usize % 3];
        }
        self.rank.cmp(&other.rank)
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Item {}

pub fn ranks(items: impl IntoIterator<Item = Item>) -> Vec<u32> {
    items.into_iter().map(|item| item.rank).collect()
}
