//! The tables of rows: their bars, and all figures.

use crate::measure::{Fault, Figure, Outcome};
use crate::row::{BUILDS, Kind};
use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};
use std::fmt;

impl fmt::Display for Outcome {
    /// One line, printed as soon as the row is measured.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} rounds, {} noisy, others {:.0} %",
            self.name(),
            self.rounds,
            self.noisy_rounds,
            100.0 * self.others
        )?;
        for figure in &self.figures {
            write!(f, "; {} {}", figure.name, nanoseconds(figure))?;
        }
        for verdict in &self.verdicts {
            write!(f, "; {:?} {verdict} ({})", verdict.build, verdict.bar)?;
        }
        Ok(())
    }
}

/// An empty table in Markdown.
pub fn table(header: impl IntoIterator<Item = String>) -> Table {
    let mut table = Table::new();
    table
        .load_preset(ASCII_MARKDOWN)
        .set_header(header.into_iter().collect::<Vec<_>>());
    table
}

/// A line for each bar, a column for each of our builds.
pub fn bars(rows: &[Outcome]) -> Table {
    let header = [
        "shape",
        "setting",
        "bar",
        "rival",
        "ours, std build",
        "ours, parking_lot build",
    ];
    let mut table = table(header.map(str::to_owned));
    for row in rows {
        for pair in row.verdicts.chunks(BUILDS.len()) {
            let mut rivals: Vec<_> = pair.iter().map(|verdict| verdict.rival.unwrap_or("none")).collect();
            rivals.dedup();
            let mut cells = vec![row.shape.to_owned(), row.setting.to_owned(), pair[0].bar.to_string()];
            cells.push(rivals.join(", "));
            cells.extend(pair.iter().map(ToString::to_string));
            table.add_row(cells);
        }
    }
    table
}

/// A line for each row of a shape, a column for each participant.
pub fn figures(rows: &[Outcome]) -> Table {
    let mut names: Vec<&str> = Vec::new();
    for figure in rows.iter().flat_map(|row| &row.figures) {
        if !names.contains(&figure.name) {
            names.push(figure.name);
        }
    }
    let mut table = table(
        ["setting"]
            .iter()
            .chain(&names)
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
    );
    for row in rows {
        let cells = names
            .iter()
            .map(|name| row.figures.iter().find(|figure| figure.name == *name));
        let cells = cells.map(|figure| figure.map_or_else(String::new, |figure| cell(figure, row)));
        let mark = if row.noisy_rounds > row.rounds / 2 { " ~" } else { "" };
        table.add_row([format!("{}{mark}", row.setting)].into_iter().chain(cells));
    }
    table
        .column_iter_mut()
        .skip(1)
        .for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

fn cell(figure: &Figure, row: &Outcome) -> String {
    let median = |figure: &Figure| figure.result.ok().map(|summary| summary.median);
    let ours = row
        .figures
        .iter()
        .find(|figure| figure.kind == Kind::Std)
        .and_then(median);
    let ratio = match (ours, median(figure)) {
        (Some(ours), Some(other)) if figure.kind != Kind::Std => format!(" ({})", significant(ours / other)),
        _ => String::new(),
    };
    nanoseconds(figure) + &ratio
}

/// "4.42 ±1%", or the fault.
fn nanoseconds(figure: &Figure) -> String {
    match figure.result {
        Ok(summary) => {
            let mark = if figure.is_noisy() { "~" } else { "" };
            format!("{mark}{} ±{:.0}%", significant(summary.median), 50.0 * summary.spread())
        }
        Err(Fault::Stuck) => "stuck".to_owned(),
        Err(Fault::Panicked) => "panicked".to_owned(),
    }
}

/// About three significant digits.
pub fn significant(value: f64) -> String {
    let digits = [(100.0, 0), (10.0, 1), (0.1, 2), (0.01, 3)]
        .into_iter()
        .find(|&(least, _)| value >= least);
    format!("{value:.*}", digits.map_or(4, |(_, digits)| digits))
}

/// The participants without a figure, and the reasons.
pub fn faults(row: &Outcome) -> impl Iterator<Item = String> {
    let fault = |figure: &Figure| match figure.result {
        Ok(_) => None,
        Err(Fault::Stuck) => Some("was stuck; its threads go on, and if they spin they disturb later rows"),
        Err(Fault::Panicked) => Some("panicked"),
    };
    row.figures
        .iter()
        .filter_map(move |figure| Some(format!("- {}: {} {}.", row.name(), figure.name, fault(figure)?)))
}
