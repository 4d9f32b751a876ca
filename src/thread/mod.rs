//! Threads and timers: Python's `threading`, and results of threads.
//!
//! [`spawn`] returns a [`JoinHandle`], on which any number of threads can join, with a timeout too. The
//! threads that have not ended are listed in a [`Registry`]. The functions of this module use the
//! program's own registry, which is created when a thread first uses this module; that thread becomes its
//! [main thread](main_thread), so use the module in `main` first. A Rust program ends when `main` returns,
//! even if other threads run. An [`exit_guard`] waits for all threads except daemons, as Python does.
//!
//! [`Timer`]s share a [`Clock`], which needs one thread or two as long as their
//! functions return quickly. `sleep` and `yield_now` are in `std::thread`.
//!
//! # Fork
//! A child made by `fork` begins with a copy of the parent's memory and one thread, a copy of
//! the thread that called `fork`. This crate notices a `fork` of the C library. In the child:
//!
//! - Each [`Registry`] contains only this thread, as its [main thread](main_thread). Its name and id are
//!   unchanged, its [`native_id`](Thread::native_id) is new. No exit waits for the parent's threads.
//! - A thread of the parent that had not ended is not [alive](Thread::is_alive) and has no
//!   result, and a join of it returns an error. A thread that had ended can be joined as before.
//! - Each [`Clock`] has no timers and no threads, and starts threads of its own for new timers. Likewise,
//!   each [`ThreadPool`](crate::ThreadPool) has no jobs and no threads; a pool that was shut down stays so.
//!   The parent's timers and jobs that were not over never run in the child, and are not dropped there.
//! - A thread of a clock or a pool that called `fork` ends in the child when its function or job returns.
//! - A [`scope`] of threads or of a pool aborts the process if it waits for a thread or
//!   job that was left behind in the parent, because borrowed values may be half written.
//! - A [`Local`] and everything else that belongs to this thread is unchanged.
//! - Objects of [`sync`](crate::sync) and [`queue`](crate::queue) that are shared between
//!   threads can be used in the child if no other thread was using or waiting for them at
//!   the moment of the fork. A lock that another thread held stays held indefinitely.
//!
//! If a thread calls `fork` while another thread uses this module for the first time,
//! the program's registry may be unusable in the child: use the module in the parent
//! first. A fork by a bare system call is not noticed; see [`after_fork_in_child`].
//!
//! ```
//! use selvedge::thread;
//!
//! let _guard = thread::exit_guard();
//! let weaver = thread::Builder::new().name("weaver").spawn(|| 6 * 7)?;
//! weaver.join()?;
//! assert_eq!(weaver.take_result(), Some(42));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod error;
mod handle;
mod hook;
mod local;
mod registry;
mod scope;
#[expect(clippy::module_inception, reason = "the module holds the type `Thread`")]
mod thread;
mod timer;

pub use crate::unwind::Payload;
pub use builder::{Builder, Run};
pub use error::{JoinError, Panicked};
pub use handle::JoinHandle;
pub use hook::PanicHook;
pub use local::Local;
pub use registry::{ExitGuard, Registry};
pub use scope::{Scope, scope};
pub use thread::Thread;
pub use timer::{Clock, Timer};

pub(crate) use registry::global as global_registry;

use crate::backend::{Arc, Instant, process};
use crate::sync::TimedOut;
use core::any::Any;
use core::time::Duration;
use registry::global;

/// Starts a thread. [`Builder`] sets its name, and returns an error instead of panicking.
///
/// # Panics
/// If the system can't create the thread; the registry is unchanged.
///
/// ```
/// let thread = selvedge::thread::spawn(|| 1 + 1);
/// thread.join()?;
/// assert_eq!(thread.take_result(), Some(2));
/// # Ok::<(), selvedge::thread::Panicked>(())
/// ```
#[doc(alias("start", "start_new_thread"))]
pub fn spawn<R>(run: R) -> JoinHandle<R::Output>
where
    R: Run + Send + 'static,
    R::Output: Send + 'static,
{
    Builder::new().spawn(run).expect("failed to spawn thread")
}

/// The calling thread, however it was started.
///
/// ```
/// use selvedge::thread;
/// let thread = thread::Builder::new().name("me").spawn(|| assert_eq!(thread::current().name(), "me"))?;
/// thread.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias("current_thread", "currentThread"))]
pub fn current() -> Thread {
    global().current()
}

/// The thread that first used this module: the thread that runs `main`, if `main` begins with a call of this module.
#[doc(alias = "starting_thread")]
pub fn main_thread() -> Thread {
    global().main_thread()
}

/// The alive threads, oldest first: the main thread, and all threads that were started
/// and have not ended, including daemons. A thread that was joined is not in the list.
///
/// ```
/// use selvedge::thread;
/// let joined = thread::spawn(|| ());
/// joined.join()?;
/// assert!(!thread::enumerate().contains(&joined));
/// # Ok::<(), thread::Panicked>(())
/// ```
pub fn enumerate() -> Vec<Thread> {
    global().enumerate()
}

/// The number of threads that [`enumerate`] would return.
#[doc(alias = "activeCount")]
pub fn active_count() -> usize {
    global().active_count()
}

/// Blocks until all threads have ended, except daemons, the calling thread, and the
/// [main thread](main_thread). Threads that are started meanwhile are included.
///
/// The threads have dropped their thread-locals when `join_all` returns; the timed forms
/// do not wait for that. Everything that the threads did happens-before the return.
pub fn join_all() {
    global().join_all();
}

/// [`join_all`], blocking for at most `timeout`.
///
/// # Errors
/// [`TimedOut`] if a thread has not ended.
pub fn join_all_timeout(timeout: Duration) -> Result<(), TimedOut> {
    global().join_all_timeout(timeout)
}

/// [`join_all`], blocking until `deadline` at the latest.
///
/// # Errors
/// [`TimedOut`] if a thread has not ended.
pub fn join_all_deadline(deadline: Instant) -> Result<(), TimedOut> {
    global().join_all_deadline(deadline)
}

/// Returns a guard that calls [`join_all`] when it is dropped. Keep it in a variable of `main`. See [`ExitGuard`].
#[doc(alias = "atexit")]
pub fn exit_guard() -> ExitGuard {
    global().exit_guard()
}

/// Sets the hook that is called for each panic that ends a thread or a timer's function. The
/// panicking thread calls it, before any joiner is notified. See [`Registry::set_panic_hook`].
///
/// ```
/// use selvedge::thread;
/// thread::set_panic_hook(|thread, _| eprintln!("{} has failed", thread.name()));
/// assert!(thread::spawn(|| panic!("no yarn")).join().is_err());
/// # thread::take_panic_hook();
/// ```
#[doc(alias = "excepthook")]
pub fn set_panic_hook(hook: impl Fn(&Thread, &(dyn Any + Send)) + Send + Sync + 'static) {
    global().set_panic_hook(hook);
}

/// Removes the hook and returns it.
pub fn take_panic_hook() -> Option<Arc<PanicHook>> {
    global().take_panic_hook()
}

/// Adapts this crate's objects to a child process, as if this crate had noticed a [`fork`](self#fork).
///
/// A runtime of another language that embeds this crate calls it from the hook that runs in each child. It is needed
/// if the process was created by a bare system call, such as `clone`, and is harmless after a `fork` of the C library.
///
/// # Safety
/// The process is a child with memory of its own, as created by `fork`, or by `clone` without `CLONE_VM`. The
/// calling thread is the child's only thread, and is not inside a call of this crate, as a signal handler may be.
///
/// # Python
/// `threading._after_fork`.
///
/// ```
/// /// The runtime calls this in each child, before anything else runs there.
/// extern "C" fn in_child() {
///     // SAFETY: a hook of `fork` runs on the only thread of the child, outside any call of selvedge.
///     unsafe { selvedge::thread::after_fork_in_child() }
/// }
/// ```
#[doc(alias("_after_fork", "pthread_atfork", "at_fork"))]
pub unsafe fn after_fork_in_child() {
    // SAFETY: the caller guarantees that the calling thread is the only thread of a child process.
    unsafe { process::enter_child() }
}
