//! What is shown of the verdicts: lines for people, JSON for programs, an exit code for scripts.

use crate::children;
use crate::law::{Law, Outcome, Verdict};
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::HumanCount;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

/// What a terminal shows without a line break.
const COLUMNS: usize = 100;

/// A table without borders, as wide as the screen.
pub fn plain_table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}

/// Prints a line for each law, in the order of the laws, below the name of its primitive: as soon as it and those before it
/// have come out.
pub struct Lines<'a> {
    laws: &'a [Law],
    /// Which is printed next, and those that have come out before it was their turn.
    waiting: Mutex<(usize, Vec<Option<String>>)>,
    to_stderr: bool,
}

impl<'a> Lines<'a> {
    /// On stderr, if stdout is for something else.
    pub fn new(laws: &'a [Law], to_stderr: bool) -> Lines<'a> {
        let lines = Lines {
            laws,
            waiting: Mutex::new((0, laws.iter().map(|_| None).collect())),
            to_stderr,
        };
        let models = laws.iter().map(|law| law.models.len()).sum();
        lines.print(&format!(
            "{}, {}",
            counted(laws.len(), "law", "laws"),
            counted(models, "model", "models")
        ));
        lines
    }

    pub fn add(&self, index: usize, verdict: &Verdict) {
        let mut waiting = self.waiting.lock().expect("no panic while it is held");
        let (next, lines) = &mut *waiting;
        lines[index] = Some(line(verdict));
        while let Some(line) = lines.get_mut(*next).and_then(Option::take) {
            self.put(*next, &line);
            *next += 1;
        }
    }

    /// Prints what still waits for one that has not come out, and the sum.
    pub fn end(&self, verdicts: &[Verdict]) {
        let waiting = self.waiting.lock().expect("no panic while it is held");
        for (index, line) in waiting.1.iter().enumerate() {
            line.iter().for_each(|line| self.put(index, line));
        }
        drop(waiting);
        self.print(&sum(verdicts, self.laws.len()));
    }

    fn put(&self, index: usize, line: &str) {
        let primitive = primitive(&self.laws[index]);
        if index == 0 || primitive != self::primitive(&self.laws[index - 1]) {
            self.print(&format!("\n{}", primitive.to_string_lossy()));
        }
        self.print(line);
    }

    /// In the same place as the lines.
    pub fn print(&self, text: &str) {
        if self.to_stderr {
            eprintln!("{text}")
        } else {
            println!("{text}")
        }
    }
}

/// What the law is about: its file in `laws`, or the folder of its files.
fn primitive(law: &Law) -> &OsStr {
    let inside = Path::new(law.file)
        .iter()
        .skip_while(|part| *part != "laws")
        .nth(1)
        .unwrap_or_default();
    Path::new(inside).file_stem().unwrap_or_default()
}

/// `L1      within 2 preemptions         1,544   0.3 s  at most one thread holds the lock`
fn line(verdict: &Verdict) -> String {
    let Verdict {
        id,
        claim,
        interleavings,
        seconds,
        ..
    } = verdict;
    let interleavings = HumanCount(*interleavings).to_string();
    let line = format!(
        "{id:7} {:22} {interleavings:>10} {seconds:>6.1} s  {claim}",
        worded(verdict)
    );
    if line.chars().count() <= COLUMNS {
        return line;
    }
    line.chars().take(COLUMNS - 1).chain(['…']).collect()
}

fn sum(verdicts: &[Verdict], laws: usize) -> String {
    let failed = verdicts
        .iter()
        .filter(|verdict| verdict.verdict == Outcome::Failed)
        .count();
    let specified = verdicts.iter().any(|verdict| verdict.lock_specified);
    let count = |of: fn(&Verdict) -> u64| HumanCount(verdicts.iter().map(of).sum());
    let (models, interleavings) = (
        count(|verdict| verdict.models as u64),
        count(|verdict| verdict.interleavings),
    );
    let held = counted(verdicts.len() - failed, "law holds", "laws hold");
    let mut sum = format!(
        "\n{held}, {}: {models} models, {interleavings} interleavings",
        counted(failed, "fails", "fail")
    );
    if verdicts.len() < laws {
        sum += &format!("; interrupted, {} of {laws} have not come out", laws - verdicts.len());
    }
    if specified {
        sum += "\n* the lock is taken as its specification says, in one step, in some models";
    }
    sum
}

/// `1 law holds`, `2 laws hold`
fn counted(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

fn worded(verdict: &Verdict) -> String {
    let worded = match (verdict.verdict, verdict.bound) {
        (Outcome::Exhausted, _) => "exhausted".into(),
        (Outcome::Bounded, Some(1)) => "within 1 preemption".into(),
        (Outcome::Bounded, Some(bound)) => format!("within {bound} preemptions"),
        (Outcome::Bounded, None) => "bounded".into(),
        (Outcome::Failed, _) => "FAILED".into(),
    };
    if verdict.lock_specified { worded + " *" } else { worded }
}

/// Where the verdicts go as JSON: opened before anything is checked.
pub struct Json(Box<dyn Write>);

impl Json {
    /// `-` is stdout.
    pub fn create(file: &Path) -> Result<Json, String> {
        if file == Path::new("-") {
            return Ok(Json(Box::new(io::stdout())));
        }
        let created = File::create(file).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(Json(Box::new(created)))
    }

    /// Writes an array of verdicts.
    pub fn write(mut self, verdicts: &[Verdict]) -> io::Result<()> {
        self.0
            .write_all((serde_json::to_string_pretty(verdicts)? + "\n").as_bytes())
    }
}

/// 0 if every law holds, 130 after an interrupt, else 1.
pub fn exit_code(verdicts: &[Verdict]) -> ExitCode {
    let fails = verdicts.iter().any(|verdict| verdict.verdict == Outcome::Failed);
    match children::are_interrupted() {
        true => children::exit_code(),
        false => ExitCode::from(u8::from(fails)),
    }
}
