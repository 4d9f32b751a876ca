//! The traits of the public types, their `Debug` texts, the texts of the errors, and constructors that serve statics.

use crate::forms::{Acquire, Form, blocking};
use crate::waiters::{Arrivals, all_broken, all_notified, enqueue};
use crate::watchdog;
use selvedge::pool::AsCompleted;
use selvedge::sync::{AcquireError, Guard, TryAcquireError, WaitError};
use selvedge::thread::{Clock, ExitGuard, JoinError, JoinHandle, Local, Panicked, Registry, Scope, Thread};
use selvedge::{
    Barrier, BoundedSemaphore, Broken, Condition, Event, GetError, Job, LifoQueue, Lock, LockGuard, Mutex, MutexGuard,
    NotHeld, OverReleased, Permit, PriorityQueue, PutError, Queue, RLock, RLockGuard, Semaphore, ShutDown, SimpleQueue,
    ThreadPool, TimedOut, Timer, TooManyDone, Turn, pool, thread,
};
use static_assertions::{assert_eq_size, assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

macro_rules! implement {
    ($traits:tt: $($type:ty),* $(,)?) => { $(implement!(@ $type, $traits);)* };
    (@ $type:ty, ($($trait:path),*)) => { assert_impl_all!($type: $($trait),*); };
}

type Acting = Barrier<Box<dyn FnMut() + Send>>;

// `Cell` is neither `Sync` nor unwind-safe: what an object holds does not matter.
implement!((Send, Sync, Debug, UnwindSafe, RefUnwindSafe):
    Lock, Mutex<Cell<u8>>, RLock, Condition, Semaphore, BoundedSemaphore, Event, Barrier, Acting,
    Thread, JoinHandle<Cell<u8>>, thread::Builder, Registry, ExitGuard, Local<Cell<u8>>, Clock, Timer,
    ThreadPool, pool::Builder, Job<Cell<u8>>, AsCompleted<Cell<u8>, Job<Cell<u8>>>,
    Queue<Cell<u8>>, LifoQueue<Cell<u8>>, SimpleQueue<Cell<u8>>);
implement!((UnwindSafe, RefUnwindSafe): PriorityQueue<Cell<u8>>); // for `Debug` it needs an order
implement!((Send, Sync, Debug): Mutex<str>, Barrier<Cell<u8>>, LockGuard<'static>, Permit<'static>,
    MutexGuard<'static, u8>, Local<Rc<u8>>, Scope<'static, 'static>);
implement!((Default): Lock, Mutex<Cell<u8>>, RLock, Condition, Semaphore, BoundedSemaphore, Event, Local<Rc<u8>>);
implement!((Clone): Thread, JoinHandle<Cell<u8>>, thread::Builder, Registry, Clock, Timer);
implement!((Guard): LockGuard<'static>, RLockGuard<'static>, MutexGuard<'static, str>);
implement!((Eq, Hash): Thread, Turn);
implement!((Error, Send, Sync, Copy, Debug, Eq, Hash): TimedOut, NotHeld, OverReleased, Broken, TryAcquireError,
    AcquireError, WaitError, GetError, TooManyDone, ShutDown, ShutDown<u8>, PutError<u8>);
implement!((Error, Send, Sync): JoinError, Panicked);
implement!((Error, Debug): ShutDown<Opaque>, PutError<Opaque>);
assert_impl_all!(Turn: Send, Sync, Copy, Debug);
assert_impl_all!(MutexGuard<'static, u8>: Display);
assert_impl_all!(MutexGuard<'static, Cell<u8>>: Send);
assert_impl_all!(RLockGuard<'static>: Sync, Debug);
assert_impl_all!(Mutex<Cell<u8>>: From<Cell<u8>>);
assert_impl_all!(GetError: From<ShutDown>);
assert_impl_all!(PutError<u8>: From<ShutDown<u8>>);
assert_not_impl_any!(Mutex<Rc<u8>>: Send, Sync);
assert_not_impl_any!(MutexGuard<'static, Cell<u8>>: Sync);
assert_not_impl_any!(MutexGuard<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(MutexGuard<'static, *const u8>: Send, Sync);
assert_not_impl_any!(RLockGuard<'static>: Send);
assert_not_impl_any!(Permit<'static>: Guard);
assert_not_impl_any!(Barrier<Rc<u8>>: Send, Sync);
assert_not_impl_any!(JoinHandle<Rc<u8>>: Send, Sync);
assert_not_impl_any!(PutError<Opaque>: Clone, PartialEq);
assert_not_impl_any!(PutError<Rc<u8>>: Send, Sync);
assert_eq_size!(Lock, Semaphore, Event, u32);
assert_eq_size!(BoundedSemaphore, Mutex<u32>, u64);

/// An item that implements nothing.
struct Opaque;

/// Each constructor serves a static; `barrier.rs` has those with an action.
static _STATICS: (
    Lock,
    Mutex<u8>,
    [RLock; 2],
    Semaphore,
    BoundedSemaphore,
    Event,
    Condition,
    Barrier,
) = (
    Lock::new(),
    Mutex::new(0),
    [RLock::new(), RLock::with_max_depth(1)],
    Semaphore::new(1),
    BoundedSemaphore::new(1),
    Event::new(),
    Condition::new(),
    Barrier::new(2),
);

#[track_caller]
fn shows(value: impl Debug, expected: &str) {
    assert_eq!(format!("{value:?}"), expected);
}

#[test]
fn debug_shows_the_state_without_blocking() {
    let lock = Lock::new();
    shows(&lock, "Lock { locked: false }");
    let held = lock.acquire();
    shows((&lock, held), "(Lock { locked: true }, LockGuard { .. })");

    let mutex = Mutex::new("text");
    shows(&mutex, r#"Mutex { value: "text" }"#);
    let held = mutex.try_acquire().expect("it was shown and released");
    shows((&mutex, &held), r#"(Mutex { value: <locked> }, "text")"#);
    assert_eq!(held.to_string(), "text");

    let rlock = RLock::new();
    shows(&rlock, "RLock { locked: false, depth: 0 }");
    let guards = [(); 2].map(|()| rlock.acquire());
    shows(
        (&rlock, &guards[0]),
        "(RLock { locked: true, depth: 2 }, RLockGuard { .. })",
    );
    let elsewhere = watchdog::run(|watch| watch.spawn("other", |_| format!("{rlock:?}")).join());
    assert_eq!(elsewhere, "RLock { locked: true, depth: 0 }");

    let (semaphore, bounded) = (Semaphore::new(1), BoundedSemaphore::new(2));
    let permit = (semaphore.acquire(), bounded.acquire()).0;
    shows((&semaphore, permit), "(Semaphore { available: 0 }, Permit { .. })");
    shows(bounded, "BoundedSemaphore { available: 2, limit: 2 }");

    let event = Event::new();
    shows(&event, "Event { set: false }");
    event.set();
    shows(&event, "Event { set: true }");

    let clock = Clock::new(&Registry::new());
    let timer = clock.start(Duration::from_secs(3600), || ()).unwrap();
    shows(
        (&clock, &timer),
        "(Clock { pending: Some(1), .. }, Timer { finished: false })",
    );
    timer.cancel();
    shows(
        (&clock, &timer),
        "(Clock { pending: Some(0), .. }, Timer { finished: true })",
    );

    shows(
        Turn {
            index: 2,
            is_leader: true,
        },
        "Turn { index: 2, is_leader: true }",
    );
    shows(Local::new(|| 1), "Local { .. }");
}

#[test]
fn debug_shows_the_waiters_without_blocking() {
    let (arrivals, barrier) = (Arrivals::default(), Barrier::new(3));
    watchdog::run(|watch| {
        shows(&arrivals.condition, "Condition { awaited: false }");
        let waiters = arrivals.enqueue(watch, blocking(2));
        let held = arrivals.until(2);
        shows(&arrivals.condition, "Condition { awaited: true }");
        assert_eq!(arrivals.condition.notify_all(), 2);
        shows(&arrivals.condition, "Condition { awaited: false }");
        drop(held);
        all_notified(waiters);
        assert!(!arrivals.wait(Form::Timeout(Duration::ZERO)));
        shows(&arrivals.condition, "Condition { awaited: false }");

        let parties = enqueue(watch, &barrier, blocking(2));
        shows(&barrier, "Barrier { parties: 3, waiting: 2, broken: false }");
        barrier.abort();
        shows(&barrier, "Barrier { parties: 3, waiting: 0, broken: true }");
        all_broken(parties);
    });
}

#[test]
fn each_error_has_a_name_and_a_text() {
    #[track_caller]
    fn is(error: impl Error, name: &str, text: &str) {
        assert_eq!((format!("{error:?}"), error.to_string()), (name.into(), text.into()));
    }
    is(TimedOut, "TimedOut", "timed out");
    is(NotHeld, "NotHeld", "release of a lock that is not held");
    is(OverReleased, "OverReleased", "semaphore released too many times");
    is(Broken, "Broken", "broken barrier");
    is(TryAcquireError::Held, "Held", "another thread holds the lock");
    is(
        TryAcquireError::TooDeep,
        "TooDeep",
        "the lock is held too many times by its owner",
    );
    is(
        AcquireError::TooDeep,
        "TooDeep",
        "the lock is held too many times by its owner",
    );
    is(AcquireError::TimedOut, "TimedOut", "timed out");
    is(WaitError::TimedOut, "TimedOut", "timed out");
    is(WaitError::Broken, "Broken", "broken barrier");
    is(ShutDown(Opaque), "ShutDown", "the queue is shut down");
    is(TooManyDone, "TooManyDone", "task_done called too many times");
    is(GetError::Empty, "Empty", "the queue is empty");
    is(GetError::ShutDown, "ShutDown", "the queue is shut down");
    is(PutError::Full(Opaque), "Full", "the queue is full");
    is(PutError::ShutDown(Opaque), "ShutDown", "the queue is shut down");
}

#[test]
fn a_put_error_returns_the_item() {
    let item = || String::from("an item");
    let (full, shut_down) = (PutError::Full(item()), PutError::from(ShutDown(item())));
    assert_eq!((full.is_full(), full.is_shut_down()), (true, false));
    assert_eq!((shut_down.is_full(), shut_down.is_shut_down()), (false, true));
    assert_ne!(full, shut_down);
    assert_ne!(full, PutError::Full(String::new()));
    assert_eq!(shut_down.clone(), PutError::ShutDown(item()));
    let returned = [full.into_inner(), shut_down.into_inner(), ShutDown(item()).into_inner()];
    assert_eq!(returned, [(); 3].map(|()| item()));
    assert_eq!(GetError::from(ShutDown(())), GetError::ShutDown);
}

#[test]
fn a_caught_panic_leaves_a_pool_usable() {
    let pool = ThreadPool::new(1);
    let caught = catch_unwind(|| assert_eq!(pool.submit(|| 1).unwrap().result().unwrap(), 2));
    assert!(caught.is_err());
    assert_eq!(pool.submit(|| 3).unwrap().result().unwrap(), 3);
}

/// The type whose guard must be dropped by its owner, `RLock`, has a guard that is not `Send`.
#[test]
fn a_guard_is_released_by_the_thread_that_drops_it() {
    fn test<L: Acquire>(it: &L)
    where
        for<'a> L::Guard<'a>: Send,
    {
        watchdog::run(|watch| {
            let held = it.acquire_by(Form::Plain);
            watch.spawn("releaser", move |_| drop(held)).join();
            assert!(it.acquire_by(Form::Try).is_some());
        });
    }
    test(Box::leak(Box::new(Lock::new())));
    test(Box::leak(Box::new(Mutex::new(()))));
    test(Box::leak(Box::new(Semaphore::new(1))));
    test(Box::leak(Box::new(BoundedSemaphore::new(1))));
}
