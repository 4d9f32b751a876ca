//! The costs of the proofs, from files written by `cargo verify` and by the example `growth` of loom-tests.

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

/// A program that the example `growth` has explored.
#[derive(Debug, Deserialize, Serialize)]
struct Growth {
    program: String,
    threads: usize,
    calls: usize,
    bound: Option<usize>,
    /// `None` if there are too many to explore.
    interleavings: Option<u64>,
    /// `None` if it was not tried, because a smaller program had too many.
    seconds: Option<f64>,
}

/// Reports the costs in the given files.
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
        "per second",
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
        "{} laws, {interleavings} interleavings, {} seconds summed over their processes, which run in parallel on all \
        cores. Laws with the most interleavings come first.\n\n{table}\n",
        laws.len(),
        significant(seconds)
    )
}

/// A line for each program, number of threads and number of calls; a column for each bound.
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
        "The growth of the number of interleavings with threads, calls and permitted preemptions, in programs written \
        for this (\">\": too many to explore; \"–\": not tried, because a smaller program had too many):\n\n{table}\n"
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
