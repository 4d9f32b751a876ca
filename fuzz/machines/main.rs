//! Fuzzers: random calls on several real threads, compared with the specifications in `fuzz/spec`.
//!
//! The harness makes one call at a time. A call that blocks in the specification stays on its
//! thread while other threads go on, and must return as soon as the specification lets it. Where
//! the order of the waiters matters, the harness makes the next call only after the waiter is
//! enqueued. The models of `loom-tests` cover calls that overlap: they explore every interleaving.
//! Queues are also raced here, and [`linear`] checks that the histories are linearizable.
//!
//! A new primitive implements [`primitive::Primitive`] and gets its two tests from [`fuzzers!`].
//! `PROPTEST_CASES` sets the number of runs; proptest stores failing runs in `fuzz/proptest-regressions`.

mod barrier;
mod condition;
mod event;
mod generator;
mod linear;
mod lock;
mod mutex;
mod primitive;
mod queue;
mod reference;
mod rlock;
mod run;
mod semaphore;
mod shorten;
mod spec;
mod threads;
