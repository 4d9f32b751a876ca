//! `BaseQueueTestMixin`, with the order as a parameter. Python's texts are numbers here, so that each can be compared.

use crate::forms::Form::{Plain, Timeout, Try};
use crate::python::{blocks_until, bunch, join, until_asleep};
use crate::queue::{AnyOrder, get_by, put_by, rest};
use crate::support::{Line, SHORT};
use crate::watchdog;
use selvedge::queue::AnyQueue;
use selvedge::{Event, GetError, PutError, TooManyDone};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::Duration;

const QUEUE_SIZE: usize = 5;
const LONG: Duration = Duration::from_secs(10);

macro_rules! tests {
    ($order:ty) => {
        $crate::python::queue::any_queue::tests! { $order: queue_task_done queue_join basic nowait shrinking_queue
            shutdown_empty shutdown_nonempty shutdown_immediate shutdown_allowed_transitions
            shutdown_all_methods_in_one_thread shutdown_immediate_all_methods_in_one_thread
            shutdown_all_methods_in_many_threads shutdown_immediate_all_methods_in_many_threads
            shutdown_get shutdown_immediate_get shutdown_put shutdown_immediate_put
            shutdown_join shutdown_immediate_join shutdown_put_join shutdown_immediate_put_join
            shutdown_get_task_done_join shutdown_pending_get }
    };
    ($order:ty: $($test:ident)*) => {$(
        #[test]
        fn $test() {
            $crate::python::queue::any_queue::$test::<$order>();
        }
    )*};
}
pub(super) use tests;

type Queue<O> = AnyQueue<u32, O>;

fn shut_down<O: AnyOrder<u32>>(queue: &Queue<O>, immediate: bool) {
    if immediate {
        _ = queue.shutdown_now()
    } else {
        queue.shutdown()
    }
}

pub fn queue_task_done<O: AnyOrder<u32>>() {
    assert_eq!(Queue::<O>::unbounded().task_done(), Err(TooManyDone));
}

pub fn queue_join<O: AnyOrder<u32>>() {
    const STOP: u32 = u32::MAX;
    let queue = Queue::<O>::unbounded();
    for _ in 0..2 {
        let sum = AtomicU32::new(0);
        watchdog::run(|watch| {
            let workers = bunch(watch, 2, "worker", |role| {
                loop {
                    let item = role.waits("get", || queue.get()).unwrap();
                    if item != STOP {
                        sum.fetch_add(item, Relaxed);
                    }
                    queue.task_done().unwrap();
                    if item == STOP {
                        break;
                    }
                }
            });
            (0..100).for_each(|item| queue.put(item).unwrap());
            watch.waits("join", || queue.join());
            assert_eq!(sum.load(Relaxed), (0..100).sum());
            (0..2).for_each(|_| queue.put(STOP).unwrap());
            watch.waits("join", || queue.join());
            join(workers);
        });
    }
    assert_eq!(queue.task_done(), Err(TooManyDone));
}

pub fn basic<O: AnyOrder<u32>>() {
    let queue = Queue::<O>::bounded(QUEUE_SIZE);
    for _ in 0..2 {
        assert!(queue.is_empty() && !queue.is_full());
        [111, 333, 222].into_iter().for_each(|item| queue.put(item).unwrap());
        assert_eq!([(); 3].map(|()| queue.get().unwrap()), O::out(vec![111, 333, 222])[..]);
        for item in 1..QUEUE_SIZE as u32 {
            queue.put(item).unwrap();
            assert!(!queue.is_empty() && !queue.is_full());
        }
        queue.put(10).unwrap();
        assert!(!queue.is_empty() && queue.is_full());
        assert_eq!(queue.try_put(30), Err(PutError::Full(30)));
        assert_eq!(queue.put_timeout(30, SHORT), Err(PutError::Full(30)));
        watchdog::run(|watch| {
            let queue = &queue;
            for form in [Plain, Timeout(LONG)] {
                let put = blocks_until(
                    watch,
                    "put",
                    move || put_by(queue, 30, form),
                    || _ = queue.get().unwrap(),
                );
                assert_eq!(put, Ok(()));
            }
        });
        (0..QUEUE_SIZE).for_each(|_| _ = queue.get().unwrap());
        assert!(queue.is_empty());
        assert_eq!(queue.try_get(), Err(GetError::Empty));
        assert_eq!(queue.get_timeout(SHORT), Err(GetError::Empty));
        watchdog::run(|watch| {
            let queue = &queue;
            for form in [Plain, Timeout(LONG)] {
                let got = blocks_until(watch, "get", move || get_by(queue, form), || queue.put(7).unwrap());
                assert_eq!(got, Ok(7));
            }
        });
    }
}

pub fn nowait<O: AnyOrder<u32>>() {
    let queue = Queue::<O>::bounded(QUEUE_SIZE);
    (0..QUEUE_SIZE).for_each(|_| assert_eq!(queue.try_put(1), Ok(())));
    assert_eq!(queue.try_put(1), Err(PutError::Full(1)));
    (0..QUEUE_SIZE).for_each(|_| assert_eq!(queue.try_get(), Ok(1)));
    assert_eq!(queue.try_get(), Err(GetError::Empty));
}

pub fn shrinking_queue<O: AnyOrder<u32>>() {
    let queue = Queue::<O>::bounded(3);
    (1..4).for_each(|item| queue.put(item).unwrap());
    for _ in 0..2 {
        assert_eq!(queue.try_put(4), Err(PutError::Full(4)));
        assert_eq!((queue.len(), queue.capacity()), (3, Some(3)));
    }
}

pub fn shutdown_empty<O: AnyOrder<u32>>() {
    let queue = Queue::<O>::unbounded();
    queue.shutdown();
    assert!(queue.put(1).is_err());
    assert!(queue.get().is_err());
}

pub fn shutdown_nonempty<O: AnyOrder<u32>>() {
    let queue = Queue::<O>::unbounded();
    queue.put(1).unwrap();
    queue.shutdown();
    assert_eq!(queue.get(), Ok(1));
    assert!(queue.get().is_err());
}

pub fn shutdown_immediate<O: AnyOrder<u32>>() {
    let queue = Queue::<O>::unbounded();
    queue.put(1).unwrap();
    queue.shutdown_now();
    assert!(queue.get().is_err());
}

pub fn shutdown_allowed_transitions<O: AnyOrder<u32>>() {
    let queue = Queue::<O>::unbounded();
    assert!(!queue.is_shutdown());
    for immediate in [false, true, false] {
        shut_down(&queue, immediate);
        assert!(queue.is_shutdown());
    }
}

fn all_methods_in_one_thread<O: AnyOrder<u32>>(immediate: bool) {
    let queue = Queue::<O>::bounded(2);
    queue.put(1).unwrap();
    queue.try_put(2).unwrap();
    shut_down(&queue, immediate);
    for form in [Plain, Try] {
        assert_eq!(put_by(&queue, 3, form), Err(PutError::ShutDown(3)));
    }
    if immediate {
        assert_eq!(queue.task_done(), Err(TooManyDone));
    } else {
        for _ in 0..2 {
            assert!([1, 2].contains(&queue.get().unwrap()));
            assert_eq!(queue.task_done(), Ok(()));
        }
    }
    for form in [Plain, Try, Timeout(LONG)] {
        assert_eq!(get_by(&queue, form), Err(GetError::ShutDown));
    }
    watchdog::run(|watch| watch.waits("join", || queue.join()));
}

pub fn shutdown_all_methods_in_one_thread<O: AnyOrder<u32>>() {
    all_methods_in_one_thread::<O>(false);
}

pub fn shutdown_immediate_all_methods_in_one_thread<O: AnyOrder<u32>>() {
    all_methods_in_one_thread::<O>(true);
}

/// Four write, six read, and two join if it is immediate; when one has written half of its items, it is shut down.
fn all_methods_in_many_threads<O: AnyOrder<u32>>(immediate: bool) {
    const EACH: u32 = 1024;
    let joiners = if immediate { 2 } else { 0 };
    let (queue, start) = (Queue::<O>::unbounded(), Line::new(4 + 6 + joiners));
    let half_way = Event::new();
    watchdog::run(|watch| {
        let (queue, start, half_way) = (&queue, &start, &half_way);
        let writers = bunch(watch, 4, "writer", |_| {
            (0..EACH / 4).for_each(|item| queue.put(item).unwrap());
            start.cross();
            for item in EACH / 4..EACH {
                if queue.put(item).is_err() {
                    break;
                }
                if item == EACH / 2 {
                    half_way.set();
                }
            }
        });
        let readers = bunch(watch, 6, "reader", |role| {
            role.waits("get", || queue.get()).unwrap();
            queue.task_done().unwrap();
            role.waits("the start", || start.cross());
            loop {
                match queue.try_get() {
                    Ok(_) => queue.task_done().unwrap(),
                    Err(GetError::Empty) => std::thread::yield_now(),
                    Err(GetError::ShutDown) => break,
                }
            }
        });
        let joiners = bunch(watch, joiners as usize, "joiner", |role| {
            role.waits("the start", || start.cross());
            role.waits("join", || queue.join());
        });
        watch.waits("somebody to be half way", || half_way.wait());
        shut_down(queue, immediate);
        assert!(!immediate || queue.is_empty());
        join(writers);
        join(readers);
        join(joiners);
    });
    assert!(queue.is_empty() && queue.try_join());
}

pub fn shutdown_all_methods_in_many_threads<O: AnyOrder<u32>>() {
    all_methods_in_many_threads::<O>(false);
}

pub fn shutdown_immediate_all_methods_in_many_threads<O: AnyOrder<u32>>() {
    all_methods_in_many_threads::<O>(true);
}

/// Threads that go once it is shut down, and tell how it was.
fn after_shutdown<O: AnyOrder<u32>, T: Send>(
    queue: &Queue<O>,
    immediate: bool,
    threads: usize,
    body: impl Fn(&Queue<O>) -> T + Sync,
) -> Vec<T> {
    let go = Event::new();
    watchdog::run(|watch| {
        let (go, body) = (&go, &body);
        let players = bunch(watch, threads, "player", |role| {
            role.waits("the go", || go.wait());
            role.waits("a call", || body(queue))
        });
        shut_down(queue, immediate);
        go.set();
        join(players)
    })
}

pub fn shutdown_get<O: AnyOrder<u32>>() {
    let queue = Queue::<O>::bounded(2);
    queue.put_many([1, 2]).unwrap();
    let got = after_shutdown(&queue, false, 3, |queue| queue.get().is_ok());
    assert_eq!(got.into_iter().filter(|&got| got).count(), 2);
}

pub fn shutdown_immediate_get<O: AnyOrder<u32>>() {
    let queue = Queue::<O>::bounded(2);
    queue.put_many([1, 2]).unwrap();
    assert_eq!(after_shutdown(&queue, true, 2, |queue| queue.get().is_ok()), [false; 2]);
}

fn puts_are_refused<O: AnyOrder<u32>>(immediate: bool) {
    let queue = Queue::<O>::bounded(2);
    queue.put_many([1, 2]).unwrap();
    assert_eq!(
        after_shutdown(&queue, immediate, 2, |queue| queue.put(3).is_ok()),
        [false; 2]
    );
}

pub fn shutdown_put<O: AnyOrder<u32>>() {
    puts_are_refused::<O>(false);
}

pub fn shutdown_immediate_put<O: AnyOrder<u32>>() {
    puts_are_refused::<O>(true);
}

fn joiners_return<O: AnyOrder<u32>>(immediate: bool) {
    let (queue, go) = (Queue::<O>::unbounded(), Event::new());
    queue.put(1).unwrap();
    watchdog::run(|watch| {
        let (queue, go) = (&queue, &go);
        let joiners = bunch(watch, 2, "joiner", |role| role.waits("join", || queue.join()));
        until_asleep(&joiners);
        let getters = bunch(watch, usize::from(!immediate), "getter", |role| {
            role.waits("the go", || go.wait());
            queue.get().unwrap();
            queue.task_done().unwrap();
        });
        shut_down(queue, immediate);
        go.set();
        join(getters);
        join(joiners);
    });
    assert!(queue.try_join());
}

pub fn shutdown_join<O: AnyOrder<u32>>() {
    joiners_return::<O>(false);
}

pub fn shutdown_immediate_join<O: AnyOrder<u32>>() {
    joiners_return::<O>(true);
}

fn a_putter_is_refused_and_a_joiner_returns<O: AnyOrder<u32>>(immediate: bool) {
    let (queue, go, joined) = (Queue::<O>::bounded(2), Event::new(), AtomicBool::new(false));
    queue.put(1).unwrap();
    watchdog::run(|watch| {
        let putter = watch.spawn("putter", |role| {
            role.waits("the go", || go.wait());
            queue.put(2).is_err()
        });
        let joiner = watch.spawn("joiner", |role| {
            role.waits("join", || queue.join());
            joined.store(true, Relaxed);
        });
        joiner.until_asleep();
        assert_eq!(queue.unfinished(), 1);
        shut_down(&queue, immediate);
        go.set();
        if immediate {
            assert_eq!(queue.try_get(), Err(GetError::ShutDown));
        } else {
            assert_eq!(queue.get(), Ok(1));
            assert!(!joined.load(Relaxed));
            queue.task_done().unwrap();
        }
        assert!(putter.join());
        joiner.join();
    });
}

pub fn shutdown_put_join<O: AnyOrder<u32>>() {
    a_putter_is_refused_and_a_joiner_returns::<O>(false);
}

pub fn shutdown_immediate_put_join<O: AnyOrder<u32>>() {
    a_putter_is_refused_and_a_joiner_returns::<O>(true);
}

pub fn shutdown_get_task_done_join<O: AnyOrder<u32>>() {
    let (queue, go) = (Queue::<O>::bounded(2), Event::new());
    queue.put_many([1, 2]).unwrap();
    assert_eq!(queue.unfinished(), queue.len());
    watchdog::run(|watch| {
        let (queue, go) = (&queue, &go);
        let getters = bunch(watch, 2, "getter", |role| {
            role.waits("the go", || go.wait());
            queue.get().is_ok() && queue.task_done().is_ok()
        });
        let joiners = bunch(watch, 2, "joiner", |role| role.waits("join", || queue.join()));
        go.set();
        queue.shutdown();
        assert_eq!(join(getters), [true; 2]);
        join(joiners);
    });
    assert_eq!(rest(&queue), []);
}

pub fn shutdown_pending_get<O: AnyOrder<u32>>() {
    let queue = Queue::<O>::unbounded();
    watchdog::run(|watch| {
        let got = blocks_until(watch, "get", || queue.get(), || queue.shutdown());
        assert!(got.is_err());
    });
}
