//! CPython's primitives in the shapes of some rows, measured by a child that runs `benchmarks/python/peers.py`.

use super::{Context, Measured, json};
use crate::measure::Outcome;
use crate::report::{significant, table};
use crate::row::{BUILDS, Kind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/peers.py");

/// The most that selvedge may take, as a fraction of CPython's time.
const BAR: f64 = 0.05;

/// The output of the script.
#[derive(Debug, Deserialize, Serialize)]
struct Figures {
    version: String,
    /// Nanoseconds per operation, by the name of the row.
    rows: BTreeMap<String, f64>,
}

/// Runs the script, if Python is installed.
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
    let output = child.map_err(|error| format!("`python3` cannot be run ({error})"))?;
    if !output.status.success() {
        return Err(format!("`python3` ended with {}", output.status));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("the script has printed no figures ({error})"))
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
    for (name, &of_python) in &figures.rows {
        let row = rows.iter().find(|row| row.name() == *name);
        let median = |build| {
            row?.figures
                .iter()
                .find(|one| one.kind == build)?
                .result
                .ok()
                .map(|one| one.median)
        };
        let ours = BUILDS.map(|build: Kind| median(build));
        let ratios: Vec<f64> = ours.iter().flatten().map(|ours| ours / of_python).collect();
        let verdict = match ratios.iter().all(|&ratio| ratio <= BAR) {
            _ if ratios.is_empty() => "not measured",
            true => "met",
            false => "**missed**",
        };
        let mut cells = vec![name.clone(), significant(of_python)];
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
    format!("{version}, in a separate process after the rows. Medians; an operation is that of the row.\n\n{table}\n")
}
