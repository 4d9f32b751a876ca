//! Programs: a test runs this binary again, for itself alone, and there its thread is the program's first.

use crate::watchdog;
use std::env;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{self, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const IS_PROGRAM: &str = "SELVEDGE_TEST_IS_PROGRAM";
const LIMIT: Duration = Duration::from_secs(30); // half of that of a test, which waits for it
const MARK: &str = "> "; // what the harness writes bears none

/// What became of a program.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub said: Vec<String>,
    pub stderr: String,
}

impl Ended {
    /// It has ended as programs should, and has said just this.
    #[track_caller]
    pub fn assert_well(&self, said: &[&str]) {
        assert_eq!((self.code, &*self.stderr), (Some(0), ""), "{self:?}");
        assert_eq!(self.said, said);
    }
}

/// To be heard by the test.
pub fn say(text: &str) {
    println!("\n{MARK}{text}");
}

/// Runs a program that does `main`, and waits for its end. A test runs one program, and does nothing else before.
pub fn run(main: impl FnOnce()) -> Ended {
    let test = test_of(&main);
    run_as(test, true, || {
        main();
        0
    })
}

/// [`run`], if `main` tells the program's code.
pub fn run_to_code(main: impl FnOnce() -> i32) -> Ended {
    run_as(test_of(&main), true, main)
}

/// [`run`], while nobody reads what it writes to stderr.
pub fn run_unread(main: impl FnOnce()) -> Ended {
    let test = test_of(&main);
    run_as(test, false, || {
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap(); // it ends after the reader is gone
        assert!(std::io::stderr().write_all(b"?").is_err(), "somebody reads");
        main();
        0
    })
}

/// The name of the test whose closure it is.
fn test_of<F>(_: &F) -> &'static str {
    let name = std::any::type_name::<F>();
    let name = name.split_once("::").expect("the crate's name comes first").1;
    name.strip_suffix("::{{closure}}").expect("a test gives a closure")
}

fn run_as(test: &str, stderr_is_read: bool, main: impl FnOnce() -> i32) -> Ended {
    if env::var_os(IS_PROGRAM).is_some() {
        be(main);
    }
    let mut program = Command::new(env::current_exe().unwrap());
    // The harness waits in its own thread only if it may run two tests at once.
    program.args(["--exact", test, "--nocapture", "--test-threads", "2"]);
    program.env(IS_PROGRAM, "1").env("RUST_BACKTRACE", "0");
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    if !stderr_is_read {
        drop(child.stderr.take());
    }
    let output = watchdog::run(|watch| watch.waits("a program's end", || child.wait_with_output())).unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("running 1 test"), "there is no test {test}:\n{stdout}");
    Ended {
        code: output.status.code(),
        said: stdout
            .lines()
            .filter_map(|line| line.strip_prefix(MARK))
            .map(str::to_owned)
            .collect(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What Rust does with a `main`, if it must end at all.
fn be(main: impl FnOnce() -> i32) -> ! {
    thread::spawn(|| {
        let begin = Instant::now();
        while begin.elapsed() < LIMIT {
            thread::park_timeout(LIMIT);
        }
        let _ = std::io::stderr().write_all(b"the program has not ended\n");
        process::abort()
    });
    process::exit(catch_unwind(AssertUnwindSafe(main)).unwrap_or(101))
}
