//! The settings of a pool.

use super::pool::ThreadPool;
use super::workers::Config;
use crate::backend::{Arc, thread};
use crate::thread::{Registry, global_registry};
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};

/// The upper limit of the default number of workers; the same as in Python.
const MAX_DEFAULT_WORKERS: usize = 32;
/// The default number of workers exceeds the number of processors, because some jobs block.
const EXTRA_WORKERS: usize = 4;

/// The settings of a thread pool.
///
/// ```
/// use selvedge::pool::Builder;
/// let pool = Builder::new().workers(3).name("loom").initializer(|| println!("a worker starts")).build();
/// let job = pool.submit(|| selvedge::thread::current().name().to_owned())?;
/// assert_eq!(job.result()?, "loom_0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "no pool is created before `build`"]
#[doc(alias = "ThreadPoolExecutor")]
pub struct Builder {
    config: Config,
}

// The initializer of a broken pool is not called again.
impl UnwindSafe for Builder {}
impl RefUnwindSafe for Builder {}

impl Builder {
    /// A builder with default settings: as many workers as there are
    /// processors plus four, at most 32, on the program's registry.
    pub fn new() -> Builder {
        let max_workers = MAX_DEFAULT_WORKERS.min(thread::processors().saturating_add(EXTRA_WORKERS));
        let name = Arc::from("pool");
        let registry = global_registry().clone();
        Builder {
            config: Config {
                max_workers,
                name,
                stack_size: None,
                initializer: None,
                registry,
            },
        }
    }

    /// Sets the maximum number of workers.
    ///
    /// # Panics
    /// If `max_workers` is zero.
    #[doc(alias = "max_workers")]
    pub fn workers(mut self, max_workers: usize) -> Builder {
        assert!(max_workers > 0, "a pool must have at least one worker");
        self.config.max_workers = max_workers;
        self
    }

    /// The prefix of the workers' names, which is followed by `_` and a number; by default `pool`.
    #[doc(alias = "thread_name_prefix")]
    pub fn name(mut self, prefix: impl Into<Arc<str>>) -> Builder {
        self.config.name = prefix.into();
        self
    }

    /// The minimum size of the workers' stacks in bytes; by default that of the standard library.
    pub fn stack_size(mut self, stack_size: usize) -> Builder {
        self.config.stack_size = Some(stack_size);
        self
    }

    /// A function that each worker calls first. If it panics, the pool is broken: it rejects new jobs, the queued
    /// jobs fail with [`JobError::Broken`](super::JobError::Broken), and the running jobs continue to their ends.
    pub fn initializer(mut self, run: impl Fn() + Send + Sync + 'static) -> Builder {
        self.config.initializer = Some(Arc::new(run));
        self
    }

    /// The registry in which the workers are listed, as daemons; by default the program's own.
    pub fn registry(mut self, registry: &Registry) -> Builder {
        self.config.registry = registry.clone();
        self
    }

    /// Creates the pool. No thread is started before the first job is submitted.
    pub fn build(self) -> ThreadPool {
        ThreadPool::from_config(self.config)
    }
}

impl Default for Builder {
    fn default() -> Builder {
        Builder::new()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("workers", &self.config.max_workers)
            .field("name", &self.config.name)
            .field("stack_size", &self.config.stack_size)
            .finish_non_exhaustive()
    }
}
