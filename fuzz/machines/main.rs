//! Fuzzers: random calls by several real threads, one call at a time, held to the specifications in `fuzz/spec`.
//!
//! A call that the specification blocks stays on its thread while others go on, and must return as soon as
//! the specification lets it. Where the order of waiting matters, the next call is made when it stands in line.
//! What two calls do to each other at the same instant is left to the models of `loom-tests`, which try every
//! interleaving. Queues are also raced here, and [`linear`] looks for an order that explains their histories.
//!
//! A new primitive implements [`primitive::Primitive`] and gets its two tests from [`fuzzers!`].
//! `PROPTEST_CASES` says how many cases are tried; failures are kept in `fuzz/proptest-regressions`.

mod actors;
mod barrier;
mod bounded_semaphore;
mod condition;
mod event;
mod linear;
mod lock;
mod machine;
mod mutex;
mod primitive;
mod queue;
mod rlock;
mod run;
mod semaphore;
mod shorten;
mod spec;
mod world;
