//! The sections: measurements besides the rows, each with its own method and its own part of the report.

pub mod instructions;
pub mod objects;
mod proofs;
mod python;
mod scaling;

use crate::measure::{Outcome, Plan};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

/// A part of the report.
#[derive(Debug, Serialize)]
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// Its text, in Markdown.
    #[serde(skip)]
    pub text: String,
    /// Its figures; null if there are none.
    pub figures: Value,
}

/// The input of a section.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Whether the run is `--quick`.
    pub quick: bool,
    /// How the rows were measured.
    pub plan: Plan,
    /// The results of the rows.
    pub rows: &'a [Outcome],
    /// The file that `cargo verify` has written.
    pub proofs: Option<&'a Path>,
    /// The file with the output of the example `growth`.
    pub growth: Option<&'a Path>,
}

/// A section that is not measured yet.
pub struct Planned {
    /// Its heading, which `--filter` matches.
    pub title: &'static str,
    /// Measures it.
    pub run: fn(&Context<'_>) -> Measured,
}

/// The text of a section, and its figures.
pub type Measured = (String, Value);

impl Planned {
    /// Measures it.
    pub fn measure(&self, context: &Context<'_>) -> Section {
        let (text, figures) = (self.run)(context);
        Section {
            title: self.title,
            text,
            figures,
        }
    }
}

/// All sections, in the order of the report.
pub const ALL: [Planned; 5] = [
    Planned {
        title: "What waiting and objects cost",
        run: objects::run,
    },
    Planned {
        title: "Scaling, slowest operations and fairness",
        run: scaling::run,
    },
    Planned {
        title: "Instruction counts",
        run: instructions::run,
    },
    Planned {
        title: "CPython beside ours",
        run: python::run,
    },
    Planned {
        title: "What the proofs cost",
        run: proofs::run,
    },
];

/// The figures as JSON.
fn json(figures: &impl Serialize) -> Value {
    serde_json::to_value(figures).expect("figures are plain data")
}
