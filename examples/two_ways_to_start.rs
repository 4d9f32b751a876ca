//! A thread is started with a function, or with an object that implements `Run`.
//!
//! Python's twin: `Thread(target=weave, args=(..))`, and a class that overrides `run`. Neither has a result, so each
//! leaves it in some global list; and who calls `run` instead of `start` gets no thread and no error. Here `spawn`
//! takes what is to run, so that nothing is started twice, and the result is taken from the handle.
//!
//! ```text
//! cargo run --example two_ways_to_start
//! ```
//! Notice that both run on threads of their own, under their names, that whoever joins may ask for the result, once,
//! and that a panic ends its own thread only, and is told to each joiner.

use selvedge::thread::{self, Builder, Run};
use std::panic::resume_unwind;

/// The first way: a function. What it works on it gets by a closure, whose type is checked; Python's `args` are not.
fn weave(rows: u32) -> String {
    format!("{rows} rows woven on '{}'", thread::current().name())
}

/// The second way: an object, which brings along what it works on.
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
    function.join().expect("a weaver does not panic");
    println!("function: {}", function.take_result().expect("nobody has taken it"));

    let object = Builder::new().name("by object").spawn(Loom { rows: 4, per_row: 10 })?;
    object.join().expect("a weaver does not panic");
    let (taken, again) = (object.take_result(), object.take_result());
    println!("object:   has made {taken:?}; asked again: {again:?}");
    assert_eq!((taken, again), (Some(40), None));

    // As `panic!`, but for the standard library's message on stderr.
    let torn = Builder::new()
        .name("torn")
        .spawn(|| -> u32 { resume_unwind(Box::new("no yarn")) })?;
    let (first, second) = (torn.join().unwrap_err(), torn.join().unwrap_err());
    println!("panic:    each join tells: {first}");
    assert_eq!((first, torn.take_result()), (second, None));

    println!(
        "{} runs, and {} thread is alive.",
        thread::main_thread().name(),
        thread::active_count()
    );
    assert_eq!(thread::enumerate(), [thread::main_thread()]);
    Ok(())
}
