//! The machine on which the figures are measured, and the peers' versions.

use serde::Serialize;
use std::fs;
use std::process::Command;
use std::thread;

const LOCKFILE: &str = include_str!("../../../Cargo.lock");

const PEERS: [&str; 17] = [
    "async-lock",
    "crossbeam-channel",
    "crossbeam-utils",
    "crossfire",
    "dary_heap",
    "event-listener",
    "flume",
    "futures-timer",
    "hurdles",
    "kanal",
    "oneshot",
    "parking_lot",
    "rayon",
    "saa",
    "spin",
    "threadpool",
    "usync",
];

/// The machine's description.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// The processor's model.
    pub processor: String,
    /// The number of processors.
    pub cores: usize,
    /// The system and its version.
    pub system: String,
    /// The compiler in the path, which cargo used.
    pub rustc: String,
    /// The peers' names and versions.
    pub peers: Vec<String>,
}

/// Describes this machine; what cannot be determined is "unknown".
pub fn describe() -> Machine {
    let unknown = || "unknown".to_owned();
    Machine {
        processor: processor().unwrap_or_else(unknown),
        cores: thread::available_parallelism().map_or(1, Into::into),
        system: output("uname", &["-s", "-r", "-m"]).unwrap_or_else(unknown),
        rustc: output("rustc", &["--version"]).unwrap_or_else(unknown),
        peers: PEERS
            .map(|name| format!("{name} {}", version(name).unwrap_or("?")))
            .into(),
    }
}

fn processor() -> Option<String> {
    let all = fs::read_to_string("/proc/cpuinfo").ok()?;
    let field = |name| {
        let line = all.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let virtual_machine = if field("flags")?.contains("hypervisor") {
        ", in a virtual machine"
    } else {
        ""
    };
    Some(format!("{}{virtual_machine}", field("model name")?))
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// The version in the lock file of a dependency of this package.
fn version(package: &str) -> Option<&'static str> {
    let ours = LOCKFILE.split_once("name = \"benchmarks\"\n")?.1.split_once("\n\n")?.0;
    // "name version" if the lock file has several packages of that name.
    let among_several = ours.split_once(&format!("\"{package} "));
    let only = || LOCKFILE.split_once(&format!("name = \"{package}\"\nversion = \""));
    among_several.or_else(only)?.1.split('"').next()
}

/// Ticks of the machine's clock: all, those that were not idle, and those of these that this benchmark used.
#[derive(Clone, Copy)]
pub struct Ticks {
    all: u64,
    busy: u64,
    ours: u64,
}

impl Ticks {
    /// The ticks up to now; `None` if the system has no /proc.
    pub fn now() -> Option<Ticks> {
        Ticks::with([])
    }

    /// The ticks up to now; those of these processes count as this benchmark's.
    pub fn with(processes: impl IntoIterator<Item = u32>) -> Option<Ticks> {
        let machine = fs::read_to_string("/proc/stat").ok()?;
        let states: Vec<u64> = machine
            .lines()
            .next()?
            .split_whitespace()
            .filter_map(|n| n.parse().ok())
            .collect();
        // user nice system idle iowait irq softirq steal; the rest is included in user and nice.
        let all = states.iter().take(8).sum();
        let idle: u64 = states.iter().skip(3).take(2).sum();
        let used = |process: String| {
            let process = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
            // The name in brackets may contain any character; user
            // and system time are the 12th and 13th field after it.
            let times = process.rsplit_once(')')?.1.split_whitespace().skip(11).take(2);
            Some(times.filter_map(|n| n.parse::<u64>().ok()).sum::<u64>())
        };
        let processes = processes.into_iter().map(|process| process.to_string());
        let ours = ["self".to_owned()]
            .into_iter()
            .chain(processes)
            .map(used)
            .sum::<Option<u64>>()?;
        Some(Ticks {
            all,
            busy: all - idle,
            ours,
        })
    }

    /// The fraction of the machine that other processes used between the two.
    pub fn of_others(before: Option<Ticks>, now: Option<Ticks>) -> f64 {
        let Some((before, now)) = before.zip(now) else {
            return 0.0;
        };
        // Each clock may be off by a tick.
        let others = (now.busy - before.busy).saturating_sub(now.ours - before.ours + 2);
        others as f64 / (now.all - before.all).max(1) as f64
    }
}
