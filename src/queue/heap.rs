//! A heap with the lowest item in front, items that are equal in order of arrival.
//!
//! It first asks the user's `Ord`, which may panic or lie, where an item goes, and moves items only when it knows:
//! so a panic changes nothing, and no answer makes it lose an item. The heaps of libraries move while they ask.
//!
//! # Invariants
//! 1. As long as `Ord` tells the truth, no entry comes before its parent: the entry at `n` is the parent of those at
//!    `CHILDREN * n + 1` and on.
//! 2. Arrivals differ, so of two entries one comes before the other.

use core::cmp::Ordering;

/// Fewer levels than with two, and the children lie side by side.
const CHILDREN: usize = 4;

#[derive(Debug)]
pub struct Heap<T> {
    entries: Vec<Entry<T>>,
    arrivals: u64,
}

#[derive(Debug)]
struct Entry<T> {
    item: T,
    arrival: u64,
}

fn parent(of: usize) -> usize {
    (of - 1) / CHILDREN
}

fn eldest(of: usize) -> usize {
    CHILDREN * of + 1
}

impl<T> Heap<T> {
    pub const EMPTY: Heap<T> = Heap { entries: Vec::new(), arrivals: 0 };

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Puts an item where [`place`](Heap::place) has told.
    #[inline]
    pub fn insert(&mut self, item: T, place: usize) {
        let mut at = self.entries.len();
        self.entries.push(Entry { item, arrival: self.arrivals });
        self.arrivals += 1;
        while at > place {
            self.entries.swap(at, parent(at));
            at = parent(at);
        }
    }

    /// Takes the first item out and lets the last one go where [`heir`](Heap::heir) has told.
    #[inline]
    pub fn remove(&mut self, heir: usize) -> Option<T> {
        let mut carried = self.entries.pop()?;
        let mut at = heir;
        // From there up, each moves to its parent, until the first is what we carry.
        while at < self.entries.len() {
            core::mem::swap(&mut self.entries[at], &mut carried);
            if at == 0 {
                break;
            }
            at = parent(at);
        }
        Some(carried.item)
    }
}

impl<T: Ord> Heap<T> {
    /// Where a new item goes: a place from the end up.
    #[inline]
    pub fn place(&self, item: &T) -> usize {
        let mut at = self.entries.len();
        // It came last: an equal one stays before it.
        while at > 0 && item.cmp(&self.entries[parent(at)].item).is_lt() {
            at = parent(at);
        }
        at
    }

    /// Where the last entry goes when the first is taken out.
    #[inline]
    pub fn heir(&self) -> usize {
        let Some((last, rest)) = self.entries.split_last() else { return 0 };
        // Down to the end, and then up: it came from the end, and mostly belongs there.
        let mut at = 0;
        // A whole family: two comparisons that need not wait for each other, and a third.
        while let Some([one, two, three, four]) = rest.get(eldest(at)..eldest(at) + CHILDREN) {
            let left = eldest(at) + usize::from(two.is_before(one));
            let right = eldest(at) + 2 + usize::from(four.is_before(three));
            at = if rest[right].is_before(&rest[left]) { right } else { left };
        }
        let last_family = eldest(at)..rest.len();
        at = last_family.reduce(|one, two| if rest[two].is_before(&rest[one]) { two } else { one }).unwrap_or(at);
        while at > 0 && last.is_before(&rest[at]) {
            at = parent(at);
        }
        at
    }

    /// All items, the first first. Not by sorting them: `sort` panics when it finds that `Ord` lies.
    pub fn into_vec(mut self) -> Vec<T> {
        let mut items = Vec::with_capacity(self.len());
        loop {
            let heir = self.heir();
            match self.remove(heir) {
                Some(item) => items.push(item),
                None => return items,
            }
        }
    }
}

impl<T: Ord> Entry<T> {
    #[inline]
    fn is_before(&self, other: &Entry<T>) -> bool {
        match self.item.cmp(&other.item) {
            Ordering::Less => true,
            Ordering::Equal => self.arrival < other.arrival,
            Ordering::Greater => false,
        }
    }
}
