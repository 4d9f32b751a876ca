//! How far a run has come: a bar on a terminal, and a line now and then elsewhere.

use crate::law::Law;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// From one line to the next, where there is no terminal.
const PAUSE: Duration = Duration::from_secs(10);

pub struct Progress {
    bar: ProgressBar,
    begin: Instant,
    /// When the last line was written, if there is no terminal.
    line: Option<Mutex<Instant>>,
    steps: Vec<Step>,
    done: AtomicU64,
}

/// A law, or whatever else is done as a whole.
struct Step {
    /// Its interleavings so far.
    explored: AtomicU64,
    /// Those that it will have, as far as is known.
    expected: AtomicU64,
}

impl Progress {
    /// Of as many things as that, of which nothing else is known.
    pub fn of(count: usize) -> Progress {
        Progress::expecting(vec![1; count])
    }

    /// Of the laws: LAWS.md says how many interleavings they have.
    pub fn of_laws(laws: &[Law]) -> Progress {
        let known = interleavings();
        let usual = known.values().sum::<u64>() / known.len().max(1) as u64;
        Progress::expecting(
            laws.iter()
                .map(|law| known.get(law.id).copied().unwrap_or(usual))
                .collect(),
        )
    }

    fn expecting(expected: Vec<u64>) -> Progress {
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}").expect("the template is well formed");
        let begin = Instant::now();
        let step = |expected| Step {
            explored: AtomicU64::new(0),
            expected: AtomicU64::new(expected),
        };
        Progress {
            bar: ProgressBar::new(expected.len() as u64).with_style(style),
            begin,
            line: (!io::stderr().is_terminal()).then(|| Mutex::new(begin)),
            steps: expected.into_iter().map(step).collect(),
            done: AtomicU64::new(0),
        }
    }

    /// A law's interleavings so far.
    pub fn explored(&self, index: usize, interleavings: u64) {
        let step = &self.steps[index];
        step.explored.store(interleavings, Relaxed);
        step.expected.fetch_max(interleavings, Relaxed);
        self.show(&format!(
            "{} interleavings",
            HumanCount(self.steps.iter().map(|step| step.explored.load(Relaxed)).sum())
        ));
    }

    /// A law's interleavings so far.
    pub fn interleavings(&self, index: usize) -> u64 {
        self.steps[index].explored.load(Relaxed)
    }

    /// One thing is done.
    pub fn done(&self, index: usize) {
        let step = &self.steps[index];
        step.expected.store(step.explored.load(Relaxed).max(1), Relaxed);
        step.explored.fetch_max(1, Relaxed);
        self.done.fetch_add(1, Relaxed);
        self.bar.inc(1);
    }

    /// Says what is done now.
    pub fn show(&self, what: &str) {
        let now = format!("{what}, {} s{}", self.begin.elapsed().as_secs(), self.left());
        let Some(last) = &self.line else {
            return self.bar.set_message(now);
        };
        let mut last = last.lock().expect("no panic while it is held");
        if last.elapsed() > PAUSE {
            *last = Instant::now();
            let _ = writeln!(io::stderr(), "[{}/{}] {now}", self.done.load(Relaxed), self.steps.len());
        }
    }

    /// The time that is left, if what is left takes as long as what is done.
    fn left(&self) -> String {
        let sum =
            |of: fn(&Step) -> &AtomicU64| self.steps.iter().map(|step| of(step).load(Relaxed)).sum::<u64>() as f64;
        let share = sum(|step| &step.explored) / sum(|step| &step.expected).max(1.0);
        let seconds = self.begin.elapsed().as_secs_f64() * (1.0 - share) / share;
        match seconds.is_finite() && share > 0.01 {
            true => format!(", some {seconds:.0} s left"),
            false => String::new(),
        }
    }

    /// Prints, where no bar is in the way.
    pub fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Those of each law, from the table: `| id | claim | threads | interleavings | verdict |`.
fn interleavings() -> HashMap<&'static str, u64> {
    const LAWS: &str = include_str!("../../LAWS.md");
    let row = |line: &'static str| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let id = cells.next()?;
        Some((id, cells.nth(2)?.replace(',', "").parse().ok()?))
    };
    LAWS.lines().filter_map(row).collect()
}
