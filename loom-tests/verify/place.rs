//! Where this process is in its exploration, so that a failure can be found again.

use selvedge_loom::backend::probe::Accesses;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard};

/// An execution of a model, counted from 1 in the check with these accesses.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Place {
    pub model: usize,
    pub name: String,
    #[serde(with = "Worded")]
    pub accesses: Accesses,
    pub execution: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Accesses", rename_all = "lowercase")]
enum Worded {
    Stale,
    Fresh,
}

static HERE: Mutex<Option<Place>> = Mutex::new(None);

/// A check of this model begins.
pub fn begin(model: usize, name: &str, accesses: Accesses) {
    *lock() = Some(Place {
        model,
        name: name.into(),
        accesses,
        execution: 0,
    });
}

/// Its next execution begins: the how manieth.
pub fn next() -> u64 {
    lock().as_mut().map_or(0, |place| {
        place.execution += 1;
        place.execution
    })
}

/// What fails from here on belongs to no single execution.
pub fn end() {
    *lock() = None;
}

/// The execution that runs, if one does.
pub fn here() -> Option<Place> {
    lock().clone().filter(|place| place.execution > 0)
}

fn lock() -> MutexGuard<'static, Option<Place>> {
    HERE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
