//! Barriers.

use super::lineup;
use crate::load::Meter;
use crate::row::{Row, at_most};
use crossbeam_utils::CachePadded;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// Generations between two loads of the stop flag.
const BATCH: u32 = 32;

/// A participant of a barrier.
pub trait Party: Send + Sized + 'static {
    /// All participants of a new barrier.
    fn all(parties: usize) -> Vec<Self>;
    /// Waits until all participants have arrived; true for one of them.
    fn meet(&mut self) -> bool;
}

/// A barrier that its participants share.
pub type Shared<B> = Arc<CachePadded<B>>;

macro_rules! shared {
    ($($type:ty, |$result:ident| $leads:expr;)+) => {$(
        impl Party for Shared<$type> {
            fn all(parties: usize) -> Vec<Self> {
                vec![Arc::new(CachePadded::new(<$type>::new(parties))); parties]
            }

            #[inline(always)]
            fn meet(&mut self) -> bool {
                let $result = self.wait();
                $leads
            }
        }
    )+};
}
shared! {
    selvedge::Barrier, |result| result.expect("the barrier is not broken").is_leader;
    selvedge_parking_lot::Barrier, |result| result.expect("the barrier is not broken").is_leader;
    selvedge_without_yields::Barrier, |result| result.expect("the barrier is not broken").is_leader;
    std::sync::Barrier, |result| result.is_leader();
}

/// Each participant stores the sense of its generation.
impl Party for hurdles::Barrier {
    fn all(parties: usize) -> Vec<Self> {
        vec![hurdles::Barrier::new(parties); parties]
    }

    #[inline(always)]
    fn meet(&mut self) -> bool {
        self.wait().is_leader()
    }
}

/// Generations of a barrier at which `parties` threads do nothing but
/// meet. After each `batch` of generations the threads load the stop flag.
pub fn rounds<P: Party, M: Meter>(parties: usize, batch: u32, meter: M) -> M::Figure {
    let stop = CachePadded::new(AtomicBool::new(false));
    let mut others = P::all(parties);
    let mut ours = others.pop().expect("there is a participant");
    // The flag is set before the last generation of a batch and loaded after it, before the next: all threads load the
    // same value, and no thread waits in a generation that the others have left out.
    let attend = |mut party: P| {
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
            .map(|party| scope.spawn(move || attend(party)))
            .collect();
        let (mut count, mut led) = (0, 0);
        let mut meet = |times: u32| {
            count += u64::from(times);
            (0..times).for_each(|_| led += u64::from(ours.meet()));
        };
        meet(batch - 1); // the last generation of the batch follows the store of the flag
        let figure = meter.measure(batch, || meet(batch));
        stop.store(true, Relaxed);
        meet(1);
        led += others
            .into_iter()
            .map(|other| other.join().expect("a participant panicked"))
            .sum::<u64>();
        assert_eq!(led, count, "some generation has no leader, or several");
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
