//! Cells: which rows meet their bars, which miss one by less than this run can tell, and which miss, with the causes that are known.

use super::tables::{significant, table};
use crate::measure::Outcome;
use crate::row::WORLDS;
use crate::verdict::Verdict;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;

const CAUSES: &str = include_str!("../../../causes.toml");

/// What a row's bars say, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Misses,
    Close,
    Meets,
}

/// `None` without a bar.
fn cell(row: &Outcome) -> Option<Cell> {
    let one = |verdict: &Verdict| match (verdict.is_met(), verdict.is_close) {
        (true, _) => Cell::Meets,
        (false, true) => Cell::Close,
        (false, false) => Cell::Misses,
    };
    row.verdicts.iter().map(one).min_by_key(|cell| *cell as u8)
}

fn of(rows: &[Outcome], wanted: Cell) -> impl Iterator<Item = &Outcome> {
    rows.iter().filter(move |row| cell(row) == Some(wanted))
}

/// The most that ours takes of what a bar allows; `None` if nothing has a figure.
fn worst<'a>(rows: impl IntoIterator<Item = &'a Outcome>) -> Option<(f64, &'a Outcome)> {
    let each = rows
        .into_iter()
        .flat_map(|row| row.verdicts.iter().map(move |verdict| (verdict.of_bar(), row)));
    each.filter_map(|(part, row)| Some((part?, row)))
        .max_by(|a, b| a.0.total_cmp(&b.0))
}

/// How many cells there are of each kind.
fn counts(rows: &[Outcome]) -> String {
    let count = |wanted| of(rows, wanted).count();
    let (met, close, missed) = (count(Cell::Meets), count(Cell::Close), count(Cell::Misses));
    format!(
        "of {} with a bar, {met} meet all their bars, {close} miss one by less than this run can tell, {missed} miss",
        met + close + missed
    )
}

/// The head of the report, for cells beside busy processes.
pub fn summary_of_busy(rows: &[Outcome]) -> String {
    let worst = worst(rows).map(|(part, row)| format!("; worst: {} times its bar, {}", significant(part), row.name()));
    format!(
        "- Cells beside busy processes: {}{}\n",
        counts(rows),
        worst.unwrap_or_default()
    )
}

/// The head of the report.
pub fn summary(rows: &[Outcome]) -> String {
    let verdicts = || rows.iter().flat_map(|row| &row.verdicts);
    let (all, those_met) = (
        verdicts().count(),
        verdicts().filter(|verdict| verdict.is_met()).count(),
    );
    let mut text = format!("- Cells: {}\n", counts(rows));
    text += &format!("- Bars: {those_met} of {all} medians lie within, counting our two worlds apart\n");
    if let Some((part, row)) = worst(rows) {
        text += &format!("- Worst: {} times its bar, {}\n", significant(part), row.name());
    }
    text
}

/// The cells that miss, each with its row's cause, and the names of those of which this run can't tell.
pub fn misses(title: &str, rows: &[Outcome]) -> String {
    let causes = causes().expect("the file was read before");
    let mut text = String::new();
    if of(rows, Cell::Misses).next().is_some() {
        let mut table = table(["cell", "ours / bar, at worst", "missed by", "cause"].map(str::to_owned));
        for row in of(rows, Cell::Misses) {
            let name = row.name();
            let part = worst([row]).map_or_else(|| "no figure".to_owned(), |(part, _)| significant(part));
            let missed = |world| {
                row.verdicts
                    .iter()
                    .any(|one| one.world == world && !one.is_met() && !one.is_close)
            };
            let by = match WORLDS.map(missed) {
                [true, true] => "both worlds",
                [true, false] => "std world",
                _ => "parking_lot world",
            };
            let cause = causes
                .get(&row.row())
                .map_or("no cause given yet", String::as_str)
                .to_owned();
            table.add_row([name, part, by.to_owned(), cause]);
        }
        writeln!(text, "\n## {title}\n\n{table}").expect("a string takes all");
    }
    let close: Vec<String> = of(rows, Cell::Close).map(Outcome::name).collect();
    if !close.is_empty() {
        writeln!(text, "\nMissed by less than this run can tell: {}.", close.join("; ")).expect("a string takes all");
    }
    text
}

fn causes() -> Result<BTreeMap<String, String>, toml::de::Error> {
    toml::from_str(CAUSES)
}

/// An error if a cause stands beside the name of no row: the row has another name now, or is gone.
pub fn causes_name(rows: &[String]) -> Result<(), Box<dyn Error>> {
    match causes()?.keys().find(|name| !rows.contains(name)) {
        Some(name) => Err(format!("benchmarks/causes.toml: no row is called {name:?}").into()),
        None => Ok(()),
    }
}
