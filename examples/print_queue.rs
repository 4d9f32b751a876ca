//! The three orders of a queue: the same print jobs in FIFO order, in LIFO order, and by their number of pages.
//!
//! In Python: `queue.Queue(4)`, `LifoQueue(4)` and `PriorityQueue(4)`; `put` and `get` with `block` and
//! `timeout`, which raise `Full` and `Empty`. Here each form has a name, and a put that fails returns the item.
//!
//! ```text
//! cargo run --example print_queue
//! ```
//! Of two jobs with equal priority, the one that was put first is printed first. Python does not promise that.

use selvedge::queue::{AnyQueue, Order};
use selvedge::{GetError, LifoQueue, Prioritized, PriorityQueue, Queue};
use std::thread;
use std::time::Duration;

type Job = Prioritized<u32, &'static str>; // compared by its pages

const fn job(item: &'static str, pages: u32) -> Job {
    Prioritized { priority: pages, item }
}

const JOBS: [Job; 4] = [job("thesis", 120), job("ticket", 1), job("letter", 2), job("menu", 1)];
const LATE: Job = job("photo", 1);
const TIMEOUT: Duration = Duration::from_millis(20);

/// Prints all jobs; returns their names in the order of printing.
fn print_all<O: Order<Job>>(spooler: &AnyQueue<Job, O>) -> Vec<&'static str>
where
    AnyQueue<Job, O>: Sync,
{
    assert_eq!(spooler.try_get(), Err(GetError::Empty));
    assert_eq!(spooler.get_timeout(TIMEOUT), Err(GetError::Empty));

    spooler.put_many(JOBS).expect("it is not shut down");
    let refused = spooler.try_put(LATE).unwrap_err();
    println!("try_put: {refused}; the {} is returned", refused.into_inner().item);
    assert!(spooler.put_timeout(LATE, TIMEOUT).unwrap_err().is_full());
    let first = thread::scope(|scope| {
        let printer = scope.spawn(|| spooler.get().expect("there is a job"));
        spooler.put(LATE).expect("it is not shut down"); // blocks until the printer has got a job
        printer.join().unwrap()
    });
    spooler.shutdown();
    let mut printed = vec![first.item];
    printed.extend(spooler.iter().map(|job| job.item)); // ends, because the queue is shut down
    printed
}

fn main() {
    let fifo = print_all(&Queue::bounded(4));
    let lifo = print_all(&LifoQueue::bounded(4));
    let priority = print_all(&PriorityQueue::bounded(4));
    println!("fifo:     {fifo:?}\nlifo:     {lifo:?}\npriority: {priority:?}");
    assert_eq!(fifo, ["thesis", "ticket", "letter", "menu", "photo"]);
    assert_eq!(lifo, ["menu", "photo", "letter", "ticket", "thesis"]);
    assert_eq!(priority, ["ticket", "menu", "photo", "letter", "thesis"]);
}
