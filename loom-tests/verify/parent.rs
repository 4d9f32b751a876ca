//! The parent process: plays each law in a child of its own, as many at once as there are cores.

use crate::law::{Law, Outcome, Verdict};
use crate::place::Place;
use crate::play::{Line, Summary};
use crate::replay;
use crate::sites::Key;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
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

/// Checks the laws, showing how far it has come, and prints what a law that fails has to say.
pub fn check(laws: &[Law], deep: bool) -> Vec<Verdict> {
    let this = std::env::current_exe().expect("the system knows what it runs");
    let bar = progress(laws.len());
    let explored: Vec<AtomicUsize> = laws.iter().map(|_| AtomicUsize::new(0)).collect();
    let sum = || explored.iter().map(|law| law.load(Relaxed)).sum::<usize>();
    let start = Instant::now();
    let arguments: Vec<String> = deep.then(|| "--deep".into()).into_iter().collect();
    let verdicts = each(laws.len(), |index| {
        let (law, begin) = (&laws[index], Instant::now());
        let played = child(&this, law.id, &arguments, |interleavings| {
            explored[index].store(interleavings as usize, Relaxed);
            let rate = sum() as f64 / start.elapsed().as_secs_f64();
            bar.set_message(format!("{} interleavings, {rate:.0} a second", sum()));
        });
        let verdict = verdict(law, &played.ended, explored[index].load(Relaxed), begin.elapsed().as_secs_f64());
        if let Ended::Fails(why) | Ended::Unplayable(why) = &played.ended {
            let said = replay::explained(&this, law, deep, why, played.place.as_ref(), &bar);
            bar.suspend(|| println!("{said}"));
        }
        bar.inc(1);
        verdict
    });
    bar.finish_and_clear();
    verdicts
}

/// Does this work for each of so many, as many at once as there are cores; the results in order.
pub fn each<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || {
        loop {
            let index = next.fetch_add(1, Relaxed);
            if index >= count {
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
    pub columns: Option<String>,
    pub reached: Vec<Key>,
}

/// Plays one law with the binary `verify`.
pub fn child(verify: &Path, id: &str, arguments: &[String], mut explored: impl FnMut(u64)) -> Played {
    let mut played = Played { ended: Ended::Unplayable(String::new()), place: None, columns: None, reached: vec![] };
    let mut command = Command::new(verify);
    command.args(["--child", id]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Played { ended: Ended::Unplayable(error.to_string()), ..played },
    };
    let mut stderr = child.stderr.take().expect("it was piped");
    let complaints = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stderr.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut holds = None;
    for line in BufReader::new(child.stdout.take().expect("it was piped")).lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Line::Explored(interleavings)) => explored(interleavings),
            Ok(Line::Holds(summary)) => holds = Some(summary),
            Ok(Line::Fails(place)) => played.place = Some(place),
            Ok(Line::Columns(columns)) => played.columns = Some(columns),
            Ok(Line::Reached(reached)) => played.reached = reached,
            Err(_) => {} // cut off by the end of the process
        }
    }
    let status = child.wait();
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

fn verdict(law: &Law, ended: &Ended, explored: usize, seconds: f64) -> Verdict {
    let (id, claim, failed) = (law.id.to_owned(), law.claim.clone(), Outcome::Failed);
    match ended {
        &Ended::Holds(Summary { threads, models, interleavings, bound, lock_specified }) => {
            let verdict = if bound.is_some() { Outcome::Bounded } else { Outcome::Exhausted };
            Verdict { id, claim, threads, models, interleavings, bound, lock_specified, verdict, seconds }
        }
        Ended::Fails(_) | Ended::Unplayable(_) => {
            let (models, interleavings) = (law.models.len(), explored as u64);
            let (threads, bound, lock_specified) = (0, None, false);
            Verdict { id, claim, threads, models, interleavings, bound, lock_specified, verdict: failed, seconds }
        }
    }
}

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package lies in the workspace")
}

pub fn progress(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}").expect("the template is well formed");
    ProgressBar::new(steps as u64).with_style(style)
}

pub fn indented(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", format!("    {line}").trim_end())).collect()
}
