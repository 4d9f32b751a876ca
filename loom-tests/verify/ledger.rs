//! `loom-tests/mutants.toml`: the mutants that survive, each with its reason. A site is named by its text, so that an
//! entry outlives changes elsewhere in the file.

use crate::parent::root;
use crate::sites::Strong;
use selvedge_loom::backend::atomic::Ordering;
use serde::Deserialize;
use std::fs;

pub const FILE: &str = "loom-tests/mutants.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    #[serde(default)]
    pub survivor: Vec<Entry>,
}

/// A mutant that is known to survive.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub file: String,
    pub function: String,
    /// The line on which the name of the operation stands, trimmed.
    pub line: String,
    pub operand: usize,
    pub becomes: String,
    pub reason: String,
}

impl Ledger {
    pub fn read() -> Result<Ledger, String> {
        let text = fs::read_to_string(root().join(FILE)).map_err(|error| format!("{FILE}: {error}"))?;
        let ledger: Ledger = toml::from_str(&text).map_err(|error| format!("{FILE}: {error}"))?;
        match ledger.survivor.iter().find(|entry| entry.reason.trim().is_empty()) {
            Some(entry) => Err(format!("{FILE}: {} gives no reason", entry.title())),
            None => Ok(ledger),
        }
    }
}

impl Entry {
    /// The entry that this mutant would have.
    pub fn of(site: &Strong, becomes: Ordering) -> Entry {
        Entry {
            file: site.key.file.clone(),
            function: site.function.clone(),
            line: site.text.clone(),
            operand: site.key.operand,
            becomes: format!("{becomes:?}"),
            reason: String::new(),
        }
    }

    pub fn is_about(&self, mutant: &Entry) -> bool {
        let name = |entry: &Entry| {
            (
                entry.file.clone(),
                entry.function.clone(),
                entry.line.clone(),
                entry.operand,
                entry.becomes.clone(),
            )
        };
        name(self) == name(mutant)
    }

    pub fn title(&self) -> String {
        format!(
            "{}, {}, operand {} → {}: `{}`",
            self.file, self.function, self.operand, self.becomes, self.line
        )
    }
}
