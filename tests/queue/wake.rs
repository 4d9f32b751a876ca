//! Calls on several items or through iterators wake as many blocked threads as can proceed: law Q5. The fuzzer
//! `fuzz::queue` checks the wake-ups of all other calls.

use super::{AnyOrder, in_each_order, spawn_blocked};
use crate::watchdog;
use selvedge::Instant;
use selvedge::queue::AnyQueue;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

in_each_order! {
    putting_n_items_wakes_n_getters
    an_iterator_wakes_a_putter
}

type Call<O> = fn(&AnyQueue<u32, O>);

fn putting_n_items_wakes_n_getters<O: AnyOrder<u32>>() {
    let calls: [(usize, Call<O>); 6] = [
        (2, |queue| queue.put_many([7; 2]).unwrap()),
        (3, |queue| queue.put_many([7; 3]).unwrap()),
        (2, |queue| queue.try_put_many([7; 2]).unwrap()),
        (2, |queue| queue.put_many_timeout([7; 2], Duration::MAX).unwrap()),
        (2, |queue| queue.put_many_deadline([7; 2], Instant::now()).unwrap()),
        (2, |mut queue| queue.extend([7; 2])),
    ];
    for (row, (items, call)) in calls.into_iter().enumerate() {
        let (queue, returned) = (AnyQueue::<u32, O>::bounded(3), AtomicUsize::new(0));
        watchdog::run(|watch| {
            let (queue, returned) = (&queue, &returned);
            let get = || (queue.get().is_ok(), returned.fetch_add(1, Relaxed)).0;
            let getters = [(); 3].map(|()| spawn_blocked(watch, "get", get));
            call(queue);
            watch.until("the items to be got", || returned.load(Relaxed) == items);
            assert!(queue.is_empty(), "row {row}");
            queue.shutdown(); // releases the remaining getters
            let got = getters.map(|getter| getter.join());
            assert_eq!(got.into_iter().filter(|&got| got).count(), items, "row {row}");
        });
    }
}

fn an_iterator_wakes_a_putter<O: AnyOrder<u32>>() {
    let calls: [Call<O>; 2] = [
        |queue| assert_eq!(queue.iter().next(), Some(7)),
        |queue| assert_eq!(queue.try_iter().next(), Some(7)),
    ];
    for call in calls {
        let queue = AnyQueue::<u32, O>::bounded(1);
        queue.put(7).unwrap();
        watchdog::run(|watch| {
            let putter = spawn_blocked(watch, "put", || queue.put(8));
            call(&queue);
            assert_eq!(putter.join(), Ok(()));
        });
    }
}
