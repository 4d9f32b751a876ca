//! Timers that are cancelled from two sides about when they are due; some repeat themselves, some panic.

use crate::{Counts, moment, pause};
use fastrand::Rng;
use selvedge::{Timer, thread};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Shorter ones would take a core for nothing but ticks.
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
    ran: Arc<AtomicU64>,
    cancelled: AtomicU64, // cancels that were true
}

fn start(rng: &mut Rng) -> Started {
    let kind = [
        Kind::Once,
        Kind::Once,
        Kind::Once,
        Kind::Once,
        Kind::Panics,
        Kind::Repeats,
    ][rng.usize(..6)];
    let ran = Arc::new(AtomicU64::new(0));
    let theirs = Arc::clone(&ran);
    let run = move || {
        theirs.fetch_add(1, Relaxed);
        if kind == Kind::Panics {
            resume_unwind(Box::new("as it should"));
        }
    };
    let timer = match kind {
        Kind::Repeats => Timer::every(moment(rng).max(LEAST_PERIOD), run),
        Kind::Once | Kind::Panics => Timer::start(moment(rng), run),
    };
    Started {
        kind,
        timer,
        ran,
        cancelled: AtomicU64::new(0),
    }
}

fn cancel_some(mut rng: Rng, timers: &[Started]) {
    for _ in 0..rng.usize(..=timers.len()) {
        let started = &timers[rng.usize(..timers.len())];
        started.cancelled.fetch_add(started.timer.cancel().into(), Relaxed);
        if rng.bool() {
            pause(&mut rng);
        }
    }
}

pub fn scene(mut rng: Rng) -> Counts {
    let timers: Vec<_> = (0..rng.usize(1..60)).map(|_| start(&mut rng)).collect();
    thread::scope(|scope| {
        for rng in [rng.fork(), rng.fork()] {
            let timers = &timers;
            scope.spawn(move || cancel_some(rng, timers));
        }
    });

    let (mut ran, mut cancelled, mut panicked, mut ticks) = (0, 0, 0, 0);
    for Started {
        kind,
        timer,
        ran: runs,
        cancelled: by_cancel,
    } in &timers
    {
        if *kind == Kind::Repeats {
            timer.cancel();
        }
        let joined = timer.join();
        let (runs, never) = (runs.load(Relaxed), by_cancel.load(Relaxed) > 0);
        match kind {
            Kind::Repeats => ticks += runs,
            Kind::Once | Kind::Panics => {
                assert_eq!((runs, never), (u64::from(!never), runs == 0), "it runs or is cancelled");
                assert_eq!(
                    joined.is_err(),
                    *kind == Kind::Panics && !never,
                    "a join tells of a panic"
                );
                *if never {
                    &mut cancelled
                } else if joined.is_err() {
                    &mut panicked
                } else {
                    &mut ran
                } += 1;
            }
        }
    }
    pause(&mut rng);
    let of_repeating = timers.iter().filter(|started| started.kind == Kind::Repeats);
    let later: u64 = of_repeating.map(|started| started.ran.load(Relaxed)).sum();
    assert_eq!(later, ticks, "one has ticked after it was joined");
    vec![
        ("ran", ran),
        ("panicked", panicked),
        ("were cancelled", cancelled),
        ("ticks of those that repeat", ticks),
    ]
}
