//! The cost of a long wait: nanoseconds of the waiting thread's processor time, not of elapsed time.

use super::barrier::{Party, Shared};
use super::condition::{self, Token};
use super::event::flag::{self, Flag, Listened};
use super::lineup;
use super::lock::RawLock;
use super::pool::{Results, pools};
use super::queue::channel::{self, Channel, Kanal};
use super::semaphore::{self, Permits};
use crate::load::nanoseconds;
use crate::measure::Plan;
use crate::row::{Participant, Row, at_most_ns};
use cpu_time::ThreadTime;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

/// The shape of all rows here, which have their own plan.
pub const SHAPE: &str = "Wait";

/// The limit of the cost of a wait: that of a few wake-ups.
const BAR: f64 = 100_000.0;

/// A few long waits: the cost of a wait does not grow with its time.
pub fn plan(quick: bool) -> Plan {
    let (rounds, slice) = if quick { (1, 100) } else { (5, 1000) };
    Plan {
        rounds,
        most: rounds,
        slice: Duration::from_millis(slice),
    }
}

/// The cost of `wait` in this thread, while another thread runs `other`, which waits on the barrier when it is ready.
fn beside(other: impl FnOnce(&Barrier) + Send, wait: impl FnOnce()) -> f64 {
    let ready = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| other(&ready));
        ready.wait();
        let began = ThreadTime::now();
        wait();
        nanoseconds(began.elapsed())
    })
}

/// The cost of `wait` in this thread, if another thread calls `end` after the slice.
fn until(slice: Duration, end: impl FnOnce() + Send, wait: impl FnOnce()) -> f64 {
    let other = |ready: &Barrier| {
        ready.wait();
        thread::sleep(slice);
        end();
    };
    beside(other, wait)
}

/// The cost of `enter` in this thread, while another thread is inside for the slice.
fn shut_out(slice: Duration, enter: impl Fn(&mut dyn FnMut()) + Sync) -> f64 {
    let hold = |ready: &Barrier| {
        enter(&mut || {
            ready.wait();
            thread::sleep(slice);
        });
    };
    beside(hold, || enter(&mut || ()))
}

fn lock<L: RawLock>(slice: Duration) -> f64 {
    let lock = L::new();
    shut_out(slice, |inside| lock.locked(inside))
}

fn semaphore<P: Permits>(slice: Duration) -> f64 {
    let permits = P::new(1);
    shut_out(slice, |inside| permits.permitted(inside))
}

fn event<F: Flag>(slice: Duration) -> f64 {
    let flag = F::new();
    until(slice, || flag.set(), || flag.wait())
}

fn condition<T: Token>(slice: Duration) -> f64 {
    let token = T::new();
    until(slice, || token.pass(0, 1, || ()), || token.pass(1, 0, || ()))
}

fn barrier<P: Party>(slice: Duration) -> f64 {
    let mut parties = P::all(2);
    let (mut late, mut early) = (parties.remove(0), parties.remove(0));
    until(slice, || _ = late.meet(), || _ = early.meet())
}

fn queue<Q: Channel<u64>>(slice: Duration) -> f64 {
    let queue = Q::new(None);
    until(slice, || queue.put(7), || assert_eq!(queue.get(), 7))
}

fn pool<P: Results>(slice: Duration) -> f64 {
    let pool = P::new(1);
    let job = pool.submit(move || {
        thread::sleep(slice);
        7
    });
    let began = ThreadTime::now();
    assert_eq!(P::result(job), 7);
    nanoseconds(began.elapsed())
}

/// All rows of this shape.
pub fn rows() -> Vec<Row> {
    let row = |setting, participants: Vec<Participant>| Row {
        shape: SHAPE,
        setting,
        bars: vec![at_most_ns(BAR)],
        participants,
    };
    let locks = lineup![L => lock::<L>;
        Std "ours (std)" selvedge::Lock,
        ParkingLot "ours (parking_lot)" selvedge_parking_lot::Lock,
        Peer "std" std::sync::Mutex<()>,
        Peer "parking_lot" parking_lot::Mutex<()>,
    ];
    let semaphores = lineup![P => semaphore::<P>;
        Std "ours (std)" selvedge::Semaphore,
        ParkingLot "ours (parking_lot)" selvedge_parking_lot::Semaphore,
        Peer "saa" saa::Semaphore,
        Peer "parking_lot M+C" semaphore::ParkingLotByCondvar,
    ];
    let events = lineup![F => event::<F>;
        Std "ours (std)" selvedge::Event,
        ParkingLot "ours (parking_lot)" selvedge_parking_lot::Event,
        Peer "parking_lot M+C" flag::ParkingLotByCondvar,
        Peer "event-listener" Listened,
    ];
    let conditions = lineup![T => condition::<T>;
        Std "ours (std)" condition::Selvedge,
        ParkingLot "ours (parking_lot)" condition::SelvedgeParkingLot,
        Peer "std" condition::Std,
        Peer "parking_lot" condition::ParkingLot,
    ];
    let barriers = lineup![P => barrier::<P>;
        Std "ours (std)" Shared<selvedge::Barrier>,
        ParkingLot "ours (parking_lot)" Shared<selvedge_parking_lot::Barrier>,
        Peer "std" Shared<std::sync::Barrier>,
        Shown "hurdles (a floor)" hurdles::Barrier,
    ];
    let queues = lineup![Q => queue::<Q>;
        Std "ours (std)" selvedge::Queue<u64>,
        ParkingLot "ours (parking_lot)" selvedge_parking_lot::Queue<u64>,
        Peer "kanal" Kanal<u64>,
        Peer "crossbeam" channel::Crossbeam<u64>,
    ];
    let pools = lineup![P => pool::<P>;
        Std "ours (std)" selvedge::ThreadPool,
        ParkingLot "ours (parking_lot)" selvedge_parking_lot::ThreadPool,
        Peer "crossbeam + oneshot" pools::Oneshot<pools::Crossbeam>,
        Peer "threadpool + oneshot" pools::Oneshot<threadpool::ThreadPool>,
    ];
    vec![
        row("Lock, held", locks),
        row("Semaphore, without permits", semaphores),
        row("Event, not set", events),
        row("Condition, not notified", conditions),
        row("Barrier, one missing", barriers),
        row("Queue, empty", queues),
        row("Pool, result", pools),
    ]
}
