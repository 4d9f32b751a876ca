//! The settings of a new thread, and its start.

use super::error::Panicked;
use super::handle::{JoinHandle, store_outcome};
use super::registry::{self, Body, Config, Registry};
use super::scope::Scope;
use crate::backend::Arc;
use crate::sync::Mutex;
use crate::unwind::{catch, catch_quietly, or_abort};
use core::mem;
use std::io;

/// What a thread can run: any function without parameters, or an object of a type that implements this trait.
///
/// # Python
/// The two ways to make a `threading.Thread`: pass a target, or override `run`.
///
/// ```
/// use selvedge::thread::{self, Run};
///
/// struct Greeter { name: &'static str }
///
/// impl Run for Greeter {
///     type Output = String;
///     fn run(self) -> String {
///         format!("hello, {}", self.name)
///     }
/// }
///
/// let by_object = thread::spawn(Greeter { name: "Ada" });
/// let by_function = thread::spawn(|| "hello, Ada".to_owned());
/// by_object.join()?;
/// by_function.join()?;
/// assert_eq!(by_object.take_result(), by_function.take_result());
/// # Ok::<(), thread::Panicked>(())
/// ```
pub trait Run {
    /// The result of the function.
    type Output;

    /// Called once, on the new thread. The object is dropped before any joiner is notified.
    fn run(self) -> Self::Output;
}

impl<F: FnOnce() -> T, T> Run for F {
    type Output = T;

    fn run(self) -> T {
        self()
    }
}

/// The settings of a thread: its name, its stack size, and whether it is a daemon.
///
/// ```
/// let thread = selvedge::thread::Builder::new().name("reader").stack_size(64 * 1024).daemon(true).spawn(|| ())?;
/// assert_eq!(thread.name(), "reader");
/// assert!(thread.is_daemon());
/// # thread.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "no thread is started before `spawn`"]
#[doc(alias = "threading.Thread")]
pub struct Builder {
    registry: Registry,
    config: Config,
}

impl Registry {
    /// A builder of threads of this registry.
    pub fn builder(&self) -> Builder {
        Builder {
            registry: self.clone(),
            config: Config::default(),
        }
    }
}

impl Builder {
    /// A builder of threads of the program's own registry, with default settings.
    #[allow(clippy::new_without_default, reason = "std's builder has no `Default` either")]
    pub fn new() -> Builder {
        registry::global().builder()
    }

    /// The thread's name; by default `Thread-` and a number. The system receives the name too, and may truncate it.
    pub fn name(mut self, name: impl Into<String>) -> Builder {
        self.config.name = Some(name.into());
        self
    }

    /// Whether the thread is a daemon, for which [`join_all`](super::join_all) does
    /// not wait. By default it is a daemon if the thread that calls `spawn` is one.
    #[doc(alias = "setDaemon")]
    pub fn daemon(mut self, daemon: bool) -> Builder {
        self.config.daemon = Some(daemon);
        self
    }

    /// The minimum size of the thread's stack in bytes; by default that of the standard library.
    pub fn stack_size(mut self, stack_size: usize) -> Builder {
        self.config.stack_size = Some(stack_size);
        self
    }

    /// Starts the thread. When `spawn` returns, the thread is in its registry, or has ended.
    ///
    /// Everything before the call happens-before everything that the thread does.
    ///
    /// # Errors
    /// The system's error if it can't create the thread or its stack; [`io::ErrorKind::InvalidInput`]
    /// if the name contains a zero byte. Then `run` is dropped, and the registry is unchanged.
    ///
    /// ```
    /// let before = selvedge::thread::active_count();
    /// let failed = selvedge::thread::Builder::new().stack_size(usize::MAX).spawn(|| ());
    /// assert!(failed.is_err());
    /// # assert!(before >= 1);
    /// ```
    #[doc(alias = "start")]
    pub fn spawn<R>(self, run: R) -> io::Result<JoinHandle<R::Output>>
    where
        R: Run + Send + 'static,
        R::Output: Send + 'static,
    {
        // SAFETY: `run` and its output are `'static`: they borrow nothing.
        unsafe { self.spawn_unchecked(run) }
    }

    /// Starts the thread in a scope. The thread may borrow values that outlive the scope.
    ///
    /// # Errors
    /// As [`spawn`](Builder::spawn).
    ///
    /// ```
    /// use selvedge::thread::{self, Builder};
    /// let words = vec!["warp", "weft"];
    /// let count = thread::scope(|scope| {
    ///     let counter = Builder::new().name("counter").spawn_scoped(scope, || words.len())?;
    ///     counter.join().unwrap();
    ///     Ok::<_, std::io::Error>(counter.take_result())
    /// })?;
    /// assert_eq!(count, Some(2));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn spawn_scoped<'scope, 'env, R>(
        self,
        scope: &'scope Scope<'scope, 'env>,
        run: R,
    ) -> io::Result<JoinHandle<R::Output>>
    where
        R: Run + Send + 'scope,
        R::Output: Send + 'scope,
    {
        // SAFETY: invariant 1 of scope.rs: the scope waits for the end of each thread that was added to it.
        let handle = unsafe { self.spawn_unchecked(run) }?;
        or_abort(|| scope.add(handle.thread().clone()));
        Ok(handle)
    }

    /// # Safety
    /// The values that `run` and its output borrow must live until the thread has ended.
    unsafe fn spawn_unchecked<'a, R>(self, run: R) -> io::Result<JoinHandle<R::Output>>
    where
        R: Run + Send + 'a,
        R::Output: Send + 'a,
    {
        let outcome = Arc::new(Mutex::new(None));
        let (slot, registry) = (Arc::clone(&outcome), self.registry.clone());
        let body: Body<'a> = Box::new(move |thread| {
            let result = catch(|| run.run());
            let panicked = result.as_ref().err().map(|payload| {
                registry.report(thread, &**payload);
                Panicked::new(thread.name(), &**payload)
            });
            // The drop of a result that no handle can take may panic. This does not count as a panic of the thread.
            catch_quietly(|| store_outcome(slot, result));
            panicked
        });
        // SAFETY: invariant 2 of thread.rs: when the thread has ended, `run` has been dropped, and
        // its output dropped or stored. The caller keeps the borrowed values alive until then.
        let body = unsafe { mem::transmute::<Body<'a>, Body<'static>>(body) };
        Ok(JoinHandle::new(self.registry.launch(self.config, body)?, outcome))
    }
}
