//! Task guards: items that count themselves done. `fuzz::queue` checks the forms and the counts.

use super::{AnyOrder, in_each_order, spawn_blocked};
use crate::support::SHORT;
use crate::watchdog;
use selvedge::queue::AnyQueue;
use selvedge::{Queue, TimedOut};
use std::panic::resume_unwind;

in_each_order! {
    a_consumer_that_panics_counts_its_task_as_done
    a_leaked_task_is_unfinished_until_task_done
}

fn a_consumer_that_panics_counts_its_task_as_done<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    queue.put_many([1, 2]).unwrap();
    watchdog::run(|watch| {
        let joiner = spawn_blocked(watch, "join", || queue.join());
        for _ in 0..2 {
            let consumer = watch.spawn("consumer", |role| {
                let _task = role.waits("get_task", || queue.get_task()).unwrap();
                resume_unwind(Box::new("the consumer holds a task")); // prints nothing
            });
            assert!(consumer.try_join().is_err());
        }
        joiner.join();
        assert_eq!((queue.put(3), queue.get()), (Ok(()), Ok(3)));
    });
}

fn a_leaked_task_is_unfinished_until_task_done<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    queue.put(1).unwrap();
    std::mem::forget(queue.get_task().unwrap());
    assert_eq!(queue.join_timeout(SHORT), Err(TimedOut));
    watchdog::run(|watch| {
        let joiner = spawn_blocked(watch, "join", || queue.join());
        assert_eq!(queue.task_done(), Ok(()));
        joiner.join();
    });
}

#[test]
fn a_task_dereferences_to_its_item_and_may_end_in_another_thread() {
    let queue = Queue::unbounded();
    queue.put(String::from("wash")).unwrap();
    watchdog::run(|watch| {
        let mut task = queue.get_task().unwrap();
        task.push_str(" up");
        assert_eq!((task.len(), format!("{task:?}")), (7, r#"Task("wash up")"#.into()));
        let joiner = spawn_blocked(watch, "join", || queue.join());
        let other = watch.spawn("other", move |_| task.into_inner());
        joiner.join();
        assert_eq!(other.join(), "wash up");
    });
}
