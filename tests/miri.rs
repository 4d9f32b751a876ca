//! A small program for each public blocking type, for Miri: `.ci/longer` interprets each with many seeds, in both
//! builds and under both borrow models.
//!
//! Miri finds accesses to memory that a program must not access: references, frames and allocations that are used after
//! their end, and data races. So each program blocks threads, wakes them, and frees the shared objects as early as the
//! types allow. The promises of the types are tested in `behaviour`. The programs are small: Miri takes a second for
//! about a hundred thousand steps.

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

/// Runs `step` on three threads with one object, which the last of them frees.
fn on_three_threads<T: Send + Sync + 'static>(object: T, step: fn(&T)) {
    let object = Arc::new(object);
    let other = |object: Arc<T>| spawn(move || step(&object));
    let others = [Arc::clone(&object), Arc::clone(&object)].map(other);
    step(&object);
    drop(object);
    others.into_iter().for_each(|other| other.join().unwrap());
}

#[test]
fn locks() {
    on_three_threads(Lock::new(), |lock| {
        drop(lock.acquire());
        drop(lock.acquire_timeout(SHORT));
        lock.acquire().forget();
        lock.release().unwrap();
    });
    on_three_threads(RLock::new(), |lock| {
        drop([lock.acquire(), lock.acquire_timeout(LONG).unwrap()]);
        drop(lock.acquire_timeout(SHORT));
    });
    on_three_threads(Mutex::new(vec![0]), |numbers| {
        numbers.acquire().push(1);
        let _ = numbers.acquire_timeout(SHORT).map(|mut numbers| numbers.push(2));
    });
}

#[test]
fn semaphores() {
    on_three_threads(Semaphore::new(1), |permits| {
        drop(permits.acquire());
        drop(permits.acquire_timeout(SHORT));
        permits.acquire().forget();
        permits.release(1).unwrap();
    });
    on_three_threads(BoundedSemaphore::new(2), |permits| {
        drop(permits.acquire());
        drop(permits.acquire_timeout(SHORT));
    });
}

#[test]
fn event() {
    on_three_threads((Event::new(), Semaphore::new(0)), |(event, arrived)| {
        let _ = event.wait_timeout(SHORT);
        arrived.release(1).unwrap();
        if arrived.available() == 3 {
            event.set();
        }
        event.wait();
        event.set();
    });
}

/// The frame of a waiter ends as soon as it has been notified.
#[test]
fn condition() {
    on_three_threads((Mutex::new(0), Condition::new()), |(arrived, changed)| {
        let mut arrived = arrived.acquire();
        *arrived += 1;
        if *arrived == 3 {
            changed.notify_one();
            changed.notify_all();
        }
        changed.wait_while(&mut arrived, |arrived| **arrived < 3);
        let _ = changed.wait_timeout(&mut arrived, SHORT);
        changed.notify_one();
    });
}

#[test]
fn condition_whose_waiters_time_out() {
    on_three_threads((Mutex::new(()), Condition::new()), |(lock, changed)| {
        for _ in 0..2 {
            let _ = changed.wait_timeout(&mut lock.acquire(), SHORT);
            changed.notify_one();
        }
    });
}

/// A thread that has passed arrives again while the last one still notifies others.
#[test]
fn barrier() {
    on_three_threads(Barrier::with_action(3, || ()), |barrier| {
        barrier.wait().unwrap();
        barrier.wait().unwrap();
    });
}

#[test]
fn barrier_whose_parties_time_out() {
    on_three_threads(Barrier::new(3), |barrier| {
        let _ = barrier.wait_timeout(SHORT);
        barrier.reset();
        let _ = barrier.wait_timeout(SHORT);
    });
}

/// Two putters and two getters of items that own memory. The queue is freed as soon as all have ended.
fn put_and_get<O: Order<Box<u32>>>(queue: AnyQueue<Box<u32>, O>)
where
    AnyQueue<Box<u32>, O>: Send + Sync + 'static,
{
    let queue = Arc::new(queue);
    let [putters, getters] = [put, get].map(|role| {
        let threads = [Arc::clone(&queue), Arc::clone(&queue)];
        threads.map(|queue| spawn(move || role(&queue)))
    });
    putters.into_iter().for_each(|putter| putter.join().unwrap());
    queue.join();
    queue.shutdown();
    drop(queue);
    getters.into_iter().for_each(|getter| getter.join().unwrap());
}

fn put<O: Order<Box<u32>>>(queue: &AnyQueue<Box<u32>, O>) {
    queue.put(Box::new(1)).unwrap();
    queue.put_many([2, 3].map(Box::new)).unwrap();
    drop(queue.put_timeout(Box::new(4), SHORT));
}

fn get<O: Order<Box<u32>>>(queue: &AnyQueue<Box<u32>, O>) {
    if queue.get_timeout(SHORT).is_ok() {
        queue.task_done().unwrap();
    }
    while let Ok(task) = queue.get_task() {
        drop(task);
    }
}

#[test]
fn queues() {
    put_and_get(Queue::unbounded());
    put_and_get(Queue::bounded(2));
    put_and_get(Queue::bounded(3)); // no power of two
    put_and_get(LifoQueue::bounded(2));
    put_and_get(PriorityQueue::unbounded());
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
fn thread_with_several_joiners() {
    let handle = thread::spawn(|| Box::new(1));
    let thread = handle.thread().clone();
    let joiner = spawn(move || thread.join());
    let _ = handle.join_timeout(SHORT);
    handle.join().unwrap();
    assert!(handle.take_result().is_some());
    drop(handle);
    joiner.join().unwrap().unwrap();
}

#[test]
fn thread_without_a_joiner() {
    let registry = Registry::new();
    drop(registry.builder().spawn(|| Box::new(1)).unwrap());
    let _ = registry.join_all_timeout(SHORT);
    registry.join_all();
}

/// The borrows of scoped threads end as soon as the scope has returned.
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
    let (captured, ran) = (Box::new(1), Arc::new(Event::new()));
    let set = Arc::clone(&ran);
    let first = clock.start(SHORT, move || set.set()).unwrap();
    let second = clock.start_at(Instant::now() + LONG, move || drop(captured)).unwrap();
    let third = clock.every(SHORT, || ()).unwrap();
    ran.wait();
    assert!(second.cancel());
    third.cancel();
    let _ = first.join_timeout(SHORT);
    first.join().unwrap();
    third.join().unwrap();
    drop((clock, first, second, third));
    registry.join_all(); // the clock's thread ends when it has been idle for a while
}

fn with_a_pool(workers: usize, body: impl FnOnce(&ThreadPool)) {
    let pool = ThreadPool::new(workers);
    body(&pool);
    pool.shutdown();
}

#[test]
fn jobs() {
    with_a_pool(2, |pool| {
        let [one, mut two] = [1, 2].map(|number| pool.submit(move || Box::new(number)).unwrap());
        drop(pool.submit(|| Box::new(3)).unwrap()); // the worker drops its result
        let cancelled = pool.submit(|| Box::new(4)).unwrap();
        cancelled.cancel();
        drop(cancelled);
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
        let results = pool.map_ahead(1, items, |item| Box::new(*item));
        assert_eq!(results.map(Result::unwrap).count(), 3);
        pool.map([1, 2].map(Box::new), |item| item).take(1).for_each(drop);
    });
}

/// The borrows of jobs end as soon as the scope has returned.
#[test]
fn pool_scope() {
    with_a_pool(1, |pool| {
        let mut numbers = Box::new((0, 0));
        pool.scope(|scope| {
            let (first, second) = &mut *numbers;
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
    let shared = Arc::clone(&local);
    let other = thread::spawn(move || shared.with(|number| **number));
    local.with(|number| assert_eq!(**number, 1));
    drop(local);
    other.join().unwrap();
}
