//! Condition: C1 to C7.

use super::{Data, TIMEOUT};
use crate::law::{Law, Model};
use crate::refines::{Start, Subject, every, program, refinement};
use crate::scenario::{Scenario, panics};
use selvedge_loom::backend::Arc;
use selvedge_loom::{Condition, Instant, Lock, Mutex, RLock, TimedOut as Late};
use spec::Answer::{self, Blocked, Count, Done, Is, TimedOut};
use spec::condition::Call::{self, NotifyAll, NotifyOne, Wait, WaitTimeout};
use std::time::Duration;

/// A wait acquires two locks one after the other, so the models are bounded: even two threads have too many interleavings.
pub fn laws() -> Vec<Law> {
    let pairs = every(&[idle()], &Call::ALL, 2)
        .into_iter()
        .map(|pair| pair.within(4, 6))
        .collect();
    vec![
        Law::new(
            "C1",
            "no lost wake-up: a wait releases the lock and enqueues the waiter atomically",
            [
                Model::new("notified under the lock", [[Done, Count(1)]], |s| flag_awaited(s, true)).within(4, 6),
                Model::new("notified without the lock", [[Done, Count(1)]], |s| {
                    flag_awaited(s, false)
                })
                .within(4, 6),
                Model::new("spurious wake-ups", [[Done, Count(1)]], |s| flag_awaited(s, false))
                    .spurious()
                    .within(4, 6),
                Model::new("with a Mutex", [[Done, Count(1)]], mutex_awaited).within(4, 6),
                Model::new("with an RLock", [[Done, Done]], rlock_awaited).within(4, 6),
                Model::new(
                    "the notification happens-before the return",
                    [[Is(true), Count(1)], [Is(false), Blocked]],
                    published,
                )
                .within(4, 6),
                Model::new("two waiters, one flag", [[Done, Count(1), Count(1)]], two_await_a_flag).within(2, 3),
            ],
        ),
        Law::new(
            "C2",
            "notify(n) wakes exactly min(n, waiters) waiters, in FIFO order",
            [
                Model::new(
                    "one of two",
                    [[Count(1), Blocked, Count(1)], [Blocked, Count(1), Count(1)]],
                    |s| in_any_order(s, 1),
                )
                .within(4, 6),
                Model::new(
                    "more than there are waiters",
                    [[Count(1), Count(2), Count(2)], [Count(2), Count(1), Count(2)]],
                    |s| in_any_order(s, 3),
                )
                .within(4, 6),
                Model::new("one of three", [[Done, Blocked, Blocked, Count(1)]], |s| {
                    in_fifo_order(s, 1)
                })
                .within(2, 3),
                Model::new("two of three", [[Done, Done, Blocked, Count(2)]], |s| {
                    in_fifo_order(s, 2)
                })
                .within(2, 3),
                Model::new("all of three", [[Done, Done, Done, Count(3)]], |s| {
                    in_fifo_order(s, usize::MAX)
                })
                .within(2, 3),
                program(&idle(), vec![vec![WaitTimeout], vec![Wait], vec![NotifyOne]])
                    .timed(&[1])
                    .within(3, 4),
                program(&idle(), vec![vec![Wait], vec![NotifyOne], vec![NotifyOne]]).within(2, 3),
            ],
        ),
        Law::new(
            "C3",
            "a timed-out wait consumes no notification",
            [
                program(&idle(), vec![vec![WaitTimeout], vec![NotifyOne]])
                    .timed(&[1])
                    .within(4, 6),
                program(&idle(), vec![vec![WaitTimeout], vec![NotifyOne]])
                    .spurious()
                    .within(4, 6),
                program(&idle(), vec![vec![WaitTimeout], vec![NotifyOne, NotifyOne]]).within(4, 6),
                Model::new("a deadline", [[Done, Is(true)], [TimedOut, Is(false)]], |s| {
                    timed(s, with_deadline)
                })
                .timed(&[1])
                .within(4, 6),
                Model::new("zero timeout", [[Done, Is(true)], [TimedOut, Is(false)]], |s| {
                    timed(s, zero_timeout)
                })
                .within(4, 6),
                program(&idle(), vec![vec![WaitTimeout], vec![WaitTimeout], vec![NotifyOne]]).within(2, 3),
            ],
        ),
        Law::new(
            "C4",
            "a wait that returns or unwinds holds the lock at the same depth as before",
            [
                Model::new("one level", [[Count(1), Done]], |s| nested(s, 1)).within(4, 6),
                Model::new("two levels", [[Count(2), Done]], |s| nested(s, 2)).within(4, 6),
                Model::new("two levels, timed", [[Count(2), Done]], two_levels_timed)
                    .timed(&[1])
                    .within(4, 6),
                Model::new(
                    "mutual exclusion after a wait",
                    [[Count(2), Done]],
                    exclusive_after_wait,
                )
                .within(4, 6),
                Model::new("a predicate panics", [[Count(2), Done]], predicate_panics).within(4, 6),
            ],
        ),
        Law::new(
            "C5",
            "a notification does not wake a thread that starts to wait after it",
            [
                program(&idle(), vec![vec![NotifyOne, Wait]]).within(4, 6),
                program(&idle(), vec![vec![NotifyAll, WaitTimeout], vec![Wait]]).within(4, 6),
                Model::new("one waiter before, one after", [[Done, Blocked]], |s| {
                    waiter_before_and_after(s, 1)
                })
                .within(4, 6),
                Model::new("notify(3), one waiter before, one after", [[Done, Blocked]], |s| {
                    waiter_before_and_after(s, 3)
                })
                .within(4, 6),
            ],
        ),
        Law::new(
            "C6",
            "wait_while returns only with its condition false under the lock, or after its deadline",
            [
                Model::new(
                    "one item, two getters",
                    [[Done, Done, Blocked], [Done, Blocked, Done]],
                    |s| getters(s, 1),
                )
                .within(2, 3),
                Model::new("two items, two getters", [[Done, Done, Done]], |s| getters(s, 2)).within(2, 3),
                Model::new("a timeout", [[Done, Done], [Done, TimedOut]], |s| {
                    predicate_timed(s, get_timeout)
                })
                .timed(&[2])
                .within(4, 6),
                Model::new("a deadline", [[Done, Done], [Done, TimedOut]], |s| {
                    predicate_timed(s, get_deadline)
                })
                .timed(&[2])
                .within(4, 6),
            ],
        ),
        Law::new(
            "C7",
            "the waiter queue is empty when all waits have returned",
            [
                Model::new(
                    "a timeout and a notification",
                    [[Done, Is(true), Count(0)], [TimedOut, Is(false), Count(0)]],
                    |s| remaining_waiters(s, &[with_timeout]),
                )
                .within(4, 6),
                Model::new("two timeouts", TWO_TIMEOUTS, |s| {
                    remaining_waiters(s, &[with_timeout, with_timeout])
                })
                .within(2, 3),
                Model::new(
                    "the middle waiter times out",
                    [[Done, TimedOut, Done, Count(2)]],
                    middle_times_out,
                )
                .within(1, 2),
                Model::new("another lock afterwards", [[Done, Done]], another_lock_afterwards).within(4, 6),
                Model::new(
                    "another lock meanwhile is rejected",
                    [[Blocked, Done, Is(false)]],
                    another_lock_rejected,
                )
                .within(4, 6),
            ],
        ),
        refinement("C-spec", pairs, every(&[idle()], &Call::ALL, 3), vec![]),
    ]
}

const TWO_TIMEOUTS: [[Answer; 4]; 3] = [
    [Done, TimedOut, Is(true), Count(0)],
    [TimedOut, Done, Is(true), Count(0)],
    [TimedOut, TimedOut, Is(false), Count(0)],
];

/// A condition, the lock that its waiters hold, and the data that the lock protects.
struct Monitor {
    lock: Lock,
    condition: Condition,
    data: Data,
}

fn monitor() -> Arc<Monitor> {
    Arc::new(Monitor {
        lock: Lock::new(),
        condition: Condition::new(),
        data: Data::new(),
    })
}

type Form = fn(&Monitor) -> Answer;

fn plain(monitor: &Monitor) -> Answer {
    monitor.condition.wait(&mut monitor.lock.acquire());
    Done
}

fn timed_answer(waited: Result<(), Late>) -> Answer {
    waited.map_or(TimedOut, |()| Done)
}

fn with_timeout(monitor: &Monitor) -> Answer {
    timed_answer(monitor.condition.wait_timeout(&mut monitor.lock.acquire(), TIMEOUT))
}

/// Fails the model if the wait times out before its deadline.
fn with_deadline(monitor: &Monitor) -> Answer {
    let deadline = Instant::now() + TIMEOUT;
    let answer = timed_answer(monitor.condition.wait_deadline(&mut monitor.lock.acquire(), deadline));
    assert!(answer == Done || deadline.has_passed(), "timed out before the deadline");
    answer
}

fn zero_timeout(monitor: &Monitor) -> Answer {
    timed_answer(
        monitor
            .condition
            .wait_timeout(&mut monitor.lock.acquire(), Duration::ZERO),
    )
}

fn notify_one(monitor: &Monitor) -> Answer {
    Is(monitor.condition.notify_one())
}

/// Sets the flag: the data becomes 1.
fn set_flag(monitor: &Monitor, under_lock: bool) -> Answer {
    let guard = monitor.lock.acquire();
    monitor.data.add();
    if under_lock {
        monitor.condition.notify_all();
        return Done;
    }
    drop(guard);
    monitor.condition.notify_all();
    Done
}

fn await_flag(monitor: &Monitor) -> Answer {
    let mut guard = monitor.lock.acquire();
    monitor
        .condition
        .wait_while(&mut guard, |_| monitor.data.read() == Count(0));
    monitor.data.read()
}

fn flag_awaited(scenario: &Scenario, under_lock: bool) -> Vec<Answer> {
    let monitor = monitor();
    scenario.thread(&monitor, move |monitor| set_flag(monitor, under_lock));
    scenario.thread(&monitor, await_flag);
    scenario.finish()
}

fn two_await_a_flag(scenario: &Scenario) -> Vec<Answer> {
    let monitor = monitor();
    scenario.thread(&monitor, |monitor| set_flag(monitor, false));
    scenario.thread(&monitor, await_flag);
    scenario.thread(&monitor, await_flag);
    scenario.finish()
}

fn mutex_awaited(scenario: &Scenario) -> Vec<Answer> {
    let shared = Arc::new((Mutex::new(0), Condition::new()));
    scenario.thread(&shared, |(number, changed)| {
        *number.acquire() += 1;
        changed.notify_one();
        Done
    });
    scenario.thread(&shared, |(number, changed)| {
        let mut number = number.acquire();
        changed.wait_while(&mut number, |number| **number == 0);
        Count(*number)
    });
    scenario.finish()
}

/// A monitor with a reentrant lock.
type Reentrant = (RLock, Condition, Data);

fn reentrant() -> Arc<Reentrant> {
    Arc::new((RLock::new(), Condition::new(), Data::new()))
}

fn add_and_notify((lock, condition, data): &Reentrant) -> Answer {
    let _guard = lock.acquire();
    data.add();
    condition.notify_one();
    Done
}

fn rlock_awaited(scenario: &Scenario) -> Vec<Answer> {
    let shared = reentrant();
    scenario.thread(&shared, add_and_notify);
    scenario.thread(&shared, |(lock, condition, data)| {
        condition.wait_while(&mut lock.acquire(), |_| data.read() == Count(0));
        Done
    });
    scenario.finish()
}

/// The notifier never holds the lock, so only the notification publishes its write.
fn published(scenario: &Scenario) -> Vec<Answer> {
    let monitor = monitor();
    scenario.thread(&monitor, |monitor| {
        monitor.data.add();
        notify_one(monitor)
    });
    scenario.thread(&monitor, |monitor| {
        monitor.condition.wait(&mut monitor.lock.acquire());
        monitor.data.read()
    });
    scenario.finish()
}

/// Each notified waiter reports its position in the queue; main observes how many waiters it has notified.
fn in_any_order(scenario: &Scenario, count: usize) -> Vec<Answer> {
    let monitor = monitor();
    for _ in 0..2 {
        scenario.thread(&monitor, |monitor| {
            let mut guard = monitor.lock.acquire();
            let position = monitor.data.add();
            monitor.condition.wait(&mut guard);
            position
        });
    }
    scenario.settle();
    let notified = monitor.condition.notify(count);
    let answers = scenario.finish_observing(|| Count(notified as u32));
    assert!(
        count > 1 || !answers[..2].contains(&Count(2)),
        "the second was notified before the first"
    );
    answers
}

/// Three threads are enqueued one after the other.
fn in_fifo_order(scenario: &Scenario, count: usize) -> Vec<Answer> {
    let monitor = monitor();
    for _ in 0..3 {
        scenario.thread(&monitor, plain);
        scenario.settle();
    }
    let notified = monitor.condition.notify(count);
    scenario.finish_observing(|| Count(notified as u32))
}

fn timed(scenario: &Scenario, form: Form) -> Vec<Answer> {
    let monitor = monitor();
    scenario.thread(&monitor, form);
    scenario.thread(&monitor, notify_one);
    scenario.finish()
}

/// The waiter reports its depth after the wait. The notifier acquires the lock during the wait.
fn nested(scenario: &Scenario, depth: usize) -> Vec<Answer> {
    let shared = reentrant();
    scenario.thread(&shared, move |(lock, condition, data)| {
        let mut guards: Vec<_> = (0..depth).map(|_| lock.acquire()).collect();
        condition.wait_while(&mut guards[0], |_| data.read() == Count(0));
        Count(lock.depth())
    });
    scenario.thread(&shared, add_and_notify);
    scenario.finish()
}

fn two_levels_timed(scenario: &Scenario) -> Vec<Answer> {
    let shared = reentrant();
    scenario.thread(&shared, move |(lock, condition, data)| {
        let (mut outer, _inner) = (lock.acquire(), lock.acquire());
        let _ = condition.wait_timeout(&mut outer, TIMEOUT);
        data.add();
        Count(lock.depth())
    });
    scenario.thread(&shared, add_and_notify);
    scenario.finish()
}

/// Both threads access the data, which fails the model unless the lock excludes one from the other.
fn exclusive_after_wait(scenario: &Scenario) -> Vec<Answer> {
    let monitor = monitor();
    scenario.thread(&monitor, |monitor| {
        let mut guard = monitor.lock.acquire();
        monitor
            .condition
            .wait_while(&mut guard, |_| monitor.data.read() == Count(0));
        monitor.data.add()
    });
    scenario.thread(&monitor, |monitor| {
        let _guard = monitor.lock.acquire();
        monitor.data.add();
        monitor.condition.notify_one();
        monitor.data.read();
        Done
    });
    scenario.finish()
}

/// The predicate panics in its second call, after a notification.
fn predicate_panics(scenario: &Scenario) -> Vec<Answer> {
    let shared = reentrant();
    scenario.thread(&shared, |(lock, condition, data)| {
        let (mut outer, _inner) = (lock.acquire(), lock.acquire());
        panics("the predicate", || {
            condition.wait_while(&mut outer, |_| {
                assert!(data.read() == Count(0), "the predicate");
                true
            });
        });
        Count(lock.depth())
    });
    scenario.thread(&shared, add_and_notify);
    scenario.finish()
}

fn waiter_before_and_after(scenario: &Scenario, count: usize) -> Vec<Answer> {
    let monitor = monitor();
    scenario.thread(&monitor, plain);
    scenario.settle();
    assert_eq!(monitor.condition.notify(count), 1, "one thread waits");
    scenario.thread(&monitor, plain);
    scenario.finish()
}

/// One thread puts items and notifies for each; each getter removes one item.
fn getters(scenario: &Scenario, count: u32) -> Vec<Answer> {
    let shared = Arc::new((Mutex::new(0), Condition::new()));
    scenario.thread(&shared, move |(items, not_empty)| {
        for _ in 0..count {
            *items.acquire() += 1;
            not_empty.notify_one();
        }
        Done
    });
    for _ in 0..2 {
        scenario.thread(&shared, |(items, not_empty)| {
            let mut items = items.acquire();
            not_empty.wait_while(&mut items, |items| **items == 0);
            assert!(*items > 0, "the wait returned while the condition held");
            *items -= 1;
            Done
        });
    }
    scenario.finish()
}

type Getter = fn(&Items) -> Result<(), Late>;
type Items = (Mutex<u32>, Condition);

fn get_timeout((items, not_empty): &Items) -> Result<(), Late> {
    let mut items = items.acquire();
    let waited = not_empty.wait_while_timeout(&mut items, TIMEOUT, |items| **items == 0);
    assert_eq!(waited.is_ok(), *items > 0, "the result contradicts the condition");
    waited
}

fn get_deadline((items, not_empty): &Items) -> Result<(), Late> {
    let mut items = items.acquire();
    let waited = not_empty.wait_while_deadline(&mut items, Instant::now() + TIMEOUT, |items| **items == 0);
    assert_eq!(waited.is_ok(), *items > 0, "the result contradicts the condition");
    waited
}

fn predicate_timed(scenario: &Scenario, get: Getter) -> Vec<Answer> {
    let shared = Arc::new((Mutex::new(0), Condition::new()));
    scenario.thread(&shared, |(items, not_empty)| {
        *items.acquire() += 1;
        not_empty.notify_one();
        Done
    });
    scenario.thread(&shared, move |shared| timed_answer(get(shared)));
    scenario.finish()
}

/// All waits are timed, so all return. Afterwards main counts the waiters in the queue.
fn remaining_waiters(scenario: &Scenario, forms: &[Form]) -> Vec<Answer> {
    let monitor = monitor();
    for &form in forms {
        scenario.thread(&monitor, form);
    }
    scenario.thread(&monitor, notify_one);
    scenario.finish_observing(|| Count(monitor.condition.notify_all() as u32))
}

/// Of three waiters, the second times out; the third may be enqueued behind it at that point.
fn middle_times_out(scenario: &Scenario) -> Vec<Answer> {
    let monitor = monitor();
    scenario.thread(&monitor, plain);
    scenario.settle();
    scenario.thread(&monitor, with_timeout);
    scenario.thread(&monitor, plain);
    scenario.settle();
    let notified = monitor.condition.notify_all();
    scenario.finish_observing(|| Count(notified as u32))
}

fn another_lock_afterwards(scenario: &Scenario) -> Vec<Answer> {
    let (monitor, other) = (monitor(), Lock::new());
    scenario.thread(&monitor, plain);
    scenario.settle();
    monitor.condition.notify_one();
    scenario.thread(&monitor, move |monitor| {
        assert_eq!(
            monitor.condition.wait_timeout(&mut other.acquire(), TIMEOUT),
            Err(Late),
            "no thread notifies"
        );
        Done
    });
    scenario.finish()
}

fn another_lock_rejected(scenario: &Scenario) -> Vec<Answer> {
    let shared = Arc::new((monitor(), Lock::new()));
    scenario.thread(&shared, |(monitor, _)| plain(monitor));
    scenario.settle();
    scenario.thread(&shared, |(monitor, other)| {
        let mut guard = other.acquire();
        panics("all waiters of a condition must use the same lock", || {
            monitor.condition.wait(&mut guard)
        });
        assert!(other.is_locked(), "the rejected wait released its lock");
        Done
    });
    scenario.finish_observing(|| Is(shared.1.is_locked()))
}

impl Subject for Monitor {
    type Spec = spec::condition::Condition;

    fn perform(&self, call: Call) -> Answer {
        match call {
            Call::Wait => plain(self),
            Call::WaitTimeout => with_timeout(self),
            Call::NotifyOne => notify_one(self),
            Call::Notify(count) => Count(self.condition.notify(count as usize) as u32),
            Call::NotifyAll => Count(self.condition.notify_all() as u32),
        }
    }

    fn observe(&self) -> Answer {
        Done
    }
}

fn idle() -> Start<Monitor> {
    let make = || Monitor {
        lock: Lock::new(),
        condition: Condition::new(),
        data: Data::new(),
    };
    Start {
        make,
        spec: spec::condition::Condition::default(),
        before: vec![],
    }
}
