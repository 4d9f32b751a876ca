//! Threads that are started once and run many jobs; Python's `concurrent.futures`.
//!
//! A function submitted to a [`ThreadPool`] becomes a [`Job`]: a handle that can be waited
//! for, cancelled and awaited, and that returns the function's result. [`wait`] and
//! [`as_completed`] wait for several jobs. In a [`scope`](ThreadPool::scope), jobs may borrow.
//!
//! A job that waits for another job of its own pool occupies a worker meanwhile. If all workers wait in this
//! way, no worker is left to run the awaited jobs: a deadlock. Submit the awaited jobs to a different pool.
//!
//! ```
//! use selvedge::ThreadPool;
//!
//! let pool = ThreadPool::new(2);
//! let job = pool.submit(|| 6 * 7)?;
//! let squares: Vec<u32> = pool.map(1..=4, |n| n * n).collect::<Result<_, _>>()?;
//! assert_eq!(job.result()?, 42);
//! assert_eq!(squares, [1, 4, 9, 16]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod directory;
mod error;
mod job;
mod job_state;
mod map;
#[expect(clippy::module_inception, reason = "the module holds the type `ThreadPool`")]
mod pool;
mod scope;
mod task;
mod wait;
mod workers;

pub use builder::Builder;
pub use error::{JobError, SubmitError};
pub use job::Job;
pub use job_state::Outcome;
pub use map::Map;
pub use pool::ThreadPool;
pub use scope::Scope;
pub use wait::{AsCompleted, Until, as_completed, wait, wait_deadline, wait_timeout};
