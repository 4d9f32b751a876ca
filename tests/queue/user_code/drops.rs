//! Items whose `Drop` uses their own queue, wherever the crate or its user may drop one: law Q10.

use super::{Item, Tracker};
use crate::queue::{AnyOrder, in_each_order, rest, spawn_blocked};
use crate::support::panic_of;
use crate::watchdog;
use selvedge::Event;
use selvedge::queue::{AnyQueue, Fifo};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

in_each_order! {
    the_drop_of_an_item_may_use_its_queue
    an_item_is_dropped_before_its_task_is_done
    an_item_whose_drop_panics_is_done
    a_dropped_queue_drops_each_item_once
}

type Static<O> = &'static AnyQueue<Item, O>;

/// A queue that items can refer to.
fn leaked<O: AnyOrder<Item>>(capacity: usize) -> Static<O> {
    Box::leak(Box::new(AnyQueue::bounded(capacity)))
}

fn the_drop_of_an_item_may_use_its_queue<O: AnyOrder<Item>>() {
    static DROPPED: AtomicU32 = AtomicU32::new(0);
    type OnDrop<O> = fn(Static<O>, Tracker);
    type Scenario<O> = fn(Static<O>, &dyn Fn() -> Item);
    let on_drops: [OnDrop<O>; 7] = [
        |queue, tracker| _ = queue.try_put(tracker.item(1)),
        |queue, tracker| _ = queue.try_put_many(tracker.items([2, 1])),
        |queue, _| _ = queue.try_get(),
        |queue, _| assert!(format!("{queue:?}").len() + queue.len() + queue.unfinished() > 0),
        |queue, _| _ = (queue.task_done(), queue.try_join()),
        |queue, _| _ = queue.drain(),
        |queue, _| _ = queue.shutdown_now(),
    ];
    // Each drops an item.
    let scenarios: [Scenario<O>; 10] = [
        |queue, item| {
            queue.put_many([item(), item()]).unwrap();
            assert!(queue.try_put(item()).is_err());
        },
        |queue, item| assert!(queue.try_put_many([item(), item(), item()]).is_err()),
        |queue, item| drop((queue.put(item()).unwrap(), queue.get().unwrap())),
        |queue, item| drop((queue.put(item()).unwrap(), queue.get_task().unwrap())),
        |queue, item| drop((queue.put(item()).unwrap(), queue.get_task().unwrap().into_inner())),
        |queue, item| drop((queue.put_many([item(), item()]).unwrap(), queue.drain())),
        |queue, item| drop((queue.put_many([item(), item()]).unwrap(), queue.shutdown_now())),
        |queue, item| {
            queue.shutdown();
            assert!(queue.put(item()).is_err());
        },
        |mut queue, item| {
            queue.shutdown();
            panic_of(|| queue.extend([item(), item()]));
        },
        |queue, item| {
            let fails = || resume_unwind(Box::new("the iterator fails"));
            let items = std::iter::once_with(item).chain(std::iter::once_with(fails));
            assert!(catch_unwind(AssertUnwindSafe(|| queue.try_put_many(items))).is_err());
        },
    ];
    watchdog::run(|watch| {
        for on_drop in on_drops {
            for scenario in scenarios {
                let (queue, tracker, dropped) = (leaked::<O>(2), Tracker::default(), DROPPED.load(Relaxed));
                let item = || {
                    let theirs = tracker.clone();
                    tracker.item_with(1, move || {
                        on_drop(queue, theirs);
                        DROPPED.fetch_add(1, Relaxed);
                    })
                };
                watch.waits("an item that uses its queue", || scenario(queue, &item));
                assert_ne!(DROPPED.load(Relaxed), dropped);
                while !rest(queue).is_empty() {} // a drop may have put another item
                assert!(queue.is_shutdown() || queue.put(tracker.item(5)).is_ok() && queue.get().unwrap().rank == 5);
                tracker.assert_each_dropped_once();
            }
        }
    });
}

fn an_item_is_dropped_before_its_task_is_done<O: AnyOrder<Item>>() {
    let (queue, tracker) = (leaked::<O>(1), Tracker::default());
    let is_unfinished = || assert_eq!((queue.unfinished(), queue.try_join()), (1, false));
    queue.put(tracker.item_with(0, is_unfinished)).unwrap();
    drop(queue.get_task().unwrap());
    assert_eq!(queue.unfinished(), 0);
    // `into_inner` counts the task as done first.
    queue.put(tracker.item_with(0, || assert!(queue.try_join()))).unwrap();
    drop(queue.get_task().unwrap().into_inner());
    tracker.assert_each_dropped_once();
}

fn an_item_whose_drop_panics_is_done<O: AnyOrder<Item>>() {
    let (queue, tracker) = (leaked::<O>(2), Tracker::default());
    let item = tracker.item_with(0, || resume_unwind(Box::new("the drop fails")));
    queue.put(item).unwrap();
    watchdog::run(|watch| {
        let joiner = spawn_blocked(watch, "join", || queue.join());
        assert!(catch_unwind(AssertUnwindSafe(|| drop(queue.get_task()))).is_err());
        joiner.join();
    });
    assert_eq!((queue.len(), queue.unfinished()), (0, 0));
    tracker.assert_each_dropped_once();
}

fn a_dropped_queue_drops_each_item_once<O: AnyOrder<Item>>() {
    for (put, got) in [(0, 0), (1, 0), (5, 2), (40, 11)] {
        let (queue, tracker) = (AnyQueue::<Item, O>::unbounded_from(1), Tracker::default()); // it grows
        queue.put_many(tracker.items((0..put).map(|n| n * 7 % 40))).unwrap();
        drop(queue.try_iter().take(got).collect::<Vec<_>>());
        assert_eq!(tracker.alive(), put as usize - got);
        queue.put_many(tracker.items(100..120)).unwrap();
        drop(queue);
        tracker.assert_each_dropped_once();
    }
}

/// The queue holds no lock while the consumer drops its item.
#[test]
fn the_drop_of_an_item_may_wait_for_another_user_of_its_queue() {
    static QUEUE_WAS_USED: Event = Event::new();
    let (queue, tracker) = (leaked::<Fifo>(1), Tracker::default());
    queue.put(tracker.item_with(0, || QUEUE_WAS_USED.wait())).unwrap();
    watchdog::run(|watch| {
        let consumer = watch.spawn("consumer", |role| {
            role.waits("the item's drop", || drop(queue.get_task()))
        });
        watch.until("the item to be got", || queue.is_empty());
        queue.put(tracker.item(1)).unwrap();
        assert_eq!(queue.get().unwrap().rank, 1);
        QUEUE_WAS_USED.set();
        consumer.join();
    });
    assert_eq!(queue.unfinished(), 1);
}
