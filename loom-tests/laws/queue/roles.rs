//! What threads do with queues where a list of calls does not say it.

use crate::law::Model;
use crate::laws::{Data, SOON};
use crate::stage::{Stage, panics};
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

/// A model with the steps of the lock.
pub fn stepwise<const N: usize, const M: usize>(
    name: &str,
    expected: [[Answer; N]; M],
    body: impl Fn(&Stage) -> Vec<Answer> + Send + Sync + 'static,
) -> Model {
    Model::new(name, expected, body)
}

/// A model in which the lock is taken by its specification.
pub fn specified<const N: usize, const M: usize>(
    name: &str,
    expected: [[Answer; N]; M],
    body: impl Fn(&Stage) -> Vec<Answer> + Send + Sync + 'static,
) -> Model {
    stepwise(name, expected, body).locks_specified()
}

/// On which side two threads wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Putters,
    Getters,
}

pub use Core::{Lock, Ring};
pub use Side::{Getters, Putters};

pub type Numbers = Queue<u32>;

/// What the items of a bounded queue are in.
#[derive(Clone, Copy, Debug)]
pub enum Core {
    Lock,
    Ring,
}

fn bounded(core: Core, capacity: usize, before: &[u32]) -> Numbers {
    let queue = match core {
        Core::Lock => Queue::bounded_by_a_lock(capacity),
        Core::Ring => Queue::bounded(capacity),
    };
    queue
        .put_many(before.iter().copied())
        .expect("it is open, and there is room");
    queue
}

/// Two threads wait on a side of a queue that can hold two; then main does what concerns them.
pub fn asleep(stage: &Stage, core: Core, side: Side, act: fn(&Numbers, Side)) -> Vec<Answer> {
    let before: &[u32] = if side == Putters { &[1, 2] } else { &[] };
    let queue = Arc::new(bounded(core, 2, before));
    for _ in 0..2 {
        stage.thread(&queue, move |queue| match side {
            Putters => queue.put(3).map_or(ShutDown, |()| Done),
            Getters => queue.get().map_or(ShutDown, |_| Done),
        });
    }
    stage.settle();
    act(&queue, side);
    stage.finish()
}

pub fn one_by_one(queue: &Numbers, side: Side) {
    for _ in 0..2 {
        match side {
            Putters => drop(queue.get()),
            Getters => queue.put(4).expect("it is open"),
        }
    }
}

pub fn batch(queue: &Numbers, side: Side) {
    match side {
        Putters => assert_eq!(queue.drain(), [1, 2]),
        Getters => queue.try_put_many([4, 5]).expect("it is open, and there is room"),
    }
}

pub fn ended(queue: &Numbers, _: Side) {
    queue.shutdown();
}

pub fn emptied(queue: &Numbers, _: Side) {
    queue.shutdown_now();
}

/// One puts more than the queue can hold, the other gets all.
pub fn long_batch(stage: &Stage, core: Core) -> Vec<Answer> {
    let queue = Arc::new(bounded(core, 1, &[]));
    stage.thread(&queue, |queue| queue.put_many([1, 2]).map_or(ShutDown, |()| Done));
    stage.thread(&queue, |queue| {
        assert_eq!([queue.get(), queue.get()], [Ok(1), Ok(2)]);
        Done
    });
    stage.finish()
}

pub fn two_join(stage: &Stage, core: Core) -> Vec<Answer> {
    let queue = Arc::new(bounded(core, 1, &[1]));
    for _ in 0..2 {
        stage.thread(&queue, |queue| {
            queue.join();
            Done
        });
    }
    stage.settle();
    queue.task_done().expect("one is unfinished");
    stage.finish_seeing(|| Count(queue.unfinished() as u32))
}

/// Who joins twice sleeps twice.
pub fn rounds(stage: &Stage, core: Core) -> Vec<Answer> {
    let queue = Arc::new(bounded(core, 1, &[]));
    stage.thread(&queue, |queue| {
        for number in 0..2 {
            queue.put(number).expect("it is open");
            queue.join();
            assert!(queue.is_empty(), "it joined what nobody has got");
        }
        Done
    });
    stage.thread(&queue, |queue| {
        (0..2).for_each(|_| drop(queue.get_task()));
        Done
    });
    stage.finish()
}

/// A queue, and what is done before a call and seen after another.
pub struct Seen {
    queue: Numbers,
    data: [Data; 2],
}

fn seen(core: Core, capacity: usize, before: &[u32]) -> Arc<Seen> {
    Arc::new(Seen {
        queue: bounded(core, capacity, before),
        data: [Data::new(), Data::new()],
    })
}

/// Whether it has happened, or what the call answers instead.
type Happened = fn(&Numbers) -> Result<(), Answer>;

fn then_read(shared: &Seen, happened: Happened) -> Answer {
    happened(&shared.queue).map_or_else(|answer| answer, |()| shared.data[0].read())
}

pub fn seen_by(stage: &Stage, core: Core, got: Happened) -> Vec<Answer> {
    put_and_seen_by(stage, core, |queue| queue.put(1).is_ok(), got)
}

/// A batch has a way of its own into a ring.
pub fn batch_seen_by(stage: &Stage, core: Core, got: Happened) -> Vec<Answer> {
    put_and_seen_by(stage, core, |queue| queue.try_put_many([1]).is_ok(), got)
}

fn put_and_seen_by(stage: &Stage, core: Core, put: fn(&Numbers) -> bool, got: Happened) -> Vec<Answer> {
    let shared = seen(core, 1, &[]);
    stage.thread(&shared, move |shared| {
        shared.data[0].add();
        if put(&shared.queue) { Done } else { ShutDown }
    });
    stage.thread(&shared, move |shared| then_read(shared, got));
    stage.finish()
}

pub fn get(queue: &Numbers) -> Result<(), Answer> {
    queue.get().map(drop).map_err(|_| ShutDown)
}

pub fn try_get(queue: &Numbers) -> Result<(), Answer> {
    queue.try_get().map(drop).map_err(|_| Busy)
}

pub fn get_soon(queue: &Numbers) -> Result<(), Answer> {
    queue.get_timeout(SOON).map(drop).map_err(|_| TimedOut)
}

pub fn drain(queue: &Numbers) -> Result<(), Answer> {
    if queue.drain().is_empty() { Err(Busy) } else { Ok(()) }
}

/// The first item, if it is ours, is moved to make room for the second.
pub fn moved_seen(stage: &Stage) -> Vec<Answer> {
    let shared = Arc::new(Seen {
        queue: AnyQueue::unbounded_from(1),
        data: [Data::new(), Data::new()],
    });
    stage.thread(&shared, |shared| {
        shared.data[0].add();
        shared.queue.put(1).map_or(ShutDown, |()| Done)
    });
    stage.thread(&shared, |shared| {
        shared.queue.put(2).expect("it is open");
        if shared.queue.get() == Ok(1) {
            shared.data[0].read()
        } else {
            Busy
        }
    });
    stage.finish()
}

/// Who makes room passes on what it did.
pub fn room_seen(stage: &Stage, core: Core) -> Vec<Answer> {
    let shared = seen(core, 1, &[1]);
    stage.thread(&shared, |shared| {
        shared.data[0].add();
        get(&shared.queue).map_or(ShutDown, |()| Done)
    });
    stage.thread(&shared, |shared| {
        then_read(shared, |queue| queue.put(2).map_err(|_| ShutDown))
    });
    stage.finish()
}

pub fn joined(stage: &Stage, core: Core, joined: Happened) -> Vec<Answer> {
    let shared = seen(core, 1, &[1]);
    stage.thread(&shared, |shared| {
        shared.data[0].add();
        shared.queue.task_done().expect("one is unfinished");
        Done
    });
    stage.thread(&shared, move |shared| then_read(shared, joined));
    stage.finish()
}

pub fn join(queue: &Numbers) -> Result<(), Answer> {
    queue.join();
    Ok(())
}

pub fn join_soon(queue: &Numbers) -> Result<(), Answer> {
    queue.join_timeout(SOON).map_err(|_| TimedOut)
}

pub fn try_join(queue: &Numbers) -> Result<(), Answer> {
    if queue.try_join() { Ok(()) } else { Err(Busy) }
}

/// Each of two does something before it is done with its item: who joins has seen both.
pub fn two_done(stage: &Stage, core: Core) -> Vec<Answer> {
    let shared = seen(core, 2, &[1, 2]);
    for finisher in 0..2 {
        stage.thread(&shared, move |shared| {
            shared.data[finisher].add();
            shared.queue.task_done().expect("it was put");
            Done
        });
    }
    stage.thread(&shared, |shared| {
        shared.queue.join();
        let [Count(first), Count(second)] = [0, 1].map(|index| shared.data[index].read()) else {
            return Broken;
        };
        Count(first + second)
    });
    stage.finish()
}

/// An item that leaves a trace where it is dropped.
struct Tracer(Arc<Data>);

impl Drop for Tracer {
    fn drop(&mut self) {
        self.0.add();
    }
}

pub fn task_joined(stage: &Stage) -> Vec<Answer> {
    let trace = Arc::new(Data::new());
    let queue = Queue::unbounded();
    queue
        .put(Tracer(Arc::clone(&trace)))
        .map_err(|_| ())
        .expect("it is open");
    let shared = Arc::new((queue, trace));
    stage.thread(&shared, |(queue, _)| {
        drop(queue.get_task());
        Done
    });
    stage.thread(&shared, |(queue, trace)| {
        queue.join();
        trace.read()
    });
    stage.finish()
}

/// The second thread's call may time out, but not before its time.
pub fn by_deadline(stage: &Stage, core: Core, side: Side) -> Vec<Answer> {
    let before: &[u32] = if side == Putters { &[1] } else { &[] };
    let queue = Arc::new(bounded(core, 1, before));
    stage.thread(&queue, move |queue| match side {
        Putters => queue.get().map_or(ShutDown, Count),
        Getters => queue.put(1).map_or(ShutDown, |()| Done),
    });
    stage.thread(&queue, move |queue| {
        let deadline = Instant::now() + SOON;
        let answer = match side {
            Putters => queue.put_deadline(2, deadline).map_or(TimedOut, |()| Done),
            Getters => queue.get_deadline(deadline).map_or(TimedOut, Count),
        };
        assert!(answer != TimedOut || deadline.has_passed(), "it gave up too early");
        answer
    });
    stage.finish()
}

pub fn at_once(stage: &Stage, core: Core) -> Vec<Answer> {
    let queue = Arc::new(bounded(core, 1, &[]));
    stage.thread(&queue, |queue| queue.put(1).map_or(ShutDown, |()| Done));
    stage.thread(&queue, |queue| {
        queue.get_timeout(Duration::ZERO).map_or(TimedOut, Count)
    });
    stage.finish()
}

/// One gets an item; the other tells how many of two items it could not put.
pub fn rest_of_a_batch(stage: &Stage, core: Core) -> Vec<Answer> {
    let queue = Arc::new(bounded(core, 1, &[1]));
    stage.thread(&queue, |queue| queue.get().map_or(ShutDown, Count));
    stage.thread(&queue, |queue| match queue.put_many_timeout([2, 3], SOON) {
        Err(PutError::Full(rest)) => {
            assert!(rest == [2, 3] || rest == [3], "it gives back others");
            Count(rest.len() as u32)
        }
        _ => Done,
    });
    stage.finish()
}

type Meddlers = Queue<Meddler>;

/// An item that uses the queue when it is dropped.
struct Meddler(Arc<AnyQueue<u32, Fifo>>);

impl Drop for Meddler {
    fn drop(&mut self) {
        let _ = self.0.try_put(1);
        drop(self.0.shutdown_now());
    }
}

/// What they use may be the queue in which they are, for nobody drops them under its lock.
pub fn dropped_outside(stage: &Stage) -> Vec<Answer> {
    let numbers = Arc::new(Queue::unbounded());
    let queue: Meddlers = Queue::unbounded();
    queue
        .put(Meddler(Arc::clone(&numbers)))
        .map_err(|_| ())
        .expect("it is open");
    let shared = Arc::new((queue, numbers));
    stage.thread(&shared, |(queue, _)| {
        drop(queue.shutdown_now());
        Done
    });
    stage.thread(&shared, |(queue, numbers)| {
        drop(queue.put(Meddler(Arc::clone(numbers))));
        Done
    });
    stage.finish()
}

/// An item of which the first comparison panics if its fuse is lit, and that puts another when it is dropped.
struct Touchy {
    value: u32,
    fuse: Arc<AtomicBool>, // std's: no model's business
    leaves: Option<Arc<PriorityQueue<Touchy>>>,
}

const COMPARED: &str = "compared";

impl Touchy {
    fn calm(value: u32) -> Touchy {
        Touchy {
            value,
            fuse: Arc::default(),
            leaves: None,
        }
    }

    fn lit(value: u32) -> Touchy {
        Touchy {
            value,
            fuse: Arc::new(AtomicBool::new(true)),
            leaves: None,
        }
    }
}

impl Ord for Touchy {
    fn cmp(&self, other: &Touchy) -> Ordering {
        assert!(!self.fuse.swap(false, Relaxed), "{COMPARED}");
        self.value.cmp(&other.value)
    }
}

impl PartialOrd for Touchy {
    fn partial_cmp(&self, other: &Touchy) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Touchy) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Touchy {}

impl Drop for Touchy {
    fn drop(&mut self) {
        if let Some(queue) = self.leaves.take() {
            drop(queue.try_put(Touchy::calm(0)));
        }
    }
}

/// `Broken` if a comparison panics; any other panic goes on.
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

type Touchies = PriorityQueue<Touchy>;

/// The queue, which its items may know too.
struct Known(Arc<Touchies>);

impl Deref for Known {
    type Target = Touchies;

    fn deref(&self) -> &Touchies {
        &self.0
    }
}

fn touchy(capacity: usize, before: u32) -> Arc<Known> {
    let queue = PriorityQueue::bounded(capacity);
    (0..before).for_each(|value| queue.put(Touchy::calm(value)).expect("there is room"));
    Arc::new(Known(Arc::new(queue)))
}

/// An item whose fuse is lit when it has been put.
fn put_and_light(queue: &Touchies, before: impl IntoIterator<Item = Touchy>, value: u32) {
    let last = Touchy::calm(value);
    let fuse = Arc::clone(&last.fuse);
    queue
        .try_put_many(before.into_iter().chain([last]))
        .expect("there is room"); // in one turn
    fuse.store(true, Relaxed);
}

/// How many items there are; as many are unfinished.
fn consistent(queue: &Touchies, got: u32) -> Answer {
    assert_eq!(
        queue.unfinished() as u32,
        queue.len() as u32 + got,
        "what was counted is not what was put"
    );
    assert_eq!(queue.len(), queue.drain().len(), "the length is not what there is");
    Count(queue.unfinished() as u32)
}

/// The item that panics is dropped when the queue can be used again.
pub fn compared_in_put(stage: &Stage) -> Vec<Answer> {
    let queue = touchy(4, 1);
    stage.thread(&queue, |queue| {
        let mut item = Touchy::lit(0);
        item.leaves = Some(Arc::clone(&queue.0));
        unless_compared(|| queue.put(item).map_or(ShutDown, |()| Done))
    });
    stage.thread(&queue, |queue| queue.put(Touchy::calm(1)).map_or(ShutDown, |()| Done));
    stage.finish_seeing(|| consistent(&queue, 0))
}

/// One of two gets panics, and its item stays.
pub fn compared_in_get(stage: &Stage) -> Vec<Answer> {
    let queue = touchy(4, 3);
    put_and_light(&queue, [], 3);
    for _ in 0..2 {
        stage.thread(&queue, |queue| {
            unless_compared(|| queue.get().map_or(ShutDown, |_| Done))
        });
    }
    stage.finish_seeing(|| consistent(&queue, 1))
}

/// Two wait to put, and main makes room for one: if that one panics, the other puts.
pub fn called_putter_panics(stage: &Stage) -> Vec<Answer> {
    let queue = touchy(2, 2);
    for item in [Touchy::lit(3), Touchy::calm(3)] {
        stage.thread(&queue, |queue| {
            unless_compared(|| queue.put(item).map_or(ShutDown, |()| Done))
        });
    }
    stage.settle();
    drop(queue.get());
    stage.finish()
}

/// Four wait to get, and main puts three items: if one panics that was called, the fourth gets its item.
pub fn called_getter_panics(stage: &Stage) -> Vec<Answer> {
    let queue = touchy(4, 0);
    for _ in 0..4 {
        stage.thread(&queue, |queue| {
            unless_compared(|| queue.get().map_or(ShutDown, |_| Done))
        });
    }
    stage.settle();
    put_and_light(&queue, [Touchy::calm(0), Touchy::calm(1)], 2);
    stage.finish()
}

/// The items before the one that panics were put, and who waits gets one.
pub fn batch_panics(stage: &Stage) -> Vec<Answer> {
    let queue = touchy(4, 0);
    stage.thread(&queue, |queue| {
        unless_compared(|| {
            drop(queue.try_put_many([Touchy::calm(0), Touchy::lit(1), Touchy::calm(2)]));
            Done
        })
    });
    stage.thread(&queue, |queue| queue.get().map_or(ShutDown, |_| Done));
    stage.finish_seeing(|| consistent(&queue, 1))
}

pub fn task_panics(stage: &Stage, core: Core) -> Vec<Answer> {
    let queue = Arc::new(bounded(core, 1, &[1]));
    stage.thread(&queue, |queue| {
        panics("with a task in hand", || {
            let _task = queue.get_task();
            panic!("with a task in hand");
        });
        Done
    });
    stage.thread(&queue, |queue| {
        queue.join();
        Done
    });
    stage.finish()
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// It is done all the same.
pub fn drop_panics(stage: &Stage) -> Vec<Answer> {
    let queue = Arc::new(Queue::unbounded());
    queue.put(Bomb).map_err(std::mem::forget).expect("it is open");
    stage.thread(&queue, |queue| {
        panics("dropped", || drop(queue.get_task()));
        Done
    });
    stage.thread(&queue, |queue| {
        queue.join();
        Done
    });
    stage.finish()
}

/// Nobody counts it done.
pub fn task_leaks(stage: &Stage, core: Core) -> Vec<Answer> {
    let queue = Arc::new(bounded(core, 1, &[1]));
    stage.thread(&queue, |queue| {
        std::mem::forget(queue.get_task());
        Done
    });
    stage.thread(&queue, |queue| {
        queue.join();
        Done
    });
    stage.finish()
}
