//! The models of the laws for the ring core. Most are the programs of `mod.rs`.
//!
//! All models are bounded: each atomic operation of a ring is a step of its own, so even two threads have too many
//! interleavings.

use super::scenarios::*;
use super::subject::{self, growing};
use crate::law::Model;
use crate::refines::{choose, program};
use spec::Answer::{self, Busy, Count, Done, ShutDown, TimedOut};
use spec::queue::Call::{self, *};

/// The models of the law for the ring core.
pub fn models(law: &str) -> Vec<Model> {
    match law {
        "Q1" => vec![
            two::<1>(&[], [&[Put(1)], &[Put(2)]]),
            two::<1>(&[], [&[TryPut(1), Len], &[TryPut(2), Len]]),
            two::<2>(&[11], [&[TryPutTwo(12, 13)], &[Put(14)]]),
            two::<4>(&[10, 11], [&[Put(12), Put(13)], &[Put(14)]]),
            three::<1>(&[], [&[Put(1)], &[Put(2)], &[Drain]]),
            three::<1>(&[1], [&[Put(2)], &[Put(3)], &[Get]]),
            three::<1>(&[1], [&[Put(2)], &[Get], &[TryPut(3)]]),
        ],
        "Q2" => vec![
            grown(&[1], &[&[Put(2)], &[Get]]),
            grown(&[1], &[&[Put(2)], &[Put(3)]]),
            grown(&[1], &[&[Put(2)], &[TryGet, Get]]),
            grown(&[1], &[&[Put(2)], &[Drain]]),
            grown(&[1, 2], &[&[Put(3)], &[Get, Get]]),
            within_one(grown(&[1], &[&[TryPutTwo(2, 3), TryGet], &[Get]])),
            within_one(grown(&[1], &[&[Put(2)], &[Get], &[TryGet]])),
            within_one(grown(&[1], &[&[Put(2)], &[Put(3)], &[Get]])),
            two::<2>(&[1, 2], [&[Get], &[Get]]),
            two::<1>(&[1], [&[TryGet], &[TryGet]]),
            two::<2>(&[1, 2], [&[Drain], &[Get]]),
            two::<1>(&[], [&[Put(1)], &[Drain]]),
            two::<1>(&[1], [&[TryPutTwo(2, 3)], &[Get]]),
            within_one(two::<1>(&[], [&[Put(1), Put(2)], &[Get, TryGet]])),
            three::<1>(&[], [&[Put(1)], &[Get], &[TryGet]]),
        ],
        "Q3" => vec![
            grown(&[1], &[&[Put(2), Put(3)], &[Get, Get]]),
            two::<4>(&[12], [&[Put(11), Put(2)], &[Get, Get]]),
            three::<4>(&[], [&[Put(11)], &[Put(12)], &[Get, TryGet]]),
        ],
        "Q4" => vec![
            two::<1>(&[1], [&[TaskDone], &[Join]]),
            two::<1>(&[1], [&[ShutdownNow], &[Join]]),
            two::<1>(&[], [&[Put(1), Join], &[Get, TaskDone]]),
            two::<2>(&[1], [&[TaskDone, Put(2), TaskDone], &[TaskDone]]),
            two::<1>(&[], [&[Put(1), Get], &[TaskDone, TryJoin]]),
            two::<1>(&[], [&[Put(1), Drain], &[TaskDone, TryJoin]]),
            abstract_lock("two joins in a row", [[Done, Done]], |s| joined_twice(s, Ring)).within(1, 2),
            grown(&[1], &[&[Put(2), TaskDone], &[TaskDone, TryJoin]]),
            within_one(grown(&[1], &[&[Put(2), TaskDone], &[Get, TaskDone, Join]])),
        ],
        "Q5" => vec![
            two_blocked_on("main puts two items", [Done, Done], Getters, one_by_one),
            two_blocked_on("main puts a batch", [Done, Done], Getters, batch),
            two_blocked_on("main gets two items", [Done, Done], Putters, one_by_one),
            two_blocked_on("main drains", [Done, Done], Putters, batch),
            two::<1>(&[], [&[Put(1)], &[Get]]),
            two::<1>(&[1], [&[Put(2)], &[Get]]),
            within_one(two::<1>(&[], [&[Put(1), Put(2)], &[Get, Get]])),
            two::<1>(&[1], [&[Put(2)], &[Drain]]),
            two::<1>(&[], [&[Put(1)], &[GetTimeout]]),
            two::<1>(&[1], [&[Get], &[PutTimeout(2)]]),
            three::<1>(&[], [&[Put(1)], &[GetTimeout], &[Get]]),
            three::<1>(&[1], [&[Get], &[PutTimeout(2)], &[Put(3)]]),
            three::<1>(&[], [&[Put(1)], &[Get], &[Get]]),
            three::<2>(&[1, 2], [&[Put(3)], &[Put(4)], &[Drain]]).within(0, 1),
            three::<2>(&[], [&[TryPutTwo(1, 2)], &[Get], &[Get]]).within(0, 1),
            abstract_lock("a batch larger than the capacity", [[Done, Done]], |s| {
                long_batch(s, Ring)
            })
            .within(1, 2),
            within_one(grown(&[], &[&[TryPutTwo(1, 2)], &[Get, Get]])),
            grown(&[], &[&[TryPutTwo(1, 2)], &[Get], &[Get]]).within(0, 1),
        ],
        "Q6" => vec![
            abstract_lock("ring: put and get", [[Done, Count(1)]], |s| {
                put_visible_to(s, Ring, get)
            })
            .within(2, 3),
            abstract_lock("ring: put and try_get", [[Done, Busy], [Done, Count(1)]], |s| {
                put_visible_to(s, Ring, try_get)
            })
            .within(2, 3),
            abstract_lock("ring: put a batch and try_get", [[Done, Busy], [Done, Count(1)]], |s| {
                batch_visible_to(s, Ring, try_get)
            })
            .within(2, 3),
            abstract_lock("ring: put and drain", [[Done, Busy], [Done, Count(1)]], |s| {
                put_visible_to(s, Ring, drain)
            })
            .within(2, 3),
            abstract_lock(
                "ring: an item moved by growth",
                [[Done, Busy], [Done, Count(1)]],
                moved_item_visible,
            )
            .within(2, 3),
            abstract_lock("ring: get and put into the free slot", [[Done, Count(1)]], |s| {
                get_visible_to_put(s, Ring)
            })
            .within(2, 3),
            abstract_lock("ring: task_done and join", [[Done, Count(1)]], |s| {
                joined(s, Ring, join)
            })
            .within(2, 3),
        ],
        "Q7" => vec![
            grown(&[1], &[&[Shutdown, TryPut(2)], &[Put(3)]]),
            grown(&[1], &[&[ShutdownNow, TryPut(2)], &[Put(3)]]),
            two::<2>(&[], [&[Shutdown, Len], &[Put(1)]]),
            two::<1>(&[1], [&[Shutdown, TryPut(2)], &[Put(3)]]),
            two::<1>(&[1], [&[ShutdownNow, TryPut(2)], &[Put(3)]]),
            two::<1>(&[1], [&[Shutdown, Get, Len], &[PutTimeout(2)]]),
            three::<1>(&[1], [&[Shutdown], &[Put(2)], &[Get]]),
            three::<2>(&[1], [&[ShutdownNow], &[TryPutTwo(2, 3)], &[Len]]),
        ],
        "Q8" => vec![
            two::<1>(&[], [&[Shutdown], &[Get]]),
            two::<1>(&[], [&[ShutdownNow], &[Get]]),
            two::<1>(&[1], [&[Shutdown], &[Put(2)]]),
            two::<1>(&[1], [&[ShutdownNow], &[Put(2)]]),
            two::<1>(&[], [&[Shutdown], &[GetTimeout]]),
            two::<1>(&[1], [&[Shutdown], &[PutTimeout(2)]]),
            two_blocked_on("main shuts down", [ShutDown, ShutDown], Getters, shut_down),
            two_blocked_on("main calls shutdown_now", [ShutDown, ShutDown], Putters, shut_down_now),
        ],
        "Q9" => vec![
            two::<2>(&[1, 2], [&[Shutdown], &[Get, Get, Get]]),
            two::<2>(&[], [&[Put(1), Shutdown], &[Get, Get]]),
            two::<2>(&[1], [&[Shutdown, Shutdown], &[TryGet, TryGet]]),
            three::<2>(&[1], [&[Shutdown], &[Get], &[Get]]),
            grown(&[1], &[&[Put(2), Shutdown], &[Get, Get]]),
        ],
        "Q10" => vec![
            two::<2>(&[1, 2], [&[ShutdownNow, TryGet, Unfinished], &[Get]]),
            two::<2>(&[1], [&[Shutdown, ShutdownNow], &[Get, Get]]),
            two::<1>(&[], [&[Put(1), TaskDone], &[ShutdownNow, Unfinished]]),
            three::<1>(&[], [&[ShutdownNow], &[ShutdownNow], &[Put(1)]]),
            three::<2>(&[1], [&[ShutdownNow], &[Put(2)], &[Join]]),
            grown(&[1], &[&[Put(2)], &[ShutdownNow, Unfinished]]),
        ],
        "Q11" => vec![
            two::<1>(&[1], [&[Get, Len], &[PutTimeout(2)]]),
            two::<1>(&[], [&[Put(1)], &[GetTimeout, Len]]),
            abstract_lock("ring: put_deadline", [[Count(1), Done], [Count(1), TimedOut]], |s| {
                with_deadline(s, Ring, Putters)
            })
            .within(2, 3),
            abstract_lock("ring: get_deadline", [[Done, Count(1)], [Done, TimedOut]], |s| {
                with_deadline(s, Ring, Getters)
            })
            .within(2, 3),
            abstract_lock("ring: zero timeout", [[Done, Count(1)], [Done, TimedOut]], |s| {
                zero_timeout(s, Ring)
            })
            .within(2, 3),
            abstract_lock(
                "ring: the remainder of a batch",
                [[Count(1), Count(1)], [Count(1), Count(2)]],
                |s| remainder_of_batch(s, Ring),
            )
            .within(2, 3),
        ],
        _ => vec![],
    }
}

/// All pairs of these calls, for a ring of capacity 1 and for a ring that must grow for a second item.
pub fn pairs(calls: &[Call]) -> Vec<Model> {
    let fixed = |calls: &Vec<Call>| ring::<1>(&[], &[&calls[..1], &calls[1..]]).within(2, 3);
    let growing = |calls: &Vec<Call>| grown(&[11], &[&calls[..1], &calls[1..]]);
    let pairs = choose(calls, 2);
    pairs.iter().map(fixed).chain(pairs.iter().map(growing)).collect()
}

/// A program for an unbounded ring, which grows whenever it is full.
fn grown(before: &[u32], threads: &[&[Call]]) -> Model {
    let threads = threads.iter().map(|calls| calls.to_vec()).collect();
    program(&growing(before), threads)
        .tagged(Ring)
        .abstract_locks()
        .within(2, 3)
}

fn two<const CAPACITY: usize>(before: &[u32], threads: [&[Call]; 2]) -> Model {
    ring::<CAPACITY>(before, &threads).within(2, 3)
}

fn three<const CAPACITY: usize>(before: &[u32], threads: [&[Call]; 3]) -> Model {
    ring::<CAPACITY>(before, &threads).within(1, 2)
}

fn ring<const CAPACITY: usize>(before: &[u32], threads: &[&[Call]]) -> Model {
    let threads = threads.iter().map(|calls| calls.to_vec()).collect();
    program(&subject::ring::<CAPACITY>(before), threads)
        .tagged(Ring)
        .abstract_locks()
}

fn two_blocked_on(what: &str, expected: [Answer; 2], side: Side, act: fn(&Numbers, Side)) -> Model {
    abstract_lock(&format!("ring: two {side:?} blocked, {what}"), [expected], move |s| {
        two_blocked(s, Ring, side, act)
    })
    .within(1, 2)
}

fn within_one(model: Model) -> Model {
    model.within(1, 2)
}
