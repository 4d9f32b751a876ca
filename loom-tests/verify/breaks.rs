//! Negative controls: each patch of `breaks/` adds one deliberate bug to a copy of the source, and the law that the patch
//! names must fail. A checker that has never failed proves nothing.

use crate::is_selected;
use crate::law::Law;
use crate::process_group;
use crate::progress::Progress;
use crate::report::{indented, plain_table};
use crate::runner::{Ended, run};
use crate::shard::Shard;
use crate::workspace::{root, target};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Mutex, mpsc};
use std::time::Instant;
use std::{fs, io, thread};

struct Break {
    name: String,
    law: String,
    patch: String,
}

/// The result of testing the break at `index`.
struct Tested {
    index: usize,
    caught: Caught,
    seconds: f64,
}

enum Caught {
    Yes,
    /// The law holds despite the bug.
    No,
    /// The break could not be tested.
    Error(String),
}

/// Tests the breaks of the shard whose name or law matches a filter. Without a filter, checks that each law has a break.
pub fn check(filters: &[String], shard: Option<Shard>) -> ExitCode {
    let breaks = match all() {
        Ok(breaks) => breaks,
        Err(error) => return crate::report::error(&error),
    };
    let wanted = |one: &&Break| {
        is_selected(filters, |filter| {
            one.law.starts_with(filter) || one.name.contains(filter)
        })
    };
    let selected = breaks.iter().filter(wanted).collect();
    let selected = Shard::select(shard, selected);
    if selected.is_empty() {
        return crate::report::error(&format!("no break matches {}", filters.join(" or ")));
    }
    let mut table = plain_table(["break", "law", "", "time"]);
    let mut failures = 0;
    let tested = test_all(&selected);
    let tested_count = tested.len();
    for Tested { index, caught, seconds } in tested {
        let one = selected[index];
        let word = match caught {
            Caught::Yes => "caught".to_owned(),
            Caught::No => "NOT CAUGHT".to_owned(),
            Caught::Error(error) => {
                println!("{}:\n{}", one.name, indented(&error));
                "ERROR".to_owned()
            }
        };
        failures += usize::from(word != "caught");
        table.add_row([one.name.clone(), one.law.clone(), word, format!("{seconds:.1} s")]);
    }
    println!(
        "{table}\n{} of {} breaks are caught",
        tested_count - failures,
        selected.len()
    );
    if process_group::is_interrupted() {
        return process_group::exit_code();
    }
    let laws = crate::laws::all();
    let without_break = |law: &&Law| filters.is_empty() && breaks.iter().all(|one| one.law != law.id);
    for law in laws.iter().filter(without_break) {
        println!("{} has no break", law.id);
        failures += 1;
    }
    ExitCode::from(u8::from(failures > 0))
}

fn all() -> Result<Vec<Break>, String> {
    let folder = root().join("loom-tests/breaks");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(|error| error.to_string())?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "patch"));
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let patch = fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        let law = patch.lines().find_map(|line| line.strip_prefix("caught-by: "));
        let law = law
            .ok_or_else(|| format!("{name}: no line `caught-by: <id>`"))?
            .trim()
            .to_owned();
        Ok(Break { name, law, patch })
    };
    paths.into_iter().map(read).collect()
}

/// Builds the breaks one after the other. Meanwhile one worker thread per core runs those that are built.
fn test_all(breaks: &[&Break]) -> Vec<Tested> {
    let progress = Progress::of(breaks.len());
    let (send, built) = mpsc::sync_channel::<(usize, Result<PathBuf, String>)>(1);
    let (built, tested) = (Mutex::new(built), Mutex::new(Vec::new()));
    let worker = || {
        loop {
            let received = built.lock().expect("no panic while it is held").recv();
            let Ok((index, binary)) = received else { return };
            let one: &Break = breaks[index];
            let start = Instant::now();
            let caught = match binary {
                Err(error) => Caught::Error(error),
                Ok(binary) => match run(&binary, &one.law, &[], |_| {}).ended {
                    Ended::Fails(_) => Caught::Yes,
                    Ended::Holds(_) => Caught::No,
                    Ended::Error(error) => Caught::Error(error),
                },
            };
            if process_group::is_interrupted() {
                continue;
            }
            progress.done(index);
            progress.show(&one.name);
            let one = Tested {
                index,
                caught,
                seconds: start.elapsed().as_secs_f64(),
            };
            tested.lock().expect("no panic while it is held").push(one);
        }
    };
    let copy = WorkspaceCopy::new();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(worker);
        }
        for (index, one) in breaks.iter().enumerate() {
            if process_group::is_interrupted() {
                break;
            }
            let binary = copy
                .as_ref()
                .map_err(ToString::to_string)
                .and_then(|copy| copy.build(one));
            send.send((index, binary))
                .expect("the workers run until the last build");
        }
        drop(send);
    });
    let mut tested = tested.into_inner().expect("no panic while it is held");
    tested.sort_by_key(|one| one.index);
    tested
}

/// A copy of the workspace, to which the bugs are added.
struct WorkspaceCopy {
    folder: tempfile::TempDir,
}

impl WorkspaceCopy {
    fn new() -> io::Result<WorkspaceCopy> {
        let folder = tempfile::tempdir()?;
        for entry in ignore::WalkBuilder::new(root())
            .hidden(false)
            .require_git(false)
            .build()
        {
            let entry = entry.map_err(io::Error::other)?;
            let inside = entry
                .path()
                .strip_prefix(root())
                .expect("the walk stays inside its root");
            if inside.starts_with(".git") || inside.starts_with("target") {
                continue;
            }
            let to = folder.path().join(inside);
            match entry.file_type() {
                Some(kind) if kind.is_dir() => fs::create_dir_all(to)?,
                _ => fs::copy(entry.path(), to).map(|_| ())?,
            }
        }
        Ok(WorkspaceCopy { folder })
    }

    /// Builds `verify` with this bug and restores the source. Returns the path of the binary.
    fn build(&self, one: &Break) -> Result<PathBuf, String> {
        let patch = diffy::Patch::from_str(&one.patch).map_err(|error| error.to_string())?;
        let named = patch.modified().ok_or("the patch names no file")?;
        let file = self.folder.path().join(named.strip_prefix("b/").unwrap_or(named));
        let original = fs::read_to_string(&file).map_err(|error| format!("{named}: {error}"))?;
        let broken = diffy::apply(&original, &patch).map_err(|error| format!("{named}: {error}"))?;
        fs::write(&file, broken).map_err(|error| error.to_string())?;
        let built = self.cargo(&one.name);
        fs::write(&file, original).map_err(|error| error.to_string())?;
        built
    }

    fn cargo(&self, name: &str) -> Result<PathBuf, String> {
        // Not the workspace's own target: cargo would confuse the two builds.
        let target = target().join("breaks");
        let mut build = Command::new(env!("CARGO"));
        build.args([
            "build",
            "--quiet",
            "--package",
            "selvedge-loom",
            "--bin",
            "verify",
            "--manifest-path",
        ]);
        build
            .arg(self.folder.path().join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target);
        // Without optimisation: each binary runs once and fails soon, so the build dominates the time.
        build.args([
            "--config",
            "profile.dev.package.selvedge-loom.opt-level=0",
            "--config",
            "profile.dev.debug=false",
        ]);
        build.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = process_group::spawn(&mut build).map_err(|error| error.to_string())?;
        let id = child.id();
        let output = child.wait_with_output().map_err(|error| error.to_string());
        process_group::unregister(id);
        let output = output?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let binary = self
            .folder
            .path()
            .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        let built = target
            .join("debug")
            .join(format!("verify{}", std::env::consts::EXE_SUFFIX));
        fs::copy(built, &binary).map_err(|error| error.to_string())?;
        Ok(binary)
    }
}
