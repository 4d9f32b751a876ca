//! Finds a failed execution again and shows its trace. loom numbers its executions, so a second run of the check reaches
//! the failed one. There loom stores its path, with which that execution can be run alone any number of times.

use crate::execution::{Execution, Record};
use crate::law::Law;
use crate::process_group;
use crate::report::{error, indented};
use crate::runner::{Ended, Run, run};
use crate::workspace::target;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// loom's messages about a path that does not fit the model.
const DIVERGED: [&str; 2] = ["Is the model fully deterministic?", "[loom internal bug]"];

/// Runs the check again up to the failed execution, and writes a record of that execution below `target`.
pub fn record(
    verify: &Path,
    law: &Law,
    deep: bool,
    execution: &Execution,
    explored: impl FnMut(u64),
) -> Result<PathBuf, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("path.json");
    let execution_json = serde_json::to_string(execution).map_err(|error| error.to_string())?;
    let arguments = [
        "--record".into(),
        path.display().to_string(),
        "--execution".into(),
        execution_json,
    ];
    let arguments: Vec<String> = arguments.into_iter().chain(deep.then(|| "--deep".into())).collect();
    match run(verify, law.id, &arguments, explored).ended {
        Ended::Holds(_) => {}
        Ended::Fails(why) | Ended::Error(why) => return Err(why),
    }
    let path = fs::read_to_string(&path).map_err(|error| format!("loom has stored no path: {error}"))?;
    let path = serde_json::from_str(&path).map_err(|error| format!("loom's path: {error}"))?;
    let record = Record {
        law: law.id.into(),
        deep,
        execution: execution.clone(),
        path,
    };
    let folder = target().join("verify");
    let file = folder.join(format!("{}.json", law.id));
    let text = serde_json::to_string(&record).map_err(|error| error.to_string())?;
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}

/// The result of a replay.
pub enum Replayed {
    /// The reason of the failure, and the trace.
    Fails(String),
    /// The trace.
    Holds(String),
    /// The recorded path could not be followed; with the reason.
    Diverged(String),
}

/// Runs the recorded execution and no other.
pub fn replay(verify: &Path, law: &Law, file: &Path) -> Replayed {
    let Run { ended, trace, .. } = run(verify, law.id, &["--replay".into(), file.display().to_string()], |_| {});
    let trace = trace.unwrap_or_default();
    match ended {
        Ended::Fails(why) if DIVERGED.iter().any(|message| why.contains(message)) => {
            Replayed::Diverged("the source has changed since the recording: the recorded path does not fit".into())
        }
        Ended::Fails(why) => Replayed::Fails(format!(
            "{} fails: {}\n{}\n{}",
            law.id,
            law.claim,
            indented(&why),
            indented(&trace)
        )),
        Ended::Holds(_) => Replayed::Holds(indented(&trace)),
        Ended::Error(why) => Replayed::Diverged(why),
    }
}

/// The full report of a failed law: claim, reason, trace, and the command that replays it.
pub fn explain(
    verify: &Path,
    law: &Law,
    deep: bool,
    why: &str,
    execution: Option<&Execution>,
    show_progress: impl Fn(String),
) -> String {
    let plain = |note: &str| format!("{} fails: {}\n{}\n    {note}\n", law.id, law.claim, indented(why));
    let Some(execution) = execution else {
        return plain("The failure belongs to no single interleaving: there is no trace.");
    };
    let explored = |interleavings| {
        show_progress(format!(
            "{} failed: reproducing it, {interleavings} of {} interleavings",
            law.id, execution.ordinal
        ));
    };
    let file = match record(verify, law, deep, execution, explored) {
        Ok(file) => file,
        Err(error) => return plain(&format!("The failed execution could not be reproduced: {error}")),
    };
    match replay(verify, law, &file) {
        Replayed::Fails(report) => format!("{report}\n    cargo verify {} --replay {}\n", law.id, relative(&file)),
        Replayed::Holds(_) => plain("The replay does not fail: the model is not deterministic."),
        Replayed::Diverged(error) => plain(&format!("The failed execution could not be replayed: {error}")),
    }
}

/// The path relative to the current directory, if it is inside.
fn relative(file: &Path) -> String {
    let current = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(current).unwrap_or(file).display().to_string()
}

/// `--replay`: exits with 1 if the recorded execution still fails, 0 if it does not, 2 if it is of none of these laws.
pub fn command(laws: &[Law], file: &Path) -> ExitCode {
    let record = match Record::read(file) {
        Ok(record) => record,
        Err(message) => return error(&message),
    };
    let Some(law) = laws.iter().find(|law| law.id == record.law) else {
        return error(&format!("{} is a recording of law {}", file.display(), record.law));
    };
    let verify = match std::env::current_exe() {
        Ok(verify) => verify,
        Err(failure) => return error(&failure.to_string()),
    };
    let style = ProgressStyle::with_template("{spinner} {msg}").expect("the template is well formed");
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.set_message(format!(
        "{}: {}, interleaving {}",
        law.id, record.execution.name, record.execution.ordinal
    ));
    bar.enable_steady_tick(Duration::from_millis(100));
    let replayed = replay(&verify, law, file);
    bar.finish_and_clear();
    match replayed {
        Replayed::Fails(report) => {
            print!("{report}");
            ExitCode::FAILURE
        }
        Replayed::Holds(trace) => {
            print!(
                "{}: the law holds in the recorded interleaving\n    model: {}\n\n{trace}",
                law.id, record.execution.name
            );
            ExitCode::SUCCESS
        }
        Replayed::Diverged(_) if process_group::is_interrupted() => process_group::exit_code(),
        Replayed::Diverged(message) => error(&format!("{}: {message}", file.display())),
    }
}
