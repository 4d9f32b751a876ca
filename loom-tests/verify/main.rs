//! `cargo verify`: checks the laws of the kit, each over every interleaving of its models.

mod breaks;
mod children;
mod law;
mod ledger;
mod mutants;
mod parent;
mod place;
mod play;
mod progress;
mod refines;
mod replay;
mod report;
mod shard;
mod sites;
mod stage;

#[path = "../laws/mod.rs"]
mod laws;

use clap::Parser;
use law::Law;
use place::Place;
use play::Task;
use replay::Record;
use report::{Json, Lines};
use selvedge_loom::backend::probe::site;
use shard::Shard;
use sites::Weaker;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Checks the laws of selvedge: each model of a law is run in every interleaving of its threads.
///
/// Exits with 1 if a law fails (or, with --breaks or --mutants, if one is not caught), with 2 for bad arguments, with 130 after
/// an interrupt, which loses no verdict that has come. Two runs give the same interleavings.
#[derive(Debug, Parser)]
#[command(name = "cargo verify", bin_name = "cargo verify", version)]
struct Arguments {
    /// Only the laws of these ids; of one that is no id, those whose id begins with it or whose claim contains it
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,

    /// Allow more preemptions where interleavings are bounded (takes much longer)
    #[arg(long)]
    deep: bool,

    /// Write the verdicts to this file, as JSON; `-` is the standard output, and the lines then go to the standard error
    #[arg(long, value_name = "FILE", conflicts_with_all = ["breaks", "mutants", "replay"])]
    json: Option<PathBuf>,

    /// Only the i-th of n parts of the laws, or of the breaks: the parts together are the whole
    #[arg(long, value_name = "I/N", conflicts_with_all = ["mutants", "replay"])]
    shard: Option<Shard>,

    /// Run the one interleaving that this file records, and show it: a column for each thread, a row for each event
    #[arg(long, value_name = "FILE", conflicts_with_all = ["breaks", "mutants", "deep", "list"])]
    replay: Option<PathBuf>,

    /// Put each deliberate bug of loom-tests/breaks into a copy of the source: its law must fail
    #[arg(long, conflicts_with_all = ["deep", "mutants"])]
    breaks: bool,

    /// Weaken each ordering of the source in turn: a law must fail, or loom-tests/mutants.toml say why none does. The
    /// filter chooses files
    #[arg(long, conflicts_with = "deep")]
    mutants: bool,

    /// Print the ids and claims of the laws, and check nothing
    #[arg(long)]
    list: bool,

    /// Check one law in this process and report to the parent
    #[arg(long, value_name = "ID", hide = true)]
    child: Option<String>,

    /// As a child: store loom's path to --place here
    #[arg(long, value_name = "FILE", hide = true, requires = "place")]
    record: Option<PathBuf>,

    /// As a child: the interleaving to record, as JSON
    #[arg(long, value_name = "PLACE", hide = true)]
    place: Option<String>,

    /// As a child: tell which orderings are reached
    #[arg(long, hide = true)]
    census: bool,

    /// As a child: weaken this ordering
    #[arg(long, value_name = "FILE:LINE:COLUMN:OPERAND:ORDERING", hide = true)]
    mutant: Option<Weaker>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(id) = &arguments.child {
        return child(id, &arguments).unwrap_or_else(|error| trouble(&error));
    }
    if let Err(error) = children::end_when_interrupted() {
        return trouble(&error.to_string());
    }
    let filters = &arguments.filters;
    if arguments.breaks {
        return breaks::check(filters, arguments.shard);
    }
    if arguments.mutants {
        return mutants::check(filters);
    }
    let laws = match chosen(filters) {
        Ok(laws) => laws,
        Err(filter) => {
            return trouble(&format!(
                "no law matches {filter:?}; `cargo verify --list` prints them all"
            ));
        }
    };
    if let Some(file) = &arguments.replay {
        return replay::replay(&laws, file);
    }
    let laws = Shard::deal(arguments.shard, laws);
    if arguments.list {
        laws.iter().for_each(|law| println!("{} {}", law.id, law.claim));
        return ExitCode::SUCCESS;
    }
    let json = match arguments.json.as_deref().map(Json::create).transpose() {
        Ok(json) => json,
        Err(error) => return trouble(&error),
    };
    let lines = Lines::new(&laws, arguments.json.as_deref() == Some(Path::new("-")));
    let verdicts = parent::check(&laws, arguments.deep, &lines);
    lines.end(&verdicts);
    if let Err(error) = json.map_or(Ok(()), |json| json.write(&verdicts)) {
        return trouble(&format!("the verdicts could not be written: {error}"));
    }
    report::exit_code(&verdicts)
}

/// What a parent has started this process for.
fn child(id: &str, arguments: &Arguments) -> Result<ExitCode, String> {
    let law = laws::all()
        .into_iter()
        .find(|law| law.id == id)
        .ok_or_else(|| format!("there is no law {id}"))?;
    let deep = arguments.deep;
    let task = match (&arguments.record, &arguments.place, &arguments.replay) {
        (Some(file), Some(place), _) => {
            let place: Place = serde_json::from_str(place).map_err(|error| error.to_string())?;
            Task::Record {
                deep,
                place,
                file: file.clone(),
            }
        }
        (_, _, Some(file)) => Task::Replay(Record::read(file)?),
        _ => Task::Check { deep },
    };
    if arguments.census {
        site::count();
    }
    if let Some(mutant) = &arguments.mutant {
        site::mutate(mutant.clone().into());
    }
    Ok(play::play(&law, task))
}

fn trouble(error: &str) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(2)
}

/// Whether one of the filters matches; without a filter all is wanted.
fn is_wanted(filters: &[String], matches: impl Fn(&str) -> bool) -> bool {
    filters.is_empty() || filters.iter().any(|filter| matches(filter))
}

/// The laws that a filter chooses, in their order; or a filter that chooses none.
fn chosen(filters: &[String]) -> Result<Vec<Law>, &str> {
    let mut laws = laws::all();
    let ids: Vec<&str> = laws.iter().map(|law| law.id).collect();
    let matches = |law: &Law, filter: &str| match ids.contains(&filter) {
        true => law.id == filter,
        false => law.id.starts_with(filter) || law.claim.contains(filter),
    };
    if let Some(useless) = filters
        .iter()
        .find(|filter| !laws.iter().any(|law| matches(law, filter)))
    {
        return Err(useless);
    }
    laws.retain(|law| is_wanted(filters, |filter| matches(law, filter)));
    Ok(laws)
}
