//! Mutation test of the memory orderings. Each ordering of the source is weakened, one at a time and at run time, and some
//! law must fail. A mutant that survives needs a reason in `mutants.toml`.

use crate::is_selected;
use crate::law::{Law, TOO_MANY_INTERLEAVINGS};
use crate::orderings::{self, Key, StrongOrdering, WeakenedOrdering};
use crate::process_group;
use crate::progress::Progress;
use crate::report::{indented, plain_table};
use crate::runner::{Ended, each, run};
use crate::survivors::{self, Survivor, Survivors};
use selvedge_loom::backend::atomic::Ordering;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// A site and the weaker ordering that replaces its own.
struct Mutant<'a> {
    site: &'a StrongOrdering,
    becomes: Ordering,
}

/// A mutant that was tested.
struct Tested<'a> {
    mutant: &'a Mutant<'a>,
    result: MutantResult,
    seconds: f64,
}

enum MutantResult {
    /// This law fails.
    Killed(&'static str),
    /// All laws that reach the site hold; with their number.
    Survives(usize),
    /// No law reaches the site.
    Unreached,
    /// The mutant could not be tested.
    Error(String),
}

/// The sites that a law reaches, and the law's running time.
struct Coverage {
    reached: Vec<Key>,
    seconds: f64,
    failure: Option<String>,
}

/// Tests the mutants of the files whose path contains one of the filters, or of all files without a filter.
pub fn check(filters: &[String]) -> ExitCode {
    test_selected(filters).unwrap_or_else(|error| crate::report::error(&error))
}

fn test_selected(filters: &[String]) -> Result<ExitCode, String> {
    let selected = |file: &str| is_selected(filters, |filter| file.contains(filter));
    let sites = orderings::all()?;
    let survivors = Survivors::read()?;
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let mutants: Vec<Mutant<'_>> = sites
        .iter()
        .filter(|site| selected(&site.key.file))
        .flat_map(|site| site.weaker().iter().map(move |&becomes| Mutant { site, becomes }))
        .collect();
    if mutants.is_empty() {
        return Err(format!("no file with an ordering matches {}", filters.join(" or ")));
    }
    let laws = crate::laws::all();
    let coverage = coverage(&this, &laws);
    if process_group::is_interrupted() {
        return Ok(process_group::exit_code());
    }
    let mut failures = problems(&sites, &laws, &coverage);
    if failures == 0 {
        let tested = test_all(&this, &mutants, &laws, &coverage);
        failures = report(&tested, mutants.len(), &survivors, selected, filters.is_empty());
    }
    if process_group::is_interrupted() {
        return Ok(process_group::exit_code());
    }
    Ok(ExitCode::from(u8::from(failures > 0)))
}

/// Runs every law once without a mutant. A law can kill only mutants of sites that it reaches.
fn coverage(verify: &Path, laws: &[Law]) -> Vec<Coverage> {
    let progress = Progress::of_laws(laws);
    each(laws.len(), |index| {
        let begin = Instant::now();
        let run = run(verify, laws[index].id, &["--coverage".into()], |explored| {
            progress.explored(index, explored)
        });
        let failure = match run.ended {
            Ended::Holds(_) => None,
            Ended::Fails(why) | Ended::Error(why) => Some(why),
        };
        progress.done(index);
        Coverage {
            reached: run.reached,
            seconds: begin.elapsed().as_secs_f64(),
            failure,
        }
    })
}

/// Prints the problems that exist without a mutant: laws that fail, and orderings that the parser has not found. Returns
/// their number.
fn problems(sites: &[StrongOrdering], laws: &[Law], coverage: &[Coverage]) -> usize {
    let mut problems = Vec::new();
    for (law, Coverage { reached, failure, .. }) in laws.iter().zip(coverage) {
        problems.extend(
            failure
                .iter()
                .map(|why| format!("{} fails without a mutant:\n{}", law.id, indented(why))),
        );
        let unknown = |key: &&Key| orderings::is_checked(&key.file) && sites.iter().all(|site| site.key != **key);
        problems.extend(reached.iter().filter(unknown).map(
            |Key {
                 file,
                 line,
                 column,
                 operand,
             }| {
                format!(
                    "{file}:{line}:{column}: {} reaches an ordering (operand {operand}) that the parser has not found",
                    law.id
                )
            },
        ));
    }
    problems.sort();
    problems.dedup();
    problems.iter().for_each(|problem| println!("{problem}"));
    problems.len()
}

/// Tests the mutants; returns the results in order, without those that an interrupt cut off.
fn test_all<'a>(verify: &Path, mutants: &'a [Mutant<'a>], laws: &[Law], coverage: &[Coverage]) -> Vec<Tested<'a>> {
    let progress = Progress::of(mutants.len());
    let tested = each(mutants.len(), |index| {
        let (mutant, begin) = (&mutants[index], Instant::now());
        let result = test(verify, mutant, laws, coverage, |law| {
            progress.show(&format!("{}:{} by {law}", mutant.site.key.file, mutant.site.key.line));
        });
        progress.done(index);
        let seconds = begin.elapsed().as_secs_f64();
        (!process_group::is_interrupted()).then_some(Tested {
            mutant,
            result,
            seconds,
        })
    });
    tested.into_iter().flatten().collect()
}

fn test(
    verify: &Path,
    mutant: &Mutant<'_>,
    laws: &[Law],
    coverage: &[Coverage],
    show_progress: impl Fn(&str),
) -> MutantResult {
    let key = &mutant.site.key;
    let mut reaching: Vec<usize> = (0..laws.len())
        .filter(|&law| coverage[law].reached.contains(key))
        .collect();
    if reaching.is_empty() {
        return MutantResult::Unreached;
    }
    // The laws of the mutated file first, then the fastest.
    reaching.sort_by(|&one, &other| {
        let rank = |law: usize| (stem(laws[law].file) != stem(&key.file), coverage[law].seconds);
        rank(one).partial_cmp(&rank(other)).expect("times are numbers")
    });
    let weaker = WeakenedOrdering {
        key: key.clone(),
        becomes: mutant.becomes,
    };
    let arguments = ["--mutant".into(), weaker.to_string()];
    for &law in &reaching {
        show_progress(laws[law].id);
        match run(verify, laws[law].id, &arguments, |_| {}).ended {
            Ended::Holds(_) => {}
            Ended::Fails(why) if why.contains(TOO_MANY_INTERLEAVINGS) => {} // not a violation of the law
            Ended::Fails(_) => return MutantResult::Killed(laws[law].id),
            Ended::Error(why) => return MutantResult::Error(why),
        }
    }
    MutantResult::Survives(reaching.len())
}

fn stem(file: &str) -> Option<&str> {
    Path::new(file).file_stem().and_then(|stem| stem.to_str())
}

/// Prints the result of each mutant; returns the number of failures.
fn report(
    tested: &[Tested<'_>],
    mutants: usize,
    excused: &Survivors,
    selected: impl Fn(&str) -> bool,
    all: bool,
) -> usize {
    let mut table = plain_table(["site", "operation", "mutant", "killed by", "time"]);
    let (mut failures, mut killed, mut unreached, mut survivors) = (0, 0, 0, Vec::new());
    let mut notes = Vec::new();
    for Tested {
        mutant: Mutant { site, becomes },
        result,
        seconds,
    } in tested
    {
        let entry = Survivor::of(site, *becomes);
        let is_excused = excused.survivor.iter().any(|known| known.is_same_mutant(&entry));
        let word = match result {
            MutantResult::Killed(law) => (*law).to_owned(),
            MutantResult::Survives(laws) if is_excused => format!("survives {laws} laws, with a reason"),
            MutantResult::Survives(laws) => format!("SURVIVES {laws} laws"),
            MutantResult::Unreached => "NOT REACHED".into(),
            MutantResult::Error(_) => "ERROR".into(),
        };
        match result {
            MutantResult::Killed(_) => killed += 1,
            MutantResult::Survives(_) => {
                if !is_excused {
                    notes.push(format!("no reason in {}: {}", survivors::FILE, entry.title()));
                }
                survivors.push(entry);
            }
            MutantResult::Unreached => {
                unreached += 1;
                notes.push(format!("reached by no law: {}", entry.title()));
            }
            MutantResult::Error(error) => notes.push(format!("{}:\n{}", entry.title(), indented(error))),
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
    let whole = tested.len() == mutants;
    for known in excused.survivor.iter().filter(|known| whole && selected(&known.file)) {
        if !survivors.iter().any(|entry| known.is_same_mutant(entry)) {
            notes.push(format!(
                "in {}, but killed or nonexistent: {}",
                survivors::FILE,
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
        println!("{} mutants not tested", mutants - tested.len());
    }
    if all && whole && killed * 10 < mutants * 9 {
        println!("fewer than 90 % of the mutants are killed");
        failures += 1;
    }
    failures
}
