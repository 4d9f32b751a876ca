//! Conditions.

use super::lineup;
use crate::load::{Meter, alone};
use crate::row::{Row, at_most, at_most_best};
use crossbeam_utils::CachePadded;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// A token under a mutex, held by one thread at a time, and a condition to wait for it. A thread is named by a number.
pub trait Token: Send + Sync + 'static {
    /// The token is held by thread 0.
    fn new() -> Self;
    /// Waits until thread `from` holds the token, runs `body`, gives the token to thread `to`, unlocks, and notifies.
    fn pass<R>(&self, from: u32, to: u32, body: impl FnOnce() -> R) -> R;
    /// Notifies one waiter.
    fn notify_one(&self);
}

/// A mutex and a condition of one library, on one cache line.
pub struct Monitor<M, C> {
    holder: M,
    passed: C,
}

/// Selvedge's, in the std build.
pub type Selvedge = Monitor<selvedge::Mutex<u32>, selvedge::Condition>;
/// Selvedge's, in the parking_lot build.
pub type SelvedgeParkingLot = Monitor<selvedge_parking_lot::Mutex<u32>, selvedge_parking_lot::Condition>;
/// Selvedge's, built without yields.
pub type SelvedgeWithoutYields = Monitor<selvedge_without_yields::Mutex<u32>, selvedge_without_yields::Condition>;
/// std's.
pub type Std = Monitor<std::sync::Mutex<u32>, std::sync::Condvar>;
/// parking_lot's.
pub type ParkingLot = Monitor<parking_lot::Mutex<u32>, parking_lot::Condvar>;
type Usync = Monitor<usync::Mutex<u32>, usync::Condvar>;

macro_rules! monitor {
    ($($type:ty: $new:expr, |$monitor:ident, $from:ident| $wait:expr;)+) => {$(
        impl Token for $type {
            #[inline(always)]
            fn new() -> Self {
                Monitor { holder: 0.into(), passed: $new }
            }

            #[inline(always)]
            fn pass<R>(&self, $from: u32, to: u32, body: impl FnOnce() -> R) -> R {
                let $monitor = self;
                let mut holder = $wait;
                let result = body();
                *holder = to;
                drop(holder);
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
    Selvedge: selvedge::Condition::new(), |monitor, from| {
        let mut holder = monitor.holder.acquire();
        monitor.passed.wait_while(&mut holder, |holder| **holder != from);
        holder
    };
    SelvedgeParkingLot: selvedge_parking_lot::Condition::new(), |monitor, from| {
        let mut holder = monitor.holder.acquire();
        monitor.passed.wait_while(&mut holder, |holder| **holder != from);
        holder
    };
    SelvedgeWithoutYields: selvedge_without_yields::Condition::new(), |monitor, from| {
        let mut holder = monitor.holder.acquire();
        monitor.passed.wait_while(&mut holder, |holder| **holder != from);
        holder
    };
    Std: std::sync::Condvar::new(), |monitor, from| {
        let holder = monitor.holder.lock().expect("no thread panicked");
        monitor.passed.wait_while(holder, |holder| *holder != from).expect("no thread panicked")
    };
    ParkingLot: parking_lot::Condvar::new(), |monitor, from| {
        let mut holder = monitor.holder.lock();
        monitor.passed.wait_while(&mut holder, |holder| *holder != from);
        holder
    };
    Usync: usync::Condvar::new(), |monitor, from| {
        let mut holder = monitor.holder.lock();
        while *holder != from {
            monitor.passed.wait(&mut holder);
        }
        holder
    };
}

fn notify_without_waiters<T: Token>(slice: Duration) -> f64 {
    let token = CachePadded::new(T::new());
    alone(slice, || token.notify_one())
}

/// A round trip.
pub fn ping_pong<T: Token, M: Meter>(meter: M) -> M::Figure {
    let token = CachePadded::new(T::new());
    let stop = CachePadded::new(AtomicBool::new(false));
    thread::scope(|scope| {
        // The other thread loads the flag while it holds the token, and so returns the token the last time, too.
        scope.spawn(|| while !token.pass(1, 0, || stop.load(Relaxed)) {});
        let trip = || token.pass(0, 1, || ());
        trip();
        trip(); // the other thread has started
        let each = meter.measure(1, trip);
        stop.store(true, Relaxed);
        trip(); // the other thread has loaded the flag, or waits for this
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
            monitors!(T => notify_without_waiters::<T>),
        ),
        row(
            "ping-pong",
            at_most(0.2, "usync"),
            monitors!(T => ping_pong::<T, Duration>),
        ),
    ]
}
