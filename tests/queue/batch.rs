//! Many items at a time: put, drained, gone through.

use super::user_code::Ledger;
use super::{AnyOrder, HASTY, every_form, in_each_order, put_many_by, rest};
use crate::forms::PATIENT;
use crate::support::panic_of;
use crate::watchdog;
use selvedge::queue::AnyQueue;
use selvedge::{PutError, Queue, ShutDown};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

in_each_order! {
    many_are_put_one_after_the_other
    as_many_are_put_as_there_is_room_for
    nothing_is_always_put
    whoever_puts_many_waits_for_room_again_and_again
    a_shutdown_gives_back_those_that_were_not_put
    the_iterator_may_use_the_queue
    an_iterator_that_panics_puts_nothing
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
        assert_eq!(put_many_by(&queue, 1..=5, form), Err(PutError::Full(vec![3, 4, 5])), "{form:?}");
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
            let putter = watch.spawn("putter", |role| role.waits("put_many", || put_many_by(&queue, 0..5, form)));
            watch.until("a full queue", || queue.is_full());
            putter.until_asleep();
            queue.shutdown();
            assert_eq!(putter.join(), Err(PutError::ShutDown(vec![2, 3, 4])), "{form:?}");
        });
        assert_eq!(queue.unfinished(), 2);
        assert_eq!(queue.put_many([7]), Err(ShutDown(vec![7])));
    }
}

fn the_iterator_may_use_the_queue<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(4);
    watchdog::run(|_| {
        let items = (10..12).inspect(|_| {
            queue.put(1).unwrap();
            assert_eq!((queue.get(), queue.len()), (Ok(1), 0), "what is to be put is not in before all are known");
        });
        assert_eq!(queue.put_many(items), Ok(()));
    });
    assert_eq!(queue.drain(), O::out(vec![10, 11]));
}

fn an_iterator_that_panics_puts_nothing<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(4);
    let items = (0..3).inspect(|&n| {
        if n == 2 {
            resume_unwind(Box::new("an iterator that fails"))
        }
    });
    assert!(catch_unwind(AssertUnwindSafe(|| queue.put_many(items))).is_err());
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
    let queue = AnyQueue::<u32, O>::bounded(2);
    watchdog::run(|watch| {
        let putter = watch.spawn("putter", |role| role.waits("extend", || (&queue).extend(0..6)));
        watch.until("a full queue", || queue.is_full());
        putter.until_asleep();
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
    assert!(watchdog::run(|_| panic_of(|| queue.extend([5, 6]))).contains("room"));
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
