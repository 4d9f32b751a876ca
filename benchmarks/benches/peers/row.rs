//! What is measured: a row, its participants, and the bars that selvedge has to meet.

use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Runs for about the given time and returns the nanoseconds per operation, or more figures.
pub type Run<F = f64> = Arc<dyn Fn(Duration) -> F + Send + Sync>;

/// One cell of the table: a shape in one setting, and all implementations that are measured in it.
pub struct Row<F = f64> {
    /// The type: "Lock".
    pub shape: &'static str,
    /// Its use: "contended 2, short".
    pub setting: &'static str,
    /// The bars to meet.
    pub bars: Vec<Bar>,
    /// The implementations.
    pub participants: Vec<Participant<F>>,
}

impl<F> Row<F> {
    /// The name that `--filter` matches.
    pub fn name(&self) -> String {
        format!("{}, {}", self.shape, self.setting)
    }
}

/// One implementation of a shape.
pub struct Participant<F = f64> {
    /// Its name in the report.
    pub name: &'static str,
    /// Its role.
    pub kind: Kind,
    /// Its measurement.
    pub run: Run<F>,
}

/// The role of a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Selvedge on the kernel's futexes.
    Std,
    /// Selvedge on parking_lot's table of threads.
    ParkingLot,
    /// Another project's, as a rival.
    Peer,
    /// Selvedge built without yields, one of the rivals beside busy processes.
    Reference,
    /// Reported, but not a rival: a floor that never blocks, or a second type of selvedge's.
    Shown,
}

/// Both of selvedge's builds, in the order of the report's columns.
pub const BUILDS: [Kind; 2] = [Kind::Std, Kind::ParkingLot];

/// The most that selvedge may take, as a multiple of a rival or in nanoseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Bar {
    /// The largest value that meets the bar.
    pub at_most: f64,
    /// Its unit.
    pub of: Unit,
}

/// The unit of a bar.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// The time of the row's best peer.
    Best,
    /// The time of the peer of this name, one for each of [`BUILDS`].
    Peer([&'static str; 2]),
    /// The limit for a waiter beside busy processes: 1.5 times the larger of the best peer and
    /// the reference, but no more than 3 times the best peer and no more than a millisecond.
    BesideBusy,
    /// A nanosecond: a bar that needs no peer. It applies to machines like the one in RESULTS.md.
    Nanosecond,
}

/// At most this multiple of the peer of this name.
pub fn at_most(at_most: f64, of: &'static str) -> Bar {
    at_most_each(at_most, [of; 2])
}

/// At most this multiple of the peer that is named for the same build.
pub fn at_most_each(at_most: f64, of: [&'static str; 2]) -> Bar {
    Bar {
        at_most,
        of: Unit::Peer(of),
    }
}

/// At most this multiple of the best peer.
pub fn at_most_best(at_most: f64) -> Bar {
    Bar {
        at_most,
        of: Unit::Best,
    }
}

/// At most the limit of [`Unit::BesideBusy`].
pub const BESIDE_BUSY: Bar = Bar {
    at_most: 1.0,
    of: Unit::BesideBusy,
};

/// At most this number of nanoseconds.
pub fn at_most_ns(at_most: f64) -> Bar {
    Bar {
        at_most,
        of: Unit::Nanosecond,
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_most = self.at_most;
        match self.of {
            Unit::Nanosecond => write!(f, "≤ {at_most:.0} ns"),
            Unit::BesideBusy => f.write_str("of the limit beside busy processes"),
            Unit::Best => write!(f, "≤ {at_most:.2} of the best peer"),
            Unit::Peer([std, parking_lot]) if std == parking_lot => write!(f, "≤ {at_most:.2} of {std}"),
            Unit::Peer(of) => write!(f, "≤ {at_most:.2} of {}", of.join(", ")),
        }
    }
}
