//! An `Ord` that lies: the order is anybody's guess, and nothing else is.

use super::{Item, Ledger};
use crate::queue::rest;
use crate::watchdog;
use fastrand::Rng;
use selvedge::PriorityQueue;
use std::collections::BTreeSet;

#[test]
fn no_item_is_lost_or_doubled() {
    let mut rng = Rng::with_seed(0);
    for _ in 0..20 {
        let (queue, ledger, mut model) = (PriorityQueue::<Item>::unbounded(), Ledger::default(), BTreeSet::new());
        ledger.lie();
        for rank in 0..200 {
            if rng.u8(..3) > 0 {
                let item = ledger.item(rank);
                assert!(model.insert(item.number));
                queue.put(item).unwrap();
            } else if let Ok(item) = queue.try_get() {
                assert!(model.remove(&item.number));
            }
            if rng.u8(..60) == 0 {
                assert_eq!(
                    queue.drain().iter().map(|item| item.number).collect::<BTreeSet<_>>(),
                    model
                );
                model.clear();
            }
            assert_eq!((queue.len(), ledger.alive()), (model.len(), model.len()));
        }
        let left = if rng.bool() { queue.shutdown_now() } else { rest(&queue) };
        assert_eq!(left.iter().map(|item| item.number).collect::<BTreeSet<_>>(), model);
        drop(left);
        ledger.assert_each_dropped_once();
    }
}

#[test]
fn nobody_waits_for_ever() {
    const EACH: usize = 300;
    let (queue, ledger) = (PriorityQueue::<Item>::bounded(8), Ledger::default());
    ledger.lie();
    let got: usize = watchdog::run(|watch| {
        let (queue, ledger) = (&queue, &ledger);
        let putter = |n| {
            watch.spawn(format!("putter {n}"), move |role| {
                (0..EACH).for_each(|_| role.waits("put", || queue.put(ledger.item(0))).unwrap());
            })
        };
        let getter = |n| {
            watch.spawn(format!("getter {n}"), move |role| {
                let count = || queue.iter().inspect(|_| queue.task_done().unwrap()).count();
                role.waits("the items", count)
            })
        };
        let (putters, getters) = ([0, 1].map(putter), [0, 1].map(getter));
        putters.into_iter().for_each(|putter| putter.join());
        watch.waits("join", || queue.join());
        queue.shutdown();
        getters.into_iter().map(|getter| getter.join()).sum()
    });
    assert_eq!((got, queue.len(), queue.unfinished()), (2 * EACH, 0, 0));
    ledger.assert_each_dropped_once();
}
