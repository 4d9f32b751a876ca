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

/// A condition, and a lock of each kind, of which one is used.
pub struct Subject {
    condition: Condition,
    kind: Kind,
    lock: Lock,
    rlock: RLock,
    mutex: Mutex<()>,
    /// The number of threads in a wait. A thread changes it while it holds the lock, before and after its wait. A wait
    /// enqueues the thread before it releases the lock, so a thread that holds the lock reads the number of waiters.
    waiters: AtomicUsize,
}

/// The kind of lock, and how often a thread acquires it before a call.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
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
    type Start = Kind;
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

    fn starts() -> BoxedStrategy<Kind> {
        let rlock = (1u32..=2).prop_map(|depth| Kind::RLock { depth });
        prop_oneof![1 => Just(Kind::Lock), 2 => rlock, 1 => Just(Kind::Mutex)].boxed()
    }

    fn create(&kind: &Kind) -> (Subject, condition::Condition, String) {
        let subject = Subject {
            condition: Condition::new(),
            kind,
            lock: Lock::new(),
            rlock: RLock::new(),
            mutex: Mutex::new(()),
            waiters: AtomicUsize::new(0),
        };
        let lock = match kind {
            Kind::Lock => "Lock::new()",
            Kind::RLock { .. } => "RLock::new()",
            Kind::Mutex => "Mutex::new(())",
        };
        let code = format!("let (lock, condition) = ({lock}, Condition::new());");
        (subject, condition::Condition::default(), code)
    }

    fn perform(&self, call: Call, Context { options, .. }: Context<'_, Infallible>) -> Answer {
        if !needs_lock(call, options) {
            return self.notify(call);
        }
        let Subject { lock, rlock, mutex, .. } = self;
        match self.kind {
            Kind::Lock => self.locked(&mut lock.acquire(), call, options, || lock.is_locked()),
            Kind::Mutex => self.locked(&mut mutex.acquire(), call, options, || mutex.is_locked()),
            Kind::RLock { depth } => {
                let _levels: Vec<_> = (1..depth).map(|_| rlock.acquire()).collect();
                self.locked(&mut rlock.acquire(), call, options, || rlock.depth() == depth)
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

    fn surround(start: &Kind, call: Call, options: Options, code: String) -> String {
        if !needs_lock(call, options) {
            return code;
        }
        let is_deep = matches!(start, Kind::RLock { depth: 2 });
        let outer = if is_deep { "let _outer = lock.acquire(); " } else { "" };
        let guard = if waits(call) { "mut guard" } else { "_guard" };
        format!("{{ {outer}let {guard} = lock.acquire(); {code} }}")
    }

    fn has_enqueued(&self, waiters: usize) -> bool {
        let is_equal = || self.waiters.load(SeqCst) == waiters;
        // Until the check with the lock held, a counted thread may not be enqueued yet.
        is_equal()
            && match self.kind {
                Kind::Lock => self.lock.try_acquire().is_some_and(|_guard| is_equal()),
                Kind::Mutex => self.mutex.try_acquire().is_some_and(|_guard| is_equal()),
                Kind::RLock { .. } => self.rlock.try_acquire().is_ok_and(|_guard| is_equal()),
            }
    }

    fn ends_as(self, _: &condition::Condition) -> bool {
        self.has_enqueued(0) && self.condition.notify_all() == 0
    }
}
