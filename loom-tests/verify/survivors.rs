//! `loom-tests/mutants.toml`: the mutants that no law kills, each with its reason. A mutant is identified by the text of
//! its source line, so that an entry stays valid when other lines of the file change.

use crate::orderings::StrongOrdering;
use crate::workspace::root;
use selvedge_loom::backend::atomic::Ordering;
use serde::Deserialize;
use std::fs;

pub const FILE: &str = "loom-tests/mutants.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Survivors {
    #[serde(default)]
    pub survivor: Vec<Survivor>,
}

/// A mutant that is known to survive.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Survivor {
    pub file: String,
    pub function: String,
    /// The trimmed source line that contains the name of the operation.
    pub line: String,
    pub operand: usize,
    pub becomes: String,
    pub reason: String,
}

impl Survivors {
    pub fn read() -> Result<Survivors, String> {
        let text = fs::read_to_string(root().join(FILE)).map_err(|error| format!("{FILE}: {error}"))?;
        let survivors: Survivors = toml::from_str(&text).map_err(|error| format!("{FILE}: {error}"))?;
        match survivors.survivor.iter().find(|entry| entry.reason.trim().is_empty()) {
            Some(entry) => Err(format!("{FILE}: empty reason for {}", entry.title())),
            None => Ok(survivors),
        }
    }
}

impl Survivor {
    /// The entry for a mutant of `site`, with an empty reason.
    pub fn of(site: &StrongOrdering, becomes: Ordering) -> Survivor {
        Survivor {
            file: site.key.file.clone(),
            function: site.function.clone(),
            line: site.text.clone(),
            operand: site.key.operand,
            becomes: format!("{becomes:?}"),
            reason: String::new(),
        }
    }

    /// Whether both entries describe the same mutant; the reasons may differ.
    pub fn is_same_mutant(&self, other: &Survivor) -> bool {
        let identity = |entry: &Survivor| {
            (
                entry.file.clone(),
                entry.function.clone(),
                entry.line.clone(),
                entry.operand,
                entry.becomes.clone(),
            )
        };
        identity(self) == identity(other)
    }

    pub fn title(&self) -> String {
        format!(
            "{}, {}, operand {} → {}: `{}`",
            self.file, self.function, self.operand, self.becomes, self.line
        )
    }
}
