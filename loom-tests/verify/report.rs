//! What is shown of the verdicts: a table for people, JSON for programs, an exit code for scripts.

use crate::law::{Outcome, Verdict};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// A table without borders, as wide as the screen.
pub fn plain_table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}

/// The verdicts, a row each, and their sum.
pub fn table(verdicts: &[Verdict]) -> String {
    let mut table = plain_table(["law", "claim", "threads", "interleavings", "verdict", "time"]);
    for verdict in verdicts {
        table.add_row([
            verdict.id.clone(),
            verdict.claim.clone(),
            verdict.threads.to_string(),
            verdict.interleavings.to_string(),
            worded(verdict),
            format!("{:.1} s", verdict.seconds),
        ]);
    }
    for column in [2, 3, 5] {
        table.column_mut(column).expect("there are six").set_cell_alignment(CellAlignment::Right);
    }
    let failed = verdicts.iter().filter(|verdict| verdict.verdict == Outcome::Failed).count();
    let interleavings: u64 = verdicts.iter().map(|verdict| verdict.interleavings).sum();
    let models: usize = verdicts.iter().map(|verdict| verdict.models).sum();
    let held = verdicts.len() - failed;
    format!("{table}\n{held} laws hold, {failed} fail: {models} models, {interleavings} interleavings")
}

fn worded(verdict: &Verdict) -> String {
    let worded = match (verdict.verdict, verdict.bound) {
        (Outcome::Exhausted, _) => "exhausted".into(),
        (Outcome::Bounded, Some(bound)) => format!("bounded, {bound} preemptions"),
        (Outcome::Bounded, None) => "bounded".into(),
        (Outcome::Failed, _) => "FAILED".into(),
    };
    if verdict.lock_specified { format!("{worded}; lock as specified") } else { worded }
}

/// An array of verdicts.
pub fn write_json(file: &Path, verdicts: &[Verdict]) -> io::Result<()> {
    std::fs::write(file, serde_json::to_string_pretty(verdicts)? + "\n")
}

/// 0 if every law holds, else 1.
pub fn exit_code(verdicts: &[Verdict]) -> ExitCode {
    ExitCode::from(u8::from(verdicts.iter().any(|verdict| verdict.verdict == Outcome::Failed)))
}
