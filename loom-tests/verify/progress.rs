//! Progress of a run: a bar on a terminal, a line every few seconds elsewhere.

use crate::law::Law;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// The time between two lines, if stderr is not a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

pub struct Progress {
    bar: ProgressBar,
    start: Instant,
    /// The time of the last line, if stderr is not a terminal.
    line: Option<Mutex<Instant>>,
    items: Vec<Item>,
    done: AtomicU64,
}

/// A law, break or mutant.
struct Item {
    /// The number of interleavings so far.
    explored: AtomicU64,
    /// The estimated number of interleavings.
    expected: AtomicU64,
}

impl Progress {
    /// For `count` items without an estimate.
    pub fn of(count: usize) -> Progress {
        Progress::expecting(vec![1; count])
    }

    /// For the laws. LAWS.md gives the expected numbers of interleavings.
    pub fn of_laws(laws: &[Law]) -> Progress {
        let known = known_interleavings();
        let usual = known.values().sum::<u64>() / known.len().max(1) as u64;
        Progress::expecting(
            laws.iter()
                .map(|law| known.get(law.id).copied().unwrap_or(usual))
                .collect(),
        )
    }

    fn expecting(expected: Vec<u64>) -> Progress {
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}").expect("the template is well formed");
        let start = Instant::now();
        let item = |expected| Item {
            explored: AtomicU64::new(0),
            expected: AtomicU64::new(expected),
        };
        Progress {
            bar: ProgressBar::new(expected.len() as u64).with_style(style),
            start,
            line: (!io::stderr().is_terminal()).then(|| Mutex::new(start)),
            items: expected.into_iter().map(item).collect(),
            done: AtomicU64::new(0),
        }
    }

    /// Sets an item's number of interleavings so far.
    pub fn explored(&self, index: usize, interleavings: u64) {
        let item = &self.items[index];
        item.explored.store(interleavings, Relaxed);
        item.expected.fetch_max(interleavings, Relaxed);
        self.show(&format!(
            "{} interleavings",
            HumanCount(self.items.iter().map(|item| item.explored.load(Relaxed)).sum())
        ));
    }

    /// An item's number of interleavings so far.
    pub fn interleavings(&self, index: usize) -> u64 {
        self.items[index].explored.load(Relaxed)
    }

    /// Marks an item as done.
    pub fn done(&self, index: usize) {
        let item = &self.items[index];
        item.expected.store(item.explored.load(Relaxed).max(1), Relaxed);
        item.explored.fetch_max(1, Relaxed);
        self.done.fetch_add(1, Relaxed);
        self.bar.inc(1);
    }

    /// Shows the current activity.
    pub fn show(&self, what: &str) {
        let now = format!("{what}, {} s{}", self.start.elapsed().as_secs(), self.time_left());
        let Some(last) = &self.line else {
            return self.bar.set_message(now);
        };
        let mut last = last.lock().expect("no panic while it is held");
        if last.elapsed() > LINE_INTERVAL {
            *last = Instant::now();
            let _ = writeln!(io::stderr(), "[{}/{}] {now}", self.done.load(Relaxed), self.items.len());
        }
    }

    /// The estimated remaining time, from the mean time per interleaving so far.
    fn time_left(&self) -> String {
        let sum =
            |of: fn(&Item) -> &AtomicU64| self.items.iter().map(|item| of(item).load(Relaxed)).sum::<u64>() as f64;
        let share = sum(|item| &item.explored) / sum(|item| &item.expected).max(1.0);
        let seconds = self.start.elapsed().as_secs_f64() * (1.0 - share) / share;
        match seconds.is_finite() && share > 0.01 {
            true => format!(", about {seconds:.0} s left"),
            false => String::new(),
        }
    }

    /// Hides the bar while `print` runs.
    pub fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The number of interleavings of each law, from the table: `| id | claim | threads | interleavings | verdict |`.
fn known_interleavings() -> HashMap<&'static str, u64> {
    const LAWS: &str = include_str!("../../LAWS.md");
    let row = |line: &'static str| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let id = cells.next()?;
        Some((id, cells.nth(2)?.replace(',', "").parse().ok()?))
    };
    LAWS.lines().filter_map(row).collect()
}
