//! Queues between threads: what Python's `queue` gives. One [`AnyQueue`], three orders.
//!
//! Blocking calls come in the forms of [`sync`](crate::sync). Nothing is poisoned by a panic. A child made by `fork` may
//! use a queue of the parent's if no other thread was using it, or waiting at it, at that moment.
//!
//! A queue does not know its producers. If one panics before it has shut the queue down, the consumers wait for ever: let a value
//! do so whose drop runs in any case.
//!
//! ```
//! use selvedge::{Queue, thread};
//!
//! struct ShutsDown<'a>(&'a Queue<u32>);
//!
//! impl Drop for ShutsDown<'_> {
//!     fn drop(&mut self) {
//!         self.0.shutdown();
//!     }
//! }
//!
//! let queue = Queue::bounded(4);
//! thread::scope(|scope| {
//!     let producer = scope.spawn(|| {
//!         let _end = ShutsDown(&queue);
//!         queue.put(1).unwrap();
//!         panic!("no more yarn");
//!     });
//!     assert_eq!(queue.iter().sum::<u32>(), 1); // ends, for the queue is shut down
//!     assert!(producer.join().is_err());
//! });
//! ```

mod counts;
mod error;
mod fifo;
mod get;
mod heap;
mod lifecycle;
mod order;
mod put;
#[expect(
    clippy::module_inception,
    reason = "the queue type, of which the other files are parts"
)]
mod queue;
mod simple;
mod task_guard;
mod wait_mode;
mod waiters;

pub use error::{GetError, PutError, ShutDown, TooManyDone};
pub use get::{Iter, TryIter};
pub use order::{Fifo, Lifo, Order, Prioritized, Priority};
pub use queue::AnyQueue;
pub use simple::SimpleQueue;
pub use task_guard::Task;

/// A queue, first in, first out; Python's `queue.Queue`.
///
/// ```
/// use selvedge::Queue;
/// static QUEUE: Queue<u32> = Queue::bounded(2);
///
/// let consumer = std::thread::spawn(|| QUEUE.iter().sum::<u32>());
/// QUEUE.put_many(1..=10).unwrap();
/// QUEUE.shutdown();
/// assert_eq!(consumer.join().unwrap(), 55);
/// ```
#[doc(alias("queue.Queue", "channel", "mpmc"))]
pub type Queue<T> = AnyQueue<T, Fifo>;

/// A queue, last in, first out; Python's `queue.LifoQueue`.
///
/// ```
/// let stack = selvedge::LifoQueue::unbounded();
/// stack.put_many([1, 2]).unwrap();
/// assert_eq!(stack.get(), Ok(2));
/// ```
#[doc(alias("queue.LifoQueue", "stack"))]
pub type LifoQueue<T> = AnyQueue<T, Lifo>;

/// A queue, lowest first, equal ones in order of arrival; Python's `queue.PriorityQueue`, which does not promise the latter.
///
/// Items of which only a part is to be compared are [`Prioritized`].
///
/// ```
/// let jobs = selvedge::PriorityQueue::unbounded();
/// jobs.put_many([(2, "sweep"), (1, "cook")]).unwrap();
/// assert_eq!(jobs.get(), Ok((1, "cook")));
/// ```
#[doc(alias("queue.PriorityQueue", "heap"))]
pub type PriorityQueue<T> = AnyQueue<T, Priority>;
