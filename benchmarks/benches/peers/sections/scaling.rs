//! From 1 thread to 64: the time per operation, the time of the slowest operations, and the fairness among the threads.

use super::{Context, Measured, json};
use crate::load::{Guarded, Work};
use crate::measure::guarded;
use crate::parts::{Cell, Part, sum};
use crate::report::{significant, table};
use crate::shapes::lock::RawLock;
use crate::shapes::queue::channel::{Channel, Crossbeam, CrossfireArray};
use crossbeam_utils::CachePadded;
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

const THREADS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// One in this number of operations is timed: the others do not pay for the clock.
const SAMPLED: u64 = 64;

/// The item that ends a consumer.
const END: u64 = u64::MAX;

/// An increment inside, short work outside.
fn locking<L: RawLock>(threads: usize, slice: Duration) -> Cell {
    let guarded = Guarded::new(L::new());
    let (outside, stop) = (Work::short(), CachePadded::new(AtomicBool::new(false)));
    let ready = Barrier::new(threads + 1);
    let work = || {
        Part::of(&ready, SAMPLED, || {
            if stop.load(Relaxed) {
                return false;
            }
            guarded.lock.locked(|| guarded.count_one());
            outside.work();
            true
        })
    };
    let parts: Vec<Part> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        ready.wait();
        thread::sleep(slice);
        stop.store(true, Relaxed);
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a worker panicked"))
            .collect()
    });
    guarded.must_be(parts.iter().map(|part| part.count).sum());
    sum(&[parts])
}

/// Half of the threads put, half get. With one thread there is one of each: alone, a putter would block.
fn passing<Q: Channel<u64>>(threads: usize, slice: Duration) -> Cell {
    let each = (threads / 2).max(1);
    let queue = CachePadded::new(Q::new(Some(128)));
    let (stop, ready) = (CachePadded::new(AtomicBool::new(false)), Barrier::new(2 * each + 1));
    let produce = || {
        let put = || {
            queue.put(7);
            true
        };
        Part::of(&ready, SAMPLED, || !stop.load(Relaxed) && put())
    };
    let consume = || Part::of(&ready, SAMPLED, || queue.get() != END);
    let (put, got): (Vec<Part>, Vec<Part>) = thread::scope(|scope| {
        let consumers: Vec<_> = (0..each).map(|_| scope.spawn(consume)).collect();
        let producers: Vec<_> = (0..each).map(|_| scope.spawn(produce)).collect();
        ready.wait();
        thread::sleep(slice);
        stop.store(true, Relaxed);
        let put = producers
            .into_iter()
            .map(|producer| producer.join().expect("a producer panicked"))
            .collect();
        (0..each).for_each(|_| queue.put(END));
        (
            put,
            consumers
                .into_iter()
                .map(|consumer| consumer.join().expect("a consumer panicked"))
                .collect(),
        )
    });
    let count = |parts: &[Part]| parts.iter().map(|part| part.count).sum::<u64>();
    assert_eq!(count(&put), count(&got), "an item was lost or duplicated");
    sum(&[got, put])
}

type Run = fn(usize, Duration) -> Cell;

const LOCKS: [(&str, Run); 4] = [
    ("ours (std)", locking::<selvedge::Lock>),
    ("ours (parking_lot)", locking::<selvedge_parking_lot::Lock>),
    ("std", locking::<std::sync::Mutex<()>>),
    ("parking_lot", locking::<parking_lot::Mutex<()>>),
];

const QUEUES: [(&str, Run); 4] = [
    ("ours (std)", passing::<selvedge::Queue<u64>>),
    ("ours (parking_lot)", passing::<selvedge_parking_lot::Queue<u64>>),
    ("crossbeam", passing::<Crossbeam<u64>>),
    ("crossfire", passing::<CrossfireArray<u64>>),
];

/// One shape: a line for each number of threads, a column for
/// each participant; no cell for a participant that is stuck.
#[derive(Debug, Serialize)]
struct Shape {
    name: &'static str,
    participants: Vec<&'static str>,
    threads: Vec<(usize, Vec<Option<Cell>>)>,
}

fn shape(name: &'static str, participants: [(&'static str, Run); 4], slice: Duration) -> Shape {
    let cell = |threads: usize, run: Run| guarded(Arc::new(move |slice| run(threads, slice)), slice).ok();
    let line = |threads| {
        (
            threads,
            participants.iter().map(|&(_, run)| cell(threads, run)).collect(),
        )
    };
    Shape {
        name,
        participants: participants.map(|(name, _)| name).into(),
        threads: THREADS.map(line).into(),
    }
}

/// 56 slices: about 34 seconds, or 6.
pub fn run(context: &Context<'_>) -> Measured {
    let slice = Duration::from_millis(if context.quick { 100 } else { 600 });
    let shapes = [
        shape("Lock, an increment inside and short work outside", LOCKS, slice),
        shape(
            "Queue b128, half of the threads put and half get (with 1 thread: one of each)",
            QUEUES,
            slice,
        ),
    ];
    let text = format!(
        "One slice of {slice:?} each: the trend counts, not a single figure. The slowest 1 % are taken of every \
        {SAMPLED}th operation, of puts and gets separately. The share of the unluckiest thread is a fraction of an \
        equal share.\n\
        {}",
        shapes.iter().map(tables).collect::<String>()
    );
    (text, json(&shapes))
}

type Value = fn(&Cell) -> f64;

fn tables(shape: &Shape) -> String {
    let kinds: [(&str, Value); 3] = [
        ("nanoseconds per operation of all threads", |cell| cell.nanoseconds_each),
        ("99th percentile in microseconds", |cell| {
            cell.slowest_percent_microseconds
        }),
        ("share of the unluckiest thread", |cell| cell.unluckiest_share),
    ];
    let one = |(kind, value): (&str, Value)| {
        let mut table = table(["threads"].iter().chain(&shape.participants).map(ToString::to_string));
        for (threads, cells) in &shape.threads {
            let cells = cells.iter().map(|cell| {
                cell.as_ref()
                    .map_or("stuck".to_owned(), |cell| significant(value(cell)))
            });
            table.add_row([threads.to_string()].into_iter().chain(cells));
        }
        format!("\n{}: {kind}\n\n{table}\n", shape.name)
    };
    kinds.map(one).concat()
}
