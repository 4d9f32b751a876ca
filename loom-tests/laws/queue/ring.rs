//! The laws of queues whose items are in a ring: the programs of `mod.rs` again.
//!
//! Each operation of a ring is a step of its own, so that also two threads have too many interleavings to run them all.

use super::roles::*;
use super::subject::{growing, ringed};
use crate::law::Model;
use crate::refines::{choose, program};
use spec::Answer::{self, Busy, Count, Done, ShutDown, TimedOut};
use spec::queue::Call::{self, *};

/// What shows the law for a ring.
pub fn models(law: &str) -> Vec<Model> {
    match law {
        "Q1" => vec![
            two::<1>(&[], [&[Put(1)], &[Put(2)]]),
            two::<1>(&[], [&[TryPut(1), Len], &[TryPut(2), Len]]),
            two::<2>(&[11], [&[TryPutTwo(12, 13)], &[Put(14)]]),
            two::<3>(&[11], [&[Put(12), Put(13)], &[Put(14)]]),
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
            brief(grown(&[1], &[&[TryPutTwo(2, 3), TryGet], &[Get]])),
            brief(grown(&[1], &[&[Put(2)], &[Get], &[TryGet]])),
            brief(grown(&[1], &[&[Put(2)], &[Put(3)], &[Get]])),
            two::<2>(&[1, 2], [&[Get], &[Get]]),
            two::<1>(&[1], [&[TryGet], &[TryGet]]),
            two::<2>(&[1, 2], [&[Drain], &[Get]]),
            two::<1>(&[], [&[Put(1)], &[Drain]]),
            two::<1>(&[1], [&[TryPutTwo(2, 3)], &[Get]]),
            brief(two::<1>(&[], [&[Put(1), Put(2)], &[Get, TryGet]])),
            three::<1>(&[], [&[Put(1)], &[Get], &[TryGet]]),
        ],
        "Q3" => vec![
            grown(&[1], &[&[Put(2), Put(3)], &[Get, Get]]),
            two::<3>(&[12], [&[Put(11), Put(2)], &[Get, Get]]),
            three::<3>(&[], [&[Put(11)], &[Put(12)], &[Get, TryGet]]),
        ],
        "Q4" => vec![
            two::<1>(&[1], [&[TaskDone], &[Join]]),
            two::<1>(&[1], [&[ShutdownNow], &[Join]]),
            two::<1>(&[], [&[Put(1), Join], &[Get, TaskDone]]),
            two::<2>(&[1], [&[TaskDone, Put(2), TaskDone], &[TaskDone]]),
            two::<1>(&[], [&[Put(1), Get], &[TaskDone, TryJoin]]),
            two::<1>(&[], [&[Put(1), Drain], &[TaskDone, TryJoin]]),
            specified("the last task of a round", [[Done, Done]], |s| rounds(s, Ring)).within(1, 2),
            grown(&[1], &[&[Put(2), TaskDone], &[TaskDone, TryJoin]]),
            brief(grown(&[1], &[&[Put(2), TaskDone], &[Get, TaskDone, Join]])),
        ],
        "Q5" => vec![
            asleep_each("main puts two", [Done, Done], Getters, one_by_one),
            asleep_each("main puts a batch", [Done, Done], Getters, batch),
            asleep_each("main gets two", [Done, Done], Putters, one_by_one),
            asleep_each("main drains", [Done, Done], Putters, batch),
            two::<1>(&[], [&[Put(1)], &[Get]]),
            two::<1>(&[1], [&[Put(2)], &[Get]]),
            brief(two::<1>(&[], [&[Put(1), Put(2)], &[Get, Get]])),
            two::<1>(&[1], [&[Put(2)], &[Drain]]),
            two::<1>(&[], [&[Put(1)], &[GetTimeout]]),
            two::<1>(&[1], [&[Get], &[PutTimeout(2)]]),
            three::<1>(&[], [&[Put(1)], &[GetTimeout], &[Get]]),
            three::<1>(&[1], [&[Get], &[PutTimeout(2)], &[Put(3)]]),
            three::<1>(&[], [&[Put(1)], &[Get], &[Get]]),
            three::<2>(&[1, 2], [&[Put(3)], &[Put(4)], &[Drain]]).within(0, 1),
            three::<2>(&[], [&[TryPutTwo(1, 2)], &[Get], &[Get]]).within(0, 1),
            specified("a batch longer than the ring", [[Done, Done]], |s| long_batch(s, Ring)).within(1, 2),
            brief(grown(&[], &[&[TryPutTwo(1, 2)], &[Get, Get]])),
            grown(&[], &[&[TryPutTwo(1, 2)], &[Get], &[Get]]).within(0, 1),
        ],
        "Q6" => vec![
            specified("ring: put and get", [[Done, Count(1)]], |s| seen_by(s, Ring, get)).within(2, 3),
            specified("ring: put and try_get", [[Done, Busy], [Done, Count(1)]], |s| {
                seen_by(s, Ring, try_get)
            })
            .within(2, 3),
            specified("ring: put a batch and try_get", [[Done, Busy], [Done, Count(1)]], |s| {
                batch_seen_by(s, Ring, try_get)
            })
            .within(2, 3),
            specified("ring: put and drain", [[Done, Busy], [Done, Count(1)]], |s| {
                seen_by(s, Ring, drain)
            })
            .within(2, 3),
            specified(
                "ring: an item that was moved",
                [[Done, Busy], [Done, Count(1)]],
                moved_seen,
            )
            .within(2, 3),
            specified("ring: room that was made", [[Done, Count(1)]], |s| room_seen(s, Ring)).within(2, 3),
            specified("ring: done and joined", [[Done, Count(1)]], |s| joined(s, Ring, join)).within(2, 3),
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
            asleep_each("main shuts down", [ShutDown, ShutDown], Getters, ended),
            asleep_each("main shuts down at once", [ShutDown, ShutDown], Putters, emptied),
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
            specified(
                "ring: put, by a deadline",
                [[Count(1), Done], [Count(1), TimedOut]],
                |s| by_deadline(s, Ring, Putters),
            )
            .within(2, 3),
            specified("ring: get, by a deadline", [[Done, Count(1)], [Done, TimedOut]], |s| {
                by_deadline(s, Ring, Getters)
            })
            .within(2, 3),
            specified("ring: no time at all", [[Done, Count(1)], [Done, TimedOut]], |s| {
                at_once(s, Ring)
            })
            .within(2, 3),
            specified(
                "ring: the rest of a batch",
                [[Count(1), Count(1)], [Count(1), Count(2)]],
                |s| rest_of_a_batch(s, Ring),
            )
            .within(2, 3),
        ],
        _ => vec![],
    }
}

/// All pairs of these calls, in a ring with room for one item, and in one that has to grow for the second.
pub fn pairs(calls: &[Call]) -> Vec<Model> {
    let fixed = |calls: &Vec<Call>| ring::<1>(&[], &[&calls[..1], &calls[1..]]).within(2, 3);
    let growing = |calls: &Vec<Call>| grown(&[11], &[&calls[..1], &calls[1..]]);
    let pairs = choose(calls, 2);
    pairs.iter().map(fixed).chain(pairs.iter().map(growing)).collect()
}

/// In a ring that grows whenever it is full.
fn grown(before: &[u32], threads: &[&[Call]]) -> Model {
    let threads = threads.iter().map(|calls| calls.to_vec()).collect();
    program(&growing(before), threads)
        .of(Ring)
        .locks_specified()
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
    program(&ringed::<CAPACITY>(before), threads).of(Ring).locks_specified()
}

fn asleep_each(what: &str, ends: [Answer; 2], side: Side, act: fn(&Numbers, Side)) -> Model {
    specified(&format!("ring: two {side:?} asleep, {what}"), [ends], move |s| {
        asleep(s, Ring, side, act)
    })
    .within(1, 2)
}

fn brief(model: Model) -> Model {
    model.within(1, 2)
}
