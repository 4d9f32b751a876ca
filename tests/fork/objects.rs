//! What a child makes itself works as ever, whatever the threads of its parent did.

use super::{SOON, WELL, child, fork, until_others_block};
use selvedge::{Event, Queue, Semaphore, Timer, thread};
use std::sync::Arc;
use std::time::Duration;

fn hand_over_and_back() {
    let pairs: Vec<_> = (0..16).map(|_| [(); 2].map(|()| Arc::new(Event::new()))).collect();
    let answer = |[there, back]: [Arc<Event>; 2]| {
        std::thread::spawn(move || {
            there.wait_timeout(SOON).unwrap();
            back.set();
        })
    };
    let threads: Vec<_> = pairs.iter().cloned().map(answer).collect();
    until_others_block();
    for [there, back] in &pairs {
        there.set();
        back.wait_timeout(SOON).unwrap();
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(Queue::<u32>::unbounded().get_timeout(Duration::from_millis(1)).is_err());
    assert!(Semaphore::new(0).acquire_timeout(Duration::from_millis(1)).is_err());
}

#[test]
fn new_objects_work_though_threads_of_the_parent_are_blocked() {
    child::passes(&[], || {
        let gates: Vec<_> = (0..64).map(|_| Arc::new(Event::new())).collect();
        let block = |gate: Arc<Event>| std::thread::spawn(move || gate.wait());
        let blocked: Vec<_> = gates.iter().cloned().map(block).collect();
        until_others_block();
        for _ in 0..10 {
            assert_eq!(fork(|| (0..8).for_each(|_| hand_over_and_back())), WELL);
        }
        gates.iter().for_each(|gate| gate.set());
        blocked.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// What the other threads do needs the locks of the registry, the clock and the pool again and again: some child inherits
/// them held.
#[test]
fn a_lock_of_the_kit_that_was_held_by_others_stops_no_child() {
    child::passes(&[], || {
        let (pool, end) = (selvedge::ThreadPool::new(2), Event::new());
        let busy = |work: &dyn Fn()| {
            while !end.is_set() {
                work();
            }
        };
        let late = || assert!(Timer::start(Duration::from_secs(3600), || ()).cancel());
        std::thread::scope(|scope| {
            scope.spawn(|| busy(&|| drop(thread::enumerate())));
            scope.spawn(|| busy(&|| drop(pool.submit(|| ()).unwrap().result())));
            scope.spawn(|| busy(&late));
            let one_by_one = (0..50).map(|_| {
                fork(|| {
                    assert_eq!(thread::active_count(), 1);
                    pool.submit(|| ()).unwrap().result_timeout(SOON).unwrap().unwrap();
                    late();
                })
            });
            let ends: Vec<_> = one_by_one.take_while(|end| *end == WELL).collect();
            end.set();
            assert_eq!(ends.len(), 50);
        });
    });
}
