//! The child process: checks one law and tells its parent, a line of JSON at a time. A model that fails may abort
//! the process (a panic while a guard is dropped), so what went wrong is told before that.

use crate::law::{EXPLORED, Law, THREADS};
use crate::place::{self, Place};
use crate::replay::Record;
use crate::sites::Key;
use selvedge_loom::backend::probe::{self, columns, log, site};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::Duration;

/// What a child tells.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// So many interleavings so far.
    Explored(u64),
    /// The sites that were reached.
    Reached(Vec<Key>),
    /// The law holds, or what else was to be done is done.
    Holds(Summary),
    /// It fails, in this execution, which has this number of threads.
    Fails { place: Place, threads: usize },
    /// What happened in the execution.
    Columns(String),
}

/// What the models of a law have shown together.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    pub threads: usize,
    pub models: usize,
    pub interleavings: u64,
    pub bound: Option<usize>,
    pub lock_specified: bool,
}

/// What a child is there for.
pub enum Task {
    /// To explore all models.
    Check { deep: bool },
    /// To store loom's path to an execution.
    Record { deep: bool, place: Place, file: PathBuf },
    /// To run one execution.
    Replay(Record),
}

const TICK: Duration = Duration::from_millis(100);

/// An interleaving takes microseconds: one that takes so many ticks does not end.
const STUCK: u32 = 600;

/// The panics of an execution, and its number. The last is the reason, if it is the one that leaves a model; models
/// swallow others by the thousand.
static PANICS: Mutex<(u64, Vec<String>)> = Mutex::new((0, Vec::new()));

/// What happens in the execution that is replayed.
static LOG: OnceLock<log::Shared> = OnceLock::new();

/// Does what is to be done with `law`; the exit code is 0 if it holds.
pub fn play(law: &Law, task: Task) -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        let mut panics = panics();
        let (now, execution) = (info.to_string(), place::here().map_or(0, |place| place.execution));
        if panics.0 != execution {
            *panics = (execution, Vec::new());
        }
        // The process aborts: what came before is the reason, and this is the last chance to tell it.
        if now.contains("panic in a destructor") || now.contains("cannot unwind") {
            eprintln!("{}", panics.1.join("\n"));
            // The stacks of a model's threads are small.
            let _ = thread::spawn(last_words).join();
        }
        panics.1.push(now);
    }));
    probe::end_with(|reason| {
        // With its place, if a panic has said it.
        let panics = panics();
        eprintln!(
            "{}",
            panics
                .1
                .last()
                .filter(|last| last.contains(reason))
                .map_or(reason, String::as_str)
        );
        drop(panics);
        THREADS.fetch_max(probe::started() + 1, Relaxed);
        // The stacks of a model's threads are small.
        let _ = thread::spawn(last_words).join();
        std::process::exit(1);
    });
    thread::spawn(watch);
    let played = catch_unwind(AssertUnwindSafe(|| perform(law, task)));
    match played {
        Ok(Ok(summary)) => {
            tell_columns();
            tell(&Line::Holds(summary));
            ExitCode::SUCCESS
        }
        Ok(Err(reason)) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
        Err(_) => {
            eprintln!("{}", panics().1.last().map_or("a panic", String::as_str));
            last_words();
            ExitCode::FAILURE
        }
    }
}

fn perform(law: &Law, task: Task) -> Result<Summary, String> {
    let model = |place: &Place| {
        let model = law.models.get(place.model).filter(|model| model.name == place.name);
        eprintln!("model: {}", place.name);
        model.ok_or_else(|| format!("the law has no model {}, {:?}", place.model, place.name))
    };
    match task {
        Task::Check { deep } => models(law, deep),
        Task::Record { deep, place, file } => {
            model(&place)?.record(&place, deep, file, || tell(&Line::Holds(Summary::default())));
            Err("the execution does not come".into())
        }
        Task::Replay(record) => {
            let _ = LOG.set(log::switch_on(false));
            let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
            // A copy of loom's: it writes to it.
            let path = folder.path().join("path.json");
            std::fs::write(&path, record.path.to_string()).map_err(|error| error.to_string())?;
            model(&record.place)?.replay(&record.place, record.deep, path);
            Ok(Summary::default())
        }
    }
}

fn models(law: &Law, deep: bool) -> Result<Summary, String> {
    let mut summary = Summary::default();
    let mut slept = false;
    for (index, model) in law.models.iter().enumerate() {
        eprintln!("model: {}", model.name);
        let explored = model.explore(index, deep);
        summary.models += 1;
        summary.threads = summary.threads.max(explored.threads);
        summary.interleavings += explored.interleavings;
        summary.bound = summary.bound.into_iter().chain(explored.bound).min();
        summary.lock_specified |= explored.lock_specified;
        slept |= explored.slept;
    }
    tell(&Line::Reached(site::reached().into_iter().map(Key::from).collect()));
    slept
        .then_some(summary)
        .ok_or_else(|| "no thread slept in any of its models: it would show nothing".into())
}

/// Reports progress, and ends a process in which an interleaving does not end.
fn watch() {
    let (mut last, mut ticks) = (0, 0);
    loop {
        thread::park_timeout(TICK);
        let explored = EXPLORED.load(Relaxed);
        ticks = if explored == last { ticks + 1 } else { 0 };
        last = explored;
        if ticks > STUCK {
            eprintln!("an interleaving does not end");
            last_words();
            std::process::exit(1);
        }
        tell(&Line::Explored(explored));
    }
}

/// Where it fails, and what happened there.
fn last_words() {
    if let Some(place) = place::here() {
        tell(&Line::Fails {
            place,
            threads: THREADS.load(Relaxed),
        });
    }
    tell_columns();
}

fn panics() -> MutexGuard<'static, (u64, Vec<String>)> {
    PANICS.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn tell_columns() {
    let log = LOG.get().map(log::Shared::read).unwrap_or_default();
    if !log.events.is_empty() {
        tell(&Line::Columns(columns::text(&log)));
    }
}

fn tell(line: &Line) {
    let line = serde_json::to_string(line).expect("a line is plain data");
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(1); // the parent is gone
    }
}
