//! The report, in Markdown that can also be read in a terminal.

use crate::load::Work;
use crate::machine::Machine;
use crate::measure::{Fault, Figure, Outcome, Plan};
use crate::row::{Kind, WORLDS};
use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};
use serde::Serialize;
use std::fmt;

const NOTES: &str = "\
Reproduce it with `cargo bench -p benchmarks -- --write benchmarks/RESULTS.md` on a machine that does nothing else. \
Only ratios inside one run travel to other machines.

- Ours and the peers are interleaved in one process, in rotating order, and get the same loop.
- A bar is a ratio of ours to a peer, or nanoseconds. \"close\": what the rounds reached lies on both sides of it.
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
- A floor never sleeps. Where it has no bar, as our second types have none, it is only shown.";

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
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Benchmarks\n")?;
        self.preamble(f)?;
        writeln!(f, "\n## Bars\n\n{}", bars(&self.rows))?;
        for shape in self.rows.chunk_by(|a, b| a.shape == b.shape) {
            writeln!(f, "\n## {}\n\n{}", shape[0].shape, figures(shape))?;
        }
        let faults: Vec<String> = self.rows.iter().flat_map(faults).collect();
        if !faults.is_empty() {
            writeln!(f, "\n## Without a figure\n\n{}", faults.join("\n"))?;
        }
        Ok(())
    }
}

impl Report {
    fn preamble(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { processor, cores, system, rustc, peers } = &self.machine;
        let Plan { rounds, slice, .. } = self.plan;
        let others = self.rows.iter().map(|row| row.others).fold(0.0, f64::max);
        let verdicts = || self.rows.iter().flat_map(|row| &row.verdicts);
        let (all, met) = (verdicts().count(), verdicts().filter(|verdict| verdict.is_met()).count());
        if let Some(date) = &self.date {
            writeln!(f, "- Date: {date}")?;
        }
        writeln!(f, "- Machine: {processor}, {cores} cores, {system}")?;
        writeln!(f, "- Compiler: {rustc}")?;
        writeln!(f, "- Peers: {}", peers.join(", "))?;
        writeln!(f, "- Rounds: {rounds} or more of {slice:?} for each; medians of the 9 quietest")?;
        writeln!(f, "- Work: short is {} turns of a loop, long is {}", Work::short().turns, Work::long().turns)?;
        writeln!(f, "- Others used at most {:.0} % of the machine in the rounds that count", 100.0 * others)?;
        writeln!(f, "- Bars met: {met} of {all}, counting our two worlds apart\n\n{NOTES}")
    }
}

impl fmt::Display for Outcome {
    /// One line, for those who wait.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {}: {} rounds, {} noisy, others {:.0} %",
            self.shape,
            self.setting,
            self.rounds,
            self.noisy_rounds,
            100.0 * self.others
        )?;
        for figure in &self.figures {
            write!(f, "; {} {}", figure.name, nanoseconds(figure))?;
        }
        for verdict in &self.verdicts {
            write!(f, "; {:?} {verdict} ({})", verdict.world, verdict.bar)?;
        }
        Ok(())
    }
}

fn table(header: impl IntoIterator<Item = String>) -> Table {
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN).set_header(header.into_iter().collect::<Vec<_>>());
    table
}

/// A line for each bar, a column for each of our worlds.
fn bars(rows: &[Outcome]) -> Table {
    let header = ["shape", "setting", "bar", "rival", "ours, std world", "ours, parking_lot world"];
    let mut table = table(header.map(str::to_owned));
    for row in rows {
        for pair in row.verdicts.chunks(WORLDS.len()) {
            let mut rivals: Vec<_> = pair.iter().map(|verdict| verdict.rival.unwrap_or("none")).collect();
            rivals.dedup();
            let mut cells = vec![row.shape.to_owned(), row.setting.to_owned(), pair[0].bar.to_string()];
            cells.push(rivals.join(", "));
            cells.extend(pair.iter().map(ToString::to_string));
            table.add_row(cells);
        }
    }
    table
}

/// A line for each row of a shape, a column for each participant.
fn figures(rows: &[Outcome]) -> Table {
    let mut names: Vec<&str> = Vec::new();
    for figure in rows.iter().flat_map(|row| &row.figures) {
        if !names.contains(&figure.name) {
            names.push(figure.name);
        }
    }
    let mut table = table(["setting"].iter().chain(&names).map(ToString::to_string).collect::<Vec<_>>());
    for row in rows {
        let cells = names.iter().map(|name| row.figures.iter().find(|figure| figure.name == *name));
        let cells = cells.map(|figure| figure.map_or_else(String::new, |figure| cell(figure, row)));
        let mark = if row.noisy_rounds > row.rounds / 2 { " ~" } else { "" };
        table.add_row([format!("{}{mark}", row.setting)].into_iter().chain(cells));
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

fn cell(figure: &Figure, row: &Outcome) -> String {
    let median = |figure: &Figure| figure.result.ok().map(|summary| summary.median);
    let ours = row.figures.iter().find(|figure| figure.kind == Kind::Std).and_then(median);
    let ratio = match (ours, median(figure)) {
        (Some(ours), Some(theirs)) if figure.kind != Kind::Std => format!(" ({})", significant(ours / theirs)),
        _ => String::new(),
    };
    nanoseconds(figure) + &ratio
}

/// "4.42 ±1%", or the fault.
fn nanoseconds(figure: &Figure) -> String {
    match figure.result {
        Ok(summary) => {
            let mark = if figure.is_noisy() { "~" } else { "" };
            format!("{mark}{} ±{:.0}%", significant(summary.median), 50.0 * summary.spread())
        }
        Err(Fault::Stuck) => "stuck".to_owned(),
        Err(Fault::Panicked) => "panicked".to_owned(),
    }
}

/// Three digits or so.
fn significant(value: f64) -> String {
    let digits = [(100.0, 0), (10.0, 1), (0.1, 2), (0.01, 3)].into_iter().find(|&(least, _)| value >= least);
    format!("{value:.*}", digits.map_or(4, |(_, digits)| digits))
}

fn faults(row: &Outcome) -> impl Iterator<Item = String> {
    let fault = |figure: &Figure| match figure.result {
        Ok(_) => None,
        Err(Fault::Stuck) => Some("was stuck, and its threads were left behind; if they spin, later rows suffer"),
        Err(Fault::Panicked) => Some("panicked"),
    };
    row.figures.iter().filter_map(move |figure| {
        Some(format!("- {}, {}: {} {}.", row.shape, row.setting, figure.name, fault(figure)?))
    })
}
