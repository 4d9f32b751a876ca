//! Tests of the linearizability checker: histories that it must reject, each with a similar one that it must accept.

use crate::linear::{columns, is_legal, read};
use crate::spec::parse;
use spec::Answer;
use spec::queue::Order::{self, Fifo, Lifo, Priority};
use spec::queue::{Call, Queue};

/// Why the first history is rejected, the order and the capacity of the queue, and the two histories.
type Pair = (&'static str, Order, Option<usize>, &'static str, &'static str);

/// The invocations and returns in their order. `| Get` is an invocation on thread 1, and `| | -> Done` is a return on
/// thread 2. A call without a return has not returned.
#[rustfmt::skip]
const PAIRS: &[Pair] = &[
    ("a get times out while there is an item", Fifo, None,
        "Put(11) -> Done; | GetTimeout; | -> TimedOut",
        "| GetTimeout; Put(11) -> Done; | -> TimedOut"),
    ("a put times out while there is a free slot", Fifo, Some(1),
        "Put(11) -> Done; | Get -> Count(11); PutTimeout(12); -> TimedOut",
        "Put(11) -> Done; PutTimeout(12); | Get -> Count(11); -> TimedOut"),
    ("a join times out while no item is unfinished", Fifo, None,
        "Put(11) -> Done; TaskDone -> Done; JoinTimeout -> TimedOut",
        "Put(11) -> Done; JoinTimeout -> TimedOut; TaskDone -> Done"),
    ("a get stays blocked while there is an item", Fifo, None,
        "| Get; Put(11) -> Done",
        "| Get; Put(11) -> Done; TryGet -> Count(11)"),
    ("a put stays blocked while there is a free slot", Fifo, Some(1),
        "Put(11) -> Done; | Put(12); Get -> Count(11)",
        "Put(11) -> Done; | Put(12); Get -> Count(11); Put(13) -> Done"),
    ("a join stays blocked while no item is unfinished", Fifo, None,
        "Put(11) -> Done; | Join; TaskDone -> Done",
        "Put(11) -> Done; | Join; TaskDone -> Done; Put(12) -> Done"),
    ("one of two gets stays blocked while there is a second item", Fifo, None,
        "| Get; | | Get; Put(11) -> Done; Put(12) -> Done; | -> Count(11)",
        "| Get; | | Get; Put(11) -> Done; Put(12) -> Done; | -> Count(11); | | -> Count(12)"),
    ("a put stays blocked after a shutdown", Fifo, Some(1),
        "Put(11) -> Done; | Put(12); Shutdown -> Done",
        "Put(11) -> Done; | Put(12); Shutdown -> Done; | -> ShutDown"),
    ("a get stays blocked after a shutdown", Lifo, Some(1),
        "| Get; ShutdownNow -> Items(0)",
        "| Get; ShutdownNow -> Items(0); | -> ShutDown"),
    ("a FIFO queue returns the last item first", Fifo, None,
        "Put(11) -> Done; Put(12) -> Done; Get -> Count(12)",
        "Put(11) -> Done; Put(12) -> Done; Get -> Count(11)"),
    ("the items of one thread are reordered beside a put of another thread", Fifo, None,
        "| Put(21); Put(11) -> Done; Put(12) -> Done; | -> Done; Get -> Count(12); Get -> Count(11)",
        "| Put(21); Put(11) -> Done; Put(12) -> Done; | -> Done; Get -> Count(21); Get -> Count(11)"),
    ("a LIFO queue returns the first of two successive items", Lifo, None,
        "Put(11) -> Done; | Put(12) -> Done; Get -> Count(11)",
        "Put(11); | Put(12) -> Done; -> Done; Get -> Count(11)"),
    ("of two items of equal priority, the later one is returned first", Priority, None,
        "Put(11) -> Done; Put(12) -> Done; Drain -> Items(1211)",
        "Put(11) -> Done; Put(12) -> Done; Drain -> Items(1112)"),
    ("the item with the greater number is returned first", Priority, None,
        "Put(21) -> Done; Put(11) -> Done; Get -> Count(21)",
        "Put(21) -> Done; Put(11) -> Done; Get -> Count(11)"),
    ("an item is returned twice", Fifo, None,
        "Put(11) -> Done; Get; | Get; -> Count(11); | -> Count(11)",
        "Put(11) -> Done; Get; | TryGet; -> Count(11); | -> Busy"),
    ("an item is lost", Fifo, None,
        "Put(11) -> Done; | Put(12) -> Done; Get -> Count(11); TryGet -> Busy",
        "Put(11) -> Done; | Put(12) -> Done; Get -> Count(11); TryGet -> Count(12)"),
    ("an item is returned before it is put", Fifo, None,
        "| Get -> Count(11); Put(11) -> Done",
        "Put(11); | Get -> Count(11); -> Done"),
    ("an item is returned after an immediate shutdown", Fifo, None,
        "Put(11) -> Done; ShutdownNow -> Items(11); | Get -> Count(11)",
        "Put(11) -> Done; Shutdown -> Done; | Get -> Count(11)"),
    ("an item is put after a shutdown has returned", Fifo, None,
        "Shutdown -> Done; | Put(11) -> Done",
        "Shutdown; | Put(11) -> Done; -> Done"),
    ("a shutdown hides the remaining items", Fifo, None,
        "Put(11) -> Done; Shutdown -> Done; Get -> ShutDown",
        "Put(11) -> Done; Shutdown -> Done; Get -> Count(11); Get -> ShutDown"),
    ("a put fails before the shutdown begins", Fifo, Some(1),
        "| Put(11) -> ShutDown; Shutdown -> Done",
        "Shutdown; | Put(11) -> ShutDown; -> Done"),
    ("a join returns while an item is unfinished", Fifo, None,
        "Put(11) -> Done; Get -> Count(11); Join -> Done",
        "Put(11) -> Done; Get -> Count(11); TaskDone -> Done; Join -> Done"),
    ("an immediate shutdown forgets an item that was returned and is unfinished", Fifo, None,
        "Put(11) -> Done; Get -> Count(11); Put(12) -> Done; ShutdownNow -> Items(12); TryJoin -> Is(true)",
        "Put(11) -> Done; Get -> Count(11); Put(12) -> Done; ShutdownNow -> Items(12); Unfinished -> Count(1)"),
    ("more items are finished than were put", Fifo, None,
        "Put(11) -> Done; TaskDone; | TaskDone; -> Done; | -> Done",
        "Put(11) -> Done; TaskDone; | TaskDone; -> TooManyDone; | -> Done"),
    ("there are more items than slots", Fifo, Some(1),
        "Put(11) -> Done; | Put(12) -> Done; Drain -> Items(1112)",
        "Put(11) -> Done; | Put(12); Drain -> Items(11); | -> Done"),
    ("a try_put fails while there is a free slot", Lifo, Some(2),
        "Put(11) -> Done; TryPut(12) -> Busy",
        "Put(11) -> Done; Put(12) -> Done; TryPut(13) -> Busy"),
    ("the length is that of another time", Fifo, None,
        "Put(11) -> Done; | Len -> Count(0)",
        "Put(11); | Len -> Count(0); -> Done"),
];

#[test]
fn bad_histories_are_rejected_and_their_twins_are_not() {
    for &(why, order, capacity, bad, good) in PAIRS {
        let queue = Queue::new(order, capacity);
        let [bad, good] = [bad, good].map(|text| read(text, call, answer));
        assert!(!is_legal(&queue, &bad), "accepted: {why}\n{}", columns(&bad));
        assert!(is_legal(&queue, &good), "rejected, beside: {why}\n{}", columns(&good));
        // A reported history can be copied into the table.
        assert_eq!(columns(&read(&columns(&good), call, answer)), columns(&good));
    }
}

fn call(text: &str) -> Call {
    use Call::*;
    let items = [11, 12, 13, 21].into_iter();
    let mut calls: Vec<_> = items
        .flat_map(|item| [Put(item), TryPut(item), PutTimeout(item)])
        .collect();
    calls.extend([Get, TryGet, GetTimeout, Drain, TaskDone, Join, TryJoin, JoinTimeout]);
    calls.extend([Shutdown, ShutdownNow, Len, Unfinished, IsShutdown]);
    parse(&calls, text)
}

fn answer(text: &str) -> Answer {
    use Answer::*;
    let mut answers = vec![Done, Busy, TimedOut, ShutDown, TooManyDone, Is(false), Is(true)];
    answers.extend((0..=21).map(Count));
    answers.extend([0, 11, 12, 1112, 1211].map(Items));
    parse(&answers, text)
}
