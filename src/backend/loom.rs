//! The world of models: loom's types, and a futex that loom explores.

#![allow(missing_docs, reason = "the production worlds document the same names")]

use ::loom as explorer;

pub use ::std::sync::Arc;

#[path = "loom/atomic.rs"]
pub mod atomic;

#[path = "loom/cell.rs"]
pub mod cell;
#[path = "loom/futex.rs"]
pub mod futex;
#[path = "loom/log.rs"]
pub mod log;
#[path = "loom/object.rs"]
mod object;
#[path = "loom/probe.rs"]
pub mod probe;
#[path = "loom/proved.rs"]
pub mod proved;
#[path = "loom/site.rs"]
pub mod site;

pub mod hint {
    use super::Instant;

    /// A budget of looks, of which a model has none: it explores the orders that a look would wait for.
    #[derive(Debug)]
    pub struct Spin(());

    impl Spin {
        pub fn for_lock(_: Option<Instant>) -> Spin {
            Spin(())
        }

        pub fn for_hand_over(_: Option<Instant>) -> Spin {
            Spin(())
        }

        pub fn again(&mut self) -> bool {
            false
        }
    }
}

mod instant {
    use core::cell::Cell;
    use core::ops::Add;
    use core::time::Duration;

    /// A moment on the calling thread's clock; `Duration::MAX` is "for ever".
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Instant(Duration);

    super::explorer::thread_local! {
        static CLOCK: Cell<Duration> = Cell::new(Duration::ZERO);
    }

    impl Instant {
        pub fn now() -> Instant {
            Instant(CLOCK.with(Cell::get))
        }

        pub fn has_passed(self) -> bool {
            self.remaining().is_some_and(|left| left.is_zero())
        }

        pub fn remaining(self) -> Option<Duration> {
            (self.0 != Duration::MAX).then(|| self.0.saturating_sub(Instant::now().0))
        }

        /// The calling thread's clock moves here, and never back.
        pub(super) fn fire(self) {
            CLOCK.with(|clock| clock.set(clock.get().max(self.0)));
        }
    }

    impl Add<Duration> for Instant {
        type Output = Instant;

        fn add(self, after: Duration) -> Instant {
            Instant(self.0.saturating_add(after))
        }
    }
}

pub use instant::Instant;

pub mod thread {
    use super::explorer;
    use core::cell::Cell;
    use core::num::NonZeroUsize;

    pub use explorer::thread::{Builder, JoinHandle, yield_now};

    #[track_caller]
    pub fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        explorer::thread::spawn(body)
    }

    explorer::thread_local! {
        static ID: Cell<Option<NonZeroUsize>> = Cell::new(None);
    }

    pub fn id() -> NonZeroUsize {
        ID.with(|mine| {
            let id = mine.get().unwrap_or_else(super::probe::next_thread_id);
            mine.set(Some(id));
            id
        })
    }
}

pub fn model<F: Fn() + Send + Sync + 'static>(body: F) {
    check(None, body);
}

pub fn model_within<F: Fn() + Send + Sync + 'static>(preemptions: usize, body: F) {
    check(Some(preemptions), body);
}

fn check(preemptions: Option<usize>, body: impl Fn() + Send + Sync + 'static) {
    let body = Arc::new(body);
    for accesses in probe::Accesses::BOTH {
        let body = Arc::clone(&body);
        probe::builder(preemptions).check(move || {
            probe::begin(accesses, probe::Waits::Exact, probe::Locks::Stepwise);
            body();
        });
    }
}
