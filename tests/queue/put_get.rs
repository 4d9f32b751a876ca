//! Putting and getting in one thread: the orders, the forms, what is refused, and the shapes of the types.

use super::{AnyOrder, every_form, get_by, in_each_order, put_by, rest};
use crate::forms::HASTY;
use crate::support::{SHORT, panic_of};
use crate::watchdog;
use fastrand::Rng;
use selvedge::queue::{AnyQueue, Iter, TryIter};
use selvedge::{GetError, LifoQueue, Prioritized, PriorityQueue, PutError, Queue, SimpleQueue, Task};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::fmt::Debug;
use std::rc::Rc;
use std::time::{Duration, Instant};

assert_impl_all!(Queue<Cell<u8>>: Send, Sync, Debug);
assert_impl_all!(LifoQueue<Cell<u8>>: Send, Sync, Debug);
assert_impl_all!(PriorityQueue<Cell<u8>>: Send, Sync, Debug);
assert_impl_all!(SimpleQueue<Cell<u8>>: Send, Sync, Debug, Default);
assert_not_impl_any!(Queue<Rc<u8>>: Send, Sync);
assert_not_impl_any!(LifoQueue<Rc<u8>>: Send, Sync);
assert_not_impl_any!(PriorityQueue<Rc<u8>>: Send, Sync);
assert_not_impl_any!(SimpleQueue<Rc<u8>>: Send, Sync);
assert_not_impl_any!(Queue<*const u8>: Send, Sync);
assert_impl_all!(Task<'static, u8>: Send, Sync, Debug);
assert_impl_all!(Task<'static, Cell<u8>>: Send);
assert_not_impl_any!(Task<'static, Cell<u8>>: Sync);
assert_not_impl_any!(Task<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(Task<'static, u8>: Clone);
assert_impl_all!(Iter<'static, Cell<u8>, selvedge::queue::Fifo>: Send, Sync, Debug, Iterator);
assert_impl_all!(TryIter<'static, Cell<u8>, selvedge::queue::Lifo>: Send, Sync, Debug, Iterator);
assert_impl_all!(Prioritized<u8, Cell<u8>>: Send, Ord, Clone, Debug, Default);
assert_impl_all!(Prioritized<u8, u8>: Copy);

in_each_order! {
    items_come_out_in_their_order
    any_interleaving_comes_out_in_order
    a_full_queue_refuses_and_gives_the_item_back
    an_empty_queue_refuses
    a_capacity_of_zero_is_refused
    memory_is_taken_as_it_is_needed
    a_put_that_can_be_done_at_once_needs_no_time
    debug_shows_what_can_be_seen
}

fn items_come_out_in_their_order<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    let items = [5, 1, 4, 1, 3];
    watchdog::run(|_| {
        for form in every_form() {
            for item in items {
                assert_eq!(put_by(&queue, item, form), Ok(()), "{form:?}");
            }
            let got = items.map(|_| get_by(&queue, form).unwrap());
            assert_eq!(got, O::out(items.into())[..], "{form:?}");
            assert_eq!(queue.try_get(), Err(GetError::Empty));
        }
    });
}

/// Law Q3. Items with equal priorities can be told from each other.
fn any_interleaving_comes_out_in_order<O: AnyOrder<Prioritized<u8, u32>>>() {
    let mut rng = Rng::with_seed(0);
    for priorities in [1, 3, 200] {
        let (queue, mut model) = (AnyQueue::<_, O>::unbounded(), Vec::new());
        for item in 0..400 {
            let moves = rng.u32(..4);
            if moves < 2 || item < 20 {
                let new = Prioritized {
                    priority: rng.u8(..priorities),
                    item,
                };
                queue.put(new).unwrap();
                model.push(new);
            } else if moves == 2 {
                let expected = O::out(model.clone()).first().map(|next| next.item);
                assert_eq!(queue.try_get().ok().map(|next| next.item), expected);
                model.retain(|kept| Some(kept.item) != expected);
            } else if rng.u8(..30) == 0 {
                let numbers =
                    |items: Vec<Prioritized<u8, u32>>| items.into_iter().map(|it| it.item).collect::<Vec<_>>();
                assert_eq!(numbers(queue.drain()), numbers(O::out(std::mem::take(&mut model))));
            }
            assert_eq!(queue.len(), model.len());
        }
        let left: Vec<_> = rest(&queue).into_iter().map(|next| next.item).collect();
        assert_eq!(
            left,
            O::out(model).into_iter().map(|next| next.item).collect::<Vec<_>>()
        );
    }
}

/// Laws Q1 and Q11.
fn a_full_queue_refuses_and_gives_the_item_back<O: AnyOrder<u32>>() {
    for capacity in [1, 2, 5] {
        let queue = AnyQueue::<u32, O>::bounded(capacity);
        let items: Vec<_> = (0..capacity as u32).collect();
        items.iter().for_each(|&item| queue.put(item).unwrap());
        for form in HASTY {
            let start = Instant::now();
            assert_eq!(put_by(&queue, 77, form), Err(PutError::Full(77)), "{form:?}");
            assert!(start.elapsed() >= form.patience(), "{form:?} gave up early");
            assert_eq!(
                (queue.len(), queue.unfinished()),
                (capacity, capacity),
                "{form:?} has left something behind"
            );
        }
        assert_eq!(rest(&queue), O::out(items));
    }
}

fn an_empty_queue_refuses<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(1);
    for form in HASTY {
        let start = Instant::now();
        assert_eq!(get_by(&queue, form), Err(GetError::Empty), "{form:?}");
        assert!(start.elapsed() >= form.patience(), "{form:?} gave up early");
    }
    assert_eq!(queue.try_put(1), Ok(()), "a refused get has left something behind");
    assert_eq!(queue.try_get(), Ok(1));
}

fn a_capacity_of_zero_is_refused<O: AnyOrder<u32>>() {
    let said = panic_of(|| AnyQueue::<u32, O>::bounded(0));
    assert!(said.contains("unbounded"), "{said}");
}

fn memory_is_taken_as_it_is_needed<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(usize::MAX / 4);
    queue.put(1).unwrap();
    assert_eq!((queue.get(), queue.capacity()), (Ok(1), Some(usize::MAX / 4)));
}

/// There is room, and there is an item: the deadline, which has passed, is nothing to those who need not wait.
fn a_put_that_can_be_done_at_once_needs_no_time<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(1);
    let passed = selvedge::Instant::now();
    while !passed.has_passed() {}
    for round in 0..3 {
        assert_eq!(queue.put_deadline(round, passed), Ok(()));
        assert_eq!(queue.get_deadline(passed), Ok(round));
        assert_eq!(queue.put_timeout(round, Duration::ZERO), Ok(()));
        assert_eq!(queue.get_timeout(Duration::ZERO), Ok(round));
        assert_eq!(queue.put_many_deadline([round], passed), Ok(()));
        assert_eq!(queue.get_task_deadline(passed).map(Task::into_inner), Ok(round));
        assert_eq!(queue.put_many_timeout([round], Duration::ZERO), Ok(()));
        assert_eq!(queue.get_task_timeout(Duration::ZERO).map(Task::forget), Ok(round));
        assert_eq!(queue.task_done(), Ok(()));
    }
}

fn debug_shows_what_can_be_seen<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(3);
    queue.put_many([1, 2]).unwrap();
    queue.get().unwrap();
    let shown = "Queue { len: 1, capacity: Some(3), unfinished: 2, is_shutdown: false }";
    assert_eq!(format!("{queue:?}"), shown);
    assert_eq!(
        format!("{:?} {:?}", queue.iter(), queue.try_iter()),
        format!("Iter({shown}) TryIter({shown})")
    );
    queue.shutdown();
    assert!(format!("{queue:?}").contains("is_shutdown: true"));
    assert!(format!("{:?}", AnyQueue::<u32, O>::unbounded()).contains("capacity: None"));
}

#[test]
fn static_queues_are_ones_for_all_threads() {
    static FIFO: Queue<String> = Queue::bounded(2);
    static LIFO: LifoQueue<String> = LifoQueue::unbounded();
    static PRIORITY: PriorityQueue<String> = PriorityQueue::bounded(2);
    static SIMPLE: SimpleQueue<String> = SimpleQueue::new();
    watchdog::run(|watch| {
        let putter = watch.spawn("putter", |role| {
            for text in ["b", "a"] {
                role.waits("put", || FIFO.put(text.into())).unwrap();
                LIFO.put(text.into()).unwrap();
                role.waits("put", || PRIORITY.put(text.into())).unwrap();
                SIMPLE.put(text.into());
            }
        });
        putter.join();
        assert_eq!([FIFO.get().unwrap(), FIFO.get().unwrap()], ["b", "a"]);
        assert_eq!([LIFO.get().unwrap(), LIFO.get().unwrap()], ["a", "b"]);
        assert_eq!([PRIORITY.get().unwrap(), PRIORITY.get().unwrap()], ["a", "b"]);
        assert_eq!([SIMPLE.get(), SIMPLE.get()], ["b", "a"]);
    });
}

/// Nothing is asked of an item but, where it is compared, an order; and it may borrow.
#[test]
fn any_item_will_do() {
    struct Opaque(Rc<str>);
    let queue = Queue::bounded(1);
    queue.put(Opaque("it".into())).unwrap();
    let back = queue.try_put(Opaque("back".into())).unwrap_err();
    assert_eq!((format!("{back:?}"), &*back.into_inner().0), ("Full".into(), "back"));
    queue.shutdown();
    let back = queue.put(Opaque("again".into())).unwrap_err();
    assert_eq!(
        (format!("{back:?}"), &*back.into_inner().0),
        ("ShutDown".into(), "again")
    );
    assert_eq!(&*queue.get().map(|it| it.0).unwrap(), "it");

    let text = String::from("a borrowed text");
    let words = PriorityQueue::unbounded();
    words.put_many(text.split(' ')).unwrap();
    assert_eq!(words.drain(), ["a", "borrowed", "text"]);
}

#[test]
fn prioritized_items_are_compared_by_their_priority_alone() {
    struct Opaque(u8);
    let of = |priority, item| Prioritized {
        priority,
        item: Opaque(item),
    };
    assert!(of(1, 0) == of(1, 9) && of(1, 9) != of(2, 9) && of(1, 9) < of(2, 0));
    assert!(of(1, 9).cmp(&of(1, 0)).is_eq());
    assert_eq!(
        Prioritized {
            priority: f32::NAN,
            item: 1
        }
        .partial_cmp(&Prioritized { priority: 0.0, item: 1 }),
        None
    );
    let queue = PriorityQueue::unbounded();
    queue
        .put_many([
            of(2, 1),
            of(1, 2),
            of(2, 3),
            of(1, 4),
            of(2, 5),
            of(1, 6),
            of(2, 7),
            of(1, 8),
        ])
        .unwrap();
    assert_eq!(
        rest(&queue).into_iter().map(|it| it.item.0).collect::<Vec<_>>(),
        [2, 4, 6, 8, 1, 3, 5, 7]
    );
}

#[test]
fn highest_first_is_lowest_first_in_reverse() {
    use std::cmp::Reverse;
    let queue = PriorityQueue::bounded(4);
    queue.put_many([2, 9, 4].map(Reverse)).unwrap();
    assert_eq!(queue.put_timeout(Reverse(7), SHORT), Ok(()));
    assert_eq!(queue.drain(), [9, 7, 4, 2].map(Reverse));
}
