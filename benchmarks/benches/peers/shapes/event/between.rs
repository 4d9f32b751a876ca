//! Flags between threads: round trips, the wake-up of a blocked thread, and a broadcast to four.

use super::flag::Flag;
use crate::load::{Meter, nanoseconds, settled};
use crossbeam_utils::CachePadded;
use crossbeam_utils::sync::{Parker, Unparker};
use std::array::from_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::AcqRel, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any participant spins before it blocks.
const ASLEEP: Duration = Duration::from_micros(2000);

/// A signal that one thread sends and one receives.
pub trait Baton: 'static {
    /// The sending end.
    type Sender: Send;
    /// The receiving end.
    type Receiver: Send;
    /// Two ends, without a signal.
    fn new() -> (Self::Sender, Self::Receiver);
    /// Sends a signal; the signal before it has been received.
    fn send(sender: &Self::Sender);
    /// Waits for a signal and consumes it.
    fn receive(receiver: &Self::Receiver);
}

/// A flag: set to send, waited for and cleared to receive.
pub struct Raised<F>(F);

impl<F: Flag> Baton for Raised<F> {
    type Sender = Arc<CachePadded<F>>;
    type Receiver = Arc<CachePadded<F>>;

    fn new() -> (Self::Sender, Self::Receiver) {
        let flag = Arc::new(CachePadded::new(F::new()));
        (Arc::clone(&flag), flag)
    }

    #[inline(always)]
    fn send(sender: &Self::Sender) {
        sender.set();
    }

    #[inline(always)]
    fn receive(receiver: &Self::Receiver) {
        receiver.wait();
        receiver.clear();
    }
}

/// crossbeam's Parker, whose wait consumes the signal.
pub struct Parked;

impl Baton for Parked {
    type Sender = Unparker;
    type Receiver = Parker;

    fn new() -> (Unparker, Parker) {
        let parker = Parker::new();
        (parker.unparker().clone(), parker)
    }

    #[inline(always)]
    fn send(sender: &Unparker) {
        sender.unpark();
    }

    #[inline(always)]
    fn receive(receiver: &Parker) {
        receiver.park();
    }
}

/// A round trip.
pub fn ping_pong<B: Baton, M: Meter>(meter: M) -> M::Figure {
    let ((ping, pinged), (pong, ponged)) = (B::new(), B::new());
    let stop = CachePadded::new(AtomicBool::new(false));
    thread::scope(|scope| {
        let stopped = &stop;
        scope.spawn(move || {
            while !stopped.load(Relaxed) {
                B::receive(&pinged);
                B::send(&pong);
            }
        });
        let trip = || {
            B::send(&ping);
            B::receive(&ponged);
        };
        trip(); // the other thread has started
        let each = meter.measure(1, trip);
        stop.store(true, Relaxed);
        B::send(&ping); // the other thread loads the flag once more, or waits for this
        each
    })
}

/// Nanoseconds from the call of `send` to the return of `receive` in a blocked thread.
pub fn wake<B: Baton>(slice: Duration) -> f64 {
    let (sender, receiver) = B::new();
    let stop = AtomicBool::new(false);
    let (report, reports) = sync_channel(1);
    thread::scope(|scope| {
        let stopped = &stop;
        scope.spawn(move || {
            loop {
                B::receive(&receiver);
                let woken = Instant::now();
                if stopped.load(Relaxed) || report.send(woken).is_err() {
                    return;
                }
            }
        });
        let began = Instant::now();
        let (mut total, mut count) = (Duration::ZERO, 0);
        while began.elapsed() < slice || count == 0 {
            let asleep = Instant::now() + ASLEEP;
            while Instant::now() < asleep {} // afterwards the receiver is blocked, and this core is awake
            let sent = Instant::now();
            B::send(&sender);
            total += reports.recv().expect("the receiver is running") - sent;
            count += 1;
        }
        stop.store(true, Relaxed);
        B::send(&sender);
        nanoseconds(total) / f64::from(count)
    })
}

/// Nanoseconds until a flag has released four threads, and the last of them has set another flag.
pub fn broadcast<F: Flag>(slice: Duration) -> f64 {
    const WAITERS: usize = 4;
    // Two flags alternate: no thread waits for the one that is cleared.
    let starts: [CachePadded<F>; 2] = from_fn(|_| CachePadded::new(F::new()));
    let done = CachePadded::new(F::new());
    let left = CachePadded::new(AtomicUsize::new(WAITERS));
    let stop = CachePadded::new(AtomicBool::new(false));
    let wait = || {
        for start in starts.iter().cycle() {
            start.wait();
            let stopped = stop.load(Relaxed); // before the decrement, after which the next broadcast may begin
            if left.fetch_sub(1, AcqRel) == 1 {
                done.set();
            }
            if stopped {
                return;
            }
        }
    };
    let send = |start: &F| {
        start.set();
        done.wait();
        done.clear();
        start.clear();
        left.store(WAITERS, Relaxed); // visible to the waiters once the next flag is set
    };
    thread::scope(|scope| {
        (0..WAITERS).for_each(|_| drop(scope.spawn(wait)));
        let mut flags = starts.iter().cycle();
        let mut broadcast = || send(flags.next().expect("a cycle has no end"));
        let each = settled(slice, 1, &mut broadcast);
        stop.store(true, Relaxed);
        broadcast();
        each
    })
}
