//! `Event`: cars wait for a traffic light.
//!
//! In Python: one thread sets and clears a `threading.Event`, and the others poll `is_set()`, with sleeps between. Here
//! they `wait`, and return when the event is set.
//!
//! ```text
//! cargo run --example traffic_light
//! ```
//! A car that arrives at green does not wait. The last green is set and cleared immediately, and still all waiting cars
//! drive: `set` releases all waiters, even if a `clear` follows before they run. The inspector's wait times out.

use selvedge::Event;
use std::thread;
use std::time::{Duration, Instant};

static GREEN: Event = Event::new();

const PHASE: Duration = Duration::from_millis(300);
/// When each car arrives. The light is then red, green, green, red, red and red.
const ARRIVALS: [u64; 6] = [100, 400, 500, 700, 750, 800];

fn light(start: Instant) {
    let say = |colour| println!("{:4} ms  light: {colour}", start.elapsed().as_millis());
    say("red");
    thread::sleep(PHASE);
    say("green");
    GREEN.set();
    thread::sleep(PHASE);
    GREEN.clear();
    say("red");
    thread::sleep(PHASE);
    say("a flash of green");
    GREEN.set();
    GREEN.clear();
}

fn car(name: usize, arrival: Duration, start: Instant) {
    thread::sleep(arrival.saturating_sub(start.elapsed()));
    let arrived = Instant::now();
    GREEN.wait();
    let (now, waited) = (start.elapsed().as_millis(), arrived.elapsed().as_millis());
    println!("{now:4} ms  car {name} drives after {waited} ms");
}

fn main() {
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| light(start));
        for (name, arrival) in (1..).zip(ARRIVALS) {
            scope.spawn(move || car(name, Duration::from_millis(arrival), start));
        }
        let inspected = GREEN.wait_timeout(Duration::from_millis(50));
        println!("{:4} ms  inspector: {inspected:?}", start.elapsed().as_millis());
    });
    println!("All {} cars have passed; green: {}.", ARRIVALS.len(), GREEN.is_set());
    assert!(!GREEN.is_set());
}
