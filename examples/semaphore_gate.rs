//! `BoundedSemaphore`: twenty threads, of which at most five are inside at a time.
//!
//! In Python: `with threading.BoundedSemaphore(5):` in each of twenty threads.
//!
//! ```text
//! cargo run --example semaphore_gate
//! ```
//! At the end the program releases a permit that it does not hold, to show what bounded means: the release fails and
//! changes nothing.

use selvedge::{BoundedSemaphore, OverReleased};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

const THREADS: u32 = 20;
const LIMIT: u32 = 5;
const STAY: Duration = Duration::from_millis(50);

static GATE: BoundedSemaphore = BoundedSemaphore::new(LIMIT);
static INSIDE: AtomicU32 = AtomicU32::new(0);
static MOST: AtomicU32 = AtomicU32::new(0);

fn visit() {
    let _permit = GATE.acquire(); // released at the end of the scope, also after a panic
    let inside = INSIDE.fetch_add(1, Relaxed) + 1;
    MOST.fetch_max(inside, Relaxed);
    thread::sleep(STAY);
    INSIDE.fetch_sub(1, Relaxed);
}

fn main() {
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(visit);
        }
    });
    let most = MOST.load(Relaxed);
    println!(
        "{THREADS} threads in {:.1?}; at most {most} at a time.",
        start.elapsed()
    );
    assert!((1..=LIMIT).contains(&most));

    let error = GATE.release(1).unwrap_err();
    println!(
        "One release more: {error}; {} of {} permits are available.",
        GATE.available(),
        GATE.limit()
    );
    assert_eq!((error, GATE.available()), (OverReleased, LIMIT));
}
