//! Queues: one thread that makes calls of every form, threads that block, and threads that race.

mod histories;
mod items;
mod races;

use crate::primitive::{Context, Guard, Options, Primitive, method_call};
use Call::Basic;
use items::{Counter, Item, panic_at};
use proptest::prelude::*;
use selvedge::queue::{AnyQueue, Fifo, GetError, Lifo, Priority, PutError, SimpleQueue, Task};
use spec::Answer::{self, Busy, Count, Done, Is, Items, ShutDown, TimedOut, TooManyDone};
use spec::queue::Call::*;
use spec::queue::{self, Order, digits};
use spec::{Spec, Step};
use std::fmt;
use std::ops::RangeInclusive;

/// Mode: several threads make the calls of the specification.
const BLOCKING: u8 = 0;
/// Mode: one thread makes all calls in all forms.
const SEQUENTIAL: u8 = 1;
/// Mode: as `SEQUENTIAL`, but a FIFO queue is compared with the specification of a LIFO queue.
const MISTAKEN: u8 = 2;

crate::fuzzers!(Subject<BLOCKING>);

mod sequential {
    crate::fuzzers!(super::Subject<{ super::SEQUENTIAL }>);
}

#[test]
fn a_failure_is_reported_as_a_short_program() {
    let mut config = crate::run::config(file!());
    config.failure_persistence = None;
    let story = crate::run::fuzz::<Subject<MISTAKEN>>(config).expect_err("a FIFO queue is no LIFO queue");
    let lines: Vec<&str> = story.lines().skip_while(|line| !line.contains("let queue")).collect();
    assert!(lines.len() <= 7, "{story}");
    assert!(lines[1].contains("put") || lines[1].contains("extend"), "{story}");
    assert!(
        lines[1..].iter().any(|line| line.contains("// thread 0 -> ")),
        "{story}"
    );
    assert!(lines[lines.len() - 1].starts_with("the specification says "), "{story}");
}

/// A queue, and the number of its live items.
pub struct Subject<const MODE: u8> {
    queue: Queue,
    counter: Counter,
}

enum Queue {
    Fifo(AnyQueue<Item, Fifo>),
    Lifo(AnyQueue<Item, Lifo>),
    Priority(AnyQueue<Item, Priority>),
    Simple(SimpleQueue<Item>),
}

/// The type of the queue, and its capacity if it is bounded. No order: a `SimpleQueue`.
type Start = (Option<Order>, Option<usize>);

/// A call of the specification, or another public call. The items of a batch are encoded by [`digits`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Basic(queue::Call),
    PutMany(Form, u64),
    Extend(u64),
    Iter(usize),
    TryIter(usize),
    /// Checks that all observers agree; returns the capacity, 0 if there is none.
    Inspect,
    /// Counts the live items that the thread does not hold.
    Live,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    Try,
    Plain,
    Timed,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Basic(call) => call.fmt(f),
            call => f.write_str(&<Subject<SEQUENTIAL> as Primitive>::code(*call, Options::PLAIN)),
        }
    }
}

/// The specification of all calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Model {
    queue: queue::Queue,
    capacity: Option<usize>,
    /// The items that a blocked `put_many` still has to put.
    rest: u64,
}

impl Model {
    fn free_slots(&self) -> usize {
        self.capacity.map_or(usize::MAX, |capacity| capacity - self.queue.len())
    }

    fn is_shut_down(&self) -> bool {
        self.queue.clone().step(0, IsShutdown) == Step::Done(Is(true))
    }

    /// Puts the items until one is refused; returns `Items` with the remaining ones if the queue is full.
    fn put_many(&mut self, items: &[queue::Item]) -> Answer {
        for (index, &item) in items.iter().enumerate() {
            match self.queue.step(0, TryPut(item)) {
                Step::Done(Done) => {}
                Step::Done(ShutDown) => return ShutDown,
                _ => return Items(digits(items[index..].iter().copied())),
            }
        }
        Done
    }

    fn take(&mut self, most: usize) -> Answer {
        let next = || match self.queue.step(0, TryGet) {
            Step::Done(Count(item)) => Some(item),
            _ => None,
        };
        Items(digits(std::iter::from_fn(next).take(most)))
    }
}

impl Spec for Model {
    type Call = Call;

    fn step(&mut self, thread: usize, call: Call) -> Step {
        Step::Done(match call {
            Basic(call) => return self.queue.step(thread, call),
            // `extend` panics on a queue that is shut down. The generator makes no call that blocks the only thread.
            Call::Extend(batch) if batch > 0 && self.is_shut_down() => return Step::WouldBlock,
            Call::Extend(batch) | Call::PutMany(Form::Plain, batch)
                if items(batch).len() > self.free_slots() && !self.is_shut_down() =>
            {
                return Step::WouldBlock;
            }
            Call::Extend(batch) | Call::PutMany(_, batch) => match (self.put_many(&items(batch)), call) {
                (Items(rest), Call::PutMany(Form::Timed, _)) => {
                    self.rest = rest;
                    return Step::WouldBlock;
                }
                (answer, _) => answer,
            },
            Call::Iter(steps) if steps > self.queue.len() && !self.is_shut_down() => return Step::WouldBlock,
            Call::Iter(steps) | Call::TryIter(steps) => self.take(steps),
            Call::Inspect => Count(self.capacity.unwrap_or(0) as u32),
            Call::Live => Count(self.queue.len() as u32),
        })
    }

    fn is_timed(call: Call) -> bool {
        match call {
            Basic(call) => queue::Queue::is_timed(call),
            call => matches!(call, Call::PutMany(Form::Timed, _)),
        }
    }

    fn time_out(&mut self, thread: usize) -> Answer {
        match std::mem::take(&mut self.rest) {
            0 => self.queue.time_out(thread),
            rest => Items(rest),
        }
    }

    fn observe(&self) -> Answer {
        self.queue.observe()
    }
}

// Which of several waiters returns is not specified. So blocked puts have equal items, and shutdowns are rare.
#[rustfmt::skip]
const BLOCKING_CALLS: &[(u32, Call)] = &[
    (40, Basic(Get)), (40, Basic(Put(11))), (20, Basic(Join)), (12, Basic(GetTimeout)), (12, Basic(PutTimeout(11))),
    (8, Basic(JoinTimeout)), (10, Basic(TryPut(12))), (10, Basic(TryPut(21))), (10, Basic(TryGet)), (4, Basic(Drain)),
    (16, Basic(TaskDone)), (2, Basic(TryJoin)), (2, Basic(Shutdown)), (2, Basic(ShutdownNow)),
];
#[rustfmt::skip]
const SEQUENTIAL_CALLS: &[(u32, Call)] = &[
    (20, Basic(Put(11))), (20, Basic(TryPut(11))), (40, Basic(PutTimeout(11))), (10, Call::Extend(0)),
    (8, Call::PutMany(Form::Plain, 0)), (8, Call::PutMany(Form::Try, 0)), (16, Call::PutMany(Form::Timed, 0)),
    (20, Basic(Get)), (20, Basic(TryGet)), (40, Basic(GetTimeout)), (4, Basic(Drain)), (8, Call::Iter(0)),
    (8, Call::TryIter(0)), (40, Basic(TaskDone)), (5, Basic(Join)), (5, Basic(TryJoin)), (10, Basic(JoinTimeout)),
    (1, Basic(Shutdown)), (1, Basic(ShutdownNow)), (40, Call::Live),
];

impl<const MODE: u8> Primitive for Subject<MODE> {
    type Start = Start;
    type Spec = Model;
    type Guard<'a> = Task<'a, Item>;

    const NAME: &'static str = "queue";
    const THREADS: RangeInclusive<usize> = if MODE == BLOCKING { 2..=4 } else { 1..=1 };
    const RUNS: u32 = if MODE == SEQUENTIAL { 4 } else { 1 };
    const RELEASE: Call = Basic(TaskDone);
    const RELEASE_WEIGHT: u32 = if MODE == BLOCKING { 5 } else { 50 };
    const CLEANUP: &'static [Call] = &[Basic(ShutdownNow)];
    const CALLS: &'static [(u32, Call)] = match MODE {
        BLOCKING => BLOCKING_CALLS,
        _ => SEQUENTIAL_CALLS,
    };
    const ACQUIRES: &'static [Call] = &[Basic(Get), Basic(TryGet), Basic(GetTimeout)];
    const OBSERVERS: &'static [Call] = &[
        Basic(Len),
        Basic(Unfinished),
        Basic(IsShutdown),
        Basic(TryJoin),
        Call::Inspect,
    ];
    const PANICS: bool = MODE != BLOCKING;
    #[rustfmt::skip]
    const ANSWERS: &'static [Answer] = &[
        Done, Busy, TimedOut, ShutDown, TooManyDone, Count(11), Count(12), Count(21), Is(true), Is(false), Items(0),
    ];

    fn starts() -> BoxedStrategy<Start> {
        let (orders, most) = match MODE {
            BLOCKING => (3, 3),
            SEQUENTIAL => (4, 8),
            _ => (1, 8_usize),
        };
        let orders = &[Some(Order::Fifo), Some(Order::Lifo), Some(Order::Priority), None][..orders];
        let capacity = prop_oneof![4 => (1..=most).prop_map(Some), 1 => Just(None)];
        let start = (prop::sample::select(orders), capacity);
        let start = start.prop_map(|(order, capacity)| (order, capacity.filter(|_| order.is_some())));
        start.boxed()
    }

    fn create(&(order, capacity): &Start) -> (Subject<MODE>, Model, String) {
        let (queue, name) = match order {
            Some(Order::Fifo) => (Queue::Fifo(create(capacity)), "Queue"),
            Some(Order::Lifo) => (Queue::Lifo(create(capacity)), "LifoQueue"),
            Some(Order::Priority) => (Queue::Priority(create(capacity)), "PriorityQueue"),
            None => (Queue::Simple(SimpleQueue::new()), "SimpleQueue"),
        };
        let constructor = match capacity {
            _ if order.is_none() => "new()".into(),
            Some(capacity) => format!("bounded({capacity})"),
            None => "unbounded()".into(),
        };
        let specified = if MODE == MISTAKEN {
            Order::Lifo
        } else {
            order.unwrap_or(Order::Fifo)
        };
        let model = Model {
            queue: queue::Queue::new(specified, capacity),
            capacity,
            rest: 0,
        };
        let counter = Counter::default();
        let at = "let at = |item: u32| Prioritized { priority: item / 10, item };";
        let code = format!("{at}\n    let queue = {name}::{constructor};");
        (Subject { queue, counter }, model, code)
    }

    fn perform<'a>(&'a self, call: Call, context: Context<'_, Task<'a, Item>>) -> Answer {
        panic_at(context.options.panics_at);
        let answer = match &self.queue {
            Queue::Fifo(queue) => perform(queue, call, context, &self.counter),
            Queue::Lifo(queue) => perform(queue, call, context, &self.counter),
            Queue::Priority(queue) => perform(queue, call, context, &self.counter),
            Queue::Simple(queue) => perform_simple(queue, call, context.options, &self.counter),
        };
        panic_at(None);
        answer
    }

    fn code(call: Call, options: Options) -> String {
        let list = |batch| {
            let items: Vec<_> = items(batch).into_iter().map(|item| format!("at({item})")).collect();
            format!("[{}]", items.join(", "))
        };
        match call {
            Basic(call) => {
                let code = method_call("queue", call);
                match call {
                    Put(_) | TryPut(_) | PutTimeout(_) => code.replace('(', "(at(").replace(')', "))"),
                    Get | TryGet | GetTimeout if uses_task(options) => code.replace("get", "get_task"),
                    _ => code,
                }
            }
            Call::PutMany(Form::Try, batch) => format!("queue.try_put_many({})", list(batch)),
            Call::PutMany(_, batch) => format!("queue.put_many({})", list(batch)),
            Call::Extend(batch) => format!("(&queue).extend({})", list(batch)),
            Call::Iter(steps) => format!("queue.iter().take({steps})"),
            Call::TryIter(steps) => format!("queue.try_iter().take({steps})"),
            Call::Inspect => "dbg!(&queue)".into(),
            Call::Live => "live_items()".into(),
        }
    }

    fn with_argument(call: Call, random: u32) -> Call {
        // Four priorities, so that many items are equal.
        let item = |random: u32| 10 * (random % 4 + 1) + random / 4 % 10;
        let batch = digits((0..random % 5).map(|index| item((random / 5) >> (6 * index))));
        match call {
            call if MODE == BLOCKING => call,
            Basic(Put(_)) => Basic(Put(item(random))),
            Basic(TryPut(_)) => Basic(TryPut(item(random))),
            Basic(PutTimeout(_)) => Basic(PutTimeout(item(random))),
            Call::PutMany(form, _) => Call::PutMany(form, batch),
            Call::Extend(_) => Call::Extend(batch),
            Call::Iter(_) => Call::Iter(random as usize % 4),
            Call::TryIter(_) => Call::TryIter(random as usize % 4),
            call => call,
        }
    }

    fn surround(&(order, _): &Start, _: Call, options: Options, code: String) -> String {
        let code = if order.is_none() {
            code.replace("get_task", "get")
        } else {
            code
        };
        match options.panics_at {
            Some(comparisons) => format!("/* panics after {comparisons} comparisons */ {code}"),
            None => code,
        }
    }

    fn offers(&(order, _): &Start, call: Call, options: Options) -> bool {
        let is_simple = matches!(
            call,
            Basic(Put(_) | Get | TryGet | GetTimeout | Drain | Len)
                | Call::PutMany(Form::Plain, _)
                | Call::Extend(_)
                | Call::TryIter(_)
                | Call::Inspect
        );
        order.is_some() || is_simple && !(options.keeps && Self::ACQUIRES.contains(&call))
    }

    fn after_panic(&self, before: &Model, call: Call) -> Option<Model> {
        let len = match &self.queue {
            Queue::Priority(queue) => queue.len(),
            _ => return None, // no other queue compares items
        };
        let mut after = before.clone();
        let old = before.queue.len();
        let is_possible = match call {
            // The items before the panic are in the queue.
            Call::PutMany(_, batch) | Call::Extend(batch) => {
                let items = items(batch);
                let put = len.checked_sub(old).filter(|&put| put < items.len());
                put.is_some_and(|put| after.put_many(&items[..put]) == Done)
            }
            // The items that were removed before the panic are lost.
            Call::Iter(steps) | Call::TryIter(steps) => {
                let got = old.checked_sub(len).filter(|&got| got < steps);
                got.map(|got| after.take(got)).is_some()
            }
            Basic(call @ (Drain | ShutdownNow)) => {
                after.queue.step(0, call);
                len == 0
            }
            Basic(call) => len == old && !matches!(call, TaskDone | Shutdown),
            Call::Inspect | Call::Live => false,
        };
        is_possible.then_some(after)
    }

    fn ends_as(self, _: &Model) -> bool {
        drop(self.queue);
        self.counter.live() == 0
    }
}

fn create<O: selvedge::queue::Order<Item>>(capacity: Option<usize>) -> AnyQueue<Item, O> {
    capacity.map_or_else(|| AnyQueue::unbounded_from(1), AnyQueue::bounded)
}

/// The inverse of [`digits`].
fn items(digits: u64) -> Vec<queue::Item> {
    let text = digits.to_string();
    let pairs = text.as_bytes().chunks(2).filter(|pair| pair.len() == 2);
    let item = |pair: &[u8]| u32::from(pair[0] - b'0') * 10 + u32::from(pair[1] - b'0');
    pairs.map(item).collect()
}

/// Whether a get returns a task. A task that is forgotten is equivalent to a plain `get`.
fn uses_task(options: Options) -> bool {
    options.keeps || !options.variant
}

fn numbers(items: impl IntoIterator<Item = Item>) -> Answer {
    Items(digits(items.into_iter().map(|item| item.item.number)))
}

fn perform<'a, O: selvedge::queue::Order<Item>>(
    queue: &'a AnyQueue<Item, O>,
    call: Call,
    context: Context<'_, Task<'a, Item>>,
    counter: &Counter,
) -> Answer {
    let options = context.options;
    let held = context.guards.len() as u32;
    let item = |number| counter.item(number);
    let batch = |batch| items(batch).into_iter().map(|number| counter.item(number));
    let put = |result: Result<(), PutError<Item>>, number, full| {
        let Err(error) = result else { return Done };
        let answer = if error.is_full() { full } else { ShutDown };
        assert_eq!(error.into_inner().item.number, number, "the refused item");
        answer
    };
    // If the queue is full: `Items` with the refused items. If it is shut down after some were put: how many are left.
    let put_many = |result: Result<(), PutError<Vec<Item>>>, count| match result {
        Ok(()) => Done,
        Err(PutError::ShutDown(rest)) if rest.len() == count => ShutDown,
        Err(PutError::ShutDown(rest)) => Count(rest.len() as u32),
        Err(PutError::Full(rest)) => numbers(rest),
    };
    let not_got = |error, empty| match error {
        GetError::Empty => empty,
        GetError::ShutDown => ShutDown,
    };
    let got = |result: Result<Item, GetError>, empty| match result {
        Ok(item) => Count(item.item.number),
        Err(error) => not_got(error, empty),
    };
    let got_task = |result: Result<Task<'a, Item>, GetError>, empty| match result {
        Ok(task) => {
            let number = task.item.number;
            context.take(task);
            Count(number)
        }
        Err(error) => not_got(error, empty),
    };
    let call = match call {
        Basic(call) => call,
        Call::PutMany(form, items) => {
            let result = match form {
                Form::Try => queue.try_put_many(batch(items)),
                Form::Plain => queue.put_many(batch(items)).map_err(PutError::from),
                Form::Timed => options.within(
                    |time| queue.put_many_timeout(batch(items), time),
                    |at| queue.put_many_deadline(batch(items), at),
                ),
            };
            return put_many(result, batch(items).count());
        }
        Call::Extend(items) => {
            let mut queue = queue;
            queue.extend(batch(items));
            return Done;
        }
        Call::Iter(steps) => return numbers(queue.iter().take(steps)),
        Call::TryIter(steps) => return numbers(queue.try_iter().take(steps)),
        Call::Inspect => return inspect(queue),
        Call::Live => return Count(counter.live() as u32 - held),
    };
    match call {
        Put(number) => put(queue.put(item(number)).map_err(PutError::from), number, Busy),
        TryPut(number) => put(queue.try_put(item(number)), number, Busy),
        PutTimeout(number) => {
            let by_timeout = |time| queue.put_timeout(item(number), time);
            let result = options.within(by_timeout, |at| queue.put_deadline(item(number), at));
            put(result, number, TimedOut)
        }
        TryPutTwo(first, second) => put_many(queue.try_put_many([item(first), item(second)]), 2),
        Get if uses_task(options) => got_task(queue.get_task().map_err(GetError::from), Busy),
        Get => got(queue.get().map_err(GetError::from), Busy),
        TryGet if uses_task(options) => got_task(queue.try_get_task(), Busy),
        TryGet => got(queue.try_get(), Busy),
        GetTimeout if uses_task(options) => {
            let by_timeout = |time| queue.get_task_timeout(time);
            got_task(options.within(by_timeout, |at| queue.get_task_deadline(at)), TimedOut)
        }
        GetTimeout => {
            let result = options.within(|time| queue.get_timeout(time), |at| queue.get_deadline(at));
            got(result, TimedOut)
        }
        Drain => numbers(queue.drain()),
        TaskDone => queue.task_done().map_or(TooManyDone, |()| Done),
        Join => {
            queue.join();
            Done
        }
        TryJoin => Is(queue.try_join()),
        JoinTimeout => {
            let joined = options.within(|time| queue.join_timeout(time), |at| queue.join_deadline(at));
            joined.map_or(TimedOut, |()| Done)
        }
        Shutdown => {
            queue.shutdown();
            Done
        }
        ShutdownNow => numbers(queue.shutdown_now()),
        Len => Count(queue.len() as u32),
        Unfinished => Count(queue.unfinished() as u32),
        IsShutdown => Is(queue.is_shutdown()),
    }
}

/// Checks that the other observers agree with those of the specification; returns the capacity.
fn inspect<O: selvedge::queue::Order<Item>>(queue: &AnyQueue<Item, O>) -> Answer {
    let (len, capacity) = (queue.len(), queue.capacity());
    let (unfinished, is_shutdown) = (queue.unfinished(), queue.is_shutdown());
    assert_eq!((queue.is_empty(), queue.is_full()), (len == 0, capacity == Some(len)));
    let debug = format!("len: {len}, capacity: {capacity:?}, unfinished: {unfinished}, is_shutdown: {is_shutdown}");
    assert_eq!(format!("{queue:?}"), format!("Queue {{ {debug} }}"));
    Count(capacity.unwrap_or(0) as u32)
}

fn perform_simple(queue: &SimpleQueue<Item>, call: Call, options: Options, counter: &Counter) -> Answer {
    let batch = |batch| items(batch).into_iter().map(|number| counter.item(number));
    let got = |item: Option<Item>, empty| item.map_or(empty, |item| Count(item.item.number));
    match call {
        Basic(Put(number)) => queue.put(counter.item(number)),
        Call::PutMany(_, items) => queue.put_many(batch(items)),
        Call::Extend(items) => {
            let mut queue = queue;
            queue.extend(batch(items))
        }
        Basic(Get) => return got(Some(queue.get()), Busy),
        Basic(TryGet) => return got(queue.try_get(), Busy),
        Basic(GetTimeout) => {
            let result = options.within(|time| queue.get_timeout(time), |at| queue.get_deadline(at));
            return got(result.ok(), TimedOut);
        }
        Basic(Drain) => return numbers(queue.drain()),
        Call::TryIter(steps) => return numbers(queue.try_iter().take(steps)),
        Basic(Len) => return Count(queue.len() as u32),
        Call::Inspect => {
            let len = queue.len();
            assert_eq!(queue.is_empty(), len == 0);
            return Count(0);
        }
        Call::Live => return Count(counter.live() as u32),
        _ => unreachable!("`offers` excludes {call:?}"),
    }
    Done
}

impl Guard for Task<'_, Item> {
    fn release(self, variant: bool) {
        if variant {
            drop(self.into_inner())
        }
    }

    fn release_code(variant: bool) -> &'static str {
        if variant { "guard.into_inner()" } else { "drop(guard)" }
    }

    fn forget(self) {
        drop(Task::forget(self));
    }
}
