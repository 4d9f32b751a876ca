//! The tables of cells beside busy processes, one for each load and placement.

use super::cells;
use super::tables::{significant, table};
use crate::busy::TITLE;
use crate::measure::Outcome;
use crate::row::{BUILDS, Kind};
use comfy_table::Table;

/// The columns: the names of participants in the rows.
const NAMES: [&str; 6] = [
    "ours (std)",
    "ours (parking_lot)",
    "without yields",
    "std",
    "parking_lot",
    "crossbeam",
];

/// The part of the report.
pub fn section(rows: &[Outcome]) -> String {
    let tables = rows.chunk_by(|a, b| a.beside == b.beside).map(|cells| {
        let Outcome { beside, rounds, .. } = &cells[0];
        let beside = beside.as_deref().unwrap_or_default();
        format!("\n### {beside}\n\n{rounds} rounds.\n\n{}\n", figures(cells))
    });
    format!(
        "\n## {TITLE}\n\n\
        Busy processes compute without end, the given number for each processor; \"10 ms on, 10 ms off\" and \"nice \
        19\": one. They share the given processors with the benchmark. A figure is microseconds per operation: the \
        median over the rounds of a round's mean, then of its 99th percentile; in brackets, ours in the std build as \
        a multiple of the mean.\n\n\
        The bar: ≤ 1.5 of the larger of the best peer and ours without yields, ≤ 3 of the best peer, and ≤ 1 ms. A \
        verdict is the fraction of the least of the three limits. \"idle\" is for comparison, and has no bar.\n\n\
        \"without yields\" is the std build of the same source with a `Spin` that does not yield. Where std or \
        parking_lot has no such type, it is a mutex and a condition; of the pools, \"std\" is threadpool + oneshot, \
        and \"crossbeam\" is crossbeam + oneshot. Ping-pong: a round trip. b128: 16 items are timed together. Puts \
        alone: 40,000 puts into a new unbounded queue without a consumer, and its drop, are timed together. \
        Checkout: 4 threads, 2 connections, a lock, a condition, and a deque of the idle connections; a connection \
        is held for the long work.\n{}{}",
        cells::misses("Cells that miss beside busy processes", rows).replace("\n## ", "\n### "),
        tables.collect::<String>()
    )
}

fn figures(rows: &[Outcome]) -> Table {
    let builds = ["bar, std", "bar, parking_lot"];
    let mut table = table(
        ["row"]
            .iter()
            .chain(&NAMES)
            .chain(&builds)
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
    );
    for row in rows {
        let figure = |name: &str| row.figures.iter().find(|figure| figure.name == name);
        let median = |name: &str| Some(figure(name)?.result.ok()?.median);
        let cell = |name: &&str| {
            let Some(figure) = figure(name) else {
                return String::new();
            };
            let Some(mean) = median(name) else {
                return "none".to_owned();
            };
            let slowest = figure
                .slowest
                .map_or_else(String::new, |slowest| format!("; {}", significant(slowest / 1e3)));
            let ratio = median(NAMES[0]).filter(|_| figure.kind != Kind::Std);
            let ratio = ratio.map_or_else(String::new, |ours| format!(" ({})", significant(ours / mean)));
            significant(mean / 1e3) + &slowest + &ratio
        };
        let verdict = |build| {
            row.verdicts
                .iter()
                .find(|one| one.build == build)
                .map_or("–".to_owned(), |one| one.to_string())
        };
        let cells = NAMES.iter().map(cell).chain(BUILDS.map(verdict));
        table.add_row([row.setting.to_owned()].into_iter().chain(cells));
    }
    table
}
