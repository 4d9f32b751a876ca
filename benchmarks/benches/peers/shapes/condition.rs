//! Waiting for what others do under a lock.

use super::lineup;
use crate::load::{Meter, alone};
use crate::row::{Row, at_most, at_most_best};
use crossbeam_utils::CachePadded;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// Whose turn it is, under a mutex, and a condition to wait for one's own.
pub trait Turns: Send + Sync + 'static {
    /// It is the turn of 0.
    fn new() -> Self;
    /// Waits for the turn of `mine`, runs `body`, gives the turn to `next`, releases the mutex, and notifies.
    fn pass<R>(&self, mine: u32, next: u32, body: impl FnOnce() -> R) -> R;
    /// Notifies one.
    fn notify_one(&self);
}

/// A mutex and a condition of one origin, on one cache line.
pub struct Monitor<M, C> {
    turn: M,
    passed: C,
}

/// Ours, in the std world.
pub type Selvedge = Monitor<selvedge::Mutex<u32>, selvedge::Condition>;
/// Ours, in the parking_lot world.
pub type SelvedgeParkingLot = Monitor<selvedge_parking_lot::Mutex<u32>, selvedge_parking_lot::Condition>;
/// Ours, without yields.
pub type SelvedgeWithoutYields = Monitor<selvedge_without_yields::Mutex<u32>, selvedge_without_yields::Condition>;
/// With std's.
pub type Std = Monitor<std::sync::Mutex<u32>, std::sync::Condvar>;
/// With parking_lot's.
pub type ParkingLot = Monitor<parking_lot::Mutex<u32>, parking_lot::Condvar>;
type Usync = Monitor<usync::Mutex<u32>, usync::Condvar>;

macro_rules! monitor {
    ($($type:ty: $new:expr, |$monitor:ident, $mine:ident| $wait:expr;)+) => {$(
        impl Turns for $type {
            #[inline(always)]
            fn new() -> Self {
                Monitor { turn: 0.into(), passed: $new }
            }

            #[inline(always)]
            fn pass<R>(&self, $mine: u32, next: u32, body: impl FnOnce() -> R) -> R {
                let $monitor = self;
                let mut turn = $wait;
                let result = body();
                *turn = next;
                drop(turn);
                self.passed.notify_one();
                result
            }

            #[inline(always)]
            fn notify_one(&self) {
                self.passed.notify_one();
            }
        }
    )+};
}
monitor! {
    Selvedge: selvedge::Condition::new(), |monitor, mine| {
        let mut turn = monitor.turn.acquire();
        monitor.passed.wait_while(&mut turn, |turn| **turn != mine);
        turn
    };
    SelvedgeParkingLot: selvedge_parking_lot::Condition::new(), |monitor, mine| {
        let mut turn = monitor.turn.acquire();
        monitor.passed.wait_while(&mut turn, |turn| **turn != mine);
        turn
    };
    SelvedgeWithoutYields: selvedge_without_yields::Condition::new(), |monitor, mine| {
        let mut turn = monitor.turn.acquire();
        monitor.passed.wait_while(&mut turn, |turn| **turn != mine);
        turn
    };
    Std: std::sync::Condvar::new(), |monitor, mine| {
        let turn = monitor.turn.lock().expect("nobody panicked");
        monitor.passed.wait_while(turn, |turn| *turn != mine).expect("nobody panicked")
    };
    ParkingLot: parking_lot::Condvar::new(), |monitor, mine| {
        let mut turn = monitor.turn.lock();
        monitor.passed.wait_while(&mut turn, |turn| *turn != mine);
        turn
    };
    Usync: usync::Condvar::new(), |monitor, mine| {
        let mut turn = monitor.turn.lock();
        while *turn != mine {
            monitor.passed.wait(&mut turn);
        }
        turn
    };
}

fn notify_nobody<T: Turns>(slice: Duration) -> f64 {
    let turns = CachePadded::new(T::new());
    alone(slice, || turns.notify_one())
}

/// There and back.
pub fn ping_pong<T: Turns, M: Meter>(meter: M) -> M::Figure {
    let turns = CachePadded::new(T::new());
    let stop = CachePadded::new(AtomicBool::new(false));
    thread::scope(|scope| {
        // It looks in its turn: so it gives the last one back, too.
        scope.spawn(|| while !turns.pass(1, 0, || stop.load(Relaxed)) {});
        let trip = || turns.pass(0, 1, || ());
        trip();
        trip(); // the other has started
        let each = meter.measure(1, trip);
        stop.store(true, Relaxed);
        trip(); // it has seen that already, or waits for this
        each
    })
}

macro_rules! monitors {
    ($T:ident => $measure:expr) => {
        lineup![$T => $measure;
            Std "ours (std)" Selvedge,
            ParkingLot "ours (parking_lot)" SelvedgeParkingLot,
            Peer "std" Std,
            Peer "parking_lot" ParkingLot,
            Peer "usync" Usync,
        ]
    };
}

/// All rows of this shape.
pub fn rows() -> Vec<Row> {
    let row = |setting, bar, participants| Row {
        shape: "Condition",
        setting,
        bars: vec![bar],
        participants,
    };
    vec![
        row(
            "notify with nobody",
            at_most_best(1.0),
            monitors!(T => notify_nobody::<T>),
        ),
        row(
            "ping-pong",
            at_most(0.2, "usync"),
            monitors!(T => ping_pong::<T, Duration>),
        ),
    ]
}
