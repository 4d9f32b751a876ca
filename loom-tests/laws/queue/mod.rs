//! Queue, LifoQueue and PriorityQueue: Q1 to Q12.
//!
//! Their one lock is taken by its specification in nearly all models: with its own steps two threads that wait for each
//! other have some hundred times as many interleavings. A few models run with the steps. The ring, the other core of a bounded
//! `Queue`, has models of its own (`ring.rs`).

mod ring;
mod roles;
mod subject;

use crate::law::{Law, Model};
use crate::refines::{Start, choose, program, refinement};
use roles::*;
use selvedge_loom::queue::{AnyQueue, Fifo, Lifo, Priority};
use spec::Answer::{self, Blocked, Broken, Busy, Count, Done, ShutDown, TimedOut};
use spec::queue::Call::{self, *};
use subject::{Item, Known, holding};

pub fn laws() -> Vec<Law> {
    vec![
        both(
            "Q1",
            "there are never more items than the queue can hold",
            all(
                [
                    in_each_order::<1>(&[], vec![vec![Put(1)], vec![Put(2)]]),
                    in_each_order::<1>(&[], vec![vec![TryPut(1), Len], vec![TryPut(2), Len]]),
                    in_each_order::<2>(&[11], vec![vec![TryPutTwo(12, 13)], vec![Put(14)]]),
                    in_each_order::<1>(&[], vec![vec![Put(1)], vec![Put(2)], vec![Drain]]).map(few),
                    in_each_order::<1>(&[1], vec![vec![Put(2)], vec![Put(3)], vec![Get]]).map(few),
                    in_each_order::<1>(&[1], vec![vec![Put(2)], vec![Get], vec![TryPut(3)]]).map(few),
                ],
                vec![],
            ),
        ),
        both(
            "Q2",
            "each item that was put is got once, or is still there",
            all(
                [
                    in_each_order::<2>(&[1, 2], vec![vec![Get], vec![Get]]),
                    in_each_order::<1>(&[1], vec![vec![TryGet], vec![TryGet]]),
                    in_each_order::<2>(&[1, 2], vec![vec![Drain], vec![Get]]),
                    in_each_order::<1>(&[], vec![vec![Put(1), Put(2)], vec![Get, TryGet]]),
                    in_each_order::<1>(&[], vec![vec![Put(1)], vec![Get], vec![TryGet]]).map(few),
                ],
                vec![
                    few(fifo::<1>(&[], vec![vec![Put(1)], vec![Put(2)], vec![Get], vec![Get]])),
                    // There may be more room than the batch has seen.
                    fifo::<1>(&[1], vec![vec![TryPutTwo(2, 3)], vec![Get]]),
                ],
            ),
        ),
        both(
            "Q3",
            "items come out in their order, and equal ones of a priority queue as they came",
            all(
                [
                    in_each_order::<3>(&[12], vec![vec![Put(11), Put(2)], vec![Get, Get]]),
                    in_each_order::<8>(&[31, 12, 41, 11, 21, 32], vec![vec![Get, Get, Get], vec![Put(13)]]),
                    in_each_order::<8>(&[21, 22, 11, 23, 24, 12, 25], vec![vec![Get, Drain], vec![Get]]),
                    in_each_order::<3>(&[], vec![vec![Put(11)], vec![Put(12)], vec![Get, TryGet]]).map(few),
                ],
                vec![],
            ),
        ),
        both(
            "Q4",
            "join returns at a moment when all that was put is done, and then it does return",
            all(
                [in_each_order::<1>(&[1], vec![vec![TaskDone], vec![Join]])],
                vec![
                    fifo::<1>(&[1], vec![vec![ShutdownNow], vec![Join]]),
                    fifo::<1>(&[1], vec![vec![TaskDone], vec![JoinTimeout]])
                        .timed(&[2])
                        .within(4, 6),
                    fifo::<2>(&[1, 2], vec![vec![TaskDone], vec![TaskDone, TryJoin]]),
                    fifo::<1>(&[1], vec![vec![TaskDone], vec![TaskDone]]),
                    fifo::<1>(&[], vec![vec![Put(1), Get, TaskDone], vec![TaskDone]]).within(3, 4),
                    fifo::<2>(&[1], vec![vec![TaskDone, Put(2), TaskDone], vec![TaskDone]]).within(3, 4),
                    fifo::<2>(&[1, 2], vec![vec![TaskDone], vec![ShutdownNow]]),
                    fifo::<1>(&[], vec![vec![Put(1), Get], vec![TaskDone, TryJoin]]).within(3, 4),
                    fifo::<1>(&[], vec![vec![Put(1), Join], vec![Get, TaskDone]]).within(3, 4),
                    fifo::<2>(&[1], vec![vec![Put(2)], vec![TaskDone], vec![Join]]).within(2, 3),
                    fifo::<1>(&[1], vec![vec![Join], vec![Join], vec![TaskDone]]).within(2, 3),
                    fifo::<1>(&[1], vec![vec![Join], vec![JoinTimeout], vec![TaskDone]]).within(2, 3),
                    fifo::<2>(&[1, 2], vec![vec![Join], vec![TaskDone], vec![TaskDone]]).within(2, 3),
                    fifo::<1>(&[1], vec![vec![TaskDone], vec![Join]]).early().within(4, 6),
                    specified("two asleep", [[Done, Done, Count(0)]], |s| two_join(s, Lock)).within(2, 3),
                    specified("the last task of a round", [[Done, Done]], |s| rounds(s, Lock)).within(2, 3),
                ],
            ),
        ),
        both(
            "Q5",
            "nobody sleeps while there is an item to get, or room to put",
            all(
                [
                    in_each_order::<1>(&[], vec![vec![Put(1)], vec![Get]]),
                    in_each_order::<1>(&[1], vec![vec![Put(2)], vec![Get]]),
                    in_each_order::<1>(&[], vec![vec![Put(1), Put(2)], vec![Get, Get]]).map(|m| m.within(3, 4)),
                    in_each_order::<1>(&[1], vec![vec![Put(2)], vec![Drain]]),
                    in_each_order::<1>(&[], vec![vec![Put(1), Put(2)], vec![Get], vec![Get]]).map(few),
                    in_each_order::<2>(&[1, 2], vec![vec![Put(3)], vec![Put(4)], vec![Drain]]).map(few),
                    in_each_order::<2>(&[], vec![vec![TryPutTwo(1, 2)], vec![Get], vec![Get]]).map(few),
                ],
                vec![
                    specified("two getters asleep, main puts two", [[Done, Done]], |s| {
                        asleep(s, Lock, Getters, one_by_one)
                    }),
                    specified("two getters asleep, main puts a batch", [[Done, Done]], |s| {
                        asleep(s, Lock, Getters, batch)
                    }),
                    specified("two putters asleep, main gets two", [[Done, Done]], |s| {
                        asleep(s, Lock, Putters, one_by_one)
                    }),
                    specified("two putters asleep, main drains", [[Done, Done]], |s| {
                        asleep(s, Lock, Putters, batch)
                    }),
                    // One leaves late, when another has come to sleep.
                    fifo::<2>(&[], vec![vec![GetTimeout], vec![Get], vec![Put(1), TryGet, Put(2)]]).within(3, 4),
                    fifo::<1>(&[], vec![vec![Put(1)], vec![GetTimeout], vec![Get]])
                        .timed(&[2])
                        .within(3, 4),
                    fifo::<1>(&[1], vec![vec![Get], vec![PutTimeout(2)], vec![Put(3)]])
                        .timed(&[2])
                        .within(3, 4),
                    few(fifo::<1>(&[1], vec![vec![Put(2)], vec![Put(3)], vec![Get, Get]])),
                    fifo::<1>(&[], vec![vec![Put(1)], vec![Get]]).early(),
                    fifo::<1>(&[1], vec![vec![Put(2)], vec![Get]]).early(),
                    specified("a batch longer than the queue", [[Done, Done]], |s| long_batch(s, Lock)),
                    // With the steps of the lock.
                    program(&holding::<Fifo, 1>(&[]), vec![vec![Put(1)], vec![Get]]),
                    program(&holding::<Fifo, 1>(&[]), vec![vec![Put(1)], vec![Get], vec![Get]]).within(2, 3),
                    program(&holding::<Fifo, 1>(&[1]), vec![vec![Put(2)], vec![Put(3)], vec![Get]]).within(2, 3),
                ],
            ),
        ),
        both(
            "Q6",
            "what happened before a put is seen after its get, and what happened before an item was done after the join",
            [
                specified("put and get", [[Done, Count(1)]], |s| seen_by(s, Lock, get)),
                specified("put and try_get", [[Done, Busy], [Done, Count(1)]], |s| {
                    seen_by(s, Lock, try_get)
                }),
                specified("put and timed get", [[Done, TimedOut], [Done, Count(1)]], |s| {
                    seen_by(s, Lock, get_soon)
                }),
                specified("put and drain", [[Done, Busy], [Done, Count(1)]], |s| {
                    seen_by(s, Lock, drain)
                }),
                specified("room that was made", [[Done, Count(1)]], |s| room_seen(s, Lock)),
                specified("done and joined", [[Done, Count(1)]], |s| joined(s, Lock, join)),
                specified("done and joined in time", [[Done, TimedOut], [Done, Count(1)]], |s| {
                    joined(s, Lock, join_soon)
                }),
                specified("done and seen to be", [[Done, Busy], [Done, Count(1)]], |s| {
                    joined(s, Lock, try_join)
                }),
                specified(
                    "a task drops its item before it is done",
                    [[Done, Count(1)]],
                    task_joined,
                ),
                specified("two are done", [[Done, Done, Count(2)]], |s| two_done(s, Lock)).within(2, 3),
                // With the steps of the lock.
                stepwise("put and get, lock and all", [[Done, Count(1)]], |s| {
                    seen_by(s, Lock, get)
                }),
            ],
        ),
        both(
            "Q7",
            "nothing is put after a shutdown has returned",
            all(
                [
                    in_each_order::<2>(&[], vec![vec![Shutdown, Len], vec![Put(1)]]),
                    in_each_order::<1>(&[1], vec![vec![Shutdown, TryPut(2)], vec![Put(3)]]),
                    in_each_order::<1>(&[1], vec![vec![ShutdownNow, TryPut(2)], vec![Put(3)]]),
                    in_each_order::<1>(&[1], vec![vec![Shutdown, Get, Len], vec![PutTimeout(2)]]),
                    in_each_order::<1>(&[1], vec![vec![Shutdown], vec![Put(2)], vec![Get]]).map(few),
                    in_each_order::<2>(&[1], vec![vec![ShutdownNow], vec![TryPutTwo(2, 3)], vec![Len]]).map(few),
                ],
                vec![],
            ),
        ),
        both(
            "Q8",
            "a shutdown ends all waits to put or get",
            all(
                [
                    in_each_order::<1>(&[], vec![vec![Shutdown], vec![Get]]),
                    in_each_order::<1>(&[], vec![vec![ShutdownNow], vec![Get]]),
                    in_each_order::<1>(&[1], vec![vec![Shutdown], vec![Put(2)]]),
                    in_each_order::<1>(&[1], vec![vec![ShutdownNow], vec![Put(2)]]),
                    in_each_order::<1>(&[], vec![vec![Shutdown], vec![Get], vec![Get]]).map(few),
                    in_each_order::<1>(&[1], vec![vec![ShutdownNow], vec![Put(2)], vec![Put(3)]]).map(few),
                ],
                vec![
                    fifo::<1>(&[], vec![vec![Shutdown], vec![GetTimeout]]).timed(&[2]),
                    fifo::<1>(&[1], vec![vec![Shutdown], vec![PutTimeout(2)]]).timed(&[2]),
                    fifo::<1>(&[], vec![vec![Shutdown], vec![Get]]).early(),
                    specified("two getters asleep", [[ShutDown, ShutDown]], |s| {
                        asleep(s, Lock, Getters, ended)
                    }),
                    specified("two putters asleep", [[ShutDown, ShutDown]], |s| {
                        asleep(s, Lock, Putters, ended)
                    }),
                    specified("two getters asleep, at once", [[ShutDown, ShutDown]], |s| {
                        asleep(s, Lock, Getters, emptied)
                    }),
                    specified("two putters asleep, at once", [[ShutDown, ShutDown]], |s| {
                        asleep(s, Lock, Putters, emptied)
                    }),
                ],
            ),
        ),
        both(
            "Q9",
            "after a shutdown the items that are there can be got, and then no more",
            all(
                [
                    in_each_order::<2>(&[1, 2], vec![vec![Shutdown], vec![Get, Get, Get]]),
                    in_each_order::<2>(&[], vec![vec![Put(1), Shutdown], vec![Get, Get]]),
                    in_each_order::<2>(&[1], vec![vec![Shutdown, Shutdown], vec![TryGet, TryGet]]),
                    in_each_order::<2>(&[1], vec![vec![Shutdown], vec![Get], vec![Get]]).map(few),
                ],
                vec![],
            ),
        ),
        both(
            "Q10",
            "after an immediate shutdown nothing can be got, and what was there counts as done",
            all(
                [
                    in_each_order::<2>(&[1, 2], vec![vec![ShutdownNow, TryGet, Unfinished], vec![Get]]),
                    in_each_order::<2>(&[1], vec![vec![Shutdown, ShutdownNow], vec![Get, Get]]),
                    in_each_order::<1>(&[], vec![vec![Put(1), TaskDone], vec![ShutdownNow, Unfinished]]),
                    in_each_order::<1>(&[], vec![vec![ShutdownNow], vec![ShutdownNow], vec![Put(1)]]).map(few),
                ],
                vec![
                    fifo::<2>(&[1], vec![vec![ShutdownNow], vec![Put(2)], vec![Join]]).within(2, 3),
                    fifo::<1>(&[1], vec![vec![ShutdownNow], vec![Get, TaskDone], vec![Join]]).within(2, 3),
                    stepwise(
                        "items that use a queue when they are dropped",
                        [[Done, Done]],
                        dropped_outside,
                    )
                    .within(2, 3),
                ],
            ),
        ),
        both(
            "Q11",
            "a call that times out has changed nothing, and gives back what was to be put",
            all(
                [
                    in_each_order::<1>(&[1], vec![vec![Get, Len], vec![PutTimeout(2)]]),
                    in_each_order::<1>(&[], vec![vec![Put(1)], vec![GetTimeout, Len]]),
                ],
                vec![
                    fifo::<1>(&[1], vec![vec![Get], vec![PutTimeout(2)]]).timed(&[2]),
                    fifo::<1>(&[], vec![vec![Put(1)], vec![GetTimeout]]).timed(&[2]),
                    fifo::<1>(&[1], vec![vec![Get], vec![PutTimeout(2)], vec![PutTimeout(3)]]).within(2, 3),
                    fifo::<1>(&[], vec![vec![Put(1)], vec![GetTimeout], vec![Get]]).within(2, 3),
                    specified("put, by a deadline", [[Count(1), Done], [Count(1), TimedOut]], |s| {
                        by_deadline(s, Lock, Putters)
                    })
                    .timed(&[2]),
                    specified("get, by a deadline", [[Done, Count(1)], [Done, TimedOut]], |s| {
                        by_deadline(s, Lock, Getters)
                    })
                    .timed(&[2]),
                    specified("no time at all", [[Done, Count(1)], [Done, TimedOut]], |s| {
                        at_once(s, Lock)
                    }),
                    specified(
                        "the rest of a batch",
                        [[Count(1), Count(1)], [Count(1), Count(2)]],
                        |s| rest_of_a_batch(s, Lock),
                    )
                    .timed(&[2]),
                ],
            ),
        ),
        Law::new(
            "Q12",
            "a panic of the user's code leaves the queue as it was, and wakes the next in its stead",
            [
                stepwise("a comparison in put", [[Broken, Done, Count(3)]], compared_in_put).within(4, 6),
                stepwise(
                    "a comparison in get",
                    [[Broken, Done, Count(4)], [Done, Broken, Count(4)]],
                    compared_in_get,
                )
                .within(4, 6),
                stepwise(
                    "a putter that was called panics",
                    [[Blocked, Done], [Broken, Done]],
                    called_putter_panics,
                )
                .within(2, 3),
                stepwise("a getter that was called panics", ONE_OF_FOUR, called_getter_panics).within(1, 2),
                stepwise("a batch panics in the middle", [[Broken, Done, Count(1)]], batch_panics).within(4, 6),
                specified("with a task in hand", [[Done, Done]], |s| task_panics(s, Lock)),
                specified("dropping an item", [[Done, Done]], drop_panics),
                specified("a task is leaked", [[Done, Blocked]], |s| task_leaks(s, Lock)),
            ],
        ),
        spec_law(),
        three_calls(),
    ]
}

/// A law of each core: the queue under its lock, in each order, and the ring. Their models take turns, so that a bug of either
/// is found soon.
fn both(id: &'static str, claim: &str, models: impl IntoIterator<Item = Model>) -> Law {
    let mut models = Vec::from_iter(models);
    for (place, model) in ring::models(id).into_iter().enumerate() {
        models.insert((2 * place).min(models.len()), model);
    }
    Law::new(id, claim, models)
}

const ONE_OF_FOUR: [[Answer; 4]; 4] = [
    [Broken, Done, Done, Done],
    [Done, Broken, Done, Done],
    [Done, Done, Broken, Done],
    [Done, Done, Done, Broken],
];

/// Calls of which all programs of two threads run.
const CORE: [Call; 7] = [Put(11), Get, GetTimeout, TaskDone, Join, Shutdown, ShutdownNow];

/// All that change or see something.
const ALL: [Call; 17] = [
    Put(12),
    TryPut(11),
    PutTimeout(13),
    TryPutTwo(11, 12),
    Get,
    TryGet,
    GetTimeout,
    Drain,
    TaskDone,
    Join,
    TryJoin,
    JoinTimeout,
    Shutdown,
    ShutdownNow,
    Len,
    Unfinished,
    IsShutdown,
];

/// All that items go through, and so can come out in an order.
const ITEMS: [Call; 7] = [Put(12), TryPut(11), TryPutTwo(11, 12), Get, TryGet, Drain, ShutdownNow];

fn spec_law() -> Law {
    let pairs = [
        pairs(&holding::<Fifo, 1>(&[]), &ALL),
        pairs(&holding::<Fifo, 1>(&[11]), &ALL),
        pairs(&holding::<Lifo, 2>(&[11]), &ITEMS),
        pairs(&holding::<Priority, 2>(&[11]), &ITEMS),
    ];
    let triples = choose(&CORE, 3)
        .into_iter()
        .map(each_alone)
        .map(|threads| fifo::<1>(&[11], threads));
    refinement(
        "Q-spec",
        pairs.into_iter().flatten().collect(),
        triples.collect(),
        ring::pairs(&ALL),
    )
}

fn pairs<O: Known>(start: &Start<AnyQueue<Item, O>>, calls: &[Call]) -> Vec<Model> {
    let model = |calls: Vec<Call>| {
        // They meet at one word, without the lock.
        let of_join = calls
            .iter()
            .all(|call| matches!(call, TaskDone | Join | JoinTimeout | ShutdownNow));
        let model = program(start, each_alone(calls)).locks_specified();
        if of_join { model.within(4, 6) } else { model }
    };
    choose(calls, 2).into_iter().map(model).collect()
}

/// A thread for each call.
fn each_alone(calls: Vec<Call>) -> Vec<Vec<Call>> {
    calls.into_iter().map(|call| vec![call]).collect()
}

/// One thread makes one of the core calls, and another two; not both a timed one, for that would take longer than all others
/// together.
fn three_calls() -> Law {
    let of_two = |one| {
        CORE.into_iter()
            .flat_map(move |two| CORE.map(|three| [one, two, three]))
    };
    let all = CORE.into_iter().flat_map(of_two);
    let chosen = all.filter(|&[one, two, three]| one != GetTimeout || ![two, three].contains(&GetTimeout));
    let programs: Vec<_> = chosen
        .map(|[one, two, three]| fifo::<1>(&[], vec![vec![one], vec![two, three]]))
        .collect();
    let (ran, exist) = (programs.len(), CORE.len().pow(3));
    let claim = format!("{ran} of {exist} programs of two threads and three calls end as the specification says");
    Law::new("Q-three", claim, programs)
}

/// The same program in a queue of each order that can hold so many, and holds these before.
fn in_each_order<const CAPACITY: usize>(before: &[u32], threads: Vec<Vec<Call>>) -> [Model; 3] {
    fn model<O: Known, const CAPACITY: usize>(before: &[u32], threads: Vec<Vec<Call>>) -> Model {
        program(&holding::<O, CAPACITY>(before), threads)
            .of(O::ORDER)
            .locks_specified()
    }
    [
        model::<Fifo, CAPACITY>(before, threads.clone()),
        model::<Lifo, CAPACITY>(before, threads.clone()),
        model::<Priority, CAPACITY>(before, threads),
    ]
}

/// Those of each order, and others.
fn all<const N: usize>(each: [[Model; 3]; N], others: Vec<Model>) -> Vec<Model> {
    others.into_iter().chain(each.into_iter().flatten()).collect()
}

fn fifo<const CAPACITY: usize>(before: &[u32], threads: Vec<Vec<Call>>) -> Model {
    program(&holding::<Fifo, CAPACITY>(before), threads).locks_specified()
}

fn few(model: Model) -> Model {
    model.within(2, 3)
}
