//! The shapes in which peers broke, and races with a deadline.

use super::{AnyOrder, in_each_order};
use crate::shapes::{Aim, Brink, four_hand_over_to_four};
use crate::watchdog;
use selvedge::queue::AnyQueue;
use selvedge::{Instant, Queue};
use std::time::Duration;

/// Law Q6: what was written before a put is read after its get.
#[test]
fn four_hand_over_to_four_by_queues() {
    let (rooms, items) = (Queue::bounded(1), Queue::bounded(1));
    rooms.put(()).unwrap();
    four_hand_over_to_four(
        || rooms.get().unwrap(),
        || items.put(()).unwrap(),
        || items.get().unwrap(),
        || rooms.put(()).unwrap(),
    );
    assert_eq!((rooms.len(), items.len()), (1, 0));
}

fn play_ping_pong(rounds: u32, get: impl Fn(&Queue<u32>, u32) -> u32 + Sync) {
    let (there, back) = (Queue::bounded(1), Queue::bounded(1));
    watchdog::run(|watch| {
        let (there, back, get) = (&there, &back, &get);
        watch.spawn("server", move |role| {
            for round in 0..rounds {
                there.put(round).unwrap();
                assert_eq!(role.waits("the pong", || get(back, round)), round);
            }
        });
        watch.spawn("receiver", move |role| {
            for round in 0..rounds {
                assert_eq!(role.waits("the ping", || get(there, round)), round);
                back.put(round).unwrap();
            }
        });
    });
    assert!(there.is_empty() && back.is_empty());
}

#[test]
fn queues_play_ping_pong_with_and_without_patience() {
    play_ping_pong(5_000, |queue, _| queue.get().unwrap());
    play_ping_pong(3_000, |queue, round| {
        let patience = Duration::from_micros(u64::from(round % 50));
        loop {
            if let Ok(ball) = queue.get_timeout(patience) {
                break ball;
            }
        }
    });
}

in_each_order! {
    a_timeout_swallows_no_item
    a_timeout_swallows_no_room
    a_timeout_swallows_no_end_of_work
}

/// A hasty one and a patient one wait for the same, and it comes when the time of the hasty one ends: hazard A.
fn a_timeout_swallows_nothing(
    prepare: impl Fn(),
    hasty: impl Fn(Instant) -> bool + Sync,
    patient: impl Fn() + Sync,
    serve: impl Fn(),
    serves_both: bool,
) {
    watchdog::run(|watch| {
        let (hasty, patient, mut brink, mut in_time) = (&hasty, &patient, Brink::new(), 0);
        let rounds = (1..).find(|round| {
            prepare();
            brink.set();
            let deadline = brink.deadline;
            let hasty = watch.spawn("hasty", move |role| role.waits("a timed call", || hasty(deadline)));
            let patient = watch.spawn("patient", move |role| {
                Aim::in_micros(Brink::PATIENCE / 2).reach(); // the hasty one is first in line
                role.waits("a call without a deadline", patient);
            });
            brink.aim.reach();
            serve();
            let was_in_time = hasty.join();
            if was_in_time && !serves_both {
                serve();
            }
            patient.join();
            brink.learn(was_in_time);
            in_time += u32::from(was_in_time);
            *round >= 100 && (1..*round).contains(&in_time) // both ends have occurred
        });
        assert!(rounds.is_some());
    });
}

fn a_timeout_swallows_no_item<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    a_timeout_swallows_nothing(
        || assert!(queue.is_empty()),
        |deadline| queue.get_deadline(deadline).is_ok(),
        || assert_eq!(queue.get(), Ok(1)),
        || queue.put(1).unwrap(),
        false,
    );
    assert!(queue.is_empty());
}

fn a_timeout_swallows_no_room<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::bounded(1);
    queue.put(1).unwrap();
    a_timeout_swallows_nothing(
        || assert!(queue.is_full()),
        |deadline| queue.put_deadline(1, deadline).is_ok(),
        || queue.put(1).unwrap(),
        || assert_eq!(queue.get(), Ok(1)),
        false,
    );
    assert!(queue.is_full());
}

fn a_timeout_swallows_no_end_of_work<O: AnyOrder<u32>>() {
    let queue = AnyQueue::<u32, O>::unbounded();
    a_timeout_swallows_nothing(
        || queue.put(1).unwrap(),
        |deadline| queue.join_deadline(deadline).is_ok(),
        || queue.join(),
        || queue.task_done().unwrap(),
        true,
    );
    assert!(queue.try_join());
}
