//! `test_threading.py` without the classes that repeat `lock_tests.py`.
//!
//! What Python checks of an interpreter's exit is checked of a child process; a registry stands for a subinterpreter.

mod exit;
mod hook;
mod thread;

use crate::child;
use std::process::Output;

/// Calls its function when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

const MARK: &str = "> "; // the harness does not begin a line with it

/// Prints a line for [`said`].
fn say(line: &str) {
    println!("\n{MARK}{line}");
}

/// The lines that a child process has printed by [`say`].
fn said(output: &Output) -> Vec<String> {
    let printed = child::text(&output.stdout);
    printed
        .lines()
        .filter_map(|line| line.strip_prefix(MARK))
        .map(str::to_owned)
        .collect()
}

/// Runs `main` on the first thread of a child process, which must succeed with these lines and an empty stderr.
#[track_caller]
fn assert_says(lines: &[&str], main: impl FnOnce()) {
    if let Some(output) = child::run(&[], main) {
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        assert_eq!(said(&output), lines);
    }
}
