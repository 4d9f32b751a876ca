//! An operation that need not wait for another thread does not yield its processor: on a busy machine each yield costs
//! a time slice.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]

use crate::queue::{AnyOrder, every_form, in_each_order, put_by, put_many_by};
use selvedge::queue::AnyQueue;
use std::cell::Cell;

thread_local!(static YIELDS: Cell<usize> = const { Cell::new(0) });

/// Replaces the C library's function in this program, and counts the yields of each thread.
#[unsafe(no_mangle)]
extern "C" fn sched_yield() -> i32 {
    YIELDS.set(YIELDS.get() + 1);
    rustix::thread::sched_yield(); // the system call itself
    0
}

/// How often the calling thread yields in `body`.
fn yields_of(body: impl FnOnce()) -> usize {
    let before = YIELDS.get();
    body();
    YIELDS.get() - before
}

#[test]
fn a_yield_is_counted() {
    assert_eq!(yields_of(std::thread::yield_now), 1);
}

in_each_order! {
    a_put_into_an_unbounded_queue_never_yields
    an_attempt_never_yields
}

fn a_put_into_an_unbounded_queue_never_yields<O: AnyOrder<u32>>() {
    for form in every_form() {
        let queue = AnyQueue::<u32, O>::unbounded();
        let puts = || (0..4_000).for_each(|n| put_by(&queue, n, form).unwrap());
        assert_eq!(yields_of(puts), 0, "{form:?}");
        let batch = || put_many_by(&queue, 0..4_000, form).unwrap();
        assert_eq!(yields_of(batch), 0, "{form:?}");
        assert_eq!(queue.len(), 8_000);
    }
}

fn an_attempt_never_yields<O: AnyOrder<u32>>() {
    let bounded = AnyQueue::<u32, O>::bounded;
    for queue in [bounded(1), bounded(3), AnyQueue::unbounded()] {
        let attempts = || {
            assert!(queue.try_get().is_err() && queue.try_get_task().is_err() && queue.drain().is_empty());
            assert!(queue.try_put(1).is_ok() && !queue.is_empty() && !queue.try_join());
            let full = (1..10).map(|n| queue.try_put(n)).filter(Result::is_err).count();
            assert_eq!(full, 9_usize.saturating_sub(queue.len() - 1));
            assert_eq!(queue.is_full(), queue.try_put_many([1, 2, 3]).is_err());
            let drained = queue.try_iter().count();
            assert_eq!((queue.task_done(), drained), (Ok(()), queue.unfinished() + 1));
            queue.shutdown();
            assert!(queue.try_put(1).is_err() && queue.try_get().is_err() && queue.shutdown_now().is_empty());
        };
        assert_eq!(yields_of(attempts), 0);
    }
}
