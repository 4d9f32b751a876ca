//! The shapes. Each has a trait, the trait's implementations, and the rows in which they are measured.
//!
//! To add a peer, implement the trait and add a line to the shape's `lineup!`; to add a row, add a line to its `rows`.

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

/// `[Kind "name" Type, ...]`, measured by one expression: `T` stands
/// for each type in turn, and each type gets a copy of the same code.
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
