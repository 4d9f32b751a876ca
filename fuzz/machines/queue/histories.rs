//! Histories that the checker must reject, and beside each one that differs little and that it must accept.

use crate::linear::{columns, is_legal, parse};
use spec::Answer;
use spec::queue::{
    Call, Order,
    Order::{Fifo, Lifo, Priority},
    Queue,
};

struct Pair {
    why: &'static str,
    order: Order,
    capacity: Option<usize>,
    bad: &'static str,
    good: &'static str,
}

const fn pair(why: &'static str, order: Order, capacity: Option<usize>, bad: &'static str, good: &'static str) -> Pair {
    Pair {
        why,
        order,
        capacity,
        bad,
        good,
    }
}

/// A column is a thread, a line is an instant, and a call without an answer has never returned.
#[rustfmt::skip]
const PAIRS: &[Pair] = &[
    pair("a get timed out though an item was there all the time", Fifo, None,
        "Put(11) -> Done
                          | GetTimeout
                          | -> TimedOut",
        "                 | GetTimeout
         Put(11) -> Done  |
                          | -> TimedOut"),
    pair("a put timed out though there was room all the time", Fifo, Some(1),
        "Put(11) -> Done  |
                          | Get -> Count(11)
         PutTimeout(12)   |
         -> TimedOut      |",
        "Put(11) -> Done  |
         PutTimeout(12)   |
                          | Get -> Count(11)
         -> TimedOut      |"),
    pair("a join timed out though all was done all the time", Fifo, None,
        "Put(11) -> Done
         TaskDone -> Done
         JoinTimeout -> TimedOut",
        "Put(11) -> Done
         JoinTimeout -> TimedOut
         TaskDone -> Done"),
    pair("a get is left blocked beside an item", Fifo, None,
        "                 | Get
         Put(11) -> Done  |",
        "                 | Get
         Put(11) -> Done  |
         TryGet -> Count(11) |"),
    pair("a put is left blocked though there is room", Fifo, Some(1),
        "Put(11) -> Done  |
                          | Put(12)
         Get -> Count(11) |",
        "Put(11) -> Done  |
                          | Put(12)
         Get -> Count(11) |
         Put(13) -> Done  |"),
    pair("a join is left blocked though all is done", Fifo, None,
        "Put(11) -> Done  |
                          | Join
         TaskDone -> Done |",
        "Put(11) -> Done  |
                          | Join
         TaskDone -> Done |
         Put(12) -> Done  |"),
    pair("one of two getters is left blocked beside the second item", Fifo, None,
        "                 | Get | Get
         Put(11) -> Done  |     |
         Put(12) -> Done  |     |
                          | -> Count(11) |",
        "                 | Get | Get
         Put(11) -> Done  |     |
         Put(12) -> Done  |     |
                          | -> Count(11) |
                          |     | -> Count(12)"),
    pair("a shutdown leaves a putter blocked", Fifo, Some(1),
        "Put(11) -> Done  | Put(12)
         Shutdown -> Done |",
        "Put(11) -> Done  | Put(12)
         Shutdown -> Done |
                          | -> ShutDown"),
    pair("a shutdown leaves a getter blocked", Lifo, Some(1),
        "                 | Get
         ShutdownNow -> Items(0) |",
        "                 | Get
         ShutdownNow -> Items(0) |
                          | -> ShutDown"),
    pair("first in, last out", Fifo, None,
        "Put(11) -> Done
         Put(12) -> Done
         Get -> Count(12)",
        "Put(11) -> Done
         Put(12) -> Done
         Get -> Count(11)"),
    pair("the items of one thread change places, whatever another puts", Fifo, None,
        "                 | Put(21)
         Put(11) -> Done  |
         Put(12) -> Done  |
                          | -> Done
         Get -> Count(12) |
         Get -> Count(11) |",
        "                 | Put(21)
         Put(11) -> Done  |
         Put(12) -> Done  |
                          | -> Done
         Get -> Count(21) |
         Get -> Count(11) |"),
    pair("two puts after one another come out in the other order", Lifo, None,
        "Put(11) -> Done  |
                          | Put(12) -> Done
         Get -> Count(11) |",
        "Put(11)          |
                          | Put(12) -> Done
         -> Done          |
         Get -> Count(11) |"),
    pair("of equal priority, the later one comes first", Priority, None,
        "Put(11) -> Done
         Put(12) -> Done
         Drain -> Items(1211)",
        "Put(11) -> Done
         Put(12) -> Done
         Drain -> Items(1112)"),
    pair("the lower priority has to wait", Priority, None,
        "Put(21) -> Done
         Put(11) -> Done
         Get -> Count(21)",
        "Put(21) -> Done
         Put(11) -> Done
         Get -> Count(11)"),
    pair("an item is got twice", Fifo, None,
        "Put(11) -> Done  |
         Get              |
                          | Get
         -> Count(11)     |
                          | -> Count(11)",
        "Put(11) -> Done  |
         Get              |
                          | TryGet
         -> Count(11)     |
                          | -> Busy"),
    pair("an item is lost", Fifo, None,
        "Put(11) -> Done  | Put(12) -> Done
         Get -> Count(11) |
         TryGet -> Busy   |",
        "Put(11) -> Done  | Put(12) -> Done
         Get -> Count(11) |
         TryGet -> Count(12) |"),
    pair("an item is got before it is put", Fifo, None,
        "                 | Get -> Count(11)
         Put(11) -> Done  |",
        "Put(11)          |
                          | Get -> Count(11)
         -> Done          |"),
    pair("something is got after the queue was emptied for good", Fifo, None,
        "Put(11) -> Done  |
         ShutdownNow -> Items(11) |
                          | Get -> Count(11)",
        "Put(11) -> Done  |
         Shutdown -> Done |
                          | Get -> Count(11)"),
    pair("something is put after the shutdown has returned", Fifo, None,
        "Shutdown -> Done |
                          | Put(11) -> Done",
        "Shutdown         |
                          | Put(11) -> Done
         -> Done          |"),
    pair("a shutdown refuses what is left", Fifo, None,
        "Put(11) -> Done
         Shutdown -> Done
         Get -> ShutDown",
        "Put(11) -> Done
         Shutdown -> Done
         Get -> Count(11)
         Get -> ShutDown"),
    pair("a put is refused before the shutdown begins", Fifo, Some(1),
        "                 | Put(11) -> ShutDown
         Shutdown -> Done |",
        "Shutdown         |
                          | Put(11) -> ShutDown
         -> Done          |"),
    pair("a join returns while an item is not done", Fifo, None,
        "Put(11) -> Done
         Get -> Count(11)
         Join -> Done",
        "Put(11) -> Done
         Get -> Count(11)
         TaskDone -> Done
         Join -> Done"),
    pair("a shutdown at once forgets who got an item and is not done", Fifo, None,
        "Put(11) -> Done
         Get -> Count(11)
         Put(12) -> Done
         ShutdownNow -> Items(12)
         TryJoin -> Is(true)",
        "Put(11) -> Done
         Get -> Count(11)
         Put(12) -> Done
         ShutdownNow -> Items(12)
         Unfinished -> Count(1)"),
    pair("more items are done than were put", Fifo, None,
        "Put(11) -> Done  |
         TaskDone         |
                          | TaskDone
         -> Done          |
                          | -> Done",
        "Put(11) -> Done  |
         TaskDone         |
                          | TaskDone
         -> TooManyDone   |
                          | -> Done"),
    pair("there is more in it than there is room", Fifo, Some(1),
        "Put(11) -> Done  |
                          | Put(12) -> Done
         Drain -> Items(1112) |",
        "Put(11) -> Done  |
                          | Put(12)
         Drain -> Items(11) |
                          | -> Done"),
    pair("a try finds a queue busy that is not", Lifo, Some(2),
        "Put(11) -> Done
         TryPut(12) -> Busy",
        "Put(11) -> Done
         Put(12) -> Done
         TryPut(13) -> Busy"),
    pair("the length is that of another time", Fifo, None,
        "Put(11) -> Done  |
                          | Len -> Count(0)",
        "Put(11)          |
                          | Len -> Count(0)
         -> Done          |"),
];

#[test]
fn bad_histories_are_rejected_and_their_twins_are_not() {
    for Pair {
        why,
        order,
        capacity,
        bad,
        good,
    } in PAIRS
    {
        let queue = Queue::new(*order, *capacity);
        let [bad, good] = [bad, good].map(|text| parse(text, call, answer));
        assert!(!is_legal(&queue, &bad), "accepted: {why}\n{}", columns(&bad));
        assert!(
            is_legal(&queue, &good),
            "the twin is rejected: {why}\n{}",
            columns(&good)
        );
        // What is told of a failure could be added here.
        assert_eq!(columns(&parse(&columns(&good), call, answer)), columns(&good));
    }
}

fn call(text: &str) -> Call {
    let item = || number(text) as u32;
    match text.split('(').next().expect("there is a first") {
        "Put" => Call::Put(item()),
        "TryPut" => Call::TryPut(item()),
        "PutTimeout" => Call::PutTimeout(item()),
        "Get" => Call::Get,
        "TryGet" => Call::TryGet,
        "GetTimeout" => Call::GetTimeout,
        "Drain" => Call::Drain,
        "TaskDone" => Call::TaskDone,
        "Join" => Call::Join,
        "TryJoin" => Call::TryJoin,
        "JoinTimeout" => Call::JoinTimeout,
        "Shutdown" => Call::Shutdown,
        "ShutdownNow" => Call::ShutdownNow,
        "Len" => Call::Len,
        "Unfinished" => Call::Unfinished,
        "IsShutdown" => Call::IsShutdown,
        _ => panic!("no call: {text}"),
    }
}

fn answer(text: &str) -> Answer {
    match text.split('(').next().expect("there is a first") {
        "Done" => Answer::Done,
        "Busy" => Answer::Busy,
        "TimedOut" => Answer::TimedOut,
        "ShutDown" => Answer::ShutDown,
        "TooManyDone" => Answer::TooManyDone,
        "Is" => Answer::Is(text == "Is(true)"),
        "Count" => Answer::Count(number(text) as u32),
        "Items" => Answer::Items(number(text)),
        _ => panic!("no answer: {text}"),
    }
}

fn number(text: &str) -> u64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}
