//! Threads of a model.

use super::verdict::step;
use super::{local, scene};
use ::std::{io, thread};
use core::cell::Cell;
use core::num::NonZeroUsize;

/// The smallest stack of a spawned thread, in bytes. loom's default of 32 KiB is too small for many programs.
const MIN_STACK: usize = 256 << 10;
const MAX_STACK: usize = 1 << 30;

#[track_caller]
pub fn yield_now() {
    step(::loom::thread::yield_now);
}

#[derive(Debug)]
pub struct JoinHandle<T>(::loom::thread::JoinHandle<T>);

impl<T> JoinHandle<T> {
    #[track_caller]
    pub fn join(self) -> thread::Result<T> {
        step(|| self.0.join())
    }
}

#[track_caller]
pub fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    Builder::new()
        .spawn(body)
        .expect("failed to spawn a thread of the model")
}

/// Spawns threads with a name. A stack of more than a GiB is refused, as systems refuse it.
#[derive(Debug)]
pub struct Builder {
    inner: ::loom::thread::Builder,
    stack_size: usize,
}

#[allow(clippy::new_without_default, reason = "std's `Builder` has no `Default` either")]
impl Builder {
    pub fn new() -> Builder {
        Builder {
            inner: ::loom::thread::Builder::new(),
            stack_size: MIN_STACK,
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
        if self.stack_size > MAX_STACK {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        let living = scene::Living::begin();
        let words = self.stack_size.max(MIN_STACK) / size_of::<usize>(); // loom takes the size in words
        step(|| self.inner.stack_size(words).spawn(move || local::run(living, body))).map(JoinHandle)
    }
}

::loom::thread_local! {
    static ID: Cell<Option<NonZeroUsize>> = Cell::new(None);
}

pub fn id() -> NonZeroUsize {
    step(|| ID.with(Cell::get)).unwrap_or_else(|| NewId::reserve().adopt())
}

#[derive(Debug)]
pub struct NewId(NonZeroUsize);

impl NewId {
    pub fn reserve() -> NewId {
        NewId(scene::next_thread_id())
    }

    pub fn get(&self) -> NonZeroUsize {
        self.0
    }

    pub fn adopt(self) -> NonZeroUsize {
        assert!(
            step(|| ID.with(|id| id.replace(Some(self.0)))).is_none(),
            "the thread already has an id"
        );
        self.0
    }
}

pub fn native_id() -> Option<NonZeroUsize> {
    Some(id())
}

pub fn native_id_of_the_first() -> Option<NonZeroUsize> {
    None // only a child made by `fork` asks, and a model does not fork
}

/// The same number on every machine, so that the interleavings are the same.
pub fn processors() -> usize {
    2
}

pub fn name() -> Option<String> {
    step(::loom::thread::current).name().map(str::to_owned)
}
