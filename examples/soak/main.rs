//! All of the kit at once, for minutes: pools, timers, queues, barriers, conditions and events, with random timeouts and
//! cancellations, and everything accounted for.
//!
//! The seed decides what each round does, the system what comes first. A round's scenes run together; each checks its
//! own accounts: a job has one outcome, and `cancel` is true if and only if it never ran; a callback is called once; a
//! timer runs or is cancelled; an item is got once or given back; a round of a barrier is whole or broken; who waited on
//! a condition was notified, or timed out. In the end the memory must be what it was early on, and the threads must be gone.
//!
//! ```text
//! cargo run --release --example soak -- --minutes 2 --seed 5
//! ```
//! Notice in the table that both sides of each race have been seen: jobs that ran and jobs that were cancelled, rounds
//! whole and broken, puts and gets in vain. When a round has not ended in a minute, a watchdog tells which scenes hang,
//! and aborts.

mod barriers;
mod conditions;
mod events;
mod jobs;
mod queues;
mod system;
mod timers;
mod watch;

use clap::Parser;
use fastrand::Rng;
use selvedge::thread::{self, Builder};
use selvedge::{Event, Mutex};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};
use system::System;
use watch::Watch;

/// Runs all of the kit at once, and accounts for everything.
#[derive(Parser)]
struct Arguments {
    /// For how long; a part of a minute is allowed
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// What decides what the rounds do
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The first round, to come back to one that failed
    #[arg(long, default_value_t = 0)]
    from: u64,
}

/// What a scene has done: "jobs that ran", 17.
type Counts = Vec<(&'static str, u64)>;
type Scene = fn(Rng) -> Counts;

const SCENES: [(&str, Scene); 6] = [
    ("barriers", barriers::scene),
    ("conditions", conditions::scene),
    ("events", events::scene),
    ("jobs", jobs::scene),
    ("queues", queues::scene),
    ("timers", timers::scene),
];

/// When memory is looked at for the first time: by then all that is kept for good should have been made.
const SETTLED: Duration = Duration::from_secs(60);
const PART_SETTLED: u32 = 5; // of a run that is shorter: a fifth

static NEVER: Event = Event::new();

/// From nothing to a millisecond, the short ones more often.
fn moment(rng: &mut Rng) -> Duration {
    let most = 10_u64.pow(rng.u32(0..=3));
    Duration::from_micros(rng.u64(0..most))
}

/// Lets others go first, perhaps.
fn pause(rng: &mut Rng) {
    let waited = NEVER.wait_timeout(moment(rng));
    assert!(waited.is_err(), "nobody sets it");
}

/// The scenes of a round, together. Some are left out, others played twice.
fn round(mut rng: Rng, watch: &Watch, totals: &Mutex<BTreeMap<(&str, &str), u64>>) {
    thread::scope(|scope| {
        for _ in 0..SCENES.len() {
            let (number, rng) = (rng.usize(..SCENES.len()), rng.fork());
            let (name, scene) = SCENES[number];
            let play = move || {
                let _playing = watch.playing(number);
                for (what, count) in scene(rng) {
                    *totals.acquire().entry((name, what)).or_default() += count;
                }
            };
            Builder::new()
                .name(name)
                .spawn_scoped(scope, play)
                .expect("there is room for a thread");
        }
    });
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { minutes, seed, from } = Arguments::parse();
    let (begun, time) = (Instant::now(), Duration::try_from_secs_f64(60.0 * minutes)?);
    let settled = SETTLED.min(time / PART_SETTLED);
    let watch = Watch::start(seed, SCENES.map(|(name, _)| name));
    watch::exit_at_panics(watch);

    let (at_first, totals) = (System::now(), Mutex::default());
    let (mut number, mut early) = (from, None);
    while number == from || begun.elapsed() < time {
        watch.round(number);
        round(
            Rng::with_seed(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            watch,
            &totals,
        );
        number += 1;
        if early.is_none() && begun.elapsed() >= settled {
            early = Some((begun.elapsed(), System::now()));
        }
    }

    println!("{:<12} {:<32} {:>12}", "scene", "what", "how many");
    for ((scene, what), count) in totals.into_inner() {
        println!("{scene:<12} {what:<32} {count:>12}");
    }
    println!(
        "{} rounds of seed {seed} in {:.0} s, and all accounts are right",
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
    early.must_not_have_grown()?;
    at_first.must_come_back()?;
    println!("threads: {} as at the beginning", at_first.threads());
    Ok(())
}
