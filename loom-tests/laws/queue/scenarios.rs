//! The queue models that are not lists of calls.

use crate::law::Model;
use crate::laws::{Data, TIMEOUT};
use crate::scenario::{Scenario, panics};
use selvedge_loom::backend::Arc;
use selvedge_loom::queue::{AnyQueue, Fifo};
use selvedge_loom::{Instant, PriorityQueue, PutError, Queue};
use spec::Answer::{self, Broken, Busy, Count, Done, ShutDown, TimedOut};
use std::any::Any;
use std::cmp::Ordering;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// A model with the full lock.
pub fn full_lock<const N: usize, const M: usize>(
    name: &str,
    expected: [[Answer; N]; M],
    body: impl Fn(&Scenario) -> Vec<Answer> + Send + Sync + 'static,
) -> Model {
    Model::new(name, expected, body)
}

/// A model with the abstract lock.
pub fn abstract_lock<const N: usize, const M: usize>(
    name: &str,
    expected: [[Answer; N]; M],
    body: impl Fn(&Scenario) -> Vec<Answer> + Send + Sync + 'static,
) -> Model {
    full_lock(name, expected, body).abstract_locks()
}

/// Whether the two threads of a model put or get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Putters,
    Getters,
}

pub use Core::{Lock, Ring};
pub use Side::{Getters, Putters};

pub type Numbers = Queue<u32>;

/// The core of a bounded queue.
#[derive(Clone, Copy, Debug)]
pub enum Core {
    Lock,
    Ring,
}

fn bounded(core: Core, capacity: usize, before: &[u32]) -> Numbers {
    let queue = match core {
        Core::Lock => Queue::bounded_by_a_lock(capacity),
        Core::Ring => {
            assert!(capacity.is_power_of_two(), "a queue of another capacity has no ring");
            Queue::bounded(capacity)
        }
    };
    queue
        .put_many(before.iter().copied())
        .expect("the queue has free slots");
    queue
}

/// Two threads block on one side of a queue with capacity 2; then main acts.
pub fn two_blocked(scenario: &Scenario, core: Core, side: Side, act: fn(&Numbers, Side)) -> Vec<Answer> {
    let before: &[u32] = if side == Putters { &[1, 2] } else { &[] };
    let queue = Arc::new(bounded(core, 2, before));
    for _ in 0..2 {
        scenario.thread(&queue, move |queue| match side {
            Putters => queue.put(3).map_or(ShutDown, |()| Done),
            Getters => queue.get().map_or(ShutDown, |_| Done),
        });
    }
    scenario.settle();
    act(&queue, side);
    scenario.finish()
}

pub fn one_by_one(queue: &Numbers, side: Side) {
    for _ in 0..2 {
        match side {
            Putters => drop(queue.get()),
            Getters => queue.put(4).expect("the queue is not shut down"),
        }
    }
}

pub fn batch(queue: &Numbers, side: Side) {
    match side {
        Putters => assert_eq!(queue.drain(), [1, 2]),
        Getters => queue.try_put_many([4, 5]).expect("the queue has free slots"),
    }
}

pub fn shut_down(queue: &Numbers, _: Side) {
    queue.shutdown();
}

pub fn shut_down_now(queue: &Numbers, _: Side) {
    queue.shutdown_now();
}

/// One thread puts a batch larger than the capacity, the other gets all items.
pub fn long_batch(scenario: &Scenario, core: Core) -> Vec<Answer> {
    let queue = Arc::new(bounded(core, 1, &[]));
    scenario.thread(&queue, |queue| queue.put_many([1, 2]).map_or(ShutDown, |()| Done));
    scenario.thread(&queue, |queue| {
        assert_eq!([queue.get(), queue.get()], [Ok(1), Ok(2)]);
        Done
    });
    scenario.finish()
}

pub fn two_join(scenario: &Scenario, core: Core) -> Vec<Answer> {
    let queue = Arc::new(bounded(core, 1, &[1]));
    for _ in 0..2 {
        scenario.thread(&queue, |queue| {
            queue.join();
            Done
        });
    }
    scenario.settle();
    queue.task_done().expect("one item is unfinished");
    scenario.finish_observing(|| Count(queue.unfinished() as u32))
}

/// One thread puts and joins twice; the second join must block again.
pub fn joined_twice(scenario: &Scenario, core: Core) -> Vec<Answer> {
    let queue = Arc::new(bounded(core, 1, &[]));
    scenario.thread(&queue, |queue| {
        for number in 0..2 {
            queue.put(number).expect("the queue is not shut down");
            queue.join();
            assert!(queue.is_empty(), "the join returned before the get");
        }
        Done
    });
    scenario.thread(&queue, |queue| {
        (0..2).for_each(|_| drop(queue.get_task()));
        Done
    });
    scenario.finish()
}

/// A queue, and the data that one thread writes before a call and another reads after a call.
pub struct Shared {
    queue: Numbers,
    data: [Data; 2],
}

fn shared(core: Core, capacity: usize, before: &[u32]) -> Arc<Shared> {
    Arc::new(Shared {
        queue: bounded(core, capacity, before),
        data: [Data::new(), Data::new()],
    })
}

/// A call that may observe the other thread's call; otherwise it returns its answer as an error.
type Observe = fn(&Numbers) -> Result<(), Answer>;

fn then_read(shared: &Shared, observe: Observe) -> Answer {
    observe(&shared.queue).map_or_else(|answer| answer, |()| shared.data[0].read())
}

pub fn put_visible_to(scenario: &Scenario, core: Core, got: Observe) -> Vec<Answer> {
    visible_to(scenario, core, |queue| queue.put(1).is_ok(), got)
}

/// As [`put_visible_to`], for a batch: a ring has a separate code path for batches.
pub fn batch_visible_to(scenario: &Scenario, core: Core, got: Observe) -> Vec<Answer> {
    visible_to(scenario, core, |queue| queue.try_put_many([1]).is_ok(), got)
}

fn visible_to(scenario: &Scenario, core: Core, put: fn(&Numbers) -> bool, got: Observe) -> Vec<Answer> {
    let shared = shared(core, 1, &[]);
    scenario.thread(&shared, move |shared| {
        shared.data[0].add();
        if put(&shared.queue) { Done } else { ShutDown }
    });
    scenario.thread(&shared, move |shared| then_read(shared, got));
    scenario.finish()
}

pub fn get(queue: &Numbers) -> Result<(), Answer> {
    queue.get().map(drop).map_err(|_| ShutDown)
}

pub fn try_get(queue: &Numbers) -> Result<(), Answer> {
    queue.try_get().map(drop).map_err(|_| Busy)
}

pub fn get_timeout(queue: &Numbers) -> Result<(), Answer> {
    queue.get_timeout(TIMEOUT).map(drop).map_err(|_| TimedOut)
}

pub fn drain(queue: &Numbers) -> Result<(), Answer> {
    if queue.drain().is_empty() { Err(Busy) } else { Ok(()) }
}

/// If the other thread's item is put first, the put of the second item moves it to the grown ring.
pub fn moved_item_visible(scenario: &Scenario) -> Vec<Answer> {
    let shared = Arc::new(Shared {
        queue: AnyQueue::unbounded_from(1),
        data: [Data::new(), Data::new()],
    });
    scenario.thread(&shared, |shared| {
        shared.data[0].add();
        shared.queue.put(1).map_or(ShutDown, |()| Done)
    });
    scenario.thread(&shared, |shared| {
        shared.queue.put(2).expect("the queue is not shut down");
        if shared.queue.get() == Ok(1) {
            shared.data[0].read()
        } else {
            Busy
        }
    });
    scenario.finish()
}

/// A get happens-before the put into the slot that it frees.
pub fn get_visible_to_put(scenario: &Scenario, core: Core) -> Vec<Answer> {
    let shared = shared(core, 1, &[1]);
    scenario.thread(&shared, |shared| {
        shared.data[0].add();
        get(&shared.queue).map_or(ShutDown, |()| Done)
    });
    scenario.thread(&shared, |shared| {
        then_read(shared, |queue| queue.put(2).map_err(|_| ShutDown))
    });
    scenario.finish()
}

pub fn joined(scenario: &Scenario, core: Core, joined: Observe) -> Vec<Answer> {
    let shared = shared(core, 1, &[1]);
    scenario.thread(&shared, |shared| {
        shared.data[0].add();
        shared.queue.task_done().expect("one item is unfinished");
        Done
    });
    scenario.thread(&shared, move |shared| then_read(shared, joined));
    scenario.finish()
}

pub fn join(queue: &Numbers) -> Result<(), Answer> {
    queue.join();
    Ok(())
}

pub fn join_timeout(queue: &Numbers) -> Result<(), Answer> {
    queue.join_timeout(TIMEOUT).map_err(|_| TimedOut)
}

pub fn try_join(queue: &Numbers) -> Result<(), Answer> {
    if queue.try_join() { Ok(()) } else { Err(Busy) }
}

/// Two threads write and then finish one item each. Both writes are visible after the join.
pub fn two_done(scenario: &Scenario, core: Core) -> Vec<Answer> {
    let shared = shared(core, 2, &[1, 2]);
    for finisher in 0..2 {
        scenario.thread(&shared, move |shared| {
            shared.data[finisher].add();
            shared.queue.task_done().expect("an item is unfinished");
            Done
        });
    }
    scenario.thread(&shared, |shared| {
        shared.queue.join();
        let [Count(first), Count(second)] = [0, 1].map(|index| shared.data[index].read()) else {
            return Broken;
        };
        Count(first + second)
    });
    scenario.finish()
}

/// An item that adds to the data when it is dropped.
struct AddsOnDrop(Arc<Data>);

impl Drop for AddsOnDrop {
    fn drop(&mut self) {
        self.0.add();
    }
}

pub fn task_joined(scenario: &Scenario) -> Vec<Answer> {
    let data = Arc::new(Data::new());
    let queue = Queue::unbounded();
    queue
        .put(AddsOnDrop(Arc::clone(&data)))
        .map_err(|_| ())
        .expect("the queue is not shut down");
    let shared = Arc::new((queue, data));
    scenario.thread(&shared, |(queue, _)| {
        drop(queue.get_task());
        Done
    });
    scenario.thread(&shared, |(queue, data)| {
        queue.join();
        data.read()
    });
    scenario.finish()
}

/// The second thread's call may time out, but not before its deadline.
pub fn with_deadline(scenario: &Scenario, core: Core, side: Side) -> Vec<Answer> {
    let before: &[u32] = if side == Putters { &[1] } else { &[] };
    let queue = Arc::new(bounded(core, 1, before));
    scenario.thread(&queue, move |queue| match side {
        Putters => queue.get().map_or(ShutDown, Count),
        Getters => queue.put(1).map_or(ShutDown, |()| Done),
    });
    scenario.thread(&queue, move |queue| {
        let deadline = Instant::now() + TIMEOUT;
        let answer = match side {
            Putters => queue.put_deadline(2, deadline).map_or(TimedOut, |()| Done),
            Getters => queue.get_deadline(deadline).map_or(TimedOut, Count),
        };
        assert!(
            answer != TimedOut || deadline.has_passed(),
            "timed out before the deadline"
        );
        answer
    });
    scenario.finish()
}

pub fn zero_timeout(scenario: &Scenario, core: Core) -> Vec<Answer> {
    let queue = Arc::new(bounded(core, 1, &[]));
    scenario.thread(&queue, |queue| queue.put(1).map_or(ShutDown, |()| Done));
    scenario.thread(&queue, |queue| {
        queue.get_timeout(Duration::ZERO).map_or(TimedOut, Count)
    });
    scenario.finish()
}

/// One thread gets an item; the other reports the number of items that its timed-out batch returns.
pub fn remainder_of_batch(scenario: &Scenario, core: Core) -> Vec<Answer> {
    let queue = Arc::new(bounded(core, 1, &[1]));
    scenario.thread(&queue, |queue| queue.get().map_or(ShutDown, Count));
    scenario.thread(&queue, |queue| match queue.put_many_timeout([2, 3], TIMEOUT) {
        Err(PutError::Full(rest)) => {
            assert!(rest == [2, 3] || rest == [3], "the error contains other items");
            Count(rest.len() as u32)
        }
        _ => Done,
    });
    scenario.finish()
}

/// An item that uses a queue when it is dropped.
struct UsesQueueOnDrop(Arc<AnyQueue<u32, Fifo>>);

impl Drop for UsesQueueOnDrop {
    fn drop(&mut self) {
        let _ = self.0.try_put(1);
        drop(self.0.shutdown_now());
    }
}

/// Items may use even the queue that contains them, because no thread drops an item while it holds the queue's lock.
pub fn dropped_outside_lock(scenario: &Scenario) -> Vec<Answer> {
    let numbers = Arc::new(Queue::unbounded());
    let queue: Queue<UsesQueueOnDrop> = Queue::unbounded();
    queue
        .put(UsesQueueOnDrop(Arc::clone(&numbers)))
        .map_err(|_| ())
        .expect("the queue is not shut down");
    let shared = Arc::new((queue, numbers));
    scenario.thread(&shared, |(queue, _)| {
        drop(queue.shutdown_now());
        Done
    });
    scenario.thread(&shared, |(queue, numbers)| {
        drop(queue.put(UsesQueueOnDrop(Arc::clone(numbers))));
        Done
    });
    scenario.finish()
}

/// An item whose next comparison panics once if it is armed. When dropped, it may put another item.
struct PanickingItem {
    value: u32,
    armed: Arc<AtomicBool>, // std's, so that it adds no interleavings
    puts_on_drop: Option<Arc<PriorityQueue<PanickingItem>>>,
}

const COMPARED: &str = "compared";

impl PanickingItem {
    fn new(value: u32) -> PanickingItem {
        PanickingItem {
            value,
            armed: Arc::default(),
            puts_on_drop: None,
        }
    }

    fn armed(value: u32) -> PanickingItem {
        PanickingItem {
            value,
            armed: Arc::new(AtomicBool::new(true)),
            puts_on_drop: None,
        }
    }
}

impl Ord for PanickingItem {
    fn cmp(&self, other: &PanickingItem) -> Ordering {
        assert!(!self.armed.swap(false, Relaxed), "{COMPARED}");
        self.value.cmp(&other.value)
    }
}

impl PartialOrd for PanickingItem {
    fn partial_cmp(&self, other: &PanickingItem) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PanickingItem {
    fn eq(&self, other: &PanickingItem) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for PanickingItem {}

impl Drop for PanickingItem {
    fn drop(&mut self) {
        if let Some(queue) = self.puts_on_drop.take() {
            drop(queue.try_put(PanickingItem::new(0)));
        }
    }
}

/// `Broken` if a comparison panics; resumes any other panic.
fn unless_compared(body: impl FnOnce() -> Answer) -> Answer {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload: Box<dyn Any + Send>| {
        match payload
            .downcast_ref::<&str>()
            .copied()
            .or(payload.downcast_ref::<String>().map(String::as_str))
        {
            Some(COMPARED) => Broken,
            _ => resume_unwind(payload),
        }
    })
}

type PanickingQueue = PriorityQueue<PanickingItem>;

/// A queue whose items may refer to it.
struct SharedQueue(Arc<PanickingQueue>);

impl Deref for SharedQueue {
    type Target = PanickingQueue;

    fn deref(&self) -> &PanickingQueue {
        &self.0
    }
}

fn panicking_queue(capacity: usize, before: u32) -> Arc<SharedQueue> {
    let queue = PriorityQueue::bounded(capacity);
    (0..before).for_each(|value| queue.put(PanickingItem::new(value)).expect("the queue has free slots"));
    Arc::new(SharedQueue(Arc::new(queue)))
}

/// Puts `before` and one more item in one batch, and then arms the last item.
fn put_and_arm(queue: &PanickingQueue, before: impl IntoIterator<Item = PanickingItem>, value: u32) {
    let last = PanickingItem::new(value);
    let armed = Arc::clone(&last.armed);
    queue
        .try_put_many(before.into_iter().chain([last]))
        .expect("the queue has free slots");
    armed.store(true, Relaxed);
}

/// The number of unfinished items. It must equal the items in the queue plus those got.
fn consistent(queue: &PanickingQueue, got: u32) -> Answer {
    assert_eq!(
        queue.unfinished() as u32,
        queue.len() as u32 + got,
        "the unfinished items are not those put"
    );
    assert_eq!(queue.len(), queue.drain().len(), "len() is not the number of items");
    Count(queue.unfinished() as u32)
}

/// The item that panics is dropped after the queue's lock is released, so its drop can put another item.
pub fn compared_in_put(scenario: &Scenario) -> Vec<Answer> {
    let queue = panicking_queue(4, 1);
    scenario.thread(&queue, |queue| {
        let mut item = PanickingItem::armed(0);
        item.puts_on_drop = Some(Arc::clone(&queue.0));
        unless_compared(|| queue.put(item).map_or(ShutDown, |()| Done))
    });
    scenario.thread(&queue, |queue| {
        queue.put(PanickingItem::new(1)).map_or(ShutDown, |()| Done)
    });
    scenario.finish_observing(|| consistent(&queue, 0))
}

/// One of two gets panics, and its item stays in the queue.
pub fn compared_in_get(scenario: &Scenario) -> Vec<Answer> {
    let queue = panicking_queue(4, 3);
    put_and_arm(&queue, [], 3);
    for _ in 0..2 {
        scenario.thread(&queue, |queue| {
            unless_compared(|| queue.get().map_or(ShutDown, |_| Done))
        });
    }
    scenario.finish_observing(|| consistent(&queue, 1))
}

/// Two putters are blocked and main frees one slot. If the woken putter panics, the other puts.
pub fn woken_putter_panics(scenario: &Scenario) -> Vec<Answer> {
    let queue = panicking_queue(2, 2);
    for item in [PanickingItem::armed(3), PanickingItem::new(3)] {
        scenario.thread(&queue, |queue| {
            unless_compared(|| queue.put(item).map_or(ShutDown, |()| Done))
        });
    }
    scenario.settle();
    drop(queue.get());
    scenario.finish()
}

/// Four getters are blocked and main puts three items. If a woken getter panics, the fourth gets its item.
pub fn woken_getter_panics(scenario: &Scenario) -> Vec<Answer> {
    let queue = panicking_queue(4, 0);
    for _ in 0..4 {
        scenario.thread(&queue, |queue| {
            unless_compared(|| queue.get().map_or(ShutDown, |_| Done))
        });
    }
    scenario.settle();
    put_and_arm(&queue, [PanickingItem::new(0), PanickingItem::new(1)], 2);
    scenario.finish()
}

/// The items before the one that panics are put, and the getter gets one of them.
pub fn batch_panics(scenario: &Scenario) -> Vec<Answer> {
    let queue = panicking_queue(4, 0);
    scenario.thread(&queue, |queue| {
        unless_compared(|| {
            drop(queue.try_put_many([PanickingItem::new(0), PanickingItem::armed(1), PanickingItem::new(2)]));
            Done
        })
    });
    scenario.thread(&queue, |queue| queue.get().map_or(ShutDown, |_| Done));
    scenario.finish_observing(|| consistent(&queue, 1))
}

pub fn task_panics(scenario: &Scenario, core: Core) -> Vec<Answer> {
    let queue = Arc::new(bounded(core, 1, &[1]));
    scenario.thread(&queue, |queue| {
        panics("while it holds a task", || {
            let _task = queue.get_task();
            panic!("while it holds a task");
        });
        Done
    });
    scenario.thread(&queue, |queue| {
        queue.join();
        Done
    });
    scenario.finish()
}

struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// The item is counted as done although its drop panics.
pub fn drop_panics(scenario: &Scenario) -> Vec<Answer> {
    let queue = Arc::new(Queue::unbounded());
    queue
        .put(PanicsOnDrop)
        .map_err(std::mem::forget)
        .expect("the queue is not shut down");
    scenario.thread(&queue, |queue| {
        panics("dropped", || drop(queue.get_task()));
        Done
    });
    scenario.thread(&queue, |queue| {
        queue.join();
        Done
    });
    scenario.finish()
}

/// A leaked task is never counted as done.
pub fn task_leaks(scenario: &Scenario, core: Core) -> Vec<Answer> {
    let queue = Arc::new(bounded(core, 1, &[1]));
    scenario.thread(&queue, |queue| {
        std::mem::forget(queue.get_task());
        Done
    });
    scenario.thread(&queue, |queue| {
        queue.join();
        Done
    });
    scenario.finish()
}
