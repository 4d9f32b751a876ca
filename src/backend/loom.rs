//! The world of models: loom's types, and a futex that loom explores.

#![allow(missing_docs, reason = "the production worlds document the same names")]

pub use ::loom as explorer;

pub use ::std::sync::{Arc, Weak};

#[path = "loom/atomic.rs"]
pub mod atomic;

#[path = "loom/cell.rs"]
pub mod cell;
#[path = "loom/futex.rs"]
pub mod futex;
#[path = "loom/local.rs"]
pub mod local_key;
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
    use super::atomic::{AtomicUsize, Ordering};
    use ::std::panic::Location;

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

    /// Of no use in a model, which explores each order of the attempts.
    #[derive(Debug, Default)]
    pub struct Backoff(());

    impl Backoff {
        pub fn new() -> Backoff {
            Backoff::default()
        }

        pub fn spin(&self) {}
    }

    #[track_caller]
    pub fn spin_until(word: &AtomicUsize, order: Ordering, ready: impl Fn(usize) -> bool) {
        word.spin_until(Location::caller(), order, ready);
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

        /// The calling thread's clock moves here, and never back; "for ever" does not come.
        pub(super) fn fire(self) {
            if self.0 != Duration::MAX {
                CLOCK.with(|clock| clock.set(clock.get().max(self.0)));
            }
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
    use super::{explorer, local_key, probe};
    use ::std::io;
    use core::cell::Cell;
    use core::num::NonZeroUsize;

    pub use explorer::thread::{JoinHandle, yield_now};

    #[track_caller]
    pub fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        Builder::new().spawn(body).expect("a model has room for its threads")
    }

    /// Starts threads with a name. A stack is of the explorer's size, but one that no system has is refused.
    #[derive(Debug)]
    pub struct Builder {
        inner: explorer::thread::Builder,
        stack_size: usize,
    }

    #[allow(clippy::new_without_default, reason = "that of std has none either")]
    impl Builder {
        pub fn new() -> Builder {
            Builder { inner: explorer::thread::Builder::new(), stack_size: 0 }
        }

        pub fn name(self, name: String) -> Builder {
            Builder { inner: self.inner.name(name), ..self }
        }

        pub fn stack_size(self, stack_size: usize) -> Builder {
            Builder { stack_size, ..self }
        }

        #[track_caller]
        pub fn spawn<T: Send + 'static>(self, body: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
            if self.stack_size > usize::MAX >> 17 {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            let living = probe::Living::begin();
            self.inner.spawn(move || local_key::live(living, body))
        }
    }

    explorer::thread_local! {
        static ID: Cell<Option<NonZeroUsize>> = Cell::new(None);
    }

    pub fn id() -> NonZeroUsize {
        ID.with(Cell::get).unwrap_or_else(|| NewId::reserve().adopt())
    }

    #[derive(Debug)]
    pub struct NewId(NonZeroUsize);

    impl NewId {
        pub fn reserve() -> NewId {
            NewId(probe::next_thread_id())
        }

        pub fn get(&self) -> NonZeroUsize {
            self.0
        }

        pub fn adopt(self) -> NonZeroUsize {
            assert!(ID.with(|mine| mine.replace(Some(self.0))).is_none(), "the thread has an id");
            self.0
        }
    }

    pub fn native_id() -> Option<NonZeroUsize> {
        Some(id())
    }

    pub fn native_id_of_the_first() -> Option<NonZeroUsize> {
        None // nothing forks in a model
    }

    /// The same for every machine.
    pub fn processors() -> usize {
        2
    }

    pub fn name() -> Option<String> {
        explorer::thread::current().name().map(str::to_owned)
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
