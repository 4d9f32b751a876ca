//! Timers.

use super::lineup;
use crate::load::Meter;
use crate::row::{Row, at_most_ns};
use futures_timer::Delay;
use std::cell::Cell;
use std::pin::Pin;
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

/// The delay of timers that are cancelled.
const LATE: Duration = Duration::from_secs(3600);

/// The number of pending timers in the crowded row.
const MANY: u32 = 100_000;

/// A timer scheduler.
pub trait Timers: Send + Sync + 'static {
    /// The handle of a timer.
    type Timer: Send + Sync;
    /// A scheduler without timers.
    fn new() -> Self;
    /// Starts a timer with an empty function.
    fn start(&self, after: Duration) -> Self::Timer;
    /// Cancels a pending timer.
    fn cancel(timer: Self::Timer);
    /// Waits until the timer has run.
    fn join(timer: Self::Timer);
}

macro_rules! ours {
    ($($build:ident)+) => {$(
        impl Timers for $build::thread::Clock {
            type Timer = $build::Timer;

            fn new() -> Self {
                Self::new(&$build::thread::Registry::new())
            }

            fn start(&self, after: Duration) -> Self::Timer {
                self.start(after, || ()).expect("the system starts the clock's thread")
            }

            fn cancel(timer: Self::Timer) {
                assert!(timer.cancel(), "the timer is pending");
            }

            fn join(timer: Self::Timer) {
                timer.join().expect("the function does nothing");
            }
        }
    )+};
}
ours!(selvedge selvedge_parking_lot);

/// Python's way: each timer is a thread that waits on a condition.
pub struct ThreadEach;

/// The thread of a timer, and its flag for the cancellation.
pub struct Sleeper {
    thread: JoinHandle<()>,
    cancelled: Arc<(Mutex<bool>, Condvar)>,
}

impl Timers for ThreadEach {
    type Timer = Sleeper;

    fn new() -> Self {
        ThreadEach
    }

    fn start(&self, after: Duration) -> Sleeper {
        let cancelled = Arc::<(Mutex<bool>, Condvar)>::default();
        let shared = Arc::clone(&cancelled);
        let thread = thread::spawn(move || {
            let (cancelled, change) = &*shared;
            let cancelled = cancelled.lock().expect("no thread panicked");
            drop(
                change
                    .wait_timeout_while(cancelled, after, |cancelled| !*cancelled)
                    .expect("no thread panicked"),
            );
        });
        Sleeper { thread, cancelled }
    }

    fn cancel(timer: Sleeper) {
        let (cancelled, change) = &*timer.cancelled;
        *cancelled.lock().expect("no thread panicked") = true;
        change.notify_one();
        Self::join(timer); // without it the threads accumulate
    }

    fn join(timer: Sleeper) {
        timer.thread.join().expect("the function does nothing");
    }
}

/// futures-timer, which has one thread for all timers, too. A timer runs no function: it wakes the task that polls it.
pub struct Futures;

impl Timers for Futures {
    type Timer = Delay;

    fn new() -> Self {
        Futures
    }

    fn start(&self, after: Duration) -> Delay {
        let mut delay = Delay::new(after);
        let _ = is_over(&mut delay, Waker::noop());
        delay
    }

    fn cancel(delay: Delay) {
        drop(delay);
    }

    fn join(mut delay: Delay) {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        while !is_over(&mut delay, &waker) {
            thread::park();
        }
    }
}

fn is_over(delay: &mut Delay, waker: &Waker) -> bool {
    let polled = Future::poll(Pin::new(delay), &mut Context::from_waker(waker));
    polled == Poll::Ready(())
}

/// Unparks a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn start_and_cancel<T: Timers>(pending: u32) -> impl Fn(Duration) -> f64 {
    // Lazy, so that participants outside the filter start no timers.
    let crowded = LazyLock::new(move || {
        let timers = T::new();
        let waiting: Vec<_> = (0..pending)
            .map(|nth| timers.start(LATE + Duration::from_millis(nth.into())))
            .collect();
        (timers, waiting)
    });
    move |slice| {
        let (timers, waiting) = &*crowded;
        let offset = Cell::new(0);
        let nanoseconds = slice.measure(1, || {
            offset.set((offset.get() + 61_803) % MANY); // spread among the pending timers
            T::cancel(timers.start(LATE + Duration::from_millis(offset.get().into())));
        });
        assert_eq!(waiting.len(), pending as usize);
        nanoseconds
    }
}

fn start_and_run<T: Timers>(slice: Duration) -> f64 {
    let timers = T::new();
    slice.measure(1, || T::join(timers.start(Duration::ZERO)))
}

macro_rules! clocks {
    ($T:ident => $measure:expr $(; $($more:tt)*)?) => {
        lineup![$T => $measure;
            Std "ours (std)" selvedge::thread::Clock,
            ParkingLot "ours (parking_lot)" selvedge_parking_lot::thread::Clock,
            Peer "futures-timer" Futures,
            $($($more)*)?
        ]
    };
}

/// All rows of this shape.
pub fn rows() -> Vec<Row> {
    let row = |setting, bars, participants| Row {
        shape: "Timer",
        setting,
        bars,
        participants,
    };
    // Without "a thread each": it would start 100,000 threads.
    let crowded = clocks!(T => start_and_cancel::<T>(MANY));
    let alone = clocks!(T => start_and_cancel::<T>(0); Peer "a thread each" ThreadEach);
    let due = clocks!(T => start_and_run::<T>; Peer "a thread each" ThreadEach);
    vec![
        row("start + cancel", vec![at_most_ns(1000.0)], alone),
        row("start + cancel, 100,000 pending", vec![at_most_ns(1000.0)], crowded),
        row("start + run", vec![], due),
    ]
}
