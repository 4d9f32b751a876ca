//! The shapes: for each a trait, its implementations, and the rows in which they are measured.
//!
//! A peer is an implementation and a line of its shape's `lineup!`; a row is a line of its shape's `rows`.

mod barrier;
pub mod busy;
mod checkout;
pub mod condition;
pub mod event;
pub mod lock;
mod pool;
pub mod queue;
pub mod rlock;
pub mod semaphore;
mod thread;
mod timer;
pub mod wait;

use crate::row::Row;

/// `[Kind "name" Type, ...]` measured by one expression: `T` in it stands for each type in turn, so that each
/// gets a copy of the same code.
macro_rules! lineup {
    ($T:ident => $measure:expr; $($kind:ident $name:literal $type:ty),+ $(,)?) => {
        vec![$({
            type $T = $type;
            $crate::row::Participant {
                name: $name,
                kind: $crate::row::Kind::$kind,
                run: std::sync::Arc::new($measure),
            }
        }),+]
    };
}
use lineup;

/// All rows.
pub fn rows() -> Vec<Row> {
    let shapes = [
        lock::rows(),
        rlock::rows(),
        semaphore::rows(),
        event::rows(),
        condition::rows(),
        barrier::rows(),
        queue::rows(),
        thread::rows(),
        timer::rows(),
        pool::rows(),
        wait::rows(),
    ];
    shapes.into_iter().flatten().collect()
}
