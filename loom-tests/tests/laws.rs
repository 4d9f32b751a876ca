//! Every law as a test: `cargo test`, `cargo test -p selvedge-loom -- L3`. The verdicts are written to `target/tmp`, one
//! file per law.

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let list = verify(&["--list"]).expect("verify lists the laws");
    let trials = list.lines().map(|law| {
        let id = law.split_whitespace().next().unwrap_or(law).to_owned();
        let json = format!("{}/{id}.json", env!("CARGO_TARGET_TMPDIR"));
        Trial::test(law, move || verify(&[&id, "--json", &json]).map(|_| ()))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn verify(arguments: &[&str]) -> Result<String, Failed> {
    let output = Command::new(env!("CARGO_BIN_EXE_verify")).args(arguments).output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(printed)
    } else {
        Err(printed.into())
    }
}
