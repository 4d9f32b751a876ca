//! What `cargo verify` prints, and when.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verify"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn verify(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command(arguments).output().expect("it can be run");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn a_line_for_each_law_below_its_primitive() {
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
fn json_may_go_to_the_standard_output() {
    let (code, json, lines) = verify(&["L5", "--json", "-"]);
    assert_eq!(code, Some(0), "{lines}");
    let verdicts: serde_json::Value = serde_json::from_str(&json).expect("nothing else is printed there");
    assert_eq!(verdicts[0]["id"], "L5");
    assert!(lines.contains("1 law holds"), "{lines}");
}

#[test]
fn bad_arguments_are_refused_before_anything_is_checked() {
    let nowhere = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-such-folder/verdicts.json");
    for bad in [&["--json", nowhere.to_str().unwrap()][..], &["L1", "no such law"]] {
        let (code, printed, said) = verify(bad);
        assert_eq!((code, printed.as_str()), (Some(2), ""), "{said}");
        assert!(said.starts_with("error: "), "{said}");
    }
}

/// The law Q2 takes a minute.
#[cfg(unix)]
#[test]
fn an_interrupt_loses_no_verdict() {
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
            "a line comes as soon as its law has come out"
        );
        kill_process(Pid::from_child(&child), signal).unwrap();
        let rest = lines.collect::<Vec<_>>().join("\n");
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(
            rest.contains("1 law holds, 0 fail: ") && rest.contains("1 of 2 have not come out"),
            "{rest}"
        );
    }
}
