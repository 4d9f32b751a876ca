//! One call at a time beside threads that wait: each must go on as soon as the specification lets it.

use super::wares::{Ledger, Ware};
use crate::primitive::{Guard, Hand, Manner, Primitive};
use proptest::prelude::*;
use selvedge::queue::{AnyQueue, Fifo, GetError, Lifo, Priority, PutError, Task};
use spec::Answer::{self, Busy, Count, Done, Is, Items, ShutDown, TimedOut, TooManyDone};
use spec::queue::{self, Call, Order, digits};
use std::ops::RangeInclusive;

crate::fuzzers!(Any);

/// A queue of any order.
pub struct Any {
    queue: Ordered,
    ledger: Ledger,
}

enum Ordered {
    Fifo(AnyQueue<Ware, Fifo>),
    Lifo(AnyQueue<Ware, Lifo>),
    Priority(AnyQueue<Ware, Priority>),
}

impl Primitive for Any {
    type Start = (Order, Option<usize>);
    type Spec = queue::Queue;
    type Guard<'a> = Task<'a, Ware>;

    const THREADS: RangeInclusive<usize> = 2..=4;
    const GIVES_BACK: Call = Call::TaskDone;
    const ENDS: &'static [Call] = &[Call::ShutdownNow];
    // Who of several waiters goes on is free. So those that wait to put have the same item, or it would matter who was
    // first, and an end is rare.
    const CALLS: &'static [(u32, Call)] = &[
        (40, Call::Get),
        (40, Call::Put(11)),
        (20, Call::Join),
        (12, Call::GetTimeout),
        (12, Call::PutTimeout(11)),
        (8, Call::JoinTimeout),
        (10, Call::TryPut(12)),
        (10, Call::TryPut(21)),
        (10, Call::TryGet),
        (4, Call::Drain),
        (16, Call::TaskDone),
        (2, Call::TryJoin),
        (2, Call::Shutdown),
        (2, Call::ShutdownNow),
    ];
    const LOOKS: &'static [Call] = &[Call::Len, Call::Unfinished, Call::IsShutdown, Call::TryJoin];
    const ANSWERS: &'static [Answer] = &[
        Done,
        Busy,
        TimedOut,
        ShutDown,
        TooManyDone,
        Count(11),
        Count(12),
        Count(21),
        Is(true),
        Is(false),
        Items(0),
    ];

    fn starts() -> BoxedStrategy<Self::Start> {
        let order = prop::sample::select(vec![Order::Fifo, Order::Lifo, Order::Priority]);
        (order, prop::sample::select(vec![Some(1), Some(2), Some(3), None])).boxed()
    }

    fn spec(&(order, capacity): &Self::Start) -> queue::Queue {
        queue::Queue::new(order, capacity)
    }

    fn object(&(order, capacity): &Self::Start) -> Any {
        fn make<O: selvedge::queue::Order<Ware>>(capacity: Option<usize>) -> AnyQueue<Ware, O> {
            capacity.map_or_else(|| AnyQueue::unbounded_from(1), AnyQueue::bounded)
        }
        let queue = match order {
            Order::Fifo => Ordered::Fifo(make(capacity)),
            Order::Lifo => Ordered::Lifo(make(capacity)),
            Order::Priority => Ordered::Priority(make(capacity)),
        };
        Any {
            queue,
            ledger: Ledger::default(),
        }
    }

    fn making(&(order, capacity): &Self::Start) -> String {
        let name = match order {
            Order::Fifo => "Queue",
            Order::Lifo => "LifoQueue",
            Order::Priority => "PriorityQueue",
        };
        let bound = capacity.map_or("unbounded()".into(), |capacity| format!("bounded({capacity})"));
        format!("let queue = {name}::{bound};")
    }

    fn perform<'a>(&'a self, call: Call, hand: Hand<'_, Task<'a, Ware>>) -> Answer {
        match &self.queue {
            Ordered::Fifo(queue) => perform(queue, call, hand, &self.ledger),
            Ordered::Lifo(queue) => perform(queue, call, hand, &self.ledger),
            Ordered::Priority(queue) => perform(queue, call, hand, &self.ledger),
        }
    }

    fn code(call: Call) -> String {
        match call {
            Call::Put(item) | Call::PutTimeout(item) => format!("queue.put(at({item}))"),
            Call::TryPut(item) => format!("queue.try_put(at({item}))"),
            Call::TryPutTwo(first, second) => format!("queue.try_put_many([at({first}), at({second})])"),
            Call::Get | Call::GetTimeout => "queue.get_task()".into(),
            Call::TryGet => "queue.try_get_task()".into(),
            Call::Drain => "queue.drain()".into(),
            Call::TaskDone => "queue.task_done()".into(),
            Call::Join | Call::JoinTimeout => "queue.join()".into(),
            Call::TryJoin => "queue.try_join()".into(),
            Call::Shutdown => "queue.shutdown()".into(),
            Call::ShutdownNow => "queue.shutdown_now()".into(),
            Call::Len => "queue.len()".into(),
            Call::Unfinished => "queue.unfinished()".into(),
            Call::IsShutdown => "queue.is_shutdown()".into(),
        }
    }

    fn takes(call: Call) -> bool {
        matches!(call, Call::Get | Call::TryGet | Call::GetTimeout)
    }

    fn ends_as(self, _: &queue::Queue) -> bool {
        drop(self.queue);
        self.ledger.alive() == 0
    }
}

fn perform<'a, O: selvedge::queue::Order<Ware>>(
    queue: &'a AnyQueue<Ware, O>,
    call: Call,
    hand: Hand<'_, Task<'a, Ware>>,
    ledger: &Ledger,
) -> Answer {
    let manner: Manner = hand.manner;
    let put = |result: Result<(), PutError<Ware>>, full| match result {
        Ok(()) => Done,
        Err(error) => {
            if error.is_full() {
                full
            } else {
                ShutDown
            }
        }
    };
    let got = |result: Result<Task<'a, Ware>, GetError>, empty| match result {
        Ok(task) => {
            let item = task.item.number;
            hand.take(task);
            Count(item)
        }
        Err(GetError::Empty) => empty,
        Err(GetError::ShutDown) => ShutDown,
    };
    let items = |wares: Vec<Ware>| Items(digits(wares.iter().map(|ware| ware.item.number)));
    match call {
        Call::Put(item) => put(queue.put(ledger.ware(item)).map_err(PutError::from), Busy),
        Call::TryPut(item) => put(queue.try_put(ledger.ware(item)), Busy),
        Call::PutTimeout(item) => {
            let by_timeout = |timeout| queue.put_timeout(ledger.ware(item), timeout);
            put(
                manner.within(by_timeout, |at| queue.put_deadline(ledger.ware(item), at)),
                TimedOut,
            )
        }
        Call::TryPutTwo(..) => unreachable!("a getter that goes on may make room for the second"),
        Call::Get => got(queue.get_task().map_err(GetError::from), Busy),
        Call::TryGet => got(queue.try_get_task(), Busy),
        Call::GetTimeout => got(
            manner.within(
                |timeout| queue.get_task_timeout(timeout),
                |at| queue.get_task_deadline(at),
            ),
            TimedOut,
        ),
        Call::Drain => items(queue.drain()),
        Call::TaskDone => queue.task_done().map_or(TooManyDone, |()| Done),
        Call::Join => {
            queue.join();
            Done
        }
        Call::TryJoin => Is(queue.try_join()),
        Call::JoinTimeout => {
            let joined = manner.within(|timeout| queue.join_timeout(timeout), |at| queue.join_deadline(at));
            joined.map_or(TimedOut, |()| Done)
        }
        Call::Shutdown => {
            queue.shutdown();
            Done
        }
        Call::ShutdownNow => items(queue.shutdown_now()),
        Call::Len => Count(queue.len() as u32),
        Call::Unfinished => Count(queue.unfinished() as u32),
        Call::IsShutdown => Is(queue.is_shutdown()),
    }
}

impl Guard for Task<'_, Ware> {
    fn forget(self) {
        drop(Task::forget(self));
    }
}
