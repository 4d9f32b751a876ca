//! A hundred threads take one each from a shared hundred, and nothing is left.
//!
//! Python's twin: `threading.Lock` and a global number; each thread runs `with lock: num = num - 1`. Here the
//! number lives inside the lock, so that no thread can forget to take it.
//!
//! ```text
//! cargo run --example counter
//! ```
//! The read and the write are separate steps with a pause between them: without the lock nearly all threads would
//! read 100 and write 99. What happens then, in all orders, is shown by the example `gil_and_lock`.

use selvedge::Mutex;
use std::thread;
use std::time::{Duration, Instant};

const THREADS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(2);

static NUMBER: Mutex<u32> = Mutex::new(THREADS);

fn take_one() {
    let mut number = NUMBER.acquire();
    let seen = *number;
    thread::sleep(PAUSE);
    *number = seen - 1;
}

fn main() {
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(take_one);
        }
    });
    let left = *NUMBER.acquire();
    println!("{THREADS} threads took one each from {THREADS}: {left} left.");
    println!(
        "One at a time: {:.1?} for {THREADS} pauses of {PAUSE:?}.",
        start.elapsed()
    );
    assert_eq!(left, 0);
}
