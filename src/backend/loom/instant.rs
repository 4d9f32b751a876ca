//! A clock for each thread of a model. It moves only when a wait with a deadline ends.

use super::verdict::step;
use core::cell::Cell;
use core::ops::Add;
use core::time::Duration;

/// A time on the calling thread's clock. `Duration::MAX` is a deadline that never expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

::loom::thread_local! {
    static CLOCK: Cell<Duration> = Cell::new(Duration::ZERO);
}

impl Instant {
    pub fn now() -> Instant {
        Instant(step(|| CLOCK.with(Cell::get)))
    }

    pub fn has_passed(self) -> bool {
        self.remaining().is_some_and(|left| left.is_zero())
    }

    pub fn remaining(self) -> Option<Duration> {
        (self.0 != Duration::MAX).then(|| self.0.saturating_sub(Instant::now().0))
    }

    /// Moves the calling thread's clock to this time, unless the clock is later or this deadline never expires.
    pub(super) fn advance_clock(self) {
        if self.0 != Duration::MAX {
            step(|| CLOCK.with(|clock| clock.set(clock.get().max(self.0))));
        }
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, after: Duration) -> Instant {
        Instant(self.0.saturating_add(after))
    }
}
