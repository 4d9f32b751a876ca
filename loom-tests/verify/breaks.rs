//! Negative controls: each patch of `breaks/` puts one deliberate bug into a copy of the source, and the law that
//! it names must fail there. A checker that nobody has seen fail proves nothing.

use crate::children;
use crate::is_wanted;
use crate::law::Law;
use crate::parent::{Ended, child, indented, root, target};
use crate::progress::Progress;
use crate::report::plain_table;
use crate::shard::Shard;
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

/// What became of the break at `index`.
struct Tried {
    index: usize,
    caught: Caught,
    seconds: f64,
}

enum Caught {
    Yes,
    /// The law held all the same.
    No,
    /// It could not be tried.
    Error(String),
}

/// Tries the breaks that a filter chooses by name or by law, and the shard deals out; without a filter, also that each law
/// catches a break.
pub fn check(filters: &[String], shard: Option<Shard>) -> ExitCode {
    let breaks = match all() {
        Ok(breaks) => breaks,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let wanted = |one: &&Break| {
        is_wanted(filters, |filter| {
            one.law.starts_with(filter) || one.name.contains(filter)
        })
    };
    let chosen = breaks.iter().filter(wanted).collect();
    let chosen = Shard::deal(shard, chosen);
    if chosen.is_empty() {
        eprintln!("error: no break is called {}", filters.join(" or "));
        return ExitCode::from(2);
    }
    let mut table = plain_table(["break", "law", "", "time"]);
    let mut failures = 0;
    let tried = try_all(&chosen);
    let came = tried.len();
    for Tried { index, caught, seconds } in tried {
        let one = chosen[index];
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
    println!("{table}\n{} of {} breaks are caught", came - failures, chosen.len());
    if children::are_interrupted() {
        return children::exit_code();
    }
    let laws = crate::laws::all();
    let unproved = |law: &&Law| filters.is_empty() && breaks.iter().all(|one| one.law != law.id);
    for law in laws.iter().filter(unproved) {
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
            .ok_or_else(|| format!("{name}: it does not say `caught-by: <id>`"))?
            .trim()
            .to_owned();
        Ok(Break { name, law, patch })
    };
    paths.into_iter().map(read).collect()
}

/// They are built one after the other, and played meanwhile, as many at once as there are cores.
fn try_all(breaks: &[&Break]) -> Vec<Tried> {
    let progress = Progress::of(breaks.len());
    let (send, built) = mpsc::sync_channel::<(usize, Result<PathBuf, String>)>(1);
    let (built, tried) = (Mutex::new(built), Mutex::new(Vec::new()));
    let play = || {
        loop {
            let received = built.lock().expect("no panic while it is held").recv();
            let Ok((index, binary)) = received else { return };
            let one: &Break = breaks[index];
            let begin = Instant::now();
            let caught = match binary {
                Err(error) => Caught::Error(error),
                Ok(binary) => match child(&binary, &one.law, &[], |_| {}).ended {
                    Ended::Fails(_) => Caught::Yes,
                    Ended::Holds(_) => Caught::No,
                    Ended::Unplayable(error) => Caught::Error(error),
                },
            };
            if children::are_interrupted() {
                continue;
            }
            progress.done(index);
            progress.show(&one.name);
            let one = Tried {
                index,
                caught,
                seconds: begin.elapsed().as_secs_f64(),
            };
            tried.lock().expect("no panic while it is held").push(one);
        }
    };
    let copy = Copy::new();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(play);
        }
        for (index, one) in breaks.iter().enumerate() {
            if children::are_interrupted() {
                break;
            }
            let binary = copy
                .as_ref()
                .map_err(ToString::to_string)
                .and_then(|copy| copy.build(one));
            send.send((index, binary))
                .expect("the players stay until the last is built");
        }
        drop(send);
    });
    let mut tried = tried.into_inner().expect("no panic while it is held");
    tried.sort_by_key(|one| one.index);
    tried
}

/// A copy of the workspace, to be broken.
struct Copy {
    folder: tempfile::TempDir,
}

impl Copy {
    fn new() -> io::Result<Copy> {
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
                .expect("the walk stays below its root");
            if inside.starts_with(".git") || inside.starts_with("target") {
                continue;
            }
            let to = folder.path().join(inside);
            match entry.file_type() {
                Some(kind) if kind.is_dir() => fs::create_dir_all(to)?,
                _ => fs::copy(entry.path(), to).map(|_| ())?,
            }
        }
        Ok(Copy { folder })
    }

    /// Builds `verify` with this bug, puts the source right again, and tells where the binary is.
    fn build(&self, one: &Break) -> Result<PathBuf, String> {
        let patch = diffy::Patch::from_str(&one.patch).map_err(|error| error.to_string())?;
        let named = patch.modified().ok_or("the patch names no file")?;
        let file = self.folder.path().join(named.strip_prefix("b/").unwrap_or(named));
        let sound = fs::read_to_string(&file).map_err(|error| format!("{named}: {error}"))?;
        let broken = diffy::apply(&sound, &patch).map_err(|error| format!("{named}: {error}"))?;
        fs::write(&file, broken).map_err(|error| error.to_string())?;
        let built = self.cargo(&one.name);
        fs::write(&file, sound).map_err(|error| error.to_string())?;
        built
    }

    fn cargo(&self, name: &str) -> Result<PathBuf, String> {
        // Not the workspace's own: cargo would take one for the other.
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
        // Each is built once and fails soon: its build is what takes the time.
        build.args([
            "--config",
            "profile.dev.package.selvedge-loom.opt-level=0",
            "--config",
            "profile.dev.debug=false",
        ]);
        build.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = children::spawn(&mut build).map_err(|error| error.to_string())?;
        let id = child.id();
        let output = child.wait_with_output().map_err(|error| error.to_string());
        children::forget(id);
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
