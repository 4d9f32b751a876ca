//! The sizes of objects, and the memory of a queue of a million items.

use super::{Context, Measured, json};
use crate::report::{significant, table};
use crate::shapes::queue::channel::{Channel, Crossbeam, Flume, Kanal, Monitor};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::env;
use std::fs;
use std::mem::size_of;
use std::process::{Command, Stdio};

const ITEMS: u64 = 1_000_000;

/// The size of one type in both builds, and of the peers' counterparts.
#[derive(Debug, Serialize)]
struct Size {
    name: &'static str,
    ours: [usize; 2],
    peers: Vec<(&'static str, usize)>,
}

/// Types with the same path in both builds, and the peers' types.
macro_rules! sizes {
    ($($name:literal: $($ours:ident)::+ $(<$item:ty>)?, $($peer:literal $theirs:ty),*;)+) => {
        vec![$(Size {
            name: $name,
            ours: [
                size_of::<selvedge::$($ours)::+ $(<$item>)?>(),
                size_of::<selvedge_parking_lot::$($ours)::+ $(<$item>)?>(),
            ],
            peers: vec![$(($peer, size_of::<$theirs>())),*],
        }),+]
    };
}

fn sizes() -> Vec<Size> {
    sizes! {
        "Lock": Lock, "std" std::sync::Mutex<()>, "parking_lot" parking_lot::Mutex<()>, "usync" usync::Mutex<()>;
        "Mutex<u64>": Mutex<u64>, "std" std::sync::Mutex<u64>, "parking_lot" parking_lot::Mutex<u64>;
        "RLock": RLock, "parking_lot" parking_lot::ReentrantMutex<()>, "usync" usync::ReentrantMutex<()>;
        "Semaphore": Semaphore, "saa" saa::Semaphore, "async-lock" async_lock::Semaphore;
        "BoundedSemaphore": BoundedSemaphore, ;
        "Event": Event, "saa Gate" saa::Gate, "event-listener" event_listener::Event;
        "Condition": Condition, "std" std::sync::Condvar, "parking_lot" parking_lot::Condvar, "usync" usync::Condvar;
        "Barrier": Barrier, "std" std::sync::Barrier, "hurdles" hurdles::Barrier;
        "Queue<u64>": Queue<u64>, "crossbeam" Crossbeam<u64>, "kanal" Kanal<u64>, "flume" Flume<u64>,
            "parking_lot M+C" Monitor<VecDeque<u64>>;
        "LifoQueue<u64>": LifoQueue<u64>, "parking_lot M+C" Monitor<Vec<u64>>;
        "PriorityQueue<u64>": PriorityQueue<u64>, ;
        "SimpleQueue<u64>": SimpleQueue<u64>, ;
        "Timer": Timer, "futures-timer" futures_timer::Delay;
        "ThreadPool": ThreadPool, "rayon" rayon::ThreadPool, "threadpool" threadpool::ThreadPool;
        "Job<u64>": Job<u64>, "oneshot" oneshot::Receiver<u64>;
        "thread::JoinHandle<u64>": thread::JoinHandle<u64>, "std" std::thread::JoinHandle<u64>;
    }
}

/// The bytes that a queue has allocated from the system.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Resident {
    /// While it holds all items.
    full: u64,
    /// After all items were got.
    empty: u64,
}

type Fill = fn() -> Option<Resident>;

const QUEUES: [(&str, Fill); 6] = [
    ("ours (std)", fill::<selvedge::Queue<u64>>),
    ("ours (parking_lot)", fill::<selvedge_parking_lot::Queue<u64>>),
    ("crossbeam", fill::<Crossbeam<u64>>),
    ("kanal", fill::<Kanal<u64>>),
    ("flume", fill::<Flume<u64>>),
    ("VecDeque under a mutex", fill::<Monitor<VecDeque<u64>>>),
];

fn fill<Q: Channel<u64>>() -> Option<Resident> {
    let queue = Q::new(None);
    let before = anonymous()?;
    (0..ITEMS).for_each(|item| queue.put(item));
    let full = anonymous()?.saturating_sub(before);
    (0..ITEMS).for_each(|item| assert_eq!(queue.get(), item));
    Some(Resident {
        full,
        empty: anonymous()?.saturating_sub(before),
    })
}

/// The bytes of this process that are not mapped from files; `None` if the system does not report them.
fn anonymous() -> Option<u64> {
    let all = fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let line = all.lines().find_map(|line| line.strip_prefix("Anonymous:"))?;
    Some(1024 * line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?)
}

/// Runs as a child that fills the queue of this name: in one process it would reuse the heap of the queue before it.
pub fn child(name: &str) {
    let fill = QUEUES
        .iter()
        .find(|queue| queue.0 == name)
        .expect("the parent gives the name of a queue")
        .1;
    println!("{}", serde_json::to_string(&fill()).expect("numbers are plain data"));
}

fn memory((name, _): (&'static str, Fill)) -> (&'static str, Option<Resident>) {
    let child = || {
        let program = env::current_exe().ok()?;
        let child = Command::new(program)
            .args(["--memory-of", name])
            .stderr(Stdio::inherit())
            .output()
            .ok()?;
        serde_json::from_slice(&child.stdout).ok()?
    };
    (name, child())
}

/// Measures the bytes.
pub fn run(_: &Context<'_>) -> Measured {
    let sizes = sizes();
    let mut bytes = table(["type", "ours (std)", "ours (parking_lot)", "peers"].map(str::to_owned));
    for Size {
        name,
        ours: [std, parking_lot],
        peers,
    } in &sizes
    {
        let peers: Vec<String> = peers.iter().map(|(name, size)| format!("{name} {size}")).collect();
        bytes.add_row([
            (*name).to_owned(),
            std.to_string(),
            parking_lot.to_string(),
            peers.join(", "),
        ]);
    }
    let memory = QUEUES.map(memory);
    let mut taken = table(["queue", "full, bytes per item", "emptied, bytes per item"].map(str::to_owned));
    for (name, resident) in memory {
        let of = |bytes: u64| significant(bytes as f64 / ITEMS as f64);
        let cells = resident.map_or(["?".to_owned(), "?".to_owned()], |of_it| {
            [of(of_it.full), of(of_it.empty)]
        });
        taken.add_row([name.to_owned()].into_iter().chain(cells));
    }
    let text = format!(
        "The costs of waiting are above, under \"Wait\". Bytes of the object itself, without its heap: both ends of a \
        channel, and the counterparts of a semaphore and an event without the mutex that they may need.\n\n{bytes}\n\n\
        Memory of an unbounded queue of {ITEMS} numbers of 8 bytes, each in a separate process, as the system \
        reports it (\"?\": not reported).\n\n{taken}\n"
    );
    (text, json(&(sizes, memory)))
}
