//! The registry: the threads that have been started and have not ended.
//!
//! # State
//! The states of a thread that was started by this crate, and the list of the registry that contains it:
//! ```text
//!            its function is over        its thread-locals are dropped          it is reaped
//!   ALIVE ──────────────────────▶ ENDED ──────────────────────────────▶ EXITED ─────────────▶ (removed)
//!   in `alive`                    in `ended`                            in `ended`
//! ```
//! # Invariants
//! 1. A thread is in `alive` from before its start until its function is over. It is moved to `ended`
//!    before any joiner is notified. A thread whose start fails is removed and ends immediately.
//! 2. No user code runs while a lock is held, nor while a thread whose start failed
//!    is still in `alive`: the drop of its function may wait for all threads.
//! 3. A thread is EXITED when `Current`, its first thread-local, is dropped: on Linux at least, std drops the
//!    first thread-local last. Elsewhere, `join_all` may return before some thread-locals are dropped. The drop
//!    of `Current` does not acquire the lock, because under loom a thread that drops thread-locals can't block.
//! 4. An EXITED thread is reaped by the next thread that starts, ends, or waits for all threads:
//!    it is removed from `ended` under the lock, then its OS thread is joined without the lock,
//!    which is brief. Until then it keeps its stack, unless a join has joined or detached it.

use super::error::Panicked;
use super::hook::PanicHook;
use super::thread::Thread;
use crate::backend::process::{ForChild, PerProcess};
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

/// The program's own registry.
pub(crate) fn global() -> &'static Registry {
    &GLOBAL
}

/// The code that a thread runs between its registration and its end. Returns the thread's panic, if it panicked.
pub(super) type Body<'a> = Box<dyn FnOnce(&Thread) -> Option<Panicked> + Send + 'a>;

/// The alive threads of a program, or of a part of it. All clones refer to the same registry.
///
/// The functions of [this module](crate::thread) use the program's own registry. A registry created
/// by [`new`](Registry::new) has its own thread names, its own [`join_all`](Registry::join_all), and
/// its own panic hook. In a child made by `fork`, a registry of the parent contains only the thread
/// that called `fork`. Its hook remains, unless another thread held the hook's lock at the fork.
///
/// ```
/// use selvedge::thread::Registry;
/// let registry = Registry::new();
/// let thread = registry.builder().name("worker").spawn(|| ())?;
/// registry.join_all();
/// assert!(!thread.is_alive());
/// assert_eq!(registry.active_count(), 1); // the thread that created it
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    inner: Arc<PerProcess<Inner>>,
}

/// The settings of a thread that is to be started.
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
    alive: BTreeMap<NonZeroUsize, Thread>,
    ended: BTreeMap<NonZeroUsize, Thread>,
    last_number: u64,
}

impl Registry {
    /// A registry that contains only the calling thread.
    #[allow(clippy::new_without_default, reason = "a default would hide the caller")]
    pub fn new() -> Registry {
        Registry {
            inner: Arc::new(PerProcess::new(Inner::new(Thread::foreign(), None))),
        }
    }

    /// The alive threads, oldest first: the thread that created the registry, and all threads started on
    /// it, including daemons. The creator stays in the list, because this crate does not know when it ends.
    pub fn enumerate(&self) -> Vec<Thread> {
        self.inner.state.acquire().alive.values().cloned().collect()
    }

    /// The number of threads that [`enumerate`](Registry::enumerate) would return.
    pub fn active_count(&self) -> usize {
        self.inner.state.acquire().alive.len()
    }

    /// The calling thread, however it was started and whichever registry contains it.
    pub fn current(&self) -> Thread {
        if self.inner.first.id() == thread::id() {
            return self.main_thread();
        }
        Current::get().unwrap_or_else(Thread::foreign)
    }

    /// The thread that created this registry.
    pub fn main_thread(&self) -> Thread {
        self.inner.first.clone()
    }

    /// Blocks until all threads of this registry have ended, except daemons, the calling thread,
    /// and the thread that created the registry. Threads that are started meanwhile are included.
    ///
    /// The threads have dropped their thread-locals when `join_all` returns; the timed forms do not
    /// wait for that. Everything that the threads did happens-before the return. If two threads of
    /// one registry that are not daemons both call `join_all`, they wait for each other indefinitely.
    pub fn join_all(&self) {
        while let Some(thread) = self.next_to_join(true) {
            thread.await_end();
            self.inner.state.acquire().ended.remove(&thread.id());
        }
    }

    /// [`join_all`](Registry::join_all), blocking for at most `timeout`.
    ///
    /// # Errors
    /// [`TimedOut`] if a thread has not ended.
    pub fn join_all_timeout(&self, timeout: Duration) -> Result<(), TimedOut> {
        self.join_all_deadline(Instant::now() + timeout)
    }

    /// [`join_all`](Registry::join_all), blocking until `deadline` at the latest.
    ///
    /// # Errors
    /// [`TimedOut`] if a thread has not ended.
    pub fn join_all_deadline(&self, deadline: Instant) -> Result<(), TimedOut> {
        while let Some(thread) = self.next_to_join(false) {
            if !thread.await_end_until(deadline) {
                return Err(TimedOut);
            }
        }
        Ok(())
    }

    /// Returns a guard that calls [`join_all`](Registry::join_all) when it is dropped, also while a panic unwinds.
    pub fn exit_guard(&self) -> ExitGuard {
        ExitGuard { registry: self.clone() }
    }

    /// Sets the hook that is called for each panic that ends a thread of this registry. The panicking thread
    /// calls it, before any joiner is notified. If the hook itself panics, the panic is caught and its
    /// payload leaked. The standard library's panic hook is called in any case, at the moment of the panic.
    pub fn set_panic_hook(&self, hook: impl Fn(&Thread, &(dyn Any + Send)) + Send + Sync + 'static) {
        let hook: Arc<PanicHook> = Arc::new(hook);
        let old_hook = self.inner.hook.acquire().replace(hook);
        drop(old_hook); // invariant 2
    }

    /// Removes the hook and returns it.
    pub fn take_panic_hook(&self) -> Option<Arc<PanicHook>> {
        self.inner.hook.acquire().take()
    }

    /// Calls the panic hook. Returns false if there is none.
    pub(super) fn report(&self, thread: &Thread, payload: &(dyn Any + Send)) -> bool {
        let Some(hook) = self.inner.hook.acquire().clone() else {
            return false;
        };
        catch_quietly(move || hook(thread, payload)); // the drop of the last reference is user code, and may panic
        true
    }

    /// Starts a thread that runs `body`.
    pub(super) fn launch(&self, config: Config, body: Body<'static>) -> io::Result<Thread> {
        let id = thread::NewId::reserve();
        let mut os_thread = thread::Builder::new();
        if let Some(stack_size) = config.stack_size {
            // std rounds the size up to whole pages, and panics if the system rejects the rounded size.
            let stack_size = (stack_size <= isize::MAX as usize / 2).then_some(stack_size);
            os_thread = os_thread.stack_size(stack_size.ok_or(io::ErrorKind::OutOfMemory)?);
        }
        if config.name.as_ref().is_some_and(|name| name.contains('\0')) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a thread's name must not contain a zero byte",
            ));
        }
        let (thread, exited) = self.register(id.get(), config);
        exited.reap();
        let body = Arc::new(Mutex::new(Some(body)));
        let (new_thread, registry, body_slot) = (thread.clone(), self.clone(), Arc::clone(&body));
        let pending_start = PendingStart {
            registry: self,
            thread: &thread,
        };
        let thread_main = move || {
            let mut running = Running {
                registry,
                thread: new_thread,
                panicked: None,
            };
            id.adopt();
            running.thread.on_start();
            Current::set(&running.thread);
            let body = body_slot.acquire().take().expect("the body runs once");
            running.panicked = body(&running.thread);
        };
        let started = thread.start_os_thread(|| os_thread.name(thread.name().to_owned()).spawn(thread_main));
        if let Err(error) = started {
            drop(pending_start);
            drop(body); // invariant 2
            return Err(error);
        }
        core::mem::forget(pending_start);
        Ok(thread)
    }

    fn register(&self, id: NonZeroUsize, config: Config) -> (Thread, Exited) {
        let mut state = self.inner.state.acquire();
        let exited = state.take_exited();
        let daemon = config
            .daemon
            .unwrap_or_else(|| Current::get().is_some_and(|thread| thread.is_daemon()));
        let name = config.name.unwrap_or_else(|| {
            state.last_number += 1;
            format!("Thread-{}", state.last_number)
        });
        let thread = Thread::managed(id, name, daemon);
        state.alive.insert(id, thread.clone());
        (thread, exited)
    }

    fn finish(&self, thread: &Thread, panicked: Option<Panicked>) {
        let mut state = self.inner.state.acquire();
        state.alive.remove(&thread.id());
        let exited = state.take_exited();
        state.ended.insert(thread.id(), thread.clone());
        thread.finish(panicked); // the lock is held, so that `enumerate` and `is_alive` agree
        drop(state);
        exited.reap();
    }

    /// A thread that the caller has to wait for: until its end, or, if `until_exited`, until its exit.
    fn next_to_join(&self, until_exited: bool) -> Option<Thread> {
        let (me, first) = (thread::id(), self.inner.first.id());
        let mut state = self.inner.state.acquire();
        let exited = state.take_exited();
        let ended = state.ended.values().filter(|_| until_exited);
        let mut all = state.alive.values().chain(ended);
        let next = all
            .find(|thread| !thread.is_daemon() && ![me, first].contains(&thread.id()))
            .cloned();
        drop(state);
        exited.reap();
        next
    }
}

impl State {
    /// Removes the EXITED threads from `ended` (invariant 4), except the calling thread, which can't join itself. It is
    /// EXITED if it is running a destructor of a C library's thread-specific data, which may start threads.
    fn take_exited(&mut self) -> Exited {
        let (mut exited, me) = (Vec::new(), thread::id());
        self.ended.retain(|_, thread| {
            let is_kept = !thread.has_exited() || thread.id() == me;
            if !is_kept {
                exited.push(thread.clone());
            }
            is_kept
        });
        Exited(exited)
    }
}

/// EXITED threads that were removed from the registry.
#[must_use = "the OS threads must be joined"]
struct Exited(Vec<Thread>);

impl Exited {
    /// Joins the OS threads. The caller must not hold the registry's lock.
    fn reap(self) {
        for thread in self.0 {
            thread.join_os_thread();
        }
    }
}

impl Inner {
    fn new(first: Thread, hook: Option<Arc<PanicHook>>) -> Inner {
        let alive = BTreeMap::from([(first.id(), first.clone())]);
        let state = Mutex::new(State {
            alive,
            ended: BTreeMap::new(),
            last_number: 0,
        });
        Inner {
            state,
            hook: Mutex::new(hook),
            first,
        }
    }
}

/// In a child made by `fork`, a registry contains only the thread that called `fork`.
impl ForChild for Inner {
    fn for_child(&self) -> Inner {
        let (me, survivor) = (thread::id(), process::survivor().unwrap_or(thread::id()));
        let first = match survivor {
            id if id == self.first.id() => self.first.clone(),
            id if id == me => Current::get().unwrap_or_else(Thread::foreign),
            id => Thread::survivor(id),
        };
        Inner::new(first, self.hook.try_acquire().and_then(|hook| hook.clone()))
    }
}

impl fmt::Debug for Registry {
    /// Shows the alive threads, or `<locked>` if another thread holds the lock; never blocks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The list is cloned, because the formatter's sink is user code (invariant 2).
        let alive = self
            .inner
            .state
            .try_acquire()
            .map(|state| Vec::from_iter(state.alive.values().cloned()));
        let mut out = f.debug_struct("Registry");
        match alive {
            Some(alive) => out.field("alive", &alive).finish(),
            None => out.field("alive", &format_args!("<locked>")).finish(),
        }
    }
}

/// A registered thread before its start. If the start fails, the drop removes and ends it (invariant 1).
struct PendingStart<'a> {
    registry: &'a Registry,
    thread: &'a Thread,
}

impl Drop for PendingStart<'_> {
    fn drop(&mut self) {
        self.registry.inner.state.acquire().alive.remove(&self.thread.id());
        self.thread.finish(None);
    }
}

/// A running thread. The drop ends the thread, also while a panic unwinds.
struct Running {
    registry: Registry,
    thread: Thread,
    panicked: Option<Panicked>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.registry.finish(&self.thread, self.panicked.take());
    }
}

/// The calling thread's own `Thread`, in its first thread-local. Its drop marks the thread as exited (invariant 3).
struct Current(Thread);

impl Current {
    fn set(thread: &Thread) {
        CURRENT.with(|current| *current.borrow_mut() = Some(Current(thread.clone())));
    }

    /// `None` if the calling thread was not started by this crate, or has dropped its `Current`.
    fn get() -> Option<Thread> {
        CURRENT
            .try_with(|current| current.borrow().as_ref().map(|current| current.0.clone()))
            .ok()
            .flatten()
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        self.0.mark_exited();
    }
}

/// Blocks in its drop until all threads that are not daemons have ended. Keep it in a variable of `main`.
///
/// It blocks also when a panic unwinds `main`: the other threads run to their ends,
/// as in Python. `std::process::exit` and `abort` drop nothing, and do not wait.
///
/// ```
/// let _guard = selvedge::thread::exit_guard();
/// selvedge::thread::spawn(|| println!("printed, although the thread is not joined"));
/// ```
#[derive(Debug)]
#[must_use = "the drop of the guard waits for the threads"]
pub struct ExitGuard {
    registry: Registry,
}

impl Drop for ExitGuard {
    fn drop(&mut self) {
        self.registry.join_all();
    }
}
