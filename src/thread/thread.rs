//! A thread: its identity while it is alive, and how it ended.
//!
//! # State
//! ```text
//!           finish             thread-locals dropped
//!   ALIVE ──────────▶ ENDED ─────────────────────────▶ EXITED
//!                   `ended` is set                   `exited` is set
//! ```
//! # Invariants
//! 1. The call that ends a thread first removes it from the registry's list of
//!    alive threads and stores its panic. It sets `ended` last, and only once.
//! 2. When `ended` is set, the function that the thread ran has
//!    been dropped. So has its result, if no handle can take it.
//! 3. `os_thread` is the handle of the OS thread, whose stack is freed only when the OS thread is joined
//!    or detached. A call that reports the end joins or detaches it. The registry joins the OS thread of
//!    each exited thread in any case. A join that finds the OS thread detached waits for `exited` instead.
//! 4. In a child made by `fork`, the OS thread of a thread of the parent is neither joined
//!    nor detached, because the system may reuse its memory for a new thread. The only
//!    such thread that sets `exited` in the child is the survivor, which called `fork`.

use super::error::{JoinError, Panicked};
use crate::backend::atomic::{AtomicUsize, Ordering::Relaxed};
use crate::backend::process::{Owned, Process};
use crate::backend::{Arc, Instant, process, thread, unobserved_panic};
use crate::sync::{Event, Mutex};
use core::fmt;
use core::hash::{Hash, Hasher};
use core::mem;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::io;

/// A handle of a thread: gives its name and state, and waits for its end. All clones refer to the same thread.
///
/// A thread started by this crate is obtained from its [`JoinHandle`](super::JoinHandle), which dereferences to
/// `Thread`, or from [`enumerate`](super::enumerate). The program's first thread, and threads started in another way,
/// are obtained from [`current`](super::current). They can't be joined, because this crate does not know when they end.
///
/// Everything that the thread did, including the drop of its function,
/// happens-before the return of a join that reports its end.
///
/// # Python
/// `threading.Thread`. The name and the daemon flag can't be changed after the start.
#[derive(Clone)]
pub struct Thread {
    inner: Arc<Inner>,
}

struct Inner {
    id: NonZeroUsize,
    home: Process,
    name: String,
    daemon: bool,
    managed: bool,
    native_id: AtomicUsize,
    ended: Event,
    panicked: Mutex<Option<Panic>>,
    os_thread: Mutex<OsThread>,
    exited: Event,
}

/// The panic that ended the thread. `reported` is true if the
/// program knows of it, from a join or from the thread's scope.
struct Panic {
    panicked: Panicked,
    reported: bool,
}

impl Drop for Panic {
    fn drop(&mut self) {
        if !self.reported {
            unobserved_panic(|| self.panicked.to_string());
        }
    }
}

/// The OS thread, until it is joined or detached.
#[derive(Default)]
struct OsThread {
    /// Owned by the process that started the thread (invariant 4).
    handle: Option<Owned<thread::JoinHandle<()>>>,
    detached: bool,
}

impl Thread {
    /// A thread that this crate is about to start.
    pub(super) fn managed(id: NonZeroUsize, name: String, daemon: bool) -> Thread {
        Thread::new(id, name, daemon, true)
    }

    /// The calling thread, which was not started by this crate.
    pub(super) fn foreign() -> Thread {
        let id = thread::id();
        let thread = Thread::new(
            id,
            thread::name().unwrap_or_else(|| format!("Foreign-{id}")),
            false,
            false,
        );
        thread.on_start();
        thread
    }

    /// The thread with which a child made by `fork` began, if this crate has no `Thread` for it.
    pub(super) fn survivor(id: NonZeroUsize) -> Thread {
        Thread::new(id, format!("Foreign-{id}"), false, false)
    }

    fn new(id: NonZeroUsize, name: String, daemon: bool, managed: bool) -> Thread {
        Thread {
            inner: Arc::new(Inner {
                id,
                home: Process::this(),
                name,
                daemon,
                managed,
                native_id: AtomicUsize::new(0),
                ended: Event::new(),
                panicked: Mutex::new(None),
                os_thread: Mutex::new(OsThread::default()),
                exited: Event::new(),
            }),
        }
    }

    /// Called by the thread itself, before all else.
    pub(super) fn on_start(&self) {
        self.inner
            .native_id
            .store(thread::native_id().map_or(0, NonZeroUsize::get), Relaxed);
    }

    /// Calls `start` and stores the handle of the OS thread. A joiner that arrives
    /// meanwhile blocks until the handle is stored, even if the thread has already ended.
    pub(super) fn start_os_thread(&self, start: impl FnOnce() -> io::Result<thread::JoinHandle<()>>) -> io::Result<()> {
        let mut os_thread = self.inner.os_thread.acquire();
        os_thread.handle = Some(Owned::new(start()?));
        Ok(())
    }

    /// Ends the thread, which has been removed from the registry's list of alive threads.
    pub(super) fn finish(&self, panicked: Option<Panicked>) {
        *self.inner.panicked.acquire() = panicked.map(|panicked| Panic {
            panicked,
            reported: false,
        });
        self.inner.ended.set(); // invariant 1
    }

    /// Called when the thread-locals have been dropped.
    pub(super) fn mark_exited(&self) {
        self.inner.exited.set();
    }

    /// Whether the thread-locals have been dropped. If so, everything that the thread did happens-before this call.
    pub(super) fn has_exited(&self) -> bool {
        self.inner.exited.is_set()
    }

    /// The id of the thread. No other thread of the process ever has the same id.
    #[doc(alias("ident", "get_ident"))]
    pub fn id(&self) -> NonZeroUsize {
        self.inner.id
    }

    /// The id by which the system knows the thread: on Linux, its thread id. `None` before
    /// the thread runs, and on other systems. In a child made by `fork`, the thread that
    /// called `fork` has a new native id; all other threads of the parent have none.
    #[doc(alias = "get_native_id")]
    pub fn native_id(&self) -> Option<NonZeroUsize> {
        match self.inner.home.is_this() {
            true => NonZeroUsize::new(self.inner.native_id.load(Relaxed)),
            false if process::survivor() == Some(self.id()) => thread::native_id_of_the_first(),
            false => None,
        }
    }

    /// The thread's name: the name that it was given, or `Thread-` and a number.
    #[doc(alias = "getName")]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Whether the thread is a daemon: [`join_all`](super::join_all)
    /// and an [`ExitGuard`](super::ExitGuard) do not wait for it.
    #[doc(alias("daemon", "isDaemon"))]
    pub fn is_daemon(&self) -> bool {
        self.inner.daemon
    }

    /// Whether the thread has not ended. A thread is alive from before its start until its
    /// function has been dropped and its result stored or dropped. In a child made by `fork`,
    /// only the thread that called `fork` and the threads started in the child are alive.
    ///
    /// ```
    /// let thread = selvedge::thread::spawn(|| ());
    /// thread.join()?;
    /// assert!(!thread.is_alive());
    /// # Ok::<(), selvedge::thread::Panicked>(())
    /// ```
    #[doc(alias = "isAlive")]
    pub fn is_alive(&self) -> bool {
        !self.inner.ended.is_set() && !self.is_left_behind()
    }

    /// Whether the process is a child made by `fork`, and the thread had not ended in the parent.
    pub(super) fn is_left_behind(&self) -> bool {
        self.inner.home.left_behind(self.inner.id) && !self.inner.ended.is_set()
    }

    /// Blocks until the thread has ended. Any number of threads may join it, any number of times.
    ///
    /// The thread has dropped its thread-locals when `join` returns; the other joins do not wait
    /// for that, and detach the OS thread instead, so that its stack is freed although handles
    /// remain. If none of them has reported the end before, the OS thread has ended too.
    ///
    /// # Errors
    /// [`Panicked`] if the thread panicked. In a child made by `fork`, also if it is a
    /// thread of the parent that had not ended, because it does not exist in the child.
    ///
    /// # Panics
    /// If a thread joins itself, or a thread that was not started by this crate: the join would block indefinitely.
    ///
    /// ```
    /// let thread = selvedge::thread::spawn(|| 2 + 2);
    /// thread.join()?;
    /// assert_eq!(thread.take_result(), Some(4));
    /// # Ok::<(), selvedge::thread::Panicked>(())
    /// ```
    pub fn join(&self) -> Result<(), Panicked> {
        self.check_joinable()?;
        self.await_end();
        self.outcome()
    }

    /// Returns how the thread ended, or `None` if it has not ended; never blocks.
    ///
    /// # Panics
    /// As [`join`](Thread::join).
    pub fn try_join(&self) -> Option<Result<(), Panicked>> {
        if let Err(left_behind) = self.check_joinable() {
            return Some(Err(left_behind));
        }
        self.inner.ended.is_set().then(|| {
            self.detach();
            self.outcome()
        })
    }

    /// Blocks until the thread has ended, for at most `timeout`; a zero timeout checks once.
    ///
    /// # Errors
    /// [`JoinError::TimedOut`] if the thread has not ended: it continues,
    /// and can be joined again. [`JoinError::Panicked`] if it panicked.
    ///
    /// # Panics
    /// As [`join`](Thread::join).
    ///
    /// ```
    /// use selvedge::{Event, thread};
    /// use std::{sync::Arc, time::Duration};
    ///
    /// let gate = Arc::new(Event::new());
    /// let thread_gate = Arc::clone(&gate);
    /// let thread = thread::spawn(move || thread_gate.wait());
    /// assert_eq!(thread.join_timeout(Duration::from_millis(1)), Err(thread::JoinError::TimedOut));
    /// gate.set();
    /// assert_eq!(thread.join_timeout(Duration::MAX), Ok(()));
    /// ```
    pub fn join_timeout(&self, timeout: Duration) -> Result<(), JoinError> {
        self.check_joinable()?;
        self.inner
            .ended
            .wait_timeout(timeout)
            .map_err(|_| JoinError::TimedOut)?;
        self.detach();
        Ok(self.outcome()?)
    }

    /// Blocks until the thread has ended, until `deadline` at the latest; a deadline that has elapsed checks once.
    ///
    /// # Errors
    /// # Panics
    /// As [`join_timeout`](Thread::join_timeout).
    pub fn join_deadline(&self, deadline: Instant) -> Result<(), JoinError> {
        self.check_joinable()?;
        self.inner
            .ended
            .wait_deadline(deadline)
            .map_err(|_| JoinError::TimedOut)?;
        self.detach();
        Ok(self.outcome()?)
    }

    #[inline]
    fn check_joinable(&self) -> Result<(), Panicked> {
        assert!(
            self.inner.managed,
            "a thread that was not started by this crate can't be joined"
        );
        assert!(self.id() != thread::id(), "a thread can't join itself");
        if self.is_left_behind() {
            Err(Panicked::left_behind(self.name()))
        } else {
            Ok(())
        }
    }

    /// Blocks until the thread has ended and its thread-locals have been dropped.
    pub(super) fn await_end(&self) {
        self.inner.ended.wait();
        let exists = !self.inner.home.left_behind(self.inner.id); // invariant 4
        if exists && !self.join_os_thread() {
            self.inner.exited.wait(); // invariant 3
        }
    }

    pub(super) fn await_end_until(&self, deadline: Instant) -> bool {
        let ended = self.inner.ended.wait_deadline(deadline).is_ok();
        if ended {
            self.detach();
        }
        ended
    }

    /// Joins the OS thread, which blocks until the thread-locals have been dropped; for an exited thread
    /// this is brief. Returns false if the OS thread was detached before, or belongs to the parent process.
    pub(super) fn join_os_thread(&self) -> bool {
        if self.inner.home.is_parent() {
            return false; // invariant 4; a thread of the parent may have held the lock at the fork
        }
        // The lock is held during the join: the first joiner waits
        // for the OS thread, the other joiners wait for the lock.
        let mut os_thread = self.inner.os_thread.acquire();
        if let Some(handle) = os_thread.handle.take().and_then(Owned::into_inner) {
            // An error is impossible: the thread has caught the panic of its function.
            let _ = handle.join();
        }
        !os_thread.detached
    }

    /// Detaches the OS thread, unless another thread joins it or has joined it; never blocks.
    fn detach(&self) {
        if let Some(mut os_thread) = self.inner.os_thread.try_acquire() {
            os_thread.detached |= os_thread.handle.take().is_some();
        }
    }

    fn outcome(&self) -> Result<(), Panicked> {
        match &mut *self.inner.panicked.acquire() {
            None => Ok(()),
            Some(panic) => {
                panic.reported = true;
                Err(panic.panicked.clone())
            }
        }
    }

    /// Whether the thread panicked, and neither a join nor its scope has reported the panic.
    pub(super) fn has_unreported_panic(&self) -> bool {
        self.inner
            .panicked
            .acquire()
            .as_ref()
            .is_some_and(|panic| !panic.reported)
    }

    /// As `has_unreported_panic`; from now on the panic counts as reported.
    pub(super) fn mark_panic_reported(&self) -> bool {
        self.inner
            .panicked
            .acquire()
            .as_mut()
            .is_some_and(|panic| !mem::replace(&mut panic.reported, true))
    }
}

impl PartialEq for Thread {
    fn eq(&self, other: &Thread) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Thread {}

impl Hash for Thread {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread")
            .field("name", &self.name())
            .field("id", &self.id())
            .field("daemon", &self.is_daemon())
            .field("alive", &self.is_alive())
            .finish()
    }
}
