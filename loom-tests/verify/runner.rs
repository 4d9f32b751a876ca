//! Runs a law in a child process, and several at a time.

use crate::child::{Message, Summary};
use crate::execution::Execution;
use crate::orderings::Key;
use crate::process_group;
use rayon::iter::{ParallelBridge, ParallelIterator};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

/// How a child ended.
pub enum Ended {
    Holds(Summary),
    /// The law fails; with the child's error output.
    Fails(String),
    /// The law was not checked; with the reason.
    Error(String),
}

/// Calls `work` for each index below `count`, as many at a time as there are cores. Returns the results in order; an
/// interrupt prevents further calls.
pub fn each<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let indices = (0..count).take_while(|_| !process_group::is_interrupted());
    // A bridge, not `into_par_iter`: it starts the calls in order.
    let results = indices.par_bridge().map(|index| (index, work(index)));
    let mut results: Vec<_> = results.collect();
    results.sort_by_key(|&(index, _)| index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// What a child has reported.
pub struct Run {
    pub ended: Ended,
    /// The execution that failed, if the failure belongs to one.
    pub execution: Option<Execution>,
    /// The most threads of an execution up to the failure.
    pub threads: usize,
    pub trace: Option<String>,
    pub reached: Vec<Key>,
}

/// Runs the binary `verify` as a child for one law.
pub fn run(verify: &Path, id: &str, arguments: &[String], mut explored: impl FnMut(u64)) -> Run {
    let mut run = Run {
        ended: Ended::Error(String::new()),
        execution: None,
        threads: 0,
        trace: None,
        reached: vec![],
    };
    let mut command = Command::new(verify);
    command.args(["--child", id]).args(arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = match process_group::spawn(&mut command) {
        Ok(child) => child,
        Err(error) => {
            return Run {
                ended: Ended::Error(error.to_string()),
                ..run
            };
        }
    };
    let mut stderr = child.stderr.take().expect("stderr is piped");
    let errors = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stderr.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut holds = None;
    for line in BufReader::new(child.stdout.take().expect("stdout is piped"))
        .lines()
        .map_while(Result::ok)
    {
        match serde_json::from_str(&line) {
            Ok(Message::Explored(interleavings)) => explored(interleavings),
            Ok(Message::Holds(summary)) => holds = Some(summary),
            Ok(Message::Fails { execution, threads }) => (run.execution, run.threads) = (Some(execution), threads),
            Ok(Message::Trace(trace)) => run.trace = Some(trace),
            Ok(Message::Reached(reached)) => run.reached = reached,
            Err(_) => {} // truncated by the end of the process
        }
    }
    let status = child.wait();
    process_group::unregister(child.id());
    let errors = errors.join().unwrap_or_default();
    run.ended = match (status, holds) {
        (Ok(status), Some(summary)) if status.success() => {
            explored(summary.interleavings);
            Ended::Holds(summary)
        }
        (Ok(status), _) if status.code() == Some(2) => Ended::Error(errors),
        // A panic that leaves a model, or a second panic in a destructor, which aborts.
        (Ok(status), _) if errors.contains("model: ") && (status.code() == Some(1) || has_aborted(status)) => {
            Ended::Fails(format!("{}({status})", last_model(&errors)))
        }
        (Ok(status), _) => Ended::Error(format!("{errors}({status})")),
        (Err(error), _) => Ended::Error(error.to_string()),
    };
    run
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

/// The error output since the start of the last model. The models before it held.
fn last_model(errors: &str) -> &str {
    &errors[errors.rfind("model: ").unwrap_or(0)..]
}
