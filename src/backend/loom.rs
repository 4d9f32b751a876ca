//! The world of models: loom's types, and a futex that loom explores.

#![allow(missing_docs, reason = "the production worlds document the same names")]

pub use ::loom as explorer;

pub use ::std::sync::{Arc, Weak};

#[path = "loom/atomic.rs"]
pub mod atomic;

#[path = "loom/cell.rs"]
pub mod cell;
#[path = "loom/columns.rs"]
pub mod columns;
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
#[path = "loom/remedy.rs"]
mod remedy;
#[path = "loom/site.rs"]
pub mod site;
#[path = "loom/verdict.rs"]
mod verdict;

pub(crate) use verdict::lost;

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
    use super::verdict::step;
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
            Instant(step(|| CLOCK.with(Cell::get)))
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
}

pub use instant::Instant;

pub mod thread {
    use super::verdict::step;
    use super::{explorer, local_key, probe};
    use ::std::{io, thread};
    use core::cell::Cell;
    use core::num::NonZeroUsize;

    /// In bytes; the explorer's own default, of 32 KiB, is less than a program may expect.
    const STACK: usize = 256 << 10;
    const MOST: usize = 1 << 30;

    #[track_caller]
    pub fn yield_now() {
        step(explorer::thread::yield_now);
    }

    #[derive(Debug)]
    pub struct JoinHandle<T>(explorer::thread::JoinHandle<T>);

    impl<T> JoinHandle<T> {
        #[track_caller]
        pub fn join(self) -> thread::Result<T> {
            step(|| self.0.join())
        }
    }

    #[track_caller]
    pub fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        Builder::new().spawn(body).expect("a model has room for its threads")
    }

    /// Starts threads with a name. A stack that no system has is refused.
    #[derive(Debug)]
    pub struct Builder {
        inner: explorer::thread::Builder,
        stack_size: usize,
    }

    #[allow(clippy::new_without_default, reason = "that of std has none either")]
    impl Builder {
        pub fn new() -> Builder {
            Builder {
                inner: explorer::thread::Builder::new(),
                stack_size: STACK,
            }
        }

        pub fn name(self, name: String) -> Builder {
            Builder {
                inner: self.inner.name(name),
                ..self
            }
        }

        pub fn stack_size(self, stack_size: usize) -> Builder {
            Builder { stack_size, ..self }
        }

        #[track_caller]
        pub fn spawn<T: Send + 'static>(self, body: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
            if self.stack_size > MOST {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            let living = probe::Living::begin();
            let words = self.stack_size.max(STACK) / size_of::<usize>(); // so the explorer counts
            step(|| {
                self.inner
                    .stack_size(words)
                    .spawn(move || local_key::live(living, body))
            })
            .map(JoinHandle)
        }
    }

    explorer::thread_local! {
        static ID: Cell<Option<NonZeroUsize>> = Cell::new(None);
    }

    pub fn id() -> NonZeroUsize {
        step(|| ID.with(Cell::get)).unwrap_or_else(|| NewId::reserve().adopt())
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
            assert!(
                step(|| ID.with(|mine| mine.replace(Some(self.0)))).is_none(),
                "the thread has an id"
            );
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
        step(explorer::thread::current).name().map(str::to_owned)
    }
}

#[track_caller]
pub fn model<F: Fn() + Send + Sync + 'static>(body: F) {
    Model::new().check(body);
}

#[track_caller]
pub fn model_within<F: Fn() + Send + Sync + 'static>(preemptions: usize, body: F) {
    Model::new().preemptions(preemptions).check(body);
}

/// How a model is explored.
///
/// ```no_run
/// # use selvedge_loom as selvedge;
/// use selvedge::Model;
/// Model::new().preemptions(2).max_branches(50_000).check(|| { /* ... */ });
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Model {
    preemptions: Option<usize>,
    max_branches: usize,
}

impl Default for Model {
    fn default() -> Model {
        Model::new()
    }
}

impl Model {
    /// Explores all interleavings that loom knows, of executions with 10,000 steps at most.
    pub fn new() -> Model {
        Model {
            preemptions: None,
            max_branches: probe::MAX_BRANCHES,
        }
    }

    /// Leaves out executions in which threads are preempted more often. Three and more threads have too many interleavings to
    /// run them all; most bugs need no more than two or three preemptions.
    pub fn preemptions(self, most: usize) -> Model {
        Model {
            preemptions: Some(most),
            ..self
        }
    }

    /// How many steps an execution may have. Their memory is taken at once.
    pub fn max_branches(self, most: usize) -> Model {
        Model {
            max_branches: most,
            ..self
        }
    }

    /// Runs `body` in each interleaving, and prints how many there were.
    ///
    /// # Panics
    /// If an execution fails: it panics, deadlocks, races, or has too many steps. The message tells what its threads did.
    #[track_caller]
    pub fn check<F: Fn() + Send + Sync + 'static>(self, body: F) {
        let body = Arc::new(body);
        let mut executions = 0;
        for accesses in probe::Accesses::BOTH {
            match self.explore(accesses, false, &body) {
                Ok(more) => executions += more,
                Err(failure) => {
                    eprintln!(
                        "the model fails in execution {}; {}",
                        failure.execution, failure.message
                    );
                    eprintln!("it is explored again as far as that, to show what its threads did");
                    panic!("{}", self.explained(accesses, failure, &body))
                }
            }
        }
        match self.preemptions {
            None => println!("explored: {executions} executions"),
            Some(most) => println!("bounded to {most} preemptions: {executions} executions"),
        }
    }

    fn explore(
        &self,
        accesses: probe::Accesses,
        logged: bool,
        body: &Arc<impl Fn() + Send + Sync + 'static>,
    ) -> Result<u64, verdict::Failure> {
        let body = Arc::clone(body);
        let mut builder = probe::builder(self.preemptions);
        builder.max_branches = self.max_branches;
        verdict::explore(builder, logged, move || {
            probe::begin(accesses, probe::Waits::Exact, probe::Locks::Stepwise);
            probe::name_threads_in_order();
            body();
        })
    }

    /// Explores once more as far as the failure, for what was not logged: it takes too long to do so always.
    fn explained(
        &self,
        accesses: probe::Accesses,
        failure: verdict::Failure,
        body: &Arc<impl Fn() + Send + Sync + 'static>,
    ) -> String {
        let verdict::Failure { message, execution, .. } = failure;
        let again = failure
            .is_repeatable
            .then(|| self.explore(accesses, true, body).err())
            .flatten();
        let same = again.filter(|again| again.execution == execution && again.message == message);
        let log = same.and_then(|again| again.log);
        let log = log.filter(|log| !log.events.is_empty());
        let columns = log.map_or_else(String::new, |log| format!("\n\n{}", columns::text(&log)));
        format!("the model fails in execution {execution}: {message}{columns}")
    }
}
