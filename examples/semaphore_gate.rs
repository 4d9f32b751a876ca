//! Twenty threads pass a gate that lets five through at a time.
//!
//! Python's twin: `with threading.BoundedSemaphore(5):` in each of twenty threads. Python's programs seldom release
//! once too often on purpose; this one does, to show what bounded means.
//!
//! ```text
//! cargo run --example semaphore_gate
//! ```
//! Notice that never more than five were inside, and that the release too many is refused and changes nothing.

use selvedge::{BoundedSemaphore, OverReleased};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

const THREADS: u32 = 20;
const AT_ONCE: u32 = 5;
const STAY: Duration = Duration::from_millis(50);

static GATE: BoundedSemaphore = BoundedSemaphore::new(AT_ONCE);
static INSIDE: AtomicU32 = AtomicU32::new(0);
static MOST: AtomicU32 = AtomicU32::new(0);

fn visit() {
    let _permit = GATE.acquire(); // given back at the end, also if what follows panics
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
        "{THREADS} threads passed in {:.1?}; at most {most} were inside at once.",
        start.elapsed()
    );
    assert!((1..=AT_ONCE).contains(&most));

    println!("The gate holds {} of {} permits.", GATE.available(), GATE.limit());
    match GATE.release(1) {
        Err(error) => println!("One release more: {error}; it still holds {}.", GATE.available()),
        Ok(()) => println!("One release more was accepted, which must not be."),
    }
    assert_eq!((GATE.release(1), GATE.available()), (Err(OverReleased), AT_ONCE));
}
