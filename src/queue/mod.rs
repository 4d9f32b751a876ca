//! Queues between threads: Python's `queue` module. One type, [`AnyQueue`], in three orders.
//!
//! Blocking calls have the same forms as in [`sync`](crate::sync). A panic poisons
//! no queue. A process that `fork` made may use a queue of its parent if no other
//! thread was using the queue, or was blocked on it, at the time of the `fork`.
//!
//! A queue does not know its producers. If a producer panics before it has shut the queue down, the consumers wait
//! indefinitely. To prevent that, shut the queue down in a destructor, which also runs if the producer panics:
//!
//! ```
//! use selvedge::{Queue, thread};
//!
//! struct ShutsDownOnDrop<'a>(&'a Queue<u32>);
//!
//! impl Drop for ShutsDownOnDrop<'_> {
//!     fn drop(&mut self) {
//!         self.0.shutdown();
//!     }
//! }
//!
//! let queue = Queue::bounded(4);
//! thread::scope(|scope| {
//!     let producer = scope.spawn(|| {
//!         let _guard = ShutsDownOnDrop(&queue);
//!         queue.put(1).unwrap();
//!         panic!("no more yarn");
//!     });
//!     assert_eq!(queue.iter().sum::<u32>(), 1); // ends when the queue is shut down
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
#[expect(clippy::module_inception, reason = "the type that the other files implement")]
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

/// A first-in, first-out queue; Python's `queue.Queue`.
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

/// A last-in, first-out queue; Python's `queue.LifoQueue`.
///
/// ```
/// let stack = selvedge::LifoQueue::unbounded();
/// stack.put_many([1, 2]).unwrap();
/// assert_eq!(stack.get(), Ok(2));
/// ```
#[doc(alias("queue.LifoQueue", "stack"))]
pub type LifoQueue<T> = AnyQueue<T, Lifo>;

/// A queue that gives the lowest item first, and equal items in order of arrival;
/// Python's `queue.PriorityQueue`, which does not guarantee the order of equal items.
///
/// For items of which only a part is to be compared, there is [`Prioritized`].
///
/// ```
/// let jobs = selvedge::PriorityQueue::unbounded();
/// jobs.put_many([(2, "sweep"), (1, "cook")]).unwrap();
/// assert_eq!(jobs.get(), Ok((1, "cook")));
/// ```
#[doc(alias("queue.PriorityQueue", "heap"))]
pub type PriorityQueue<T> = AnyQueue<T, Priority>;
