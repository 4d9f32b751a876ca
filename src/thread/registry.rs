//! Who lives: the threads that were started and have not ended.
//!
//! # Invariants
//! 1. A thread is on the registry from before it is started until its function is over. It comes off as its life ends, before
//!    any joiner is told. One that could not be started comes off at once, and has ended.
//! 2. No code of the user's runs while a lock is held, nor while a thread that could not be started stands here: the drop
//!    of its function may wait for all threads.
//! 3. Who has come off is leaving until it is gone: when its thread-locals are dropped. `Current` is the first of them, and
//!    the standard library drops the first one last, on Linux at least; if not, an exit may miss some drops. It stays in
//!    `leaving` meanwhile: a thread that drops thread-locals can't wait for the lock in every world. The next thread that
//!    comes or goes, or waits for all, takes off those that are gone, and joins the system's threads, which then takes
//!    but a moment, when the lock is free. So an ended thread keeps its stack until then at most, whatever handles remain.

use super::error::Panicked;
use super::hook::PanicHook;
use super::thread::Thread;
use crate::backend::process::{Anew, PerProcess};
use crate::backend::{Arc, Instant, global, local, process, thread};
use crate::sync::{Mutex, TimedOut};
use crate::unwind::catch_quietly;
use core::any::Any;
use core::cell::RefCell;
use core::fmt;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;

global! {
    static GLOBAL: Registry = Registry::new();
}

local! {
    static CURRENT: RefCell<Option<Current>> = RefCell::default();
}

/// The program's own.
pub(crate) fn global() -> &'static Registry {
    &GLOBAL
}

/// What a thread does between its begin and its end; tells whether it has panicked.
pub(super) type Body<'a> = Box<dyn FnOnce(&Thread) -> Option<Panicked> + Send + 'a>;

/// The living threads of a program, or of a part of it that wants to be looked at by itself. Clones are the same registry.
///
/// The functions of [this module](crate::thread) speak of the program's own registry. One of your own has its own names,
/// its own exit, and its own panic hook. In a child made by `fork` only the thread that called it is on a registry of the
/// parent's; the hook stays, unless another thread was at it at that moment.
///
/// ```
/// use selvedge::thread::Registry;
/// let registry = Registry::new();
/// let thread = registry.builder().name("worker").spawn(|| ())?;
/// registry.join_all();
/// assert!(!thread.is_alive());
/// assert_eq!(registry.active_count(), 1); // the thread that has made it
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    inner: Arc<PerProcess<Inner>>,
}

/// What a builder says of a thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    pub(super) name: Option<String>,
    pub(super) daemon: Option<bool>,
    pub(super) stack_size: Option<usize>,
}

struct Inner {
    state: Mutex<State>,
    hook: Mutex<Option<Arc<PanicHook>>>,
    first: Thread,
}

struct State {
    living: BTreeMap<NonZeroUsize, Thread>,
    leaving: BTreeMap<NonZeroUsize, Thread>,
    named: u64,
}

impl Registry {
    /// A registry on which the calling thread alone stands.
    #[allow(
        clippy::new_without_default,
        reason = "it belongs to the calling thread, which a default would hide"
    )]
    pub fn new() -> Registry {
        Registry {
            inner: Arc::new(PerProcess::new(Inner::new(Thread::of_others(), None))),
        }
    }

    /// The threads that live, oldest first: those started on this registry, daemons too, and before them the one that
    /// made it, of whose end the kit does not know.
    pub fn enumerate(&self) -> Vec<Thread> {
        self.inner.state.acquire().living.values().cloned().collect()
    }

    /// How many threads [`enumerate`](Registry::enumerate) would give.
    pub fn active_count(&self) -> usize {
        self.inner.state.acquire().living.len()
    }

    /// The calling thread, whoever has started it, and on whichever registry it stands.
    pub fn current(&self) -> Thread {
        if self.inner.first.id() == thread::id() {
            return self.main_thread();
        }
        Current::get().unwrap_or_else(Thread::of_others)
    }

    /// The thread that has made this registry.
    pub fn main_thread(&self) -> Thread {
        self.inner.first.clone()
    }

    /// Waits until every thread of this registry has ended that is not a daemon, those too that others start meanwhile.
    /// The calling thread does not wait for itself, nor for the one that made the registry.
    ///
    /// They have dropped their thread-locals then, which the timed forms do not wait for. All that those threads did
    /// happens-before the return. Two threads of one registry that both do this wait for each other for ever, unless they
    /// are daemons.
    pub fn join_all(&self) {
        while let Some(thread) = self.unjoined(true) {
            thread.await_end();
            self.inner.state.acquire().leaving.remove(&thread.id());
        }
    }

    /// [`join_all`](Registry::join_all), for at most `timeout`.
    ///
    /// # Errors
    /// [`TimedOut`] if a thread is left.
    pub fn join_all_timeout(&self, timeout: Duration) -> Result<(), TimedOut> {
        self.join_all_deadline(Instant::now() + timeout)
    }

    /// [`join_all`](Registry::join_all), until `deadline` at the latest.
    ///
    /// # Errors
    /// [`TimedOut`] if a thread is left.
    pub fn join_all_deadline(&self, deadline: Instant) -> Result<(), TimedOut> {
        while let Some(thread) = self.unjoined(false) {
            if !thread.await_end_until(deadline) {
                return Err(TimedOut);
            }
        }
        Ok(())
    }

    /// [Joins all](Registry::join_all) when it is dropped, by a panic too.
    pub fn exit_guard(&self) -> ExitGuard {
        ExitGuard { registry: self.clone() }
    }

    /// From now on `hook` is told of each panic that ends a thread of this registry, by that thread, before any joiner
    /// is. A panic of its own is caught, and the payload leaked. The hook of the standard library is told as ever, at the moment of the
    /// panic; without a hook of the kit, it is the only one.
    pub fn set_panic_hook(&self, hook: impl Fn(&Thread, &(dyn Any + Send)) + Send + Sync + 'static) {
        let hook: Arc<PanicHook> = Arc::new(hook);
        let before = self.inner.hook.acquire().replace(hook);
        drop(before); // invariant 2
    }

    /// The hook, which is told of nothing any more.
    pub fn take_panic_hook(&self) -> Option<Arc<PanicHook>> {
        self.inner.hook.acquire().take()
    }

    /// False if there is no hook.
    pub(super) fn report(&self, thread: &Thread, payload: &(dyn Any + Send)) -> bool {
        let Some(hook) = self.inner.hook.acquire().clone() else {
            return false;
        };
        catch_quietly(move || hook(thread, payload)); // it may be the last reference
        true
    }

    /// Starts a thread that does `body`.
    pub(super) fn launch(&self, config: Config, body: Body<'static>) -> io::Result<Thread> {
        let id = thread::NewId::reserve();
        let mut system = thread::Builder::new();
        if let Some(stack_size) = config.stack_size {
            // The standard library rounds up to whole pages, and panics if the system refuses what came of it.
            let stack_size = (stack_size <= isize::MAX as usize / 2).then_some(stack_size);
            system = system.stack_size(stack_size.ok_or(io::ErrorKind::OutOfMemory)?);
        }
        if config.name.as_ref().is_some_and(|name| name.contains('\0')) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a thread's name has no zero byte",
            ));
        }
        let (thread, gone) = self.add(id.get(), config);
        gone.join();
        let body = Arc::new(Mutex::new(Some(body)));
        let (theirs, registry, taken) = (thread.clone(), self.clone(), Arc::clone(&body));
        let limbo = Limbo {
            registry: self,
            thread: &thread,
        };
        let live = move || {
            let mut life = Life {
                registry,
                thread: theirs,
                panicked: None,
            };
            id.adopt();
            life.thread.begin();
            Current::set(&life.thread);
            let body = taken.acquire().take().expect("nobody else runs it");
            life.panicked = body(&life.thread);
        };
        let started = thread.run_as(|| system.name(thread.name().to_owned()).spawn(live));
        if let Err(refused) = started {
            drop(limbo);
            drop(body); // invariant 2
            return Err(refused);
        }
        core::mem::forget(limbo);
        Ok(thread)
    }

    fn add(&self, id: NonZeroUsize, config: Config) -> (Thread, Gone) {
        let mut state = self.inner.state.acquire();
        let gone = state.take_gone();
        let daemon = config
            .daemon
            .unwrap_or_else(|| Current::get().is_some_and(|thread| thread.is_daemon()));
        let name = config.name.unwrap_or_else(|| {
            state.named += 1;
            format!("Thread-{}", state.named)
        });
        let thread = Thread::ours(id, name, daemon);
        state.living.insert(id, thread.clone());
        (thread, gone)
    }

    fn leave(&self, thread: &Thread, panicked: Option<Panicked>) {
        let mut state = self.inner.state.acquire();
        state.living.remove(&thread.id());
        let gone = state.take_gone();
        state.leaving.insert(thread.id(), thread.clone());
        thread.end(panicked); // under the lock: nobody finds it neither alive nor on the registry
        drop(state);
        gone.join();
    }

    /// Who is to be waited for: until its life has ended, or until it is gone.
    fn unjoined(&self, until_gone: bool) -> Option<Thread> {
        let (me, first) = (thread::id(), self.inner.first.id());
        let mut state = self.inner.state.acquire();
        let gone = state.take_gone();
        let leaving = state.leaving.values().filter(|_| until_gone);
        let mut all = state.living.values().chain(leaving);
        let unjoined = all
            .find(|thread| !thread.is_daemon() && ![me, first].contains(&thread.id()))
            .cloned();
        drop(state);
        gone.join();
        unjoined
    }
}

impl State {
    /// Those that are leaving and gone leave for good (invariant 3), but for the caller, which can't join itself: a C library's
    /// thread-specific data is destroyed after the thread-locals, and may start threads.
    fn take_gone(&mut self) -> Gone {
        let (mut gone, me) = (Vec::new(), thread::id());
        self.leaving.retain(|_, thread| {
            let stays = !thread.is_gone() || thread.id() == me;
            if !stays {
                gone.push(thread.clone());
            }
            stays
        });
        Gone(gone)
    }
}

/// Threads that are gone.
#[must_use = "the system's threads are still to be joined"]
struct Gone(Vec<Thread>);

impl Gone {
    /// Joins the system's threads: not to be called under the lock.
    fn join(self) {
        for thread in self.0 {
            thread.join_system();
        }
    }
}

impl Inner {
    fn new(first: Thread, hook: Option<Arc<PanicHook>>) -> Inner {
        let living = BTreeMap::from([(first.id(), first.clone())]);
        let state = Mutex::new(State {
            living,
            leaving: BTreeMap::new(),
            named: 0,
        });
        Inner {
            state,
            hook: Mutex::new(hook),
            first,
        }
    }
}

/// In a child made by `fork` the thread that called it stands alone.
impl Anew for Inner {
    fn anew(&self) -> Inner {
        let (me, survivor) = (thread::id(), process::survivor().unwrap_or(thread::id()));
        let first = match survivor {
            id if id == self.first.id() => self.first.clone(),
            id if id == me => Current::get().unwrap_or_else(Thread::of_others),
            id => Thread::survivor(id),
        };
        Inner::new(first, self.hook.try_acquire().and_then(|hook| hook.clone()))
    }
}

impl fmt::Debug for Registry {
    /// Shows the threads if nobody holds the registry at that moment; never blocks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Cloned: the formatter's sink is user code (invariant 2).
        let living = self
            .inner
            .state
            .try_acquire()
            .map(|state| Vec::from_iter(state.living.values().cloned()));
        let mut out = f.debug_struct("Registry");
        match living {
            Some(living) => out.field("living", &living).finish(),
            None => out.field("living", &format_args!("<locked>")).finish(),
        }
    }
}

/// A thread that is on the registry but has not been started; it comes off if that fails (invariant 1).
struct Limbo<'a> {
    registry: &'a Registry,
    thread: &'a Thread,
}

impl Drop for Limbo<'_> {
    fn drop(&mut self) {
        self.registry.inner.state.acquire().living.remove(&self.thread.id());
        self.thread.end(None);
    }
}

/// The life of a thread that runs: it leaves the registry, whatever happens.
struct Life {
    registry: Registry,
    thread: Thread,
    panicked: Option<Panicked>,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.registry.leave(&self.thread, self.panicked.take());
    }
}

/// What a thread of ours knows of itself: its first thread-local. When it is dropped, the others have been (invariant 3).
struct Current(Thread);

impl Current {
    fn set(thread: &Thread) {
        CURRENT.with(|current| *current.borrow_mut() = Some(Current(thread.clone())));
    }

    /// Nothing if somebody else has started the calling thread, or if it is gone but for this.
    fn get() -> Option<Thread> {
        CURRENT
            .try_with(|current| current.borrow().as_ref().map(|current| current.0.clone()))
            .ok()
            .flatten()
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        self.0.go();
    }
}

/// Waits, when it is dropped, for all threads that are not daemons: hold it in `main`.
///
/// It waits too when a panic unwinds `main`: the threads go on to their ends, as Python's do. `std::process::exit` and
/// `abort` drop nothing.
///
/// ```
/// let _guard = selvedge::thread::exit_guard();
/// selvedge::thread::spawn(|| println!("heard, though nobody joins"));
/// ```
#[derive(Debug)]
#[must_use = "it waits when it is dropped"]
pub struct ExitGuard {
    registry: Registry,
}

impl Drop for ExitGuard {
    fn drop(&mut self) {
        self.registry.join_all();
    }
}
