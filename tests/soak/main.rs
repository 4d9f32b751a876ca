//! All of the kit at once: pools, timers, queues, barriers, conditions and events, with random
//! timeouts and cancellations.
//!
//! The seed determines what each round does, and the scheduler in which order. The scenes of a round run concurrently,
//! and each checks its own accounts: a job has one outcome, and `cancel` returns true exactly if the job never ran; a
//! callback runs once; a timer runs or is cancelled; an item is got once or given back; a generation of a barrier is
//! complete or broken; a wait on a condition is notified or times out. At the end memory must not have grown, and the
//! threads must be gone. After a minute in one round, a watchdog prints the scenes that run, and aborts.
//!
//! ```text
//! SOAK_MINUTES=2 SOAK_SEED=5 cargo test --release --test soak -- --nocapture
//! ```
//! `SOAK_FROM` is the first round, to repeat one that failed. The printed table shows whether
//! both outcomes of each race occurred.

#![cfg(not(loom))]

mod jobs;
mod primitives;
mod queues;
mod system;
mod timers;

use fastrand::Rng;
use selvedge::Event;
use selvedge::thread::{self, Builder};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use std::{env, panic, process};
use system::System;

/// What a scene has done, for example 17 "jobs that ran".
#[derive(Default)]
struct Counts(Mutex<BTreeMap<&'static str, u64>>);

impl Counts {
    fn add(&self, what: &'static str, count: u64) {
        *self.0.lock().unwrap().entry(what).or_default() += count;
    }

    fn get(&self, what: &str) -> u64 {
        self.0.lock().unwrap().get(what).copied().unwrap_or(0)
    }
}

type Scene = fn(Rng, &Counts);

const SCENES: [(&str, Scene); 6] = [
    ("barriers", primitives::barriers),
    ("conditions", primitives::conditions),
    ("events", primitives::events),
    ("jobs", jobs::scene),
    ("queues", queues::scene),
    ("timers", timers::scene),
];

/// How many instances of each scene run, and the present round.
static RUNNING: [AtomicUsize; SCENES.len()] = [const { AtomicUsize::new(0) }; SCENES.len()];
static ROUND: AtomicU64 = AtomicU64::new(0);

/// How long a round may take. It takes some hundredths of a second.
const LIMIT: u32 = 60; // seconds
/// When memory is first measured: a fifth of the run, at most a minute, when all permanent allocations have been made.
const SETTLED: Duration = Duration::from_secs(60);
const PART_SETTLED: u32 = 5;

/// Up to a millisecond, short times more often.
fn moment(rng: &mut Rng) -> Duration {
    let most = 10_u64.pow(rng.u32(0..=3));
    Duration::from_micros(rng.u64(0..most))
}

/// Blocks for a moment.
fn pause(rng: &mut Rng) {
    static NEVER: Event = Event::new();
    let waited = NEVER.wait_timeout(moment(rng));
    assert!(waited.is_err(), "the event is never set");
}

/// Runs the scenes of a round concurrently: some not at all, others several times.
fn round(mut rng: Rng, totals: &[Counts]) {
    thread::scope(|scope| {
        for _ in 0..SCENES.len() {
            let (scene, rng) = (rng.usize(..SCENES.len()), rng.fork());
            let run = move || {
                RUNNING[scene].fetch_add(1, Relaxed);
                let counts = Counts::default();
                SCENES[scene].1(rng, &counts);
                for (what, count) in counts.0.into_inner().unwrap() {
                    totals[scene].add(what, count);
                }
                RUNNING[scene].fetch_sub(1, Relaxed);
            };
            let builder = Builder::new().name(SCENES[scene].0);
            builder.spawn_scoped(scope, run).expect("failed to spawn a thread");
        }
    });
}

/// The value of an environment variable.
fn variable<T: std::str::FromStr>(name: &str, default: T) -> T {
    env::var(name).map_or(default, |text| {
        text.parse().ok().unwrap_or_else(|| panic!("{name} is {text}"))
    })
}

/// Where the run is, for the report of a failure.
fn place(seed: u64) -> String {
    let scenes = SCENES.iter().zip(&RUNNING).filter(|(_, count)| count.load(Relaxed) > 0);
    let running: Vec<_> = scenes.map(|((name, _), _)| name).collect();
    let round = ROUND.load(Relaxed);
    format!("in {running:?}: repeat it with SOAK_SEED={seed} SOAK_FROM={round}")
}

/// Ends the process when a round takes too long, or when a thread panics: other threads would wait for it. A scene that
/// panics on purpose uses `resume_unwind`, which does not call the hook. Uses nothing of the kit.
fn watch(seed: u64) {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        print(info);
        system::print_error(&format!("failed {}", place(seed)));
        process::exit(1);
    }));
    std::thread::spawn(move || {
        let (mut last, mut seconds) = (0, 0);
        while seconds < LIMIT {
            system::wait(Duration::from_secs(1));
            let now = ROUND.load(Relaxed);
            seconds = if now == last { seconds + 1 } else { 0 };
            last = now;
        }
        system::print_error(&format!("the round has not ended in {LIMIT} s, {}", place(seed)));
        process::abort();
    });
}

#[test]
fn everything_at_once_is_accounted_for() {
    let (minutes, seed, from) = (
        variable("SOAK_MINUTES", 0.05),
        variable("SOAK_SEED", 1),
        variable("SOAK_FROM", 0),
    );
    let (begun, time) = (Instant::now(), Duration::from_secs_f64(60.0 * minutes));
    watch(seed);

    let (at_first, totals) = (System::now(), SCENES.map(|_| Counts::default()));
    let (mut number, mut early) = (from, None);
    while number == from || begun.elapsed() < time {
        ROUND.store(number, Relaxed);
        round(
            Rng::with_seed(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            &totals,
        );
        number += 1;
        if early.is_none() && begun.elapsed() >= SETTLED.min(time / PART_SETTLED) {
            early = Some((begun.elapsed(), System::now()));
        }
    }

    println!("{:<12} {:<32} {:>12}", "scene", "what", "how many");
    for ((scene, _), counts) in SCENES.iter().zip(totals) {
        for (what, count) in counts.0.into_inner().unwrap() {
            println!("{scene:<12} {what:<32} {count:>12}");
        }
    }
    println!(
        "{} rounds of seed {seed} in {:.0} s",
        number - from,
        begun.elapsed().as_secs_f64()
    );
    let (when, early) = early.unwrap_or((begun.elapsed(), System::now()));
    println!(
        "memory: {} after {:.0} s, {} now",
        early.memory(),
        when.as_secs_f64(),
        System::now().memory()
    );
    early.assert_not_grown();
    at_first.assert_same_threads();
    println!("threads: {} as at the beginning", at_first.threads());
}
