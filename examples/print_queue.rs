//! The same print jobs through three spoolers with room for four: first in first out, last in first out, fewest pages
//! first.
//!
//! Python's twin: `queue.Queue(4)`, `LifoQueue(4)` and `PriorityQueue(4)`; `put` and `get` with `block` and `timeout`,
//! which raise `Full` and `Empty`. There `put(job, False)` and `put(job, True, 2.0)` are told apart by what they are given;
//! here each has a name, and what could not be put comes back.
//!
//! ```text
//! cargo run --example print_queue
//! ```
//! Notice that the three differ in the order of what they print and in nothing else, that a full spooler refuses a job at
//! once, or in time, or makes `put` wait until there is room, and that of two jobs of one page each the one that came
//! first is printed first. Python does not promise that.

use selvedge::queue::{AnyQueue, Order};
use selvedge::{GetError, LifoQueue, Prioritized, PriorityQueue, Queue};
use std::thread;
use std::time::{Duration, Instant};

type Job = Prioritized<u32, &'static str>; // compared by its pages

const fn job(item: &'static str, pages: u32) -> Job {
    Prioritized { priority: pages, item }
}

const JOBS: [Job; 4] = [job("thesis", 120), job("ticket", 1), job("letter", 2), job("menu", 1)];
const LATE: Job = job("photo", 1);
const PATIENCE: Duration = Duration::from_millis(20);

fn status<O: Order<Job>>(spooler: &AnyQueue<Job, O>) {
    let room = spooler.capacity().expect("it is bounded");
    let (empty, full) = (spooler.is_empty(), spooler.is_full());
    println!(
        "  {} jobs, room for {room}; is_empty: {empty}, is_full: {full}",
        spooler.len()
    );
}

/// What the spooler printed, in this order.
fn day<O: Order<Job>>(spooler: &AnyQueue<Job, O>) -> Vec<&'static str>
where
    AnyQueue<Job, O>: Sync,
{
    status(spooler);
    println!("  try_get: {}", spooler.try_get().unwrap_err());
    let start = Instant::now();
    let nothing = spooler.get_timeout(PATIENCE).unwrap_err();
    assert!(nothing == GetError::Empty && start.elapsed() >= PATIENCE);
    println!("  get_timeout: {nothing}, after {} ms", PATIENCE.as_millis());

    spooler.put_many(JOBS).expect("it is not shut down");
    status(spooler);
    let refused = spooler.try_put(LATE).unwrap_err();
    println!("  try_put: {refused}; the {} comes back", refused.into_inner().item);
    let start = Instant::now();
    let refused = spooler.put_timeout(LATE, PATIENCE).unwrap_err();
    assert!(refused.is_full() && start.elapsed() >= PATIENCE);
    println!("  put_timeout: {refused}, after {} ms", PATIENCE.as_millis());

    let first = thread::scope(|scope| {
        let printer = scope.spawn(|| spooler.get().expect("there is a job"));
        spooler.put(LATE).expect("it is not shut down"); // waits for the printer
        printer.join().unwrap()
    });
    println!("  put: waited until the {} was printed", first.item);
    spooler.shutdown();
    let mut printed = vec![first.item];
    printed.extend(spooler.iter().map(|job| job.item)); // ends, for nothing can be put any more
    println!("  printed: {}\n", printed.join(", "));
    printed
}

fn main() {
    println!("Queue");
    let fifo = day(&Queue::bounded(4));
    println!("LifoQueue");
    let lifo = day(&LifoQueue::bounded(4));
    println!("PriorityQueue");
    let priority = day(&PriorityQueue::bounded(4));

    println!("{:>8}{:>8}{:>10}", "fifo", "lifo", "priority");
    for ((fifo, lifo), priority) in fifo.iter().zip(&lifo).zip(&priority) {
        println!("{fifo:>8}{lifo:>8}{priority:>10}");
    }
    assert_eq!(fifo, ["thesis", "ticket", "letter", "menu", "photo"]);
    assert_eq!(lifo, ["menu", "photo", "letter", "ticket", "thesis"]);
    assert_eq!(priority, ["ticket", "menu", "photo", "letter", "thesis"]);
}
