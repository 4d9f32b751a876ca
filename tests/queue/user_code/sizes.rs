//! Items larger than a page, of size zero, and with an alignment of their own.

use crate::queue::{AnyOrder, in_each_order, rest};
use crate::watchdog;
use selvedge::queue::AnyQueue;

in_each_order! {
    items_larger_than_a_page_are_not_torn
    items_of_size_zero_are_counted
    items_are_aligned
}

fn items_larger_than_a_page_are_not_torn<O: AnyOrder<[u64; 1024]>>() {
    let queue = AnyQueue::<_, O>::bounded(6);
    watchdog::run(|watch| {
        let getter = watch.spawn("getter", |role| {
            for got in 0..60 {
                let item = role.waits("get_task", || queue.get_task()).unwrap();
                assert!(item.iter().all(|&word| word == item[0]), "the item {got} is torn");
            }
        });
        for n in (0..10).rev() {
            watch.waits("put_many", || queue.put_many([[n; 1024]; 6])).unwrap();
        }
        getter.join();
        watch.waits("join", || queue.join());
    });
    queue.put_many([[3; 1024], [1; 1024], [2; 1024]]).unwrap();
    assert!(queue.drain() == O::out(vec![[3; 1024], [1; 1024], [2; 1024]]));
}

fn items_of_size_zero_are_counted<O: AnyOrder<()>>() {
    let queue = AnyQueue::<(), O>::bounded(3);
    queue.put_many([(); 3]).unwrap();
    assert!(queue.is_full() && queue.try_put(()).is_err());
    assert_eq!(rest(&queue).len(), 3);
    watchdog::run(|watch| {
        let putter = watch.spawn("putter", |role| {
            (0..1_000).for_each(|_| role.waits("put", || queue.put(())).unwrap());
            queue.shutdown();
        });
        assert_eq!(watch.waits("the items", || queue.iter().count()), 1_000);
        putter.join();
    });
    assert_eq!((queue.len(), queue.unfinished()), (0, 1_003));
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(align(64))]
struct Aligned(u8);

fn items_are_aligned<O: AnyOrder<Aligned>>() {
    let queue = AnyQueue::<Aligned, O>::unbounded();
    let items: Vec<_> = (0..9).rev().map(Aligned).collect();
    queue.put_many(items.clone()).unwrap();
    let task = queue.get_task().unwrap();
    assert!(std::ptr::from_ref(&*task).addr() % 64 == 0);
    let first = *task;
    assert_eq!([vec![first], queue.drain()].concat(), O::out(items));
}
