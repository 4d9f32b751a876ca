//! Queues as subjects of the specification.

use crate::laws::TIMEOUT;
use crate::refines::{Start, Subject};
use selvedge_loom::queue::{AnyQueue, Fifo, Lifo, Order, Priority};
use selvedge_loom::{GetError, Prioritized, PutError};
use spec::Answer::{self, Busy, Count, Done, Is, Items, ShutDown, TimedOut, TooManyDone};
use spec::queue::{self, Call, digits};

/// A number with its tens digit as the priority.
pub type Item = Prioritized<u32, u32>;

pub fn item(number: u32) -> Item {
    Prioritized {
        priority: number / 10,
        item: number,
    }
}

pub fn items(taken: Vec<Item>) -> Answer {
    Items(digits(taken.into_iter().map(|item| item.item)))
}

/// The answer of a put; `full` if the queue is full. A failed put must return its item.
pub fn put_answer(result: Result<(), PutError<Item>>, number: u32, full: Answer) -> Answer {
    let error = match result {
        Ok(()) => return Done,
        Err(error) => error,
    };
    let answer = if error.is_full() { full } else { ShutDown };
    assert_eq!(error.into_inner().item, number, "the error contains another item");
    answer
}

/// The answer of a get; `empty` if the queue is empty.
pub fn get_answer(result: Result<Item, GetError>, empty: Answer) -> Answer {
    match result {
        Ok(item) => Count(item.item),
        Err(GetError::Empty) => empty,
        Err(GetError::ShutDown) => ShutDown,
    }
}

impl<O: Known> Subject for AnyQueue<Item, O> {
    type Spec = queue::Queue;

    fn perform(&self, call: Call) -> Answer {
        match call {
            Call::Put(number) => put_answer(self.put(item(number)).map_err(PutError::from), number, Busy),
            Call::TryPut(number) => put_answer(self.try_put(item(number)), number, Busy),
            Call::PutTimeout(number) => put_answer(self.put_timeout(item(number), TIMEOUT), number, TimedOut),
            Call::TryPutTwo(first, second) => match self.try_put_many([item(first), item(second)]) {
                Ok(()) => Done,
                Err(PutError::Full(rest)) if rest.len() == 1 => Count(1),
                Err(PutError::Full(_)) => Busy,
                Err(PutError::ShutDown(_)) => ShutDown,
            },
            Call::Get => get_answer(self.get().map_err(GetError::from), Busy),
            Call::TryGet => get_answer(self.try_get(), Busy),
            Call::GetTimeout => get_answer(self.get_timeout(TIMEOUT), TimedOut),
            Call::Drain => items(self.drain()),
            Call::TaskDone => self.task_done().map_or(TooManyDone, |()| Done),
            Call::Join => {
                self.join();
                Done
            }
            Call::TryJoin => Is(self.try_join()),
            Call::JoinTimeout => self.join_timeout(TIMEOUT).map_or(TimedOut, |()| Done),
            Call::Shutdown => {
                self.shutdown();
                Done
            }
            Call::ShutdownNow => items(self.shutdown_now()),
            Call::Len => Count(self.len() as u32),
            Call::Unfinished => Count(self.unfinished() as u32),
            Call::IsShutdown => Is(self.is_shutdown()),
        }
    }

    fn observe(&self) -> Answer {
        Items(digits([
            self.len() as u32,
            self.unfinished() as u32,
            u32::from(self.is_shutdown()),
        ]))
    }
}

/// An order that the specification defines.
pub trait Known: Order<Item, Items: Send> + Send + Sync + 'static {
    const ORDER: queue::Order;
}

impl Known for Fifo {
    const ORDER: queue::Order = queue::Order::Fifo;
}

impl Known for Lifo {
    const ORDER: queue::Order = queue::Order::Lifo;
}

impl Known for Priority {
    const ORDER: queue::Order = queue::Order::Priority;
}

/// A locked queue with this capacity, and the items that main puts first.
pub fn holding<O: Known, const CAPACITY: usize>(before: &[u32]) -> Start<AnyQueue<Item, O>> {
    let spec = queue::Queue::new(O::ORDER, Some(CAPACITY));
    let before = before.iter().map(|&number| Call::Put(number)).collect();
    Start {
        make: || AnyQueue::bounded_by_a_lock(CAPACITY),
        spec,
        before,
    }
}

/// The same as a ring that has used every slot once.
pub fn ring<const CAPACITY: usize>(before: &[u32]) -> Start<AnyQueue<Item, Fifo>> {
    const { assert!(CAPACITY.is_power_of_two(), "a queue of another capacity has no ring") };
    Start {
        make: used_ring::<CAPACITY>,
        ..holding::<Fifo, CAPACITY>(before)
    }
}

/// An unbounded ring, and the items that main puts first. It starts with one slot, which has been used once, and grows for
/// the second, third and fifth item.
pub fn growing(before: &[u32]) -> Start<AnyQueue<Item, Fifo>> {
    let spec = queue::Queue::new(queue::Order::Fifo, None);
    Start {
        make: || used(AnyQueue::unbounded_from(1), 1),
        spec,
        ..holding::<Fifo, 1>(before)
    }
}

/// An empty ring that has used every slot once.
fn used_ring<const CAPACITY: usize>() -> AnyQueue<Item, Fifo> {
    used(AnyQueue::bounded(CAPACITY), CAPACITY)
}

/// The empty queue, after `items` items were put and got.
fn used(queue: AnyQueue<Item, Fifo>, items: usize) -> AnyQueue<Item, Fifo> {
    for _ in 0..items {
        queue.put(item(0)).expect("the queue is not shut down");
        queue.get_task().map(drop).expect("the queue is not shut down");
    }
    queue
}
