//! What `ExceptHookTests` and `ThreadingExceptionTests` check of stderr. The standard
//! library's hook, which prints, runs for each panic; the registry's hook runs after it.

use crate::child;
use selvedge::thread::{self, Builder, JoinHandle, Panicked};

const NO_BACKTRACES: &[(&str, &str)] = &[("RUST_BACKTRACE", "0")];

fn fails() -> (JoinHandle<()>, Panicked) {
    let builder = Builder::new().name("excepthook thread");
    let thread = builder.spawn(|| panic!("run failed")).unwrap();
    let panicked = thread.join().unwrap_err();
    (thread, panicked)
}

#[test]
fn excepthook() {
    let output = child::run(NO_BACKTRACES, || {
        let fails_and_says = || {
            drop(fails());
            eprintln!("---");
        };
        fails_and_says();
        thread::set_panic_hook(|_, _| eprintln!("Running a thread failed"));
        fails_and_says();
        assert!(thread::take_panic_hook().is_some());
        fails_and_says();
    });
    let Some(output) = output else { return };
    assert!(output.status.success(), "{output:?}");
    // Newer standard libraries print the system's number of the thread.
    let stderr: String = child::text(&output.stderr)
        .chars()
        .filter(|char| !char.is_ascii_digit())
        .collect();
    let reports: Vec<_> = stderr.split("---").map(str::trim).collect();
    let [default, custom, recovered, ""] = reports[..] else {
        panic!("{reports:?}")
    };
    let file = file!().rsplit(['/', '\\']).next().unwrap();
    assert!(["thread 'excepthook thread'", "run failed", file].map(|part| default.contains(part)) == [true; 3]);
    assert_eq!(default.matches("panicked").count(), 1, "{default}");
    // The hint at backtraces is printed once.
    let where_it_panicked = |report: &str| report.lines().next().unwrap_or_default().to_owned();
    assert_eq!(where_it_panicked(custom), where_it_panicked(default));
    assert_eq!(where_it_panicked(recovered), where_it_panicked(default));
    assert!(custom.ends_with("\nRunning a thread failed"), "{custom}");
    assert!(![default, recovered].concat().contains("Running a thread failed"));
}

#[test]
fn custom_excepthook_fail() {
    let output = child::run(NO_BACKTRACES, || {
        thread::set_panic_hook(|_, _| panic!("threading_hook failed"));
        let (thread, panicked) = fails();
        assert_eq!(panicked.message(), Some("run failed"));
        assert_eq!(thread.take_panic().unwrap().downcast_ref(), Some(&"run failed"));
        assert!(!thread::enumerate().contains(&thread));
    });
    let Some(output) = output else { return };
    assert!(output.status.success(), "{output:?}");
    let stderr = child::text(&output.stderr);
    let (run, hook) = stderr.split_at(stderr.rfind("thread 'excepthook thread'").unwrap());
    assert!(
        run.contains("run failed") && hook.contains("threading_hook failed"),
        "{stderr}"
    );
}

#[cfg(target_os = "linux")] // it has a file to which nothing can be written
#[test]
fn print_exception_stderr_is_none_2() {
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;
    child::passes(NO_BACKTRACES, || {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        // SAFETY: both numbers are those of open files.
        assert_eq!(unsafe { libc::dup2(full.as_raw_fd(), 2) }, 2);
        assert!(std::io::stderr().write_all(b"?").is_err());
        assert_eq!(fails().1.message(), Some("run failed"));
    });
}
