//! `Condition`: who goes on is exact, whichever kind of lock the waiters let go of.

use crate::primitive::{Hand, Manner, Primitive};
use proptest::prelude::*;
use selvedge::sync::Guard;
use selvedge::{Condition, Instant, Lock, Mutex, RLock, TimedOut};
use spec::Answer::{self, Count, Done, Is};
use spec::condition::{self, Call};
use std::convert::Infallible;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

crate::fuzzers!(Meeting);

/// A condition, and the lock under which it is used.
pub struct Meeting {
    condition: Condition,
    lock: AnyLock,
    /// How many are in a wait: counted under the lock, before the wait and after it. A wait lets go of the lock only when
    /// its thread stands in line. So to whoever holds the lock this is how many do.
    in_line: AtomicUsize,
}

enum AnyLock {
    Lock(Lock),
    RLock { lock: RLock, depth: u32 },
    Mutex(Mutex<()>),
}

/// Which lock it is, and how deep it is held.
#[derive(Clone, Debug)]
pub enum Start {
    Lock,
    RLock { depth: u32 },
    Mutex,
}

impl Meeting {
    /// Makes the call under the lock, which is held afterwards as before.
    fn under<G: Guard>(&self, guard: &mut G, call: Call, manner: Manner, is_held: impl Fn() -> bool) -> Answer {
        let answer = match call {
            Call::Wait | Call::WaitTimeout => {
                self.in_line.fetch_add(1, SeqCst);
                let notified = self.wait(guard, call, manner);
                self.in_line.fetch_sub(1, SeqCst);
                notified.map_or(Answer::TimedOut, |()| Done)
            }
            _ => self.notify(call),
        };
        assert!(is_held(), "the lock is not held as it was");
        answer
    }

    fn wait<G: Guard>(&self, guard: &mut G, call: Call, manner: Manner) -> Result<(), TimedOut> {
        let patience = manner.patience.duration();
        match call {
            Call::WaitTimeout if manner.by_deadline => self.condition.wait_deadline(guard, Instant::now() + patience),
            Call::WaitTimeout => self.condition.wait_timeout(guard, patience),
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
            Call::Wait | Call::WaitTimeout => unreachable!("nobody waits without the lock"),
        }
    }
}

fn holds_the_lock(call: Call, manner: Manner) -> bool {
    waits(call) || manner.locked
}

fn waits(call: Call) -> bool {
    matches!(call, Call::Wait | Call::WaitTimeout)
}

impl Primitive for Meeting {
    type Start = Start;
    type Spec = condition::Condition;
    type Guard<'a> = Infallible;

    const THREADS: RangeInclusive<usize> = 2..=4;
    const GIVES_BACK: Call = Call::NotifyAll;
    // Notifications are seldom, or the line would always be short.
    const CALLS: &'static [(u32, Call)] = &[
        (9, Call::Wait),
        (7, Call::WaitTimeout),
        (3, Call::NotifyOne),
        (2, Call::Notify(2)),
        (1, Call::Notify(0)),
        (2, Call::NotifyAll),
    ];
    const LOOKS: &'static [Call] = &[];
    const ANSWERS: &'static [Answer] = &[
        Done,
        Answer::TimedOut,
        Is(false),
        Is(true),
        Count(0),
        Count(1),
        Count(2),
        Count(3),
    ];

    fn starts() -> BoxedStrategy<Start> {
        let rlock = (1u32..=2).prop_map(|depth| Start::RLock { depth });
        prop_oneof![1 => Just(Start::Lock), 2 => rlock, 1 => Just(Start::Mutex)].boxed()
    }

    fn spec(_: &Start) -> condition::Condition {
        condition::Condition::default()
    }

    fn object(start: &Start) -> Meeting {
        let lock = match *start {
            Start::Lock => AnyLock::Lock(Lock::new()),
            Start::RLock { depth } => AnyLock::RLock {
                lock: RLock::new(),
                depth,
            },
            Start::Mutex => AnyLock::Mutex(Mutex::new(())),
        };
        Meeting {
            condition: Condition::new(),
            lock,
            in_line: AtomicUsize::new(0),
        }
    }

    fn making(start: &Start) -> String {
        let lock = match start {
            Start::Lock => "Lock::new()",
            Start::RLock { .. } => "RLock::new()",
            Start::Mutex => "Mutex::new(())",
        };
        format!("let (lock, condition) = ({lock}, Condition::new());")
    }

    fn perform(&self, call: Call, Hand { manner, .. }: Hand<'_, Infallible>) -> Answer {
        if !holds_the_lock(call, manner) {
            return self.notify(call);
        }
        match &self.lock {
            AnyLock::Lock(lock) => self.under(&mut lock.acquire(), call, manner, || lock.is_locked()),
            AnyLock::Mutex(lock) => self.under(&mut lock.acquire(), call, manner, || lock.is_locked()),
            AnyLock::RLock { lock, depth } => {
                let _levels: Vec<_> = (1..*depth).map(|_| lock.acquire()).collect();
                self.under(&mut lock.acquire(), call, manner, || lock.depth() == *depth)
            }
        }
    }

    fn code(call: Call) -> String {
        match call {
            Call::Wait | Call::WaitTimeout => "condition.wait(&mut guard)".into(),
            Call::NotifyOne => "condition.notify_one()".into(),
            Call::Notify(count) => format!("condition.notify({count})"),
            Call::NotifyAll => "condition.notify_all()".into(),
        }
    }

    fn surrounded(start: &Start, call: Call, manner: Manner, code: String) -> String {
        if !holds_the_lock(call, manner) {
            return code;
        }
        let outer = if matches!(start, Start::RLock { depth: 2 }) {
            "let _outer = lock.acquire(); "
        } else {
            ""
        };
        let guard = if waits(call) { "mut guard" } else { "_guard" };
        format!("{{ {outer}let {guard} = lock.acquire(); {code} }}")
    }

    fn has_in_line(&self, waiters: usize) -> bool {
        let as_many = || self.in_line.load(SeqCst) == waiters;
        // Seen without the lock it may be too early; not seen, it is.
        as_many()
            && match &self.lock {
                AnyLock::Lock(lock) => lock.try_acquire().is_some_and(|_guard| as_many()),
                AnyLock::Mutex(lock) => lock.try_acquire().is_some_and(|_guard| as_many()),
                AnyLock::RLock { lock, .. } => lock.try_acquire().is_ok_and(|_guard| as_many()),
            }
    }

    fn ends_as(self, _: &condition::Condition) -> bool {
        self.has_in_line(0) && self.condition.notify_all() == 0
    }
}
