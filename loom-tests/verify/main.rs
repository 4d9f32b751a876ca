//! `cargo verify`: checks the laws of the kit, each over every interleaving of its models.

mod breaks;
mod law;
mod parent;
mod play;
mod refines;
mod report;
mod stage;

#[path = "../laws/mod.rs"]
mod laws;

use clap::Parser;
use law::Law;
use std::path::PathBuf;
use std::process::ExitCode;

/// Checks the laws of selvedge: each model of a law is run in every interleaving of its threads.
///
/// Exits with 1 if a law fails (or, with --breaks, if a break is not caught), with 2 for bad arguments. Two runs
/// give the same interleavings.
#[derive(Debug, Parser)]
#[command(name = "cargo verify", bin_name = "cargo verify", version)]
struct Arguments {
    /// Only the law of this id, or else the laws whose id begins with it or whose claim contains it
    filter: Option<String>,

    /// Allow more preemptions where interleavings are bounded (takes much longer)
    #[arg(long)]
    deep: bool,

    /// Write the verdicts to this file, as JSON
    #[arg(long, value_name = "FILE", conflicts_with = "breaks")]
    json: Option<PathBuf>,

    /// Put each deliberate bug of loom-tests/breaks into a copy of the source: its law must fail
    #[arg(long, conflicts_with = "deep")]
    breaks: bool,

    /// Print the ids and claims of the laws, and check nothing
    #[arg(long)]
    list: bool,

    /// Check one law in this process and report to the parent
    #[arg(long, value_name = "ID", hide = true)]
    child: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(id) = &arguments.child {
        return match laws::all().into_iter().find(|law| law.id == id) {
            Some(law) => play::play(&law, arguments.deep),
            None => ExitCode::from(2),
        };
    }
    let filter = arguments.filter.as_deref().unwrap_or("");
    if arguments.breaks {
        return breaks::check(filter);
    }
    let laws = chosen(filter);
    if laws.is_empty() {
        eprintln!("error: no law is called {filter:?} or claims it; `cargo verify --list` prints them all");
        return ExitCode::from(2);
    }
    if arguments.list {
        laws.iter().for_each(|law| println!("{} {}", law.id, law.claim));
        return ExitCode::SUCCESS;
    }
    let verdicts = parent::check(&laws, arguments.deep);
    println!("{}", report::table(&verdicts));
    let written = arguments.json.as_ref().map_or(Ok(()), |file| report::write_json(file, &verdicts));
    if let Err(error) = written {
        eprintln!("error: the verdicts could not be written: {error}");
        return ExitCode::from(2);
    }
    report::exit_code(&verdicts)
}

/// The law that is called so, or else those whose id begins so or whose claim contains it.
fn chosen(filter: &str) -> Vec<Law> {
    let (named, others): (Vec<_>, Vec<_>) = laws::all().into_iter().partition(|law| law.id == filter);
    if !named.is_empty() {
        return named;
    }
    others.into_iter().filter(|law| law.id.starts_with(filter) || law.claim.contains(filter)).collect()
}
