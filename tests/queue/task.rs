//! Tasks: items that count themselves done.

use super::{AnyOrder, HASTY, every_form, in_each_order, put_by, task_by};
use crate::forms::Form;
use crate::support::SHORT;
use crate::watchdog;
use selvedge::queue::AnyQueue;
use selvedge::{GetError, Queue, TimedOut};
use std::panic::resume_unwind;

in_each_order! {
    every_form_gives_a_task_that_counts_itself_done
    hasty_forms_get_no_task_from_an_empty_queue
    a_task_ends_in_three_ways
    a_consumer_that_panics_has_finished
    a_leaked_task_is_never_done_unless_somebody_says_so
}

fn every_form_gives_a_task_that_counts_itself_done<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(1);
    watchdog::run(|_| {
        for form in every_form() {
            put_by(&queue, 7, form).unwrap();
            let task = task_by(&queue, form).unwrap();
            assert_eq!((*task, queue.unfinished(), queue.len()), (7, 1, 0), "{form:?}");
            drop(task);
            assert!(queue.try_join(), "{form:?}");
        }
    });
}

fn hasty_forms_get_no_task_from_an_empty_queue<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    for form in HASTY {
        assert_eq!(task_by(&queue, form).unwrap_err(), GetError::Empty, "{form:?}");
    }
    queue.shutdown();
    for form in every_form() {
        assert_eq!(task_by(&queue, form).unwrap_err(), GetError::ShutDown, "{form:?}");
    }
    assert_eq!(queue.unfinished(), 0);
}

fn a_task_ends_in_three_ways<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    queue.put_many([7; 3]).unwrap();
    drop(queue.get_task().unwrap());
    assert_eq!(queue.unfinished(), 2);
    assert_eq!(queue.get_task().unwrap().into_inner(), 7);
    assert_eq!(queue.unfinished(), 1);
    assert_eq!(queue.get_task().unwrap().forget(), 7);
    assert_eq!(queue.unfinished(), 1);
    assert_eq!(queue.task_done(), Ok(()));
    assert!(queue.try_join());
}

fn a_consumer_that_panics_has_finished<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    queue.put_many([1, 2]).unwrap();
    watchdog::run(|watch| {
        let joiner = watch.spawn("joiner", |role| role.waits("join", || queue.join()));
        joiner.until_asleep();
        for _ in 0..2 {
            let consumer = watch.spawn("consumer", |role| {
                let _task = role.waits("get_task", || queue.get_task()).unwrap();
                resume_unwind(Box::new("with a task in hand")); // says nothing on stderr
            });
            assert!(consumer.try_join().is_err());
        }
        joiner.join();
        assert_eq!((queue.put(3), queue.get()), (Ok(()), Ok(3)));
    });
}

fn a_leaked_task_is_never_done_unless_somebody_says_so<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    queue.put(1).unwrap();
    std::mem::forget(queue.get_task().unwrap());
    assert_eq!(queue.join_timeout(SHORT), Err(TimedOut));
    watchdog::run(|watch| {
        let joiner = watch.spawn("joiner", |role| role.waits("join", || queue.join()));
        joiner.until_asleep();
        assert_eq!(queue.task_done(), Ok(()));
        joiner.join();
    });
}

#[test]
fn a_task_is_its_item_with_an_end() {
    let queue = Queue::unbounded();
    queue.put(String::from("wash")).unwrap();
    let mut task = queue.get_task().unwrap();
    task.push_str(" up");
    assert_eq!((task.len(), format!("{task:?}")), (7, r#"Task("wash up")"#.into()));
    assert_eq!(task.into_inner(), "wash up");
}

#[test]
fn a_task_may_end_in_another_thread() {
    let queue = Queue::unbounded();
    queue.put(5).unwrap();
    watchdog::run(|watch| {
        let task = queue.get_task().unwrap();
        let other = watch.spawn("other", move |_| task.into_inner());
        watch.waits("join", || queue.join());
        assert_eq!(other.join(), 5);
    });
}

/// A task that is one too many is not counted, now or later.
#[test]
fn a_task_that_somebody_else_has_counted_counts_nothing() {
    let queue = Queue::unbounded();
    queue.put(1).unwrap();
    let task = queue.get_task().unwrap();
    assert_eq!(queue.task_done(), Ok(()));
    drop(task);
    queue.put(2).unwrap();
    assert_eq!(queue.unfinished(), 1);
    assert_eq!(task_by(&queue, Form::Plain).map(|task| *task), Ok(2));
    assert!(queue.try_join());
}
