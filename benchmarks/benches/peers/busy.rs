//! Beside busy processes: rows whose threads share the processors with other processes.
//!
//! For each load and placement a child of this program pins itself to processors. It starts
//! the processes that keep these busy, which inherit the affinity. It measures all rows, in
//! each round every participant of every row once, and writes a line of JSON for each round.

use crate::machine::Ticks;
use crate::measure::{Fault, Figure, Outcome, guarded};
use crate::parts::Cell;
use crate::row::{Participant, Row};
use crate::shapes::busy::rows;
use crate::statistics::Summary;
use crate::verdict;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{self, Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// The heading, which `--filter` matches.
pub const TITLE: &str = "Beside busy processes";

/// What the busy processes do, and their number for each processor.
struct Load {
    name: &'static str,
    hogs: usize,
    /// A busy process computes for this long, then sleeps for as long; zero if it never sleeps.
    burst: Duration,
    nice: i32,
}

const LOADS: [Load; 5] = [
    Load {
        name: "idle",
        hogs: 0,
        burst: Duration::ZERO,
        nice: 0,
    },
    Load {
        name: "1 per processor",
        hogs: 1,
        burst: Duration::ZERO,
        nice: 0,
    },
    Load {
        name: "3 per processor",
        hogs: 3,
        burst: Duration::ZERO,
        nice: 0,
    },
    Load {
        name: "10 ms on, 10 ms off",
        hogs: 1,
        burst: Duration::from_millis(10),
        nice: 0,
    },
    Load {
        name: "nice 19",
        hogs: 1,
        burst: Duration::ZERO,
        nice: 19,
    },
];

/// The loads of `--quick`.
const QUICK: [usize; 2] = [0, 2];

const PLACEMENTS: [(&str, usize); 2] = [("on one processor", 1), ("on two processors", 2)];

/// The time that busy processes need to start.
const STARTING: Duration = Duration::from_millis(200);

/// The least number of rounds, also of a participant that exceeds its slices.
const LEAST: usize = 3;

/// What to measure, and for how long.
pub struct Wanted {
    pub quick: bool,
    pub rounds: Option<u32>,
    pub slice: Option<Duration>,
    /// The names of the cells contain all of these.
    pub words: Vec<String>,
}

/// What a child measures.
#[derive(Debug, Deserialize, Serialize)]
struct Task {
    load: usize,
    placement: usize,
    /// Indices of rows.
    rows: Vec<usize>,
    rounds: usize,
    slice: Duration,
}

/// The work of a busy process.
#[derive(Debug, Deserialize, Serialize)]
struct Hog {
    parent: u32,
    burst: Duration,
    nice: i32,
}

/// The samples of every participant of every row; `None` if the participant has used up its time or has had a fault.
#[derive(Debug, Deserialize, Serialize)]
struct Round {
    /// The fraction of the machine that was used by processes outside this benchmark.
    others: f64,
    samples: Vec<Vec<Option<Result<Cell, Fault>>>>,
}

impl Wanted {
    /// The tasks of the cells whose names contain all the words.
    fn tasks(&self) -> Vec<Task> {
        let rows = rows();
        let task = |(load, placement): (usize, usize)| {
            let wanted = |row: &usize| {
                let name = name(load, placement, &rows[*row]).to_lowercase();
                self.words.iter().all(|word| name.contains(&word.to_lowercase()))
            };
            let (rounds, slice) = match (self.quick, LOADS[load].hogs) {
                (true, 0) => (3, 40),
                (true, _) => (3, 60),
                (false, 0) => (5, 80),
                (false, _) => (9, 80),
            };
            let rounds = self.rounds.map_or(rounds, |rounds| rounds as usize);
            let slice = self.slice.unwrap_or(Duration::from_millis(slice));
            Task {
                load,
                placement,
                rows: (0..rows.len()).filter(wanted).collect(),
                rounds,
                slice,
            }
        };
        let loads = (0..LOADS.len()).filter(|load| !self.quick || !self.words.is_empty() || QUICK.contains(load));
        let cells = loads.flat_map(|load| (0..PLACEMENTS.len()).map(move |placement| (load, placement)));
        cells.map(task).filter(|task| !task.rows.is_empty()).collect()
    }

    /// The names of the cells.
    pub fn names(&self) -> Vec<String> {
        let rows = rows();
        let of_task = |task: &Task| {
            task.rows
                .iter()
                .map(|&row| name(task.load, task.placement, &rows[row]))
                .collect()
        };
        self.tasks()
            .iter()
            .flat_map(|task| -> Vec<String> { of_task(task) })
            .collect()
    }

    /// Measures them.
    pub fn measure(&self) -> Vec<Outcome> {
        self.tasks().iter().flat_map(outcomes).collect()
    }
}

fn beside(load: usize, placement: usize) -> String {
    format!("{}, {}", LOADS[load].name, PLACEMENTS[placement].0)
}

fn name<F>(load: usize, placement: usize, row: &Row<F>) -> String {
    format!("{}, {}", row.name(), beside(load, placement))
}

/// Runs the task in a child, and judges its samples.
fn outcomes(task: &Task) -> Vec<Outcome> {
    let beside = beside(task.load, task.placement);
    eprintln!("{TITLE}: {beside} ...");
    let participants = rows().iter().map(|row| row.participants.len()).sum::<usize>();
    let limit = Duration::from_secs(60) + 5 * task.slice * (task.rounds * participants) as u32;
    let rounds = read(task, limit).unwrap_or_else(|error| {
        eprintln!("{TITLE}: {beside}: {error}");
        Vec::new()
    });
    let others = rounds.iter().map(|round| round.others).fold(0.0, f64::max);
    let outcome = |(index, &row): (usize, &usize)| {
        let Row {
            shape,
            setting,
            bars,
            participants,
        } = rows().swap_remove(row);
        let of_row: Vec<&Vec<_>> = rounds.iter().map(|round| &round.samples[index]).collect();
        let figures = participants
            .iter()
            .enumerate()
            .map(|(index, one)| figure(one, &of_row, index))
            .collect::<Vec<_>>();
        let judged = bars.iter().filter(|_| LOADS[task.load].hogs > 0);
        let verdicts = judged.flat_map(|&bar| verdict::judge(bar, &figures)).collect();
        let beside = Some(beside.clone());
        let outcome = Outcome {
            shape,
            setting,
            beside,
            rounds: rounds.len(),
            noisy_rounds: 0,
            others,
            figures,
            verdicts,
        };
        eprintln!("{outcome}");
        outcome
    };
    task.rows.iter().enumerate().map(outcome).collect()
}

fn figure(one: &Participant<Cell>, rounds: &[&Vec<Option<Result<Cell, Fault>>>], index: usize) -> Figure {
    let cells = || rounds.iter().map(|round| round[index].as_ref());
    let fault = cells()
        .find_map(|cell| cell?.as_ref().err().copied())
        .or(rounds.is_empty().then_some(Fault::Stuck));
    let each = |value: fn(&Cell) -> f64| {
        cells()
            .map(move |cell| cell.and_then(|cell| cell.as_ref().ok()).map_or(f64::NAN, value))
            .collect::<Vec<_>>()
    };
    let mut figure = Figure::new(one.name, one.kind, fault, each(|cell| cell.nanoseconds_each));
    let slowest = || Summary::of(each(|cell| 1000.0 * cell.slowest_percent_microseconds)).median;
    figure.slowest = figure.result.is_ok().then(slowest);
    figure
}

/// Starts this program again for another purpose. The child is killed when this thread ends.
fn again(purpose: &str, what: &impl Serialize) -> Result<Child, Box<dyn Error>> {
    let what = serde_json::to_string(what)?;
    Ok(Command::new(env::current_exe()?)
        .args([purpose, &what])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?)
}

/// The rounds that a child writes within the limit, after which it is killed.
fn read(task: &Task, limit: Duration) -> Result<Vec<Round>, Box<dyn Error>> {
    let mut child = again("--beside-busy", task)?;
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    let (sender, receiver) = channel();
    thread::spawn(move || {
        output
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| sender.send(line))
    });
    let (deadline, mut rounds) = (Instant::now() + limit, Vec::new());
    while let Ok(line) = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        rounds.push(serde_json::from_str(&line)?);
    }
    if rounds.len() < task.rounds {
        eprintln!(
            "{TITLE}: the child ended early, or exceeded {limit:?}: {} rounds",
            rounds.len()
        );
    }
    child.kill()?;
    child.wait()?;
    Ok(rounds)
}

/// The task of a child of this program, from its argument.
pub fn received<T: DeserializeOwned>(what: &str) -> Result<T, Box<dyn Error>> {
    system::end_with_parent()?;
    Ok(serde_json::from_str(what)?)
}

/// Runs as a child that measures.
pub fn child(task: &str) -> Result<(), Box<dyn Error>> {
    let Task {
        load,
        placement,
        rows: wanted,
        rounds,
        slice,
    } = received(task)?;
    let (all, load) = (rows(), &LOADS[load]);
    let rows: Vec<&Row<Cell>> = wanted.iter().map(|&row| &all[row]).collect();
    let processors = PLACEMENTS[placement].1;
    system::pin(processors)?;
    let hogs = Hogs::start(load, load.hogs * processors)?;
    // The time that each has used, or `None` after a fault.
    let mut used: Vec<Vec<Option<Duration>>> = rows
        .iter()
        .map(|row| vec![Some(Duration::ZERO); row.participants.len()])
        .collect();
    for number in 0..rounds {
        let began = hogs.ticks();
        let mut samples = Vec::new();
        for (row, used) in rows.iter().zip(&mut used) {
            let mut of_row = vec![None; row.participants.len()];
            for nth in 0..of_row.len() {
                let index = (number + nth) % of_row.len();
                let Some(before) = used[index] else { continue };
                // A participant that exceeds its slices by far does not delay the others in each round.
                if number >= LEAST && before > 3 * slice * rounds as u32 {
                    continue;
                }
                let began = Instant::now();
                let sample = guarded(Arc::clone(&row.participants[index].run), slice);
                used[index] = sample.is_ok().then(|| before + began.elapsed());
                of_row[index] = Some(sample);
            }
            samples.push(of_row);
        }
        let others = Ticks::of_others(began, hogs.ticks());
        println!("{}", serde_json::to_string(&Round { others, samples })?);
    }
    Ok(())
}

/// The busy processes, which are killed on drop.
struct Hogs(Vec<Child>);

impl Hogs {
    fn start(load: &Load, number: usize) -> Result<Hogs, Box<dyn Error>> {
        let mut hogs = Hogs(Vec::new());
        for _ in 0..number {
            let hog = Hog {
                parent: process::id(),
                burst: load.burst,
                nice: load.nice,
            };
            hogs.0.push(again("--hog", &hog)?);
        }
        thread::sleep(STARTING);
        Ok(hogs)
    }

    /// The machine's ticks; those of the busy processes count as this benchmark's.
    fn ticks(&self) -> Option<Ticks> {
        Ticks::with(self.0.iter().map(Child::id))
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        for hog in &mut self.0 {
            // It may have exited already.
            _ = hog.kill();
            _ = hog.wait();
        }
    }
}

/// Runs as a busy process.
pub fn hog(what: &str) -> Result<(), Box<dyn Error>> {
    let Hog { parent, burst, nice } = received(what)?;
    // The parent may have ended before this process requested the signal.
    if system::parent() != Some(parent) {
        return Ok(());
    }
    system::be_nice(nice)?;
    loop {
        let began = Instant::now();
        while burst.is_zero() || began.elapsed() < burst {}
        thread::sleep(burst);
    }
}

/// What is available on Linux only.
#[cfg(target_os = "linux")]
mod system {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal, setpriority_process};
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    use std::error::Error;

    /// Kills this process when the thread that started it ends.
    pub fn end_with_parent() -> Result<(), Box<dyn Error>> {
        Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
    }

    pub fn parent() -> Option<u32> {
        getppid()?.as_raw_nonzero().get().try_into().ok()
    }

    /// Sets the niceness of this process, if it differs from its parent's.
    pub fn be_nice(nice: i32) -> Result<(), Box<dyn Error>> {
        if nice > 0 {
            Ok(setpriority_process(None, nice)?)
        } else {
            Ok(())
        }
    }

    /// Restricts this thread, and all threads and processes that it starts, to this number of processors.
    pub fn pin(processors: usize) -> Result<(), Box<dyn Error>> {
        let allowed = sched_getaffinity(None)?;
        let mut set = CpuSet::new();
        (0..CpuSet::MAX_CPU)
            .filter(|&one| allowed.is_set(one))
            .take(processors)
            .for_each(|one| set.set(one));
        if (set.count() as usize) < processors {
            return Err("the affinity allows too few processors".into());
        }
        Ok(sched_setaffinity(None, &set)?)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::error::Error;

    pub fn end_with_parent() -> Result<(), Box<dyn Error>> {
        Err("a process that ends with its parent is implemented on Linux only".into())
    }

    pub fn parent() -> Option<u32> {
        None
    }

    pub fn be_nice(_: i32) -> Result<(), Box<dyn Error>> {
        Ok(())
    }

    pub fn pin(_: usize) -> Result<(), Box<dyn Error>> {
        Ok(())
    }
}
