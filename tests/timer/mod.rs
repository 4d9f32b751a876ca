//! Timers: laws TI1, TI2 and TI4. Each test has a clock of its own, so that others may run beside it.

mod cancel;
mod due;
mod end;
mod idle;
mod join;
mod many;
mod panic;
mod repeat;

use selvedge::Event;
use selvedge::thread::{Clock, Registry};
use std::sync::Arc;
use std::time::Duration;

/// Later than any test.
const LATER: Duration = Duration::from_secs(3600);

fn clock() -> Clock {
    Clock::new(&Registry::new())
}

/// An event, and a share of it for the other side.
fn event() -> (Arc<Event>, Arc<Event>) {
    let event = Arc::new(Event::new());
    (Arc::clone(&event), event)
}
