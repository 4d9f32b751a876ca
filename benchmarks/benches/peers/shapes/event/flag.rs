//! Flags, ours and theirs.

use event_listener::{Event, Listener, listener};
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release, Ordering::SeqCst};

/// Set by one thread, waited for by others, until it is cleared.
pub trait Flag: Send + Sync + 'static {
    /// A flag that is not set.
    fn new() -> Self;
    /// Sets it and releases all who wait.
    fn set(&self);
    /// Unsets it.
    fn clear(&self);
    /// Waits until it is set.
    fn wait(&self);
}

macro_rules! ours {
    ($($kit:ident)+) => {$(
        impl Flag for $kit::Event {
            #[inline(always)]
            fn new() -> Self {
                $kit::Event::new()
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

/// What most programs do: a bool under a mutex, and a condition.
pub struct ByCondvar<M, C> {
    set: M,
    changed: C,
}

/// With std's.
pub type StdByCondvar = ByCondvar<std::sync::Mutex<bool>, std::sync::Condvar>;

/// With parking_lot's.
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
        *self.set.lock().expect("nobody panicked") = true;
        self.changed.notify_all();
    }

    #[inline(always)]
    fn clear(&self) {
        *self.set.lock().expect("nobody panicked") = false;
    }

    #[inline(always)]
    fn wait(&self) {
        let set = self.set.lock().expect("nobody panicked");
        drop(self.changed.wait_while(set, |set| !*set).expect("nobody panicked"));
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

/// event-listener as its documentation makes a flag of it.
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

/// The least that a flag can cost when it is set. It never sleeps.
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
