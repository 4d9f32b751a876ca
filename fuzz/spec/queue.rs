//! Items in an order, a bound, a count of what is unfinished, and an end.

use crate::{
    Answer::{self, Busy, Count, Done, Is, Items, ShutDown, TooManyDone},
    Spec, Step,
};

/// An item: its tens are its priority, so that 11 and 12 are equal to a priority queue.
pub type Item = u32;

/// Which item comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are the queue's own")]
pub enum Order {
    Fifo,
    Lifo,
    Priority,
}

/// What a queue holds, in order of arrival.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Queue {
    order: Order,
    capacity: usize,
    items: Vec<Item>,
    unfinished: u32,
    shut_down: bool,
}

/// A call of the queue. The items of a batch are put at once, as many as there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are the queue's own")]
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
    /// An empty queue; without a capacity it is unbounded.
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

    /// How many items it holds.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it holds none.
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

/// Items as one number, two digits each; of more than nine, something that hardly two lists have in common.
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
                // Some may have been counted done before they were got.
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
        let looks = [self.items.len() as u32, self.unfinished, u32::from(self.shut_down)];
        Items(digits(looks))
    }
}
