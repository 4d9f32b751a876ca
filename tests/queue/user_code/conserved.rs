//! Law Q2 under stress: what becomes of each item is known, and each is dropped once.

use super::{Item, Ledger};
use crate::forms::Form;
use crate::queue::{AnyOrder, get_by, in_each_order, put_by, put_many_by, task_by};
use crate::support::{PATIENCE, dawdle};
use crate::watchdog;
use fastrand::Rng;
use selvedge::queue::AnyQueue;
use selvedge::{GetError, PutError};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

in_each_order! {
    each_item_has_one_fate
}

/// Four put and four get, as they like, and half way through somebody shuts the queue down.
fn each_item_has_one_fate<O: AnyOrder<Item>>() {
    for capacity in [2, 100] {
        let (queue, ledger) = (AnyQueue::<Item, O>::bounded(capacity), Ledger::default());
        let (put, fates) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let got = AtomicUsize::new(0);
        watchdog::run(|watch| {
            let (queue, ledger, put, fates, got) = (&queue, &ledger, &put, &fates, &got);
            for seed in 0..4 {
                watch.spawn(format!("putter {seed}"), move |role| {
                    let mut rng = Rng::with_seed(seed);
                    loop {
                        let form = Form::random(&mut rng, PATIENCE);
                        let items = ledger.items((0..rng.u32(1..4)).map(|_| rng.u32(..9)));
                        let mut numbers: Vec<_> = items.iter().map(|item| item.number).collect();
                        let result = role.waits("put", || match <[Item; 1]>::try_from(items) {
                            Ok([item]) => put_by(queue, item, form)
                                .map_err(|refused| (refused.is_full(), vec![refused.into_inner()])),
                            Err(items) => put_many_by(queue, items, form)
                                .map_err(|refused| (refused.is_full(), refused.into_inner())),
                        });
                        if let Err((_, refused)) = &result {
                            numbers.truncate(numbers.len() - refused.len());
                        }
                        put.lock().unwrap().extend(numbers);
                        if result.is_err_and(|(is_full, _)| !is_full) {
                            break;
                        }
                        dawdle(&mut rng);
                    }
                });
                watch.spawn(format!("getter {seed}"), move |role| {
                    let mut rng = Rng::with_seed(9 + seed);
                    loop {
                        let form = Form::random(&mut rng, PATIENCE);
                        let result = role.waits("get", || match rng.u8(..8) {
                            0..4 => get_by(queue, form).map(|item| vec![item.number]),
                            4..7 => task_by(queue, form).map(|task| vec![task.number]),
                            _ => Ok(queue.drain().iter().map(|item| item.number).collect()),
                        });
                        match result {
                            Ok(numbers) => {
                                got.fetch_add(numbers.len(), Relaxed);
                                fates.lock().unwrap().extend(numbers);
                            }
                            Err(GetError::Empty) => {}
                            Err(GetError::ShutDown) => break,
                        }
                        dawdle(&mut rng);
                    }
                });
            }
            watch.until("many items to be got", || got.load(Relaxed) > 600);
            let left = queue.shutdown_now();
            fates.lock().unwrap().extend(left.iter().map(|item| item.number));
        });
        let (mut put, mut fates) = (put.into_inner().unwrap(), fates.into_inner().unwrap());
        put.sort();
        fates.sort();
        assert_eq!(put, fates);
        assert_eq!(queue.len(), 0);
        ledger.assert_each_dropped_once();
        assert!(matches!(queue.try_put(ledger.item(0)), Err(PutError::ShutDown(_))));
    }
}
