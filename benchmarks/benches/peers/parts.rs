//! The results of threads: the number of operations, the time of the slowest, and the fairness among the threads.

use crate::load::{Meter, nanoseconds};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// The result of one participant with one number of threads.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Cell {
    /// Counting all threads' operations.
    pub nanoseconds_each: f64,
    /// The 99th percentile of an operation's time.
    pub slowest_percent_microseconds: f64,
    /// The operations of the thread that did the fewest, as a fraction of an equal share.
    pub unluckiest_share: f64,
}

/// The result of one thread.
pub struct Part {
    began: Instant,
    ended: Instant,
    /// Its operations.
    pub count: u64,
    times: Histogram<u32>,
}

impl Part {
    /// Runs `operation` from the time when all threads are ready
    /// until it returns false. Times one operation in `every`.
    #[inline(always)]
    pub fn of(ready: &Barrier, every: u64, mut operation: impl FnMut() -> bool) -> Part {
        let mut times = times();
        ready.wait();
        let (began, mut count) = (Instant::now(), 0);
        loop {
            let sampled = (count % every == 0).then(Instant::now);
            if !operation() {
                return Part {
                    began,
                    ended: Instant::now(),
                    count,
                    times,
                };
            }
            if let Some(start) = sampled {
                times.saturating_record(start.elapsed().as_nanos() as u64);
            }
            count += 1;
        }
    }
}

/// The sum of all parts. The threads of one side do the same work; fairness is measured within a side.
pub fn sum(sides: &[Vec<Part>]) -> Cell {
    let all = || sides.iter().flatten();
    let mut times = Histogram::<u32>::new(2).expect("two digits are allowed");
    all().for_each(|part| times.add(&part.times).expect("the histogram grows"));
    let began = all().map(|part| part.began).min().expect("there are threads");
    let ended = all().map(|part| part.ended).max().expect("there are threads");
    let share = |side: &Vec<Part>| {
        let least = side.iter().map(|part| part.count).min().expect("there are threads");
        least as f64 * side.len() as f64 / side.iter().map(|part| part.count).sum::<u64>().max(1) as f64
    };
    Cell {
        // Each item counts once, though it is put and got.
        nanoseconds_each: nanoseconds(ended - began)
            / sides[0].iter().map(|part| part.count).sum::<u64>().max(1) as f64,
        slowest_percent_microseconds: times.value_at_quantile(0.99) as f64 / 1000.0,
        unluckiest_share: sides.iter().map(share).fold(1.0, f64::min),
    }
}

/// Measures for this long, after a third of it in which the threads settle, whatever else the processors run. Reads the
/// clock after each run, so operations must be slow, or many in a run, whose mean time then counts.
pub struct Watched(pub Duration);

impl Meter for Watched {
    type Figure = Cell;

    #[inline(always)]
    fn measure(self, operations: u32, mut run: impl FnMut()) -> Cell {
        let begun = Instant::now();
        while begun.elapsed() < self.0 / 3 {
            run();
        }
        let mut times = times();
        let (began, mut ended, mut count) = (Instant::now(), Instant::now(), 0);
        while ended - began < self.0 {
            let start = ended;
            run();
            ended = Instant::now();
            times.saturating_record((ended - start).as_nanos() as u64 / u64::from(operations));
            count += u64::from(operations);
        }
        sum(&[vec![Part {
            began,
            ended,
            count,
            times,
        }]])
    }
}

fn times() -> Histogram<u32> {
    Histogram::new_with_bounds(1, 60_000_000_000, 2).expect("the bounds are in order")
}
