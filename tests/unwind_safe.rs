//! Nothing of the kit is poisoned, and a panic leaves it as it was: it may go through
//! `catch_unwind`. (`Map` and `JobError` hold what is the user's own: a closure, a panic's payload.)

use selvedge::pool::AsCompleted;
use selvedge::thread::{Clock, ExitGuard, JoinHandle, Local, Registry, Thread};
use selvedge::{
    Barrier, BoundedSemaphore, Condition, Event, Job, LifoQueue, Lock, Mutex, PriorityQueue, Queue, RLock, Semaphore,
    SimpleQueue, ThreadPool, Timer, pool, thread,
};
use static_assertions::assert_impl_all;
use std::cell::Cell;
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};

macro_rules! unwind_safe {
    ($($of:ty),* $(,)?) => { $(assert_impl_all!($of: UnwindSafe, RefUnwindSafe);)* };
}

// `Cell` is neither `Sync` nor unwind-safe: what a type holds does not matter.
unwind_safe!(
    Lock,
    Mutex<Cell<u8>>,
    RLock,
    Condition,
    Semaphore,
    BoundedSemaphore,
    Event,
    Barrier,
    Barrier<Box<dyn FnMut() + Send>>,
    Queue<Cell<u8>>,
    LifoQueue<Cell<u8>>,
    PriorityQueue<Cell<u8>>,
    SimpleQueue<Cell<u8>>,
    Thread,
    JoinHandle<Cell<u8>>,
    Timer,
    Clock,
    Registry,
    ExitGuard,
    Local<Cell<u8>>,
    thread::Builder,
    ThreadPool,
    Job<Cell<u8>>,
    pool::Builder,
    AsCompleted<Cell<u8>, Job<Cell<u8>>>,
);

#[test]
fn a_caught_panic_leaves_a_pool_as_it_was() {
    let pool = ThreadPool::new(1);
    let caught = catch_unwind(|| {
        let job = pool.submit(|| 1).unwrap();
        assert_eq!(job.result().unwrap(), 2);
    });
    assert!(caught.is_err());
    assert_eq!(pool.submit(|| 3).unwrap().result().unwrap(), 3);
}
