//! The queues, laws Q1 to Q12. A test that holds for all three orders takes the order as a type parameter.
//!
//! The fuzzers in `fuzz/machines/queue` compare the queues with their specification: `alone` every call of one thread in
//! every form, `waiting` every call beside blocked threads, `together` the histories of racing threads. The tests here
//! check what these do not generate.

mod batch;
mod put_get;
mod simple;
mod stress;
mod task;
mod user_code;
mod wait;
mod wake;

use crate::forms::{
    BLOCKING, EXPIRING,
    Form::{self, Deadline, Plain, Timeout, Try},
};
use crate::watchdog::{TestThread, Watch};
use selvedge::queue::{AnyQueue, Fifo, Lifo, Order, Priority};
use selvedge::{GetError, Instant, PutError, Task, TimedOut};

/// An order whose queue threads can share.
pub trait AnyOrder<T>: Order<T, Items: Send> + 'static {
    /// The items, which were put one after the other, in the order in which the queue returns them.
    fn out(items: Vec<T>) -> Vec<T>;
}

impl<T: Send> AnyOrder<T> for Fifo {
    fn out(items: Vec<T>) -> Vec<T> {
        items
    }
}

impl<T: Send> AnyOrder<T> for Lifo {
    fn out(mut items: Vec<T>) -> Vec<T> {
        items.reverse();
        items
    }
}

impl<T: Send + Ord> AnyOrder<T> for Priority {
    fn out(mut items: Vec<T>) -> Vec<T> {
        items.sort(); // stable: equal items in the order of their puts
        items
    }
}

/// Makes a test of each generic function for each order.
macro_rules! in_each_order {
    ($($test:ident)*) => {
        $crate::queue::in_each_order! { fifo Fifo: $($test)* }
        $crate::queue::in_each_order! { lifo Lifo: $($test)* }
        $crate::queue::in_each_order! { priority Priority: $($test)* }
    };
    ($name:ident $order:ident: $($test:ident)*) => {
        mod $name {
            $(#[test]
            fn $test() {
                super::$test::<selvedge::queue::$order>();
            })*
        }
    };
}
pub(crate) use in_each_order;

pub fn every_form() -> impl Iterator<Item = Form> {
    EXPIRING.into_iter().chain(BLOCKING)
}

pub fn put_by<T, O: Order<T>>(queue: &AnyQueue<T, O>, item: T, form: Form) -> Result<(), PutError<T>> {
    match form {
        Try => queue.try_put(item),
        Plain => queue.put(item).map_err(PutError::from),
        Timeout(time) => queue.put_timeout(item, time),
        Deadline(time) => queue.put_deadline(item, Instant::now() + time),
    }
}

pub fn put_many_by<T, O: Order<T>>(
    queue: &AnyQueue<T, O>,
    items: impl IntoIterator<Item = T>,
    form: Form,
) -> Result<(), PutError<Vec<T>>> {
    match form {
        Try => queue.try_put_many(items),
        Plain => queue.put_many(items).map_err(PutError::from),
        Timeout(time) => queue.put_many_timeout(items, time),
        Deadline(time) => queue.put_many_deadline(items, Instant::now() + time),
    }
}

pub fn get_by<T, O: Order<T>>(queue: &AnyQueue<T, O>, form: Form) -> Result<T, GetError> {
    match form {
        Try => queue.try_get(),
        Plain => queue.get().map_err(GetError::from),
        Timeout(time) => queue.get_timeout(time),
        Deadline(time) => queue.get_deadline(Instant::now() + time),
    }
}

pub fn task_by<T, O: Order<T>>(queue: &AnyQueue<T, O>, form: Form) -> Result<Task<'_, T>, GetError> {
    match form {
        Try => queue.try_get_task(),
        Plain => queue.get_task().map_err(GetError::from),
        Timeout(time) => queue.get_task_timeout(time),
        Deadline(time) => queue.get_task_deadline(Instant::now() + time),
    }
}

pub fn join_by<T, O: Order<T>>(queue: &AnyQueue<T, O>, form: Form) -> Result<(), TimedOut> {
    match form {
        Try => queue.try_join().then_some(()).ok_or(TimedOut),
        Plain => {
            queue.join();
            Ok(())
        }
        Timeout(time) => queue.join_timeout(time),
        Deadline(time) => queue.join_deadline(Instant::now() + time),
    }
}

/// Spawns a thread that makes a blocking call, and returns once the thread is blocked.
pub fn spawn_blocked<'scope, T: Send + 'scope>(
    watch: &Watch<'scope, '_>,
    call: &'static str,
    body: impl FnOnce() -> T + Send + 'scope,
) -> TestThread<'scope, T> {
    let thread = watch.spawn(format!("thread in {call}"), move |role| role.waits(call, body));
    thread.until_blocked();
    thread
}

/// Gets all items of the queue, one by one.
pub fn rest<T, O: Order<T>>(queue: &AnyQueue<T, O>) -> Vec<T> {
    std::iter::from_fn(|| queue.try_get().ok()).collect()
}
