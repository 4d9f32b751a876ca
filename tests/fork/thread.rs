//! Threads and registries of the parent's.

use super::{SOON, WELL, child, fork};
use selvedge::thread::{self, JoinError, JoinHandle, Registry};
use selvedge::{Event, Instant};
use std::sync::Arc;

/// A thread that waits at the gate.
fn waiting(registry: &Registry, gate: &Arc<Event>) -> JoinHandle<()> {
    let theirs = Arc::clone(gate);
    registry.builder().name("waiting").spawn(move || theirs.wait()).unwrap()
}

#[test]
fn only_the_thread_that_forked_is_on_a_registry_and_no_exit_waits_for_others() {
    child::passes(&[], || {
        let (gate, main) = (Arc::new(Event::new()), thread::main_thread());
        let own = Registry::new();
        own.set_panic_hook(|_, _| super::exit(7));
        let left = [
            waiting(&own, &gate),
            thread::spawn({
                let gate = Arc::clone(&gate);
                move || gate.wait()
            }),
        ];
        let only_i = |registry: &Registry| {
            let me = registry.current();
            assert_eq!(
                (registry.enumerate(), registry.main_thread()),
                (vec![me.clone()], me.clone())
            );
            assert!(me.is_alive() && me.id() == selvedge::backend::thread::id());
            assert_eq!(
                me.native_id().unwrap().get(),
                std::process::id() as usize,
                "the first thread's number"
            );
            registry.join_all_timeout(SOON).unwrap();
        };
        let all = || {
            only_i(&own);
            assert_eq!(thread::enumerate(), [thread::current()]);
            thread::join_all_timeout(SOON).unwrap();
            drop(thread::exit_guard());
            let started = own.builder().spawn(|| ()).unwrap();
            started.join().unwrap();
            own.builder()
                .spawn(|| panic!("the hook is told"))
                .unwrap()
                .join()
                .unwrap_err();
        };
        let by_main = fork(|| {
            assert_eq!(thread::main_thread(), main);
            all();
        });
        // By a thread of the kit, and by one of others.
        let by_ours = own.builder().name("forks").spawn(move || {
            fork(|| {
                assert_eq!(thread::main_thread().name(), "forks");
                assert!(!main.is_alive() && main.native_id().is_none());
            })
        });
        let by_ours = by_ours.unwrap();
        by_ours.join().unwrap();
        let by_others = std::thread::scope(|scope| scope.spawn(|| fork(all)).join());
        gate.set(); // first, or a failure would wait for it
        assert_eq!(by_main, super::End::Exit(7), "the hook stays");
        assert_eq!(by_ours.take_result(), Some(WELL));
        assert_eq!(by_others.unwrap(), super::End::Exit(7));
        left.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_join_of_a_thread_that_was_left_behind_is_an_error() {
    child::passes(&[], || {
        let gate = Arc::new(Event::new());
        let left = waiting(&Registry::new(), &gate);
        let ended = fork(|| {
            assert!(!left.is_alive());
            let expected = left.join().unwrap_err();
            assert_eq!(
                expected.to_string(),
                "thread 'waiting' panicked: it was left behind in the parent by a fork"
            );
            assert_eq!(left.try_join(), Some(Err(expected.clone())));
            let expected = Err(JoinError::Panicked(expected));
            assert_eq!(
                [left.join_timeout(SOON), left.join_deadline(Instant::now() + SOON)],
                [expected.clone(), expected]
            );
            assert!(left.take_result().is_none() && left.take_panic().is_none());
        });
        gate.set(); // first, or a failure would wait for it
        assert_eq!(ended, WELL);
        assert_eq!(left.join(), Ok(()));
    });
}

/// The system gives its stack, by which it knows it, to a thread of the child's.
#[test]
fn a_thread_that_had_ended_is_joined_and_no_other_of_the_system() {
    child::passes(&[], || {
        let threads: Vec<_> = (0..8).map(|n| thread::spawn(move || n)).collect();
        // No join observes the ends: some of the system's threads are neither joined nor detached.
        while threads.iter().any(|thread| thread.is_alive()) {
            std::thread::yield_now();
        }
        super::until_others_block();
        let ended = fork(|| {
            let gate = Arc::new(Event::new());
            let anew: Vec<_> = (0..8).map(|_| waiting(&Registry::new(), &gate)).collect();
            let results: Vec<_> = threads
                .into_iter()
                .map(|thread| {
                    thread.join().unwrap();
                    thread.take_result().unwrap()
                })
                .collect();
            assert_eq!(results, [0, 1, 2, 3, 4, 5, 6, 7]);
            gate.set();
            anew.into_iter().for_each(|thread| thread.join().unwrap());
        });
        assert_eq!(ended, WELL);
        thread::join_all(); // as the next start of a thread would: ThreadSanitizer asks for their end
    });
}
