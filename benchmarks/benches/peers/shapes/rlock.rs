//! Reentrant locks.

use super::lineup;
use crate::load::{Guarded, Work, alone, together};
use crate::row::{Row, at_most, at_most_best};
use crossbeam_utils::CachePadded;
use std::io::{Stdout, stdout};
use std::time::Duration;

/// A reentrant lock.
pub trait Reentrant: Send + Sync + 'static {
    /// A free lock.
    fn new() -> Self;
    /// Acquires one level, runs `body`, and releases it.
    fn held<R>(&self, body: impl FnOnce() -> R) -> R;
}

macro_rules! reentrant {
    ($($type:ty: $new:expr, $acquire:ident;)+) => {$(
        impl Reentrant for $type {
            #[inline(always)]
            fn new() -> Self {
                $new
            }

            #[inline(always)]
            fn held<R>(&self, body: impl FnOnce() -> R) -> R {
                let _guard = self.$acquire();
                body()
            }
        }
    )+};
}
reentrant! {
    selvedge::RLock: selvedge::RLock::new(), acquire;
    selvedge_parking_lot::RLock: selvedge_parking_lot::RLock::new(), acquire;
    parking_lot::ReentrantMutex<()>: parking_lot::ReentrantMutex::new(()), lock;
    usync::ReentrantMutex<()>: usync::ReentrantMutex::new(()), lock;
    // std's own is unstable, but it guards the standard output. Its lock function is not inlined: one more call.
    Stdout: stdout(), lock;
}

fn outermost<L: Reentrant>(slice: Duration) -> f64 {
    let lock = CachePadded::new(L::new());
    alone(slice, || lock.held(|| ()))
}

fn nested<L: Reentrant>(slice: Duration) -> f64 {
    let lock = CachePadded::new(L::new());
    lock.held(|| alone(slice, || lock.held(|| ())))
}

fn eight_deep<L: Reentrant>(slice: Duration) -> f64 {
    let lock = CachePadded::new(L::new());
    let two = |body: fn()| lock.held(|| lock.held(body));
    let four = || lock.held(|| lock.held(|| two(|| ())));
    alone(slice, || lock.held(|| lock.held(|| lock.held(|| lock.held(four)))))
}

fn short<L: Reentrant>(threads: usize) -> impl Fn(Duration) -> f64 {
    move |slice| {
        let guarded = Guarded::new(L::new());
        let outside = Work::short();
        let (nanoseconds, count) = together(slice, threads, || {
            guarded.lock.held(|| guarded.count_one());
            outside.work();
        });
        guarded.must_be(count);
        nanoseconds
    }
}

macro_rules! rlocks {
    ($T:ident => $measure:expr) => {
        lineup![$T => $measure;
            Std "ours (std)" selvedge::RLock,
            ParkingLot "ours (parking_lot)" selvedge_parking_lot::RLock,
            Peer "std, of stdout" Stdout,
            Peer "parking_lot" parking_lot::ReentrantMutex<()>,
            Peer "usync" usync::ReentrantMutex<()>,
        ]
    };
}

/// All rows of this shape.
pub fn rows() -> Vec<Row> {
    let row = |setting, bar, participants| Row {
        shape: "RLock",
        setting,
        bars: vec![bar],
        participants,
    };
    vec![
        row("outermost", at_most_best(1.0), rlocks!(L => outermost::<L>)),
        row("nested", at_most(0.9, "parking_lot"), rlocks!(L => nested::<L>)),
        row("depth 8", at_most(0.9, "parking_lot"), rlocks!(L => eight_deep::<L>)),
        row("contended 2", at_most(1.1, "parking_lot"), rlocks!(L => short::<L>(2))),
        row("contended 4", at_most(1.1, "parking_lot"), rlocks!(L => short::<L>(4))),
    ]
}
