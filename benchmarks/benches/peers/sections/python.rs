//! CPython's own primitives in some of the rows' shapes, measured by a child that runs `benchmarks/python/peers.py`.

use super::{Context, Measured, json};
use crate::measure::Outcome;
use crate::report::{significant, table};
use crate::row::{Kind, WORLDS};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/peers.py");

/// Ours takes at most this part of what CPython takes.
const BAR: f64 = 0.05;

/// What the script prints.
#[derive(Debug, Deserialize, Serialize)]
struct Figures {
    version: String,
    /// Nanoseconds an operation, by the name of our row.
    rows: BTreeMap<String, f64>,
}

/// Runs the script, if there is a Python.
pub fn run(context: &Context<'_>) -> Measured {
    match measure(context) {
        Ok(figures) => (text(&figures, context.rows), json(&figures)),
        Err(error) => (format!("Not measured: {error}.\n"), Value::Null),
    }
}

fn measure(context: &Context<'_>) -> Result<Figures, String> {
    let (rounds, slice) = (
        context.plan.rounds.to_string(),
        context.plan.slice.as_millis().to_string(),
    );
    let child = Command::new("python3")
        .args([SCRIPT, &rounds, &slice])
        .stderr(Stdio::inherit())
        .output();
    let output = child.map_err(|error| format!("there is no `python3` that runs ({error})"))?;
    if !output.status.success() {
        return Err(format!("`python3` ended with {}", output.status));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("the script has not printed its figures ({error})"))
}

fn text(figures: &Figures, rows: &[Outcome]) -> String {
    let header = [
        "row",
        "CPython, ns",
        "ours (std), ns",
        "ours (parking_lot), ns",
        "ours / CPython",
        "≤ 1/20",
    ];
    let mut table = table(header.map(str::to_owned));
    for (name, &theirs) in &figures.rows {
        let row = rows.iter().find(|row| row.name() == *name);
        let median = |world| {
            row?.figures
                .iter()
                .find(|one| one.kind == world)?
                .result
                .ok()
                .map(|one| one.median)
        };
        let ours = WORLDS.map(|world: Kind| median(world));
        let ratios: Vec<f64> = ours.iter().flatten().map(|ours| ours / theirs).collect();
        let verdict = match ratios.iter().all(|&ratio| ratio <= BAR) {
            _ if ratios.is_empty() => "not in this run",
            true => "met",
            false => "**missed**",
        };
        let mut cells = vec![name.clone(), significant(theirs)];
        cells.extend(ours.map(|ours| ours.map_or_else(|| "–".to_owned(), significant)));
        cells.push(
            ratios
                .iter()
                .map(|&ratio| significant(ratio))
                .collect::<Vec<_>>()
                .join(", "),
        );
        cells.push(verdict.to_owned());
        table.add_row(cells);
    }
    let version = &figures.version;
    format!(
        "{version}, in a process of its own after the rows. Medians; one operation is that of the row.\n\n{table}\n"
    )
}
