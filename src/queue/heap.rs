//! A heap with the lowest item in front, items that are equal in order of arrival.
//!
//! It first asks the user's `Ord`, which may panic or lie, where an item goes, and moves items only when it knows:
//! so a panic changes nothing, and no answer makes it lose an item. The heaps of libraries move while they ask.
//! That is no faster: what is asked is near when it is moved.
//!
//! # State
//! Whoever takes the first item leaves the front vacant, and asks nobody who is next. An item that is put in then goes down
//! from there: that is one way through the heap instead of two, and a short one for an item that is soon the next.
//! ```text
//!          │ put                         │ get
//!   full   │ from the end up             │ takes the front: vacant
//!   vacant │ from the front down: full   │ the last goes from the front down: full; and then as above
//! ```
//! # Invariants
//! 1. As long as `Ord` tells the truth, no entry comes before its parent: the entry at `n` is the parent of those at
//!    `CHILDREN * n + 1` and on. The front is at 0, and `rest[n - 1]` at `n`.
//! 2. Arrivals differ, so of two entries one comes before the other.

use core::cmp::Ordering;
use core::mem;

/// Fewer levels than with two, and the children lie side by side.
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

    /// Puts an item where [`place`](Heap::place) has told.
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

    /// Takes the first item out. If the front is vacant, the last one goes where [`heir`](Heap::heir) has told.
    #[inline]
    pub fn remove(&mut self, index: usize) -> Option<T> {
        if self.root.is_none() {
            let last = self.rest.pop()?;
            self.fill_hole(last, index);
        }
        self.root.take().map(|root| root.item)
    }

    /// Puts an entry there, and those above it one step up, into the vacant front.
    #[inline]
    fn fill_hole(&mut self, mut carried: Entry<T>, index: usize) {
        let mut at = index;
        while at > 0 {
            mem::swap(&mut self.rest[at - 1], &mut carried);
            at = parent(at);
        }
        self.root = Some(carried);
    }

    /// Puts an entry there, and those from there to the end one step down.
    #[cold] // as `down` is
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

    /// The entry there, or none.
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
    /// Where a new item goes.
    #[inline]
    pub fn insertion_index(&self, item: &T) -> usize {
        // It came last: an equal one stays before it.
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

    /// Where the last entry goes when the next is taken out.
    #[inline]
    pub fn refill_index(&self) -> usize {
        match (&self.root, self.rest.split_last()) {
            (None, Some((last, rest))) => sift_down_index(rest, |other| last.precedes(other)),
            _ => 0, // nobody is moved
        }
    }

    /// All items, the first first. Not by sorting them: `sort` panics when it finds that `Ord` lies.
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

/// How far down from the vacant front one goes that precedes those of which `precedes` says so.
/// First to the bottom, and then up again: that is where most belong which do not come first of all.
#[cold] // so that who finds the queue empty does not save registers for it
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

/// Which of the children is the first, if there are any.
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

/// Two comparisons that need not wait for each other, and a third. What comes of them is chosen without a jump, whose target
/// the processor could not foretell; it learns soon whether there are equal ones.
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

/// The same by what is known of them, when the arrival may decide.
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
