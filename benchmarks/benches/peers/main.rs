//! Measures selvedge and its peers: `cargo bench -p benchmarks -- --help`.

mod busy;
mod load;
mod machine;
mod measure;
mod parts;
mod report;
mod row;
mod sections;
mod shapes;
mod statistics;
mod verdict;

use busy::Wanted;
use clap::Parser;
use measure::Plan;
use report::Report;
use row::Row;
use sections::{Context, Planned};
use shapes::wait;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Measures selvedge in both of its production builds and its peers, interleaved in one process.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo bench -p benchmarks --")]
struct Arguments {
    /// Measure only the rows ("Lock, contended 2, short") and the sections whose names contain this; case is ignored
    #[arg(long, short, value_name = "SUBSTR")]
    filter: Option<String>,
    /// Rounds of each row
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Milliseconds for each participant of a round
    #[arg(long, value_name = "N")]
    slice: Option<u64>,
    /// The most rounds of a row, if half of them are noisy or a bar is close
    /// [default: twice the rounds; with --quick the rounds]
    #[arg(long, short, value_name = "N")]
    most: Option<usize>,
    /// Measure 5 rounds of 10 ms: about a minute, for a first impression only
    #[arg(long)]
    quick: bool,
    /// Measure only the section beside busy processes, or only those of its cells ("Busy,
    /// Queue b1 1x1, 3 per processor, on one processor") whose names contain all of these
    #[arg(long, short, value_name = "SUBSTR", num_args = 0.., conflicts_with = "filter")]
    busy: Option<Vec<String>>,
    /// Print the names of the rows and sections, and exit
    #[arg(long)]
    list: bool,
    /// Write all figures to FILE
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report to FILE, in Markdown; a relative path is relative to the repository's root
    /// [default: benchmarks/RESULTS.md in the target folder]
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Report the costs of the laws, from the FILE that `cargo verify --json FILE` has written
    #[arg(long, value_name = "FILE")]
    proofs: Option<PathBuf>,
    /// Report how models grow, from a FILE with the output of the example `growth` of loom-tests
    #[arg(long, value_name = "FILE")]
    growth: Option<PathBuf>,
    /// The date to put in the report
    #[arg(long, value_name = "TEXT")]
    date: Option<String>,
    /// Run as a child that measures the memory of this queue
    #[arg(long, hide = true)]
    memory_of: Option<String>,
    /// Run as a child whose instructions are counted
    #[arg(long, hide = true)]
    count_instructions: bool,
    /// Run as a child that measures this task beside busy processes
    #[arg(long, hide = true)]
    beside_busy: Option<String>,
    /// Run as this busy process
    #[arg(long, hide = true)]
    hog: Option<String>,
    /// Cargo passes it to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    fn plan(&self) -> Plan {
        let (rounds, slice) = if self.quick { (5, 10) } else { (30, 20) };
        let rounds = self.rounds.unwrap_or(rounds) as usize;
        let most = if self.quick { rounds } else { 2 * rounds };
        Plan {
            rounds,
            most: self.most.unwrap_or(most),
            slice: Duration::from_millis(self.slice.unwrap_or(slice)),
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.busy.is_none()
            && self
                .filter
                .as_ref()
                .is_none_or(|part| name.to_lowercase().contains(&part.to_lowercase()))
    }

    /// What to measure beside busy processes.
    fn busy(&self) -> Option<Wanted> {
        let words = if self.wants(busy::TITLE) {
            Vec::new()
        } else {
            self.busy.clone()?
        };
        let slice = self.slice.map(Duration::from_millis);
        Some(Wanted {
            quick: self.quick,
            rounds: self.rounds,
            slice,
            words,
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if let Some(queue) = &arguments.memory_of {
        sections::objects::child(queue);
        return Ok(());
    }
    if arguments.count_instructions {
        sections::instructions::child();
        return Ok(());
    }
    if let Some(task) = &arguments.beside_busy {
        return busy::child(task);
    }
    if let Some(what) = &arguments.hog {
        return busy::hog(what);
    }
    let mut rows = shapes::rows();
    let busy = shapes::busy::rows();
    report::causes_name(
        &rows
            .iter()
            .map(Row::name)
            .chain(busy.iter().map(Row::name))
            .collect::<Vec<_>>(),
    )?;
    rows.retain(|row| arguments.wants(&row.name()));
    let sections = sections::ALL
        .into_iter()
        .filter(|section| arguments.wants(section.title))
        .collect::<Vec<_>>();
    let busy = arguments.busy();
    let cells = busy.as_ref().map_or_else(Vec::new, Wanted::names);
    if rows.is_empty() && sections.is_empty() && cells.is_empty() {
        return Err("no row or section has such a name; --list shows the names".into());
    }
    if arguments.list {
        rows.iter().for_each(|row| println!("{}", row.name()));
        cells.iter().for_each(|name| println!("{name}"));
        sections.iter().for_each(|section| println!("{}", section.title));
        return Ok(());
    }

    let plan = arguments.plan();
    let machine = machine::describe();
    let mut outcomes = Vec::new();
    for row in rows {
        let plan = if row.shape == wait::SHAPE {
            wait::plan(arguments.quick)
        } else {
            plan
        };
        let outcome = measure::row(row, plan);
        eprintln!("{outcome}");
        outcomes.push(outcome);
    }
    let busy = busy.map_or_else(Vec::new, |wanted| wanted.measure());

    let [proofs, growth] = [arguments.proofs, arguments.growth].map(|file| file.map(|file| from_root(&file)));
    let (proofs, growth) = (proofs.as_deref(), growth.as_deref());
    let context = Context {
        quick: arguments.quick,
        plan,
        rows: &outcomes,
        proofs,
        growth,
    };
    let measure = |section: &Planned| {
        eprintln!("{} ...", section.title);
        section.measure(&context)
    };
    let sections = sections.iter().map(measure).collect();

    let report = Report {
        date: arguments.date,
        machine,
        plan,
        rows: outcomes,
        busy,
        sections,
    };
    println!("{report}");
    let file = arguments.write.map_or_else(in_target, |file| from_root(&file));
    report.write(&file)?;
    eprintln!("the report is in {}", file.display());
    if let Some(sentence) = report.not_idle() {
        eprintln!("{sentence}");
    }
    if let Some(file) = arguments.json {
        fs::write(from_root(&file), serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}

/// The report's default path, in cargo's target folder.
fn in_target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .with_file_name("benchmarks")
        .join("RESULTS.md")
}

/// The path from the repository's root: cargo runs a benchmark in its package's folder.
fn from_root(file: &Path) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}
