//! An `Ord` that panics, at each comparison of a call in succession: hazard P, and the ones that CPython does not have.

use super::{CMP_PANICS, Item, Tracker};
use crate::forms::Form;
use crate::queue::{every_form, get_by, put_by, put_many_by, rest, spawn_blocked};
use crate::watchdog;
use selvedge::PriorityQueue;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The heap has three levels. The ranks are 10..32.
const ITEMS: u32 = 22;

fn filled(tracker: &Tracker) -> PriorityQueue<Item> {
    let queue = PriorityQueue::unbounded();
    let items = tracker.items((0..ITEMS).map(|n| 10 + n * 7 % ITEMS));
    queue.put_many(items).unwrap();
    queue
}

fn ranks(items: Vec<Item>) -> Vec<u32> {
    items.into_iter().map(|item| item.rank).collect()
}

fn panics<R>(call: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(|| drop(call()))).is_err()
}

struct Case {
    name: &'static str,
    call: fn(&PriorityQueue<Item>, &Tracker, Form),
    /// The number of comparisons in `call` is at least this.
    comparisons: u32,
    /// What `call` leaves if it panics and the queue then has this length: the unfinished count, and the ranks.
    leaves: fn(u32) -> (u32, Vec<u32>),
}

/// A single put or get has no effect, `put_many` has put the earlier items, and the others have emptied the queue. A get
/// compares nothing: it leaves that to the next call.
const CASES: [Case; 7] = [
    Case {
        name: "put",
        call: |queue, tracker, form| _ = put_by(queue, tracker.item(0), form),
        comparisons: 3,
        leaves: |_| (22, (10..32).collect()),
    },
    Case {
        name: "put of the first after a get",
        call: |queue, tracker, form| _ = (queue.get().is_ok(), put_by(queue, tracker.item(0), form)),
        comparisons: 4,
        leaves: |_| (22, (11..32).collect()),
    },
    Case {
        name: "put of the last after a get",
        call: |queue, tracker, form| _ = (queue.get().is_ok(), put_by(queue, tracker.item(100), form)),
        comparisons: 4,
        leaves: |_| (22, (11..32).collect()),
    },
    Case {
        name: "get after a get",
        call: |queue, _, form| _ = (queue.get().is_ok(), get_by(queue, form)),
        comparisons: 4,
        leaves: |_| (22, (11..32).collect()),
    },
    Case {
        name: "put_many",
        call: |queue, tracker, form| _ = put_many_by(queue, tracker.items([50, 51, 52, 53]), form),
        comparisons: 4, // in ascending order: one each
        leaves: |len| (len, (10..32).chain(50..28 + len).collect()),
    },
    Case {
        name: "drain",
        call: |queue, _, _| _ = queue.drain(),
        comparisons: 21,
        leaves: |_| (22, vec![]),
    },
    Case {
        name: "shutdown_now",
        call: |queue, _, _| _ = queue.shutdown_now(),
        comparisons: 21,
        leaves: |_| (0, vec![]),
    },
];

#[test]
fn a_call_whose_comparison_panics_leaves_a_consistent_queue() {
    for Case {
        name,
        call,
        comparisons,
        leaves,
    } in CASES
    {
        for form in every_form() {
            let panics_at = |comparison| {
                let tracker = Tracker::default();
                let queue = filled(&tracker);
                tracker.panic_at(comparison);
                let panicked = watchdog::run(|watch| watch.waits(name, || panics(|| call(&queue, &tracker, form))));
                tracker.panic_at(0);
                if panicked {
                    let (unfinished, mut left) = leaves(queue.len() as u32);
                    let counts = [queue.len(), tracker.alive(), queue.unfinished()];
                    let expected = [left.len(), left.len(), unfinished as usize];
                    assert_eq!(counts, expected, "{name}, {form:?}");
                    tracker.assert_none_dropped_twice();
                    let is_open = queue.put(tracker.item(1)).is_ok();
                    assert_eq!(is_open, name != "shutdown_now");
                    left.splice(..0, is_open.then_some(1));
                    assert_eq!(ranks(rest(&queue)), left, "{name}, {form:?}");
                }
                drop(queue);
                tracker.assert_each_dropped_once();
                panicked
            };
            let panicked = (1..).take_while(|&comparison| panics_at(comparison)).count();
            assert!(panicked as u32 >= comparisons, "{name} makes {panicked} comparisons");
        }
    }
}

/// The queue's mutex is free when the unwinding call drops items.
#[test]
fn items_dropped_by_a_panic_may_use_the_queue() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    type Call = fn(&'static PriorityQueue<Item>, Vec<Item>);
    let calls: [(u32, Call); 4] = [
        (1, |queue, mut items| _ = queue.try_put(items.remove(0))),
        (3, |queue, items| _ = queue.try_put_many(items)),
        (ITEMS, |queue, _| _ = queue.drain()),
        (ITEMS, |queue, _| _ = queue.shutdown_now()),
    ];
    for (at_least, call) in calls {
        let tracker = Tracker::default();
        let queue: &'static PriorityQueue<Item> = Box::leak(Box::new(PriorityQueue::unbounded()));
        let item = |rank| {
            let theirs = tracker.clone();
            tracker.item_with(rank, move || {
                _ = queue.try_put(theirs.item(100));
                _ = (queue.task_done(), queue.len(), queue.try_get());
                DROPPED.fetch_add(1, Relaxed);
            })
        };
        queue.put_many((0..ITEMS).map(|n| item(10 + n * 7 % ITEMS))).unwrap();
        let before = DROPPED.load(Relaxed);
        watchdog::run(|watch| {
            let items = [0, 1, 2].map(item).into();
            tracker.panic_at(1);
            let panicked = watch.waits("an item that uses its queue", || panics(|| call(queue, items)));
            assert!(panicked);
        });
        assert!(DROPPED.load(Relaxed) >= before + at_least as usize);
        tracker.assert_none_dropped_twice();
        rest(queue);
        tracker.assert_each_dropped_once();
    }
}

#[test]
fn items_put_before_a_panic_wake_getters() {
    let (queue, tracker) = (PriorityQueue::unbounded(), Tracker::default());
    watchdog::run(|watch| {
        let queue = &queue;
        let getters = [(); 2].map(|()| spawn_blocked(watch, "get", || queue.get().ok()));
        tracker.panic_at(1); // the comparison of the second item with the first
        assert!(panics(|| queue.try_put_many(tracker.items([1, 2, 3]))));
        watch.until("the first item to be got", || queue.is_empty());
        assert_eq!(queue.unfinished(), 1);
        queue.shutdown();
        let got = getters.map(|getter| getter.join().map(|item| item.rank));
        assert!(got == [Some(1), None] || got == [None, Some(1)], "{got:?}");
    });
    tracker.assert_each_dropped_once();
}

#[test]
fn a_drain_or_shutdown_that_panics_wakes_each_thread_that_can_proceed() {
    type Call = fn(&PriorityQueue<Item>);
    let calls: [(Call, bool); 2] = [
        (|queue| _ = queue.drain(), true),
        (|queue| _ = queue.shutdown_now(), false),
    ];
    for (call, is_open) in calls {
        let (queue, tracker) = (PriorityQueue::bounded(3), Tracker::default());
        queue.put_many(tracker.items([1, 2, 3])).unwrap();
        watchdog::run(|watch| {
            let (queue, tracker) = (&queue, &tracker);
            let putters = [7, 8].map(|n| spawn_blocked(watch, "put", move || queue.put(tracker.item(n)).is_ok()));
            let joiner = spawn_blocked(watch, "join", || queue.join());
            CMP_PANICS.set(true); // in this thread only: the putters compare too
            assert!(panics(|| call(queue)));
            CMP_PANICS.set(false);
            assert_eq!(putters.map(|putter| putter.join()), [is_open; 2]);
            let (unfinished, left) = if is_open { (5, vec![7, 8]) } else { (0, vec![]) };
            assert_eq!((queue.unfinished(), ranks(rest(queue))), (unfinished, left));
            (0..unfinished).for_each(|_| queue.task_done().unwrap());
            joiner.join();
        });
        tracker.assert_each_dropped_once();
    }
}

/// Three getters that will panic block before one that will not, and three items wake three of them: each getter that
/// panics must pass its wake-up on.
#[test]
fn a_getter_that_panics_passes_its_wake_up_on() {
    let tracker = Tracker::default();
    for _ in 0..20 {
        let queue = PriorityQueue::<Item>::unbounded();
        watchdog::run(|watch| {
            let queue = &queue;
            let getter = |cmp_panics| {
                spawn_blocked(watch, "get", move || {
                    CMP_PANICS.set(cmp_panics);
                    catch_unwind(AssertUnwindSafe(|| queue.get().unwrap().rank))
                })
            };
            let (panicking, other) = ([(); 3].map(|()| getter(true)), getter(false));
            queue.try_put_many(tracker.items([1, 2, 3])).unwrap();
            assert!((1..=3).contains(&other.join().unwrap()));
            // A getter that finds one or two items compares nothing, and so gets its item.
            let panicked = panicking.into_iter().filter_map(|getter| getter.join().err()).count();
            assert_eq!(queue.len(), panicked.saturating_sub(1), "lost, or got twice");
            rest(queue);
        });
    }
    tracker.assert_each_dropped_once();
}

#[test]
fn a_putter_that_panics_passes_its_wake_up_on() {
    let tracker = Tracker::default();
    for _ in 0..20 {
        let queue = PriorityQueue::bounded(2);
        queue.put_many(tracker.items([1, 2])).unwrap();
        watchdog::run(|watch| {
            let (queue, tracker) = (&queue, &tracker);
            let putter = |cmp_panics| {
                spawn_blocked(watch, "put", move || {
                    CMP_PANICS.set(cmp_panics);
                    catch_unwind(AssertUnwindSafe(|| queue.put(tracker.item(3)).is_ok()))
                })
            };
            let (panicking, other) = (putter(true), putter(false));
            assert_eq!(queue.get().unwrap().rank, 1);
            assert!(other.join().unwrap());
            queue.shutdown();
            // It has panicked, or was refused by the shutdown because the slot was taken.
            assert!(!panicking.join().unwrap_or(false));
            assert_eq!((queue.unfinished(), ranks(rest(queue))), (3, vec![2, 3]));
        });
    }
    tracker.assert_each_dropped_once();
}
