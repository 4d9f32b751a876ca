//! A place where threads wait until all have come.

use super::lineup;
use crate::load::Meter;
use crate::row::{Row, at_most};
use crossbeam_utils::CachePadded;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// Rounds between two loads of the flag.
const BATCH: u32 = 32;

/// A thread's part in a barrier.
pub trait Party: Send + Sized + 'static {
    /// Those of a new barrier: as many as it waits for.
    fn all(parties: usize) -> Vec<Self>;
    /// Waits until all have come; true for one of them.
    fn meet(&mut self) -> bool;
}

/// A barrier that its parties share.
pub type Shared<B> = Arc<CachePadded<B>>;

macro_rules! shared {
    ($($type:ty, |$turn:ident| $leads:expr;)+) => {$(
        impl Party for Shared<$type> {
            fn all(parties: usize) -> Vec<Self> {
                vec![Arc::new(CachePadded::new(<$type>::new(parties))); parties]
            }

            #[inline(always)]
            fn meet(&mut self) -> bool {
                let $turn = self.wait();
                $leads
            }
        }
    )+};
}
shared! {
    selvedge::Barrier, |turn| turn.expect("nobody breaks it").is_leader;
    selvedge_parking_lot::Barrier, |turn| turn.expect("nobody breaks it").is_leader;
    selvedge_without_yields::Barrier, |turn| turn.expect("nobody breaks it").is_leader;
    std::sync::Barrier, |turn| turn.is_leader();
}

/// Its parties remember on which side of the barrier they are.
impl Party for hurdles::Barrier {
    fn all(parties: usize) -> Vec<Self> {
        vec![hurdles::Barrier::new(parties); parties]
    }

    #[inline(always)]
    fn meet(&mut self) -> bool {
        self.wait().is_leader()
    }
}

/// Rounds of a barrier at which `parties` threads do nothing but meet. After each `batch` of rounds the flag says whether it was
/// the last.
pub fn rounds<P: Party, M: Meter>(parties: usize, batch: u32, meter: M) -> M::Figure {
    let stop = CachePadded::new(AtomicBool::new(false));
    let mut others = P::all(parties);
    let mut ours = others.pop().expect("there are parties");
    // The flag may change before the last round of a batch, and is read after it, before the next one: nobody
    // comes to a round of which the others know that there is none.
    let come = |mut party: P| {
        let mut led = 0;
        loop {
            (0..batch).for_each(|_| led += u64::from(party.meet()));
            if stop.load(Relaxed) {
                return led;
            }
        }
    };
    thread::scope(|scope| {
        let others: Vec<_> = others
            .into_iter()
            .map(|party| scope.spawn(move || come(party)))
            .collect();
        let (mut count, mut led) = (0, 0);
        let mut meet = |times: u32| {
            count += u64::from(times);
            (0..times).for_each(|_| led += u64::from(ours.meet()));
        };
        // The last of a batch comes after the flag.
        meet(batch - 1);
        let figure = meter.measure(batch, || meet(batch));
        stop.store(true, Relaxed);
        meet(1);
        led += others
            .into_iter()
            .map(|other| other.join().expect("a party panicked"))
            .sum::<u64>();
        assert_eq!(led, count, "not one of the parties has led each round");
        figure
    })
}

macro_rules! barriers {
    ($T:ident => $measure:expr) => {
        lineup![$T => $measure;
            Std "ours (std)" Shared<selvedge::Barrier>,
            ParkingLot "ours (parking_lot)" Shared<selvedge_parking_lot::Barrier>,
            Peer "std" Shared<std::sync::Barrier>,
            Peer "hurdles (a floor)" hurdles::Barrier,
        ]
    };
}

/// All rows of this shape.
pub fn rows() -> Vec<Row> {
    let row = |setting, of_std, participants| {
        let bars = vec![at_most(of_std, "std"), at_most(1.6, "hurdles (a floor)")];
        Row {
            shape: "Barrier",
            setting,
            bars,
            participants,
        }
    };
    vec![
        row(
            "2 threads",
            0.01,
            barriers!(P => |slice| rounds::<P, Duration>(2, BATCH, slice)),
        ),
        row(
            "4 threads",
            0.25,
            barriers!(P => |slice| rounds::<P, Duration>(4, BATCH, slice)),
        ),
    ]
}
