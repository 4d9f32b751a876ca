//! What is measured beside the rows: each section runs in its own way and writes its own part of the report.

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
    /// What it says, in Markdown.
    #[serde(skip)]
    pub text: String,
    /// What was measured; null if nothing could be.
    pub figures: Value,
}

/// What a section may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// A first look only.
    pub quick: bool,
    /// How the rows were measured.
    pub plan: Plan,
    /// What they have reached.
    pub rows: &'a [Outcome],
    /// What `cargo verify` has written.
    pub proofs: Option<&'a Path>,
    /// What the example `growth` has written.
    pub growth: Option<&'a Path>,
}

/// A section that is not measured yet.
pub struct Planned {
    /// Its heading, at which `--filter` looks.
    pub title: &'static str,
    /// Measures it: what it says, and the figures.
    pub run: fn(&Context<'_>) -> Measured,
}

/// What a section says, and its figures.
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
