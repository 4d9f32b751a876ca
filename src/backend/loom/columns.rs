//! What happened in one execution, for people: a column for each thread, a row for each event. The text is the same
//! in a pipe and on any terminal.

use super::log::{Event, Log, Place};
use ::std::collections::BTreeSet;
use ::std::fmt::Write;

/// Of a longer execution, such as one that does not end, only so many rows at either end are shown.
const ROWS: usize = 200;

/// The columns, and below them where each object was made.
pub fn text(log: &Log) -> String {
    let threads = log.events.iter().map(|event| event.role + 1).max().unwrap_or(1);
    let heads: Vec<String> = (0..threads)
        .map(|role| if role == 0 { "main".into() } else { role.to_string() })
        .collect();
    let width = |role: usize| {
        let texts = log
            .events
            .iter()
            .filter(|event| event.role == role)
            .map(|event| event.text.chars().count());
        texts.chain([heads[role].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..threads).map(width).collect();
    let mut text = row("", &widths, |role| &heads[role], "");
    for (index, event) in log.events.iter().enumerate() {
        if index == ROWS && log.events.len() > 2 * ROWS {
            let _ = writeln!(text, "   … {} events", log.events.len() - 2 * ROWS);
        }
        if index < ROWS || index + ROWS >= log.events.len() {
            text += &line(index + 1, event, &widths);
        }
    }
    let named: BTreeSet<u32> = log.events.iter().map(|event| event.object).collect();
    for object in log.objects.iter().filter(|object| named.contains(&object.number)) {
        let _ = write!(text, "\n#{} {}, made at {}", object.number, object.kind, object.at);
    }
    text + "\n"
}

fn line(number: usize, event: &Event, widths: &[usize]) -> String {
    let mut at = event.at.as_ref().map(short).unwrap_or_default();
    let caller = event.calls.as_ref().and_then(|calls| caller(&calls.to_string()));
    if let Some(caller) = caller.filter(|caller| !caller.ends_with(&at)) {
        let _ = write!(at, ", called at {caller}");
    }
    row(
        &number.to_string(),
        widths,
        |role| if role == event.role { &event.text } else { "" },
        &at,
    )
}

fn row<'a>(number: &str, widths: &[usize], cell: impl Fn(usize) -> &'a str, at: &str) -> String {
    let mut line = format!("{number:>4}");
    for (role, &width) in widths.iter().enumerate() {
        let _ = write!(line, "  {:width$}", cell(role));
    }
    let _ = write!(line, "  {at}");
    format!("{}\n", line.trim_end())
}

/// `lock.rs:219`: with the legend below, that is clear.
fn short(place: &Place) -> String {
    let name = place.file.rsplit('/').next().unwrap_or_default();
    format!("{name}:{}", place.line)
}

/// The program's own line that has led into the kit, by a backtrace's lines ` at FILE:LINE:COLUMN`.
fn caller(calls: &str) -> Option<String> {
    let kit = file!().strip_suffix("backend/loom/columns.rs")?;
    let kit = kit.find("../").map_or(kit, |up| &kit[up..]); // the kit's own harness compiles it as `../src`
    let foreign = |file: &&str| {
        ![kit, "/rustc/", "/loom-", "/generator-"]
            .iter()
            .any(|part| file.contains(part))
    };
    let file = calls
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("at "))
        .find(foreign)?;
    let (place, _column) = file.rsplit_once(':')?;
    Some(place.strip_prefix("./").unwrap_or(place).to_owned())
}
