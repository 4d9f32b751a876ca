//! A queue as its specification sees it.

use crate::laws::SOON;
use crate::refines::{Start, Subject};
use selvedge_loom::queue::{AnyQueue, Fifo, Lifo, Order, Priority};
use selvedge_loom::{GetError, Prioritized, PutError};
use spec::Answer::{self, Busy, Count, Done, Is, Items, ShutDown, TimedOut, TooManyDone};
use spec::queue::{self, Call, digits};

/// An item with its priority: its tens.
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

/// What became of a put that may wait for `late`; the item is looked at.
pub fn put(put: Result<(), PutError<Item>>, number: u32, late: Answer) -> Answer {
    let refused = match put {
        Ok(()) => return Done,
        Err(refused) => refused,
    };
    let answer = if refused.is_full() { late } else { ShutDown };
    assert_eq!(refused.into_inner().item, number, "it gives back another item");
    answer
}

pub fn got(got: Result<Item, GetError>, late: Answer) -> Answer {
    match got {
        Ok(item) => Count(item.item),
        Err(GetError::Empty) => late,
        Err(GetError::ShutDown) => ShutDown,
    }
}

impl<O: Known> Subject for AnyQueue<Item, O> {
    type Spec = queue::Queue;

    fn perform(&self, call: Call) -> Answer {
        match call {
            Call::Put(number) => put(self.put(item(number)).map_err(PutError::from), number, Busy),
            Call::TryPut(number) => put(self.try_put(item(number)), number, Busy),
            Call::PutTimeout(number) => put(self.put_timeout(item(number), SOON), number, TimedOut),
            Call::TryPutTwo(first, second) => match self.try_put_many([item(first), item(second)]) {
                Ok(()) => Done,
                Err(PutError::Full(rest)) if rest.len() == 1 => Count(1),
                Err(PutError::Full(_)) => Busy,
                Err(PutError::ShutDown(_)) => ShutDown,
            },
            Call::Get => got(self.get().map_err(GetError::from), Busy),
            Call::TryGet => got(self.try_get(), Busy),
            Call::GetTimeout => got(self.get_timeout(SOON), TimedOut),
            Call::Drain => items(self.drain()),
            Call::TaskDone => self.task_done().map_or(TooManyDone, |()| Done),
            Call::Join => {
                self.join();
                Done
            }
            Call::TryJoin => Is(self.try_join()),
            Call::JoinTimeout => self.join_timeout(SOON).map_or(TimedOut, |()| Done),
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

/// An order that the specification knows.
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

/// A queue that can hold so many, without a ring, and what main puts in before.
pub fn holding<O: Known, const CAPACITY: usize>(before: &[u32]) -> Start<AnyQueue<Item, O>> {
    let spec = queue::Queue::new(O::ORDER, Some(CAPACITY));
    let before = before.iter().map(|&number| Call::Put(number)).collect();
    Start {
        make: || AnyQueue::bounded_by_a_lock(CAPACITY),
        spec,
        before,
    }
}

/// The same, with its items in a ring that has gone round.
pub fn ringed<const CAPACITY: usize>(before: &[u32]) -> Start<AnyQueue<Item, Fifo>> {
    Start {
        make: gone_round::<CAPACITY>,
        ..holding::<Fifo, CAPACITY>(before)
    }
}

/// A queue without a bound, and what main puts in before. Its ring had one slot, which has been used: it has grown for the second
/// item, for the third, and for the fifth.
pub fn growing(before: &[u32]) -> Start<AnyQueue<Item, Fifo>> {
    let spec = queue::Queue::new(queue::Order::Fifo, None);
    Start {
        make: || used(AnyQueue::unbounded_from(1), 1),
        spec,
        ..holding::<Fifo, 1>(before)
    }
}

/// An empty queue that has had an item in each slot.
fn gone_round<const CAPACITY: usize>() -> AnyQueue<Item, Fifo> {
    used(AnyQueue::bounded(CAPACITY), CAPACITY)
}

/// The queue, empty, when so many items have gone through it.
fn used(queue: AnyQueue<Item, Fifo>, items: usize) -> AnyQueue<Item, Fifo> {
    for _ in 0..items {
        queue.put(item(0)).expect("it is open");
        queue.get_task().map(drop).expect("it is open");
    }
    queue
}
