//! Prints, as JSON, how the number of interleavings grows with threads, calls and the preemption bound.
//!
//! ```text
//! cargo run --release -p selvedge-loom --example growth > target/growth.json
//! cargo bench -p benchmarks -- --growth target/growth.json
//! ```

extern crate selvedge_loom as selvedge;

use selvedge::backend::probe::{self, Accesses, Locks, Waits};
use selvedge::backend::{Arc, thread};
use selvedge::{Lock, Queue};
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// The limit of interleavings of one exploration.
const MAX_INTERLEAVINGS: u64 = 30_000;

/// How many times loom checks the limit until it is reached.
const LIMIT_CHECKS: u64 = 10;

type Call = fn(usize, &Shared);

const PROGRAMS: [(&str, &[usize], Call); 2] = [
    ("Lock: each thread acquires and releases", &[2, 3, 4], |_, shared| {
        drop(shared.lock.acquire())
    }),
    (
        "Queue of capacity 1: half of the threads put, half get",
        &[2, 4],
        |thread, shared| match thread % 2 {
            0 => shared.queue.put(7).expect("the queue is not shut down"),
            _ => assert_eq!(shared.queue.get(), Ok(7)),
        },
    ),
];

struct Shared {
    lock: Lock,
    queue: Queue<u32>,
}

#[derive(Serialize)]
struct Growth {
    program: &'static str,
    threads: usize,
    calls: usize,
    bound: Option<usize>,
    interleavings: Option<u64>,
    seconds: Option<f64>,
}

impl Growth {
    /// Whether `other` exceeded the limit, and this exploration is at least as large in every respect.
    fn exceeds(&self, other: &Growth) -> bool {
        let bound = |growth: &Growth| growth.bound.unwrap_or(usize::MAX);
        other.interleavings.is_none()
            && self.program == other.program
            && self.threads >= other.threads
            && self.calls >= other.calls
            && bound(self) >= bound(other)
    }

    fn explored(self, call: Call) -> Growth {
        let start = Instant::now();
        let Growth {
            threads, calls, bound, ..
        } = self;
        let each = Accesses::BOTH.map(|accesses| {
            let count = std::sync::Arc::new(AtomicU64::new(0));
            let counter = std::sync::Arc::clone(&count);
            let mut builder = probe::builder(bound);
            builder.max_permutations = Some(MAX_INTERLEAVINGS as usize);
            builder.checkpoint_interval = (MAX_INTERLEAVINGS / LIMIT_CHECKS) as usize;
            builder.check(move || {
                counter.fetch_add(1, Relaxed);
                probe::begin(accesses, Waits::Exact, Locks::Full);
                let shared = Arc::new(Shared {
                    lock: Lock::new(),
                    queue: Queue::bounded(1),
                });
                let spawn = |thread| {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || (0..calls).for_each(|_| call(thread, &shared)))
                };
                let handles: Vec<_> = (0..threads).map(spawn).collect();
                handles
                    .into_iter()
                    .for_each(|handle| handle.join().expect("no thread panics"));
            });
            count.load(Relaxed)
        });
        let is_complete = each.iter().all(|&count| count < MAX_INTERLEAVINGS - 1);
        let interleavings = is_complete.then(|| each.iter().sum());
        Growth {
            interleavings,
            seconds: Some(start.elapsed().as_secs_f64()),
            ..self
        }
    }
}

fn main() {
    let mut growth: Vec<Growth> = Vec::new();
    for (program, threads, call) in PROGRAMS {
        for &threads in threads {
            for calls in 1..=3 {
                for bound in [Some(1), Some(2), Some(3), None] {
                    let one = Growth {
                        program,
                        threads,
                        calls,
                        bound,
                        interleavings: None,
                        seconds: None,
                    };
                    let is_too_large = growth.iter().any(|other| one.exceeds(other));
                    growth.push(if is_too_large { one } else { one.explored(call) });
                }
            }
        }
    }
    println!(
        "{}",
        serde_json::to_string_pretty(&growth).expect("growth is plain data")
    );
}
