//! What a thread has made or panicked with: taken once, or dropped once.

use super::{Bomb, Drops};
use crate::support::Line;
use crate::watchdog;
use selvedge::Event;
use selvedge::thread::{self, JoinHandle};
use std::panic::{panic_any, resume_unwind};
use std::sync::Arc;

/// A thread that waits until it is told to end.
fn gated<T: Send + 'static>(end: impl FnOnce() -> T + Send + 'static) -> (Arc<Event>, JoinHandle<T>) {
    let gate = Arc::new(Event::new());
    let theirs = Arc::clone(&gate);
    let thread = thread::spawn(move || {
        theirs.wait();
        end()
    });
    (gate, thread)
}

#[test]
fn a_result_is_there_after_the_end_and_once() {
    watchdog::run(|_| {
        let (gate, thread) = gated(|| "woven");
        assert!(thread.take_result().is_none() && thread.take_panic().is_none());
        gate.set();
        thread.join().unwrap();
        assert!(thread.take_panic().is_none(), "it has not panicked");
        assert_eq!(thread.clone().take_result(), Some("woven"));
        assert_eq!(thread.take_result(), None);
        assert!(thread.take_panic().is_none());
        thread.join().unwrap();
    });
}

/// Seen by who looks again and again: a result that is there is that of a thread that has ended.
#[test]
fn a_result_that_is_there_is_of_a_thread_that_has_ended() {
    watchdog::run(|watch| {
        for round in 0..1000 {
            let thread = thread::spawn(move || if round % 2 == 0 { 7 } else { panic_any(()) });
            watch.until("the end", || {
                thread.take_result().is_some() || thread.take_panic().is_some()
            });
            assert!(!thread.is_alive(), "round {round}");
        }
    });
}

#[test]
fn a_payload_is_there_after_the_end_and_once() {
    watchdog::run(|_| {
        let (gate, thread) = gated::<u8>(|| resume_unwind(Box::new(7_i64)));
        assert!(thread.take_result().is_none() && thread.take_panic().is_none());
        gate.set();
        thread.join().unwrap_err();
        assert!(thread.take_result().is_none(), "it has panicked");
        assert_eq!(thread.clone().take_panic().unwrap().downcast_ref(), Some(&7_i64));
        assert!(thread.take_panic().is_none());
        assert!(thread.take_result().is_none());
        thread.join().unwrap_err();
    });
}

/// Law TH4.
#[test]
fn of_eight_who_join_one_gets_the_result() {
    watchdog::run(|watch| {
        for round in 0..50 {
            let drops = Drops::default();
            let token = drops.token();
            let (gate, thread) = gated(move || token);
            let line = Arc::new(Line::new(8));
            let joiner = |number| {
                let (thread, line) = (thread.clone(), Arc::clone(&line));
                watch.spawn(format!("joiner {number}"), move |role| {
                    role.waits("join", || thread.join()).unwrap();
                    line.cross();
                    thread.take_result()
                })
            };
            let joiners: Vec<_> = (0..8).map(joiner).collect();
            if round % 2 == 0 {
                joiners.iter().for_each(|joiner| joiner.until_asleep());
            }
            gate.set();
            let results: Vec<_> = joiners.into_iter().filter_map(|joiner| joiner.join()).collect();
            assert_eq!((results.len(), drops.count()), (1, 0));
            drop(results);
            assert_eq!(drops.count(), 1);
        }
    });
}

#[test]
fn results_of_any_size_arrive_whole() {
    fn arrives<T: PartialEq + std::fmt::Debug + Clone + Send + 'static>(value: T) {
        let made = value.clone();
        let thread = thread::spawn(move || made);
        thread.join().unwrap();
        assert_eq!(thread.take_result(), Some(value));
    }
    watchdog::run(|_| {
        arrives(());
        arrives(1_u8);
        arrives([u128::MAX; 3]);
        arrives([0xA5_u8; 3 * 4096 + 1]);
        arrives(vec![String::from("a"); 10_000]);
        arrives(None::<Box<u8>>);
        arrives(Err::<(), _>("not a panic"));
    });
}

#[test]
fn what_nobody_takes_is_dropped_once() {
    watchdog::run(|_| {
        for panics in [false, true] {
            let drops = Drops::default();
            let make = || {
                let token = drops.token();
                gated(move || if panics { panic_any(token) } else { token })
            };
            // The handle goes first.
            let (gate, handle) = make();
            let thread = handle.thread().clone();
            drop(handle);
            gate.set();
            assert_eq!(thread.join().is_err(), panics);
            assert_eq!(drops.count(), 1, "dropped before any join tells");
            // The end comes first.
            let (gate, handle) = make();
            gate.set();
            assert_eq!(handle.join().is_err(), panics);
            let clone = handle.clone();
            drop(handle);
            assert_eq!(drops.count(), 1, "somebody may take it");
            drop(clone);
            assert_eq!(drops.count(), 2);
            // Taken.
            let (gate, handle) = make();
            gate.set();
            assert_eq!(handle.join().is_err(), panics);
            let (result, payload) = (handle.take_result(), handle.take_panic());
            assert_eq!((result.is_some(), payload.is_some()), (!panics, panics));
            drop(handle);
            assert_eq!(drops.count(), 2);
            drop((result, payload));
            assert_eq!(drops.count(), 3);
        }
    });
}

#[test]
fn a_handle_dropped_beside_the_end_leaves_one_drop() {
    watchdog::run(|_| {
        for _ in 0..300 {
            let (drops, line) = (Drops::default(), Arc::new(Line::new(2)));
            let (token, theirs) = (drops.token(), Arc::clone(&line));
            let handle = thread::spawn(move || {
                theirs.cross();
                token
            });
            let (clone, thread) = (handle.clone(), handle.thread().clone());
            line.cross();
            drop(handle);
            drop(clone);
            thread.join().unwrap();
            assert_eq!(drops.count(), 1);
        }
    });
}

/// Law TH8: whatever fails in its drop, the thread ends, and joiners are told how its function has ended.
#[test]
fn drops_that_panic_strand_no_joiner() {
    watchdog::run(|watch| {
        let drops = Drops::default();
        let bomb = || Bomb::new(&drops);

        let mine = bomb();
        let (gate, handle) = gated(move || mine); // a result
        let thread = handle.thread().clone();
        drop(handle);
        gate.set();
        assert_eq!(watch.waits("join", || thread.join()), Ok(()));
        assert_eq!(drops.count(), 1);

        let mine = bomb();
        let (gate, handle) = gated(move || panic_any(mine)); // a payload
        let thread = handle.thread().clone();
        drop(handle);
        gate.set();
        assert_eq!(watch.waits("join", || thread.join()).unwrap_err().message(), None);
        assert_eq!(drops.count(), 2);

        let mine = bomb();
        let (gate, handle) = gated(move || _ = &mine); // a function
        gate.set();
        assert_eq!(
            watch.waits("join", || handle.join()).unwrap_err().message(),
            Some("a drop that fails")
        );
        assert_eq!((drops.count(), handle.take_result().is_none()), (3, true));
        let payload = handle.take_panic().unwrap();
        assert_eq!(payload.downcast_ref(), Some(&"a drop that fails"));
    });
}
