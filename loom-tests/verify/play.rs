//! The child process: checks one law and tells its parent, a line of JSON at a time. A model that fails may abort
//! the process (a panic while a guard is dropped), so what went wrong is on stderr before that.

use crate::law::{EXPLORED, Law};
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

/// What a child tells.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// So many interleavings so far.
    Explored(u64),
    /// The law holds.
    Holds(Summary),
}

/// What the models of a law have shown together.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    pub threads: usize,
    pub models: usize,
    pub interleavings: u64,
    pub bound: Option<usize>,
}

const TICK: Duration = Duration::from_millis(100);

/// An interleaving takes microseconds: one that takes so many ticks does not end.
const STUCK: u32 = 600;

/// The last panic: the reason, if it is the one that leaves a model. Models swallow others by the thousand.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Checks `law`; the exit code is 0 if it holds.
pub fn play(law: &Law, deep: bool) -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        let mut last = LAST_PANIC.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let now = info.to_string();
        // The process aborts: what came before is the reason, and this is the last chance to tell it.
        if now.contains("panic in a destructor") || now.contains("cannot unwind") {
            eprintln!("{last}");
        }
        *last = now;
    }));
    thread::spawn(watch);
    let played = catch_unwind(AssertUnwindSafe(|| models(law, deep)));
    match played {
        Ok(Ok(summary)) => {
            tell(&Line::Holds(summary));
            ExitCode::SUCCESS
        }
        Ok(Err(reason)) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
        Err(_) => {
            let last = LAST_PANIC.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            eprintln!("{last}");
            ExitCode::FAILURE
        }
    }
}

fn models(law: &Law, deep: bool) -> Result<Summary, String> {
    let mut summary = Summary::default();
    let mut slept = false;
    for model in &law.models {
        eprintln!("model: {}", model.name);
        let explored = model.explore(deep);
        summary.models += 1;
        summary.threads = summary.threads.max(explored.threads);
        summary.interleavings += explored.interleavings;
        summary.bound = summary.bound.into_iter().chain(explored.bound).min();
        slept |= explored.slept;
    }
    slept.then_some(summary).ok_or_else(|| "no thread slept in any of its models: it would show nothing".into())
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
            std::process::exit(1);
        }
        tell(&Line::Explored(explored));
    }
}

fn tell(line: &Line) {
    println!("{}", serde_json::to_string(line).expect("a line is plain data"));
}
