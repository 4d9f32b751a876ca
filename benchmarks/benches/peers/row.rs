//! What is measured: a row, who takes part in it, and the bars that ours has to meet.

use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Runs for about the given time and says how many nanoseconds one operation took, or more than that.
pub type Run<F = f64> = Arc<dyn Fn(Duration) -> F + Send + Sync>;

/// One cell of the table: a shape in one setting, and all who are measured in it.
pub struct Row<F = f64> {
    /// The type: "Lock".
    pub shape: &'static str,
    /// What is done with it: "contended 2, short".
    pub setting: &'static str,
    /// What to reach.
    pub bars: Vec<Bar>,
    /// Who is measured.
    pub participants: Vec<Participant<F>>,
}

impl<F> Row<F> {
    /// The name that `--filter` looks at.
    pub fn name(&self) -> String {
        format!("{}, {}", self.shape, self.setting)
    }
}

/// One implementation of a shape.
pub struct Participant<F = f64> {
    /// What it is called in the report.
    pub name: &'static str,
    /// What it is measured for.
    pub kind: Kind,
    /// How it is measured.
    pub run: Run<F>,
}

/// What a participant is measured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Ours over the kernel's futexes.
    Std,
    /// Ours over parking_lot's table.
    ParkingLot,
    /// Somebody else's, to compare with.
    Peer,
    /// Ours built without yields, against which bars beside busy processes are held too.
    Reference,
    /// Shown, but held against nobody: a floor that never sleeps, or a second type of ours.
    Shown,
}

/// Both of our worlds, in the order of the report's columns.
pub const WORLDS: [Kind; 2] = [Kind::Std, Kind::ParkingLot];

/// "Ours takes at most so many times what this rival takes", or so many nanoseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Bar {
    /// The largest value that meets the bar.
    pub at_most: f64,
    /// What it is a multiple of.
    pub of: Unit,
}

/// What a bar is a multiple of.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// What the best peer of the row takes.
    Best,
    /// What the peer of this name takes: one for each of [`WORLDS`].
    Peer([&'static str; 2]),
    /// What a waiter may take beside busy processes: 1.5 times the larger of the best peer and the reference, but no more than
    /// 3 times the best peer, nor a millisecond.
    BesideBusy,
    /// A nanosecond: a bar that stands also where no peer does the same. It holds for machines like that of the plan.
    Nanosecond,
}

/// At most so many times the peer of this name.
pub fn at_most(at_most: f64, of: &'static str) -> Bar {
    at_most_each(at_most, [of; 2])
}

/// At most so many times what is named for the same world.
pub fn at_most_each(at_most: f64, of: [&'static str; 2]) -> Bar {
    Bar {
        at_most,
        of: Unit::Peer(of),
    }
}

/// At most so many times the best peer.
pub fn at_most_best(at_most: f64) -> Bar {
    Bar {
        at_most,
        of: Unit::Best,
    }
}

/// At most what [`Unit::BesideBusy`] allows.
pub const BESIDE_BUSY: Bar = Bar {
    at_most: 1.0,
    of: Unit::BesideBusy,
};

/// At most so many nanoseconds.
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
            Unit::BesideBusy => f.write_str("of what is allowed beside busy processes"),
            Unit::Best => write!(f, "≤ {at_most:.2} of the best peer"),
            Unit::Peer([std, parking_lot]) if std == parking_lot => write!(f, "≤ {at_most:.2} of {std}"),
            Unit::Peer(of) => write!(f, "≤ {at_most:.2} of {}", of.join(", ")),
        }
    }
}
