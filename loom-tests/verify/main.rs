//! `cargo verify`: checks the laws of selvedge, each over all interleavings of its models.

mod breaks;
mod check;
mod child;
mod execution;
mod law;
mod mutants;
mod orderings;
mod process_group;
mod progress;
mod refines;
mod replay;
mod report;
mod runner;
mod scenario;
mod shard;
mod survivors;
mod workspace;

#[path = "../laws/mod.rs"]
mod laws;

use child::Task;
use clap::Parser;
use execution::{Execution, Record};
use law::Law;
use orderings::WeakenedOrdering;
use report::{Json, Lines, error};
use selvedge_loom::backend::probe::site;
use shard::Shard;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Checks the laws of selvedge: runs each model of a law in every interleaving of its threads.
///
/// Exits with 1 if a law fails or, with --breaks or --mutants, if a bug is not caught; with 2 on bad arguments; with 130
/// after an interrupt, which keeps the verdicts so far. Every run explores the same interleavings.
#[derive(Debug, Parser)]
#[command(name = "cargo verify", bin_name = "cargo verify", version)]
struct Arguments {
    /// Select laws: by id; if no law has that id, by prefix of the id or substring of the claim
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,

    /// Allow more preemptions where interleavings are bounded (much slower)
    #[arg(long)]
    deep: bool,

    /// Write the verdicts to this file as JSON; `-` is stdout, and the other output then goes to stderr
    #[arg(long, value_name = "FILE", conflicts_with_all = ["breaks", "mutants", "replay"])]
    json: Option<PathBuf>,

    /// Check only part I of N equal parts of the laws, or of the breaks
    #[arg(long, value_name = "I/N", conflicts_with_all = ["mutants", "replay"])]
    shard: Option<Shard>,

    /// Run the interleaving recorded in this file and show its trace: a column per thread, a row per event
    #[arg(long, value_name = "FILE", conflicts_with_all = ["breaks", "mutants", "deep", "list"])]
    replay: Option<PathBuf>,

    /// Add each deliberate bug of loom-tests/breaks to a copy of the source; its law must fail
    #[arg(long, conflicts_with_all = ["deep", "mutants"])]
    breaks: bool,

    /// Weaken each memory ordering of the source, one at a time; a law must fail, or loom-tests/mutants.toml must give a
    /// reason. The filter selects files
    #[arg(long, conflicts_with = "deep")]
    mutants: bool,

    /// Print the ids and claims of the laws without checking them
    #[arg(long)]
    list: bool,

    /// Check one law in this process and report to the parent
    #[arg(long, value_name = "ID", hide = true)]
    child: Option<String>,

    /// As a child: store loom's path to --execution in this file
    #[arg(long, value_name = "FILE", hide = true, requires = "execution")]
    record: Option<PathBuf>,

    /// As a child: the execution to record, as JSON
    #[arg(long, value_name = "EXECUTION", hide = true)]
    execution: Option<String>,

    /// As a child: report which orderings are reached
    #[arg(long, hide = true)]
    coverage: bool,

    /// As a child: weaken this ordering
    #[arg(long, value_name = "FILE:LINE:COLUMN:OPERAND:ORDERING", hide = true)]
    mutant: Option<WeakenedOrdering>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(id) = &arguments.child {
        return run_child(id, &arguments).unwrap_or_else(|message| error(&message));
    }
    if let Err(failure) = process_group::kill_on_interrupt() {
        return error(&failure.to_string());
    }
    let filters = &arguments.filters;
    if arguments.breaks {
        return breaks::check(filters, arguments.shard);
    }
    if arguments.mutants {
        return mutants::check(filters);
    }
    let laws = match selected(filters) {
        Ok(laws) => laws,
        Err(filter) => {
            return error(&format!(
                "no law matches {filter:?}; `cargo verify --list` prints all laws"
            ));
        }
    };
    if let Some(file) = &arguments.replay {
        return replay::command(&laws, file);
    }
    let laws = Shard::select(arguments.shard, laws);
    if arguments.list {
        laws.iter().for_each(|law| println!("{} {}", law.id, law.claim));
        return ExitCode::SUCCESS;
    }
    let json = match arguments.json.as_deref().map(Json::create).transpose() {
        Ok(json) => json,
        Err(message) => return error(&message),
    };
    let lines = Lines::new(&laws, arguments.json.as_deref() == Some(Path::new("-")));
    let verdicts = check::check(&laws, arguments.deep, &lines);
    lines.end(&verdicts);
    if let Err(failure) = json.map_or(Ok(()), |json| json.write(&verdicts)) {
        return error(&format!("cannot write the verdicts: {failure}"));
    }
    report::exit_code(&verdicts)
}

/// Performs the task for which the parent has started this process.
fn run_child(id: &str, arguments: &Arguments) -> Result<ExitCode, String> {
    let law = laws::all()
        .into_iter()
        .find(|law| law.id == id)
        .ok_or_else(|| format!("no law has the id {id}"))?;
    let deep = arguments.deep;
    let task = match (&arguments.record, &arguments.execution, &arguments.replay) {
        (Some(file), Some(execution), _) => {
            let execution: Execution = serde_json::from_str(execution).map_err(|error| error.to_string())?;
            Task::Record {
                deep,
                execution,
                file: file.clone(),
            }
        }
        (_, _, Some(file)) => Task::Replay(Record::read(file)?),
        _ => Task::Check { deep },
    };
    if arguments.coverage {
        site::count();
    }
    if let Some(mutant) = &arguments.mutant {
        site::mutate(mutant.clone().into());
    }
    Ok(child::run(&law, task))
}

/// Whether a filter matches, or there is no filter.
fn is_selected(filters: &[String], matches: impl Fn(&str) -> bool) -> bool {
    filters.is_empty() || filters.iter().any(|filter| matches(filter))
}

/// The laws that match a filter, in their order; or a filter that matches no law.
fn selected(filters: &[String]) -> Result<Vec<Law>, &str> {
    let mut laws = laws::all();
    let ids: Vec<&str> = laws.iter().map(|law| law.id).collect();
    let matches = |law: &Law, filter: &str| match ids.contains(&filter) {
        true => law.id == filter,
        false => law.id.starts_with(filter) || law.claim.contains(filter),
    };
    if let Some(unmatched) = filters
        .iter()
        .find(|filter| !laws.iter().any(|law| matches(law, filter)))
    {
        return Err(unmatched);
    }
    laws.retain(|law| is_selected(filters, |filter| matches(law, filter)));
    Ok(laws)
}
