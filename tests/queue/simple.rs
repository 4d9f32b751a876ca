//! `SimpleQueue`: only what can be put and got.

use crate::support::SHORT;
use crate::watchdog;
use selvedge::{Instant, SimpleQueue, TimedOut};
use std::time::Duration;

#[test]
fn it_is_first_in_first_out_in_every_form() {
    let queue = SimpleQueue::new();
    let forms: [fn(&SimpleQueue<u32>) -> u32; 7] = [
        |queue| queue.get(),
        |queue| queue.try_get().unwrap(),
        |queue| queue.get_timeout(Duration::ZERO).unwrap(),
        |queue| queue.get_timeout(Duration::MAX).unwrap(),
        |queue| queue.get_deadline(Instant::now()).unwrap(),
        |queue| queue.get_deadline(Instant::now() + Duration::MAX).unwrap(),
        |queue| queue.try_iter().next().unwrap(),
    ];
    watchdog::run(|_| {
        for get in forms {
            for item in [3, 1, 2] {
                queue.put(item);
            }
            assert_eq!([(); 3].map(|()| get(&queue)), [3, 1, 2]);
            assert_eq!(queue.try_get(), None);
        }
    });
}

#[test]
fn an_empty_one_refuses() {
    let queue = SimpleQueue::<u32>::default();
    for time in [Duration::ZERO, SHORT] {
        let start = std::time::Instant::now();
        assert_eq!(queue.get_timeout(time), Err(TimedOut));
        assert!(start.elapsed() >= time);
        let start = std::time::Instant::now();
        assert_eq!(queue.get_deadline(Instant::now() + time), Err(TimedOut));
        assert!(start.elapsed() >= time);
    }
    assert_eq!(
        (queue.try_get(), queue.drain(), queue.try_iter().next()),
        (None, vec![], None)
    );
    assert_eq!((queue.len(), queue.is_empty()), (0, true));
}

#[test]
fn many_are_put_and_drained() {
    let mut queue = SimpleQueue::new();
    queue.put_many([3, 1]);
    queue.extend([2]);
    (&queue).extend([5, 4]);
    assert_eq!((queue.len(), queue.is_empty()), (5, false));
    assert_eq!(format!("{queue:?}"), "SimpleQueue { len: 5 }");
    assert_eq!(queue.try_iter().take(2).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(queue.drain(), [2, 5, 4]);
    assert_eq!(queue.len(), 0);
}

#[test]
fn a_batch_may_be_made_of_what_is_in_the_queue() {
    let mut queue = SimpleQueue::new();
    let made = |queue: &SimpleQueue<u32>, n: u32| assert_eq!(queue.try_get(), n.checked_sub(1));
    queue.put_many((0..3).inspect(|&n| made(&queue, n)));
    assert_eq!(queue.try_get(), Some(2));
    (&queue).extend((0..3).inspect(|&n| made(&queue, n)));
    queue.extend([3]);
    assert_eq!(queue.drain(), [2, 3]);
}

#[test]
fn each_item_wakes_one_who_sleeps() {
    let queue = SimpleQueue::new();
    watchdog::run(|watch| {
        let queue = &queue;
        let getter = |n| watch.spawn(format!("getter {n}"), |role| role.waits("get", || queue.get()));
        let getters: Vec<_> = (0..4).map(getter).collect();
        getters.iter().for_each(|getter| getter.until_asleep());
        queue.put(1);
        queue.put_many([2, 4]);
        queue.put(8);
        assert_eq!(getters.into_iter().map(|getter| getter.join()).sum::<u32>(), 15);
    });
    assert!(queue.is_empty());
}

/// Each producer's items stay in order, and none is lost, whoever loses patience.
#[test]
fn items_go_from_all_to_all() {
    const EACH: u32 = 500;
    let queue = SimpleQueue::new();
    let mut got = watchdog::run(|watch| {
        let queue = &queue;
        for producer in 0..3 {
            watch.spawn(format!("producer {producer}"), move |_| {
                for n in 0..EACH {
                    if n % 10 == 9 {
                        queue.put_many([producer * EACH + n])
                    } else {
                        queue.put(producer * EACH + n)
                    }
                }
            });
        }
        let consumer = |n| {
            watch.spawn(format!("consumer {n}"), move |role| {
                let get = |turn| match turn % 3 {
                    0 => role.waits("get", || queue.get()),
                    _ => role.waits("get_timeout", || {
                        loop {
                            if let Ok(item) = queue.get_timeout(crate::support::PATIENCE) {
                                break item;
                            }
                        }
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
