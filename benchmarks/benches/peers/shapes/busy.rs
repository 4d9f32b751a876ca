//! The rows that are measured beside busy processes.

use super::barrier::{Shared, rounds};
use super::checkout::{self, checkout};
use super::condition;
use super::event::between::{Parked, Raised, ping_pong};
use super::event::flag;
use super::lineup;
use super::pool::{pools, round_trip};
use super::queue::channel::{Channel, Crossbeam, Monitor};
use super::semaphore::{self, Handed};
use crate::load::Meter;
use crate::parts::{Cell, Watched};
use crate::row::{BESIDE_BUSY, Participant, Row};
use crossbeam_utils::CachePadded;
use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::thread;

/// The shape of all rows here.
pub const SHAPE: &str = "Busy";

/// The number of items that are put into a new queue without a consumer.
const PUTS: u32 = 40_000;

/// The item that follows all others.
const END: u64 = u64::MAX;

/// A channel from one thread to another.
trait Pipe: 'static {
    type Sender: Send;
    type Receiver: Send;
    /// An empty channel; `None` makes it unbounded.
    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver);
    fn put(sender: &Self::Sender, item: u64);
    fn get(receiver: &Self::Receiver) -> u64;
}

impl<Q: Channel<u64>> Pipe for Q {
    type Sender = Arc<CachePadded<Q>>;
    type Receiver = Arc<CachePadded<Q>>;

    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
        let queue = Arc::new(CachePadded::new(Q::new(capacity)));
        (Arc::clone(&queue), queue)
    }

    #[inline(always)]
    fn put(sender: &Self::Sender, item: u64) {
        sender.put(item);
    }

    #[inline(always)]
    fn get(receiver: &Self::Receiver) -> u64 {
        Channel::get(&***receiver)
    }
}

/// std's channels, whose receiver cannot be shared.
struct Bounded;
struct Unbounded;

macro_rules! of_std {
    ($($name:ident, $sender:ident, |$capacity:ident| $new:expr;)+) => {$(
        impl Pipe for $name {
            type Sender = mpsc::$sender<u64>;
            type Receiver = mpsc::Receiver<u64>;

            fn new($capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
                $new
            }

            #[inline(always)]
            fn put(sender: &Self::Sender, item: u64) {
                sender.send(item).expect("both ends exist");
            }

            #[inline(always)]
            fn get(receiver: &Self::Receiver) -> u64 {
                receiver.recv().expect("both ends exist")
            }
        }
    )+};
}
of_std! {
    Bounded, SyncSender, |capacity| mpsc::sync_channel(capacity.expect("the channel is bounded"));
    Unbounded, Sender, |capacity| {
        assert!(capacity.is_none(), "the channel is unbounded");
        mpsc::channel()
    };
}

/// Passes items from one thread to another. Reads the clock once per `items`.
fn flow<P: Pipe, M: Meter>(capacity: usize, items: u32, meter: M) -> M::Figure {
    let (sender, receiver) = P::new(Some(capacity));
    let stop = CachePadded::new(AtomicBool::new(false));
    thread::scope(|scope| {
        let stopped = &stop;
        scope.spawn(move || {
            while !stopped.load(Relaxed) {
                P::put(&sender, 7);
            }
            P::put(&sender, END);
        });
        P::get(&receiver); // the producer has started
        let figure = meter.measure(items, || (0..items).for_each(|_| _ = black_box(P::get(&receiver))));
        stop.store(true, Relaxed);
        while P::get(&receiver) != END {}
        figure
    })
}

fn puts<P: Pipe, M: Meter>(meter: M) -> M::Figure {
    meter.measure(PUTS, || {
        let (sender, _receiver) = P::new(None);
        (0..PUTS).for_each(|_| P::put(&sender, 7));
    })
}

/// The type of each of selvedge's builds, then the peers.
macro_rules! beside {
    ($T:ident => $measure:expr; $std:ty, $parking_lot:ty, $without:ty; $($peer:literal $type:ty),+) => {
        lineup![$T => $measure;
            Std "ours (std)" $std,
            ParkingLot "ours (parking_lot)" $parking_lot,
            Reference "without yields" $without,
            $(Peer $peer $type),+
        ]
    };
}

macro_rules! queues {
    ($Q:ident => $measure:expr; $of_std:ty) => {
        beside![$Q => $measure;
            selvedge::Queue<u64>, selvedge_parking_lot::Queue<u64>, selvedge_without_yields::Queue<u64>;
            "std" $of_std, "parking_lot" Monitor<VecDeque<u64>>, "crossbeam" Crossbeam<u64>
        ]
    };
}

/// All rows.
pub fn rows() -> Vec<Row<Cell>> {
    let row = |setting, participants: Vec<Participant<Cell>>| Row {
        shape: SHAPE,
        setting,
        bars: vec![BESIDE_BUSY],
        participants,
    };
    let conditions = beside![T => |slice| condition::ping_pong::<T, _>(Watched(slice));
        condition::Selvedge, condition::SelvedgeParkingLot, condition::SelvedgeWithoutYields;
        "std" condition::Std, "parking_lot" condition::ParkingLot
    ];
    let events = beside![B => |slice| ping_pong::<B, _>(Watched(slice));
        Raised<selvedge::Event>, Raised<selvedge_parking_lot::Event>, Raised<selvedge_without_yields::Event>;
        "std" Raised<flag::StdByCondvar>, "parking_lot" Raised<flag::ParkingLotByCondvar>, "crossbeam" Parked
    ];
    let semaphores = beside![B => |slice| ping_pong::<B, _>(Watched(slice));
        Handed<selvedge::Semaphore>, Handed<selvedge_parking_lot::Semaphore>, Handed<selvedge_without_yields::Semaphore>;
        "std" Handed<semaphore::StdByCondvar>, "parking_lot" Handed<semaphore::ParkingLotByCondvar>
    ];
    let barriers = beside![P => |slice| rounds::<P, _>(2, 2, Watched(slice));
        Shared<selvedge::Barrier>, Shared<selvedge_parking_lot::Barrier>, Shared<selvedge_without_yields::Barrier>;
        "std" Shared<std::sync::Barrier>
    ];
    let pools = beside![P => |slice| round_trip::<P, _>(2, Watched(slice));
        selvedge::ThreadPool, selvedge_parking_lot::ThreadPool, selvedge_without_yields::ThreadPool;
        "std" pools::Oneshot<threadpool::ThreadPool>, "crossbeam" pools::Oneshot<pools::Crossbeam>
    ];
    let checkouts = beside![C => checkout::<C>;
        checkout::Selvedge, checkout::SelvedgeParkingLot, checkout::SelvedgeWithoutYields;
        "std" checkout::Std, "parking_lot" checkout::ParkingLot
    ];
    vec![
        row("Condition ping-pong", conditions),
        row("Event ping-pong", events),
        row("Semaphore ping-pong", semaphores),
        row(
            "Queue b1 1x1",
            queues![Q => |slice| flow::<Q, _>(1, 1, Watched(slice)); Bounded],
        ),
        row(
            "Queue b128 1x1",
            queues![Q => |slice| flow::<Q, _>(128, 16, Watched(slice)); Bounded],
        ),
        row("Barrier of 2", barriers),
        row("Pool round trip", pools),
        row(
            "Queue unb, puts alone",
            queues![Q => |slice| puts::<Q, _>(Watched(slice)); Unbounded],
        ),
        row("Checkout of a connection", checkouts),
    ]
}
