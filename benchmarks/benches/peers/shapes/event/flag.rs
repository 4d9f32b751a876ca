//! Flags: selvedge's and the peers'.

use event_listener::{Event, Listener, listener};
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release, Ordering::SeqCst};

/// A flag that threads set, clear and wait for.
pub trait Flag: Send + Sync + 'static {
    /// A flag that is not set.
    fn new() -> Self;
    /// Sets the flag and releases all waiters.
    fn set(&self);
    /// Clears the flag.
    fn clear(&self);
    /// Waits until the flag is set.
    fn wait(&self);
}

macro_rules! ours {
    ($($build:ident)+) => {$(
        impl Flag for $build::Event {
            #[inline(always)]
            fn new() -> Self {
                $build::Event::new()
            }

            #[inline(always)]
            fn set(&self) {
                self.set();
            }

            #[inline(always)]
            fn clear(&self) {
                self.clear();
            }

            #[inline(always)]
            fn wait(&self) {
                self.wait();
            }
        }
    )+};
}
ours!(selvedge selvedge_parking_lot selvedge_without_yields);

/// The usual way: a bool under a mutex, and a condition.
pub struct ByCondvar<M, C> {
    set: M,
    changed: C,
}

/// A flag of std's mutex and condition.
pub type StdByCondvar = ByCondvar<std::sync::Mutex<bool>, std::sync::Condvar>;

/// A flag of parking_lot's mutex and condition.
pub type ParkingLotByCondvar = ByCondvar<parking_lot::Mutex<bool>, parking_lot::Condvar>;

impl Flag for StdByCondvar {
    #[inline(always)]
    fn new() -> Self {
        ByCondvar {
            set: false.into(),
            changed: std::sync::Condvar::new(),
        }
    }

    #[inline(always)]
    fn set(&self) {
        *self.set.lock().expect("no thread panicked") = true;
        self.changed.notify_all();
    }

    #[inline(always)]
    fn clear(&self) {
        *self.set.lock().expect("no thread panicked") = false;
    }

    #[inline(always)]
    fn wait(&self) {
        let set = self.set.lock().expect("no thread panicked");
        drop(self.changed.wait_while(set, |set| !*set).expect("no thread panicked"));
    }
}

impl Flag for ParkingLotByCondvar {
    #[inline(always)]
    fn new() -> Self {
        ByCondvar {
            set: parking_lot::Mutex::new(false),
            changed: parking_lot::Condvar::new(),
        }
    }

    #[inline(always)]
    fn set(&self) {
        *self.set.lock() = true;
        self.changed.notify_all();
    }

    #[inline(always)]
    fn clear(&self) {
        *self.set.lock() = false;
    }

    #[inline(always)]
    fn wait(&self) {
        self.changed.wait_while(&mut self.set.lock(), |set| !*set);
    }
}

/// A flag made of event-listener, as in its documentation.
pub struct Listened {
    set: AtomicBool,
    changed: Event,
}

impl Flag for Listened {
    #[inline(always)]
    fn new() -> Self {
        Listened {
            set: AtomicBool::new(false),
            changed: Event::new(),
        }
    }

    #[inline(always)]
    fn set(&self) {
        self.set.store(true, SeqCst);
        self.changed.notify(usize::MAX);
    }

    #[inline(always)]
    fn clear(&self) {
        self.set.store(false, SeqCst);
    }

    #[inline(always)]
    fn wait(&self) {
        while !self.set.load(SeqCst) {
            listener!(self.changed => change);
            if !self.set.load(SeqCst) {
                change.wait();
            }
        }
    }
}

/// A lower bound for the cost of a wait on a set flag. Its wait never blocks.
pub struct Load(AtomicBool);

impl Flag for Load {
    #[inline(always)]
    fn new() -> Self {
        Load(AtomicBool::new(false))
    }

    #[inline(always)]
    fn set(&self) {
        self.0.store(true, Release);
    }

    #[inline(always)]
    fn clear(&self) {
        self.0.store(false, Release);
    }

    #[inline(always)]
    fn wait(&self) {
        while !self.0.load(Acquire) {
            spin_loop();
        }
    }
}

impl Flag for saa::Gate {
    #[inline(always)]
    fn new() -> Self {
        saa::Gate::new()
    }

    #[inline(always)]
    fn set(&self) {
        self.open();
    }

    #[inline(always)]
    fn clear(&self) {
        self.reset();
    }

    #[inline(always)]
    fn wait(&self) {
        self.enter_sync().expect("the gate is open");
    }
}
