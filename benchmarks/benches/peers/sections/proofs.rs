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
    let (laws_text, laws) = part(context.proofs, "--proofs FILE` shows what `cargo verify --json FILE", laws);
    let made = "--growth FILE` shows what `cargo run --release -p loom-tests --example growth > FILE";
    let (growth_text, growth) = part(context.growth, made, growth);
    (format!("{laws_text}\n{growth_text}"), Value::from(vec![laws, growth]))
}

fn part<T: DeserializeOwned + Serialize>(file: Option<&Path>, made: &str, show: fn(&mut [T]) -> String) -> Measured {
    let Some(file) = file else { return (format!("`{made}` has written.\n"), Value::Null) };
    let text = fs::read_to_string(file).map_err(|error| error.to_string());
    match text.and_then(|text| serde_json::from_str::<Vec<T>>(&text).map_err(|error| error.to_string())) {
        Ok(mut figures) => (show(&mut figures), json(&figures)),
        Err(error) => (format!("{} can't be read: {error}.\n", file.display()), Value::Null),
    }
}

fn laws(laws: &mut [Law]) -> String {
    laws.sort_by_key(|law| std::cmp::Reverse(law.interleavings));
    let header = ["law", "claim", "threads", "models", "verdict", "interleavings", "seconds", "a second"];
    let mut table = table(header.map(str::to_owned));
    for law in &*laws {
        let verdict = law.bound.map_or_else(|| law.verdict.clone(), |bound| format!("within {bound} preemptions"));
        let numbers = [law.threads.to_string(), law.models.to_string(), verdict, law.interleavings.to_string()];
        let [seconds, rate] = [law.seconds, law.interleavings as f64 / law.seconds].map(significant);
        table.add_row([law.id.clone(), law.claim.clone()].into_iter().chain(numbers).chain([seconds, rate]));
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

fn growth(all: &mut [Growth]) -> String {
    let mut table =
        table(["program", "threads", "calls of each", "bound", "interleavings", "seconds"].map(str::to_owned));
    for one in &*all {
        let bound = one.bound.map_or_else(|| "none".to_owned(), |bound| format!("{bound} preemptions"));
        let number = one.interleavings.map_or_else(|| "too many".to_owned(), |number| number.to_string());
        let seconds = one.seconds.map_or_else(|| "not tried".to_owned(), significant);
        let cells = [one.threads.to_string(), one.calls.to_string(), bound, number, seconds];
        table.add_row([one.program.clone()].into_iter().chain(cells));
    }
    format!("How the number grows with threads and calls, in programs that are made for this:\n\n{table}\n")
}
