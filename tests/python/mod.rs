//! What CPython 3.13 checks of its own primitives in five places of `Lib/test`.
//!
//! Each place has a table with a row for each of its tests, inherited ones included: the Rust tests
//! that answer it, or the reason why none can. Most answers are behaviour tests (`tests`) or fuzz
//! tests (`fuzz::`, in `fuzz/machines`). The tests here check what those do not; each has the name of
//! CPython's test without `test_`. `cpython-3.13.tsv` lists CPython's tests as `names.py` finds them.
//!
//! | file | tests | left out | answered |
//! |---|---|---|---|
//! | `lock_tests` | 85 | 7 | 78 |
//! | `test_queue` | 82 | 5 | 77 |
//! | `test_threading` | 85 | 43 | 42 |
//! | `test_threading_local` | 10 | 2 | 8 |
//! | `test_concurrent_futures` | 65 | 3 | 62 |
//!
//! Where Python raises an error that a type excludes, that part of the test is left out. The classes of
//! `test_threading` that repeat `lock_tests` are not counted. The others leave out forks (10), raising in another
//! thread (7), tracing (6), what does not compile (6), exit functions (3), registries that forbid threads (2), and
//! matters of the language Python, its names and its interpreter (9). Of `test_concurrent_futures` the tests of thread
//! pools and of futures alone are counted; a fork (1) and results that are set by hand (2) are left out.

mod futures;
mod locks;
mod simple_queue;
mod table;
mod threading;
mod threading_local;
