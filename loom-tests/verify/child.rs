//! The child process. It checks one law and reports to its parent in lines of JSON. A failing model may abort the
//! process (a panic while a guard is dropped), so the child reports a failure before the panic unwinds.

use crate::execution::{self, Execution, Record};
use crate::law::{EXPLORED, Law, THREADS};
use crate::orderings::Key;
use selvedge_loom::backend::probe::{self, site, trace};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::Duration;

/// A report of the child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Message {
    /// The number of interleavings explored so far.
    Explored(u64),
    /// The sites that were reached.
    Reached(Vec<Key>),
    /// The law holds, or the task other than a check succeeded.
    Holds(Summary),
    /// The law fails in this execution; with the number of its threads.
    Fails { execution: Execution, threads: usize },
    /// The events of the execution.
    Trace(String),
}

/// The result of all models of a law.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    pub threads: usize,
    pub models: usize,
    pub interleavings: u64,
    pub bound: Option<usize>,
    pub lock_specified: bool,
}

/// The task of a child.
pub enum Task {
    /// Explores all models.
    Check { deep: bool },
    /// Stores loom's path to an execution.
    Record {
        deep: bool,
        execution: Execution,
        file: PathBuf,
    },
    /// Runs one execution.
    Replay(Record),
}

const TICK: Duration = Duration::from_millis(100);

/// The watchdog's limit: an interleaving takes microseconds, so one that takes this many ticks does not terminate.
const STUCK_TICKS: u32 = 600;

/// The ordinal of an execution and its panics. The last panic is the reason of a failure if it leaves the model; a model
/// may catch thousands of others.
static PANICS: Mutex<(u64, Vec<String>)> = Mutex::new((0, Vec::new()));

/// The events of the execution that is replayed.
static LOG: OnceLock<trace::SharedTrace> = OnceLock::new();

/// Performs `task` for `law`. The exit code is 0 if the law holds.
pub fn run(law: &Law, task: Task) -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        let mut panics = panics();
        let (message, ordinal) = (info.to_string(), execution::current().map_or(0, |it| it.ordinal));
        if panics.0 != ordinal {
            *panics = (ordinal, Vec::new());
        }
        // The process is about to abort. The earlier panics are the reason; report them now.
        if message.contains("panic in a destructor") || message.contains("cannot unwind") {
            eprintln!("{}", panics.1.join("\n"));
            // On another thread: a model's thread has a small stack.
            let _ = thread::spawn(send_failure).join();
        }
        panics.1.push(message);
    }));
    probe::set_failure_handler(|reason| {
        // Prefer the panic with this reason, because it names the source line.
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
        THREADS.fetch_max(probe::spawned() + 1, Relaxed);
        // On another thread: a model's thread has a small stack.
        let _ = thread::spawn(send_failure).join();
        std::process::exit(1);
    });
    thread::spawn(watchdog);
    let result = catch_unwind(AssertUnwindSafe(|| perform(law, task)));
    match result {
        Ok(Ok(summary)) => {
            send_trace();
            send(&Message::Holds(summary));
            ExitCode::SUCCESS
        }
        Ok(Err(reason)) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
        Err(_) => {
            eprintln!("{}", panics().1.last().map_or("a panic", String::as_str));
            send_failure();
            ExitCode::FAILURE
        }
    }
}

fn perform(law: &Law, task: Task) -> Result<Summary, String> {
    let model = |execution: &Execution| {
        let model = law
            .models
            .get(execution.model)
            .filter(|model| model.name == execution.name);
        eprintln!("model: {}", execution.name);
        model.ok_or_else(|| format!("the law has no model {}, {:?}", execution.model, execution.name))
    };
    match task {
        Task::Check { deep } => check_models(law, deep),
        Task::Record { deep, execution, file } => {
            model(&execution)?.record(&execution, deep, file, || send(&Message::Holds(Summary::default())));
            Err("the execution was not reached".into())
        }
        Task::Replay(record) => {
            let _ = LOG.set(trace::switch_on(false));
            let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
            // loom writes to this file, so it gets a copy.
            let path = folder.path().join("path.json");
            std::fs::write(&path, record.path.to_string()).map_err(|error| error.to_string())?;
            model(&record.execution)?.replay(&record.execution, record.deep, path);
            Ok(Summary::default())
        }
    }
}

fn check_models(law: &Law, deep: bool) -> Result<Summary, String> {
    let mut summary = Summary::default();
    let mut has_blocked = false;
    for (index, model) in law.models.iter().enumerate() {
        eprintln!("model: {}", model.name);
        let explored = model.explore(index, deep);
        summary.models += 1;
        summary.threads = summary.threads.max(explored.threads);
        summary.interleavings += explored.interleavings;
        summary.bound = summary.bound.into_iter().chain(explored.bound).min();
        summary.lock_specified |= explored.lock_specified;
        has_blocked |= explored.has_blocked;
    }
    send(&Message::Reached(site::reached().into_iter().map(Key::from).collect()));
    has_blocked
        .then_some(summary)
        .ok_or_else(|| "vacuous: no thread blocked in any model of the law".into())
}

/// Reports progress. Ends a process in which an interleaving does not terminate.
fn watchdog() {
    let (mut last, mut ticks) = (0, 0);
    loop {
        thread::park_timeout(TICK);
        let explored = EXPLORED.load(Relaxed);
        ticks = if explored == last { ticks + 1 } else { 0 };
        last = explored;
        if ticks > STUCK_TICKS {
            eprintln!("an interleaving does not terminate");
            send_failure();
            std::process::exit(1);
        }
        send(&Message::Explored(explored));
    }
}

/// Reports the running execution as failed, and its events.
fn send_failure() {
    if let Some(execution) = execution::current() {
        send(&Message::Fails {
            execution,
            threads: THREADS.load(Relaxed),
        });
    }
    send_trace();
}

fn panics() -> MutexGuard<'static, (u64, Vec<String>)> {
    PANICS.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn send_trace() {
    let log = LOG.get().map(trace::SharedTrace::read).unwrap_or_default();
    if !log.entries.is_empty() {
        send(&Message::Trace(trace::text(&log)));
    }
}

fn send(message: &Message) {
    let line = serde_json::to_string(message).expect("a message is plain data");
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(1); // the parent has ended
    }
}
