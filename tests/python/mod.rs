//! What CPython 3.13 asks of its own primitives in five places of `Lib/test`, asked of ours.
//!
//! Each has a table: each test there, inherited ones included, and ours that says the same, or why none can. Ours
//! bear CPython's names without `test_`. What they mean is CPython's, how they say it is not: nobody sleeps to
//! put threads in order, and nothing has to be fast. `cpython-3.13.tsv` holds the names as `names.py` finds them.
//!
//! | file | tests | left out | stated |
//! |---|---|---|---|
//! | `lock_tests` | 85 | 7 | 78 |
//! | `test_queue` | 82 | 5 | 77 |
//! | `test_threading` | 85 | 42 | 43 |
//! | `test_threading_local` | 10 | 2 | 8 |
//! | `test_concurrent_futures` | 65 | 3 | 62 |
//!
//! Where Python raises an error that a type excludes, that part of the test is gone. `test_threading` asks once more what
//! `lock_tests` asks, which is not counted again. What is left out of it: the children of forks (10), raising in
//! another thread (7), tracing (6), what does not compile (6), functions registered for the exit (3), forbidding a part
//! of the program its threads (2), and matters of Python the language, its names, and its interpreter (8). Of
//! `test_concurrent_futures` those are counted that ask a pool of threads, or futures alone; what is left out are a fork (1)
//! and the setting of results by hand (2).

mod futures;
mod locks;
mod simple_queue;
mod table;
mod threading;
mod threading_local;

use crate::watchdog::Watch;
use std::thread;
use std::time::Duration;

/// A timeout that must not be cut short.
const A_WHILE: Duration = Duration::from_millis(30);

/// Looks again and again, until it is so.
fn until(watch: &Watch<'_, '_>, what: &'static str, is_so: impl Fn() -> bool) {
    watch.waits(what, || {
        while !is_so() {
            thread::yield_now();
        }
    });
}
