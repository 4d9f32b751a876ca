//! `put_many`, whose iterator may use the queue, panic or never end; and `Extend`.

use super::{AnyOrder, EXPIRING, in_each_order, put_many_by, rest, spawn_blocked};
use crate::forms::{BLOCKING, EXPIRING_WAITS};
use crate::support::panic_of;
use crate::watchdog;
use selvedge::queue::AnyQueue;
use selvedge::{GetError, PutError, ShutDown};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

in_each_order! {
    a_blocked_put_many_resumes_whenever_a_slot_is_freed
    a_shutdown_returns_the_items_not_yet_put
    each_item_is_put_before_the_next_is_taken
    a_full_queue_takes_one_item_more_than_it_puts
    try_put_many_uses_the_slots_that_its_iterator_frees
    a_timed_put_many_ends_though_its_iterator_frees_slots
    a_shut_down_queue_takes_one_item_from_an_iterator
    an_iterator_that_panics_leaves_the_earlier_items_unless_it_is_try_put_many
    extend_blocks_if_the_queue_is_shared_and_panics_if_it_is_not
}

fn a_blocked_put_many_resumes_whenever_a_slot_is_freed<O: AnyOrder<u32>>() {
    for (form, capacity) in BLOCKING.into_iter().zip([1, 2, 3, 7].into_iter().cycle()) {
        let queue = AnyQueue::<u32, O>::bounded(capacity);
        watchdog::run(|watch| {
            let queue = &queue;
            spawn_blocked(watch, "put_many", move || {
                put_many_by(queue, 0..20, form).unwrap();
                queue.shutdown();
            });
            watch.until("a full queue", || queue.is_full());
            let get = || queue.iter().inspect(|_| assert!(queue.len() <= capacity)).collect();
            let mut got: Vec<_> = watch.waits("the items", get);
            got.sort();
            assert!(got.into_iter().eq(0..20), "{form:?}");
        });
        assert_eq!(queue.unfinished(), 20);
    }
}

fn a_shutdown_returns_the_items_not_yet_put<O: AnyOrder<u32>>() {
    for form in BLOCKING {
        let queue = AnyQueue::<u32, O>::bounded(2);
        watchdog::run(|watch| {
            let putter = spawn_blocked(watch, "put_many", || put_many_by(&queue, 0..5, form));
            watch.until("a full queue", || queue.is_full());
            queue.shutdown();
            assert_eq!(putter.join(), Err(PutError::ShutDown(vec![2, 3, 4])), "{form:?}");
        });
        assert_eq!(queue.unfinished(), 2);
    }
}

/// A stage of a pipeline passes its first item on before it has the last, and the iterator may use the queue.
fn each_item_is_put_before_the_next_is_taken<O: AnyOrder<u32>>() {
    for form in BLOCKING {
        let queue = AnyQueue::<u32, O>::bounded(2);
        let items = (0..5_u32).inspect(|&n| {
            let before = n.checked_sub(1).ok_or(GetError::Empty);
            assert_eq!(queue.try_get(), before, "{form:?}");
        });
        let put = watchdog::run(|watch| watch.waits("put_many", || put_many_by(&queue, items, form)));
        assert_eq!(put, Ok(()), "{form:?}");
        assert_eq!(rest(&queue), [4]);
    }
}

/// The iterator may be endless.
fn a_full_queue_takes_one_item_more_than_it_puts<O: AnyOrder<u32>>() {
    for (form, capacity) in EXPIRING.into_iter().flat_map(|form| [(form, 3), (form, 4)]) {
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

/// `try_put_many` takes the items first, and then puts as many at one time as the queue has free slots.
fn try_put_many_uses_the_slots_that_its_iterator_frees<O: AnyOrder<u32>>() {
    for capacity in [3, 4] {
        let queue = AnyQueue::<u32, O>::bounded(capacity);
        (0..capacity).for_each(|_| queue.put(9).unwrap());
        let mut drained = 0;
        let items = (0..).inspect(|_| drained += queue.drain().len());
        let last = capacity as u32;
        let put = watchdog::run(|_| queue.try_put_many(items));
        assert_eq!(put, Err(PutError::Full(vec![last])));
        assert_eq!((drained, queue.unfinished()), (capacity, 2 * capacity));
        assert_eq!(rest(&queue), O::out((0..last).collect()));
    }
}

fn a_timed_put_many_ends_though_its_iterator_frees_slots<O: AnyOrder<u32>>() {
    for form in EXPIRING_WAITS {
        let queue = AnyQueue::<u32, O>::bounded(3);
        let (start, mut taken) = (std::time::Instant::now(), 0);
        let items = (0..).inspect(|_| {
            queue.drain();
            taken += 1;
        });
        let put = watchdog::run(|watch| watch.waits("put_many", || put_many_by(&queue, items, form)));
        let PutError::Full(refused) = put.unwrap_err() else {
            panic!("{form:?}: the queue is open")
        };
        assert_eq!(refused.len(), 1, "{form:?}");
        assert!(start.elapsed() >= form.timeout(), "{form:?} returned early");
        assert!(!form.timeout().is_zero() || taken == 4, "{form:?}: capacity + 1");
    }
}

fn a_shut_down_queue_takes_one_item_from_an_iterator<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(2);
    queue.shutdown();
    watchdog::run(|_| {
        assert_eq!(queue.put_many(1..), Err(ShutDown(vec![1])));
        let timed = queue.put_many_timeout(1.., Duration::MAX);
        assert_eq!(timed, Err(PutError::ShutDown(vec![1])));
    });
}

fn an_iterator_that_panics_leaves_the_earlier_items_unless_it_is_try_put_many<O: AnyOrder<u32>>() {
    for form in BLOCKING.into_iter().chain([EXPIRING[0]]) {
        let queue = AnyQueue::<u32, O>::bounded(4);
        let items = (0..2).chain(std::iter::once_with(|| resume_unwind(Box::new("the iterator fails"))));
        assert!(catch_unwind(AssertUnwindSafe(|| put_many_by(&queue, items, form))).is_err());
        let earlier = if form.timeout().is_zero() { vec![] } else { vec![0, 1] };
        assert_eq!(queue.unfinished(), earlier.len(), "{form:?}");
        assert_eq!(rest(&queue), O::out(earlier), "{form:?}");
        assert_eq!((queue.put(1), queue.get()), (Ok(()), Ok(1)));
    }
}

fn extend_blocks_if_the_queue_is_shared_and_panics_if_it_is_not<O: AnyOrder<u32>>() {
    let (mut queue, taken) = (AnyQueue::<u32, O>::bounded(2), AtomicUsize::new(0));
    watchdog::run(|watch| {
        let (queue, taken) = (&queue, &taken);
        let items = (0..6).inspect(move |_| _ = taken.fetch_add(1, Relaxed));
        let putter = spawn_blocked(watch, "extend", move || { queue }.extend(items));
        watch.until("capacity + 1 items to be taken", || taken.load(Relaxed) == 3);
        let got = watch.waits("get", || [(); 6].map(|()| queue.get().unwrap()));
        assert_eq!(got.iter().sum::<u32>(), 15);
        putter.join();
    });
    watchdog::run(|_| panic_of(|| queue.extend(5..)));
    assert_eq!(queue.drain(), O::out(vec![5, 6]));
    queue.shutdown();
    panic_of(|| queue.extend([7]));
    panic_of(|| (&queue).extend([7]));
    assert_eq!(queue.len(), 0);
}
