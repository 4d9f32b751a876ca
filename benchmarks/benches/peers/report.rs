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
Reproduce it with `cargo bench -p benchmarks -- --write benchmarks/RESULTS.md` on a machine that does nothing else. \
Only ratios inside one run travel to other machines.

- Ours and the peers are interleaved in one process, in rotating order, and get the same loop; that of one thread begins on a \
cache line. Threads that work together do so for 25 ms before they are measured: before that, two that never sleep may share a core.
- A bar is a ratio of ours to a peer, or nanoseconds; the median of what the rounds reached, each by itself, must lie within \
it as it is shown. \"close\": with 95 % confidence, the median of many more rounds lies somewhere around the bar.
- A cell is a row: a shape in one setting. It meets all its bars if both of our worlds do, by their medians. Else it misses, \
but if all that it misses is close, this run can't tell.
- A figure is nanoseconds per operation, all threads' operations counted; half of its rounds lie within the \
percentage. In brackets: ours in the std world as a multiple of it.
- \"~\" before a figure: half of its rounds lie more than 10 % apart. After a setting: most rounds were noisy.
- \"short\": an increment inside, short work (20 ns) outside. \"long\": long work (1.65 µs) inside, nothing outside. \
Semaphores in contention: short work inside and outside.
- Ping-pong: there and back, by two flags, or by one mutex and one condition, notified when the mutex is free. Barrier: \
a round, with nothing between rounds.
- Queues: an item put and got. \"st\": one thread, put then get. \"4x1\": four producers, one consumer, and nothing else to \
do; what is left when the producers stop is got in the same time. \"b128\": room for 128; \"unb\": without a bound. \
Priority: \"first\" and \"anywhere\" is where a new item belongs among those that wait; no \
peer keeps the order of arrival among equals, as ours does.
- Threads do nothing. Timers are started an hour before they are due, among none or 100,000 that wait, and cancelled; or they \
are due at once, and waited for. \"a thread each\" sleeps on a condition, and its end is waited for; futures-timer runs \
no function: it is polled once, and dropped.
- Pools: all threads are there before the first task. A tiny task counts down, and the last one wakes who waits; ours drops \
the job. \"rayon scope\" submits from one of its workers, all others from a thread beside them. Results: 2 workers and a job \
that returns a number; a batch is submitted before the first result is asked for.
- Wait: processor time of a thread that waits for what comes after 1 s, or 100 ms with `--quick`, and not the time of the \
wait; 5 rounds, or one.
- A floor never sleeps. Where it has no bar, as our second types have none, it is only shown.";

/// The part of the machine that other processes may use, in the rounds of a cell that count, while it is called idle.
const NOT_IDLE: f64 = 0.05;

/// A run counts without its disturbed cells if they are at most one cell in `FEW`.
const FEW: usize = 20;

/// Everything that was measured in one run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The day, if it was given.
    pub date: Option<String>,
    /// Where.
    pub machine: Machine,
    /// How long.
    pub plan: Plan,
    /// What.
    pub rows: Vec<Outcome>,
    /// What beside busy processes.
    pub busy: Vec<Outcome>,
    /// What else.
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

    /// A sentence that says so if other processes kept the machine busy: for a few cells or for all of them.
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
                "While these were measured, {limit}, up to {most:.0} %; they do not count: {}.",
                disturbed.join("; ")
            )),
            many => Some(format!(
                "NOT IDLE: {limit} in {many} of {cells} cells, and up to {most:.0} %: the figures of this run do not count."
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
            "- Rounds: {rounds} of {slice:?} for each, to {most} where they are noisy or a bar is close; medians of the quieter half"
        )?;
        writeln!(
            f,
            "- Work: short is {} turns of a loop, long is {}",
            Work::short().turns,
            Work::long().turns
        )?;
        writeln!(
            f,
            "- Others used at most {:.0} % of the machine in the rounds that count",
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
