//! `RLock`: a function that holds a lock calls two functions that acquire it again.
//!
//! In Python: `run3` enters `with rlock:` and calls `run1` and `run2`, which do the same. With
//! a plain lock, `run1` would deadlock. An `RLock` records its owner and counts the acquires.
//!
//! ```text
//! cargo run --example rlock_nested
//! ```
//! The depth is 2 inside `run1` and `run2` and 1 between them. No other thread runs between a
//! `run1` and the `run2` that follows it, so both numbers are always equal.

use selvedge::RLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

const THREADS: u32 = 5;

static LOCK: RLock = RLock::new();
// Relaxed: they are accessed only with the lock held.
static NUM1: AtomicU32 = AtomicU32::new(0);
static NUM2: AtomicU32 = AtomicU32::new(0);

/// Adds one, with a pause between the load and the store; returns the sum, and the depth of the lock.
fn add_one(number: &AtomicU32) -> (u32, u32) {
    let _guard = LOCK.acquire();
    let sum = number.load(Relaxed) + 1;
    thread::sleep(Duration::from_millis(20));
    number.store(sum, Relaxed);
    (sum, LOCK.depth())
}

fn run1() -> (u32, u32) {
    add_one(&NUM1)
}

fn run2() -> (u32, u32) {
    add_one(&NUM2)
}

fn run3(worker: u32) {
    let _guard = LOCK.acquire();
    let (num1, depth1) = run1();
    let between = LOCK.depth();
    let (num2, depth2) = run2();
    println!("worker {worker}: run1 at depth {depth1} -> {num1}, between: {between}, run2 at depth {depth2} -> {num2}");
    assert_eq!(num1, num2, "another thread ran between run1 and run2");
}

fn main() {
    thread::scope(|scope| {
        for worker in 1..=THREADS {
            scope.spawn(move || run3(worker));
        }
    });
    println!("At the end: {LOCK:?}; each number is {THREADS}.");
    assert_eq!((NUM1.load(Relaxed), NUM2.load(Relaxed)), (THREADS, THREADS));
    assert!(!LOCK.is_locked());
}
