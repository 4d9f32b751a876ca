//! Cells: the rows that meet their bars, the undecided rows, and those that miss, with the known causes.

use super::tables::{significant, table};
use crate::measure::Outcome;
use crate::row::BUILDS;
use crate::verdict::Verdict;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;

const CAUSES: &str = include_str!("../../../causes.toml");

/// The result of a row, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Misses,
    Undecided,
    Meets,
}

/// `None` without a bar.
fn cell(row: &Outcome) -> Option<Cell> {
    let one = |verdict: &Verdict| match (verdict.is_met(), verdict.is_close) {
        (true, _) => Cell::Meets,
        (false, true) => Cell::Undecided,
        (false, false) => Cell::Misses,
    };
    row.verdicts.iter().map(one).min_by_key(|cell| *cell as u8)
}

fn of(rows: &[Outcome], wanted: Cell) -> impl Iterator<Item = &Outcome> {
    rows.iter().filter(move |row| cell(row) == Some(wanted))
}

/// The largest multiple of a bar, and its row; `None` if no bar has a figure.
fn worst<'a>(rows: impl IntoIterator<Item = &'a Outcome>) -> Option<(f64, &'a Outcome)> {
    let each = rows
        .into_iter()
        .flat_map(|row| row.verdicts.iter().map(move |verdict| (verdict.of_bar(), row)));
    each.filter_map(|(part, row)| Some((part?, row)))
        .max_by(|a, b| a.0.total_cmp(&b.0))
}

/// The number of cells of each kind.
fn counts(rows: &[Outcome]) -> String {
    let count = |wanted| of(rows, wanted).count();
    let (met, undecided, missed) = (count(Cell::Meets), count(Cell::Undecided), count(Cell::Misses));
    format!(
        "of {} with a bar, {met} meet all their bars, {undecided} are undecided, {missed} miss",
        met + undecided + missed
    )
}

/// The summary at the top of the report, of the cells beside busy processes.
pub fn summary_of_busy(rows: &[Outcome]) -> String {
    let worst = worst(rows).map(|(part, row)| format!("; worst: {} times its bar, {}", significant(part), row.name()));
    format!(
        "- Cells beside busy processes: {}{}\n",
        counts(rows),
        worst.unwrap_or_default()
    )
}

/// The summary at the top of the report.
pub fn summary(rows: &[Outcome]) -> String {
    let verdicts = || rows.iter().flat_map(|row| &row.verdicts);
    let (all, met) = (
        verdicts().count(),
        verdicts().filter(|verdict| verdict.is_met()).count(),
    );
    let mut text = format!("- Cells: {}\n", counts(rows));
    text += &format!("- Bars: {met} of {all} medians meet their bars, counting our two builds separately\n");
    if let Some((part, row)) = worst(rows) {
        text += &format!("- Worst: {} times its bar, {}\n", significant(part), row.name());
    }
    text
}

/// The cells that miss, each with its row's cause, and the names of the undecided cells.
pub fn misses(title: &str, rows: &[Outcome]) -> String {
    let causes = causes().expect("the file was read before");
    let mut text = String::new();
    if of(rows, Cell::Misses).next().is_some() {
        let mut table = table(["cell", "ours / bar, worst", "missed by", "cause"].map(str::to_owned));
        for row in of(rows, Cell::Misses) {
            let name = row.name();
            let part = worst([row]).map_or_else(|| "no figure".to_owned(), |(part, _)| significant(part));
            let missed = |build| {
                row.verdicts
                    .iter()
                    .any(|one| one.build == build && !one.is_met() && !one.is_close)
            };
            let by = match BUILDS.map(missed) {
                [true, true] => "both builds",
                [true, false] => "std build",
                _ => "parking_lot build",
            };
            let cause = causes
                .get(&row.row())
                .map_or("no known cause", String::as_str)
                .to_owned();
            table.add_row([name, part, by.to_owned(), cause]);
        }
        writeln!(text, "\n## {title}\n\n{table}").expect("writing to a string succeeds");
    }
    let undecided: Vec<String> = of(rows, Cell::Undecided).map(Outcome::name).collect();
    if !undecided.is_empty() {
        writeln!(text, "\nUndecided: {}.", undecided.join("; ")).expect("writing to a string succeeds");
    }
    text
}

fn causes() -> Result<BTreeMap<String, String>, toml::de::Error> {
    toml::from_str(CAUSES)
}

/// An error if a cause has the name of no row: the row was renamed or removed.
pub fn causes_name(rows: &[String]) -> Result<(), Box<dyn Error>> {
    match causes()?.keys().find(|name| !rows.contains(name)) {
        Some(name) => Err(format!("benchmarks/causes.toml: no row is named {name:?}").into()),
        None => Ok(()),
    }
}
