//! Threads and timers: what Python's `threading` gives, and results.
//!
//! A started thread is known by its [`JoinHandle`], which any number of threads may join, with a timeout too. Those that
//! live stand on a [`Registry`]; the functions here speak of the program's own, which begins with the thread that first
//! uses this module: let `main` be that. In Rust a program ends when `main` returns, whoever still runs: an
//! [`exit_guard`] waits for all threads but daemons, as Python does.
//!
//! [`Timer`]s share a [`Clock`] that needs one thread or two while their functions are quick. What is the same for every
//! thread, `sleep` and `yield_now`, is in `std::thread`.
//!
//! # Fork
//! A child made by `fork` begins with one thread, a copy of the one that called it, and with the parent's memory. The
//! kit notices a fork by the C library. In the child:
//!
//! - Each [`Registry`] holds that thread alone, as its [main thread](main_thread); its name and its id stay, its
//!   [`native_id`](Thread::native_id) is new. No exit waits for the parent's threads.
//! - A thread of the parent's that had not ended is not [alive](Thread::is_alive), has no result, and gives an error to
//!   those who join it. One that had ended can be joined as before.
//! - Each [`Clock`] is without timers and threads, and starts threads of its own for new timers. Each
//!   [`ThreadPool`](crate::ThreadPool) is without jobs and threads likewise; if it was shut down it stays so. The timers
//!   and jobs of the parent that were not over never run in the child, nor are they dropped.
//! - A thread of a clock or a pool that has forked ends in the child when its function or job returns.
//! - A [`scope`], or a pool's, that waits for what was left behind aborts the process: what that had borrowed may be half
//!   changed.
//! - A [`Local`] and all else that belongs to that thread is as it was.
//! - What the program shares between threads by the objects of [`sync`](crate::sync) and [`queue`](crate::queue) may be
//!   used if no other thread was using it, or waiting at it, at the moment of the fork. What another thread held stays held
//!   for ever.
//!
//! A fork while another thread is using this module for the first time may leave the program's registry unusable: use it
//! before. A fork by a bare system call is not noticed; see [`after_fork_in_child`].
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
#[expect(clippy::module_inception, reason = "it is the thread of the module of threads")]
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

/// Starts a thread; [`Builder`] names it, and tells what went wrong.
///
/// # Panics
/// If the system refuses the thread; nothing is left on the registry then.
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
    Builder::new().spawn(run).expect("the system has room for a thread")
}

/// The calling thread, whoever has started it.
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

/// The thread that first used this module: in a program that begins with it, the one that runs `main`.
#[doc(alias = "starting_thread")]
pub fn main_thread() -> Thread {
    global().main_thread()
}

/// The threads that live, daemons too: the one that first used this module, and those that were started and have not
/// ended, oldest first.
///
/// A thread that was joined is not among them.
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

/// How many threads [`enumerate`] would give.
#[doc(alias = "activeCount")]
pub fn active_count() -> usize {
    global().active_count()
}

/// Waits until every thread has ended that is not a daemon, those too that others start meanwhile; not for the calling
/// thread, nor for the [first](main_thread).
///
/// They have dropped their thread-locals then, which the timed forms do not wait for. All that those threads did
/// happens-before the return.
pub fn join_all() {
    global().join_all();
}

/// [`join_all`], for at most `timeout`.
///
/// # Errors
/// [`TimedOut`] if a thread is left.
pub fn join_all_timeout(timeout: Duration) -> Result<(), TimedOut> {
    global().join_all_timeout(timeout)
}

/// [`join_all`], until `deadline` at the latest.
///
/// # Errors
/// [`TimedOut`] if a thread is left.
pub fn join_all_deadline(deadline: Instant) -> Result<(), TimedOut> {
    global().join_all_deadline(deadline)
}

/// A guard that [joins all](join_all) when it is dropped: hold it in `main`. See [`ExitGuard`].
#[doc(alias = "atexit")]
pub fn exit_guard() -> ExitGuard {
    global().exit_guard()
}

/// From now on `hook` is told of each panic that ends a thread, or a timer's function: by that thread, before any joiner
/// is. See [`Registry::set_panic_hook`].
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

/// The hook, which is told of nothing any more.
pub fn take_panic_hook() -> Option<Arc<PanicHook>> {
    global().take_panic_hook()
}

/// Makes the kit's objects those of this process, as after a [`fork`](self#fork) that the kit has noticed.
///
/// Those who embed the kit in another language's runtime call it from the hook that runs in each child. It is needed if the
/// process was made by a bare system call, such as `clone`, and does no harm after a `fork` by the C library.
///
/// # Safety
/// The process is a child that has its memory to itself, as `fork` and `clone` without `CLONE_VM` make it. The calling thread
/// is its only one, and waits in no call of the kit, as it would in a signal's handler.
///
/// # Python
/// `threading._after_fork`.
///
/// ```
/// /// The runtime calls this in each child, before anything else runs there.
/// extern "C" fn in_child() {
///     // SAFETY: so the calling thread is the only one.
///     unsafe { selvedge::thread::after_fork_in_child() }
/// }
/// ```
#[doc(alias("_after_fork", "pthread_atfork", "at_fork"))]
pub unsafe fn after_fork_in_child() {
    // SAFETY: the caller's.
    unsafe { process::enter_child() }
}
