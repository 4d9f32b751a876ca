//! Cooks put dishes on a hatch with room for four, waiters carry them off, and the house closes when all have been served.
//!
//! Python's twin: a `queue.Queue(4)`; consumers that loop over `get()` and `task_done()` and are daemons, for nobody can
//! tell them that it is over; `join()` in the main thread. Here a `shutdown` tells them.
//!
//! ```text
//! cargo run --example producer_consumer
//! ```
//! Notice that the cooks are held back when the hatch is full, that `join` returns not when the last dish was got but when
//! it was done, that no waiter is left behind, and that one `task_done` too many is refused.

use selvedge::{Queue, TooManyDone};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

const COOKS: u32 = 2;
const WAITERS: u32 = 3;
const DISHES: u32 = 10; // of each cook
const COOKING: Duration = Duration::from_millis(5);
const SERVING: Duration = Duration::from_millis(30);

struct Dish {
    cook: u32,
    number: u32,
}

static HATCH: Queue<Dish> = Queue::bounded(4);
static SERVED: AtomicU32 = AtomicU32::new(0);

fn cook(cook: u32, start: Instant) {
    for number in 1..=DISHES {
        thread::sleep(COOKING);
        HATCH.put(Dish { cook, number }).expect("nobody closes while we cook");
    }
    println!("{:4} ms  cook {cook} has put all on the hatch", millis(start));
}

/// Serves until the hatch is shut down and empty; tells how many dishes that were.
fn wait_at_tables() -> u32 {
    let mut dishes = 0;
    while let Ok(dish) = HATCH.get_task() {
        thread::sleep(SERVING);
        assert!(dish.cook <= COOKS && dish.number <= DISHES);
        dishes += 1;
        SERVED.fetch_add(1, Relaxed);
        // Here the task ends, and is counted done, as it would be if we had panicked.
    }
    dishes
}

fn main() {
    let start = Instant::now();
    let (served_at_join, shares): (u32, Vec<u32>) = thread::scope(|scope| {
        let waiters: Vec<_> = (0..WAITERS).map(|_| scope.spawn(wait_at_tables)).collect();
        let cooks: Vec<_> = (1..=COOKS)
            .map(|number| scope.spawn(move || cook(number, start)))
            .collect();
        // Whoever joins a queue into which others still put may find all done that was put so far.
        cooks.into_iter().for_each(|cook| cook.join().unwrap());
        println!(
            "{:4} ms  on the hatch: {}; not served yet: {}",
            millis(start),
            HATCH.len(),
            HATCH.unfinished()
        );
        HATCH.join();
        let served = SERVED.load(Relaxed);
        println!("{:4} ms  join: {served} dishes are served", millis(start));
        HATCH.shutdown();
        (
            served,
            waiters.into_iter().map(|waiter| waiter.join().unwrap()).collect(),
        )
    });
    println!("The waiters went home; they had served {shares:?}.");
    assert_eq!(served_at_join, COOKS * DISHES, "join returned before all was done");
    assert_eq!(shares.iter().sum::<u32>(), COOKS * DISHES);

    let one_more = HATCH.task_done();
    println!("One dish more served than cooked: {}.", one_more.unwrap_err());
    assert_eq!((one_more, HATCH.unfinished()), (Err(TooManyDone), 0));
}

fn millis(start: Instant) -> u128 {
    start.elapsed().as_millis()
}
