//! `SimpleQueue`. `fuzz::queue::sequential` checks its calls in one thread, [`wait`](super::wait) the forms of a blocked get.

use super::spawn_blocked;
use crate::support::STRESS_TIMEOUT;
use crate::watchdog;
use selvedge::SimpleQueue;

#[test]
fn the_iterator_of_put_many_may_use_the_queue() {
    let mut queue = SimpleQueue::new();
    let each_is_put = |queue: &SimpleQueue<u32>, n: u32| assert_eq!(queue.try_get(), n.checked_sub(1));
    queue.put_many((0..3).inspect(|&n| each_is_put(&queue, n)));
    assert_eq!(queue.try_get(), Some(2));
    (&queue).extend((0..3).inspect(|&n| each_is_put(&queue, n)));
    queue.extend([3]);
    assert_eq!(queue.drain(), [2, 3]);
}

#[test]
fn each_item_wakes_one_blocked_getter() {
    let queue = SimpleQueue::new();
    watchdog::run(|watch| {
        let queue = &queue;
        let getters = [(); 4].map(|()| spawn_blocked(watch, "get", || queue.get()));
        queue.put(1);
        queue.put_many([2, 4]);
        queue.put(8);
        assert_eq!(getters.map(|getter| getter.join()).iter().sum::<u32>(), 15);
    });
    assert!(queue.is_empty());
}

/// The items of each producer stay in order and none is lost, though some gets time out.
#[test]
fn racing_producers_and_consumers_lose_no_item() {
    const EACH: u32 = 500;
    let queue = SimpleQueue::new();
    let mut got = watchdog::run(|watch| {
        let queue = &queue;
        for producer in 0..3 {
            let items = producer * EACH..(producer + 1) * EACH;
            let put = |item| {
                if item % 10 == 9 {
                    queue.put_many([item])
                } else {
                    queue.put(item)
                }
            };
            watch.spawn(format!("producer {producer}"), move |_| items.for_each(put));
        }
        let consumer = |n| {
            watch.spawn(format!("consumer {n}"), move |role| {
                let get = |n| match n % 3 {
                    0 => role.waits("get", || queue.get()),
                    _ => role.waits("get_timeout", || {
                        std::iter::repeat_with(|| queue.get_timeout(STRESS_TIMEOUT))
                            .find_map(Result::ok)
                            .unwrap()
                    }),
                };
                let got: Vec<_> = (0..EACH).map(get).collect();
                for producer in 0..3 {
                    assert!(got.iter().filter(|&item| item / EACH == producer).is_sorted());
                }
                got
            })
        };
        [0, 1, 2].map(consumer).map(|consumer| consumer.join()).concat()
    });
    got.sort();
    assert!(got.into_iter().eq(0..3 * EACH), "an item was lost, or got twice");
}
