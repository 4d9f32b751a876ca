//! Threads that are started and waited for.

use super::lineup;
use crate::load::Meter;
use crate::row::{Row, at_most};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// Starts threads.
pub trait Threads: 'static {
    /// Starts one that does nothing, and waits for its end.
    fn start_and_join();
    /// Starts so many that borrow what they do, and waits for the ends of all.
    fn scope(threads: usize, body: impl Fn() + Sync);
}

/// The kit's, in the std world.
pub struct Ours;

/// The kit's, in the parking_lot world.
pub struct OursByParkingLot;

macro_rules! ours {
    ($($type:ident, $kit:ident;)+) => {$(
        impl Threads for $type {
            fn start_and_join() {
                $kit::thread::spawn(|| ()).join().expect("it does nothing");
            }

            fn scope(threads: usize, body: impl Fn() + Sync) {
                $kit::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(&body))));
            }
        }
    )+};
}
ours! {
    Ours, selvedge;
    OursByParkingLot, selvedge_parking_lot;
}

/// The standard library's.
pub struct Std;

impl Threads for Std {
    fn start_and_join() {
        std::thread::spawn(|| ()).join().expect("it does nothing");
    }

    fn scope(threads: usize, body: impl Fn() + Sync) {
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(&body))));
    }
}

fn start_and_join<T: Threads>(slice: Duration) -> f64 {
    slice.measure(1, T::start_and_join)
}

fn scope<T: Threads>(threads: usize) -> impl Fn(Duration) -> f64 {
    move |slice| {
        slice.measure(1, || {
            let ran = AtomicUsize::new(0);
            T::scope(threads, || _ = ran.fetch_add(1, Relaxed));
            assert_eq!(ran.into_inner(), threads, "the scope did not wait");
        })
    }
}

macro_rules! threads {
    ($T:ident => $measure:expr) => {
        lineup![$T => $measure;
            Std "ours (std)" Ours,
            ParkingLot "ours (parking_lot)" OursByParkingLot,
            Peer "std" Std,
        ]
    };
}

/// All rows of this shape.
pub fn rows() -> Vec<Row> {
    let row = |setting, participants| Row {
        shape: "Thread",
        setting,
        bars: vec![at_most(1.2, "std")],
        participants,
    };
    vec![
        row("start + join", threads!(T => start_and_join::<T>)),
        row("scope of 4", threads!(T => scope::<T>(4))),
    ]
}
