//! Finding an execution again, and showing it. loom counts executions, so one that failed is found by running its
//! check again up to it; there loom stores its path, with which the execution can be run alone, as often as wanted.

use crate::children;
use crate::law::Law;
use crate::parent::{Ended, Played, child, indented, target};
use crate::place::Place;
use crate::trouble;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// All that it takes to run one execution again.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    pub law: String,
    pub deep: bool,
    #[serde(flatten)]
    pub place: Place,
    /// loom's.
    pub path: serde_json::Value,
}

/// What a path from another source makes loom say.
const STRAYS: [&str; 2] = ["Is the model fully deterministic?", "[loom internal bug]"];

impl Record {
    /// Reads the file that [`find`] has written.
    pub fn read(file: &Path) -> Result<Record, String> {
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: it is no record: {error}", file.display()))
    }
}

/// Runs the check of `place` again up to the execution that failed, and leaves a record of it below `target`.
pub fn find(verify: &Path, law: &Law, deep: bool, place: &Place, explored: impl FnMut(u64)) -> Result<PathBuf, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("path.json");
    let place_text = serde_json::to_string(place).map_err(|error| error.to_string())?;
    let arguments = [
        "--record".into(),
        path.display().to_string(),
        "--place".into(),
        place_text,
    ];
    let arguments: Vec<String> = arguments.into_iter().chain(deep.then(|| "--deep".into())).collect();
    match child(verify, law.id, &arguments, explored).ended {
        Ended::Holds(_) => {}
        Ended::Fails(why) | Ended::Unplayable(why) => return Err(why),
    }
    let path = fs::read_to_string(&path).map_err(|error| format!("loom has stored no path: {error}"))?;
    let path = serde_json::from_str(&path).map_err(|error| format!("loom's path: {error}"))?;
    let record = Record {
        law: law.id.into(),
        deep,
        place: place.clone(),
        path,
    };
    let folder = target().join("verify");
    let file = folder.join(format!("{}.json", law.id));
    let text = serde_json::to_string(&record).map_err(|error| error.to_string())?;
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}

/// How the recorded execution ends now.
pub enum Shown {
    /// Why it fails, and its columns.
    Fails(String),
    /// Its columns.
    Holds(String),
    /// It could not be run.
    Strays(String),
}

/// Runs the recorded execution, and no other.
pub fn show(verify: &Path, law: &Law, file: &Path) -> Shown {
    let Played { ended, columns, .. } = child(verify, law.id, &["--replay".into(), file.display().to_string()], |_| {});
    let columns = columns.unwrap_or_default();
    match ended {
        Ended::Fails(why) if STRAYS.iter().any(|stray| why.contains(stray)) => {
            Shown::Strays("the source has changed: it does not come this way any more".into())
        }
        Ended::Fails(why) => {
            let said = format!(
                "{} fails: {}\n{}\n{}",
                law.id,
                law.claim,
                indented(&why),
                indented(&columns)
            );
            Shown::Fails(said)
        }
        Ended::Holds(_) => Shown::Holds(indented(&columns)),
        Ended::Unplayable(why) => Shown::Strays(why),
    }
}

/// All that there is to say of a law that fails.
pub fn explained(
    verify: &Path,
    law: &Law,
    deep: bool,
    why: &str,
    place: Option<&Place>,
    show_progress: impl Fn(String),
) -> String {
    let plain = |note: &str| format!("{} fails: {}\n{}\n    {note}\n", law.id, law.claim, indented(why));
    let Some(place) = place else {
        return plain("This belongs to no single interleaving: there are no columns.");
    };
    let tell = |explored| {
        show_progress(format!(
            "{} failed: finding it again, {explored} of {} interleavings",
            law.id, place.execution
        ));
    };
    let file = match find(verify, law, deep, place, tell) {
        Ok(file) => file,
        Err(error) => return plain(&format!("It could not be found again: {error}")),
    };
    match show(verify, law, &file) {
        Shown::Fails(said) => format!("{said}\n    cargo verify {} --replay {}\n", law.id, relative(&file)),
        Shown::Holds(_) => plain("It does not fail when it is run again: the model is not deterministic."),
        Shown::Strays(error) => plain(&format!("It could not be run again: {error}")),
    }
}

/// As it is typed in the present folder.
fn relative(file: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(here).unwrap_or(file).display().to_string()
}

/// `--replay`: 1 if the recorded execution fails still, 0 if it does not, 2 if there is none for these laws.
pub fn replay(laws: &[Law], file: &Path) -> ExitCode {
    let record = match Record::read(file) {
        Ok(record) => record,
        Err(error) => return trouble(&error),
    };
    let Some(law) = laws.iter().find(|law| law.id == record.law) else {
        return trouble(&format!("{} is about law {}", file.display(), record.law));
    };
    let verify = match std::env::current_exe() {
        Ok(verify) => verify,
        Err(error) => return trouble(&error.to_string()),
    };
    let style = ProgressStyle::with_template("{spinner} {msg}").expect("the template is well formed");
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.set_message(format!(
        "{}: {}, interleaving {}",
        law.id, record.place.name, record.place.execution
    ));
    bar.enable_steady_tick(Duration::from_millis(100));
    let shown = show(&verify, law, file);
    bar.finish_and_clear();
    match shown {
        Shown::Fails(said) => {
            print!("{said}");
            ExitCode::FAILURE
        }
        Shown::Holds(columns) => {
            print!(
                "{}: in this interleaving the law holds now\n    model: {}\n\n{columns}",
                law.id, record.place.name
            );
            ExitCode::SUCCESS
        }
        Shown::Strays(_) if children::are_interrupted() => children::exit_code(),
        Shown::Strays(error) => trouble(&format!("{}: {error}", file.display())),
    }
}
