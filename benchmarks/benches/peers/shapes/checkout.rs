//! A connection pool like r2d2's: a lock, a condition, and a deque of the idle connections.

use crate::load::Work;
use crate::parts::{Cell, Part, sum};
use crossbeam_utils::CachePadded;
use std::collections::VecDeque;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

const THREADS: usize = 4;
const CONNECTIONS: u32 = 2;

/// A connection pool.
pub trait Connections: Send + Sync + 'static {
    /// A pool of idle connections.
    fn new(connections: u32) -> Self;
    /// Waits for a connection, passes it to `body`, and puts it back.
    fn lend<R>(&self, body: impl FnOnce(u32) -> R) -> R;
}

/// A pool of a mutex and a condition of one library.
pub struct Pool<M, C> {
    idle: M,
    returned: C,
}

macro_rules! pools {
    ($($name:ident, $mutex:ty, $condition:ty, |$pool:ident| $lock:expr, |$idle:ident| $wait:expr;)+) => {$(
        pub type $name = Pool<$mutex, $condition>;

        impl Connections for $name {
            fn new(connections: u32) -> Self {
                Pool { idle: <$mutex>::new((0..connections).collect()), returned: <$condition>::new() }
            }

            #[inline(always)]
            fn lend<R>(&self, body: impl FnOnce(u32) -> R) -> R {
                let $pool = self;
                #[allow(unused_mut, reason = "some conditions take and return the guard")]
                let mut $idle = $lock;
                let mut idle = $wait;
                let connection = idle.pop_front().expect("a connection is idle");
                drop(idle);
                let result = body(connection);
                $lock.push_back(connection);
                $pool.returned.notify_one();
                result
            }
        }
    )+};
}
pools! {
    Selvedge, selvedge::Mutex<VecDeque<u32>>, selvedge::Condition, |pool| pool.idle.acquire(), |idle| {
        pool.returned.wait_while(&mut idle, |idle| idle.is_empty());
        idle
    };
    SelvedgeParkingLot, selvedge_parking_lot::Mutex<VecDeque<u32>>, selvedge_parking_lot::Condition,
        |pool| pool.idle.acquire(), |idle| {
            pool.returned.wait_while(&mut idle, |idle| idle.is_empty());
            idle
        };
    SelvedgeWithoutYields, selvedge_without_yields::Mutex<VecDeque<u32>>, selvedge_without_yields::Condition,
        |pool| pool.idle.acquire(), |idle| {
            pool.returned.wait_while(&mut idle, |idle| idle.is_empty());
            idle
        };
    Std, std::sync::Mutex<VecDeque<u32>>, std::sync::Condvar, |pool| pool.idle.lock().expect("no thread panicked"), |idle|
        pool.returned.wait_while(idle, |idle| idle.is_empty()).expect("no thread panicked");
    ParkingLot, parking_lot::Mutex<VecDeque<u32>>, parking_lot::Condvar, |pool| pool.idle.lock(), |idle| {
        pool.returned.wait_while(&mut idle, |idle| idle.is_empty());
        idle
    };
}

/// Four threads that use two connections, each for long work.
pub fn checkout<C: Connections>(slice: Duration) -> Cell {
    let connections = CachePadded::new(C::new(CONNECTIONS));
    let (work, stop) = (Work::long(), CachePadded::new(AtomicBool::new(false)));
    let ready = Barrier::new(THREADS + 1);
    let user = || {
        Part::of(&ready, 1, || {
            if stop.load(Relaxed) {
                return false;
            }
            connections.lend(|_| work.work());
            true
        })
    };
    thread::scope(|scope| {
        let users: Vec<_> = (0..THREADS).map(|_| scope.spawn(user)).collect();
        ready.wait();
        thread::sleep(slice);
        stop.store(true, Relaxed);
        sum(&[users
            .into_iter()
            .map(|user| user.join().expect("a user panicked"))
            .collect()])
    })
}
