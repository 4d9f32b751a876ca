//! The public promises of selvedge, tested on real threads with the platform backend of the build.
//!
//! No test sleeps to order events: threads use handshakes, and where that is impossible, a test accepts both orders.
//! A test that may block runs under [`watchdog::run`], which reports what each thread waits for instead of hanging.

#![cfg(not(loom))] // the statics here need constant constructors, and the loops real threads

mod backend;
mod barrier;
mod child;
mod condition;
mod event;
#[cfg(target_os = "linux")] // other systems don't show that the parent's threads are blocked
mod fork;
mod forms;
mod lock;
mod mutex;
mod panic_hook;
mod pool;
mod python;
mod queue;
mod races;
mod rlock;
mod seccomp;
mod semaphore;
mod stress;
mod support;
mod thread;
mod timer;
mod traits;
mod waiters;
mod watchdog;
mod yields;
