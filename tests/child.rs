//! A test in a process of its own: where it is alone, where the system refuses threads, or where the process must end.

use crate::watchdog;
use std::any::type_name_of_val;
use std::process::{Command, Output};

const MARK: &str = "SELVEDGE_CHILD";

/// Calls the test again in a child process, which does `body` on its first thread, and gives what came of that. In the
/// child itself, returns `None` after `body`.
pub fn run(variables: &[(&str, &str)], body: impl FnOnce()) -> Option<Output> {
    if std::env::var_os(MARK).is_some() {
        watchdog::watch_the_suite(); // nobody is left when the parent is stopped
        body();
        return None;
    }
    // behaviour::module::test::{{closure}}
    let path = type_name_of_val(&body);
    let test = path
        .split("::")
        .skip(1)
        .take_while(|part| !part.starts_with('{'))
        .collect::<Vec<_>>()
        .join("::");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", &test, "--test-threads=1", "--nocapture"])
        .env(MARK, "")
        .envs(variables.iter().copied());
    let output = watchdog::run(|watch| watch.waits("the end of the child process", || child.output().unwrap()));
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("running 1 test"), "there is no test {test}: {printed}");
    Some(output)
}

/// [`run`], for a test that passes if it does in the child.
pub fn passes(variables: &[(&str, &str)], body: impl FnOnce()) {
    if let Some(output) = run(variables, body) {
        assert!(
            output.status.success(),
            "{}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
    }
}

pub fn text(printed: &[u8]) -> String {
    String::from_utf8_lossy(printed).into_owned()
}

/// How many threads the system sees in this process.
#[cfg(target_os = "linux")]
pub fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Waits until the process has so many threads again. Who never gets there is stopped by the parent's watchdog.
#[cfg(target_os = "linux")]
pub fn until_threads(count: usize) {
    while threads() != count {
        std::thread::yield_now();
    }
}
