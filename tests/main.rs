//! What selvedge promises in public, on real threads, in whichever production world the build chose.
//!
//! Nobody sleeps to put events in order: threads shake hands, and where they cannot, both orders must do.
//! Whatever may block runs under [`watchdog::run`], which says who waits for what instead of hanging.

#![cfg(not(loom))] // the statics here need constant constructors, and the loops real threads

mod backend;
mod barrier;
mod bounded_semaphore;
mod child;
mod condition;
mod errors;
mod event;
#[cfg(target_os = "linux")] // elsewhere one cannot see that the parent's threads are blocked
mod fork;
mod forms;
mod in_line;
mod lock;
mod mutex;
mod panic_hook;
mod pool;
mod python;
mod queue;
mod refused;
mod rlock;
mod semaphore;
mod shapes;
mod stress;
mod support;
mod thread;
mod timer;
mod unwind_safe;
mod watchdog;
mod yields;
