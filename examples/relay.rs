//! `Barrier`: three runners wait for each other at the end of each leg; in one leg, a runner is late.
//!
//! In Python: a `threading.Barrier(3, action)` whose threads call `wait(timeout)`. A timeout
//! raises `BrokenBarrierError` in all of them, until a thread calls `reset`.
//!
//! ```text
//! cargo run --example relay
//! ```
//! The action runs once per leg, before any thread proceeds. When one runner is late, all fail: one wait times out, and
//! the others, also the late one, find the barrier broken. After `reset` the barrier works as before.

use selvedge::sync::WaitError;
use selvedge::{Barrier, Turn};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

const RUNNERS: usize = 3;

static LEGS: AtomicU32 = AtomicU32::new(0);
static MEETING: Barrier = Barrier::with_action(RUNNERS, || {
    println!("leg {}: all {RUNNERS} have arrived", LEGS.fetch_add(1, Relaxed) + 1);
});

/// Lets each runner run a leg; if one is late, it arrives when the barrier is broken.
fn leg(timeout: Duration, is_late: bool) -> Vec<Result<Turn, WaitError>> {
    let run = move |runner| {
        while is_late && runner == 0 && !MEETING.is_broken() {
            thread::yield_now();
        }
        MEETING.wait_timeout(timeout)
    };
    thread::scope(|scope| {
        let runners: Vec<_> = (0..RUNNERS).map(|runner| scope.spawn(move || run(runner))).collect();
        runners.into_iter().map(|runner| runner.join().unwrap()).collect()
    })
}

fn main() {
    let passed = leg(Duration::from_secs(5), false);
    let leaders = passed.iter().filter(|result| result.is_ok_and(|turn| turn.is_leader));
    assert_eq!((leaders.count(), LEGS.load(Relaxed)), (1, 1));

    let failed = leg(Duration::from_millis(100), true);
    let count = |error| failed.iter().filter(|result| **result == Err(error)).count();
    let (timed_out, broken) = (count(WaitError::TimedOut), count(WaitError::Broken));
    println!("one is late: {timed_out} timed out, {broken} found the barrier broken");
    assert_eq!((timed_out, broken), (1, 2));

    MEETING.reset();
    println!("after the reset: {MEETING:?}");
    assert!(leg(Duration::from_secs(5), false).iter().all(Result::is_ok));
    assert_eq!(LEGS.load(Relaxed), 2);
}
