//! What a pool is to be like.

use super::crew::Terms;
use super::pool::ThreadPool;
use crate::backend::{Arc, thread};
use crate::thread::{Registry, global_registry};
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};

/// As many workers as Python would have, at most.
const MOST_BY_DEFAULT: usize = 32;
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
    terms: Terms,
}

// The initializer of a broken pool is not called again.
impl UnwindSafe for Builder {}
impl RefUnwindSafe for Builder {}

impl Builder {
    /// A pool of as many workers as there are processors and four more, but no more than 32, on the program's registry.
    pub fn new() -> Builder {
        let most = MOST_BY_DEFAULT.min(thread::processors().saturating_add(MORE_THAN_PROCESSORS));
        let name = Arc::from("pool");
        let registry = global_registry().clone();
        Builder {
            terms: Terms {
                most,
                name,
                stack_size: None,
                initializer: None,
                registry,
            },
        }
    }

    /// The most threads that it may have.
    ///
    /// # Panics
    /// If `most` is zero.
    #[doc(alias = "max_workers")]
    pub fn workers(mut self, most: usize) -> Builder {
        assert!(most > 0, "a pool has at least one worker");
        self.terms.most = most;
        self
    }

    /// What its threads are called, before `_` and a number; `pool` if it is not said.
    #[doc(alias = "thread_name_prefix")]
    pub fn name(mut self, prefix: impl Into<Arc<str>>) -> Builder {
        self.terms.name = prefix.into();
        self
    }

    /// The size of its threads' stacks in bytes, at least. If not, that of the standard library.
    pub fn stack_size(mut self, stack_size: usize) -> Builder {
        self.terms.stack_size = Some(stack_size);
        self
    }

    /// What each thread runs first. If it panics, the pool is broken: it takes no more jobs, those that are queued fail with
    /// [`JobError::Broken`](super::JobError::Broken), and those that run go on to their end.
    pub fn initializer(mut self, run: impl Fn() + Send + Sync + 'static) -> Builder {
        self.terms.initializer = Some(Arc::new(run));
        self
    }

    /// The registry on which its threads stand, as daemons.
    pub fn registry(mut self, registry: &Registry) -> Builder {
        self.terms.registry = registry.clone();
        self
    }

    /// Makes the pool, which starts no thread before it is given a job.
    pub fn build(self) -> ThreadPool {
        ThreadPool::with(self.terms)
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
            .field("workers", &self.terms.most)
            .field("name", &self.terms.name)
            .field("stack_size", &self.terms.stack_size)
            .finish_non_exhaustive()
    }
}
