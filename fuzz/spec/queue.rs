//! A queue: items in an order, a capacity, a count of unfinished items, and shutdown.

use crate::{
    Answer::{self, Busy, Count, Done, Is, Items, ShutDown, TooManyDone},
    Spec, Step,
};

/// An item. Its tens digit is its priority: 11 and 12 have equal priority.
pub type Item = u32;

/// Which item is removed next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "named after the queue's methods")]
pub enum Order {
    Fifo,
    Lifo,
    Priority,
}

/// The state of the queue. `items` is in order of insertion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Queue {
    order: Order,
    capacity: usize,
    items: Vec<Item>,
    unfinished: u32,
    shut_down: bool,
}

/// A call of the queue. `TryPutTwo` inserts its items atomically, as many as fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "named after the queue's methods")]
pub enum Call {
    Put(Item),
    TryPut(Item),
    PutTimeout(Item),
    TryPutTwo(Item, Item),
    Get,
    TryGet,
    GetTimeout,
    Drain,
    TaskDone,
    Join,
    TryJoin,
    JoinTimeout,
    Shutdown,
    ShutdownNow,
    Len,
    Unfinished,
    IsShutdown,
}

impl Queue {
    /// An empty queue, unbounded if there is no `capacity`.
    pub fn new(order: Order, capacity: Option<usize>) -> Queue {
        let capacity = capacity.unwrap_or(usize::MAX);
        Queue {
            order,
            capacity,
            items: Vec::new(),
            unfinished: 0,
            shut_down: false,
        }
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn is_full(&self) -> bool {
        self.items.len() >= self.capacity
    }

    fn put(&mut self, item: Item) {
        self.items.push(item);
        self.unfinished += 1;
    }

    fn next(&mut self) -> Option<Item> {
        let items = self.items.iter().enumerate();
        let (index, _) = match self.order {
            Order::Fifo => items.min_by_key(|&(index, _)| index),
            Order::Lifo => items.max_by_key(|&(index, _)| index),
            Order::Priority => items.min_by_key(|&(index, item)| (item / 10, index)),
        }?;
        Some(self.items.remove(index))
    }

    fn take_all(&mut self) -> Answer {
        let mut taken = Vec::new();
        while let Some(item) = self.next() {
            taken.push(item);
        }
        Items(digits(taken))
    }

    fn put_or(&mut self, item: Item, full: Step) -> Step {
        if self.shut_down {
            return Step::Done(ShutDown);
        }
        if self.is_full() {
            return full;
        }
        self.put(item);
        Step::Done(Done)
    }

    fn get_or(&mut self, empty: Step) -> Step {
        match self.next() {
            Some(item) => Step::Done(Count(item)),
            None if self.shut_down => Step::Done(ShutDown),
            None => empty,
        }
    }
}

/// Encodes items as one number, two digits each. Beyond nine items it wraps, and the number serves as a hash.
pub fn digits(items: impl IntoIterator<Item = Item>) -> u64 {
    items.into_iter().fold(0, |digits: u64, item| {
        digits.wrapping_mul(100).wrapping_add(u64::from(item))
    })
}

impl Spec for Queue {
    type Call = Call;

    fn step(&mut self, _: usize, call: Call) -> Step {
        Step::Done(match call {
            Call::Put(item) | Call::PutTimeout(item) => return self.put_or(item, Step::WouldBlock),
            Call::TryPut(item) => return self.put_or(item, Step::Done(Busy)),
            Call::TryPutTwo(first, second) => match self.put_or(first, Step::Done(Busy)) {
                Step::Done(Done) => return self.put_or(second, Step::Done(Count(1))),
                refused => return refused,
            },
            Call::Get | Call::GetTimeout => return self.get_or(Step::WouldBlock),
            Call::TryGet => return self.get_or(Step::Done(Busy)),
            Call::Drain => self.take_all(),
            Call::TaskDone if self.unfinished == 0 => TooManyDone,
            Call::TaskDone => {
                self.unfinished -= 1;
                Done
            }
            Call::Join | Call::JoinTimeout if self.unfinished > 0 => return Step::WouldBlock,
            Call::Join | Call::JoinTimeout => Done,
            Call::TryJoin => Is(self.unfinished == 0),
            Call::Shutdown => {
                self.shut_down = true;
                Done
            }
            Call::ShutdownNow => {
                self.shut_down = true;
                // `task_done` may have been called for items that are still in the queue.
                self.unfinished -= self.unfinished.min(self.items.len() as u32);
                self.take_all()
            }
            Call::Len => Count(self.items.len() as u32),
            Call::Unfinished => Count(self.unfinished),
            Call::IsShutdown => Is(self.shut_down),
        })
    }

    fn is_timed(call: Call) -> bool {
        matches!(call, Call::PutTimeout(_) | Call::GetTimeout | Call::JoinTimeout)
    }

    fn observe(&self) -> Answer {
        let observed = [self.items.len() as u32, self.unfinished, u32::from(self.shut_down)];
        Items(digits(observed))
    }
}
