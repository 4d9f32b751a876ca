//! Locks.

use super::lineup;
use crate::load::{Guarded, Work, alone, together};
use crate::row::{Row, at_most};
use crossbeam_utils::CachePadded;
use std::time::Duration;

/// A mutual-exclusion lock.
pub trait RawLock: Send + Sync + 'static {
    /// A free lock.
    fn new() -> Self;
    /// Acquires the lock, runs `body`, and releases it.
    fn locked<R>(&self, body: impl FnOnce() -> R) -> R;
    /// Tries to acquire the lock, and releases it if that succeeded; returns whether it did.
    fn try_locked(&self) -> bool;
}

/// A lock with a timeout.
pub trait TimedLock: RawLock {
    /// Acquires the lock before the timeout, and releases it.
    fn locked_within(&self, timeout: Duration);
}

macro_rules! ours {
    ($($build:ident)+) => {$(
        impl RawLock for $build::Lock {
            #[inline(always)]
            fn new() -> Self {
                $build::Lock::new()
            }

            #[inline(always)]
            fn locked<R>(&self, body: impl FnOnce() -> R) -> R {
                let _guard = self.acquire();
                body()
            }

            #[inline(always)]
            fn try_locked(&self) -> bool {
                self.try_acquire().is_some()
            }
        }

        impl TimedLock for $build::Lock {
            #[inline(always)]
            fn locked_within(&self, timeout: Duration) {
                let _guard = self.acquire_timeout(timeout).expect("the lock is free");
            }
        }
    )+};
}
ours!(selvedge selvedge_parking_lot);

macro_rules! mutex {
    ($($type:ty, |$guard:ident| $unwrap:expr;)+) => {$(
        impl RawLock for $type {
            #[inline(always)]
            fn new() -> Self {
                <$type>::new(())
            }

            #[inline(always)]
            fn locked<R>(&self, body: impl FnOnce() -> R) -> R {
                let $guard = self.lock();
                let _guard = $unwrap;
                body()
            }

            #[inline(always)]
            fn try_locked(&self) -> bool {
                self.try_lock().into_iter().next().is_some() // an Option or a Result
            }
        }
    )+};
}
mutex! {
    std::sync::Mutex<()>, |guard| guard.expect("no thread panicked");
    parking_lot::Mutex<()>, |guard| guard;
    usync::Mutex<()>, |guard| guard;
    spin::Mutex<()>, |guard| guard;
}

impl TimedLock for parking_lot::Mutex<()> {
    #[inline(always)]
    fn locked_within(&self, timeout: Duration) {
        let _guard = self.try_lock_for(timeout).expect("the lock is free");
    }
}

fn uncontended<L: RawLock>(slice: Duration) -> f64 {
    let lock = CachePadded::new(L::new());
    alone(slice, || lock.locked(|| ()))
}

fn timed<L: TimedLock>(slice: Duration) -> f64 {
    let lock = CachePadded::new(L::new());
    alone(slice, || lock.locked_within(Duration::from_secs(1)))
}

fn try_held<L: RawLock>(slice: Duration) -> f64 {
    let lock = CachePadded::new(L::new());
    lock.locked(|| alone(slice, || assert!(!lock.try_locked(), "the lock is held")))
}

fn short<L: RawLock>(threads: usize) -> impl Fn(Duration) -> f64 {
    move |slice| {
        let guarded = Guarded::new(L::new());
        let outside = Work::short();
        let (nanoseconds, count) = together(slice, threads, || {
            guarded.lock.locked(|| guarded.count_one());
            outside.work();
        });
        guarded.must_be(count);
        nanoseconds
    }
}

fn long<L: RawLock>(threads: usize) -> impl Fn(Duration) -> f64 {
    move |slice| {
        let guarded = Guarded::new(L::new());
        let inside = Work::long();
        let section = || {
            inside.work();
            guarded.count_one();
        };
        let (nanoseconds, count) = together(slice, threads, || guarded.lock.locked(section));
        guarded.must_be(count);
        nanoseconds
    }
}

macro_rules! locks {
    ($T:ident => $measure:expr) => {
        lineup![$T => $measure;
            Std "ours (std)" selvedge::Lock,
            ParkingLot "ours (parking_lot)" selvedge_parking_lot::Lock,
            Peer "std" std::sync::Mutex<()>,
            Peer "parking_lot" parking_lot::Mutex<()>,
            Peer "usync" usync::Mutex<()>,
            Shown "spin (a floor)" spin::Mutex<()>,
        ]
    };
}

/// All rows of this shape.
pub fn rows() -> Vec<Row> {
    let row = |setting, bar, participants| Row {
        shape: "Lock",
        setting,
        bars: vec![bar],
        participants,
    };
    let timed_locks = lineup![L => timed::<L>;
        Std "ours (std)" selvedge::Lock,
        ParkingLot "ours (parking_lot)" selvedge_parking_lot::Lock,
        Peer "parking_lot" parking_lot::Mutex<()>,
    ];
    vec![
        row("uncontended", at_most(1.0, "std"), locks!(L => uncontended::<L>)),
        row("timed, free", at_most(0.95, "parking_lot"), timed_locks),
        row(
            "try on a held one",
            at_most(1.0, "parking_lot"),
            locks!(L => try_held::<L>),
        ),
        row(
            "contended 2, short",
            at_most(1.15, "parking_lot"),
            locks!(L => short::<L>(2)),
        ),
        row(
            "contended 4, short",
            at_most(1.15, "parking_lot"),
            locks!(L => short::<L>(4)),
        ),
        row(
            "contended 8, short",
            at_most(1.15, "parking_lot"),
            locks!(L => short::<L>(8)),
        ),
        row("contended 2, long", at_most(1.05, "usync"), locks!(L => long::<L>(2))),
        row("contended 4, long", at_most(1.05, "usync"), locks!(L => long::<L>(4))),
        row("contended 8, long", at_most(1.05, "usync"), locks!(L => long::<L>(8))),
    ]
}
