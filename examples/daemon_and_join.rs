//! A daemon starts five workers and waits for each, but not for ever; who is left when the program ends?
//!
//! Python's twin: a daemon thread which starts five others and calls `join(1)` on each; the main thread joins it with
//! a timeout and ends. `join` returns `None` in any case, so the program can't say who was late without asking again,
//! when the answer may have changed. Here the join tells. And a Rust program ends when `main` returns, so what Python
//! does at its exit, to wait for all that are not daemons, is done by a guard.
//!
//! ```text
//! cargo run --example daemon_and_join
//! ```
//! Notice that workers 2 and 4 are late, and are lost no more than the others: they go on, and could be joined again;
//! that they are daemons, for so is who started them; that the program ends although they never do; and that the last
//! line comes from a thread that is no daemon, after `main` is done.

use selvedge::Event;
use selvedge::thread::{self, Builder, JoinError, JoinHandle};
use std::time::Duration;

const WORKERS: u32 = 5;
const PATIENCE: Duration = Duration::from_millis(250);

/// The day on which the even workers are done.
static NEVER: Event = Event::new();
/// Set by `main` when all but the last line is said.
static EVENING: Event = Event::new();

fn work(number: u32) {
    if number % 2 == 0 {
        NEVER.wait();
        println!("worker {number} is done, which nobody should see");
    }
}

/// Starts the workers, waits for each, and hands them on.
fn lead() -> Vec<JoinHandle<()>> {
    let start = |number| {
        Builder::new()
            .name(format!("worker {number}"))
            .spawn(move || work(number))
    };
    let workers: Vec<_> = (1..=WORKERS)
        .map(|number| start(number).expect("there is room for five"))
        .collect();
    for worker in &workers {
        match worker.join_timeout(PATIENCE) {
            Ok(()) => println!("{}: done", worker.name()),
            Err(JoinError::TimedOut) => println!("{}: late, after {PATIENCE:?}", worker.name()),
            Err(JoinError::Panicked(panicked)) => println!("{panicked}"),
        }
    }
    workers
}

fn main() -> std::io::Result<()> {
    // The first to be made is the last to be dropped: it waits when all else is done.
    let _guard = thread::exit_guard();
    Builder::new().name("watchman").spawn(|| {
        EVENING.wait();
        println!("the watchman locks up: the guard has waited for him");
    })?;

    let foreman = Builder::new().name("foreman").daemon(true).spawn(lead)?;
    assert_eq!(foreman.join_timeout(PATIENCE / 5), Err(JoinError::TimedOut));
    println!("the foreman takes his time; a join that timed out has lost nothing");
    foreman.join().expect("the foreman does not panic");

    let workers = foreman.take_result().expect("nobody has taken it");
    let late: Vec<_> = workers
        .iter()
        .filter(|worker| worker.is_alive())
        .map(|worker| worker.name())
        .collect();
    println!("still alive at exit:");
    for thread in thread::enumerate() {
        println!(
            "  {}{}",
            thread.name(),
            if thread.is_daemon() {
                ", a daemon: left behind"
            } else {
                ""
            }
        );
    }
    assert_eq!(late, ["worker 2", "worker 4"]);
    assert!(workers.iter().all(|worker| worker.is_daemon()), "daemons start daemons");
    assert_eq!(thread::active_count(), 1 + 1 + late.len(), "main and the watchman, too");

    println!("main is done");
    EVENING.set();
    Ok(())
}
