//! Joins with a timeout, and daemons: five workers, of which two never end.
//!
//! In Python: a daemon thread starts five threads, which are daemons as well, and calls `join(1)` on each.
//! `join` returns `None` also after a timeout. At exit, Python waits for all threads that are not daemons.
//! Here the result of a join says whether the thread has ended, and a guard waits at the end of `main`.
//!
//! ```text
//! cargo run --example daemon_and_join
//! ```
//! The program ends although workers 2 and 4 do not: they are daemons. The last line is
//! printed by a thread that is not a daemon, after `main` has returned.

use selvedge::Event;
use selvedge::thread::{self, Builder, JoinError, JoinHandle};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_millis(250);

static NEVER: Event = Event::new();
static END_OF_MAIN: Event = Event::new();

fn work(number: u32) {
    if number % 2 == 0 {
        NEVER.wait();
    }
}

/// Starts the workers, and joins each with a timeout.
fn lead() -> Vec<JoinHandle<()>> {
    let start = |number| {
        Builder::new()
            .name(format!("worker {number}"))
            .spawn(move || work(number))
    };
    let workers: Vec<_> = (1..=5)
        .map(|number| start(number).expect("failed to spawn a thread"))
        .collect();
    for worker in &workers {
        match worker.join_timeout(TIMEOUT) {
            Ok(()) => println!("{}: ended", worker.name()),
            Err(JoinError::TimedOut) => println!("{}: still alive after {TIMEOUT:?}", worker.name()),
            Err(JoinError::Panicked(panicked)) => println!("{panicked}"),
        }
    }
    workers
}

fn main() -> std::io::Result<()> {
    let _guard = thread::exit_guard(); // declared first, so dropped last: waits for threads that are not daemons
    Builder::new().name("watchman").spawn(|| {
        END_OF_MAIN.wait();
        println!("the watchman ends; the guard has waited for it");
    })?;

    let foreman = Builder::new().name("foreman").daemon(true).spawn(lead)?;
    assert_eq!(foreman.join_timeout(TIMEOUT / 5), Err(JoinError::TimedOut));
    foreman.join().expect("the foreman does not panic"); // a join that timed out can be repeated

    let workers = foreman.take_result().expect("it was not taken before");
    assert!(
        workers.iter().all(|worker| worker.is_daemon()),
        "a thread inherits `daemon`"
    );
    for thread in thread::enumerate() {
        println!("alive at exit: {}, daemon: {}", thread.name(), thread.is_daemon());
    }
    assert_eq!(thread::active_count(), 4, "main, the watchman, and two workers");
    println!("main returns");
    END_OF_MAIN.set();
    Ok(())
}
