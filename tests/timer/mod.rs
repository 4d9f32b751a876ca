//! Timers: laws TI1, TI2 and TI4. Each test has a clock of its own, so that other tests may run meanwhile.

mod cancel;
mod due;
mod end;
mod idle;
mod join;
mod many;
mod panic;
mod repeat;

use crate::support::shared;
use selvedge::Event;
use selvedge::thread::{Clock, Registry, Timer};
use std::sync::Arc;
use std::time::Duration;

/// A delay longer than any test.
const LATER: Duration = Duration::from_secs(3600);

fn clock() -> Clock {
    Clock::new(&Registry::new())
}

fn event() -> (Arc<Event>, Arc<Event>) {
    shared(Event::new())
}

/// Starts a timer that runs once, or one that repeats.
fn start(clock: &Clock, repeats: bool, time: Duration, run: impl FnMut() + Send + 'static) -> Timer {
    let timer = if repeats {
        clock.every(time, run)
    } else {
        clock.start(time, run)
    };
    timer.unwrap()
}

/// The message of the panic that ended the timer.
fn panic_message(timer: &Timer) -> Option<String> {
    timer.join().unwrap_err().message().map(str::to_owned)
}
