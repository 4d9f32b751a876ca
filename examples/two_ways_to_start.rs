//! Threads: one is started with a function, one with an object that implements `Run`.
//!
//! In Python: `Thread(target=weave, args=(..))`, and a class that overrides `run`. Neither returns a
//! result, and a call of `run` instead of `start` starts no thread and raises no error. Here `spawn`
//! consumes what it runs, so that a thread is started once, and the handle returns the result.
//!
//! ```text
//! cargo run --example two_ways_to_start
//! ```
//! The result can be taken once, after a join. A panic ends only its own thread, and is reported to every joiner.

use selvedge::thread::{self, Builder, Run};
use std::panic::resume_unwind;

/// The first way: a function. Its arguments are captured by a closure and type-checked.
fn weave(rows: u32) -> String {
    format!("{rows} rows woven on '{}'", thread::current().name())
}

/// The second way: an object that owns its arguments.
struct Loom {
    rows: u32,
    per_row: u32,
}

impl Run for Loom {
    type Output = u32;

    fn run(self) -> u32 {
        println!("object:   {}", weave(self.rows));
        self.rows * self.per_row
    }
}

fn main() -> std::io::Result<()> {
    let function = Builder::new().name("by function").spawn(|| weave(3))?;
    function.join().expect("`weave` does not panic");
    println!("function: {}", function.take_result().expect("it was not taken before"));

    let object = Builder::new().name("by object").spawn(Loom { rows: 4, per_row: 10 })?;
    object.join().expect("`run` does not panic");
    let (taken, again) = (object.take_result(), object.take_result());
    println!("object:   the result is {taken:?}, and then {again:?}");
    assert_eq!((taken, again), (Some(40), None));

    // A panic without the message on stderr.
    let panics = || -> u32 { resume_unwind(Box::new("no yarn")) };
    let torn = Builder::new().name("torn").spawn(panics)?;
    let (first, second) = (torn.join().unwrap_err(), torn.join().unwrap_err());
    println!("panic:    each join reports: {first}");
    assert_eq!((first, torn.take_result()), (second, None));

    println!("{} thread is alive.", thread::active_count());
    assert_eq!(thread::enumerate(), [thread::main_thread()]);
    Ok(())
}
