//! What is known of a thread while it lives, and after that.
//!
//! # Invariants
//! 1. Whoever ends a thread's life first takes it off the registry, and says how it ended: `ended` is set last, once.
//! 2. By then the function that the thread ran has been dropped, and so has its result if nobody can take it.
//! 3. `system` is the system's thread, which keeps its stack until it is joined or detached. A call that observes the end does
//!    one of the two, and the registry joins the system's thread of each that is gone, though no call observes it. A join that
//!    finds it detached waits for `gone`, which is set after the thread-locals are dropped.
//! 4. In a child made by `fork` the system's thread of a thread of the parent's is neither joined nor detached: the system uses
//!    its memory for another. Of those threads only the survivor sets `gone` there.

use super::error::{JoinError, Panicked};
use crate::backend::atomic::{AtomicUsize, Ordering::Relaxed};
use crate::backend::process::{Owned, Process};
use crate::backend::{Arc, Instant, lost, process, thread};
use crate::sync::{Event, Mutex};
use core::fmt;
use core::hash::{Hash, Hasher};
use core::mem;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::io;

/// A thread, as others know it: to ask it for its name, or to wait for its end. Clones are the same thread.
///
/// Those that the kit has started come from a [`JoinHandle`](super::JoinHandle), which dereferences to this, or from
/// [`enumerate`](super::enumerate). The program's first thread, and those that others have started, can be seen by
/// [`current`](super::current), but not joined: the kit does not know when they end.
///
/// Everything that the thread did, the drop of its function included, happens-before a join that tells that it has
/// ended.
///
/// # Python
/// `threading.Thread`. Its name and whether it is a daemon are settled when it starts.
#[derive(Clone)]
pub struct Thread {
    life: Arc<Life>,
}

struct Life {
    id: NonZeroUsize,
    home: Process,
    name: String,
    daemon: bool,
    ours: bool,
    native: AtomicUsize,
    ended: Event,
    panicked: Mutex<Option<Panic>>,
    system: Mutex<System>,
    gone: Event,
}

/// How the thread has panicked, and whether the program knows of it: by a join, or by the thread's scope.
struct Panic {
    panicked: Panicked,
    seen: bool,
}

impl Drop for Panic {
    fn drop(&mut self) {
        if !self.seen {
            lost(|| self.panicked.to_string());
        }
    }
}

/// The system's thread, until it is joined or detached.
#[derive(Default)]
struct System {
    /// Owned by the process (invariant 4).
    thread: Option<Owned<thread::JoinHandle<()>>>,
    detached: bool,
}

impl Thread {
    /// A thread that the kit will start.
    pub(super) fn ours(id: NonZeroUsize, name: String, daemon: bool) -> Thread {
        Thread::with(id, name, daemon, true)
    }

    /// The calling thread, which somebody else has started.
    pub(super) fn of_others() -> Thread {
        let id = thread::id();
        let thread = Thread::with(
            id,
            thread::name().unwrap_or_else(|| format!("Foreign-{id}")),
            false,
            false,
        );
        thread.begin();
        thread
    }

    /// The thread with which a child made by `fork` began, if the kit knows no more of it.
    pub(super) fn survivor(id: NonZeroUsize) -> Thread {
        Thread::with(id, format!("Foreign-{id}"), false, false)
    }

    fn with(id: NonZeroUsize, name: String, daemon: bool, ours: bool) -> Thread {
        Thread {
            life: Arc::new(Life {
                id,
                home: Process::this(),
                name,
                daemon,
                ours,
                native: AtomicUsize::new(0),
                ended: Event::new(),
                panicked: Mutex::new(None),
                system: Mutex::new(System::default()),
                gone: Event::new(),
            }),
        }
    }

    /// The thread's first act.
    pub(super) fn begin(&self) {
        self.life
            .native
            .store(thread::native_id().map_or(0, NonZeroUsize::get), Relaxed);
    }

    /// Has the system start it. Who joins it meanwhile, though it may have ended, waits for the handle.
    pub(super) fn run_as(&self, start: impl FnOnce() -> io::Result<thread::JoinHandle<()>>) -> io::Result<()> {
        let mut system = self.life.system.acquire();
        system.thread = Some(Owned::new(start()?));
        Ok(())
    }

    /// The thread's last act; it is on no registry any more.
    pub(super) fn end(&self, panicked: Option<Panicked>) {
        *self.life.panicked.acquire() = panicked.map(|panicked| Panic { panicked, seen: false });
        self.life.ended.set(); // invariant 1
    }

    /// Its thread-locals are dropped.
    pub(super) fn go(&self) {
        self.life.gone.set();
    }

    /// Whether all that it did, with its thread-locals, happens-before this.
    pub(super) fn is_gone(&self) -> bool {
        self.life.gone.is_set()
    }

    /// A number that no other thread has or will have.
    #[doc(alias("ident", "get_ident"))]
    pub fn id(&self) -> NonZeroUsize {
        self.life.id
    }

    /// What the system calls the thread: on Linux, its number. `None` until it has begun, and on other systems. In a child made
    /// by `fork` the thread that called it has another number than in the parent; those that do not exist have none.
    #[doc(alias = "get_native_id")]
    pub fn native_id(&self) -> Option<NonZeroUsize> {
        match self.life.home.is_this() {
            true => NonZeroUsize::new(self.life.native.load(Relaxed)),
            false if process::survivor() == Some(self.id()) => thread::native_id_of_the_first(),
            false => None,
        }
    }

    /// The thread's name: `Thread-` and a number, unless it was given one.
    #[doc(alias = "getName")]
    pub fn name(&self) -> &str {
        &self.life.name
    }

    /// Whether the program may end without it.
    #[doc(alias("daemon", "isDaemon"))]
    pub fn is_daemon(&self) -> bool {
        self.life.daemon
    }

    /// Whether it has not ended: from before it is started until its function and its result are dealt with. In a child made
    /// by `fork` only the thread that called it, and those that were started there, are alive.
    ///
    /// ```
    /// let thread = selvedge::thread::spawn(|| ());
    /// thread.join()?;
    /// assert!(!thread.is_alive());
    /// # Ok::<(), selvedge::thread::Panicked>(())
    /// ```
    #[doc(alias = "isAlive")]
    pub fn is_alive(&self) -> bool {
        !self.life.ended.is_set() && !self.is_left_behind()
    }

    /// Whether the process is a child made by `fork`, and the thread one of the parent's that had not ended.
    pub(super) fn is_left_behind(&self) -> bool {
        self.life.home.left_behind(self.life.id) && !self.life.ended.is_set()
    }

    /// Waits until the thread has ended. Any number of threads may, any number of times.
    ///
    /// The thread has dropped its thread-locals too, which the timed forms do not wait for. The system's thread has ended,
    /// unless a form that does not wait for that has reported the end before: that form detaches the system's thread, so that
    /// its stack is freed though handles remain.
    ///
    /// # Errors
    /// [`Panicked`] if it ended by a panic. So does, in a child made by `fork`, a thread of the parent that had not ended: it
    /// does not exist there.
    ///
    /// # Panics
    /// If a thread joins itself, or one that the kit has not started: it would wait for ever.
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

    /// How the thread ended, or `None` if it has not; never blocks.
    ///
    /// # Panics
    /// As [`join`](Thread::join).
    pub fn try_join(&self) -> Option<Result<(), Panicked>> {
        if let Err(left_behind) = self.check_joinable() {
            return Some(Err(left_behind));
        }
        self.life.ended.is_set().then(|| {
            self.detach();
            self.outcome()
        })
    }

    /// Waits until the thread has ended, for at most `timeout`; zero is one look.
    ///
    /// # Errors
    /// [`JoinError::TimedOut`] if it has not: it goes on, and nothing of it is lost. [`JoinError::Panicked`] if it ended by
    /// a panic.
    ///
    /// # Panics
    /// As [`join`](Thread::join).
    ///
    /// ```
    /// use selvedge::{Event, thread};
    /// use std::{sync::Arc, time::Duration};
    ///
    /// let go = Arc::new(Event::new());
    /// let theirs = Arc::clone(&go);
    /// let thread = thread::spawn(move || theirs.wait());
    /// assert_eq!(thread.join_timeout(Duration::from_millis(1)), Err(thread::JoinError::TimedOut));
    /// go.set();
    /// assert_eq!(thread.join_timeout(Duration::MAX), Ok(()));
    /// ```
    pub fn join_timeout(&self, timeout: Duration) -> Result<(), JoinError> {
        self.check_joinable()?;
        self.life.ended.wait_timeout(timeout).map_err(|_| JoinError::TimedOut)?;
        self.detach();
        Ok(self.outcome()?)
    }

    /// Waits until the thread has ended, or `deadline`; one that has passed is one look.
    ///
    /// # Errors
    /// # Panics
    /// As [`join_timeout`](Thread::join_timeout).
    pub fn join_deadline(&self, deadline: Instant) -> Result<(), JoinError> {
        self.check_joinable()?;
        self.life
            .ended
            .wait_deadline(deadline)
            .map_err(|_| JoinError::TimedOut)?;
        self.detach();
        Ok(self.outcome()?)
    }

    #[inline]
    fn check_joinable(&self) -> Result<(), Panicked> {
        assert!(self.life.ours, "a thread that the kit has not started can't be joined");
        assert!(self.id() != thread::id(), "a thread can't join itself");
        if self.is_left_behind() {
            Err(Panicked::left_behind(self.name()))
        } else {
            Ok(())
        }
    }

    /// Waits for the end of the thread, and of the system's thread.
    pub(super) fn await_end(&self) {
        self.life.ended.wait();
        let exists = !self.life.home.left_behind(self.life.id); // invariant 4
        if exists && !self.join_system() {
            self.life.gone.wait(); // invariant 3
        }
    }

    pub(super) fn await_end_until(&self, deadline: Instant) -> bool {
        let ended = self.life.ended.wait_deadline(deadline).is_ok();
        if ended {
            self.detach();
        }
        ended
    }

    /// Joins the system's thread, which blocks until the thread-locals are dropped: for a thread that is gone only a moment. False
    /// if it was detached before, or is not of this process.
    pub(super) fn join_system(&self) -> bool {
        if self.life.home.is_parent() {
            return false; // invariant 4; a thread of the parent's may have held the lock at the fork
        }
        // The lock is held meanwhile: one joiner waits for the system, the others for the one.
        let mut system = self.life.system.acquire();
        if let Some(thread) = system.thread.take().and_then(Owned::into_inner) {
            // It has caught whatever its function threw.
            let _ = thread.join();
        }
        !system.detached
    }

    /// Detaches the system's thread, unless another thread joins or has joined it; never blocks.
    fn detach(&self) {
        if let Some(mut system) = self.life.system.try_acquire() {
            system.detached |= system.thread.take().is_some();
        }
    }

    fn outcome(&self) -> Result<(), Panicked> {
        match &mut *self.life.panicked.acquire() {
            None => Ok(()),
            Some(panic) => {
                panic.seen = true;
                Err(panic.panicked.clone())
            }
        }
    }

    /// Whether it has panicked, and nobody was told by a join.
    pub(super) fn has_unseen_panic(&self) -> bool {
        self.life.panicked.acquire().as_ref().is_some_and(|panic| !panic.seen)
    }

    /// The same; and from now on the program knows of the panic.
    pub(super) fn see_panic(&self) -> bool {
        self.life
            .panicked
            .acquire()
            .as_mut()
            .is_some_and(|panic| !mem::replace(&mut panic.seen, true))
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
