//! Queues under stress, all forms at once. Seeds are fixed; the orders are not.

use super::{AnyOrder, get_by, in_each_order, put_by, put_many_by, task_by};
use crate::forms::Form;
use crate::support::{STRESS_TIMEOUT, SpinBarrier, random_delay};
use crate::watchdog;
use fastrand::Rng;
use selvedge::queue::AnyQueue;
use selvedge::{GetError, PutError};
use std::any::TypeId;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

in_each_order! {
    items_go_from_all_to_all_through_room_for_one
    items_go_from_all_to_all_through_room_for_two
    items_go_from_all_to_all_through_room_for_many
    items_go_from_all_to_all_without_a_bound
    the_hasty_strand_nobody
    work_is_done_in_rounds
    a_shutdown_races_all_others
}

fn new<O: AnyOrder<u32>>(capacity: Option<usize>) -> AnyQueue<u32, O> {
    capacity.map_or_else(|| AnyQueue::unbounded_from(1), AnyQueue::bounded)
}

fn items_go_from_all_to_all_through_room_for_one<O: AnyOrder<u32>>() {
    items_go_from_all_to_all::<O>(Some(1));
}

fn items_go_from_all_to_all_through_room_for_two<O: AnyOrder<u32>>() {
    items_go_from_all_to_all::<O>(Some(2));
}

fn items_go_from_all_to_all_through_room_for_many<O: AnyOrder<u32>>() {
    items_go_from_all_to_all::<O>(Some(128));
}

fn items_go_from_all_to_all_without_a_bound<O: AnyOrder<u32>>() {
    items_go_from_all_to_all::<O>(None);
}

const EACH: u32 = 60;

/// Laws Q1 to Q4.
fn items_go_from_all_to_all<O: AnyOrder<u32>>(capacity: Option<usize>) {
    for producers in [1, 2, 4] {
        for consumers in [1, 2, 4] {
            let (queue, done) = (new::<O>(capacity), AtomicU32::new(0));
            let got = watchdog::run(|watch| {
                let (queue, done) = (&queue, &done);
                let produce = |n| watch.spawn(format!("producer {n}"), move |role| produce(queue, n, role));
                let consume = |n| watch.spawn(format!("consumer {n}"), move |role| consume(queue, n, done, role));
                let consumers: Vec<_> = (0..consumers).map(consume).collect();
                let players: Vec<_> = (0..producers).map(produce).collect();
                players.into_iter().for_each(|producer| producer.join());
                watch.waits("join", || queue.join());
                assert_eq!(done.load(Relaxed), producers * EACH, "joined before all was done");
                queue.shutdown();
                consumers
                    .into_iter()
                    .map(|consumer| consumer.join())
                    .collect::<Vec<_>>()
            });
            if TypeId::of::<O>() == TypeId::of::<selvedge::queue::Fifo>() {
                let of = |items: &[u32], producer| -> Vec<_> {
                    items.iter().copied().filter(|item| item / EACH == producer).collect()
                };
                let in_order = |items: &Vec<_>| (0..producers).all(|producer| of(items, producer).is_sorted());
                assert!(got.iter().all(in_order), "one overtook another of the same producer");
            }
            let mut got = got.concat();
            got.sort();
            assert!(
                got.into_iter().eq(0..producers * EACH),
                "an item was lost, or got twice"
            );
            assert_eq!((queue.len(), queue.unfinished()), (0, 0));
        }
    }
}

fn produce<O: AnyOrder<u32>>(queue: &AnyQueue<u32, O>, producer: u32, role: &watchdog::Role) {
    let mut rng = Rng::with_seed(producer.into());
    let mut left: Vec<_> = (producer * EACH..(producer + 1) * EACH).rev().collect(); // the next is the last
    while let Some(next) = left.pop() {
        let form = Form::random(&mut rng, STRESS_TIMEOUT);
        if rng.u8(..4) > 0 {
            match role.waits("put", || put_by(queue, next, form)) {
                Ok(()) => {}
                Err(PutError::Full(item)) => left.push(item),
                Err(PutError::ShutDown(_)) => panic!("nobody has shut it down"),
            }
        } else {
            let batch = [next]
                .into_iter()
                .chain((0..rng.u8(..3)).map_while(|_| left.pop()))
                .collect::<Vec<_>>();
            match role.waits("put_many", || put_many_by(queue, batch, form)) {
                Ok(()) => {}
                Err(refused) => left.extend(refused.into_inner().into_iter().rev()),
            }
        }
        random_delay(&mut rng);
    }
}

fn consume<O: AnyOrder<u32>>(
    queue: &AnyQueue<u32, O>,
    consumer: u32,
    done: &AtomicU32,
    role: &watchdog::Role,
) -> Vec<u32> {
    let (mut rng, mut got) = (Rng::with_seed((100 + consumer).into()), Vec::new());
    loop {
        assert!(
            queue.capacity().is_none_or(|capacity| queue.len() <= capacity),
            "more are in than it holds"
        );
        let form = Form::random(&mut rng, STRESS_TIMEOUT);
        let result = if rng.bool() {
            role.waits("get", || get_by(queue, form)).inspect(|_| {
                done.fetch_add(1, Relaxed);
                queue.task_done().unwrap();
            })
        } else {
            role.waits("get_task", || task_by(queue, form)).map(|task| {
                done.fetch_add(1, Relaxed);
                *task
            })
        };
        match result {
            Ok(item) => got.push(item),
            Err(GetError::Empty) => {}
            Err(GetError::ShutDown) => return got,
        }
        random_delay(&mut rng);
    }
}

/// Many whose time is over again and again, beside a few with as much patience as it takes: law Q5.
fn the_hasty_strand_nobody<O: AnyOrder<u32>>() {
    const ITEMS: usize = 400; // of each patient one
    let (queue, got) = (AnyQueue::<u32, O>::bounded(1), AtomicUsize::new(0));
    let (put, given_up) = (AtomicUsize::new(0), AtomicUsize::new(0));
    watchdog::run(|watch| {
        let (queue, got, put, given_up) = (&queue, &got, &put, &given_up);
        for n in 0..3 {
            watch.spawn(format!("hasty getter {n}"), move |role| {
                let mut rng = Rng::with_seed(n);
                loop {
                    let form = Form::random_wait(&mut rng, STRESS_TIMEOUT);
                    let form = if matches!(form, Form::Plain) { Form::Try } else { form };
                    match role.waits("a timed get", || get_by(queue, form)) {
                        Ok(_) => _ = got.fetch_add(1, Relaxed),
                        Err(GetError::Empty) => _ = given_up.fetch_add(1, Relaxed),
                        Err(GetError::ShutDown) => break,
                    }
                }
            });
            watch.spawn(format!("hasty putter {n}"), move |role| {
                let mut rng = Rng::with_seed(n);
                loop {
                    let time = STRESS_TIMEOUT.mul_f32(rng.f32());
                    match role.waits("a timed put", || queue.put_timeout(1, time)) {
                        Ok(()) => _ = put.fetch_add(1, Relaxed),
                        Err(PutError::Full(_)) => _ = given_up.fetch_add(1, Relaxed),
                        Err(PutError::ShutDown(_)) => break,
                    }
                }
            });
        }
        let patient: Vec<_> = (0..2)
            .flat_map(|n| {
                let getter = watch.spawn(format!("patient getter {n}"), move |role| {
                    (0..ITEMS).for_each(|_| assert_eq!(role.waits("get", || queue.get()), Ok(1)));
                });
                let putter = watch.spawn(format!("patient putter {n}"), move |role| {
                    (0..ITEMS).for_each(|_| assert_eq!(role.waits("put", || queue.put(1)), Ok(())));
                });
                [getter, putter]
            })
            .collect();
        patient.into_iter().for_each(|patient| patient.join());
        queue.shutdown();
    });
    let left = queue.drain().len();
    assert_eq!(
        put.into_inner(),
        got.into_inner() + left,
        "an item was lost, or got twice"
    );
    assert!(given_up.into_inner() > 0, "nobody's time was over");
}

/// Law Q4, again and again: each round's work is done when any of the joiners returns.
fn work_is_done_in_rounds<O: AnyOrder<u32>>() {
    const ROUNDS: u32 = 150;
    const JOINERS: u32 = 3;
    let (queue, line, done) = (
        AnyQueue::<u32, O>::bounded(3),
        SpinBarrier::new(JOINERS + 1),
        AtomicU32::new(0),
    );
    watchdog::run(|watch| {
        let (queue, line, done) = (&queue, &line, &done);
        for n in 0..2 {
            watch.spawn(format!("worker {n}"), move |role| {
                let mut rng = Rng::with_seed(n);
                while let Ok(task) = role.waits("get_task", || queue.get_task()) {
                    random_delay(&mut rng);
                    done.fetch_add(*task, Relaxed);
                }
            });
        }
        for n in 0..JOINERS {
            watch.spawn(format!("joiner {n}"), move |role| {
                for round in 1..=ROUNDS {
                    line.wait();
                    role.waits("join", || queue.join());
                    assert_eq!(done.load(Relaxed), 5 * round);
                    line.wait();
                }
            });
        }
        for _ in 0..ROUNDS {
            watch.waits("put_many", || queue.put_many([1; 5])).unwrap();
            line.wait();
            line.wait();
        }
        queue.shutdown();
    });
    assert_eq!(done.into_inner(), 5 * ROUNDS);
}

/// Laws Q7, Q8 and Q10: whatever others do when it comes, all return, and the counts agree.
fn a_shutdown_races_all_others<O: AnyOrder<u32>>() {
    let mut rng = Rng::with_seed(0);
    for round in 0..60 {
        let (queue, line) = (AnyQueue::<u32, O>::bounded(2), SpinBarrier::new(6));
        let (put, got) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let at_once = round % 2 == 0;
        watchdog::run(|watch| {
            let (queue, line, put, got) = (&queue, &line, &put, &got);
            for n in 0..2 {
                watch.spawn(format!("putter {n}"), move |role| {
                    line.wait();
                    while role.waits("put", || queue.put(n)).is_ok() {
                        put.fetch_add(1, Relaxed);
                    }
                    assert!(queue.is_shutdown() && queue.try_put(n).is_err());
                });
                watch.spawn(format!("getter {n}"), move |role| {
                    line.wait();
                    while let Ok(task) = role.waits("get_task", || queue.get_task()) {
                        got.fetch_add(1, Relaxed);
                        drop(task);
                    }
                    assert!(queue.is_shutdown() && queue.is_empty());
                });
            }
            watch.spawn("joiner", move |role| {
                line.wait();
                role.waits("join", || queue.join());
            });
            let turns = rng.u32(..200);
            line.wait();
            (0..turns).for_each(|_| std::thread::yield_now());
            if at_once {
                got.fetch_add(queue.shutdown_now().len(), Relaxed);
            } else {
                queue.shutdown();
            }
        });
        assert_eq!(put.into_inner(), got.into_inner());
        assert_eq!((queue.len(), queue.unfinished(), queue.try_join()), (0, 0, true));
    }
}
