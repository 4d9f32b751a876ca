//! `Condition`: producers and consumers share a buffer for three items.
//!
//! In Python: a `collections.deque` and two `threading.Condition(lock)`, `not_full` and `not_empty`, with `wait_for` on
//! one side and `notify` on the other. `queue.Queue` is made of these.
//!
//! ```text
//! cargo run --example bounded_buffer
//! ```
//! One notification per item is enough, because none is lost. The last producer notifies all
//! consumers, so that none stays blocked.

use selvedge::{Condition, Mutex};
use std::collections::VecDeque;
use std::thread;

const PRODUCERS: u32 = 3;
const CONSUMERS: usize = 2;
const ITEMS: u32 = 1_000; // of each producer
const CAPACITY: usize = 3;

/// The items, and the number of producers that still put items.
static BUFFER: Mutex<(VecDeque<u32>, u32)> = Mutex::new((VecDeque::new(), PRODUCERS));
static NOT_FULL: Condition = Condition::new();
static NOT_EMPTY: Condition = Condition::new();

fn put(item: u32) {
    let mut buffer = BUFFER.acquire();
    NOT_FULL.wait_while(&mut buffer, |buffer| buffer.0.len() == CAPACITY);
    buffer.0.push_back(item);
    drop(buffer); // the notified thread needs the lock
    NOT_EMPTY.notify_one();
}

/// The next item; none if all producers have ended and the buffer is empty.
fn get() -> Option<u32> {
    let mut buffer = BUFFER.acquire();
    NOT_EMPTY.wait_while(&mut buffer, |buffer| buffer.0.is_empty() && buffer.1 > 0);
    let item = buffer.0.pop_front();
    drop(buffer);
    NOT_FULL.notify_one();
    item
}

fn produce(producer: u32) {
    (0..ITEMS).for_each(|item| put(producer * ITEMS + item));
    BUFFER.acquire().1 -= 1;
    NOT_EMPTY.notify_all();
}

fn main() {
    let received: Vec<Vec<u32>> = thread::scope(|scope| {
        let consume = || std::iter::from_fn(get).collect();
        let consumers: Vec<_> = (0..CONSUMERS).map(|_| scope.spawn(consume)).collect();
        for producer in 0..PRODUCERS {
            scope.spawn(move || produce(producer));
        }
        consumers.into_iter().map(|consumer| consumer.join().unwrap()).collect()
    });
    let counts: Vec<_> = received.iter().map(Vec::len).collect();
    println!("{PRODUCERS} producers put {ITEMS} items each; the consumers got {counts:?}.");
    let mut all = received.concat();
    all.sort();
    assert!(
        all.into_iter().eq(0..PRODUCERS * ITEMS),
        "an item was lost or duplicated"
    );
}
