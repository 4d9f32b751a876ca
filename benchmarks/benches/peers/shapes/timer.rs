//! Functions that run later, unless they are cancelled.

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

/// When the timers are due that are cancelled.
const LATE: Duration = Duration::from_secs(3600);

/// A crowd.
const MANY: u32 = 100_000;

/// Starts timers.
pub trait Timers: Send + Sync + 'static {
    /// One that was started.
    type Timer: Send + Sync;
    /// No timers.
    fn new() -> Self;
    /// Starts one that does nothing.
    fn start(&self, after: Duration) -> Self::Timer;
    /// Cancels one that is not due.
    fn cancel(timer: Self::Timer);
    /// Waits until one that is not cancelled has run.
    fn join(timer: Self::Timer);
}

macro_rules! ours {
    ($($kit:ident)+) => {$(
        impl Timers for $kit::thread::Clock {
            type Timer = $kit::Timer;

            fn new() -> Self {
                Self::new(&$kit::thread::Registry::new())
            }

            fn start(&self, after: Duration) -> Self::Timer {
                self.start(after, || ()).expect("there is room for the clock's thread")
            }

            fn cancel(timer: Self::Timer) {
                assert!(timer.cancel(), "it is not due");
            }

            fn join(timer: Self::Timer) {
                timer.join().expect("it does nothing");
            }
        }
    )+};
}
ours!(selvedge selvedge_parking_lot);

/// What Python does: each timer is a thread that sleeps on a condition.
pub struct ThreadEach;

/// Its thread, and whether it is cancelled.
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
        let theirs = Arc::clone(&cancelled);
        let thread = thread::spawn(move || {
            let (cancelled, change) = &*theirs;
            let cancelled = cancelled.lock().expect("nobody panicked");
            drop(
                change
                    .wait_timeout_while(cancelled, after, |cancelled| !*cancelled)
                    .expect("nobody panicked"),
            );
        });
        Sleeper { thread, cancelled }
    }

    fn cancel(timer: Sleeper) {
        let (cancelled, change) = &*timer.cancelled;
        *cancelled.lock().expect("nobody panicked") = true;
        change.notify_one();
        Self::join(timer); // or the threads would pile up
    }

    fn join(timer: Sleeper) {
        timer.thread.join().expect("it does nothing");
    }
}

/// futures-timer, which has a thread for all too. A timer of it runs nothing: it wakes who polls it.
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

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn start_and_cancel<T: Timers>(pending: u32) -> impl Fn(Duration) -> f64 {
    // Not before the first round: participants that are not wanted should start nothing.
    let crowd = LazyLock::new(move || {
        let timers = T::new();
        let waiting: Vec<_> = (0..pending)
            .map(|nth| timers.start(LATE + Duration::from_millis(nth.into())))
            .collect();
        (timers, waiting)
    });
    move |slice| {
        let (timers, waiting) = &*crowd;
        let place = Cell::new(0);
        let nanoseconds = slice.measure(1, || {
            place.set((place.get() + 61_803) % MANY); // all over the crowd
            T::cancel(timers.start(LATE + Duration::from_millis(place.get().into())));
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
    // Nobody starts 100,000 threads.
    let crowded = clocks!(T => start_and_cancel::<T>(MANY));
    let alone = clocks!(T => start_and_cancel::<T>(0); Peer "a thread each" ThreadEach);
    let due = clocks!(T => start_and_run::<T>; Peer "a thread each" ThreadEach);
    vec![
        row("start + cancel", vec![at_most_ns(1000.0)], alone),
        row("start + cancel, 100,000 pending", vec![at_most_ns(1000.0)], crowded),
        row("start + run", vec![], due),
    ]
}
