//! `BaseSimpleQueueTest` and `CSimpleQueueTest`.

use crate::python::{bunch, join};
use crate::support::{PATIENCE, SHORT, dawdle};
use crate::watchdog::{self, Role};
use selvedge::{SimpleQueue, TimedOut};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread::yield_now;

#[test]
fn basic() {
    let queue = SimpleQueue::new();
    assert_eq!((queue.is_empty(), queue.len()), (true, 0));
    queue.put(1);
    assert_eq!((queue.is_empty(), queue.len()), (false, 1));
    (2..5).for_each(|item| queue.put(item));
    assert_eq!((queue.is_empty(), queue.len()), (false, 4));
    assert_eq!((queue.get(), queue.len()), (1, 3));
    assert_eq!((queue.try_get(), queue.len()), (Some(2), 2));
    assert_eq!((queue.try_get(), queue.is_empty(), queue.len()), (Some(3), false, 1));
    assert_eq!(
        (queue.get_timeout(SHORT), queue.is_empty(), queue.len()),
        (Ok(4), true, 0)
    );
    assert_eq!((queue.try_get(), queue.get_timeout(SHORT)), (None, Err(TimedOut)));
    assert_eq!((queue.is_empty(), queue.len()), (true, 0));
}

/// As many feed as consume; each feeder ends with one item that is none. All items that were got, in the order of getting
/// where one thread gets.
fn run_threads(threads: usize, items: u32, get: impl Fn(&SimpleQueue<Option<u32>>) -> Option<u32> + Sync) -> Vec<u32> {
    let (queue, feed) = (SimpleQueue::new(), Mutex::new(0..items));
    let got = watchdog::run(|watch| {
        let (queue, feed, get) = (&queue, &feed, &get);
        let feeders = bunch(watch, threads, "feeder", |_| {
            let mut rng = fastrand::Rng::with_seed(42);
            let next = || feed.lock().unwrap().next();
            while let Some(item) = next() {
                queue.put(Some(item));
                dawdle(&mut rng);
            }
            queue.put(None);
        });
        let consume = |role: &Role| std::iter::from_fn(|| role.waits("an item", || get(queue))).collect::<Vec<_>>();
        let consumers = bunch(watch, threads, "consumer", consume);
        join(feeders);
        join(consumers).concat()
    });
    assert_eq!((queue.is_empty(), queue.len()), (true, 0));
    got
}

fn sorted(mut items: Vec<u32>) -> Vec<u32> {
    items.sort();
    items
}

#[test]
fn order() {
    assert!(run_threads(1, 100, SimpleQueue::get).into_iter().eq(0..100));
}

#[test]
fn many_threads() {
    assert!(
        sorted(run_threads(50, 10_000, SimpleQueue::get))
            .into_iter()
            .eq(0..10_000)
    );
}

#[test]
fn many_threads_nonblock() {
    let get = |queue: &SimpleQueue<_>| {
        loop {
            match queue.try_get() {
                Some(item) => break item,
                None => yield_now(),
            }
        }
    };
    assert!(sorted(run_threads(50, 10_000, get)).into_iter().eq(0..10_000));
}

#[test]
fn many_threads_timeout() {
    let get = |queue: &SimpleQueue<_>| {
        loop {
            if let Ok(item) = queue.get_timeout(PATIENCE / 10) {
                break item;
            }
        }
    };
    assert!(sorted(run_threads(50, 1_000, get)).into_iter().eq(0..1_000));
}

#[test]
fn references() {
    let queue = SimpleQueue::new();
    let items = [(); 20].map(|()| Rc::new(()));
    items.iter().for_each(|item| queue.put(Rc::clone(item)));
    for item in &items {
        assert_eq!(Rc::strong_count(item), 2);
        drop(queue.get());
        assert_eq!(Rc::strong_count(item), 1);
    }
}

/// Python's collector may run a `__del__` at any time; ours is a `Drop`, which runs when an item is dropped.
#[test]
fn reentrancy() {
    struct Circular(Arc<SimpleQueue<Circular>>, u32);

    impl Drop for Circular {
        fn drop(&mut self) {
            if self.1 < 10_000 {
                self.0.put(Circular(Arc::clone(&self.0), self.1 + 1));
            }
        }
    }

    let queue = Arc::new(SimpleQueue::new());
    queue.put(Circular(Arc::clone(&queue), 0));
    let got: Vec<_> = watchdog::run(|_| queue.try_iter().map(|item| item.1).collect());
    assert!(got.into_iter().eq(0..=10_000));
}
