//! `Condition`: exactly the notified waiters return, whichever kind of lock they use.

use crate::primitive::{Context, Options, Primitive, method_call};
use proptest::prelude::*;
use selvedge::sync::Guard;
use selvedge::{Condition, Instant, Lock, Mutex, RLock, TimedOut};
use spec::Answer::{self, Count, Done, Is};
use spec::condition::{self, Call};
use std::convert::Infallible;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

crate::fuzzers!(Subject);

/// A condition and its lock.
pub struct Subject {
    condition: Condition,
    lock: AnyLock,
    /// The number of threads in a wait. A thread changes it while it holds the lock, before and after its wait. A wait
    /// enqueues the thread before it releases the lock, so a thread that holds the lock reads the number of waiters.
    waiters: AtomicUsize,
}

enum AnyLock {
    Lock(Lock),
    RLock { lock: RLock, depth: u32 },
    Mutex(Mutex<()>),
}

/// The kind of lock, and how often a thread acquires it before a call.
#[derive(Clone, Debug)]
pub enum Start {
    Lock,
    RLock { depth: u32 },
    Mutex,
}

impl Subject {
    /// Makes the call with the lock held, and checks that the lock is held afterwards.
    fn locked<G: Guard>(&self, guard: &mut G, call: Call, options: Options, is_held: impl Fn() -> bool) -> Answer {
        let answer = if waits(call) {
            self.waiters.fetch_add(1, SeqCst);
            let notified = self.wait(guard, call, options);
            self.waiters.fetch_sub(1, SeqCst);
            notified.map_or(Answer::TimedOut, |()| Done)
        } else {
            self.notify(call)
        };
        assert!(is_held(), "the lock is not held as before");
        answer
    }

    fn wait<G: Guard>(&self, guard: &mut G, call: Call, options: Options) -> Result<(), TimedOut> {
        let timeout = options.timeout;
        match call {
            Call::WaitTimeout if options.by_deadline => self.condition.wait_deadline(guard, Instant::now() + timeout),
            Call::WaitTimeout => self.condition.wait_timeout(guard, timeout),
            _ => {
                self.condition.wait(guard);
                Ok(())
            }
        }
    }

    fn notify(&self, call: Call) -> Answer {
        match call {
            Call::NotifyOne => Is(self.condition.notify_one()),
            Call::Notify(count) => Count(self.condition.notify(count as usize) as u32),
            Call::NotifyAll => Count(self.condition.notify_all() as u32),
            Call::Wait | Call::WaitTimeout => unreachable!("a wait needs the lock"),
        }
    }
}

/// A wait needs the lock. A notification is made with the lock or without it.
fn needs_lock(call: Call, options: Options) -> bool {
    waits(call) || options.variant
}

fn waits(call: Call) -> bool {
    matches!(call, Call::Wait | Call::WaitTimeout)
}

impl Primitive for Subject {
    type Start = Start;
    type Spec = condition::Condition;
    type Guard<'a> = Infallible;

    const NAME: &'static str = "condition";
    const THREADS: RangeInclusive<usize> = 2..=4;
    const RELEASE: Call = Call::NotifyAll;
    // With more notifications, there would never be several waiters.
    const CALLS: &'static [(u32, Call)] = &[
        (9, Call::Wait),
        (7, Call::WaitTimeout),
        (3, Call::NotifyOne),
        (2, Call::Notify(2)),
        (1, Call::Notify(0)),
        (2, Call::NotifyAll),
    ];
    const OBSERVERS: &'static [Call] = &[];
    #[rustfmt::skip]
    const ANSWERS: &'static [Answer] = &[
        Done, Answer::TimedOut, Is(false), Is(true), Count(0), Count(1), Count(2), Count(3),
    ];

    fn starts() -> BoxedStrategy<Start> {
        let rlock = (1u32..=2).prop_map(|depth| Start::RLock { depth });
        prop_oneof![1 => Just(Start::Lock), 2 => rlock, 1 => Just(Start::Mutex)].boxed()
    }

    fn create(start: &Start) -> (Subject, condition::Condition, String) {
        let (lock, code) = match *start {
            Start::Lock => (AnyLock::Lock(Lock::new()), "Lock::new()"),
            Start::RLock { depth } => {
                let lock = RLock::new();
                (AnyLock::RLock { lock, depth }, "RLock::new()")
            }
            Start::Mutex => (AnyLock::Mutex(Mutex::new(())), "Mutex::new(())"),
        };
        let subject = Subject {
            condition: Condition::new(),
            lock,
            waiters: AtomicUsize::new(0),
        };
        let line = format!("let (lock, condition) = ({code}, Condition::new());");
        (subject, condition::Condition::default(), line)
    }

    fn perform(&self, call: Call, Context { options, .. }: Context<'_, Infallible>) -> Answer {
        if !needs_lock(call, options) {
            return self.notify(call);
        }
        match &self.lock {
            AnyLock::Lock(lock) => self.locked(&mut lock.acquire(), call, options, || lock.is_locked()),
            AnyLock::Mutex(lock) => self.locked(&mut lock.acquire(), call, options, || lock.is_locked()),
            AnyLock::RLock { lock, depth } => {
                let _levels: Vec<_> = (1..*depth).map(|_| lock.acquire()).collect();
                self.locked(&mut lock.acquire(), call, options, || lock.depth() == *depth)
            }
        }
    }

    fn code(call: Call, _: Options) -> String {
        let code = method_call("condition", call);
        if waits(call) {
            code.replace("()", "(&mut guard)")
        } else {
            code
        }
    }

    fn surround(start: &Start, call: Call, options: Options, code: String) -> String {
        if !needs_lock(call, options) {
            return code;
        }
        let is_deep = matches!(start, Start::RLock { depth: 2 });
        let outer = if is_deep { "let _outer = lock.acquire(); " } else { "" };
        let guard = if waits(call) { "mut guard" } else { "_guard" };
        format!("{{ {outer}let {guard} = lock.acquire(); {code} }}")
    }

    fn has_enqueued(&self, waiters: usize) -> bool {
        let is_equal = || self.waiters.load(SeqCst) == waiters;
        // Until the check with the lock held, a counted thread may not be enqueued yet.
        is_equal()
            && match &self.lock {
                AnyLock::Lock(lock) => lock.try_acquire().is_some_and(|_guard| is_equal()),
                AnyLock::Mutex(lock) => lock.try_acquire().is_some_and(|_guard| is_equal()),
                AnyLock::RLock { lock, .. } => lock.try_acquire().is_ok_and(|_guard| is_equal()),
            }
    }

    fn ends_as(self, _: &condition::Condition) -> bool {
        self.has_enqueued(0) && self.condition.notify_all() == 0
    }
}
