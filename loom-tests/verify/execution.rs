//! Which execution this process is exploring, so that a failed execution can be found and run again.

use selvedge_loom::backend::probe::Accesses;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

/// One execution of a model, identified by its ordinal (from 1) among the executions with these accesses.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Execution {
    pub model: usize,
    pub name: String,
    #[serde(with = "AccessesName")]
    pub accesses: Accesses,
    pub ordinal: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Accesses", rename_all = "lowercase")]
enum AccessesName {
    Stale,
    Fresh,
}

/// All data needed to run one execution again.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    pub law: String,
    pub deep: bool,
    #[serde(flatten)]
    pub execution: Execution,
    /// loom's path to the execution.
    pub path: serde_json::Value,
}

impl Record {
    /// Reads a file written by [`record`](crate::replay::record).
    pub fn read(file: &Path) -> Result<Record, String> {
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: not a recorded execution: {error}", file.display()))
    }
}

static CURRENT: Mutex<Option<Execution>> = Mutex::new(None);

/// Starts the executions of this model with these accesses.
pub fn begin(model: usize, name: &str, accesses: Accesses) {
    *lock() = Some(Execution {
        model,
        name: name.into(),
        accesses,
        ordinal: 0,
    });
}

/// Starts the model's next execution; returns its ordinal.
pub fn next() -> u64 {
    lock().as_mut().map_or(0, |execution| {
        execution.ordinal += 1;
        execution.ordinal
    })
}

/// Ends the executions of the model. A later failure belongs to no single execution.
pub fn end() {
    *lock() = None;
}

/// The running execution, if there is one.
pub fn current() -> Option<Execution> {
    lock().clone().filter(|execution| execution.ordinal > 0)
}

fn lock() -> MutexGuard<'static, Option<Execution>> {
    CURRENT.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
