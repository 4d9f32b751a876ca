//! Why programs under a global interpreter lock still need locks of their own.
//!
//! Python's twin: two threads run `num -= 1`. The interpreter lets one thread execute at a time, but hands its lock
//! round between steps, and `num -= 1` has two: read, write. Python's program is right or wrong by luck. Here a
//! model runs every order of the steps. It also checks that the number itself is never touched by two threads at
//! once: the interpreter's lock sees to that, and it is not enough.
//!
//! ```text
//! cargo run --example gil_and_lock
//! ```
//! Notice the two sets of results: {0, 1} with the interpreter's lock alone, {0} with a lock around the two steps.
//! The exit code is 1 if the sets are others.
//!
//! This example belongs to the package `loom-tests`, where the kit is compiled for models, so that it needs no
//! flags. A crate of your own names `selvedge` and is run with `RUSTFLAGS="--cfg loom"`; see the README.

extern crate selvedge_loom as selvedge;

use selvedge::Lock;
use selvedge::backend::cell::UnsafeCell;
use selvedge::backend::{Arc, thread};
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

const START: i32 = 2;

/// The interpreter's lock, and the memory that is touched only by the thread that holds it.
struct Interpreter {
    gil: Lock,
    num: UnsafeCell<i32>,
}

// SAFETY: `num` is touched only in `read` and `write`, under `gil`; the model would refuse anything else.
unsafe impl Sync for Interpreter {}

impl Interpreter {
    fn read(&self) -> i32 {
        let _one_step = self.gil.acquire();
        // SAFETY: we hold `gil`.
        self.num.with(|num| unsafe { *num })
    }

    fn write(&self, value: i32) {
        let _one_step = self.gil.acquire();
        // SAFETY: we hold `gil`.
        self.num.with_mut(|num| unsafe { *num = value });
    }
}

struct Program {
    interpreter: Interpreter,
    lock: Lock,
}

/// `num -= 1`
fn without_a_lock(program: &Program) {
    let seen = program.interpreter.read();
    // The other thread may run here.
    program.interpreter.write(seen - 1);
}

/// `with lock: num -= 1`
fn with_a_lock(program: &Program) {
    let _guard = program.lock.acquire();
    without_a_lock(program);
}

#[derive(Clone, Default)]
struct Seen {
    results: BTreeSet<i32>,
    runs: u64,
}

/// The results of two threads that run `body`, over all interleavings.
fn explore(body: fn(&Program)) -> Seen {
    // std's: the model must not see it, for it is no part of the program.
    let seen = Arc::new(Mutex::new(Seen::default()));
    let shared = Arc::clone(&seen);
    selvedge::model(move || {
        let interpreter = Interpreter {
            gil: Lock::new(),
            num: UnsafeCell::new(START),
        };
        let program = Arc::new(Program {
            interpreter,
            lock: Lock::new(),
        });
        let threads = [(); 2].map(|()| {
            let program = Arc::clone(&program);
            thread::spawn(move || body(&program))
        });
        threads
            .into_iter()
            .for_each(|thread| thread.join().expect("it does not panic"));
        let mut seen = shared.lock().unwrap_or_else(PoisonError::into_inner);
        seen.results.insert(program.interpreter.read());
        seen.runs += 1;
    });
    seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn main() -> ExitCode {
    println!("Two threads each take 1 from {START}.");
    let broken = explore(without_a_lock);
    println!(
        "With the interpreter's lock alone, {} runs end with {:?}.",
        broken.runs, broken.results
    );
    let repaired = explore(with_a_lock);
    println!(
        "With a lock of their own as well, {} runs end with {:?}.",
        repaired.runs, repaired.results
    );
    let as_it_should_be = broken.results == BTreeSet::from([0, 1]) && repaired.results == BTreeSet::from([0]);
    if as_it_should_be {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
