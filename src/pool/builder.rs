//! What a pool is to be like.

use super::pool::ThreadPool;
use super::workers::Config;
use crate::backend::{Arc, thread};
use crate::thread::{Registry, global_registry};
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};

/// As many workers as Python would have, at most.
const DEFAULT_MAX: usize = 32;
/// So many more than processors, since some wait for a file or for somebody.
const MORE_THAN_PROCESSORS: usize = 4;

/// A thread pool to be.
///
/// ```
/// use selvedge::pool::Builder;
/// let pool = Builder::new().workers(3).name("loom").initializer(|| println!("a worker begins")).build();
/// let job = pool.submit(|| selvedge::thread::current().name().to_owned())?;
/// assert_eq!(job.result()?, "loom_0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "there is no pool before `build`"]
#[doc(alias = "ThreadPoolExecutor")]
pub struct Builder {
    config: Config,
}

// The initializer of a broken pool is not called again.
impl UnwindSafe for Builder {}
impl RefUnwindSafe for Builder {}

impl Builder {
    /// A pool of as many workers as there are processors and four more, but no more than 32, on the program's registry.
    pub fn new() -> Builder {
        let max_workers = DEFAULT_MAX.min(thread::processors().saturating_add(MORE_THAN_PROCESSORS));
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
        assert!(max_workers > 0, "a pool has at least one worker");
        self.config.max_workers = max_workers;
        self
    }

    /// What its threads are called, before `_` and a number; `pool` if it is not said.
    #[doc(alias = "thread_name_prefix")]
    pub fn name(mut self, prefix: impl Into<Arc<str>>) -> Builder {
        self.config.name = prefix.into();
        self
    }

    /// The size of its threads' stacks in bytes, at least. If not, that of the standard library.
    pub fn stack_size(mut self, stack_size: usize) -> Builder {
        self.config.stack_size = Some(stack_size);
        self
    }

    /// What each thread runs first. If it panics, the pool is broken: it takes no more jobs, those that are queued fail with
    /// [`JobError::Broken`](super::JobError::Broken), and those that run go on to their end.
    pub fn initializer(mut self, run: impl Fn() + Send + Sync + 'static) -> Builder {
        self.config.initializer = Some(Arc::new(run));
        self
    }

    /// The registry on which its threads stand, as daemons.
    pub fn registry(mut self, registry: &Registry) -> Builder {
        self.config.registry = registry.clone();
        self
    }

    /// Makes the pool, which starts no thread before it is given a job.
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
