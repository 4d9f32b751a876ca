//! Who sleeps is woken by each possible cause, as many as there is something for, and by nothing else: law Q5.

use super::{AnyOrder, get_by, in_each_order, join_by, put_by};
use crate::forms::{Form, PATIENT, patient};
use crate::support::SHORT;
use crate::watchdog::{self, Player, Watch};
use selvedge::queue::AnyQueue;
use selvedge::{GetError, Instant, PutError, Task};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

in_each_order! {
    whatever_brings_items_wakes_as_many_getters
    whatever_makes_room_wakes_as_many_putters
    whatever_ends_the_work_wakes_all_joiners
    joiners_sleep_on_until_the_last_is_done
    a_shutdown_wakes_all_who_put_and_all_who_get
    a_shutdown_wakes_no_joiner
}

type Cause<O> = fn(&AnyQueue<u32, O>);

/// As many as `threads` that sleep, each in another form; they count in `ended` that they have ended.
fn asleep<'scope, T: Send + 'scope>(
    watch: &Watch<'scope, '_>,
    threads: usize,
    call: &'static str,
    ended: &'scope AtomicUsize,
    wait: impl Fn(u32, Form) -> T + Send + Copy + 'scope,
) -> Vec<Player<'scope, T>> {
    let sleeper = |(n, form): (u32, Form)| {
        watch.spawn(format!("sleeper {n}"), move |role| {
            let result = role.waits(call, || wait(n, form));
            ended.fetch_add(1, Relaxed);
            result
        })
    };
    let sleepers: Vec<_> = (0..).zip(patient(threads)).map(sleeper).collect();
    sleepers.iter().for_each(Player::until_asleep);
    sleepers
}

fn join<T>(sleepers: Vec<Player<'_, T>>) -> Vec<T> {
    sleepers.into_iter().map(Player::join).collect()
}

fn whatever_brings_items_wakes_as_many_getters<O: AnyOrder<u32>>() {
    let causes: [(usize, Cause<O>); 10] = [
        (1, |queue| queue.put(7).unwrap()),
        (1, |queue| queue.try_put(7).unwrap()),
        (1, |queue| queue.put_timeout(7, SHORT).unwrap()),
        (1, |queue| queue.put_deadline(7, Instant::now()).unwrap()),
        (2, |queue| queue.put_many([7; 2]).unwrap()),
        (3, |queue| queue.put_many([7; 3]).unwrap()),
        (2, |queue| queue.try_put_many([7; 2]).unwrap()),
        (2, |queue| queue.put_many_timeout([7; 2], Duration::MAX).unwrap()),
        (2, |queue| queue.put_many_deadline([7; 2], Instant::now()).unwrap()),
        (2, |mut queue| queue.extend([7; 2])),
    ];
    for (items, cause) in causes {
        let (queue, ended) = (AnyQueue::<u32, O>::bounded(3), AtomicUsize::new(0));
        watchdog::run(|watch| {
            let queue = &queue;
            let getters = asleep(watch, 3, "get", &ended, |_, form| get_by(queue, form));
            assert_eq!(ended.load(Relaxed), 0, "there is nothing to get");
            cause(queue);
            watch.until("the items to be got", || ended.load(Relaxed) == items);
            assert!(queue.is_empty());
            queue.shutdown(); // for the others
            let got = join(getters);
            assert_eq!(got.iter().filter(|&got| *got == Ok(7)).count(), items);
            assert_eq!(
                got.iter().filter(|&got| *got == Err(GetError::ShutDown)).count(),
                3 - items
            );
        });
    }
}

fn whatever_makes_room_wakes_as_many_putters<O: AnyOrder<u32>>() {
    let causes: [(usize, Cause<O>); 10] = [
        (1, |queue| _ = queue.get().unwrap()),
        (1, |queue| _ = queue.try_get().unwrap()),
        (1, |queue| _ = queue.get_timeout(SHORT).unwrap()),
        (1, |queue| _ = queue.get_deadline(Instant::now()).unwrap()),
        (1, |queue| _ = queue.get_task().unwrap()),
        (1, |queue| _ = queue.try_get_task().unwrap()),
        (1, |queue| _ = queue.iter().next().unwrap()),
        (1, |queue| _ = queue.try_iter().next().unwrap()),
        (2, |queue| assert_eq!(queue.drain().len(), 2)),
        (2, |queue| (0..2).for_each(|_| _ = queue.get().unwrap())),
    ];
    for (room, cause) in causes {
        let (queue, ended) = (AnyQueue::<u32, O>::bounded(2), AtomicUsize::new(0));
        queue.put_many([100, 101]).unwrap();
        watchdog::run(|watch| {
            let queue = &queue;
            let putters = asleep(watch, 3, "put", &ended, |n, form| put_by(queue, n, form));
            assert_eq!((ended.load(Relaxed), queue.len()), (0, 2), "there is no room");
            cause(queue);
            watch.until("the room to be taken", || ended.load(Relaxed) == room);
            assert_eq!(queue.len(), 2);
            queue.shutdown(); // for the others
            let put = join(putters);
            assert_eq!(put.iter().filter(|&put| *put == Ok(())).count(), room);
            for (n, refused) in (0..).zip(put).filter(|(_, put)| put.is_err()) {
                assert_eq!(refused, Err(PutError::ShutDown(n)), "another's item came back");
            }
        });
    }
}

/// There are two items, neither done.
fn whatever_ends_the_work_wakes_all_joiners<O: AnyOrder<u32>>() {
    let causes: [Cause<O>; 7] = [
        |queue| (0..2).for_each(|_| queue.task_done().unwrap()),
        |queue| (0..2).for_each(|_| drop(queue.get_task().unwrap())),
        |queue| (0..2).for_each(|_| _ = queue.get_task().unwrap().into_inner()),
        |queue| assert_eq!(queue.shutdown_now().len(), 2),
        |queue| {
            drop(queue.get_task().unwrap());
            assert_eq!(queue.shutdown_now().len(), 1);
        },
        |queue| {
            let task = queue.get_task().unwrap();
            assert_eq!(queue.shutdown_now().len(), 1);
            drop(task);
        },
        |queue| {
            assert_eq!(queue.drain().len(), 2);
            (0..2).for_each(|_| queue.task_done().unwrap());
        },
    ];
    for cause in causes {
        let (queue, ended) = (AnyQueue::<u32, O>::bounded(2), AtomicUsize::new(0));
        queue.put_many([1, 2]).unwrap();
        watchdog::run(|watch| {
            let queue = &queue;
            let joiners = asleep(watch, 3, "join", &ended, |_, form| join_by(queue, form));
            assert_eq!(ended.load(Relaxed), 0, "there is work to do");
            cause(queue);
            assert!(join(joiners).into_iter().all(|joined| joined.is_ok()));
            assert_eq!(queue.unfinished(), 0);
        });
    }
}

fn joiners_sleep_on_until_the_last_is_done<O: AnyOrder<u32>>() {
    let (queue, ended, done) = (
        AnyQueue::<u32, O>::unbounded(),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    watchdog::run(|watch| {
        let (queue, done) = (&queue, &done);
        for form in PATIENT {
            queue.put_many([1, 2, 3]).unwrap();
            done.store(0, Relaxed);
            let joiners = asleep(watch, 2, "join", &ended, move |_, _| {
                let joined = join_by(queue, form);
                assert_eq!(done.load(Relaxed), 3, "{form:?} returned early");
                joined
            });
            let tasks = [(); 3].map(|()| queue.get_task().unwrap());
            queue.put(4).unwrap(); // one more, which nobody gets
            for task in tasks {
                drop(task);
                done.fetch_add(1, Relaxed);
                joiners.iter().for_each(Player::until_asleep);
            }
            assert_eq!(queue.get_task().map(Task::forget), Ok(4));
            joiners.iter().for_each(Player::until_asleep);
            assert_eq!(queue.task_done(), Ok(()));
            assert!(join(joiners).into_iter().all(|joined| joined.is_ok()));
        }
    });
}

/// Law Q8.
fn a_shutdown_wakes_all_who_put_and_all_who_get<O: AnyOrder<u32>>() {
    let causes: [(usize, Cause<O>); 2] = [
        (1, AnyQueue::shutdown),
        (0, |queue| assert_eq!(queue.shutdown_now(), [100])),
    ];
    for (left, cause) in causes {
        let (full, empty) = (AnyQueue::<u32, O>::bounded(1), AnyQueue::<u32, O>::bounded(1));
        full.put(100).unwrap();
        let ended = AtomicUsize::new(0);
        watchdog::run(|watch| {
            let (full, empty) = (&full, &empty);
            let putters = asleep(watch, 4, "put", &ended, |n, form| put_by(full, n, form));
            let getters = asleep(watch, 4, "get", &ended, |_, form| get_by(empty, form));
            cause(full);
            for (n, put) in (0..).zip(join(putters)) {
                assert_eq!(put, Err(PutError::ShutDown(n)));
            }
            assert_eq!(ended.load(Relaxed), 4, "the other queue is open");
            if left == 1 {
                empty.shutdown()
            } else {
                assert_eq!(empty.shutdown_now(), [])
            }
            assert!(join(getters).into_iter().all(|got| got == Err(GetError::ShutDown)));
        });
        assert_eq!((full.len(), full.unfinished()), (left, left));
    }
}

fn a_shutdown_wakes_no_joiner<O: AnyOrder<u32>>() {
    let (queue, ended) = (AnyQueue::<u32, O>::unbounded(), AtomicUsize::new(0));
    queue.put(1).unwrap();
    watchdog::run(|watch| {
        let queue = &queue;
        let joiners = asleep(watch, 2, "join", &ended, |_, form| {
            let joined = join_by(queue, form);
            assert_eq!(queue.len(), 0, "returned though there was work");
            joined
        });
        queue.shutdown();
        queue.shutdown();
        joiners.iter().for_each(Player::until_asleep);
        assert_eq!(queue.get_task().map(Task::into_inner), Ok(1));
        assert!(join(joiners).into_iter().all(|joined| joined.is_ok()));
    });
}
