//! Order, capacity and item types of the queues. `fuzz::queue::sequential` checks every call in every form in one thread.

use super::{AnyOrder, in_each_order, rest};
use crate::races::four_to_four_hand_off;
use crate::support::{SHORT, panic_of};
use crate::watchdog;
use fastrand::Rng;
use selvedge::queue::{AnyQueue, Fifo, Iter, Lifo, TryIter};
use selvedge::{Event, LifoQueue, Prioritized, PriorityQueue, Queue, SimpleQueue, Task};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::cmp::Ordering;
use std::fmt::Debug;
use std::rc::Rc;

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
assert_impl_all!(Iter<'static, Cell<u8>, Fifo>: Send, Sync, Debug, Iterator);
assert_impl_all!(TryIter<'static, Cell<u8>, Lifo>: Send, Sync, Debug, Iterator);
assert_impl_all!(Prioritized<u8, Cell<u8>>: Send, Ord, Clone, Debug, Default);
assert_impl_all!(Prioritized<u8, u8>: Copy);

// The constructors are const, so that a queue can be a static.
const _: [Queue<String>; 2] = [Queue::bounded(2), Queue::unbounded()];
const _: [LifoQueue<String>; 2] = [LifoQueue::bounded(2), LifoQueue::unbounded()];
const _: [PriorityQueue<String>; 2] = [PriorityQueue::bounded(2), PriorityQueue::unbounded()];
const _: SimpleQueue<String> = SimpleQueue::new();

in_each_order! {
    a_long_queue_keeps_its_order
    a_capacity_of_zero_panics
    a_large_capacity_allocates_on_demand
}

/// Law Q3 with up to 400 items; the fuzzers' queues are short.
fn a_long_queue_keeps_its_order<O: AnyOrder<Prioritized<u8, u32>>>() {
    let mut rng = Rng::with_seed(0);
    let numbers = |items: Vec<Prioritized<u8, u32>>| items.into_iter().map(|it| it.item).collect::<Vec<_>>();
    for priorities in [1, 3, 200] {
        let (queue, mut model) = (AnyQueue::<_, O>::unbounded(), Vec::new());
        for item in 0..600 {
            if rng.u8(..6) < 5 {
                let priority = rng.u8(..priorities);
                queue.put(Prioritized { priority, item }).unwrap();
                model.push(Prioritized { priority, item });
            } else {
                let expected = numbers(O::out(model.clone())).first().copied();
                assert_eq!(queue.try_get().ok().map(|next| next.item), expected);
                model.retain(|kept| Some(kept.item) != expected);
            }
        }
        assert!(model.len() > 300);
        assert_eq!(numbers(rest(&queue)), numbers(O::out(model)));
    }
}

fn a_capacity_of_zero_panics<O: AnyOrder<u32>>() {
    let message = panic_of(|| AnyQueue::<u32, O>::bounded(0));
    assert!(message.contains("unbounded"), "{message}");
}

fn a_large_capacity_allocates_on_demand<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(usize::MAX / 4);
    queue.put(1).unwrap();
    assert_eq!((queue.get(), queue.capacity()), (Ok(1), Some(usize::MAX / 4)));
}

#[test]
fn debug_of_an_iterator_shows_its_queue() {
    let queue = Queue::<u8>::bounded(3);
    let iterators = format!("{:?} {:?}", queue.iter(), queue.try_iter());
    assert_eq!(iterators, format!("Iter({queue:?}) TryIter({queue:?})"));
    let simple = SimpleQueue::new();
    simple.put_many([1, 2]);
    assert_eq!(format!("{simple:?}"), "SimpleQueue { len: 2 }");
}

#[test]
fn items_need_no_trait_and_may_borrow() {
    struct Opaque(Rc<str>);
    let queue = Queue::bounded(1);
    queue.put(Opaque("first".into())).unwrap();
    let refused = queue.try_put(Opaque("second".into())).unwrap_err();
    assert_eq!(&*refused.into_inner().0, "second");
    assert_eq!(&*queue.get().unwrap().0, "first");
    let text = String::from("a borrowed text");
    let words = PriorityQueue::unbounded();
    words.put_many(text.split(' ')).unwrap();
    assert_eq!(words.drain(), ["a", "borrowed", "text"]);
}

#[test]
fn prioritized_items_are_compared_by_priority_only() {
    struct Opaque; // it cannot be compared
    let of = |priority| Prioritized { priority, item: Opaque };
    assert!(of(1) == of(1) && of(1) != of(2) && of(1) < of(2) && of(1).cmp(&of(1)).is_eq());
    let [nan, zero] = [f32::NAN, 0.0].map(|priority| Prioritized { priority, item: 1 });
    assert_eq!(nan.partial_cmp(&zero), None);
}

/// Law Q6: a put happens-before the get that returns its item.
#[test]
fn four_to_four_hand_off_by_queues() {
    let (slots, items) = (Queue::bounded(1), Queue::bounded(1));
    slots.put(()).unwrap();
    four_to_four_hand_off(
        || slots.get().unwrap(),
        || items.put(()).unwrap(),
        || items.get().unwrap(),
        || slots.put(()).unwrap(),
    );
    assert_eq!((slots.len(), items.len()), (1, 0));
}

/// An item whose comparison sets the first event and waits for the second; its queue's mutex is held meanwhile.
struct BlocksInCmp<'a>(&'a Event, &'a Event);

impl Ord for BlocksInCmp<'_> {
    fn cmp(&self, _: &Self) -> Ordering {
        self.0.set();
        self.1.wait();
        Ordering::Equal
    }
}

impl PartialOrd for BlocksInCmp<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for BlocksInCmp<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for BlocksInCmp<'_> {}

#[test]
fn observers_and_task_done_never_wait_for_the_mutex() {
    let (compares, may_return) = (Event::new(), Event::new());
    let queue = PriorityQueue::bounded(4);
    queue.put(BlocksInCmp(&compares, &may_return)).unwrap();
    watchdog::run(|watch| {
        let putter = watch.spawn("putter", |role| {
            let put = || queue.put(BlocksInCmp(&compares, &may_return));
            role.waits("put, which compares", put).unwrap();
        });
        watch.waits("a comparison", || compares.wait());
        watch.waits("observers", || {
            assert_eq!((queue.len(), queue.is_empty(), queue.is_full()), (1, false, false));
            assert_eq!((queue.unfinished(), queue.capacity()), (1, Some(4)));
            assert!(!queue.is_shutdown() && !queue.try_join());
            assert!(format!("{queue:?} {:?}", queue.iter()).contains("len: 1"));
            assert!(queue.join_timeout(SHORT).is_err());
            assert_eq!(queue.task_done(), Ok(()));
            queue.join();
        });
        may_return.set();
        putter.join();
    });
    assert_eq!((queue.len(), queue.unfinished()), (2, 1));
}
