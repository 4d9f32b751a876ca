//! Tests in a process of their own: for a test that must be alone, without resources for threads, or ends its process.

use crate::watchdog;
use std::any::type_name_of_val;
use std::process::{Command, Output};

const IS_CHILD: &str = "SELVEDGE_CHILD";

/// Runs the calling test again in a child process, which calls `body` on its first thread, and returns the child's
/// output. In the child, calls `body` and returns `None`.
pub fn run(variables: &[(&str, &str)], body: impl FnOnce()) -> Option<Output> {
    if std::env::var_os(IS_CHILD).is_some() {
        watchdog::watch_the_suite(); // ends the child if the parent has been killed
        body();
        return None;
    }
    // behaviour::module::test::{{closure}}
    let path: Vec<_> = type_name_of_val(&body).split("::").skip(1).collect();
    let test = path.split(|part| part.starts_with('{')).next().unwrap().join("::");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", &test, "--test-threads=1", "--nocapture"])
        .env(IS_CHILD, "")
        .envs(variables.iter().copied());
    let output = watchdog::run(|watch| watch.waits("the end of the child process", || child.output().unwrap()));
    let printed = text(&output.stdout);
    assert!(printed.contains("running 1 test"), "there is no test {test}: {printed}");
    Some(output)
}

/// [`run`], for a test that passes if it passes in the child.
pub fn passes(variables: &[(&str, &str)], body: impl FnOnce()) {
    if let Some(output) = run(variables, body) {
        let (printed, errors) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{printed}{errors}");
    }
}

pub fn text(printed: &[u8]) -> String {
    String::from_utf8_lossy(printed).into_owned()
}

/// The number of threads of this process, as the system counts them.
#[cfg(target_os = "linux")]
pub fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Returns once the process has `count` threads. If that never happens, the parent's watchdog ends the process.
#[cfg(target_os = "linux")]
pub fn until_threads(count: usize) {
    while threads() != count {
        std::thread::yield_now();
    }
}
