//! The tables of cells beside busy processes, one for each load and place.

use super::cells;
use super::tables::{significant, table};
use crate::busy::TITLE;
use crate::measure::Outcome;
use crate::row::{Kind, WORLDS};
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
    let tables = rows.chunk_by(|a, b| a.beside == b.beside).map(|place| {
        let Outcome { beside, rounds, .. } = &place[0];
        let beside = beside.as_deref().unwrap_or_default();
        format!("\n### {beside}\n\n{rounds} rounds.\n\n{}\n", figures(place))
    });
    format!(
        "\n## {TITLE}\n\n\
        Other processes compute for ever, for each processor the number that is given; \"10 ms on, 10 ms off\" and \"nice 19\": \
        one. They and the benchmark have the processors that are given. A figure is microseconds per operation: the mean of a \
        round, the median of all rounds; then what the slowest 1 % take longer than, also a median; in brackets ours in the std \
        world as a multiple of the mean.\n\n\
        The bar: ≤ 1.5 of the larger of the best peer and ours without yields, ≤ 3 of the best peer, and ≤ 1 ms. A verdict is the \
        part that was used of what the three allow. \"idle\" is shown to compare with, and has no bar.\n\n\
        \"without yields\" is the same source in the std world, built with a `Spin` that does not yield. Where std or parking_lot \
        has no such type, it is a mutex and a condition; \"std\" is threadpool + oneshot for the pool, and \"crossbeam\" \
        crossbeam + oneshot. Ping-pong and round trip: there and back. b128: the times of 16 items are taken together. Puts alone: \
        40,000 into a queue without a bound or a consumer, which is new and is dropped; their times are taken together. \
        Checkout: 4 threads, 2 connections, a lock, a condition, and a deque of the idle ones; a connection is held for the long \
        work.\n{}{}",
        cells::misses("Cells that miss beside busy processes", rows).replace("\n## ", "\n### "),
        tables.collect::<String>()
    )
}

fn figures(rows: &[Outcome]) -> Table {
    let worlds = ["bar, std", "bar, parking_lot"];
    let mut table = table(
        ["row"]
            .iter()
            .chain(&NAMES)
            .chain(&worlds)
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
        let verdict = |world| {
            row.verdicts
                .iter()
                .find(|one| one.world == world)
                .map_or("–".to_owned(), |one| one.to_string())
        };
        let cells = NAMES.iter().map(cell).chain(WORLDS.map(verdict));
        table.add_row([row.setting.to_owned()].into_iter().chain(cells));
    }
    table
}
