//! Producers and consumers share a buffer with room for three.
//!
//! Python's twin: a `collections.deque` and two `threading.Condition(lock)`, `not_full` and `not_empty`, with
//! `wait_for` on one side and `notify` on the other: what `queue.Queue` is made of.
//!
//! ```text
//! cargo run --example bounded_buffer
//! ```
//! Notice that there are never more than three items in the buffer, that one notification an item is enough, for none is
//! lost, and that nobody sleeps on when the last producer has gone home: it notifies all.

use selvedge::{Condition, Mutex};
use std::collections::VecDeque;
use std::thread;
use std::time::Duration;

const PRODUCERS: u32 = 3;
const CONSUMERS: usize = 2;
const ITEMS: u32 = 1_000; // of each producer
const ROOM: usize = 3;

struct Buffer {
    items: VecDeque<u32>,
    at_work: u32, // producers
}

static BUFFER: Mutex<Buffer> = Mutex::new(Buffer {
    items: VecDeque::new(),
    at_work: PRODUCERS,
});
static NOT_FULL: Condition = Condition::new();
static NOT_EMPTY: Condition = Condition::new();

fn put(item: u32) {
    let mut buffer = BUFFER.acquire();
    NOT_FULL.wait_while(&mut buffer, |buffer| buffer.items.len() == ROOM);
    buffer.items.push_back(item);
    assert!(buffer.items.len() <= ROOM);
    drop(buffer); // whoever is notified needs the lock
    NOT_EMPTY.notify_one();
}

/// The next item; none if there will be no more.
fn get() -> Option<u32> {
    let mut buffer = BUFFER.acquire();
    NOT_EMPTY.wait_while(&mut buffer, |buffer| buffer.items.is_empty() && buffer.at_work > 0);
    let item = buffer.items.pop_front();
    drop(buffer);
    NOT_FULL.notify_one();
    item
}

fn produce(producer: u32) {
    (0..ITEMS).for_each(|item| put(producer * ITEMS + item));
    BUFFER.acquire().at_work -= 1;
    NOT_EMPTY.notify_all();
}

fn main() {
    let received: Vec<Vec<u32>> = thread::scope(|scope| {
        let consumers: Vec<_> = (0..CONSUMERS)
            .map(|_| scope.spawn(|| std::iter::from_fn(get).collect()))
            .collect();
        for producer in 0..PRODUCERS {
            scope.spawn(move || produce(producer));
        }
        consumers.into_iter().map(|consumer| consumer.join().unwrap()).collect()
    });
    // A producer's items come in its order, to whichever consumer.
    for items in &received {
        let of = |producer| items.iter().filter(move |item| **item / ITEMS == producer);
        assert!((0..PRODUCERS).all(|producer| of(producer).is_sorted()));
    }
    let mut all = received.concat();
    all.sort();
    assert!(
        all.into_iter().eq(0..PRODUCERS * ITEMS),
        "an item was lost, or came twice"
    );
    println!(
        "{PRODUCERS} producers put {} items through a buffer for {ROOM};",
        PRODUCERS * ITEMS
    );
    println!("{CONSUMERS} consumers got each of them, once.");

    let (mut buffer, little) = (BUFFER.acquire(), Duration::from_millis(10));
    let waited = NOT_EMPTY.wait_while_timeout(&mut buffer, little, |buffer| buffer.items.is_empty());
    println!("Whoever waits for more: {}.", waited.unwrap_err());
    assert_eq!(
        (NOT_FULL.notify_all(), NOT_EMPTY.notify_all()),
        (0, 0),
        "somebody waits still"
    );
}
