//! Runners wait for each other at the end of each leg; one comes late.
//!
//! Python's twin: a `threading.Barrier(3, action)` whose parties call `wait(timeout)`; a timeout raises
//! `BrokenBarrierError` in all of them, until somebody calls `reset`.
//!
//! ```text
//! cargo run --example relay
//! ```
//! Notice that the action announces each leg once, before anybody runs on, that all fail when one runner is late,
//! though two of them were there in time, and the late one too, that only one learns that its time was over,
//! and that after `reset` all is as before.

use selvedge::sync::WaitError;
use selvedge::{Barrier, Turn};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

const RUNNERS: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(5);
const LITTLE_PATIENCE: Duration = Duration::from_millis(100);

static LEGS: AtomicU32 = AtomicU32::new(0);
static MEETING: Barrier = Barrier::with_action(RUNNERS as usize, || {
    println!("leg {}: all {RUNNERS} are here", LEGS.fetch_add(1, Relaxed) + 1);
});

/// Lets each runner run a leg, the first one only when the barrier is broken if it is to be late, and tells how they
/// fared.
fn leg(patience: Duration, late: bool) -> Vec<Result<Turn, WaitError>> {
    let run = move |runner| {
        while late && runner == 0 && !MEETING.is_broken() {
            thread::yield_now();
        }
        MEETING.wait_timeout(patience)
    };
    thread::scope(|scope| {
        let runners: Vec<_> = (0..RUNNERS).map(|runner| scope.spawn(move || run(runner))).collect();
        runners.into_iter().map(|runner| runner.join().unwrap()).collect()
    })
}

fn all_pass() {
    let legs = LEGS.load(Relaxed);
    let mut turns: Vec<_> = leg(PATIENCE, false)
        .into_iter()
        .map(|turn| turn.expect("nobody is late"))
        .collect();
    turns.sort_by_key(|turn| turn.index);
    assert!(turns.iter().map(|turn| turn.index).eq(0..RUNNERS as usize));
    assert!(turns.pop().is_some_and(|last| last.is_leader));
    assert_eq!(LEGS.load(Relaxed), legs + 1, "the action runs once a round");
}

fn main() {
    all_pass();
    all_pass();

    let fared = leg(LITTLE_PATIENCE, true);
    let timed_out = fared.iter().filter(|turn| **turn == Err(WaitError::TimedOut)).count();
    let broken = fared.iter().filter(|turn| **turn == Err(WaitError::Broken)).count();
    println!("one is late: {timed_out} timed out, {broken} found the barrier broken");
    assert_eq!((timed_out, broken), (1, 2));
    assert!(MEETING.is_broken());

    MEETING.reset();
    println!("mended: {MEETING:?}");
    all_pass();
    all_pass();
    assert_eq!(LEGS.load(Relaxed), 4);
}
