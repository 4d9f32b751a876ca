//! The end of a queue: laws Q7 to Q10.

use super::{AnyOrder, every_form, get_by, in_each_order, put_by, put_many_by, rest, task_by};
use crate::watchdog;
use selvedge::queue::AnyQueue;
use selvedge::{GetError, PutError, ShutDown, TimedOut, TooManyDone};

in_each_order! {
    nothing_can_be_put_any_more
    what_is_in_can_still_be_got
    whoever_joins_waits_for_what_is_left
    shutdown_now_gives_what_is_in
    shutdown_now_leaves_what_was_got_to_its_owner
    shutdown_now_counts_no_more_than_is_unfinished
    it_may_be_shut_down_again
    a_loop_over_the_items_ends
}

fn nothing_can_be_put_any_more<O: AnyOrder<u32>>() {
    let full = AnyQueue::<u32, O>::bounded(1);
    full.put(1).unwrap();
    for queue in [AnyQueue::<u32, O>::unbounded(), full] {
        let (len, unfinished) = (queue.len(), queue.unfinished());
        assert!(!queue.is_shutdown());
        queue.shutdown();
        assert!(queue.is_shutdown());
        watchdog::run(|_| {
            for form in every_form() {
                assert_eq!(put_by(&queue, 7, form), Err(PutError::ShutDown(7)), "{form:?}");
                assert_eq!(
                    put_many_by(&queue, [7, 8], form),
                    Err(PutError::ShutDown(vec![7, 8])),
                    "{form:?}"
                );
            }
        });
        assert_eq!(queue.put(9), Err(ShutDown(9)));
        assert_eq!((queue.len(), queue.unfinished()), (len, unfinished));
    }
}

fn what_is_in_can_still_be_got<O: AnyOrder<u32>>() {
    for form in every_form() {
        let queue = AnyQueue::<u32, O>::bounded(3);
        queue.put_many([2, 3, 1]).unwrap();
        queue.shutdown();
        watchdog::run(|_| {
            let got = [(); 3].map(|()| get_by(&queue, form).unwrap());
            assert_eq!(got, O::out(vec![2, 3, 1])[..], "{form:?}");
            for _ in 0..2 {
                assert_eq!(get_by(&queue, form), Err(GetError::ShutDown), "{form:?}");
                assert_eq!(task_by(&queue, form).unwrap_err(), GetError::ShutDown, "{form:?}");
            }
        });
        assert_eq!((queue.unfinished(), queue.drain()), (3, vec![]));
    }
}

fn whoever_joins_waits_for_what_is_left<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    queue.put_many([1, 2]).unwrap();
    queue.shutdown();
    assert_eq!(queue.join_timeout(crate::support::SHORT), Err(TimedOut));
    drop(queue.get_task().unwrap());
    assert!(!queue.try_join());
    drop(queue.get_task().unwrap());
    queue.join();
}

fn shutdown_now_gives_what_is_in<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(4);
    queue.put_many([2, 4, 1, 3]).unwrap();
    assert_eq!(queue.shutdown_now(), O::out(vec![2, 4, 1, 3]));
    assert!(queue.is_shutdown() && queue.is_empty() && queue.try_join());
    watchdog::run(|_| {
        for form in every_form() {
            assert_eq!(get_by(&queue, form), Err(GetError::ShutDown), "{form:?}");
            assert_eq!(put_by(&queue, 7, form), Err(PutError::ShutDown(7)), "{form:?}");
        }
    });
    assert_eq!(queue.task_done(), Err(TooManyDone));
}

fn shutdown_now_leaves_what_was_got_to_its_owner<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    queue.put_many([1, 2, 3]).unwrap();
    let got = queue.get().unwrap();
    let task = queue.get_task().unwrap();
    let left = queue.shutdown_now();
    assert_eq!([vec![got, *task], left].concat(), O::out(vec![1, 2, 3]));
    assert_eq!(queue.unfinished(), 2);
    drop(task);
    assert_eq!((queue.unfinished(), queue.try_join()), (1, false));
    assert_eq!((queue.task_done(), queue.task_done()), (Ok(()), Err(TooManyDone)));
}

/// Some were counted done before they were got: as in Python, the rest is.
fn shutdown_now_counts_no_more_than_is_unfinished<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    watchdog::run(|watch| {
        let queue = &queue;
        queue.put_many([2, 1]).unwrap();
        queue.task_done().unwrap();
        let joiner = watch.spawn("joiner", |role| role.waits("join", || queue.join()));
        joiner.until_asleep();
        assert_eq!(watch.waits("shutdown_now", || queue.shutdown_now()), O::out(vec![2, 1]));
        joiner.join();
        assert_eq!((queue.unfinished(), queue.task_done()), (0, Err(TooManyDone)));
    });
}

fn it_may_be_shut_down_again<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    queue.put_many([1, 2]).unwrap();
    queue.shutdown();
    queue.shutdown();
    assert_eq!(rest(&queue).len(), 2);
    assert_eq!(queue.unfinished(), 2, "what was got is not drained");
    assert_eq!((queue.shutdown_now(), queue.shutdown_now()), (vec![], vec![]));
    queue.shutdown();
    assert_eq!((queue.is_shutdown(), queue.unfinished()), (true, 2));

    let queue = AnyQueue::<u32, O>::unbounded();
    queue.put_many([1, 2]).unwrap();
    queue.shutdown();
    assert_eq!(queue.shutdown_now(), O::out(vec![1, 2]));
    assert!(queue.try_join());
}

fn a_loop_over_the_items_ends<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(1);
    watchdog::run(|watch| {
        let consumer = watch.spawn("consumer", |role| {
            let mut sum = 0;
            role.waits("the items", || {
                for item in &queue {
                    sum += item;
                    queue.task_done().unwrap();
                }
            });
            sum
        });
        watch.waits("put", || (1..=100).for_each(|item| queue.put(item).unwrap()));
        queue.shutdown();
        assert_eq!(consumer.join(), 5050);
        watch.waits("join", || queue.join());
    });
    assert_eq!((queue.iter().next(), queue.try_iter().next()), (None, None));
}
