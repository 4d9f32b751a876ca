//! Flags between threads: to and fro, to one that sleeps, and to four at once.

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

/// Longer than anybody spins before sleeping.
const ASLEEP: Duration = Duration::from_micros(2000);

/// A signal that one thread sends and one receives.
pub trait Baton: 'static {
    /// Who sends.
    type Sender: Send;
    /// Who receives.
    type Receiver: Send;
    /// Nothing is sent.
    fn new() -> (Self::Sender, Self::Receiver);
    /// Sends; what was sent has been received.
    fn send(sender: &Self::Sender);
    /// Waits for what was sent, and takes it.
    fn receive(receiver: &Self::Receiver);
}

/// A flag: set it; wait for it and clear it.
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

/// crossbeam's Parker, which is cleared by waiting.
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

/// There and back.
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
        trip(); // the other has started
        let each = meter.measure(1, trip);
        stop.store(true, Relaxed);
        B::send(&ping); // it looks once more, or waits for this
        each
    })
}

/// Nanoseconds from the call that sends to the return of a receiver who sleeps meanwhile.
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
            while Instant::now() < asleep {} // it sleeps by now, and this core is awake
            let sent = Instant::now();
            B::send(&sender);
            total += reports.recv().expect("the receiver lives") - sent;
            count += 1;
        }
        stop.store(true, Relaxed);
        B::send(&sender);
        nanoseconds(total) / f64::from(count)
    })
}

/// Nanoseconds until a flag has released four threads and the last of them has told so, by another flag.
pub fn broadcast<F: Flag>(slice: Duration) -> f64 {
    const WAITERS: usize = 4;
    // Two, used in turn: nobody waits for the one that is cleared.
    let starts: [CachePadded<F>; 2] = from_fn(|_| CachePadded::new(F::new()));
    let done = CachePadded::new(F::new());
    let left = CachePadded::new(AtomicUsize::new(WAITERS));
    let stop = CachePadded::new(AtomicBool::new(false));
    let wait = || {
        for start in starts.iter().cycle() {
            start.wait();
            let stopped = stop.load(Relaxed); // before we are counted: after it, the next turn may begin
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
        left.store(WAITERS, Relaxed); // they see it once the next flag is set
    };
    thread::scope(|scope| {
        (0..WAITERS).for_each(|_| drop(scope.spawn(wait)));
        let mut turns = starts.iter().cycle();
        let mut turn = || send(turns.next().expect("a cycle has no end"));
        let each = settled(slice, 1, &mut turn);
        stop.store(true, Relaxed);
        turn();
        each
    })
}
