//! Events.

pub mod between;
pub mod flag;

use super::lineup;
use crate::load::alone;
use crate::row::{Row, at_most, at_most_best};
use between::{Parked, Raised, broadcast, ping_pong, wake};
use crossbeam_utils::CachePadded;
use flag::{Flag, Listened, Load, ParkingLotByCondvar, StdByCondvar};
use std::time::Duration;

fn wait_when_set<F: Flag>(slice: Duration) -> f64 {
    let flag = CachePadded::new(F::new());
    flag.set();
    alone(slice, || flag.wait())
}

fn set_and_clear<F: Flag>(slice: Duration) -> f64 {
    let flag = CachePadded::new(F::new());
    alone(slice, || {
        flag.set();
        flag.clear();
    })
}

fn set_when_set<F: Flag>(slice: Duration) -> f64 {
    let flag = CachePadded::new(F::new());
    flag.set();
    alone(slice, || flag.set())
}

macro_rules! flags {
    ($T:ident => $measure:expr $(; $($more:tt)*)?) => {
        lineup![$T => $measure;
            Std "ours (std)" selvedge::Event,
            ParkingLot "ours (parking_lot)" selvedge_parking_lot::Event,
            Peer "parking_lot M+C" ParkingLotByCondvar,
            Peer "std M+C" StdByCondvar,
            Peer "event-listener" Listened,
            $($($more)*)?
        ]
    };
}

macro_rules! batons {
    ($T:ident => $measure:expr) => {
        lineup![$T => $measure;
            Std "ours (std)" Raised<selvedge::Event>,
            ParkingLot "ours (parking_lot)" Raised<selvedge_parking_lot::Event>,
            Peer "parking_lot M+C" Raised<ParkingLotByCondvar>,
            Peer "std M+C" Raised<StdByCondvar>,
            Peer "event-listener" Raised<Listened>,
            Peer "crossbeam Parker" Parked,
        ]
    };
}

/// All rows of this shape.
pub fn rows() -> Vec<Row> {
    let row = |setting, bars, participants| Row {
        shape: "Event",
        setting,
        bars,
        participants,
    };
    // saa's Gate takes part only in rows without a reset: its `reset` leaves the gate open.
    let when_set = flags!(F => wait_when_set::<F>; Peer "a load" Load, Peer "saa Gate" saa::Gate);
    let again = flags!(F => set_when_set::<F>; Peer "saa Gate" saa::Gate);
    vec![
        row("wait when set", vec![at_most(1.0, "a load")], when_set),
        row(
            "set + clear",
            vec![at_most(0.55, "parking_lot M+C")],
            flags!(F => set_and_clear::<F>),
        ),
        row("set when set", vec![at_most(0.2, "parking_lot M+C")], again),
        // Not the best peer: parking_lot's condition spins, long enough in some runs and too short in others.
        row(
            "ping-pong",
            vec![at_most(0.01, "crossbeam Parker")],
            batons!(B => ping_pong::<B, Duration>),
        ),
        row("wake of a sleeper", vec![at_most_best(1.0)], batons!(B => wake::<B>)),
        row(
            "broadcast to 4",
            vec![at_most(0.25, "std M+C")],
            flags!(F => broadcast::<F>),
        ),
    ]
}
