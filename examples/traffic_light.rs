//! Cars wait for a traffic light.
//!
//! Python's twin: a light that sets and clears a `threading.Event`, and people who look at `is_set()` and sleep in
//! between. Here they `wait`: each goes on as soon as the light turns green, and nobody looks twice.
//!
//! ```text
//! cargo run --example traffic_light
//! ```
//! Notice that who comes at green does not wait, that who comes at red starts with the light, and that the last
//! green is only a flash, set and cleared at once: all who waited go, for a `set` releases those who wait even if a
//! `clear` follows before they run. The inspector gives up, as a timed wait may.

use selvedge::Event;
use std::thread;
use std::time::{Duration, Instant};

static GREEN: Event = Event::new();

const GREEN_FOR: Duration = Duration::from_millis(300);
const RED_FOR: Duration = Duration::from_millis(400);
/// When each car comes; by then the light is red, green, green, red, red, red.
const ARRIVALS: [u64; 6] = [100, 500, 600, 800, 900, 1000];

fn light(start: Instant) {
    let say = |colour| println!("{:4} ms  light: {colour}", start.elapsed().as_millis());
    say("red");
    thread::sleep(RED_FOR);
    say("green");
    GREEN.set();
    thread::sleep(GREEN_FOR);
    GREEN.clear();
    say("red");
    thread::sleep(RED_FOR);
    say("a flash of green");
    GREEN.set();
    GREEN.clear();
}

fn car(name: usize, arrival: Duration, start: Instant) {
    thread::sleep(arrival.saturating_sub(start.elapsed()));
    let came = Instant::now();
    GREEN.wait();
    println!(
        "{:4} ms  car {name} drives, after {} ms",
        start.elapsed().as_millis(),
        came.elapsed().as_millis()
    );
}

fn inspector(start: Instant) {
    let patience = Duration::from_millis(50);
    match GREEN.wait_timeout(patience) {
        Ok(()) => println!("{:4} ms  the inspector saw green", start.elapsed().as_millis()),
        Err(error) => println!("{:4} ms  the inspector leaves: {error}", start.elapsed().as_millis()),
    }
}

fn main() {
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| light(start));
        scope.spawn(|| inspector(start));
        for (name, arrival) in (1..).zip(ARRIVALS) {
            scope.spawn(move || car(name, Duration::from_millis(arrival), start));
        }
    });
    println!(
        "All {} cars are through, and the light is {}.",
        ARRIVALS.len(),
        if GREEN.is_set() { "green" } else { "red" }
    );
}
