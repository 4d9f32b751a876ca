//! Timers: one runs, one is cancelled, one repeats.
//!
//! In Python: `Timer(5.0, hello)`, `start` and `cancel`, which returns nothing, so that the
//! caller cannot know whether the function runs nevertheless. Here `cancel` returns it. In
//! Python each timer is a thread; here one thread serves all.
//!
//! ```text
//! cargo run --example timer_hello
//! ```
//! Of the timers that are cancelled at the moment at which they expire, each either runs or is cancelled.

use selvedge::{Semaphore, Timer};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

const DELAY: Duration = Duration::from_millis(200);
const PERIOD: Duration = Duration::from_millis(100);
const RACES: usize = 1000;

static TICKS: Semaphore = Semaphore::new(0);
static RAN: AtomicUsize = AtomicUsize::new(0);

fn one_runs_and_one_is_cancelled() {
    let begun = Instant::now();
    let hello = Timer::start(DELAY, move || println!("hello after {:?}", begun.elapsed()));
    let never = Timer::start(Duration::from_secs(3600), || unreachable!("it was cancelled"));
    assert!(never.cancel());
    hello.join().expect("hello does not panic");
    println!("cancelled before its time: true, after it: {}", hello.cancel());
    assert!(!hello.cancel());
}

fn one_repeats() {
    let begun = Instant::now();
    let metronome = Timer::every(PERIOD, || TICKS.release(1).expect("there are few permits"));
    for tick in 1..=3 {
        TICKS.acquire().forget();
        println!("tick {tick} after {:?}", begun.elapsed());
    }
    metronome.cancel(); // false if it runs at this moment; then this run is the last
    metronome.join().expect("a tick does not panic");
    assert!(metronome.is_finished());
}

fn some_are_cancelled_when_they_expire() {
    let deadline = selvedge::Instant::now() + PERIOD / 2;
    let run = || _ = RAN.fetch_add(1, Relaxed);
    let timers: Vec<_> = (0..RACES).map(|_| Timer::start_at(deadline, run)).collect();
    // They run in the order in which they were started: cancel from the other end as soon as the first has run.
    timers[0].join().expect("it does not panic");
    let cancelled = timers.iter().rev().filter(|timer| timer.cancel()).count();
    timers.iter().for_each(|timer| timer.join().expect("it does not panic"));
    println!("of {RACES} timers, {cancelled} were cancelled");
    assert_eq!(RAN.load(Relaxed) + cancelled, RACES);
}

fn main() {
    one_runs_and_one_is_cancelled();
    one_repeats();
    some_are_cancelled_when_they_expire();
}
