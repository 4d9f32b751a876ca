//! The trace of one execution: what each thread did, in order, and its text. It is off unless an execution is replayed.
//!
//! A trace is plain memory that loom does not see. Another thread of the process may read it, because an execution can
//! end by an abort or never end.

use super::site::SourceLocation;
use ::std::backtrace::Backtrace;
use ::std::cell::RefCell;
use ::std::collections::BTreeSet;
use ::std::fmt::Write;
use ::std::sync::{Arc, Mutex, PoisonError};

thread_local! {
    /// The trace of the models that this system thread explores.
    static ACTIVE: RefCell<Option<SharedTrace>> = const { RefCell::new(None) };
}

/// A trace that other threads can read while it is written.
#[derive(Clone, Debug, Default)]
pub struct SharedTrace {
    trace: Arc<Mutex<Trace>>,
    /// Whether each entry has a backtrace.
    pub(super) with_backtraces: bool,
}

impl SharedTrace {
    /// The entries of the last execution so far.
    pub fn read(&self) -> Trace {
        self.with(|trace| trace.clone())
    }

    /// Like `read`, but `None` while a thread writes the trace: that thread may be the caller.
    pub(super) fn try_read(&self) -> Option<Trace> {
        self.trace.try_lock().ok().map(|trace| trace.clone())
    }

    pub(super) fn with<R>(&self, access: impl FnOnce(&mut Trace) -> R) -> R {
        access(&mut self.trace.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What happened in the current execution, up to the end of its model.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub entries: Vec<Entry>,
    pub objects: Vec<Created>,
}

/// One action of a thread.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The role of the thread.
    pub role: usize,
    /// The number of the object, or 0 if the action has none.
    pub object: u32,
    pub text: String,
    pub at: Option<SourceLocation>,
    pub backtrace: Option<Arc<Backtrace>>,
}

/// An object and the location of its construction.
#[derive(Clone, Debug)]
pub struct Created {
    pub number: u32,
    pub kind: &'static str,
    pub at: SourceLocation,
}

/// Records each execution that the calling system thread explores from now on.
pub fn switch_on(with_backtraces: bool) -> SharedTrace {
    let shared = SharedTrace {
        with_backtraces,
        ..SharedTrace::default()
    };
    ACTIVE.set(Some(shared.clone()));
    shared
}

/// The trace of the calling system thread, if it is switched on.
#[inline]
pub(super) fn active() -> Option<SharedTrace> {
    ACTIVE.with_borrow(Option::clone)
}

/// Of a longer trace, [`text`] shows this many entries at the start and at the end.
const ROWS: usize = 200;

/// The text of a trace: a row for each entry, a column for each thread, then the
/// locations of the objects. The same in a pipe and on any terminal.
pub fn text(trace: &Trace) -> String {
    let threads = trace.entries.iter().map(|entry| entry.role + 1).max().unwrap_or(1);
    let heads: Vec<String> = (0..threads)
        .map(|role| if role == 0 { "main".into() } else { role.to_string() })
        .collect();
    let width = |role: usize| {
        let texts = trace
            .entries
            .iter()
            .filter(|entry| entry.role == role)
            .map(|entry| entry.text.chars().count());
        texts.chain([heads[role].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..threads).map(width).collect();
    let mut text = row("", &widths, |role| &heads[role], "");
    for (index, entry) in trace.entries.iter().enumerate() {
        if index == ROWS && trace.entries.len() > 2 * ROWS {
            let _ = writeln!(text, "   … {} entries", trace.entries.len() - 2 * ROWS);
        }
        if index < ROWS || index + ROWS >= trace.entries.len() {
            text += &line(index + 1, entry, &widths);
        }
    }
    let named: BTreeSet<u32> = trace.entries.iter().map(|entry| entry.object).collect();
    for object in trace.objects.iter().filter(|object| named.contains(&object.number)) {
        let _ = write!(text, "\n#{} {}, created at {}", object.number, object.kind, object.at);
    }
    text + "\n"
}

fn line(number: usize, entry: &Entry, widths: &[usize]) -> String {
    let mut at = entry.at.as_ref().map(short).unwrap_or_default();
    let caller = entry.backtrace.as_ref().and_then(|trace| caller(&trace.to_string()));
    if let Some(caller) = caller.filter(|caller| !caller.ends_with(&at)) {
        let _ = write!(at, ", called at {caller}");
    }
    row(
        &number.to_string(),
        widths,
        |role| if role == entry.role { &entry.text } else { "" },
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

/// The location without folders, such as `lock.rs:219`. The list of objects below the rows has full paths.
fn short(location: &SourceLocation) -> String {
    let name = location.file.rsplit('/').next().unwrap_or_default();
    format!("{name}:{}", location.line)
}

/// The innermost frame of a backtrace that is the program's own, from a line ` at FILE:LINE:COLUMN`.
fn caller(backtrace: &str) -> Option<String> {
    let source = file!().strip_suffix("backend/loom/trace.rs")?;
    let source = source.find("../").map_or(source, |up| &source[up..]); // `loom-tests` compiles it as `../src`
    let is_program = |file: &&str| {
        ![source, "/rustc/", "/loom-", "/generator-"]
            .iter()
            .any(|part| file.contains(part))
    };
    let file = backtrace
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("at "))
        .find(is_program)?;
    let (location, _column) = file.rsplit_once(':')?;
    Some(location.strip_prefix("./").unwrap_or(location).to_owned())
}
