//! The parent process: plays each law in a child of its own, as many at once as there are cores.

use crate::children;
use crate::law::{Law, Outcome, Verdict};
use crate::place::Place;
use crate::play::{Line, Summary};
use crate::progress::Progress;
use crate::replay;
use crate::report::Lines;
use crate::sites::Key;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

/// How a child ended.
pub enum Ended {
    Holds(Summary),
    /// With what it printed.
    Fails(String),
    /// It could not be played at all.
    Unplayable(String),
}

/// Checks the laws, showing how far it has come, with a line as each comes out, and what one that fails has to say. Those that an
/// interrupt cuts off have no verdict.
pub fn check(laws: &[Law], deep: bool, lines: &Lines<'_>) -> Vec<Verdict> {
    let this = std::env::current_exe().expect("the system knows what it runs");
    let progress = Progress::of_laws(laws);
    let arguments: Vec<String> = deep.then(|| "--deep".into()).into_iter().collect();
    let verdicts = each(laws.len(), |index| {
        let (law, begin) = (&laws[index], Instant::now());
        let played = child(&this, law.id, &arguments, |interleavings| {
            progress.explored(index, interleavings)
        });
        if children::are_interrupted() {
            return None;
        }
        let verdict = verdict(
            law,
            &played,
            progress.interleavings(index),
            begin.elapsed().as_secs_f64(),
        );
        if let Ended::Fails(why) | Ended::Unplayable(why) = &played.ended {
            let said = replay::explained(&this, law, deep, why, played.place.as_ref(), |note| {
                progress.show(&note)
            });
            progress.suspend(|| lines.print(&said));
        }
        progress.suspend(|| lines.add(index, &verdict));
        progress.done(index);
        Some(verdict)
    });
    verdicts.into_iter().flatten().collect()
}

/// Does this work for each of so many, as many at once as there are cores; the results in order.
pub fn each<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || {
        loop {
            let index = next.fetch_add(1, Relaxed);
            if index >= count || children::are_interrupted() {
                return;
            }
            let result = work(index);
            done.lock().expect("no panic while it is held").push((index, result));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(worker);
        }
    });
    let mut done = done.into_inner().expect("no panic while it is held");
    done.sort_by_key(|&(index, _)| index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// What a child has told.
pub struct Played {
    pub ended: Ended,
    /// The execution that failed, if it was one.
    pub place: Option<Place>,
    /// As many as had been seen when it failed.
    pub threads: usize,
    pub columns: Option<String>,
    pub reached: Vec<Key>,
}

/// Plays one law with the binary `verify`.
pub fn child(verify: &Path, id: &str, arguments: &[String], mut explored: impl FnMut(u64)) -> Played {
    let mut played = Played {
        ended: Ended::Unplayable(String::new()),
        place: None,
        threads: 0,
        columns: None,
        reached: vec![],
    };
    let mut command = Command::new(verify);
    command.args(["--child", id]).args(arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = match children::spawn(&mut command) {
        Ok(child) => child,
        Err(error) => {
            return Played {
                ended: Ended::Unplayable(error.to_string()),
                ..played
            };
        }
    };
    let mut stderr = child.stderr.take().expect("it was piped");
    let complaints = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stderr.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut holds = None;
    for line in BufReader::new(child.stdout.take().expect("it was piped"))
        .lines()
        .map_while(Result::ok)
    {
        match serde_json::from_str(&line) {
            Ok(Line::Explored(interleavings)) => explored(interleavings),
            Ok(Line::Holds(summary)) => holds = Some(summary),
            Ok(Line::Fails { place, threads }) => (played.place, played.threads) = (Some(place), threads),
            Ok(Line::Columns(columns)) => played.columns = Some(columns),
            Ok(Line::Reached(reached)) => played.reached = reached,
            Err(_) => {} // cut off by the end of the process
        }
    }
    let status = child.wait();
    children::forget(child.id());
    let complaints = complaints.join().unwrap_or_default();
    played.ended = match (status, holds) {
        (Ok(status), Some(summary)) if status.success() => {
            explored(summary.interleavings);
            Ended::Holds(summary)
        }
        (Ok(status), _) if status.code() == Some(2) => Ended::Unplayable(complaints),
        // A panic that leaves a model, or one in a destructor on the way.
        (Ok(status), _) if complaints.contains("model: ") && (status.code() == Some(1) || has_aborted(status)) => {
            Ended::Fails(format!("{}({status})", last_model(&complaints)))
        }
        (Ok(status), _) => Ended::Unplayable(format!("{complaints}({status})")),
        (Err(error), _) => Ended::Unplayable(error.to_string()),
    };
    played
}

#[cfg(unix)]
fn has_aborted(status: ExitStatus) -> bool {
    const SIGABRT: i32 = 6;
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(SIGABRT)
}

#[cfg(not(unix))]
fn has_aborted(status: ExitStatus) -> bool {
    !status.success()
}

/// What was said since the last model began: the models before it held.
fn last_model(complaints: &str) -> &str {
    &complaints[complaints.rfind("model: ").unwrap_or(0)..]
}

fn verdict(law: &Law, played: &Played, explored: u64, seconds: f64) -> Verdict {
    let (id, claim, failed) = (law.id.to_owned(), law.claim.clone(), Outcome::Failed);
    match played.ended {
        Ended::Holds(Summary {
            threads,
            models,
            interleavings,
            bound,
            lock_specified,
        }) => {
            let verdict = if bound.is_some() {
                Outcome::Bounded
            } else {
                Outcome::Exhausted
            };
            Verdict {
                id,
                claim,
                threads,
                models,
                interleavings,
                bound,
                lock_specified,
                verdict,
                seconds,
            }
        }
        Ended::Fails(_) | Ended::Unplayable(_) => {
            let (models, interleavings) = (law.models.len(), explored);
            let (threads, bound, lock_specified) = (played.threads, None, false);
            Verdict {
                id,
                claim,
                threads,
                models,
                interleavings,
                bound,
                lock_specified,
                verdict: failed,
                seconds,
            }
        }
    }
}

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this package lies in the workspace")
}

/// Where cargo puts what it makes of this workspace.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

pub fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("{}\n", format!("    {line}").trim_end()))
        .collect()
}
