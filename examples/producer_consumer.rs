//! `Queue`: cooks put dishes on a hatch for four dishes, and waiters serve them.
//!
//! In Python: a `queue.Queue(4)` and consumers that loop over `get()` and `task_done()`. They are daemons, because they
//! cannot learn that no more items follow. Here `shutdown` ends their loops.
//!
//! ```text
//! cargo run --example producer_consumer
//! ```
//! The cooks block while the hatch is full. `join` returns when the last dish has been served,
//! not when it has been taken from the hatch.

use selvedge::Queue;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

const COOKS: u32 = 2;
const WAITERS: u32 = 3;
const DISHES: u32 = 10; // of each cook
const COOKING: Duration = Duration::from_millis(5);
const SERVING: Duration = Duration::from_millis(30);

static HATCH: Queue<u32> = Queue::bounded(4);
static SERVED: AtomicU32 = AtomicU32::new(0);

fn cook() {
    for dish in 1..=DISHES {
        thread::sleep(COOKING);
        HATCH.put(dish).expect("the hatch is open while we cook");
    }
}

/// Serves until the hatch is shut down and empty; returns the number of dishes.
fn serve() -> u32 {
    let mut dishes = 0;
    while let Ok(_dish) = HATCH.get_task() {
        thread::sleep(SERVING);
        SERVED.fetch_add(1, Relaxed);
        dishes += 1;
        // The task is dropped here, which counts the dish as finished: also after a panic.
    }
    dishes
}

fn main() {
    let start = Instant::now();
    let say = |what: String| println!("{:4} ms  {what}", start.elapsed().as_millis());
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..WAITERS).map(|_| scope.spawn(serve)).collect();
        let cooks: Vec<_> = (0..COOKS).map(|_| scope.spawn(cook)).collect();
        // Only then `join`: it returns as soon as all dishes that were put so far are served.
        cooks.into_iter().for_each(|cook| cook.join().unwrap());
        say(format!(
            "the cooks have ended: {} on the hatch, {} unfinished",
            HATCH.len(),
            HATCH.unfinished()
        ));
        HATCH.join();
        let served = SERVED.load(Relaxed);
        say(format!("join returns: {served} dishes are served"));
        assert_eq!((served, HATCH.unfinished()), (COOKS * DISHES, 0));
        HATCH.shutdown();
        let shares: Vec<u32> = waiters.into_iter().map(|waiter| waiter.join().unwrap()).collect();
        say(format!("the waiters have ended; they served {shares:?}"));
    });
}
