//! The output of `cargo verify`.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verify"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn verify(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command(arguments).output().expect("verify can be run");
    let text = |bytes| String::from_utf8(bytes).expect("verify prints UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn each_law_has_a_line_below_its_primitive() {
    let (code, printed, _) = verify(&["L1", "R4", "L5"]);
    assert_eq!(code, Some(0), "{printed}");
    let words = printed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect::<Vec<_>>();
    assert_eq!(words, ["3", "lock", "L1", "L5", "rlock", "R4", "3"], "{printed}");
    assert!(printed.contains("3 laws hold, 0 fail: "), "{printed}");
    assert!(printed.lines().all(|line| line.chars().count() <= 100), "{printed}");
    let (_, printed, _) = verify(&["L5"]);
    assert!(printed.contains("1 law holds, 0 fail: "), "{printed}");
}

#[test]
fn json_can_be_written_to_stdout() {
    let (code, json, lines) = verify(&["L5", "--json", "-"]);
    assert_eq!(code, Some(0), "{lines}");
    let verdicts: serde_json::Value = serde_json::from_str(&json).expect("stdout contains only JSON");
    assert_eq!(verdicts[0]["id"], "L5");
    assert!(lines.contains("1 law holds"), "{lines}");
}

#[test]
fn bad_arguments_are_rejected_before_any_law_is_checked() {
    let missing = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-such-folder/verdicts.json");
    for bad in [&["--json", missing.to_str().unwrap()][..], &["L1", "no such law"]] {
        let (code, printed, errors) = verify(bad);
        assert_eq!((code, printed.as_str()), (Some(2), ""), "{errors}");
        assert!(errors.starts_with("error: "), "{errors}");
    }
}

/// The interrupt arrives during Q2, which takes a minute.
#[cfg(unix)]
#[test]
fn an_interrupt_keeps_the_verdicts_so_far() {
    use rustix::process::{Pid, Signal, kill_process};
    use std::io::{BufRead, BufReader};

    for signal in [Signal::INT, Signal::TERM] {
        let mut child = command(&["L5", "Q2"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(
            lines.any(|line| line.starts_with("L5 ")),
            "no line of L5 before the end of the run"
        );
        kill_process(Pid::from_child(&child), signal).unwrap();
        let rest = lines.collect::<Vec<_>>().join("\n");
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(
            rest.contains("1 law holds, 0 fail: ") && rest.contains("1 of 2 not checked"),
            "{rest}"
        );
    }
}
