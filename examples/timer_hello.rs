//! A timer says hello, another is stopped in time, and a third repeats itself.
//!
//! Python's twin: `Timer(5.0, hello)`, `start`, and `cancel`, which returns nothing: whether it came in time can't be
//! told, for between a look at `is_alive` and the `cancel` the function may begin. Here `cancel` tells. And there each
//! timer is a thread that sleeps; here one thread sleeps for all.
//!
//! ```text
//! cargo run --example timer_hello
//! ```
//! Notice that the cancelled one never speaks, that a `cancel` that comes too late says so, and that of those which
//! are cancelled at the very moment at which they are due, each has either run or been cancelled, never both.

use selvedge::{Semaphore, Timer};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_millis(200);
const LATER: Duration = Duration::from_secs(3600);
const PERIOD: Duration = Duration::from_millis(100);
const RACES: usize = 1000;

static TICKS: Semaphore = Semaphore::new(0);
static RAN: AtomicUsize = AtomicUsize::new(0);

fn one_fires_and_one_does_not() {
    let begun = Instant::now();
    let hello = Timer::start(SOON, move || {
        println!("hello, not before {SOON:?} were over: {}", begun.elapsed() >= SOON)
    });
    let never = Timer::start(LATER, || unreachable!("it was cancelled"));
    println!("cancel an hour before: in time: {}", never.cancel());
    hello.join().expect("hello does not panic"); // a timer holds up no exit
    println!("cancel after hello: in time: {}", hello.cancel());
    assert_eq!((never.cancel(), hello.cancel()), (true, false));
}

fn one_repeats() {
    let begun = Instant::now();
    let metronome = Timer::every(PERIOD, || TICKS.release(1).expect("few are left unheard"));
    for tick in 1..=3 {
        TICKS.acquire().forget();
        println!("tick {tick}, not too soon: {}", begun.elapsed() >= tick * PERIOD);
    }
    // True unless it ticks at this moment, which then is the last time.
    metronome.cancel();
    metronome.join().expect("a tick does not panic");
    let unheard = TICKS.available();
    assert!(metronome.is_finished());
    println!("the metronome has stopped; ticks that we were too slow to hear: {unheard}");
}

fn some_are_cancelled_when_they_are_due() {
    let due = selvedge::Instant::now() + PERIOD / 2;
    let run = || _ = RAN.fetch_add(1, Relaxed);
    let timers: Vec<_> = (0..RACES).map(|_| Timer::start_at(due, run)).collect();
    // They run in the order in which they were started: when the first has run, we begin at the other end.
    timers[0].join().expect("to count is safe");
    let cancelled = timers.iter().rev().filter(|timer| timer.cancel()).count();
    timers.iter().for_each(|timer| timer.join().expect("to count is safe"));
    let ran = RAN.load(Relaxed);
    println!("{RACES} timers cancelled when they were due: {ran} ran, {cancelled} did not; none did both");
    assert_eq!(ran + cancelled, RACES);
}

fn main() {
    one_fires_and_one_does_not();
    one_repeats();
    some_are_cancelled_when_they_are_due();
}
