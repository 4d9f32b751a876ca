//! An `Ord` that panics, at each comparison in turn: hazard P, and all the others that CPython does not have.

use super::{FAILS, Item, Ledger, ranks};
use crate::queue::{every_form, get_by, put_by, put_many_by, rest};
use crate::watchdog;
use selvedge::{GetError, PriorityQueue};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Enough for three levels of the heap.
const ITEMS: u32 = 22;

fn filled(ledger: &Ledger) -> PriorityQueue<Item> {
    let queue = PriorityQueue::unbounded();
    queue
        .put_many(ledger.items((0..ITEMS).map(|n| 10 + n * 7 % ITEMS)))
        .unwrap();
    queue
}

fn sorted() -> Vec<u32> {
    (10..10 + ITEMS).collect()
}

/// Lets each comparison of `call` panic, one after the other, until it needs no more; `then` looks at what is left. Tells
/// how many there were.
fn fail_at_each<R>(
    call: impl Fn(&PriorityQueue<Item>, &Ledger) -> R,
    then: impl Fn(&PriorityQueue<Item>, &Ledger),
) -> u32 {
    for comparison in 1.. {
        let ledger = Ledger::default();
        let queue = filled(&ledger);
        let result = watchdog::run(|watch| {
            ledger.fail_at(comparison);
            let result = watch.waits("a call with an Ord that panics", || {
                catch_unwind(AssertUnwindSafe(|| _ = call(&queue, &ledger)))
            });
            ledger.fail_at(0);
            result
        });
        if result.is_ok() {
            return comparison - 1;
        }
        ledger.assert_none_dropped_twice();
        watchdog::run(|watch| watch.waits("what comes after a panic", || then(&queue, &ledger)));
        drop(queue);
        ledger.assert_each_dropped_once();
    }
    unreachable!("there is no end to its comparisons")
}

#[test]
fn a_put_that_panics_has_not_been() {
    for form in every_form() {
        let comparisons = fail_at_each(
            |queue, ledger| put_by(queue, ledger.item(0), form).unwrap(),
            |queue, ledger| {
                assert_eq!(
                    (queue.len(), queue.unfinished(), ledger.alive()),
                    (22, 22, 22),
                    "{form:?}"
                );
                queue.put(ledger.item(1)).unwrap();
                assert_eq!(ranks(rest(queue)), [vec![1], sorted()].concat());
            },
        );
        assert_eq!(comparisons, 3, "one a level");
    }
}

/// Whoever has got the first has compared nothing: that is left to the next, which may be a put.
#[test]
fn a_put_after_a_get_that_panics_has_not_been() {
    for (form, rank) in every_form().zip([0, 20, 100].into_iter().cycle()) {
        let comparisons = fail_at_each(
            |queue, ledger| {
                drop(queue.get());
                put_by(queue, ledger.item(rank), form).unwrap();
            },
            |queue, ledger| {
                assert_eq!(
                    (queue.len(), queue.unfinished(), ledger.alive()),
                    (21, 22, 21),
                    "{form:?}"
                );
                queue.put(ledger.item(11)).unwrap();
                assert_eq!(ranks(rest(queue)), [vec![11], sorted()[1..].to_vec()].concat());
            },
        );
        assert!(comparisons > 3);
    }
}

#[test]
fn a_get_that_panics_leaves_all_in() {
    for form in every_form() {
        let comparisons = fail_at_each(
            |queue, _| {
                drop(queue.get());
                get_by(queue, form)
            },
            |queue, ledger| {
                assert_eq!(
                    (queue.len(), queue.unfinished(), ledger.alive()),
                    (21, 22, 21),
                    "{form:?}"
                );
                assert_eq!(ranks(rest(queue)), sorted()[1..]);
            },
        );
        assert!(comparisons > 3);
    }
}

#[test]
fn put_many_that_panics_has_put_those_before() {
    // Higher and higher: one comparison each.
    for form in every_form() {
        let comparisons = fail_at_each(
            |queue, ledger| put_many_by(queue, ledger.items([50, 51, 52, 53]), form).map_err(drop),
            |queue, ledger| {
                let put = queue.len() - 22;
                assert!(put < 4);
                assert_eq!((queue.unfinished(), ledger.alive()), (22 + put, 22 + put), "{form:?}");
                assert_eq!(ranks(rest(queue)), [sorted(), (50..50 + put as u32).collect()].concat());
            },
        );
        assert_eq!(comparisons, 4);
    }
}

#[test]
fn a_drain_that_panics_has_taken_all_out() {
    let comparisons = fail_at_each(
        |queue, _| queue.drain(),
        |queue, ledger| {
            assert_eq!((queue.len(), queue.unfinished(), ledger.alive()), (0, 22, 0));
            queue.put_many(ledger.items([2, 3, 1])).unwrap();
            assert_eq!(ranks(rest(queue)), [1, 2, 3]);
        },
    );
    assert!(comparisons > 20);
}

#[test]
fn shutdown_now_that_panics_has_shut_down() {
    let comparisons = fail_at_each(
        |queue, _| queue.shutdown_now(),
        |queue, ledger| {
            assert_eq!((queue.len(), queue.unfinished(), ledger.alive()), (0, 0, 0));
            assert!(queue.is_shutdown() && queue.put(ledger.item(1)).is_err());
            assert_eq!(
                get_by(queue, crate::forms::Form::Plain).map(|item| item.rank),
                Err(GetError::ShutDown)
            );
            queue.join();
        },
    );
    assert!(comparisons > 20);
}

/// Whoever is dropped by the panic may use the queue, for its mutex is free by then.
#[test]
fn what_a_panic_drops_may_use_the_queue() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    type Call = fn(&'static PriorityQueue<Item>, Vec<Item>);
    let calls: [(usize, Call); 4] = [
        (1, |queue, mut items| _ = queue.try_put(items.remove(0))),
        (3, |queue, items| _ = queue.try_put_many(items)),
        (22, |queue, _| _ = queue.drain()),
        (22, |queue, _| _ = queue.shutdown_now()),
    ];
    for (at_least, call) in calls {
        let ledger = Ledger::default();
        let queue: &'static PriorityQueue<Item> = Box::leak(Box::new(PriorityQueue::unbounded()));
        let item = |rank| {
            let of_act = ledger.clone();
            ledger.acting(rank, move || {
                _ = queue.try_put(of_act.item(100));
                _ = (queue.task_done(), queue.len(), queue.try_get());
                DROPPED.fetch_add(1, Relaxed);
            })
        };
        queue.put_many((0..ITEMS).map(|n| item(10 + n * 7 % ITEMS))).unwrap();
        let before = DROPPED.load(Relaxed);
        watchdog::run(|watch| {
            let items = [0, 1, 2].map(item).into();
            ledger.fail_at(1);
            let call = AssertUnwindSafe(|| call(queue, items));
            assert!(
                watch
                    .waits("an item that uses its queue", || catch_unwind(call))
                    .is_err()
            );
        });
        assert!(DROPPED.load(Relaxed) >= before + at_least);
        ledger.assert_none_dropped_twice();
        rest(queue);
        ledger.assert_each_dropped_once();
    }
}

#[test]
fn those_put_before_a_panic_wake_getters() {
    let (queue, ledger) = (PriorityQueue::unbounded(), Ledger::default());
    watchdog::run(|watch| {
        let queue = &queue;
        let getter = |n| watch.spawn(format!("getter {n}"), |role| role.waits("get", || queue.get().ok()));
        let getters = [0, 1].map(getter);
        getters.iter().for_each(|getter| getter.until_asleep());
        ledger.fail_at(1); // that of the second with the first
        assert!(catch_unwind(AssertUnwindSafe(|| queue.try_put_many(ledger.items([1, 2, 3])))).is_err());
        watch.until("the first to be got", || queue.is_empty());
        assert_eq!(queue.unfinished(), 1);
        queue.shutdown();
        let got = getters.map(|getter| getter.join().map(|item| item.rank));
        assert!(got == [Some(1), None] || got == [None, Some(1)], "{got:?}");
    });
    ledger.assert_each_dropped_once();
}

#[test]
fn a_drain_that_panics_wakes_putters() {
    let (queue, ledger) = (PriorityQueue::bounded(3), Ledger::default());
    queue.put_many(ledger.items([1, 2, 3])).unwrap();
    watchdog::run(|watch| {
        let (queue, ledger) = (&queue, &ledger);
        let putter = |n| {
            watch.spawn(format!("putter {n}"), move |role| {
                role.waits("put", || queue.put(ledger.item(n)).is_ok())
            })
        };
        let putters = [7, 8].map(putter);
        putters.iter().for_each(|putter| putter.until_asleep());
        FAILS.set(true); // here alone: putters compare too
        assert!(catch_unwind(AssertUnwindSafe(|| queue.drain())).is_err());
        FAILS.set(false);
        assert_eq!(putters.map(|putter| putter.join()), [true; 2]);
    });
    assert_eq!((queue.unfinished(), ranks(rest(&queue))), (5, vec![7, 8]));
    ledger.assert_each_dropped_once();
}

#[test]
fn shutdown_now_that_panics_wakes_all() {
    let (queue, ledger) = (PriorityQueue::bounded(3), Ledger::default());
    queue.put_many(ledger.items([1, 2, 3])).unwrap();
    watchdog::run(|watch| {
        let (queue, ledger) = (&queue, &ledger);
        let putter = watch.spawn("putter", |role| {
            role.waits("put", || queue.put(ledger.item(1)).is_err())
        });
        let joiner = watch.spawn("joiner", |role| role.waits("join", || queue.join()));
        putter.until_asleep();
        joiner.until_asleep();
        FAILS.set(true);
        assert!(catch_unwind(AssertUnwindSafe(|| queue.shutdown_now())).is_err());
        FAILS.set(false);
        assert!(putter.join());
        joiner.join();
    });
    ledger.assert_each_dropped_once();
}

/// Three who fail sleep before one who does not, and three are called: each that fails must pass its turn on.
#[test]
fn a_getter_that_panics_passes_its_turn_on() {
    let ledger = Ledger::default();
    for _ in 0..20 {
        let queue = PriorityQueue::<Item>::unbounded();
        watchdog::run(|watch| {
            let queue = &queue;
            let getter = |fails: bool| {
                let getter = watch.spawn(format!("getter that fails: {fails}"), move |role| {
                    FAILS.set(fails);
                    role.waits("get", || catch_unwind(AssertUnwindSafe(|| queue.get().unwrap().rank)))
                });
                getter.until_asleep();
                getter
            };
            let (failing, sound) = ([(); 3].map(|()| getter(true)), getter(false));
            queue.try_put_many(ledger.items([1, 2, 3])).unwrap();
            let got = sound.join().unwrap();
            assert!((1..=3).contains(&got));
            // One or two items need no comparison to be got.
            let failed = failing.into_iter().filter_map(|getter| getter.join().err()).count();
            assert_eq!(queue.len(), failed.saturating_sub(1), "an item was lost, or got twice");
            rest(queue);
        });
    }
    ledger.assert_each_dropped_once();
}

#[test]
fn a_putter_that_panics_passes_its_turn_on() {
    let ledger = Ledger::default();
    for _ in 0..20 {
        let queue = PriorityQueue::bounded(2);
        queue.put_many(ledger.items([1, 2])).unwrap();
        watchdog::run(|watch| {
            let (queue, ledger) = (&queue, &ledger);
            let putter = |fails: bool| {
                let putter = watch.spawn(format!("putter that fails: {fails}"), move |role| {
                    FAILS.set(fails);
                    let put = AssertUnwindSafe(|| queue.put(ledger.item(3)).is_ok());
                    role.waits("put", || catch_unwind(put))
                });
                putter.until_asleep();
                putter
            };
            let (failing, sound) = (putter(true), putter(false));
            assert_eq!(queue.get().unwrap().rank, 1);
            assert!(sound.join().unwrap());
            queue.shutdown();
            // It has failed for want of order, or was too late for the room.
            assert!(!failing.join().unwrap_or(false));
            assert_eq!((queue.unfinished(), ranks(rest(queue))), (3, vec![2, 3]));
        });
    }
    ledger.assert_each_dropped_once();
}
