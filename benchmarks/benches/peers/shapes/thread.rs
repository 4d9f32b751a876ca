//! Threads that are spawned and joined.

use super::lineup;
use crate::load::Meter;
use crate::row::{Row, at_most};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// A library's threads.
pub trait Threads: 'static {
    /// Spawns a thread with an empty function, and joins it.
    fn start_and_join();
    /// Spawns threads that borrow their function, and joins all.
    fn scope(threads: usize, body: impl Fn() + Sync);
}

/// Selvedge's, in the std build.
pub struct Ours;

/// Selvedge's, in the parking_lot build.
pub struct OursByParkingLot;

macro_rules! ours {
    ($($type:ident, $build:ident;)+) => {$(
        impl Threads for $type {
            fn start_and_join() {
                $build::thread::spawn(|| ()).join().expect("the function does nothing");
            }

            fn scope(threads: usize, body: impl Fn() + Sync) {
                $build::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(&body))));
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
        std::thread::spawn(|| ()).join().expect("the function does nothing");
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
