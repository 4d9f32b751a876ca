//! The result or the panic of a thread: it is taken once, or dropped once.

use super::{Bomb, Drops, gated};
use crate::support::{SpinBarrier, shared};
use selvedge::thread;
use std::panic::{panic_any, resume_unwind};

#[test]
fn a_result_can_be_taken_once_after_the_end() {
    let (gate, thread) = gated(|| "woven");
    assert!(thread.take_result().is_none() && thread.take_panic().is_none());
    gate.set();
    thread.join().unwrap();
    assert!(thread.take_panic().is_none());
    assert_eq!(thread.clone().take_result(), Some("woven"));
    assert!(thread.take_result().is_none() && thread.take_panic().is_none());
    thread.join().unwrap();
}

#[test]
fn a_payload_can_be_taken_once_after_the_end() {
    let (gate, thread) = gated::<u8>(|| resume_unwind(Box::new(7_i64)));
    assert!(thread.take_result().is_none() && thread.take_panic().is_none());
    gate.set();
    thread.join().unwrap_err();
    assert!(thread.take_result().is_none());
    assert_eq!(thread.clone().take_panic().unwrap().downcast_ref(), Some(&7_i64));
    assert!(thread.take_panic().is_none() && thread.take_result().is_none());
    thread.join().unwrap_err();
}

#[test]
fn a_result_that_no_thread_takes_is_dropped_once() {
    for panics in [false, true] {
        let drops = Drops::default();
        let start = || {
            let token = drops.token();
            gated(move || if panics { panic_any(token) } else { token })
        };
        let (gate, handle) = start(); // the handle is dropped before the end
        let thread = handle.thread().clone();
        drop(handle);
        gate.set();
        assert_eq!(thread.join().is_err(), panics);
        assert_eq!(drops.count(), 1, "dropped before any join returns");

        let (gate, handle) = start(); // the handle is dropped after the end
        gate.set();
        assert_eq!(handle.join().is_err(), panics);
        let clone = handle.clone();
        drop(handle);
        assert_eq!(drops.count(), 1, "the clone can still take it");
        drop(clone);
        assert_eq!(drops.count(), 2);

        let (gate, handle) = start(); // it is taken
        gate.set();
        assert_eq!(handle.join().is_err(), panics);
        let (result, payload) = (handle.take_result(), handle.take_panic());
        assert_eq!((result.is_some(), payload.is_some()), (!panics, panics));
        drop(handle);
        assert_eq!(drops.count(), 2);
        drop((result, payload));
        assert_eq!(drops.count(), 3);
    }
}

#[test]
fn a_result_is_dropped_once_when_its_handle_is_dropped_at_the_end() {
    for _ in 0..300 {
        let (drops, (barrier, own)) = (Drops::default(), shared(SpinBarrier::new(2)));
        let token = drops.token();
        let handle = thread::spawn(move || {
            own.wait();
            token
        });
        let (clone, thread) = (handle.clone(), handle.thread().clone());
        barrier.wait();
        drop((handle, clone));
        thread.join().unwrap();
        assert_eq!(drops.count(), 1);
    }
}

/// Law TH8: the joiners get the end of the thread's function, whatever drop panics.
#[test]
fn a_drop_that_panics_strands_no_joiner() {
    let drops = Drops::default();
    let ends: [fn(Bomb) -> Option<Bomb>; 2] = [Some, |bomb| panic_any(bomb)]; // a result, and a payload
    for (end, count) in ends.into_iter().zip(1..) {
        let bomb = Bomb::new(&drops);
        let (gate, handle) = gated(move || end(bomb));
        let thread = handle.thread().clone();
        drop(handle);
        gate.set();
        let message = thread.join().map_err(|error| error.message().map(str::to_owned));
        assert_eq!(
            (message, drops.count()),
            (if count == 1 { Ok(()) } else { Err(None) }, count)
        );
    }
    let bomb = Bomb::new(&drops);
    let (gate, handle) = gated(move || _ = &bomb); // a captured value
    gate.set();
    assert_eq!(handle.join().unwrap_err().message(), Some("a drop that fails"));
    assert!(drops.count() == 3 && handle.take_result().is_none());
    assert_eq!(handle.take_panic().unwrap().downcast_ref(), Some(&"a drop that fails"));
}
