//! The order in which items are got: all that differs between the three queues.

use super::heap::Heap;
use core::cmp::Ordering;
use std::collections::VecDeque;

/// First in, first out: the order of [`Queue`](super::Queue).
#[derive(Debug)]
pub enum Fifo {}

/// Last in, first out: the order of [`LifoQueue`](super::LifoQueue).
#[derive(Debug)]
pub enum Lifo {}

/// Lowest item first, equal items in order of arrival: the order of [`PriorityQueue`](super::PriorityQueue).
#[derive(Debug)]
pub enum Priority {}

/// An order of items: [`Fifo`], [`Lifo`] or [`Priority`]. No other type can implement it.
pub trait Order<T>: Storage<T> {}

impl<T, O: Storage<T>> Order<T> for O {}

/// A collection of items in their order. Sealed: the trait cannot be named outside this crate.
///
/// `plan_insert` and `plan_remove` may call the item's `Ord`
/// and change nothing; `insert` and `remove` run no user code.
pub trait Storage<T> {
    type Items;
    const EMPTY: Self::Items;

    /// Whether the items may be in a ring.
    const SUPPORTS_RING: bool = false;

    fn len(items: &Self::Items) -> usize;

    /// The index that `insert` needs for the item.
    fn plan_insert(items: &Self::Items, item: &T) -> usize;

    fn insert(items: &mut Self::Items, item: T, index: usize);

    /// The index that `remove` needs for the next item.
    fn plan_remove(items: &Self::Items) -> usize;

    fn remove(items: &mut Self::Items, index: usize) -> Option<T>;

    /// All items, the next item first. It may run user code, so it must not be called under a lock.
    fn into_vec(items: Self::Items) -> Vec<T>;
}

impl<T> Storage<T> for Fifo {
    type Items = VecDeque<T>;
    const EMPTY: VecDeque<T> = VecDeque::new();
    const SUPPORTS_RING: bool = true;

    #[inline]
    fn len(items: &VecDeque<T>) -> usize {
        items.len()
    }

    #[inline]
    fn plan_insert(_: &VecDeque<T>, _: &T) -> usize {
        0
    }

    #[inline]
    fn insert(items: &mut VecDeque<T>, item: T, _: usize) {
        items.push_back(item);
    }

    #[inline]
    fn plan_remove(_: &VecDeque<T>) -> usize {
        0
    }

    #[inline]
    fn remove(items: &mut VecDeque<T>, _: usize) -> Option<T> {
        items.pop_front()
    }

    fn into_vec(items: VecDeque<T>) -> Vec<T> {
        items.into()
    }
}

impl<T> Storage<T> for Lifo {
    type Items = Vec<T>;
    const EMPTY: Vec<T> = Vec::new();

    #[inline]
    fn len(items: &Vec<T>) -> usize {
        items.len()
    }

    #[inline]
    fn plan_insert(_: &Vec<T>, _: &T) -> usize {
        0
    }

    #[inline]
    fn insert(items: &mut Vec<T>, item: T, _: usize) {
        items.push(item);
    }

    #[inline]
    fn plan_remove(_: &Vec<T>) -> usize {
        0
    }

    #[inline]
    fn remove(items: &mut Vec<T>, _: usize) -> Option<T> {
        items.pop()
    }

    fn into_vec(mut items: Vec<T>) -> Vec<T> {
        items.reverse();
        items
    }
}

impl<T: Ord> Storage<T> for Priority {
    type Items = Heap<T>;
    const EMPTY: Heap<T> = Heap::EMPTY;

    #[inline]
    fn len(items: &Heap<T>) -> usize {
        items.len()
    }

    #[inline]
    fn plan_insert(items: &Heap<T>, item: &T) -> usize {
        items.insertion_index(item)
    }

    #[inline]
    fn insert(items: &mut Heap<T>, item: T, index: usize) {
        items.insert(item, index);
    }

    #[inline]
    fn plan_remove(items: &Heap<T>) -> usize {
        items.refill_index()
    }

    #[inline]
    fn remove(items: &mut Heap<T>, index: usize) -> Option<T> {
        items.remove(index)
    }

    fn into_vec(items: Heap<T>) -> Vec<T> {
        items.into_vec()
    }
}

/// An item with a separate priority: a lower priority comes first, and the item itself is not compared.
///
/// ```
/// use selvedge::{Prioritized, PriorityQueue};
/// let jobs = PriorityQueue::unbounded();
/// jobs.put(Prioritized { priority: 2, item: "sweep" }).unwrap();
/// jobs.put(Prioritized { priority: 1, item: "cook" }).unwrap();
/// assert_eq!(jobs.get().unwrap().item, "cook");
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[doc(alias = "PrioritizedItem")]
pub struct Prioritized<P, T> {
    /// A lower priority comes first.
    pub priority: P,
    /// The item, which is not compared.
    pub item: T,
}

impl<P: PartialEq, T> PartialEq for Prioritized<P, T> {
    /// Whether the priorities are equal.
    fn eq(&self, other: &Self) -> bool {
        self.priority == other.priority
    }
}

impl<P: Eq, T> Eq for Prioritized<P, T> {}

impl<P: PartialOrd, T> PartialOrd for Prioritized<P, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.priority.partial_cmp(&other.priority)
    }
}

impl<P: Ord, T> Ord for Prioritized<P, T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.priority.cmp(&other.priority)
    }
}
