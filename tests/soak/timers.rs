//! Timers that two threads cancel at about the time at which they expire. Some repeat, some panic.

use crate::{Counts, moment, pause};
use fastrand::Rng;
use selvedge::{Timer, thread};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// With a shorter period, a timer would occupy a core.
const LEAST_PERIOD: Duration = Duration::from_micros(50);

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Once,
    Panics,
    Repeats,
}

struct Started {
    kind: Kind,
    timer: Timer,
    runs: Arc<AtomicU64>,
    cancels: AtomicU64, // that returned true
}

fn start(rng: &mut Rng) -> Started {
    let kind = match rng.u8(..6) {
        0..4 => Kind::Once,
        4 => Kind::Panics,
        _ => Kind::Repeats,
    };
    let runs = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&runs);
    let run = move || {
        counter.fetch_add(1, Relaxed);
        if kind == Kind::Panics {
            resume_unwind(Box::new("on purpose"));
        }
    };
    let timer = match kind {
        Kind::Repeats => Timer::every(moment(rng).max(LEAST_PERIOD), run),
        Kind::Once | Kind::Panics => Timer::start(moment(rng), run),
    };
    let cancels = AtomicU64::new(0);
    Started {
        kind,
        timer,
        runs,
        cancels,
    }
}

fn cancel_some(mut rng: Rng, timers: &[Started]) {
    for _ in 0..rng.usize(..=timers.len()) {
        let started = &timers[rng.usize(..timers.len())];
        started.cancels.fetch_add(started.timer.cancel().into(), Relaxed);
        if rng.bool() {
            pause(&mut rng);
        }
    }
}

pub fn scene(mut rng: Rng, counts: &Counts) {
    let timers: Vec<_> = (0..rng.usize(1..60)).map(|_| start(&mut rng)).collect();
    thread::scope(|scope| {
        for rng in [rng.fork(), rng.fork()] {
            let timers = &timers;
            scope.spawn(move || cancel_some(rng, timers));
        }
    });
    let repeating = || timers.iter().filter(|started| started.kind == Kind::Repeats);
    repeating().for_each(|started| _ = started.timer.cancel());
    for Started {
        kind,
        timer,
        runs,
        cancels,
    } in &timers
    {
        let joined = timer.join();
        let (runs, was_cancelled) = (runs.load(Relaxed), cancels.load(Relaxed) > 0);
        if *kind == Kind::Repeats {
            counts.add("runs of repeating timers", runs);
            continue;
        }
        assert_eq!(runs, u64::from(!was_cancelled), "a timer runs once or is cancelled");
        assert_eq!(
            joined.is_err(),
            *kind == Kind::Panics && !was_cancelled,
            "a join reports a panic"
        );
        counts.add(
            if was_cancelled {
                "cancelled"
            } else if joined.is_err() {
                "panicked"
            } else {
                "ran"
            },
            1,
        );
    }
    pause(&mut rng);
    let runs: u64 = repeating().map(|started| started.runs.load(Relaxed)).sum();
    assert_eq!(
        runs,
        counts.get("runs of repeating timers"),
        "a timer ran after it was joined"
    );
}
