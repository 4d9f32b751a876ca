//! What is counted: what is in, what is unfinished, and that looking at it waits for nobody.

use super::{AnyOrder, HASTY, every_form, in_each_order, join_by, rest};
use crate::watchdog;
use selvedge::queue::AnyQueue;
use selvedge::{Event, PriorityQueue, Task, TooManyDone};
use std::cmp::Ordering;

in_each_order! {
    what_is_in_is_counted
    an_unbounded_one_is_never_full
    what_is_put_is_unfinished_until_it_is_done
    too_many_done_change_nothing
    an_item_may_be_done_before_it_is_got
    what_is_drained_is_unfinished_still
    nobody_waits_for_a_queue_without_work
    a_join_gives_up_when_its_time_is_over
}

fn what_is_in_is_counted<O: AnyOrder<u32>>() {
    for capacity in [1, 2, 5] {
        let queue = AnyQueue::<u32, O>::bounded(capacity);
        assert_eq!(queue.capacity(), Some(capacity));
        let look = || (queue.len(), queue.is_empty(), queue.is_full());
        for len in 0..capacity {
            assert_eq!(look(), (len, len == 0, false));
            queue.put(1).unwrap();
        }
        assert_eq!(look(), (capacity, false, true));
        for len in (0..capacity).rev() {
            queue.get().unwrap();
            assert_eq!(look(), (len, len == 0, false));
        }
        queue.put_many(vec![1; capacity]).unwrap();
        assert_eq!(look(), (capacity, false, true));
        queue.drain();
        assert_eq!(look(), (0, true, false));
        queue.put(1).unwrap();
        queue.shutdown_now();
        assert_eq!(look(), (0, true, false));
    }
}

fn an_unbounded_one_is_never_full<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    for len in 1..=1000 {
        assert_eq!(queue.try_put(1), Ok(()));
        assert_eq!((queue.len(), queue.is_full(), queue.capacity()), (len, false, None));
    }
}

fn what_is_put_is_unfinished_until_it_is_done<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    for unfinished in 1..=3 {
        queue.put(1).unwrap();
        assert_eq!(queue.unfinished(), unfinished);
    }
    assert_eq!(rest(&queue).len(), 3);
    assert_eq!(queue.unfinished(), 3);
    for unfinished in (0..3).rev() {
        assert!(!queue.try_join());
        assert_eq!(queue.task_done(), Ok(()));
        assert_eq!(queue.unfinished(), unfinished);
    }
    assert!(queue.try_join());
}

fn too_many_done_change_nothing<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    for _ in 0..3 {
        assert_eq!(queue.task_done(), Err(TooManyDone));
        assert_eq!((queue.unfinished(), queue.try_join()), (0, true));
        queue.put(1).unwrap();
        assert_eq!(queue.unfinished(), 1, "one done too many was counted");
        assert_eq!(queue.task_done(), Ok(()));
    }
}

/// As in Python, which counts and does not look.
fn an_item_may_be_done_before_it_is_got<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    queue.put_many([1, 2]).unwrap();
    assert_eq!(
        (queue.task_done(), queue.task_done(), queue.task_done()),
        (Ok(()), Ok(()), Err(TooManyDone))
    );
    assert!(queue.try_join());
    queue.get().unwrap();
    drop(queue.get_task().unwrap());
    queue.put(3).unwrap();
    assert_eq!(queue.unfinished(), 1, "a task was counted that was one too many");
}

fn what_is_drained_is_unfinished_still<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(3);
    queue.put_many([2, 1, 3]).unwrap();
    assert_eq!(queue.drain(), O::out(vec![2, 1, 3]));
    assert_eq!((queue.drain(), queue.unfinished()), (vec![], 3));
    (0..3).for_each(|_| assert_eq!(queue.task_done(), Ok(())));
    assert_eq!(queue.task_done(), Err(TooManyDone));
}

fn nobody_waits_for_a_queue_without_work<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    watchdog::run(|_| {
        for form in every_form() {
            assert_eq!(join_by(&queue, form), Ok(()), "{form:?}");
            queue.put(1).unwrap();
            drop(queue.get_task().unwrap());
        }
    });
}

fn a_join_gives_up_when_its_time_is_over<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    queue.put(1).unwrap();
    for form in HASTY {
        let start = std::time::Instant::now();
        assert!(join_by(&queue, form).is_err(), "{form:?}");
        assert!(start.elapsed() >= form.patience(), "{form:?} gave up early");
    }
    assert_eq!(queue.get_task().map(Task::into_inner), Ok(1));
    assert_eq!(join_by(&queue, HASTY[0]), Ok(()));
}

/// An item that, being compared, tells that it is, and waits: meanwhile its queue's mutex is held.
struct Lingering<'a>(&'a Event, &'a Event);

impl Ord for Lingering<'_> {
    fn cmp(&self, _: &Self) -> Ordering {
        self.0.set();
        self.1.wait();
        Ordering::Equal
    }
}

impl PartialOrd for Lingering<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Lingering<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Lingering<'_> {}

#[test]
fn whoever_only_looks_or_counts_does_not_wait() {
    let (begun, go_on) = (Event::new(), Event::new());
    let queue = PriorityQueue::bounded(4);
    queue.put(Lingering(&begun, &go_on)).unwrap();
    watchdog::run(|watch| {
        let putter = watch.spawn("putter", |role| {
            role.waits("put, which compares", || queue.put(Lingering(&begun, &go_on)))
                .unwrap();
        });
        watch.waits("a comparison", || begun.wait());
        watch.waits("looks", || {
            assert_eq!((queue.len(), queue.is_empty(), queue.is_full()), (1, false, false));
            assert_eq!(
                (queue.unfinished(), queue.is_shutdown(), queue.capacity()),
                (1, false, Some(4))
            );
            assert!(format!("{queue:?} {:?}", queue.iter()).contains("len: 1"));
            assert!(!queue.try_join() && queue.join_timeout(crate::support::SHORT).is_err());
            assert_eq!(queue.task_done(), Ok(()));
            queue.join();
        });
        go_on.set();
        putter.join();
    });
    assert_eq!((queue.len(), queue.unfinished()), (2, 1));
}
