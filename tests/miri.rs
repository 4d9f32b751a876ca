//! A small program for each public blocking type, for Miri: `.ci/longer miri` interprets each with many seeds, in both
//! production worlds and under both borrow models.
//!
//! What Miri decides is whether a program touches memory that it must not touch: whether references, frames and
//! allocations live as long as they are used, and whether accesses race. So each program lets threads block, wakes them, and
//! frees what they have shared as early as the types allow. What the types promise is asserted in `behaviour`. The
//! programs are small because Miri runs a second for each hundred thousand steps or so.

#![cfg(not(loom))] // the statics here need constant constructors, and Miri runs no model

use selvedge::pool::{as_completed, wait};
use selvedge::queue::{AnyQueue, Order};
use selvedge::thread::{Clock, Local, Registry};
use selvedge::{
    Barrier, BoundedSemaphore, Condition, Event, Instant, LifoQueue, Lock, Mutex, PriorityQueue, Queue, RLock,
    Semaphore, SimpleQueue, ThreadPool, Until, thread,
};
use std::sync::Arc;
use std::thread::spawn;
use std::time::Duration;

const SHORT: Duration = Duration::from_micros(10);
const LONG: Duration = Duration::from_secs(3600);

/// Three threads that run `step` on one object, which the last of them frees.
fn shared_by_three<T: Send + Sync + 'static>(object: T, step: fn(&T)) {
    let object = Arc::new(object);
    let others: Vec<_> = (0..2)
        .map(|_| Arc::clone(&object))
        .map(|object| spawn(move || step(&object)))
        .collect();
    step(&object);
    drop(object);
    others.into_iter().for_each(|other| other.join().unwrap());
}

#[test]
fn lock() {
    shared_by_three(Lock::new(), |lock| {
        drop(lock.acquire());
        drop(lock.acquire_timeout(SHORT));
        lock.acquire().forget();
        lock.release().unwrap();
    });
}

#[test]
fn rlock() {
    shared_by_three(RLock::new(), |lock| {
        let outer = lock.acquire();
        let inner = lock.acquire_timeout(LONG);
        drop((inner, outer));
        drop(lock.acquire_timeout(SHORT));
    });
}

#[test]
fn mutex() {
    shared_by_three(Mutex::new(vec![0]), |numbers| {
        numbers.acquire().push(1);
        if let Ok(mut numbers) = numbers.acquire_timeout(SHORT) {
            numbers.push(2);
        }
    });
}

#[test]
fn semaphore() {
    shared_by_three(Semaphore::new(1), |permits| {
        drop(permits.acquire());
        drop(permits.acquire_timeout(SHORT));
        permits.acquire().forget();
        permits.release(1).unwrap();
    });
}

#[test]
fn bounded_semaphore() {
    shared_by_three(BoundedSemaphore::new(2), |permits| {
        drop(permits.acquire());
        drop(permits.acquire_timeout(SHORT));
    });
}

#[test]
fn event() {
    shared_by_three((Event::new(), Semaphore::new(0)), |(event, came)| {
        let _ = event.wait_timeout(SHORT);
        came.release(1).unwrap();
        if came.available() == 3 {
            event.set();
        }
        event.wait();
        event.set();
    });
}

/// Frames of waiters are left as soon as they have been notified.
#[test]
fn condition() {
    let shared = (Mutex::new(0), Condition::new());
    shared_by_three(shared, |(turn, changed)| {
        let mut turn = turn.acquire();
        let mine = *turn + 1;
        *turn = mine;
        if mine == 3 {
            changed.notify_one();
            changed.notify_all();
        }
        changed.wait_while(&mut turn, |turn| **turn < 3);
        let _ = changed.wait_timeout(&mut turn, SHORT);
        changed.notify_one();
    });
}

#[test]
fn condition_whose_waiters_time_out() {
    let shared = (Mutex::new(()), Condition::new());
    shared_by_three(shared, |(lock, changed)| {
        for _ in 0..2 {
            let _ = changed.wait_timeout(&mut lock.acquire(), SHORT);
            changed.notify_one();
        }
    });
}

/// A thread that has passed arrives again, while the last one still notifies the others.
#[test]
fn barrier() {
    shared_by_three(Barrier::with_action(3, || ()), |barrier| {
        for _ in 0..2 {
            barrier.wait().unwrap();
        }
    });
}

#[test]
fn barrier_whose_parties_time_out() {
    shared_by_three(Barrier::new(3), |barrier| {
        let _ = barrier.wait_timeout(SHORT);
        barrier.reset();
        let _ = barrier.wait_timeout(SHORT);
    });
}

/// Two putters and two getters of items that own memory; the queue is freed as soon as all are done.
fn pass_through<O: Order<Box<u32>>>(queue: AnyQueue<Box<u32>, O>)
where
    AnyQueue<Box<u32>, O>: Send + Sync + 'static,
{
    let queue = Arc::new(queue);
    let [putters, getters] = [put_some, get_all].map(|role| {
        let threads = [&queue; 2].map(|queue| (Arc::clone(queue), role));
        threads.map(|(queue, role)| spawn(move || role(&queue)))
    });
    putters.into_iter().for_each(|putter| putter.join().unwrap());
    queue.join();
    queue.shutdown();
    drop(queue);
    getters.into_iter().for_each(|getter| getter.join().unwrap());
}

fn put_some<O: Order<Box<u32>>>(queue: &AnyQueue<Box<u32>, O>) {
    queue.put(Box::new(1)).unwrap();
    queue.put_many([2, 3].map(Box::new)).unwrap();
    drop(queue.put_timeout(Box::new(4), SHORT));
}

fn get_all<O: Order<Box<u32>>>(queue: &AnyQueue<Box<u32>, O>) {
    if queue.get_timeout(SHORT).is_ok() {
        queue.task_done().unwrap();
    }
    while let Ok(task) = queue.get_task() {
        drop(task);
    }
}

#[test]
fn queue() {
    pass_through(Queue::unbounded());
}

#[test]
fn queue_with_little_room() {
    pass_through(Queue::bounded(2));
}

#[test]
fn queue_with_room_that_is_no_power_of_two() {
    pass_through(Queue::bounded(3));
}

#[test]
fn lifo_queue() {
    pass_through(LifoQueue::bounded(2));
}

#[test]
fn priority_queue() {
    pass_through(PriorityQueue::unbounded());
}

#[test]
fn simple_queue() {
    let queue = Arc::new(SimpleQueue::new());
    let getter = Arc::clone(&queue);
    let getter = spawn(move || {
        let first = getter.get_timeout(SHORT).is_ok();
        (usize::from(first)..3).for_each(|_| drop(getter.get()));
    });
    queue.put(Box::new(1));
    queue.put_many([2, 3].map(Box::new));
    drop(queue);
    getter.join().unwrap();
}

#[test]
fn thread_that_several_join() {
    let thread = thread::spawn(|| Box::new(1));
    let theirs = thread.thread().clone();
    let joiner = spawn(move || theirs.join());
    let _ = thread.join_timeout(SHORT);
    thread.join().unwrap();
    assert!(thread.take_result().is_some());
    drop(thread);
    joiner.join().unwrap().unwrap();
}

#[test]
fn thread_that_nobody_joins() {
    let registry = Registry::new();
    drop(registry.builder().spawn(|| Box::new(1)).unwrap());
    let _ = registry.join_all_timeout(SHORT);
    registry.join_all();
}

/// What scoped threads borrow is gone as soon as the scope has returned.
#[test]
fn thread_scope() {
    let (mut numbers, event) = (vec![0; 3], Event::new());
    thread::scope(|scope| {
        for number in &mut numbers {
            let event = &event;
            scope.spawn(move || {
                event.set();
                *number = 1;
            });
        }
        event.wait();
    });
    assert_eq!(numbers, [1; 3]);
}

#[test]
fn timers() {
    let registry = Registry::new();
    let clock = Clock::new(&registry);
    let (once, ran) = (Box::new(1), Arc::new(Event::new()));
    let set = Arc::clone(&ran);
    let first = clock.start(SHORT, move || set.set()).unwrap();
    let second = clock.start_at(Instant::now() + LONG, move || drop(once)).unwrap();
    let third = clock.every(SHORT, || ()).unwrap();
    ran.wait();
    assert!(second.cancel());
    third.cancel();
    let _ = first.join_timeout(SHORT);
    first.join().unwrap();
    third.join().unwrap();
    drop((clock, first, second, third));
    registry.join_all(); // the clock's thread ends when it has had nothing to do for a while
}

fn with_a_pool(workers: usize, body: impl FnOnce(&ThreadPool)) {
    let pool = ThreadPool::new(workers);
    body(&pool);
    pool.shutdown();
}

#[test]
fn jobs() {
    with_a_pool(2, |pool| {
        let jobs = [1, 2].map(|number| pool.submit(move || Box::new(number)).unwrap());
        drop(pool.submit(|| Box::new(3)).unwrap()); // its result is the worker's to drop
        let cancelled = pool.submit(|| Box::new(4)).unwrap();
        cancelled.cancel();
        drop(cancelled);
        let [one, mut two] = jobs;
        let _ = two.result_timeout(SHORT);
        one.on_done(|_| ());
        one.result().unwrap();
        two.wait();
    });
}

#[test]
fn jobs_as_they_are_completed() {
    with_a_pool(2, |pool| {
        let jobs = [1, 2].map(|number| pool.submit(move || Box::new(number)).unwrap());
        wait(&jobs, Until::FirstCompleted);
        as_completed(&jobs).take(1).for_each(drop);
        as_completed(jobs).for_each(|job| drop(job.result()));
    });
}

#[test]
fn pool_map() {
    with_a_pool(2, |pool| {
        let items = [1, 2, 3].map(Box::new);
        let made: Vec<_> = pool
            .map_ahead(1, items, |item| Box::new(*item))
            .map(Result::unwrap)
            .collect();
        assert_eq!(made.len(), 3);
        pool.map([1, 2].map(Box::new), |item| item).take(1).for_each(drop);
    });
}

/// What jobs borrow is gone as soon as the scope has returned.
#[test]
fn pool_scope() {
    with_a_pool(1, |pool| {
        let mut numbers = vec![0; 2];
        pool.scope(|scope| {
            let [first, second] = &mut numbers[..] else {
                unreachable!("there are two")
            };
            drop(scope.submit(move || Box::new(*first)).unwrap());
            let job = scope.submit(move || *second = 1).unwrap();
            job.cancel();
        });
        drop(numbers);
    });
}

#[test]
fn local() {
    let local = Arc::new(Local::new(|| Box::new(1)));
    let theirs = Arc::clone(&local);
    let other = thread::spawn(move || theirs.with(|number| **number));
    local.with(|number| assert_eq!(**number, 1));
    drop(local);
    other.join().unwrap();
}
