//! What the proofs cost: from the files that `cargo verify` and the example `growth` of loom-tests have written.

use super::{Context, Measured, json};
use crate::report::{significant, table};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A law, as `cargo verify --json FILE` describes it.
#[derive(Debug, Deserialize, Serialize)]
struct Law {
    id: String,
    claim: String,
    threads: usize,
    models: usize,
    interleavings: u64,
    bound: Option<usize>,
    verdict: String,
    seconds: f64,
}

/// A program of the example `growth`, explored.
#[derive(Debug, Deserialize, Serialize)]
struct Growth {
    program: String,
    threads: usize,
    calls: usize,
    bound: Option<usize>,
    /// `None` if there are more than it waits for.
    interleavings: Option<u64>,
    /// `None` if a smaller one had too many already.
    seconds: Option<f64>,
}

/// Shows them, if there are such files.
pub fn run(context: &Context<'_>) -> Measured {
    let (laws_text, laws) = part(
        context.proofs,
        "--proofs FILE` shows what `cargo verify --json FILE",
        laws,
    );
    let made = "--growth FILE` shows what `cargo run --release -p selvedge-loom --example growth > FILE";
    let (growth_text, growth) = part(context.growth, made, growth);
    (format!("{laws_text}\n{growth_text}"), Value::from(vec![laws, growth]))
}

fn part<T: DeserializeOwned + Serialize>(file: Option<&Path>, made: &str, show: fn(&mut [T]) -> String) -> Measured {
    let Some(file) = file else {
        return (format!("`{made}` has written.\n"), Value::Null);
    };
    let text = fs::read_to_string(file).map_err(|error| error.to_string());
    match text.and_then(|text| serde_json::from_str::<Vec<T>>(&text).map_err(|error| error.to_string())) {
        Ok(mut figures) => (show(&mut figures), json(&figures)),
        Err(error) => (format!("{} can't be read: {error}.\n", file.display()), Value::Null),
    }
}

fn laws(laws: &mut [Law]) -> String {
    laws.sort_by_key(|law| std::cmp::Reverse(law.interleavings));
    let header = [
        "law",
        "claim",
        "threads",
        "models",
        "verdict",
        "interleavings",
        "seconds",
        "a second",
    ];
    let mut table = table(header.map(str::to_owned));
    for law in &*laws {
        let verdict = law
            .bound
            .map_or_else(|| law.verdict.clone(), |bound| format!("within {bound} preemptions"));
        let numbers = [
            law.threads.to_string(),
            law.models.to_string(),
            verdict,
            law.interleavings.to_string(),
        ];
        let [seconds, rate] = [law.seconds, law.interleavings as f64 / law.seconds].map(significant);
        table.add_row(
            [law.id.clone(), law.claim.clone()]
                .into_iter()
                .chain(numbers)
                .chain([seconds, rate]),
        );
    }
    let seconds: f64 = laws.iter().map(|law| law.seconds).sum();
    let interleavings: u64 = laws.iter().map(|law| law.interleavings).sum();
    format!(
        "{} laws, {interleavings} interleavings, {} seconds of their processes, as many of which run at once as there are \
        cores. The most interleavings come first.\n\n{table}\n",
        laws.len(),
        significant(seconds)
    )
}

/// A line for each program with so many threads and calls, a column for each bound.
fn growth(all: &mut [Growth]) -> String {
    let mut bounds: Vec<Option<usize>> = all.iter().map(|one| one.bound).collect();
    bounds.sort_by_key(|bound| bound.unwrap_or(usize::MAX));
    bounds.dedup();
    let worded = bounds
        .iter()
        .map(|bound| bound.map_or_else(|| "all".to_owned(), |bound| format!("within {bound}")));
    let mut table = table(
        ["program", "threads", "calls of each"]
            .map(str::to_owned)
            .into_iter()
            .chain(worded),
    );
    for same in all.chunk_by(|a, b| (&a.program, a.threads, a.calls) == (&b.program, b.threads, b.calls)) {
        let of_bound = |bound: &Option<usize>| {
            same.iter()
                .find(|one| one.bound == *bound)
                .map_or_else(String::new, explored)
        };
        let head = [
            same[0].program.clone(),
            same[0].threads.to_string(),
            same[0].calls.to_string(),
        ];
        table.add_row(head.into_iter().chain(bounds.iter().map(of_bound)));
    }
    format!(
        "How the number of interleavings grows with threads, calls and the preemptions that are allowed, in programs that \
        are made for this (\">\": there are more than it waits for; \"–\": not tried, for less was too much):\n\n{table}\n"
    )
}

/// "19260, 5.3 s"
fn explored(one: &Growth) -> String {
    match (one.interleavings, one.seconds) {
        (Some(number), Some(seconds)) => format!("{number}, {} s", significant(seconds)),
        (None, Some(seconds)) => format!("> in {} s", significant(seconds)),
        (_, None) => "–".to_owned(),
    }
}
