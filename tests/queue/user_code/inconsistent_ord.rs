//! An inconsistent `Ord` makes the order arbitrary and breaks no other promise.

use super::{Item, Tracker};
use crate::queue::rest;
use crate::watchdog;
use fastrand::Rng;
use selvedge::PriorityQueue;
use std::collections::BTreeSet;

#[test]
fn an_inconsistent_ord_loses_and_duplicates_no_item() {
    let numbers = |items: &[Item]| items.iter().map(|item| item.number).collect::<BTreeSet<_>>();
    let mut rng = Rng::with_seed(0);
    for _ in 0..20 {
        let (queue, tracker, mut model) = (PriorityQueue::unbounded(), Tracker::default(), BTreeSet::new());
        tracker.contradict();
        for rank in 0..200 {
            if rng.u8(..3) > 0 {
                let item = tracker.item(rank);
                assert!(model.insert(item.number));
                queue.put(item).unwrap();
            } else if let Ok(item) = queue.try_get() {
                assert!(model.remove(&item.number));
            }
            if rng.u8(..60) == 0 {
                assert_eq!(numbers(&queue.drain()), std::mem::take(&mut model));
            }
            assert_eq!((queue.len(), tracker.alive()), (model.len(), model.len()));
        }
        let left = if rng.bool() { queue.shutdown_now() } else { rest(&queue) };
        assert_eq!(numbers(&left), model);
        drop(left);
        tracker.assert_each_dropped_once();
    }
}

#[test]
fn an_inconsistent_ord_blocks_no_thread_indefinitely() {
    const EACH: usize = 300;
    let (queue, tracker) = (PriorityQueue::bounded(8), Tracker::default());
    tracker.contradict();
    let got: usize = watchdog::run(|watch| {
        let (queue, tracker) = (&queue, &tracker);
        let putter = |n| {
            watch.spawn(format!("putter {n}"), move |role| {
                (0..EACH).for_each(|_| role.waits("put", || queue.put(tracker.item(0))).unwrap());
            })
        };
        let getter = |n| {
            let count = || queue.iter().inspect(|_| queue.task_done().unwrap()).count();
            watch.spawn(format!("getter {n}"), move |role| role.waits("the items", count))
        };
        let (putters, getters) = ([0, 1].map(putter), [0, 1].map(getter));
        putters.into_iter().for_each(|putter| putter.join());
        watch.waits("join", || queue.join());
        queue.shutdown();
        getters.into_iter().map(|getter| getter.join()).sum()
    });
    assert_eq!((got, queue.len(), queue.unfinished()), (2 * EACH, 0, 0));
    tracker.assert_each_dropped_once();
}
