//! Threads and registries of the parent.

use super::{End, SOON, SUCCESS, child, exit, fork, in_a_child};
use crate::support::shared;
use selvedge::thread::{self, JoinError, JoinHandle, Registry};
use selvedge::{Event, Instant};
use std::sync::Arc;

/// A thread that blocks until the event is set.
fn blocked(registry: &Registry, gate: &Arc<Event>) -> JoinHandle<()> {
    let waits = Arc::clone(gate);
    registry.builder().name("blocked").spawn(move || waits.wait()).unwrap()
}

#[test]
fn a_childs_registries_list_the_forking_thread_only_and_its_exit_waits_for_no_thread() {
    child::passes(&[], || {
        let ((gate, waits), main, own) = (shared(Event::new()), thread::main_thread(), Registry::new());
        own.set_panic_hook(|_, _| exit(7));
        let parents = [blocked(&own, &gate), thread::spawn(move || waits.wait())];
        let check = || {
            let me = own.current();
            assert_eq!((own.enumerate(), own.main_thread()), (vec![me.clone()], me.clone()));
            assert!(me.is_alive() && me.id() == selvedge::backend::thread::id());
            let first = std::process::id() as usize;
            assert_eq!(
                me.native_id().unwrap().get(),
                first,
                "it is the first thread of the process"
            );
            own.join_all_timeout(SOON).unwrap();
            assert_eq!(thread::enumerate(), [thread::current()]);
            thread::join_all_timeout(SOON).unwrap();
            drop(thread::exit_guard());
            own.builder().spawn(|| ()).unwrap().join().unwrap();
            let failed = own.builder().spawn(|| panic!("the hook exits"));
            failed.unwrap().join().unwrap_err();
        };
        let by_main = fork(|| {
            assert_eq!(thread::main_thread(), main);
            check();
        });
        let main = main.clone();
        let by_managed = own.builder().name("forks").spawn(move || {
            fork(|| {
                assert_eq!(thread::main_thread().name(), "forks");
                assert!(!main.is_alive() && main.native_id().is_none());
            })
        });
        let by_managed = by_managed.unwrap();
        by_managed.join().unwrap();
        let by_foreign = std::thread::scope(|scope| scope.spawn(|| fork(check)).join());
        gate.set(); // first, or a failure would wait for the threads
        assert_eq!(
            (by_main, by_foreign.unwrap()),
            (End::Exit(7), End::Exit(7)),
            "the hook remains"
        );
        assert_eq!(by_managed.take_result(), Some(SUCCESS));
        parents.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_childs_join_of_a_running_thread_is_an_error() {
    child::passes(&[], || {
        let gate = Arc::new(Event::new());
        let running = blocked(&Registry::new(), &gate);
        in_a_child(
            || gate.set(),
            || {
                assert!(!running.is_alive());
                let error = running.join().unwrap_err();
                let expected = "thread 'blocked' panicked: it was left behind in the parent by a fork";
                assert_eq!(error.to_string(), expected);
                assert_eq!(running.try_join(), Some(Err(error.clone())));
                let timed = [running.join_timeout(SOON), running.join_deadline(Instant::now() + SOON)];
                assert_eq!(timed, [(); 2].map(|()| Err(JoinError::Panicked(error.clone()))));
                assert!(running.take_result().is_none() && running.take_panic().is_none());
            },
        );
        assert_eq!(running.join(), Ok(()));
    });
}

/// The system identifies a thread by its stack, which it reuses for a thread of the child.
#[test]
fn a_childs_join_of_an_ended_thread_joins_no_other_thread_of_the_system() {
    child::passes(&[], || {
        let threads: Vec<_> = (0..8).map(|n| thread::spawn(move || n)).collect();
        // No join observes the ends: some system threads are neither joined nor detached.
        while threads.iter().any(|thread| thread.is_alive()) {
            std::thread::yield_now();
        }
        super::until_others_block();
        let end = fork(|| {
            let gate = Arc::new(Event::new());
            let new: Vec<_> = (0..8).map(|_| blocked(&Registry::new(), &gate)).collect();
            for (n, thread) in threads.into_iter().enumerate() {
                thread.join().unwrap();
                assert_eq!(thread.take_result(), Some(n));
            }
            gate.set();
            new.into_iter().for_each(|thread| thread.join().unwrap());
        });
        assert_eq!(end, SUCCESS);
        thread::join_all(); // as the next spawn would: ThreadSanitizer requires it
    });
}
