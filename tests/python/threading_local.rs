//! What `test_threading_local.py` checks and no behaviour test does.

use crate::support::SpinBarrier;
use crate::watchdog;
use selvedge::thread::{Local, Registry};
use std::cell::RefCell;
use std::sync::Arc;

/// A value that refers to its own object.
#[test]
fn cycle_collection() {
    #[derive(Default)]
    struct Cycle {
        local: Local<RefCell<Option<Arc<Cycle>>>>,
    }
    let object = Arc::new(Cycle::default());
    let seen = Arc::downgrade(&object);
    let run = move || {
        let itself = Arc::clone(&object);
        object.local.with(|value| *value.borrow_mut() = Some(itself));
    };
    let thread = Registry::new().builder().spawn(run).unwrap();
    watchdog::run(|watch| watch.waits("join", || thread.join())).unwrap();
    assert!(seen.upgrade().is_none());
}

/// A thread ends, and drops its values, while their objects are dropped.
#[test]
fn threading_local_clear_race() {
    let value = Arc::new(());
    watchdog::run(|watch| {
        for _ in 0..50 {
            let make = |_| {
                let value = Arc::clone(&value);
                Arc::new(Local::new(move || Arc::clone(&value)))
            };
            let objects: Vec<_> = (0..20).map(make).collect();
            let line = Arc::new(SpinBarrier::new(2));
            let (shared, crossed) = (objects.clone(), Arc::clone(&line));
            let run = move || {
                let counts = shared.iter().map(|local| local.with(Arc::strong_count));
                assert!(counts.min() > Some(1));
                drop(shared);
                crossed.wait();
            };
            let thread = Registry::new().builder().spawn(run).unwrap();
            line.wait();
            drop(objects);
            watch.waits("join", || thread.join()).unwrap();
        }
    });
    assert_eq!(Arc::strong_count(&value), 1);
}
