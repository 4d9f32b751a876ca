//! `Mutex`: a hundred threads each subtract one from a shared number.
//!
//! In Python: `threading.Lock` and a global number; each thread runs `with lock: num = num - 1`. Here the number is
//! inside the lock, so a thread cannot access it without the lock.
//!
//! ```text
//! cargo run --example counter
//! ```
//! The load and the store are separate steps with a pause between them. Without the lock, nearly all threads would load
//! 100 and store 99. The example `gil_and_lock` explores all orders of these steps.

use selvedge::Mutex;
use std::thread;
use std::time::{Duration, Instant};

const THREADS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(2);

static NUMBER: Mutex<u32> = Mutex::new(THREADS);

fn subtract_one() {
    let mut number = NUMBER.acquire();
    let before = *number;
    thread::sleep(PAUSE);
    *number = before - 1;
}

fn main() {
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(subtract_one);
        }
    });
    let rest = *NUMBER.acquire();
    println!("{THREADS} threads each subtracted 1 from {THREADS}: the rest is {rest}.");
    println!("{THREADS} pauses of {PAUSE:?}, one at a time: {:.1?}.", start.elapsed());
    assert_eq!(rest, 0);
}
