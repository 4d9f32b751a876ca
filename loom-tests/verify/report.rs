//! The output of verdicts: lines for people, JSON for programs, an exit code for scripts.

use crate::law::{Law, Status, Verdict};
use crate::process_group;
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::HumanCount;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

/// The largest width of a line.
const COLUMNS: usize = 100;

/// A table without borders, at most as wide as the terminal.
pub fn plain_table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}

/// Prints a line for each law, in the order of the laws, below the name of the primitive. A line is printed as soon as the
/// verdicts of this law and all laws before it are known.
pub struct Lines<'a> {
    laws: &'a [Law],
    /// The index of the next law to print, and the lines of later laws with a verdict.
    pending: Mutex<(usize, Vec<Option<String>>)>,
    to_stderr: bool,
}

impl<'a> Lines<'a> {
    /// Prints to stderr if stdout is used for JSON.
    pub fn new(laws: &'a [Law], to_stderr: bool) -> Lines<'a> {
        let lines = Lines {
            laws,
            pending: Mutex::new((0, laws.iter().map(|_| None).collect())),
            to_stderr,
        };
        let models = laws.iter().map(|law| law.models.len()).sum();
        lines.print(&format!(
            "{}, {}",
            count_text(laws.len(), "law", "laws"),
            count_text(models, "model", "models")
        ));
        lines
    }

    pub fn add(&self, index: usize, verdict: &Verdict) {
        let mut pending = self.pending.lock().expect("no panic while it is held");
        let (next, lines) = &mut *pending;
        lines[index] = Some(line(verdict));
        while let Some(line) = lines.get_mut(*next).and_then(Option::take) {
            self.put(*next, &line);
            *next += 1;
        }
    }

    /// Prints the remaining lines and the summary.
    pub fn end(&self, verdicts: &[Verdict]) {
        let pending = self.pending.lock().expect("no panic while it is held");
        for (index, line) in pending.1.iter().enumerate() {
            line.iter().for_each(|line| self.put(index, line));
        }
        drop(pending);
        self.print(&summary(verdicts, self.laws.len()));
    }

    fn put(&self, index: usize, line: &str) {
        let primitive = primitive(&self.laws[index]);
        if index == 0 || primitive != self::primitive(&self.laws[index - 1]) {
            self.print(&format!("\n{}", primitive.to_string_lossy()));
        }
        self.print(line);
    }

    /// Prints to the same stream as the lines.
    pub fn print(&self, text: &str) {
        if self.to_stderr {
            eprintln!("{text}")
        } else {
            println!("{text}")
        }
    }
}

/// The primitive of the law: the name of the law's file or folder in `laws`.
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
        verdict_text(verdict)
    );
    if line.chars().count() <= COLUMNS {
        return line;
    }
    line.chars().take(COLUMNS - 1).chain(['…']).collect()
}

fn summary(verdicts: &[Verdict], laws: usize) -> String {
    let failed = verdicts
        .iter()
        .filter(|verdict| verdict.verdict == Status::Failed)
        .count();
    let is_abstract = verdicts.iter().any(|verdict| verdict.lock_specified);
    let count = |of: fn(&Verdict) -> u64| HumanCount(verdicts.iter().map(of).sum());
    let (models, interleavings) = (
        count(|verdict| verdict.models as u64),
        count(|verdict| verdict.interleavings),
    );
    let held = count_text(verdicts.len() - failed, "law holds", "laws hold");
    let mut summary = format!(
        "\n{held}, {}: {models} models, {interleavings} interleavings",
        count_text(failed, "fails", "fail")
    );
    if verdicts.len() < laws {
        summary += &format!("; interrupted, {} of {laws} not checked", laws - verdicts.len());
    }
    if is_abstract {
        summary += "\n* some models use an abstract lock, which acquires and releases in one step";
    }
    summary
}

/// `1 law holds`, `2 laws hold`
fn count_text(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

fn verdict_text(verdict: &Verdict) -> String {
    let text = match (verdict.verdict, verdict.bound) {
        (Status::Exhausted, _) => "exhausted".into(),
        (Status::Bounded, Some(1)) => "within 1 preemption".into(),
        (Status::Bounded, Some(bound)) => format!("within {bound} preemptions"),
        (Status::Bounded, None) => "bounded".into(),
        (Status::Failed, _) => "FAILED".into(),
    };
    if verdict.lock_specified { text + " *" } else { text }
}

/// The output file of the verdicts as JSON. It is opened before any law is checked.
pub struct Json(Box<dyn Write>);

impl Json {
    /// Opens the file; `-` is stdout.
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

/// 130 after an interrupt, else 1 if a law fails, else 0.
pub fn exit_code(verdicts: &[Verdict]) -> ExitCode {
    let fails = verdicts.iter().any(|verdict| verdict.verdict == Status::Failed);
    match process_group::is_interrupted() {
        true => process_group::exit_code(),
        false => ExitCode::from(u8::from(fails)),
    }
}

/// Prints an error to stderr; the exit code is 2.
pub fn error(message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(2)
}

/// The text with each line indented by four spaces.
pub fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("{}\n", format!("    {line}").trim_end()))
        .collect()
}
