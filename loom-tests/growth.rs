//! How the number of interleavings grows with threads, calls and the bound of preemptions: prints it as JSON.
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

/// More are not waited for.
const MOST: u64 = 30_000;

/// How often loom looks whether there are so many.
const LOOKS: u64 = 10;

type Call = fn(usize, &Shared);

const PROGRAMS: [(&str, &[usize], Call); 2] = [
    ("Lock: each acquires and releases", &[2, 3, 4], |_, shared| {
        drop(shared.lock.acquire())
    }),
    (
        "Queue of one place: half of the threads put, half get",
        &[2, 4],
        |thread, shared| match thread % 2 {
            0 => shared.queue.put(7).expect("nobody shuts it down"),
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
    /// Whether the other has more than are waited for, and this one is the other or greater in everything.
    fn is_beyond(&self, other: &Growth) -> bool {
        let limit = |one: &Growth| one.bound.unwrap_or(usize::MAX);
        other.interleavings.is_none()
            && self.program == other.program
            && self.threads >= other.threads
            && self.calls >= other.calls
            && limit(self) >= limit(other)
    }

    fn explored(self, call: Call) -> Growth {
        let began = Instant::now();
        let Growth {
            threads, calls, bound, ..
        } = self;
        let each = Accesses::BOTH.map(|accesses| {
            let count = std::sync::Arc::new(AtomicU64::new(0));
            let counter = std::sync::Arc::clone(&count);
            let mut builder = probe::builder(bound);
            builder.max_permutations = Some(MOST as usize);
            builder.checkpoint_interval = (MOST / LOOKS) as usize;
            builder.check(move || {
                counter.fetch_add(1, Relaxed);
                probe::begin(accesses, Waits::Exact, Locks::Stepwise);
                let shared = Arc::new(Shared {
                    lock: Lock::new(),
                    queue: Queue::bounded(1),
                });
                let start = |thread| {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || (0..calls).for_each(|_| call(thread, &shared)))
                };
                let all: Vec<_> = (0..threads).map(start).collect();
                all.into_iter().for_each(|one| one.join().expect("no thread panics"));
            });
            count.load(Relaxed)
        });
        let all = each.iter().all(|&count| count < MOST - 1);
        let interleavings = all.then(|| each.iter().sum());
        Growth {
            interleavings,
            seconds: Some(began.elapsed().as_secs_f64()),
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
                    let is_hopeless = growth.iter().any(|other| one.is_beyond(other));
                    growth.push(if is_hopeless { one } else { one.explored(call) });
                }
            }
        }
    }
    println!(
        "{}",
        serde_json::to_string_pretty(&growth).expect("growth is plain data")
    );
}
