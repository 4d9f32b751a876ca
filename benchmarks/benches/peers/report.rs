//! The report, in Markdown that can also be read in a terminal.

mod busy;
mod cells;
mod charts;
mod tables;

use crate::load::Work;
use crate::machine::Machine;
use crate::measure::{Outcome, Plan};
use crate::sections::Section;
pub use cells::causes_name;
use serde::Serialize;
use std::error::Error;
use std::fmt;
use std::fs;
use std::path::Path;
use tables::{bars, faults, figures};
pub use tables::{significant, table};

const NOTES: &str = "\
Reproduce it with `cargo bench -p benchmarks -- --write benchmarks/RESULTS.md` on an idle machine. \
Only ratios within one run can be compared between machines.

- \"ours\" is selvedge, in its std build and its parking_lot build. All participants run interleaved in one process, \
in rotating order, in the same loop. The loop of a single thread begins on a cache line. Threads that work together \
run for 25 ms before they are measured: until then, two that never block may share a core.
- A bar is a ratio of ours to a peer, or nanoseconds. It is met by the median over the rounds, each with its own \
ratio, as shown. \"close\": the 95 % confidence interval of the median contains the bar.
- A cell is a row: a shape in one setting. It meets its bars if the medians of both builds do. It is undecided if all \
the bars that it misses are close; otherwise it misses.
- A figure is nanoseconds per operation, counting all threads' operations; half of its rounds lie within the \
percentage. In brackets: ours in the std build as a multiple of it.
- \"~\" before a figure: half of its rounds lie more than 10 % apart. \"~\" after a setting: most rounds were noisy.
- \"short\": an increment inside, short work (20 ns) outside. \"long\": long work (1.65 µs) inside, nothing outside. \
Contended semaphores: short work inside and outside.
- Ping-pong: a round trip by two flags, or by one mutex and one condition that is notified after the unlock. Barrier: \
one generation, without work between generations.
- Queues: one item put and got. \"st\": a single thread that puts, then gets. \"4x1\": four producers, one consumer, \
without other work; the items that remain when the producers stop are got within the measured time. \"b128\": a \
capacity of 128; \"unb\": unbounded. Priority: a new item belongs \"first\" or \"anywhere\" among the queued items; no \
peer keeps equal items in FIFO order, as ours does.
- Threads run an empty function. Timers are started with a delay of an hour, among 0 or 100,000 pending timers, and \
cancelled; or they are started without a delay, and joined. \"a thread each\" blocks on a condition, and is joined; \
futures-timer runs no function: it is polled once and dropped.
- Pools: all workers are started before the first task. A tiny task decrements a counter, and the last one unparks the \
waiter; ours drops the job. \"rayon scope\" submits from a worker, all others from another thread. Results: 2 workers \
and a job that returns a number; a batch is submitted before its first result is requested.
- Wait: processor time of a thread that waits for an event after 1 s, or 100 ms with `--quick`, and not the time of \
the wait; 5 rounds, or one.
- A floor never blocks. A floor without a bar, like our second types, is only shown.";

/// A machine is idle if other processes use at most this fraction of it, in the rounds of a cell that count.
const NOT_IDLE: f64 = 0.05;

/// A run is valid without its disturbed cells if they are at most one cell in `FEW`.
const FEW: usize = 20;

/// The figures of one run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The date, if it was given.
    pub date: Option<String>,
    /// The machine.
    pub machine: Machine,
    /// The times.
    pub plan: Plan,
    /// The rows.
    pub rows: Vec<Outcome>,
    /// The rows beside busy processes.
    pub busy: Vec<Outcome>,
    /// The sections.
    pub sections: Vec<Section>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Benchmarks\n")?;
        self.preamble(f)?;
        if !self.rows.is_empty() {
            write!(f, "{}", cells::misses("Cells that miss", &self.rows))?;
            writeln!(f, "\n## Bars\n\n{}\n{}", bars(&self.rows), charts::link(&self.rows))?;
        }
        for shape in self.rows.chunk_by(|a, b| a.shape == b.shape) {
            writeln!(f, "\n## {}\n\n{}", shape[0].shape, figures(shape))?;
        }
        if !self.busy.is_empty() {
            write!(f, "{}", busy::section(&self.busy))?;
        }
        for Section { title, text, .. } in &self.sections {
            writeln!(f, "\n## {title}\n\n{text}")?;
        }
        let faults: Vec<String> = self.measured().flat_map(faults).collect();
        if !faults.is_empty() {
            writeln!(f, "\n## Without a figure\n\n{}", faults.join("\n"))?;
        }
        Ok(())
    }
}

impl Report {
    /// Writes it, and its chart beside it.
    pub fn write(&self, file: &Path) -> Result<(), Box<dyn Error>> {
        let folder = file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder.join(charts::FOLDER))?;
        fs::write(file, self.to_string())?;
        charts::draw(&self.rows, folder)
    }

    /// A sentence that reports that other processes kept the machine busy, in a few cells or in the whole run.
    pub fn not_idle(&self) -> Option<String> {
        let disturbed: Vec<_> = self
            .measured()
            .filter(|row| row.others > NOT_IDLE)
            .map(Outcome::name)
            .collect();
        let (cells, most) = (self.measured().count(), 100.0 * self.most_of_others());
        let limit = format!(
            "other processes used more than {:.0} % of the machine",
            100.0 * NOT_IDLE
        );
        match disturbed.len() {
            0 => None,
            few if few * FEW <= cells => Some(format!(
                "In these cells {limit}, up to {most:.0} %; they are not valid: {}.",
                disturbed.join("; ")
            )),
            many => Some(format!(
                "NOT IDLE: {limit} in {many} of {cells} cells, up to {most:.0} %: this run is not valid."
            )),
        }
    }

    fn measured(&self) -> impl Iterator<Item = &Outcome> {
        self.rows.iter().chain(&self.busy)
    }

    fn most_of_others(&self) -> f64 {
        self.measured().map(|row| row.others).fold(0.0, f64::max)
    }

    fn preamble(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine {
            processor,
            cores,
            system,
            rustc,
            peers,
        } = &self.machine;
        let Plan { rounds, most, slice } = self.plan;
        let others = self.most_of_others();
        if let Some(sentence) = self.not_idle() {
            writeln!(f, "- **{sentence}**")?;
        }
        if let Some(date) = &self.date {
            writeln!(f, "- Date: {date}")?;
        }
        writeln!(f, "- Machine: {processor}, {cores} cores, {system}")?;
        writeln!(f, "- Compiler: {rustc}")?;
        writeln!(f, "- Peers: {}", peers.join(", "))?;
        writeln!(
            f,
            "- Rounds: {rounds} of {slice:?} for each, up to {most} if they are noisy or a bar is close; \
            medians of the quieter half"
        )?;
        writeln!(
            f,
            "- Work: short is {} iterations of a loop, long is {}",
            Work::short().iterations,
            Work::long().iterations
        )?;
        writeln!(
            f,
            "- Other processes used at most {:.0} % of the machine in the rounds that count",
            100.0 * others
        )?;
        if !self.rows.is_empty() {
            write!(f, "{}", cells::summary(&self.rows))?;
        }
        if !self.busy.is_empty() {
            write!(f, "{}", cells::summary_of_busy(&self.busy))?;
        }
        writeln!(f, "\n{NOTES}")
    }
}
