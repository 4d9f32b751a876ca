//! An operation that need not wait for another thread does not give up its processor either: beside a busy process each yield
//! costs a time slice.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]

use crate::queue::{AnyOrder, every_form, in_each_order, put_by, put_many_by};
use selvedge::queue::AnyQueue;
use std::cell::Cell;

thread_local!(static YIELDS: Cell<usize> = const { Cell::new(0) });

/// Stands in for the C library's in this program, so that each yield of a thread is counted.
#[unsafe(no_mangle)]
extern "C" fn sched_yield() -> i32 {
    YIELDS.set(YIELDS.get() + 1);
    rustix::thread::sched_yield(); // a system call, here
    0
}

/// How often the calling thread yields meanwhile.
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

/// However much there is to be put before the first get.
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
    for queue in [
        AnyQueue::<u32, O>::bounded(1),
        AnyQueue::bounded(3),
        AnyQueue::unbounded(),
    ] {
        let attempts = || {
            assert!(queue.try_get().is_err() && queue.try_get_task().is_err() && queue.drain().is_empty());
            assert_eq!(
                (queue.try_put(1), queue.is_empty(), queue.try_join()),
                (Ok(()), false, false)
            );
            let full = (1..10).map(|n| queue.try_put(n)).filter(Result::is_err).count();
            assert_eq!(full, 9_usize.saturating_sub(queue.len() - 1));
            assert_eq!(queue.is_full(), queue.try_put_many([1, 2, 3]).is_err());
            assert_eq!(
                (queue.try_iter().count(), queue.task_done()),
                (queue.unfinished() + 1, Ok(()))
            );
            queue.shutdown();
            assert!(queue.try_put(1).is_err() && queue.try_get().is_err() && queue.shutdown_now().is_empty());
        };
        assert_eq!(yields_of(attempts), 0);
    }
}
