//! New objects of a child work whatever the threads of its parent do.

use super::{SOON, SUCCESS, child, fork, until_others_block};
use selvedge::{Event, Queue, Semaphore, ThreadPool, Timer, thread};
use std::sync::Arc;
use std::time::Duration;

/// Sixteen threads each answer an event by another.
fn hand_off_and_back() {
    let pairs: Vec<_> = (0..16).map(|_| [(); 2].map(|()| Arc::new(Event::new()))).collect();
    let answer = |[request, reply]: [Arc<Event>; 2]| {
        std::thread::spawn(move || {
            request.wait_timeout(SOON).unwrap();
            reply.set();
        })
    };
    let threads: Vec<_> = pairs.iter().cloned().map(answer).collect();
    until_others_block();
    for [request, reply] in &pairs {
        request.set();
        reply.wait_timeout(SOON).unwrap();
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
            assert_eq!(fork(|| (0..8).for_each(|_| hand_off_and_back())), SUCCESS);
        }
        gates.iter().for_each(|gate| gate.set());
        blocked.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// The parent's threads acquire the locks of the registry, the clock and the pool over and over: some child inherits
/// them held.
#[test]
fn an_internal_lock_that_another_thread_held_stops_no_child() {
    child::passes(&[], || {
        let (pool, end) = (ThreadPool::new(2), Event::new());
        let repeat = |work: &dyn Fn()| {
            while !end.is_set() {
                work();
            }
        };
        let use_a_timer = || assert!(Timer::start(Duration::from_secs(3600), || ()).cancel());
        std::thread::scope(|scope| {
            scope.spawn(|| repeat(&|| drop(thread::enumerate())));
            scope.spawn(|| repeat(&|| drop(pool.submit(|| ()).unwrap().result())));
            scope.spawn(|| repeat(&use_a_timer));
            let forks = (0..50).map(|_| {
                fork(|| {
                    assert_eq!(thread::active_count(), 1);
                    pool.submit(|| ()).unwrap().result_timeout(SOON).unwrap().unwrap();
                    use_a_timer();
                })
            });
            let successes = forks.take_while(|end| *end == SUCCESS).count();
            end.set();
            assert_eq!(successes, 50);
        });
    });
}
