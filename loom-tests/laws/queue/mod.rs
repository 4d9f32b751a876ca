//! Queue, LifoQueue and PriorityQueue: Q1 to Q12.
//!
//! Nearly all models use the abstract lock for the queue's one lock. With the full lock, two threads that wait for each
//! other have about a hundred times as many interleavings; a few models use it. The ring, the other core of a bounded
//! `Queue`, has its own models (`ring.rs`).

mod ring;
mod scenarios;
mod subject;

use crate::law::{Law, Model};
use crate::refines::{Start, choose, program, refinement};
use scenarios::*;
use selvedge_loom::queue::{AnyQueue, Fifo, Lifo, Priority};
use spec::Answer::{self, Blocked, Broken, Busy, Count, Done, ShutDown, TimedOut};
use spec::queue::Call::{self, *};
use subject::{Item, Known, holding};

pub fn laws() -> Vec<Law> {
    vec![
        both(
            "Q1",
            "the queue never holds more items than its capacity",
            all(
                [
                    in_each_order::<1>(&[], vec![vec![Put(1)], vec![Put(2)]]),
                    in_each_order::<1>(&[], vec![vec![TryPut(1), Len], vec![TryPut(2), Len]]),
                    in_each_order::<2>(&[11], vec![vec![TryPutTwo(12, 13)], vec![Put(14)]]),
                    in_each_order::<1>(&[], vec![vec![Put(1)], vec![Put(2)], vec![Drain]]).map(within_two),
                    in_each_order::<1>(&[1], vec![vec![Put(2)], vec![Put(3)], vec![Get]]).map(within_two),
                    in_each_order::<1>(&[1], vec![vec![Put(2)], vec![Get], vec![TryPut(3)]]).map(within_two),
                ],
                vec![],
            ),
        ),
        both(
            "Q2",
            "each item that was put is got exactly once or remains in the queue",
            all(
                [
                    in_each_order::<2>(&[1, 2], vec![vec![Get], vec![Get]]),
                    in_each_order::<1>(&[1], vec![vec![TryGet], vec![TryGet]]),
                    in_each_order::<2>(&[1, 2], vec![vec![Drain], vec![Get]]),
                    in_each_order::<1>(&[], vec![vec![Put(1), Put(2)], vec![Get, TryGet]]),
                    in_each_order::<1>(&[], vec![vec![Put(1)], vec![Get], vec![TryGet]]).map(within_two),
                ],
                vec![
                    within_two(fifo::<1>(&[], vec![vec![Put(1)], vec![Put(2)], vec![Get], vec![Get]])),
                    // The get may free a slot after the batch has computed the number of free slots.
                    fifo::<1>(&[1], vec![vec![TryPutTwo(2, 3)], vec![Get]]),
                ],
            ),
        ),
        both(
            "Q3",
            "items are got in the order of the queue, and equal items of a priority queue in FIFO order",
            all(
                [
                    in_each_order::<3>(&[12], vec![vec![Put(11), Put(2)], vec![Get, Get]]),
                    in_each_order::<8>(&[31, 12, 41, 11, 21, 32], vec![vec![Get, Get, Get], vec![Put(13)]]),
                    in_each_order::<8>(&[21, 22, 11, 23, 24, 12, 25], vec![vec![Get, Drain], vec![Get]]),
                    in_each_order::<3>(&[], vec![vec![Put(11)], vec![Put(12)], vec![Get, TryGet]]).map(within_two),
                ],
                vec![],
            ),
        ),
        both(
            "Q4",
            "join returns exactly when every item put has been finished, without a lost wake-up",
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
                    fifo::<1>(&[1], vec![vec![TaskDone], vec![Join]])
                        .spurious()
                        .within(4, 6),
                    abstract_lock("two blocked", [[Done, Done, Count(0)]], |s| two_join(s, Lock)).within(2, 3),
                    abstract_lock("two joins in a row", [[Done, Done]], |s| joined_twice(s, Lock)).within(2, 3),
                ],
            ),
        ),
        both(
            "Q5",
            "no lost wake-up: no getter stays blocked while an item is available, no putter while a slot is free",
            all(
                [
                    in_each_order::<1>(&[], vec![vec![Put(1)], vec![Get]]),
                    in_each_order::<1>(&[1], vec![vec![Put(2)], vec![Get]]),
                    in_each_order::<1>(&[], vec![vec![Put(1), Put(2)], vec![Get, Get]]).map(|m| m.within(3, 4)),
                    in_each_order::<1>(&[1], vec![vec![Put(2)], vec![Drain]]),
                    in_each_order::<1>(&[], vec![vec![Put(1), Put(2)], vec![Get], vec![Get]]).map(within_two),
                    in_each_order::<2>(&[1, 2], vec![vec![Put(3)], vec![Put(4)], vec![Drain]]).map(within_two),
                    in_each_order::<2>(&[], vec![vec![TryPutTwo(1, 2)], vec![Get], vec![Get]]).map(within_two),
                ],
                vec![
                    abstract_lock("two getters blocked, main puts two items", [[Done, Done]], |s| {
                        two_blocked(s, Lock, Getters, one_by_one)
                    }),
                    abstract_lock("two getters blocked, main puts a batch", [[Done, Done]], |s| {
                        two_blocked(s, Lock, Getters, batch)
                    }),
                    abstract_lock("two putters blocked, main gets two items", [[Done, Done]], |s| {
                        two_blocked(s, Lock, Putters, one_by_one)
                    }),
                    abstract_lock("two putters blocked, main drains", [[Done, Done]], |s| {
                        two_blocked(s, Lock, Putters, batch)
                    }),
                    // The timed getter may time out after the other getter has blocked.
                    fifo::<2>(&[], vec![vec![GetTimeout], vec![Get], vec![Put(1), TryGet, Put(2)]]).within(3, 4),
                    fifo::<1>(&[], vec![vec![Put(1)], vec![GetTimeout], vec![Get]])
                        .timed(&[2])
                        .within(3, 4),
                    fifo::<1>(&[1], vec![vec![Get], vec![PutTimeout(2)], vec![Put(3)]])
                        .timed(&[2])
                        .within(3, 4),
                    within_two(fifo::<1>(&[1], vec![vec![Put(2)], vec![Put(3)], vec![Get, Get]])),
                    fifo::<1>(&[], vec![vec![Put(1)], vec![Get]]).spurious(),
                    fifo::<1>(&[1], vec![vec![Put(2)], vec![Get]]).spurious(),
                    abstract_lock("a batch larger than the capacity", [[Done, Done]], |s| {
                        long_batch(s, Lock)
                    }),
                    // With the full lock.
                    program(&holding::<Fifo, 1>(&[]), vec![vec![Put(1)], vec![Get]]),
                    program(&holding::<Fifo, 1>(&[]), vec![vec![Put(1)], vec![Get], vec![Get]]).within(2, 3),
                    program(&holding::<Fifo, 1>(&[1]), vec![vec![Put(2)], vec![Put(3)], vec![Get]]).within(2, 3),
                ],
            ),
        ),
        both(
            "Q6",
            "a put happens-before the get of its item, and task_done happens-before the join that observes it",
            [
                abstract_lock("put and get", [[Done, Count(1)]], |s| put_visible_to(s, Lock, get)),
                abstract_lock("put and try_get", [[Done, Busy], [Done, Count(1)]], |s| {
                    put_visible_to(s, Lock, try_get)
                }),
                abstract_lock("put and timed get", [[Done, TimedOut], [Done, Count(1)]], |s| {
                    put_visible_to(s, Lock, get_timeout)
                }),
                abstract_lock("put and drain", [[Done, Busy], [Done, Count(1)]], |s| {
                    put_visible_to(s, Lock, drain)
                }),
                abstract_lock("get and put into the free slot", [[Done, Count(1)]], |s| {
                    get_visible_to_put(s, Lock)
                }),
                abstract_lock("task_done and join", [[Done, Count(1)]], |s| joined(s, Lock, join)),
                abstract_lock(
                    "task_done and join_timeout",
                    [[Done, TimedOut], [Done, Count(1)]],
                    |s| joined(s, Lock, join_timeout),
                ),
                abstract_lock("task_done and try_join", [[Done, Busy], [Done, Count(1)]], |s| {
                    joined(s, Lock, try_join)
                }),
                abstract_lock(
                    "a task drops its item before it is done",
                    [[Done, Count(1)]],
                    task_joined,
                ),
                abstract_lock("two calls of task_done and join", [[Done, Done, Count(2)]], |s| {
                    two_done(s, Lock)
                })
                .within(2, 3),
                // With the full lock.
                full_lock("put and get, full lock", [[Done, Count(1)]], |s| {
                    put_visible_to(s, Lock, get)
                }),
            ],
        ),
        both(
            "Q7",
            "no item is put after a shutdown has returned",
            all(
                [
                    in_each_order::<2>(&[], vec![vec![Shutdown, Len], vec![Put(1)]]),
                    in_each_order::<1>(&[1], vec![vec![Shutdown, TryPut(2)], vec![Put(3)]]),
                    in_each_order::<1>(&[1], vec![vec![ShutdownNow, TryPut(2)], vec![Put(3)]]),
                    in_each_order::<1>(&[1], vec![vec![Shutdown, Get, Len], vec![PutTimeout(2)]]),
                    in_each_order::<1>(&[1], vec![vec![Shutdown], vec![Put(2)], vec![Get]]).map(within_two),
                    in_each_order::<2>(&[1], vec![vec![ShutdownNow], vec![TryPutTwo(2, 3)], vec![Len]]).map(within_two),
                ],
                vec![],
            ),
        ),
        both(
            "Q8",
            "a shutdown ends every blocked put and get",
            all(
                [
                    in_each_order::<1>(&[], vec![vec![Shutdown], vec![Get]]),
                    in_each_order::<1>(&[], vec![vec![ShutdownNow], vec![Get]]),
                    in_each_order::<1>(&[1], vec![vec![Shutdown], vec![Put(2)]]),
                    in_each_order::<1>(&[1], vec![vec![ShutdownNow], vec![Put(2)]]),
                    in_each_order::<1>(&[], vec![vec![Shutdown], vec![Get], vec![Get]]).map(within_two),
                    in_each_order::<1>(&[1], vec![vec![ShutdownNow], vec![Put(2)], vec![Put(3)]]).map(within_two),
                ],
                vec![
                    fifo::<1>(&[], vec![vec![Shutdown], vec![GetTimeout]]).timed(&[2]),
                    fifo::<1>(&[1], vec![vec![Shutdown], vec![PutTimeout(2)]]).timed(&[2]),
                    fifo::<1>(&[], vec![vec![Shutdown], vec![Get]]).spurious(),
                    abstract_lock("two getters blocked", [[ShutDown, ShutDown]], |s| {
                        two_blocked(s, Lock, Getters, shut_down)
                    }),
                    abstract_lock("two putters blocked", [[ShutDown, ShutDown]], |s| {
                        two_blocked(s, Lock, Putters, shut_down)
                    }),
                    abstract_lock("two getters blocked, shutdown_now", [[ShutDown, ShutDown]], |s| {
                        two_blocked(s, Lock, Getters, shut_down_now)
                    }),
                    abstract_lock("two putters blocked, shutdown_now", [[ShutDown, ShutDown]], |s| {
                        two_blocked(s, Lock, Putters, shut_down_now)
                    }),
                ],
            ),
        ),
        both(
            "Q9",
            "after a shutdown exactly the remaining items can be got",
            all(
                [
                    in_each_order::<2>(&[1, 2], vec![vec![Shutdown], vec![Get, Get, Get]]),
                    in_each_order::<2>(&[], vec![vec![Put(1), Shutdown], vec![Get, Get]]),
                    in_each_order::<2>(&[1], vec![vec![Shutdown, Shutdown], vec![TryGet, TryGet]]),
                    in_each_order::<2>(&[1], vec![vec![Shutdown], vec![Get], vec![Get]]).map(within_two),
                ],
                vec![],
            ),
        ),
        both(
            "Q10",
            "after an immediate shutdown no item can be got, and each remaining item is accounted as finished",
            all(
                [
                    in_each_order::<2>(&[1, 2], vec![vec![ShutdownNow, TryGet, Unfinished], vec![Get]]),
                    in_each_order::<2>(&[1], vec![vec![Shutdown, ShutdownNow], vec![Get, Get]]),
                    in_each_order::<1>(&[], vec![vec![Put(1), TaskDone], vec![ShutdownNow, Unfinished]]),
                    in_each_order::<1>(&[], vec![vec![ShutdownNow], vec![ShutdownNow], vec![Put(1)]]).map(within_two),
                ],
                vec![
                    fifo::<2>(&[1], vec![vec![ShutdownNow], vec![Put(2)], vec![Join]]).within(2, 3),
                    fifo::<1>(&[1], vec![vec![ShutdownNow], vec![Get, TaskDone], vec![Join]]).within(2, 3),
                    full_lock(
                        "items that use a queue when they are dropped",
                        [[Done, Done]],
                        dropped_outside_lock,
                    )
                    .within(2, 3),
                ],
            ),
        ),
        both(
            "Q11",
            "a timed-out call has no effect, and a timed-out put returns the item",
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
                    abstract_lock("put_deadline", [[Count(1), Done], [Count(1), TimedOut]], |s| {
                        with_deadline(s, Lock, Putters)
                    })
                    .timed(&[2]),
                    abstract_lock("get_deadline", [[Done, Count(1)], [Done, TimedOut]], |s| {
                        with_deadline(s, Lock, Getters)
                    })
                    .timed(&[2]),
                    abstract_lock("zero timeout", [[Done, Count(1)], [Done, TimedOut]], |s| {
                        zero_timeout(s, Lock)
                    }),
                    abstract_lock(
                        "the remainder of a batch",
                        [[Count(1), Count(1)], [Count(1), Count(2)]],
                        |s| remainder_of_batch(s, Lock),
                    )
                    .timed(&[2]),
                ],
            ),
        ),
        Law::new(
            "Q12",
            "a panic in user code leaves the queue unchanged and passes the wake-up to the next waiter",
            [
                full_lock("a comparison in put", [[Broken, Done, Count(3)]], compared_in_put).within(4, 6),
                full_lock(
                    "a comparison in get",
                    [[Broken, Done, Count(4)], [Done, Broken, Count(4)]],
                    compared_in_get,
                )
                .within(4, 6),
                full_lock(
                    "a putter panics after its wake-up",
                    [[Blocked, Done], [Broken, Done]],
                    woken_putter_panics,
                )
                .within(2, 3),
                full_lock("a getter panics after its wake-up", ONE_OF_FOUR, woken_getter_panics).within(1, 2),
                full_lock("a batch panics in the middle", [[Broken, Done, Count(1)]], batch_panics).within(4, 6),
                abstract_lock("a holder of a task panics", [[Done, Done]], |s| task_panics(s, Lock)),
                abstract_lock("the drop of an item panics", [[Done, Done]], drop_panics),
                abstract_lock("a task is leaked", [[Done, Blocked]], |s| task_leaks(s, Lock)),
            ],
        ),
        spec_law(),
        three_calls(),
    ]
}

/// A law of both cores: the locked queue in each order, and the ring. Their models alternate, so that a bug of either core
/// is found early.
fn both(id: &'static str, claim: &str, models: impl IntoIterator<Item = Model>) -> Law {
    let mut models = Vec::from_iter(models);
    for (index, model) in ring::models(id).into_iter().enumerate() {
        models.insert((2 * index).min(models.len()), model);
    }
    Law::new(id, claim, models)
}

const ONE_OF_FOUR: [[Answer; 4]; 4] = [
    [Broken, Done, Done, Done],
    [Done, Broken, Done, Done],
    [Done, Done, Broken, Done],
    [Done, Done, Done, Broken],
];

/// The calls of the programs with three calls.
const CORE: [Call; 7] = [Put(11), Get, GetTimeout, TaskDone, Join, Shutdown, ShutdownNow];

/// All calls that change or observe the queue.
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

/// The calls that add or remove items; for the orders other than FIFO.
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
        // These calls share one atomic word outside the lock, so the lock does not reduce their interleavings.
        let is_bounded = calls
            .iter()
            .all(|call| matches!(call, TaskDone | Join | JoinTimeout | ShutdownNow));
        let model = program(start, each_alone(calls)).abstract_locks();
        if is_bounded { model.within(4, 6) } else { model }
    };
    choose(calls, 2).into_iter().map(model).collect()
}

/// One thread for each call.
fn each_alone(calls: Vec<Call>) -> Vec<Vec<Call>> {
    calls.into_iter().map(|call| vec![call]).collect()
}

/// Programs of two threads: one makes one of the `CORE` calls, the other makes two. Programs in which both threads make a
/// timed call are omitted: they would take longer than all others together.
fn three_calls() -> Law {
    let of_two = |one| {
        CORE.into_iter()
            .flat_map(move |two| CORE.map(|three| [one, two, three]))
    };
    let all = CORE.into_iter().flat_map(of_two);
    let selected = all.filter(|&[one, two, three]| one != GetTimeout || ![two, three].contains(&GetTimeout));
    let programs: Vec<_> = selected
        .map(|[one, two, three]| fifo::<1>(&[], vec![vec![one], vec![two, three]]))
        .collect();
    let (count, total) = (programs.len(), CORE.len().pow(3));
    let claim =
        format!("refines the sequential specification ({count} of {total} programs of two threads, three calls)");
    Law::new("Q-three", claim, programs)
}

/// One program for a queue of each order, with this capacity and these initial items.
fn in_each_order<const CAPACITY: usize>(before: &[u32], threads: Vec<Vec<Call>>) -> [Model; 3] {
    fn model<O: Known, const CAPACITY: usize>(before: &[u32], threads: Vec<Vec<Call>>) -> Model {
        program(&holding::<O, CAPACITY>(before), threads)
            .tagged(O::ORDER)
            .abstract_locks()
    }
    [
        model::<Fifo, CAPACITY>(before, threads.clone()),
        model::<Lifo, CAPACITY>(before, threads.clone()),
        model::<Priority, CAPACITY>(before, threads),
    ]
}

/// The models of each order, and others.
fn all<const N: usize>(each: [[Model; 3]; N], others: Vec<Model>) -> Vec<Model> {
    others.into_iter().chain(each.into_iter().flatten()).collect()
}

fn fifo<const CAPACITY: usize>(before: &[u32], threads: Vec<Vec<Call>>) -> Model {
    program(&holding::<Fifo, CAPACITY>(before), threads).abstract_locks()
}

fn within_two(model: Model) -> Model {
    model.within(2, 3)
}
