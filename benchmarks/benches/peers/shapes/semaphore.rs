//! Semaphores.

use super::event::between::Baton;
use super::lineup;
use crate::load::{Work, alone, together};
use crate::row::{Bar, Participant, Row, at_most};
use crossbeam_utils::CachePadded;
use std::sync::Arc;
use std::time::Duration;

/// A semaphore.
pub trait Permits: Send + Sync + 'static {
    /// A semaphore with this number of permits.
    fn new(permits: u32) -> Self;
    /// Acquires a permit, runs `body`, and releases it.
    fn permitted<R>(&self, body: impl FnOnce() -> R) -> R;
}

/// A semaphore whose permits may be acquired by one thread and released by another.
pub trait Unowned: Permits {
    /// Waits for a permit, and acquires it.
    fn take(&self);
    /// Releases a permit.
    fn give(&self);
}

macro_rules! ours {
    ($($build:ident)+) => {$(
        impl Unowned for $build::Semaphore {
            #[inline(always)]
            fn take(&self) {
                self.acquire().forget();
            }

            #[inline(always)]
            fn give(&self) {
                self.release(1).expect("the permit was acquired");
            }
        }
    )+};
}
ours!(selvedge selvedge_parking_lot selvedge_without_yields);

/// A permit that is handed from one thread to another.
pub struct Handed<P>(P);

impl<P: Unowned> Baton for Handed<P> {
    type Sender = Arc<CachePadded<P>>;
    type Receiver = Arc<CachePadded<P>>;

    fn new() -> (Self::Sender, Self::Receiver) {
        let permits = Arc::new(CachePadded::new(P::new(0)));
        (Arc::clone(&permits), permits)
    }

    #[inline(always)]
    fn send(sender: &Self::Sender) {
        sender.give();
    }

    #[inline(always)]
    fn receive(receiver: &Self::Receiver) {
        receiver.take();
    }
}

macro_rules! by_guard {
    ($($type:ty, $acquire:ident, $number:ty;)+) => {$(
        impl Permits for $type {
            #[inline(always)]
            fn new(permits: u32) -> Self {
                <$type>::new(permits as $number)
            }

            #[inline(always)]
            fn permitted<R>(&self, body: impl FnOnce() -> R) -> R {
                let _permit = self.$acquire();
                body()
            }
        }
    )+};
}
by_guard! {
    selvedge::Semaphore, acquire, u32;
    selvedge_parking_lot::Semaphore, acquire, u32;
    selvedge_without_yields::Semaphore, acquire, u32;
    selvedge::BoundedSemaphore, acquire, u32;
    selvedge_parking_lot::BoundedSemaphore, acquire, u32;
    async_lock::Semaphore, acquire_blocking, usize;
}

impl Permits for saa::Semaphore {
    #[inline(always)]
    fn new(permits: u32) -> Self {
        saa::Semaphore::with_permits(permits as usize)
    }

    #[inline(always)]
    fn permitted<R>(&self, body: impl FnOnce() -> R) -> R {
        self.acquire_sync();
        let result = body();
        self.release();
        result
    }
}

/// The usual way: a count under a mutex, and a condition.
pub struct ByCondvar<M, C> {
    permits: M,
    available: C,
}

/// A semaphore of std's mutex and condition.
pub type StdByCondvar = ByCondvar<std::sync::Mutex<u32>, std::sync::Condvar>;

/// A semaphore of parking_lot's mutex and condition.
pub type ParkingLotByCondvar = ByCondvar<parking_lot::Mutex<u32>, parking_lot::Condvar>;

impl Permits for StdByCondvar {
    #[inline(always)]
    fn new(permits: u32) -> Self {
        ByCondvar {
            permits: permits.into(),
            available: std::sync::Condvar::new(),
        }
    }

    #[inline(always)]
    fn permitted<R>(&self, body: impl FnOnce() -> R) -> R {
        self.take();
        let result = body();
        self.give();
        result
    }
}

impl Unowned for StdByCondvar {
    #[inline(always)]
    fn take(&self) {
        let free = self.permits.lock().expect("no thread panicked");
        *self
            .available
            .wait_while(free, |free| *free == 0)
            .expect("no thread panicked") -= 1;
    }

    #[inline(always)]
    fn give(&self) {
        *self.permits.lock().expect("no thread panicked") += 1;
        self.available.notify_one();
    }
}

impl Permits for ParkingLotByCondvar {
    #[inline(always)]
    fn new(permits: u32) -> Self {
        ByCondvar {
            permits: parking_lot::Mutex::new(permits),
            available: parking_lot::Condvar::new(),
        }
    }

    #[inline(always)]
    fn permitted<R>(&self, body: impl FnOnce() -> R) -> R {
        self.take();
        let result = body();
        self.give();
        result
    }
}

impl Unowned for ParkingLotByCondvar {
    #[inline(always)]
    fn take(&self) {
        let mut free = self.permits.lock();
        self.available.wait_while(&mut free, |free| *free == 0);
        *free -= 1;
    }

    #[inline(always)]
    fn give(&self) {
        *self.permits.lock() += 1;
        self.available.notify_one();
    }
}

fn uncontended<P: Permits>(slice: Duration) -> f64 {
    let permits = CachePadded::new(P::new(1));
    alone(slice, || permits.permitted(|| ()))
}

fn contended<P: Permits>(threads: usize, permits: u32) -> impl Fn(Duration) -> f64 {
    move |slice| {
        let permits = CachePadded::new(P::new(permits));
        let work = Work::short();
        let operation = || {
            permits.permitted(|| work.work());
            work.work();
        };
        together(slice, threads, operation).0
    }
}

macro_rules! semaphores {
    ($T:ident => $measure:expr) => {
        lineup![$T => $measure;
            Std "ours (std)" selvedge::Semaphore,
            ParkingLot "ours (parking_lot)" selvedge_parking_lot::Semaphore,
            Peer "saa" saa::Semaphore,
            Peer "parking_lot M+C" ParkingLotByCondvar,
            Peer "std M+C" StdByCondvar,
            Peer "async-lock" async_lock::Semaphore,
        ]
    };
}

/// All rows of this shape.
pub fn rows() -> Vec<Row> {
    let row = |setting, bar: Bar, participants| Row {
        shape: "Semaphore",
        setting,
        bars: vec![bar],
        participants,
    };
    let bounded: Vec<Participant> = lineup![P => uncontended::<P>;
        Shown "ours, bounded (std)" selvedge::BoundedSemaphore,
        Shown "ours, bounded (parking_lot)" selvedge_parking_lot::BoundedSemaphore,
    ];
    let alone = semaphores!(P => uncontended::<P>).into_iter().chain(bounded).collect();
    vec![
        row("acquire + release", at_most(0.65, "saa"), alone),
        row(
            "4 threads on 2",
            at_most(1.0, "parking_lot M+C"),
            semaphores!(P => contended::<P>(4, 2)),
        ),
        row(
            "2 threads on 1",
            at_most(0.6, "saa"),
            semaphores!(P => contended::<P>(2, 1)),
        ),
    ]
}
