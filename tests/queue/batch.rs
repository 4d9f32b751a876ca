//! Many items at a time: put, drained, gone through.

use super::user_code::Ledger;
use super::{AnyOrder, HASTY, every_form, in_each_order, put_many_by, rest};
use crate::forms::{IN_VAIN, PATIENT};
use crate::support::panic_of;
use crate::watchdog;
use selvedge::queue::AnyQueue;
use selvedge::{GetError, PutError, Queue, ShutDown};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

in_each_order! {
    many_are_put_one_after_the_other
    as_many_are_put_as_there_is_room_for
    nothing_is_always_put
    whoever_puts_many_waits_for_room_again_and_again
    a_shutdown_gives_back_those_that_were_not_put
    each_item_is_put_before_the_next_is_taken
    no_more_are_taken_than_there_is_room_for_and_one
    room_that_is_made_while_items_are_taken_is_used
    a_timed_batch_ends_though_there_is_always_room
    a_queue_that_is_shut_down_takes_one_item_from_an_iterator
    an_iterator_that_panics_has_put_those_before
    an_iterator_that_panics_in_try_put_many_puts_nothing
    going_through_what_is_there_does_not_wait
    a_shared_queue_is_extended_by_waiting
    a_queue_of_ones_own_is_extended_without_waiting
}

fn many_are_put_one_after_the_other<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(5);
    for form in every_form() {
        assert_eq!(put_many_by(&queue, [3, 1, 4, 1, 5], form), Ok(()), "{form:?}");
        assert_eq!(queue.drain(), O::out(vec![3, 1, 4, 1, 5]));
    }
}

fn as_many_are_put_as_there_is_room_for<O: AnyOrder<u32>>() {
    for form in HASTY {
        let queue = AnyQueue::<u32, O>::bounded(3);
        queue.put(9).unwrap();
        let start = std::time::Instant::now();
        assert_eq!(
            put_many_by(&queue, 1..=5, form),
            Err(PutError::Full(vec![3, 4, 5])),
            "{form:?}"
        );
        assert!(start.elapsed() >= form.patience(), "{form:?} gave up early");
        assert_eq!((queue.len(), queue.unfinished()), (3, 3));
        assert_eq!(put_many_by(&queue, [6], form), Err(PutError::Full(vec![6])), "{form:?}");
        assert_eq!(rest(&queue), O::out(vec![9, 1, 2]));
    }
}

fn nothing_is_always_put<O: AnyOrder<u32>>() {
    let full = AnyQueue::<u32, O>::bounded(1);
    full.put(1).unwrap();
    watchdog::run(|_| {
        for form in every_form() {
            assert_eq!(put_many_by(&full, [], form), Ok(()), "{form:?}");
        }
    });
    assert_eq!((full.len(), full.unfinished()), (1, 1));
}

fn whoever_puts_many_waits_for_room_again_and_again<O: AnyOrder<u32>>() {
    for (form, capacity) in PATIENT.into_iter().zip([1, 2, 3, 7].into_iter().cycle()) {
        let queue = AnyQueue::<u32, O>::bounded(capacity);
        watchdog::run(|watch| {
            let queue = &queue;
            let putter = watch.spawn("putter", move |role| {
                role.waits("put_many", || put_many_by(queue, 0..20, form)).unwrap();
                queue.shutdown();
            });
            watch.until("a full queue", || queue.is_full());
            putter.until_asleep();
            let get = || queue.iter().inspect(|_| assert!(queue.len() <= capacity)).collect();
            let mut got: Vec<_> = watch.waits("the items", get);
            got.sort();
            assert!(got.into_iter().eq(0..20), "{form:?}");
        });
        assert_eq!(queue.unfinished(), 20);
    }
}

fn a_shutdown_gives_back_those_that_were_not_put<O: AnyOrder<u32>>() {
    for form in PATIENT {
        let queue = AnyQueue::<u32, O>::bounded(2);
        watchdog::run(|watch| {
            let putter = watch.spawn("putter", |role| {
                role.waits("put_many", || put_many_by(&queue, 0..5, form))
            });
            watch.until("a full queue", || queue.is_full());
            putter.until_asleep();
            queue.shutdown();
            assert_eq!(putter.join(), Err(PutError::ShutDown(vec![2, 3, 4])), "{form:?}");
        });
        assert_eq!(queue.unfinished(), 2);
        assert_eq!(put_many_by(&queue, [7], form), Err(PutError::ShutDown(vec![7])));
    }
}

/// So a stage of a pipeline passes its first item on before the last has come, and the iterator may use the queue.
fn each_item_is_put_before_the_next_is_taken<O: AnyOrder<u32>>() {
    for form in PATIENT {
        let queue = AnyQueue::<u32, O>::bounded(2);
        watchdog::run(|watch| {
            let items = (0..5_u32).inspect(|&n| {
                let before = n.checked_sub(1).ok_or(GetError::Empty);
                assert_eq!(queue.try_get(), before, "{form:?}");
            });
            assert_eq!(
                watch.waits("put_many", || put_many_by(&queue, items, form)),
                Ok(()),
                "{form:?}"
            );
        });
        assert_eq!(rest(&queue), [4]);
    }
}

/// Of an endless iterator, too.
fn no_more_are_taken_than_there_is_room_for_and_one<O: AnyOrder<u32>>() {
    for (form, capacity) in HASTY.into_iter().flat_map(|form| [(form, 3), (form, 4)]) {
        let queue = AnyQueue::<u32, O>::bounded(capacity);
        queue.put(9).unwrap();
        let mut items = 10..;
        let put = watchdog::run(|_| put_many_by(&queue, &mut items, form));
        let last = 9 + capacity as u32;
        assert_eq!(put, Err(PutError::Full(vec![last])), "{form:?}");
        assert_eq!(items.start, last + 1, "{form:?}");
        assert_eq!(rest(&queue).len(), capacity);
    }
}

/// In one turn: they follow each other directly, and they are as many as there is room for then.
fn room_that_is_made_while_items_are_taken_is_used<O: AnyOrder<u32>>() {
    for capacity in [3, 4] {
        let queue = AnyQueue::<u32, O>::bounded(capacity);
        (0..capacity).for_each(|_| queue.put(9).unwrap());
        let mut drained = 0;
        let items = (0..).inspect(|_| drained += queue.drain().len());
        let last = capacity as u32;
        assert_eq!(
            watchdog::run(|_| queue.try_put_many(items)),
            Err(PutError::Full(vec![last]))
        );
        assert_eq!((drained, queue.unfinished()), (capacity, 2 * capacity));
        assert_eq!(rest(&queue), O::out((0..last).collect()));
    }
}

/// The iterator itself makes room for each item.
fn a_timed_batch_ends_though_there_is_always_room<O: AnyOrder<u32>>() {
    for form in IN_VAIN {
        let queue = AnyQueue::<u32, O>::bounded(3);
        let (start, mut taken) = (std::time::Instant::now(), 0);
        let items = (0..).inspect(|_| {
            queue.drain();
            taken += 1;
        });
        let put = watchdog::run(|watch| watch.waits("put_many", || put_many_by(&queue, items, form)));
        assert!(
            put.is_err_and(|refused| refused.is_full() && refused.into_inner().len() == 1),
            "{form:?}"
        );
        assert!(start.elapsed() >= form.patience(), "{form:?} gave up early");
        if form.patience().is_zero() {
            assert_eq!(taken, 4, "{form:?}: as many as it can hold, and one");
        }
    }
}

fn a_queue_that_is_shut_down_takes_one_item_from_an_iterator<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(2);
    queue.shutdown();
    assert_eq!(watchdog::run(|_| queue.put_many(1..)), Err(ShutDown(vec![1])));
    assert_eq!(
        watchdog::run(|_| queue.put_many_timeout(1.., Duration::MAX)),
        Err(PutError::ShutDown(vec![1]))
    );
}

fn failing() -> impl Iterator<Item = u32> {
    (0..3).inspect(|&n| {
        if n == 2 {
            resume_unwind(Box::new("an iterator that fails"))
        }
    })
}

fn an_iterator_that_panics_has_put_those_before<O: AnyOrder<u32>>() {
    for form in PATIENT {
        let queue = AnyQueue::<u32, O>::bounded(4);
        assert!(catch_unwind(AssertUnwindSafe(|| put_many_by(&queue, failing(), form))).is_err());
        assert_eq!((rest(&queue), queue.unfinished()), (O::out(vec![0, 1]), 2));
    }
}

fn an_iterator_that_panics_in_try_put_many_puts_nothing<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(4);
    assert!(catch_unwind(AssertUnwindSafe(|| queue.try_put_many(failing()))).is_err());
    assert_eq!((queue.len(), queue.unfinished()), (0, 0));
    assert_eq!((queue.put(1), queue.get()), (Ok(()), Ok(1)));
}

fn going_through_what_is_there_does_not_wait<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    watchdog::run(|_| {
        assert_eq!(queue.try_iter().next(), None);
        queue.put_many([2, 1, 3]).unwrap();
        let mut items = queue.try_iter();
        let first = items.next().unwrap();
        assert_eq!(queue.len(), 2, "an item too many was got");
        let others: Vec<_> = items.collect();
        assert_eq!([vec![first], others].concat(), O::out(vec![2, 1, 3]));
        queue.put_many([5, 4]).unwrap();
        assert_eq!(queue.iter().take(1).collect::<Vec<_>>(), O::out(vec![5, 4])[..1]);
        assert_eq!(queue.len(), 1);
    });
}

fn a_shared_queue_is_extended_by_waiting<O: AnyOrder<u32>>() {
    let (queue, taken) = (AnyQueue::<u32, O>::bounded(2), AtomicUsize::new(0));
    watchdog::run(|watch| {
        let taken = &taken;
        let items = (0..6).inspect(move |_| _ = taken.fetch_add(1, Relaxed));
        let putter = watch.spawn("putter", |role| role.waits("extend", || (&queue).extend(items)));
        watch.until("a full queue", || queue.is_full());
        putter.until_asleep();
        assert_eq!(taken.load(Relaxed), 3, "one more than there was room for");
        let got = watch.waits("get", || [(); 6].map(|()| queue.get().unwrap()));
        assert_eq!(got.iter().sum::<u32>(), 15);
        putter.join();
    });
    queue.shutdown();
    assert!(panic_of(|| (&queue).extend([1])).contains("shut down"));
    assert_eq!(queue.len(), 0);
}

fn a_queue_of_ones_own_is_extended_without_waiting<O: AnyOrder<u32>>() {
    let mut queue = AnyQueue::<u32, O>::bounded(3);
    queue.extend([2, 1]);
    assert!(watchdog::run(|_| panic_of(|| queue.extend(5..))).contains("room"));
    assert_eq!(queue.drain(), O::out(vec![2, 1, 5]));
    queue.shutdown();
    assert!(panic_of(|| queue.extend([7])).contains("room"));
    assert_eq!(queue.len(), 0);
}

#[test]
fn what_does_not_go_into_an_extended_queue_is_dropped() {
    let ledger = Ledger::default();
    let mut queue = Queue::bounded(2);
    panic_of(|| queue.extend((0..5).map(|_| ledger.item(0))));
    assert_eq!((ledger.alive(), queue.len()), (2, 2));
    drop(queue);
    ledger.assert_each_dropped_once();
}
