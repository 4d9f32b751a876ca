//! Whether the orderings are needed, each of them: every one is weakened in turn, at run time, and some law must fail.
//! One that nobody misses has its reason in the ledger.

use crate::children;
use crate::is_wanted;
use crate::law::{Law, TOO_MANY};
use crate::ledger::{self, Entry, Ledger};
use crate::parent::{Ended, child, each, indented};
use crate::progress::Progress;
use crate::report::plain_table;
use crate::sites::{self, Key, Strong, Weaker};
use selvedge_loom::backend::atomic::Ordering;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// One site, one weaker ordering.
struct Mutant<'a> {
    site: &'a Strong,
    becomes: Ordering,
}

/// What became of a mutant.
struct Tried<'a> {
    mutant: &'a Mutant<'a>,
    fate: Fate,
    seconds: f64,
}

enum Fate {
    /// By this law.
    Killed(&'static str),
    /// Each law that reaches it held; so many do.
    Survives(usize),
    Unreached,
    /// It could not be tried.
    Error(String),
}

/// Which sites a law reaches, and how long it takes.
struct Census {
    reached: Vec<Key>,
    seconds: f64,
    trouble: Option<String>,
}

/// Tries the mutants of the files whose path contains one of the filters; of all, without one.
pub fn check(filters: &[String]) -> ExitCode {
    tried(filters).unwrap_or_else(|error| crate::trouble(&error))
}

fn tried(filters: &[String]) -> Result<ExitCode, String> {
    let chosen = |file: &str| is_wanted(filters, |filter| file.contains(filter));
    let sites = sites::all()?;
    let ledger = Ledger::read()?;
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let mutants: Vec<Mutant<'_>> = sites
        .iter()
        .filter(|site| chosen(&site.key.file))
        .flat_map(|site| site.weaker().iter().map(move |&becomes| Mutant { site, becomes }))
        .collect();
    if mutants.is_empty() {
        return Err(format!("no file with an ordering is called {}", filters.join(" or ")));
    }
    let laws = crate::laws::all();
    let census = census(&this, &laws);
    if children::are_interrupted() {
        return Ok(children::exit_code());
    }
    let mut failures = complaints(&sites, &laws, &census);
    if failures == 0 {
        let tried = try_all(&this, &mutants, &laws, &census);
        failures = report(&tried, mutants.len(), &ledger, chosen, filters.is_empty());
    }
    if children::are_interrupted() {
        return Ok(children::exit_code());
    }
    Ok(ExitCode::from(u8::from(failures > 0)))
}

/// Plays every law as it is, once: what a law does not reach it cannot kill.
fn census(verify: &Path, laws: &[Law]) -> Vec<Census> {
    let progress = Progress::of_laws(laws);
    each(laws.len(), |index| {
        let begin = Instant::now();
        let played = child(verify, laws[index].id, &["--census".into()], |explored| {
            progress.explored(index, explored)
        });
        let trouble = match played.ended {
            Ended::Holds(_) => None,
            Ended::Fails(why) | Ended::Unplayable(why) => Some(why),
        };
        progress.done(index);
        Census {
            reached: played.reached,
            seconds: begin.elapsed().as_secs_f64(),
            trouble,
        }
    })
}

/// What is wrong before any mutant is tried.
fn complaints(sites: &[Strong], laws: &[Law], census: &[Census]) -> usize {
    let mut complaints = Vec::new();
    for (law, Census { reached, trouble, .. }) in laws.iter().zip(census) {
        complaints.extend(
            trouble
                .iter()
                .map(|why| format!("{} fails without a mutant:\n{}", law.id, indented(why))),
        );
        let unknown = |key: &&Key| sites::is_checked(&key.file) && sites.iter().all(|site| site.key != **key);
        complaints.extend(reached.iter().filter(unknown).map(
            |Key {
                 file,
                 line,
                 column,
                 operand,
             }| {
                format!(
                    "{file}:{line}:{column}: {} runs an ordering here (operand {operand}) that was not found",
                    law.id
                )
            },
        ));
    }
    complaints.sort();
    complaints.dedup();
    complaints.iter().for_each(|complaint| println!("{complaint}"));
    complaints.len()
}

/// In order, without those that an interrupt cut off.
fn try_all<'a>(verify: &Path, mutants: &'a [Mutant<'a>], laws: &[Law], census: &[Census]) -> Vec<Tried<'a>> {
    let progress = Progress::of(mutants.len());
    let tried = each(mutants.len(), |index| {
        let (mutant, begin) = (&mutants[index], Instant::now());
        let fate = fate(verify, mutant, laws, census, |law| {
            progress.show(&format!("{}:{} by {law}", mutant.site.key.file, mutant.site.key.line));
        });
        progress.done(index);
        let seconds = begin.elapsed().as_secs_f64();
        (!children::are_interrupted()).then_some(Tried { mutant, fate, seconds })
    });
    tried.into_iter().flatten().collect()
}

fn fate(verify: &Path, mutant: &Mutant<'_>, laws: &[Law], census: &[Census], tell: impl Fn(&str)) -> Fate {
    let key = &mutant.site.key;
    let mut able: Vec<usize> = (0..laws.len())
        .filter(|&law| census[law].reached.contains(key))
        .collect();
    if able.is_empty() {
        return Fate::Unreached;
    }
    // Its own laws first, and then the quick ones.
    able.sort_by(|&one, &other| {
        let rank = |law: usize| (stem(laws[law].file) != stem(&key.file), census[law].seconds);
        rank(one).partial_cmp(&rank(other)).expect("times are numbers")
    });
    let weaker = Weaker {
        key: key.clone(),
        becomes: mutant.becomes,
    };
    let arguments = ["--mutant".into(), weaker.to_string()];
    for &law in &able {
        tell(laws[law].id);
        match child(verify, laws[law].id, &arguments, |_| {}).ended {
            Ended::Holds(_) => {}
            Ended::Fails(why) if why.contains(TOO_MANY) => {} // more may happen, nothing bad did
            Ended::Fails(_) => return Fate::Killed(laws[law].id),
            Ended::Unplayable(why) => return Fate::Error(why),
        }
    }
    Fate::Survives(able.len())
}

fn stem(file: &str) -> Option<&str> {
    Path::new(file).file_stem().and_then(|stem| stem.to_str())
}

/// Prints what became of each, and tells how many failures that makes.
fn report(tried: &[Tried<'_>], mutants: usize, ledger: &Ledger, chosen: impl Fn(&str) -> bool, all: bool) -> usize {
    let mut table = plain_table(["site", "operation", "mutant", "killed by", "time"]);
    let (mut failures, mut killed, mut unreached, mut survivors) = (0, 0, 0, Vec::new());
    let mut notes = Vec::new();
    for Tried {
        mutant: Mutant { site, becomes },
        fate,
        seconds,
    } in tried
    {
        let entry = Entry::of(site, *becomes);
        let excused = ledger.survivor.iter().any(|known| known.is_about(&entry));
        let word = match fate {
            Fate::Killed(law) => (*law).to_owned(),
            Fate::Survives(laws) if excused => format!("survives {laws} laws, with a reason"),
            Fate::Survives(laws) => format!("SURVIVES {laws} laws"),
            Fate::Unreached => "NOT REACHED".into(),
            Fate::Error(_) => "ERROR".into(),
        };
        match fate {
            Fate::Killed(_) => killed += 1,
            Fate::Survives(_) => {
                if !excused {
                    notes.push(format!("no reason in {}: {}", ledger::FILE, entry.title()));
                }
                survivors.push(entry);
            }
            Fate::Unreached => {
                unreached += 1;
                notes.push(format!("reached by no law: {}", entry.title()));
            }
            Fate::Error(error) => notes.push(format!("{}:\n{}", entry.title(), indented(error))),
        }
        let operand = if site.key.operand == 0 { "" } else { " on failure" };
        table.add_row([
            format!("{}:{}", site.key.file, site.key.line),
            format!("{} in {}", site.operation, site.function),
            format!("{:?} → {becomes:?}{operand}", site.ordering),
            word,
            format!("{seconds:.1} s"),
        ]);
    }
    let whole = tried.len() == mutants;
    for known in ledger.survivor.iter().filter(|known| whole && chosen(&known.file)) {
        if !survivors.iter().any(|entry| known.is_about(entry)) {
            notes.push(format!(
                "in {}, but killed or not there: {}",
                ledger::FILE,
                known.title()
            ));
        }
    }
    failures += notes.len();
    println!("{table}");
    notes.iter().for_each(|note| println!("{note}"));
    println!(
        "{mutants} mutants: {killed} killed, {} survive, {unreached} not reached",
        survivors.len()
    );
    if !whole {
        println!("{} were not tried to the end", mutants - tried.len());
    }
    if all && whole && killed * 10 < mutants * 9 {
        println!("fewer than nine in ten are killed");
        failures += 1;
    }
    failures
}
