//! Items whose `Drop` and `Ord` use the queue, panic or contradict each other, and items of unusual sizes. Law Q12.

mod drops;
mod inconsistent_ord;
mod panics;
mod sizes;

use std::cell::Cell;
use std::cmp::Ordering;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// Counts how often each of its items was dropped, and controls how they are compared.
#[derive(Clone, Default)]
struct Tracker(Arc<State>);

#[derive(Default)]
struct State {
    drops: Mutex<Vec<u32>>,
    fail_in: AtomicU32, // the n-th comparison from now on panics; zero: none does
    contradicts: AtomicBool,
    comparisons: AtomicU32,
}

/// An item that is compared by its rank, unless its tracker says otherwise.
struct Item {
    rank: u32,
    number: usize,
    on_drop: Option<Box<dyn FnOnce() + Send>>,
    tracker: Tracker,
}

thread_local! {
    /// Whether each comparison in this thread panics.
    static CMP_PANICS: Cell<bool> = const { Cell::new(false) };
}

impl Tracker {
    fn item(&self, rank: u32) -> Item {
        let mut drops = self.0.drops.lock().unwrap();
        drops.push(0);
        Item {
            rank,
            number: drops.len() - 1,
            on_drop: None,
            tracker: self.clone(),
        }
    }

    /// An item whose drop runs `on_drop`.
    fn item_with(&self, rank: u32, on_drop: impl FnOnce() + Send + 'static) -> Item {
        let mut item = self.item(rank);
        item.on_drop = Some(Box::new(on_drop));
        item
    }

    fn items(&self, ranks: impl IntoIterator<Item = u32>) -> Vec<Item> {
        ranks.into_iter().map(|rank| self.item(rank)).collect()
    }

    /// Makes the n-th comparison from now on panic; zero: none.
    fn panic_at(&self, comparison: u32) {
        self.0.fail_in.store(comparison, Relaxed);
    }

    /// Makes each comparison return an arbitrary result.
    fn contradict(&self) {
        self.0.contradicts.store(true, Relaxed);
    }

    /// The number of items that have not been dropped.
    fn alive(&self) -> usize {
        self.0.drops.lock().unwrap().iter().filter(|&&drops| drops == 0).count()
    }

    fn assert_none_dropped_twice(&self) {
        let drops = self.0.drops.lock().unwrap();
        assert!(drops.iter().all(|&drops| drops <= 1), "an item was dropped twice");
    }

    fn assert_each_dropped_once(&self) {
        self.assert_none_dropped_twice();
        assert_eq!(self.alive(), 0, "items were leaked");
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        // The lock is free again when `on_drop` runs, which may panic or drop other items.
        self.tracker.0.drops.lock().unwrap()[self.number] += 1;
        self.on_drop.take().into_iter().for_each(|run| run());
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        let state = &self.tracker.0;
        let left = state.fail_in.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        if left == Ok(1) || CMP_PANICS.get() {
            resume_unwind(Box::new("the comparison fails")); // prints nothing
        }
        if state.contradicts.load(Relaxed) {
            let mixed = state.comparisons.fetch_add(1, Relaxed).wrapping_mul(0x9E37_79B9) >> 16;
            return [Ordering::Less, Ordering::Equal, Ordering::Greater][mixed as usize % 3];
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
