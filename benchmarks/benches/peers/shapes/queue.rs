//! Queues between threads.

pub mod channel;
mod flow;

use super::lineup;
use crate::row::{Bar, Participant, Row, at_most, at_most_best, at_most_each};
use channel::{CountedDone, Crossbeam, CrossfireArray, CrossfireList, Flume, Kanal, Monitor};
use dary_heap::OctonaryHeap;
use flow::{Big, Position, at_depth, flow, single};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// FIFO queues: selvedge's, the peers' that may be bounded or unbounded, and further ones.
macro_rules! fifos {
    ($Q:ident of $I:ty => $measure:expr; $($more:tt)*) => {
        lineup![$Q => $measure;
            Std "ours (std)" selvedge::Queue<$I>,
            ParkingLot "ours (parking_lot)" selvedge_parking_lot::Queue<$I>,
            Peer "kanal" Kanal<$I>,
            Peer "crossbeam" Crossbeam<$I>,
            Peer "flume" Flume<$I>,
            Peer "parking_lot M+C" Monitor<VecDeque<$I>>,
            $($more)*
        ]
    };
}

macro_rules! bounded {
    ($Q:ident of $I:ty => $measure:expr) => {
        fifos!($Q of $I => $measure; Peer "crossfire" CrossfireArray<$I>)
    };
}

macro_rules! unbounded {
    ($Q:ident => $measure:expr) => {
        fifos!($Q of u64 => $measure; Peer "crossfire" CrossfireList<u64>)
    };
}

macro_rules! lifos {
    ($Q:ident => $measure:expr) => {
        lineup![$Q => $measure;
            Std "ours (std)" selvedge::LifoQueue<u64>,
            ParkingLot "ours (parking_lot)" selvedge_parking_lot::LifoQueue<u64>,
            Peer "parking_lot M+C" Monitor<Vec<u64>>,
        ]
    };
}

macro_rules! priorities {
    ($Q:ident => $measure:expr) => {
        lineup![$Q => $measure;
            Std "ours (std)" selvedge::PriorityQueue<u64>,
            ParkingLot "ours (parking_lot)" selvedge_parking_lot::PriorityQueue<u64>,
            Peer "parking_lot M+C, BinaryHeap" Monitor<BinaryHeap<Reverse<u64>>>,
            Peer "parking_lot M+C, 8-ary heap" Monitor<OctonaryHeap<Reverse<u64>>>,
        ]
    };
}

macro_rules! counted_done {
    ($Q:ident => $measure:expr) => {
        lineup![$Q => $measure;
            Std "ours (std)" CountedDone<selvedge::Queue<u64>>,
            ParkingLot "ours (parking_lot)" CountedDone<selvedge_parking_lot::Queue<u64>>,
            Peer "without (std)" selvedge::Queue<u64>,
            Peer "without (parking_lot)" selvedge_parking_lot::Queue<u64>,
        ]
    };
}

/// All rows of these shapes.
pub fn rows() -> Vec<Row> {
    [fifo(), lifo(), priority(), task_done()]
        .into_iter()
        .flatten()
        .collect()
}

fn row(shape: &'static str) -> impl Fn(&'static str, &[Bar], Vec<Participant>) -> Row {
    move |setting, bars, participants| Row {
        shape,
        setting,
        bars: bars.to_vec(),
        participants,
    }
}

fn fifo() -> Vec<Row> {
    let row = row("Queue");
    let kanal = [at_most(1.0, "kanal")];
    let rings = [at_most(1.0, "crossbeam"), at_most(1.5, "crossfire")];
    let lists = [at_most(1.3, "kanal"), at_most(1.0, "crossbeam")];
    let big = [at_most(0.7, "crossbeam")];
    // Without crossfire: with several threads on both sides of one slot it stalls
    // for tens of seconds, spinning on a claim whose owner has been preempted.
    let b1_4x4 = fifos!(Q of u64 => flow::<Q, u64>(4, 4, Some(1)););
    vec![
        row("st, b128", &kanal, bounded!(Q of u64 => single::<Q, u64>(Some(128)))),
        row(
            "st, unb",
            &[at_most(1.2, "kanal")],
            unbounded!(Q => single::<Q, u64>(None)),
        ),
        row(
            "b1 1x1",
            &[at_most(1.0, "crossfire")],
            bounded!(Q of u64 => flow::<Q, u64>(1, 1, Some(1))),
        ),
        row("b1 4x1", &kanal, bounded!(Q of u64 => flow::<Q, u64>(4, 1, Some(1)))),
        row("b1 1x4", &kanal, bounded!(Q of u64 => flow::<Q, u64>(1, 4, Some(1)))),
        row("b1 4x4", &kanal, b1_4x4),
        row(
            "b128 1x1",
            &rings,
            bounded!(Q of u64 => flow::<Q, u64>(1, 1, Some(128))),
        ),
        row(
            "b128 4x1",
            &rings,
            bounded!(Q of u64 => flow::<Q, u64>(4, 1, Some(128))),
        ),
        row(
            "b128 1x4",
            &rings,
            bounded!(Q of u64 => flow::<Q, u64>(1, 4, Some(128))),
        ),
        row(
            "b128 4x4",
            &rings,
            bounded!(Q of u64 => flow::<Q, u64>(4, 4, Some(128))),
        ),
        row("unb 1x1", &lists, unbounded!(Q => flow::<Q, u64>(1, 1, None))),
        row("unb 4x1", &lists, unbounded!(Q => flow::<Q, u64>(4, 1, None))),
        row("unb 1x4", &lists, unbounded!(Q => flow::<Q, u64>(1, 4, None))),
        row("unb 4x4", &lists, unbounded!(Q => flow::<Q, u64>(4, 4, None))),
        row(
            "256 bytes, st",
            &[at_most(1.0, "parking_lot M+C")],
            bounded!(Q of Big => single::<Q, Big>(Some(128))),
        ),
        row(
            "256 bytes, b128 1x1",
            &big,
            bounded!(Q of Big => flow::<Q, Big>(1, 1, Some(128))),
        ),
        row(
            "256 bytes, b128 4x4",
            &big,
            bounded!(Q of Big => flow::<Q, Big>(4, 4, Some(128))),
        ),
    ]
}

fn lifo() -> Vec<Row> {
    let row = row("LifoQueue");
    let mutex = |ratio| [at_most(ratio, "parking_lot M+C")];
    vec![
        row("st, b128", &mutex(1.0), lifos!(Q => single::<Q, u64>(Some(128)))),
        row("b128 4x4", &mutex(0.6), lifos!(Q => flow::<Q, u64>(4, 4, Some(128)))),
    ]
}

fn priority() -> Vec<Row> {
    let row = row("PriorityQueue");
    vec![
        row(
            "st, depth 0",
            &[at_most_best(1.05)],
            priorities!(Q => at_depth::<Q>(0, Position::First)),
        ),
        row(
            "st, depth 1000, first",
            &[at_most_best(1.0)],
            priorities!(Q => at_depth::<Q>(1000, Position::First)),
        ),
        row(
            "st, depth 1000, anywhere",
            &[at_most_best(1.0)],
            priorities!(Q => at_depth::<Q>(1000, Position::Anywhere)),
        ),
        row(
            "b128 4x4",
            &[at_most_best(1.0)],
            priorities!(Q => flow::<Q, u64>(4, 4, Some(128))),
        ),
    ]
}

fn task_done() -> Vec<Row> {
    let row = row("Queue with task_done");
    let bars = [at_most_each(1.25, ["without (std)", "without (parking_lot)"])];
    vec![
        row("st, b128", &bars, counted_done!(Q => single::<Q, u64>(Some(128)))),
        row("b128 1x1", &bars, counted_done!(Q => flow::<Q, u64>(1, 1, Some(128)))),
        row("b128 4x4", &bars, counted_done!(Q => flow::<Q, u64>(4, 4, Some(128)))),
    ]
}
