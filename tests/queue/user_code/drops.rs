//! Items whose `Drop` uses their own queue, wherever the kit or its user may drop one: law Q10.

use super::{Item, Ledger};
use crate::queue::{AnyOrder, in_each_order, rest};
use crate::support::panic_of;
use crate::watchdog;
use selvedge::Event;
use selvedge::queue::AnyQueue;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

in_each_order! {
    an_items_drop_may_use_its_queue
    an_item_is_dropped_before_its_task_is_counted
    an_item_whose_drop_panics_is_done
    a_dropped_queue_drops_each_item_once
}

type Shared<O> = &'static AnyQueue<Item, O>;

/// One that items may know.
fn shared<O: AnyOrder<Item>>(capacity: usize) -> Shared<O> {
    Box::leak(Box::new(AnyQueue::bounded(capacity)))
}

fn an_items_drop_may_use_its_queue<O: AnyOrder<Item>>() {
    static DROPPED: AtomicU32 = AtomicU32::new(0);
    type Act<O> = fn(Shared<O>, Ledger);
    type Scene<O> = fn(Shared<O>, &dyn Fn() -> Item);
    let acts: [Act<O>; 7] = [
        |queue, ledger| _ = queue.try_put(ledger.item(1)),
        |queue, ledger| _ = queue.try_put_many(ledger.items([2, 1])),
        |queue, _| _ = queue.try_get(),
        |queue, _| assert!(format!("{queue:?}").len() + queue.len() + queue.unfinished() > 0),
        |queue, _| _ = (queue.task_done(), queue.try_join()),
        |queue, _| _ = queue.drain(),
        |queue, _| _ = queue.shutdown_now(),
    ];
    // Each drops an item.
    let scenes: [Scene<O>; 10] = [
        |queue, item| {
            queue.put_many([item(), item()]).unwrap();
            assert!(queue.try_put(item()).is_err());
        },
        |queue, item| assert!(queue.try_put_many([item(), item(), item()]).is_err()),
        |queue, item| {
            queue.put(item()).unwrap();
            drop(queue.get().unwrap());
        },
        |queue, item| {
            queue.put(item()).unwrap();
            drop(queue.get_task().unwrap());
        },
        |queue, item| {
            queue.put(item()).unwrap();
            drop(queue.get_task().unwrap().into_inner());
        },
        |queue, item| {
            queue.put_many([item(), item()]).unwrap();
            drop(queue.drain());
        },
        |queue, item| {
            queue.put_many([item(), item()]).unwrap();
            drop(queue.shutdown_now());
        },
        |queue, item| {
            queue.shutdown();
            assert!(queue.put(item()).is_err());
        },
        |mut queue, item| {
            queue.shutdown();
            panic_of(|| queue.extend([item(), item()]));
        },
        |queue, item| {
            let fails = || resume_unwind(Box::new("an iterator that fails"));
            let items = std::iter::once_with(item).chain(std::iter::once_with(fails));
            assert!(catch_unwind(AssertUnwindSafe(|| queue.try_put_many(items))).is_err());
        },
    ];
    watchdog::run(|watch| {
        for act in acts {
            for scene in scenes {
                let (queue, ledger, dropped) = (shared::<O>(2), Ledger::default(), DROPPED.load(Relaxed));
                let item = || {
                    let of_act = ledger.clone();
                    ledger.acting(1, move || {
                        act(queue, of_act);
                        DROPPED.fetch_add(1, Relaxed);
                    })
                };
                watch.waits("an item that uses its queue", || scene(queue, &item));
                assert_ne!(DROPPED.load(Relaxed), dropped);
                // And the queue is none the worse.
                while !rest(queue).is_empty() {} // what is dropped here may have put others
                assert!(queue.is_shutdown() || queue.put(ledger.item(5)).is_ok() && queue.get().unwrap().rank == 5);
                ledger.assert_each_dropped_once();
            }
        }
    });
}

fn an_item_is_dropped_before_its_task_is_counted<O: AnyOrder<Item>>() {
    let (queue, ledger) = (shared::<O>(1), Ledger::default());
    let item = || ledger.acting(0, || assert_eq!((queue.unfinished(), queue.try_join()), (1, false)));
    queue.put(item()).unwrap();
    let task = queue.get_task().unwrap();
    drop(task);
    assert_eq!(queue.unfinished(), 0);
    // The other way round if it is taken out.
    queue.put(ledger.acting(0, || assert!(queue.try_join()))).unwrap();
    drop(queue.get_task().unwrap().into_inner());
    ledger.assert_each_dropped_once();
}

fn an_item_whose_drop_panics_is_done<O: AnyOrder<Item>>() {
    let (queue, ledger) = (shared::<O>(2), Ledger::default());
    queue
        .put(ledger.acting(0, || resume_unwind(Box::new("a Drop that fails"))))
        .unwrap();
    watchdog::run(|watch| {
        let joiner = watch.spawn("joiner", |role| role.waits("join", || queue.join()));
        joiner.until_asleep();
        assert!(catch_unwind(AssertUnwindSafe(|| drop(queue.get_task()))).is_err());
        joiner.join();
    });
    assert_eq!((queue.len(), queue.unfinished()), (0, 0));
    ledger.assert_each_dropped_once();
}

fn a_dropped_queue_drops_each_item_once<O: AnyOrder<Item>>() {
    for (put, got) in [(0, 0), (1, 0), (5, 2), (40, 11)] {
        let (queue, ledger) = (AnyQueue::<Item, O>::unbounded_from(1), Ledger::default()); // it grows
        queue.put_many(ledger.items((0..put).map(|n| n * 7 % 40))).unwrap();
        drop(queue.try_iter().take(got).collect::<Vec<_>>());
        assert_eq!(ledger.alive(), put as usize - got);
        ledger
            .items(100..120)
            .into_iter()
            .for_each(|item| queue.put(item).unwrap());
        drop(queue);
        ledger.assert_each_dropped_once();
    }
}

/// A getter's item is its own: what its `Drop` waits for, another may bring by the same queue.
#[test]
fn an_items_drop_may_wait_for_others_who_use_its_queue() {
    static GONE_ON: Event = Event::new();
    let (queue, ledger) = (shared::<selvedge::queue::Fifo>(1), Ledger::default());
    queue.put(ledger.acting(0, || GONE_ON.wait())).unwrap();
    watchdog::run(|watch| {
        let consumer = watch.spawn("consumer", |role| {
            role.waits("the item's Drop", || drop(queue.get_task()))
        });
        watch.until("the item to be got", || queue.is_empty());
        queue.put(ledger.item(1)).unwrap();
        assert_eq!(queue.get().unwrap().rank, 1);
        GONE_ON.set();
        consumer.join();
    });
    assert_eq!(queue.unfinished(), 1);
}
