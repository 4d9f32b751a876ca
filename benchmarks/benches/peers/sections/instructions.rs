//! The instructions of the uncontended paths, as valgrind's callgrind counts them in a child: equal in each run.
//!
//! The child calls [`boundary_of_a_count`] before and after N and 2 N operations of each participant, and callgrind
//! dumps its counter at each call. The second count minus the first is that of N operations without the setup.

use super::{Context, Measured, json};
use crate::report::{significant, table};
use crate::shapes::condition::{self, Token};
use crate::shapes::event::flag::{self, Flag, Listened};
use crate::shapes::lock::RawLock;
use crate::shapes::queue::channel::{Channel, CountedDone, Crossbeam, Kanal, Monitor};
use crate::shapes::rlock::Reentrant;
use crate::shapes::semaphore::{self, Permits};
use serde::Serialize;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::env;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

/// Operations of the first count; the second has twice as many.
const OPERATIONS: u32 = 1000;

/// One implementation of an operation.
struct Counted {
    row: &'static str,
    name: &'static str,
    run: fn(u32),
}

/// `row, operation: "name" Type, ...`: `T` in the operation stands for each type in turn.
macro_rules! counted {
    ($($row:literal, |$T:ident| $operation:expr; $($name:literal $type:ty),+;)+) => {
        vec![$($(Counted {
            row: $row,
            name: $name,
            run: {
                type $T = $type;
                |operations| $operation(operations)
            },
        }),+),+]
    };
}

#[inline(always)]
fn repeat(operations: u32, operation: impl Fn()) {
    (0..operations).for_each(|_| {
        operation();
        black_box(());
    });
}

fn lock<L: RawLock>(operations: u32) {
    let lock = L::new();
    repeat(operations, || lock.locked(|| ()));
}

fn nested<L: Reentrant>(operations: u32) {
    let lock = L::new();
    lock.held(|| repeat(operations, || lock.held(|| ())));
}

fn permit<P: Permits>(operations: u32) {
    let permits = P::new(1);
    repeat(operations, || permits.permitted(|| ()));
}

fn wait_when_set<F: Flag>(operations: u32) {
    let flag = F::new();
    flag.set();
    repeat(operations, || flag.wait());
}

fn set_and_clear<F: Flag>(operations: u32) {
    let flag = F::new();
    repeat(operations, || {
        flag.set();
        flag.clear();
    });
}

fn notify<T: Token>(operations: u32) {
    let condition = T::new();
    repeat(operations, || condition.notify_one());
}

fn pass<Q: Channel<u64>>(capacity: Option<usize>) -> impl Fn(u32) {
    move |operations| {
        let queue = Q::new(capacity);
        repeat(operations, || {
            queue.put(black_box(7));
            black_box(queue.get());
        });
    }
}

fn all() -> Vec<Counted> {
    counted! {
        "Lock, acquire + release", |L| lock::<L>;
            "ours (std)" selvedge::Lock, "ours (parking_lot)" selvedge_parking_lot::Lock,
            "std" std::sync::Mutex<()>, "parking_lot" parking_lot::Mutex<()>;
        "RLock, nested", |L| nested::<L>;
            "ours (std)" selvedge::RLock, "ours (parking_lot)" selvedge_parking_lot::RLock,
            "parking_lot" parking_lot::ReentrantMutex<()>, "usync" usync::ReentrantMutex<()>;
        "Semaphore, acquire + release", |P| permit::<P>;
            "ours (std)" selvedge::Semaphore, "ours (parking_lot)" selvedge_parking_lot::Semaphore,
            "saa" saa::Semaphore, "parking_lot M+C" semaphore::ParkingLotByCondvar;
        "Event, wait when set", |F| wait_when_set::<F>;
            "ours (std)" selvedge::Event, "ours (parking_lot)" selvedge_parking_lot::Event,
            "parking_lot M+C" flag::ParkingLotByCondvar, "event-listener" Listened;
        "Event, set + clear", |F| set_and_clear::<F>;
            "ours (std)" selvedge::Event, "ours (parking_lot)" selvedge_parking_lot::Event,
            "parking_lot M+C" flag::ParkingLotByCondvar, "event-listener" Listened;
        "Condition, notify with nobody", |T| notify::<T>;
            "ours (std)" condition::Selvedge, "ours (parking_lot)" condition::SelvedgeParkingLot,
            "parking_lot" condition::ParkingLot, "std" condition::Std;
        "Queue, st, b128", |Q| pass::<Q>(Some(128));
            "ours (std)" selvedge::Queue<u64>, "ours (parking_lot)" selvedge_parking_lot::Queue<u64>,
            "kanal" Kanal<u64>, "crossbeam" Crossbeam<u64>;
        "Queue, st, unb", |Q| pass::<Q>(None);
            "ours (std)" selvedge::Queue<u64>, "ours (parking_lot)" selvedge_parking_lot::Queue<u64>,
            "kanal" Kanal<u64>, "parking_lot M+C" Monitor<VecDeque<u64>>;
        "Queue with task_done, st, b128", |Q| pass::<Q>(Some(128));
            "ours (std)" CountedDone<selvedge::Queue<u64>>,
            "ours (parking_lot)" CountedDone<selvedge_parking_lot::Queue<u64>>;
        "LifoQueue, st, b128", |Q| pass::<Q>(Some(128));
            "ours (std)" selvedge::LifoQueue<u64>, "ours (parking_lot)" selvedge_parking_lot::LifoQueue<u64>,
            "parking_lot M+C" Monitor<Vec<u64>>;
        "PriorityQueue, st, depth 0", |Q| pass::<Q>(None);
            "ours (std)" selvedge::PriorityQueue<u64>, "ours (parking_lot)" selvedge_parking_lot::PriorityQueue<u64>,
            "parking_lot M+C" Monitor<BinaryHeap<Reverse<u64>>>;
    }
}

/// Does nothing; callgrind dumps its counter before each call.
#[inline(never)]
fn boundary_of_a_count() {
    black_box(());
}

/// Runs as the child: N and 2 N operations of each participant, in the order of the list.
pub fn child() {
    for Counted { run, .. } in all() {
        for operations in [OPERATIONS, 2 * OPERATIONS] {
            boundary_of_a_count();
            run(operations);
        }
        boundary_of_a_count();
    }
}

/// The instructions of one participant.
#[derive(Debug, Serialize)]
struct Count {
    row: &'static str,
    name: &'static str,
    instructions: f64,
}

/// Counts the instructions, if valgrind is installed.
pub fn run(_: &Context<'_>) -> Measured {
    match measure() {
        Ok(counts) => (text(&counts), json(&counts)),
        Err(error) => (format!("Not counted: {error}.\n"), Value::Null),
    }
}

fn measure() -> Result<Vec<Count>, String> {
    let all = all();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callgrind");
    _ = fs::remove_dir_all(&folder); // of an earlier run
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let dumps = folder.join("count");
    let child = Command::new("valgrind")
        .args(["--tool=callgrind", "--dump-before=*boundary_of_a_count*"])
        .arg(format!("--callgrind-out-file={}", dumps.display()))
        .arg(program)
        .arg("--count-instructions")
        .output()
        .map_err(|error| format!("`valgrind` cannot be run ({error})"))?;
    if !child.status.success() {
        return Err(format!("`valgrind` ended with {}", child.status));
    }
    // The first dump is that before the first boundary. Then each
    // participant has three: N, 2 N, and the setup of the next.
    let dump = |number: usize| {
        let file = dumps.with_extension(number.to_string());
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let total = text
            .lines()
            .find_map(|line| line.strip_prefix("summary:").or(line.strip_prefix("totals:")));
        total
            .and_then(|total| total.trim().parse::<f64>().ok())
            .ok_or_else(|| format!("{}: no total", file.display()))
    };
    let count = |(index, &Counted { row, name, .. }): (usize, &Counted)| {
        let (once, twice) = (dump(3 * index + 2)?, dump(3 * index + 3)?);
        Ok(Count {
            row,
            name,
            instructions: (twice - once) / f64::from(OPERATIONS),
        })
    };
    all.iter().enumerate().map(count).collect()
}

fn text(counts: &[Count]) -> String {
    let mut table = table(["operation", "ours (std)", "ours (parking_lot)", "peers"].map(str::to_owned));
    for row in counts.chunk_by(|a, b| a.row == b.row) {
        let peers: Vec<String> = row[2..]
            .iter()
            .map(|peer| format!("{} {}", peer.name, significant(peer.instructions)))
            .collect();
        let [std, parking_lot] = [0, 1].map(|build| significant(row[build].instructions));
        table.add_row([row[0].row.to_owned(), std, parking_lot, peers.join(", ")]);
    }
    format!(
        "Instructions per operation, including about three of the loop, counted by valgrind's callgrind: the \
        difference between {OPERATIONS} and twice as many operations. They are the same in each run, unlike seconds; \
        but a locked instruction takes as long as ten others, and counts as one.\n\n{table}\n"
    )
}
