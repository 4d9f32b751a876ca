//! How a thread is to be started.

use super::error::Panicked;
use super::handle::{JoinHandle, keep};
use super::registry::{self, Body, Config, Registry};
use super::scope::Scope;
use crate::backend::Arc;
use crate::sync::Mutex;
use crate::unwind::{catch, catch_quietly, or_abort};
use core::mem;
use std::io;

/// What a thread can run: any function without arguments, or an object of yours.
///
/// # Python
/// The two ways to make a `threading.Thread`: with a target, or by overriding `run`.
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
    /// What it makes.
    type Output;

    /// Does the work, on the new thread. The object is dropped before any joiner is told.
    fn run(self) -> Self::Output;
}

impl<F: FnOnce() -> T, T> Run for F {
    type Output = T;

    fn run(self) -> T {
        self()
    }
}

/// A thread to be: its name, its stack, and whether the program may end without it.
///
/// ```
/// let thread = selvedge::thread::Builder::new().name("reader").stack_size(64 * 1024).daemon(true).spawn(|| ())?;
/// assert_eq!(thread.name(), "reader");
/// assert!(thread.is_daemon());
/// # thread.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is started before `spawn`"]
#[doc(alias = "threading.Thread")]
pub struct Builder {
    registry: Registry,
    config: Config,
}

impl Registry {
    /// Configures a thread of this registry.
    pub fn builder(&self) -> Builder {
        Builder {
            registry: self.clone(),
            config: Config::default(),
        }
    }
}

impl Builder {
    /// A thread of the program's own registry, with a name and a stack like any other.
    #[allow(clippy::new_without_default, reason = "std's has no default either")]
    pub fn new() -> Builder {
        registry::global().builder()
    }

    /// Names it; the system is told too, and may show only the beginning. If not, it is called `Thread-` and a number.
    pub fn name(mut self, name: impl Into<String>) -> Builder {
        self.config.name = Some(name.into());
        self
    }

    /// Whether the program may end without it. If it is not said, it is as the thread that starts it is.
    #[doc(alias = "setDaemon")]
    pub fn daemon(mut self, daemon: bool) -> Builder {
        self.config.daemon = Some(daemon);
        self
    }

    /// The size of its stack in bytes, at least. If not, that of the standard library.
    pub fn stack_size(mut self, stack_size: usize) -> Builder {
        self.config.stack_size = Some(stack_size);
        self
    }

    /// Starts the thread. It is on the registry when this returns, or has ended.
    ///
    /// Everything before this happens-before everything that the thread does.
    ///
    /// # Errors
    /// What the system says if it refuses the thread, or its stack; [`io::ErrorKind::InvalidInput`] if there is a zero byte in
    /// the name. `run` is dropped, and nothing is left on the registry.
    ///
    /// ```
    /// let before = selvedge::thread::active_count();
    /// let refused = selvedge::thread::Builder::new().stack_size(usize::MAX).spawn(|| ());
    /// assert!(refused.is_err());
    /// # assert!(before >= 1);
    /// ```
    #[doc(alias = "start")]
    pub fn spawn<R>(self, run: R) -> io::Result<JoinHandle<R::Output>>
    where
        R: Run + Send + 'static,
        R::Output: Send + 'static,
    {
        // SAFETY: nothing is borrowed, so nobody need wait.
        unsafe { self.spawn_unchecked(run) }
    }

    /// Starts the thread in a scope, so that it may borrow what lives longer than that.
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
        // SAFETY: the scope waits for the end of all that it has admitted (invariant 1 of scope.rs).
        let handle = unsafe { self.spawn_unchecked(run) }?;
        or_abort(|| scope.admit(handle.thread().clone()));
        Ok(handle)
    }

    /// # Safety
    /// What `run` and its output borrow must live until the thread has ended.
    unsafe fn spawn_unchecked<'a, R>(self, run: R) -> io::Result<JoinHandle<R::Output>>
    where
        R: Run + Send + 'a,
        R::Output: Send + 'a,
    {
        let outcome = Arc::new(Mutex::new(None));
        let (theirs, registry) = (Arc::clone(&outcome), self.registry.clone());
        let body: Body<'a> = Box::new(move |thread| {
            let ended = catch(|| run.run());
            let panicked = ended.as_ref().err().map(|payload| {
                registry.report(thread, &**payload);
                Panicked::new(thread.name(), &**payload)
            });
            // What nobody takes may panic in its drop: that is not the end that the thread has come to.
            catch_quietly(|| keep(theirs, ended));
            panicked
        });
        // SAFETY: the caller's: by the time that the thread has ended, the body has been run or dropped, and all that it
        // borrows let go (invariant 2 of thread.rs).
        let body = unsafe { mem::transmute::<Body<'a>, Body<'static>>(body) };
        Ok(JoinHandle::new(self.registry.launch(self.config, body)?, outcome))
    }
}
