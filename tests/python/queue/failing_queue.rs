//! `FailingQueueTest`: Python's queue fails by a `_put` and a `_get` of its own, ours by the `Ord` of its items.

use crate::forms::Form::{Plain, Timeout, Try};
use crate::queue::{get_by, put_by};
use crate::watchdog::{self, Watch};
use selvedge::PriorityQueue;
use std::cell::Cell;
use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

const QUEUE_SIZE: usize = 5;
const LONG: Duration = Duration::from_secs(10);

thread_local! {
    static FAILS: Cell<bool> = const { Cell::new(false) };
}

/// Cannot be compared in a thread that shall fail.
#[derive(Debug, PartialEq, Eq)]
struct Item;

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Item) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, _: &Item) -> Ordering {
        if FAILS.get() {
            resume_unwind(Box::new("You lose"));
        }
        Ordering::Equal
    }
}

/// Whether the call fails in a thread that shall.
fn fails<R>(call: impl FnOnce() -> R) -> bool {
    FAILS.set(true);
    let failed = catch_unwind(AssertUnwindSafe(call)).is_err();
    FAILS.set(false);
    failed
}

/// Whether the call fails that has slept until the trigger.
fn fails_once_triggered<'env, R>(
    watch: &Watch<'_, 'env>,
    call: impl FnOnce() -> R + Send + 'env,
    trigger: impl FnOnce(),
) -> bool {
    let blocked = watch.spawn("blocked", |role| role.waits("a call that fails", || fails(call)));
    blocked.until_asleep();
    trigger();
    blocked.join()
}

fn failing_queue_test(queue: &PriorityQueue<Item>) {
    (1..QUEUE_SIZE).for_each(|_| queue.put(Item).unwrap());
    for form in [Try, Timeout(LONG)] {
        assert!(fails(|| put_by(queue, Item, form)));
    }
    queue.put(Item).unwrap();
    assert!(queue.is_full());
    watchdog::run(|watch| {
        for form in [Plain, Timeout(LONG)] {
            assert!(fails_once_triggered(
                watch,
                move || put_by(queue, Item, form),
                || _ = queue.get().unwrap()
            ));
            // The put failed, the get did not.
            assert_eq!(queue.len(), QUEUE_SIZE - 1);
            queue.put(Item).unwrap();
        }
        let putter = watch.spawn("putter", |role| role.waits("put", || queue.put(Item)).is_ok());
        putter.until_asleep();
        queue.get().unwrap();
        assert!(putter.join());
    });
    assert!(queue.is_full());
    // The first is got without a comparison.
    assert!(!fails(|| queue.get().unwrap()));
    for form in [Try, Plain, Timeout(LONG)] {
        assert!(fails(|| get_by(queue, form)));
        assert_eq!(queue.len(), QUEUE_SIZE - 1);
    }
    (1..QUEUE_SIZE).for_each(|_| _ = queue.get().unwrap());
    assert!(queue.is_empty());
    watchdog::run(|watch| {
        let getters = [0, 1].map(|n| {
            watch.spawn(format!("getter {n}"), |role| {
                role.waits("a call that may fail", || fails(|| queue.get()))
            })
        });
        getters.iter().for_each(|getter| getter.until_asleep());
        queue.try_put_many([Item, Item, Item]).unwrap(); // in one turn
        let failed = getters.map(|getter| getter.join());
        assert!(
            failed[0] != failed[1],
            "the second must compare the two that the first has left"
        );
    });
    assert_eq!(queue.len(), 2);
    assert_eq!(queue.drain().len(), 2);
}

#[test]
fn failing_queue() {
    let queue = PriorityQueue::bounded(QUEUE_SIZE);
    for _ in 0..2 {
        failing_queue_test(&queue);
    }
}
