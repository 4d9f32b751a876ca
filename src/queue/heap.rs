//! A heap with the lowest item at the root; equal items are in order of arrival.
//!
//! An operation first calls the user's `Ord`, which may panic or be inconsistent, to find the
//! index at which an item belongs. It moves entries only after that. So a panic changes nothing,
//! and no result of `Ord` makes the heap lose an item. The heaps of libraries move entries between
//! comparisons. That is no faster: an entry that was compared is still cached when it is moved.
//!
//! # State
//! A get removes the root and leaves a hole there, without a comparison. If a put comes next, its item sifts down
//! from the hole: one pass through the heap instead of two, and a short one for an item that is among the next.
//! ```text
//!         │ put                                   │ get
//!   full  │ the item sifts up from the end        │ removes the root: hole
//!   hole  │ the item sifts down from the hole:    │ the last entry sifts down from the hole: full;
//!         │ full                                  │ then as above
//! ```
//! # Invariants
//! 1. As long as `Ord` is consistent, no entry precedes its parent: the entry at `n` is the parent of the
//!    entries from `CHILDREN * n + 1` to `CHILDREN * n + CHILDREN`. The root is at 0, and `rest[n - 1]` at `n`.
//! 2. Arrival numbers are unique, so of two entries one precedes the other.

use core::cmp::Ordering;
use core::mem;

/// Four children per entry give fewer levels than two, and siblings are adjacent in memory.
const CHILDREN: usize = 4;

#[derive(Debug)]
pub struct Heap<T> {
    root: Option<Entry<T>>,
    rest: Vec<Entry<T>>,
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

impl<T> Heap<T> {
    pub const EMPTY: Heap<T> = Heap {
        root: None,
        rest: Vec::new(),
        arrivals: 0,
    };

    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.root.is_some()) + self.rest.len()
    }

    /// Inserts an item at the index that [`insertion_index`](Heap::insertion_index) has returned.
    #[inline]
    pub fn insert(&mut self, item: T, index: usize) {
        let entry = Entry {
            item,
            arrival: self.arrivals,
        };
        self.arrivals += 1;
        match self.root {
            None => self.fill_hole(entry, index),
            Some(_) => self.append(entry, index),
        }
    }

    /// Removes the first item. If there is a hole at the root, first moves the last
    /// entry to the index that [`refill_index`](Heap::refill_index) has returned.
    #[inline]
    pub fn remove(&mut self, index: usize) -> Option<T> {
        if self.root.is_none() {
            let last = self.rest.pop()?;
            self.fill_hole(last, index);
        }
        self.root.take().map(|root| root.item)
    }

    /// Inserts an entry at the index, and moves the entries from
    /// there to the root one level up, into the hole at the root.
    #[inline]
    fn fill_hole(&mut self, mut carried: Entry<T>, index: usize) {
        let mut at = index;
        while at > 0 {
            mem::swap(&mut self.rest[at - 1], &mut carried);
            at = parent(at);
        }
        self.root = Some(carried);
    }

    /// Inserts an entry at the index, and moves the entries on the path from there to the end one level down.
    #[cold] // as `sift_down_index`
    #[inline]
    fn append(&mut self, mut entry: Entry<T>, index: usize) {
        if let (0, Some(root)) = (index, &mut self.root) {
            mem::swap(root, &mut entry);
        }
        let mut at = self.rest.len() + 1;
        self.rest.push(entry);
        while at > index && parent(at) > 0 {
            self.rest.swap(at - 1, parent(at) - 1);
            at = parent(at);
        }
    }

    /// The entry at the index, if there is one.
    #[inline]
    fn get(&self, at: usize) -> Option<&Entry<T>> {
        if at == 0 {
            self.root.as_ref()
        } else {
            self.rest.get(at - 1)
        }
    }
}

impl<T: Ord> Heap<T> {
    /// The index for a new item.
    #[inline]
    pub fn insertion_index(&self, item: &T) -> usize {
        // The new item came last: an equal item precedes it.
        let precedes = |other: &Entry<T>| item.cmp(&other.item).is_lt();
        if self.root.is_none() {
            return if self.rest.is_empty() {
                0
            } else {
                sift_down_index(&self.rest, precedes)
            };
        }
        let mut at = self.rest.len() + 1;
        while at > 0 && self.get(parent(at)).is_some_and(precedes) {
            at = parent(at);
        }
        at
    }

    /// The index of the last entry after it has filled the hole at the root.
    #[inline]
    pub fn refill_index(&self) -> usize {
        match (&self.root, self.rest.split_last()) {
            (None, Some((last, rest))) => sift_down_index(rest, |other| last.precedes(other)),
            _ => 0, // no entry is moved
        }
    }

    /// All items, the first item first. It does not sort them: `sort` may panic if `Ord` is inconsistent.
    pub fn into_vec(mut self) -> Vec<T> {
        let mut items = Vec::with_capacity(self.len());
        loop {
            let index = self.refill_index();
            match self.remove(index) {
                Some(item) => items.push(item),
                None => return items,
            }
        }
    }
}

/// The index at which an entry ends that sifts down from the hole at the root; `precedes`
/// says whether that entry precedes another. The search goes down to a leaf and then up
/// again: most entries belong near a leaf, except those that become the root.
#[cold] // so that a get that finds the queue empty saves no registers for this call
#[inline]
fn sift_down_index<T: Ord>(rest: &[Entry<T>], precedes: impl Fn(&Entry<T>) -> bool) -> usize {
    let comes_after = |at: usize| rest.get(at - 1).is_some_and(&precedes);
    let Some(top) = min_child(rest, 0) else { return 0 };
    if comes_after(top) {
        return 0;
    }
    let mut at = top;
    while let Some(child) = min_child(rest, at) {
        at = child;
    }
    while at > top && comes_after(at) {
        at = parent(at);
    }
    at
}

/// The index of the child that precedes the other children, if there is a child.
#[inline(always)]
fn min_child<T: Ord>(rest: &[Entry<T>], of: usize) -> Option<usize> {
    let offset = CHILDREN * of;
    let first = match rest.get(offset..)? {
        [one, two, three, four, ..] => min_of_four([one, two, three, four]),
        few => min_of_few(few)?,
    };
    Some(offset + 1 + first)
}

#[inline]
fn min_of_few<T: Ord>(children: &[Entry<T>]) -> Option<usize> {
    let first = |one: (usize, _), two: (usize, _)| if Entry::precedes(two.1, one.1) { two } else { one };
    children.iter().enumerate().reduce(first).map(|(first, _)| first)
}

/// A branchless minimum of four: two independent comparisons and a third. Only
/// the branch for equal items remains, which the processor soon predicts.
#[inline(always)]
fn min_of_four<T: Ord>([one, two, three, four]: [&Entry<T>; CHILDREN]) -> usize {
    let left = two.item.cmp(&one.item);
    let right = four.item.cmp(&three.item);
    let (left_min, left_item) = if left.is_lt() { (1, &two.item) } else { (0, &one.item) };
    let (right_min, right_item) = if right.is_lt() {
        (3, &four.item)
    } else {
        (2, &three.item)
    };
    let both = right_item.cmp(left_item);
    if left.is_eq() | right.is_eq() | both.is_eq() {
        return min_by_arrival([one, two, three, four].map(|entry| entry.arrival), left, right, both);
    }
    if both.is_lt() { right_min } else { left_min }
}

/// The same from the results of the comparisons, for items of which some are equal: arrival decides between these.
#[cold]
#[inline]
fn min_by_arrival([one, two, three, four]: [u64; CHILDREN], left: Ordering, right: Ordering, both: Ordering) -> usize {
    let left = if left.then(two.cmp(&one)).is_lt() {
        (1, two)
    } else {
        (0, one)
    };
    let right = if right.then(four.cmp(&three)).is_lt() {
        (3, four)
    } else {
        (2, three)
    };
    if both.then(right.1.cmp(&left.1)).is_lt() {
        right.0
    } else {
        left.0
    }
}

impl<T: Ord> Entry<T> {
    #[inline]
    fn precedes(&self, other: &Entry<T>) -> bool {
        self.item
            .cmp(&other.item)
            .then(self.arrival.cmp(&other.arrival))
            .is_lt()
    }
}
