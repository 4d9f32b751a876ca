//! What `CSimpleQueueTest` checks and no behaviour test does.

use crate::watchdog;
use selvedge::SimpleQueue;
use std::sync::{Arc, Mutex};
use std::thread::yield_now;

/// By `try_get` alone, in as many consumers as producers; each producer ends with an item that ends a consumer.
#[test]
fn many_threads_nonblock() {
    const THREADS: usize = 50;
    const ITEMS: u32 = 10_000;
    let (queue, feed) = (&SimpleQueue::new(), &Mutex::new(0..ITEMS));
    let mut got = watchdog::run(|watch| {
        for n in 0..THREADS {
            watch.spawn(format!("producer {n}"), move |_| {
                let next = || feed.lock().unwrap().next();
                std::iter::from_fn(next).for_each(|item| queue.put(Some(item)));
                queue.put(None);
            });
        }
        let consume = |n| {
            watch.spawn(format!("consumer {n}"), move |_| {
                let mut got = Vec::new();
                loop {
                    match queue.try_get() {
                        Some(Some(item)) => got.push(item),
                        Some(None) => break got,
                        None => yield_now(),
                    }
                }
            })
        };
        let consumers: Vec<_> = (0..THREADS).map(consume).collect();
        consumers
            .into_iter()
            .flat_map(|consumer| consumer.join())
            .collect::<Vec<_>>()
    });
    got.sort();
    assert!(got.into_iter().eq(0..ITEMS), "an item was lost or duplicated");
    assert!(queue.is_empty());
}

/// Python's garbage collector may run a `__del__` at any time; a `Drop` runs when its item is dropped.
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
