//! Condition: C1 to C7.

use super::{Data, SOON};
use crate::law::{Law, Model};
use crate::refines::{Start, Subject, every, program, refinement};
use crate::stage::{Stage, panics};
use selvedge_loom::backend::Arc;
use selvedge_loom::{Condition, Instant, Lock, Mutex, RLock, TimedOut as Late};
use spec::Answer::{self, Blocked, Count, Done, Is, TimedOut};
use spec::condition::Call::{self, NotifyAll, NotifyOne, Wait, WaitTimeout};
use std::time::Duration;

/// A wait takes two locks in turn, so even two threads have too many interleavings to run them all.
pub fn laws() -> Vec<Law> {
    let pairs = every(&[at_rest()], &Call::ALL, 2)
        .into_iter()
        .map(|pair| pair.within(4, 6))
        .collect();
    vec![
        Law::new(
            "C1",
            "no notification falls between the release of the lock and the sleep",
            [
                Model::new("notified with the lock", [[Done, Count(1)]], |s| flag_awaited(s, true)).within(4, 6),
                Model::new("notified without the lock", [[Done, Count(1)]], |s| {
                    flag_awaited(s, false)
                })
                .within(4, 6),
                Model::new("waits return early", [[Done, Count(1)]], |s| flag_awaited(s, false))
                    .early()
                    .within(4, 6),
                Model::new("a mutex", [[Done, Count(1)]], mutex_awaited).within(4, 6),
                Model::new("an rlock", [[Done, Done]], rlock_awaited).within(4, 6),
                Model::new(
                    "what was done before is seen",
                    [[Is(true), Count(1)], [Is(false), Blocked]],
                    passed_on,
                )
                .within(4, 6),
                Model::new("two wait for one flag", [[Done, Count(1), Count(1)]], two_await_a_flag).within(2, 3),
            ],
        ),
        Law::new(
            "C2",
            "notify(n) ends n waits, or all there are: those that have waited longest, and no others",
            [
                Model::new(
                    "one of two",
                    [[Count(1), Blocked, Count(1)], [Blocked, Count(1), Count(1)]],
                    |s| in_free_order(s, 1),
                )
                .within(4, 6),
                Model::new(
                    "more than there are",
                    [[Count(1), Count(2), Count(2)], [Count(2), Count(1), Count(2)]],
                    |s| in_free_order(s, 3),
                )
                .within(4, 6),
                Model::new("one of three", [[Done, Blocked, Blocked, Count(1)]], |s| lined_up(s, 1)).within(2, 3),
                Model::new("two of three", [[Done, Done, Blocked, Count(2)]], |s| lined_up(s, 2)).within(2, 3),
                Model::new("all of three", [[Done, Done, Done, Count(3)]], |s| {
                    lined_up(s, usize::MAX)
                })
                .within(2, 3),
                program(&at_rest(), vec![vec![WaitTimeout], vec![Wait], vec![NotifyOne]])
                    .timed(&[1])
                    .within(3, 4),
                program(&at_rest(), vec![vec![Wait], vec![NotifyOne], vec![NotifyOne]]).within(2, 3),
            ],
        ),
        Law::new(
            "C3",
            "a wait that times out has consumed no notification",
            [
                program(&at_rest(), vec![vec![WaitTimeout], vec![NotifyOne]])
                    .timed(&[1])
                    .within(4, 6),
                program(&at_rest(), vec![vec![WaitTimeout], vec![NotifyOne]])
                    .early()
                    .within(4, 6),
                program(&at_rest(), vec![vec![WaitTimeout], vec![NotifyOne, NotifyOne]]).within(4, 6),
                Model::new("a deadline", [[Done, Is(true)], [TimedOut, Is(false)]], |s| {
                    timed(s, by_deadline)
                })
                .timed(&[1])
                .within(4, 6),
                Model::new("no time at all", [[Done, Is(true)], [TimedOut, Is(false)]], |s| {
                    timed(s, at_once)
                })
                .within(4, 6),
                program(&at_rest(), vec![vec![WaitTimeout], vec![WaitTimeout], vec![NotifyOne]]).within(2, 3),
            ],
        ),
        Law::new(
            "C4",
            "a wait that returns or unwinds holds the lock, as deep as before",
            [
                Model::new("one level", [[Count(1), Done]], |s| deep(s, 1)).within(4, 6),
                Model::new("two levels", [[Count(2), Done]], |s| deep(s, 2)).within(4, 6),
                Model::new("two levels, timed", [[Count(2), Done]], two_levels_timed)
                    .timed(&[1])
                    .within(4, 6),
                Model::new("nobody else is inside", IN_TURNS, inside_in_turns).within(4, 6),
                Model::new("a predicate that panics", [[Count(2), Done]], predicate_panics).within(4, 6),
            ],
        ),
        Law::new(
            "C5",
            "a notification is not for those who come later",
            [
                program(&at_rest(), vec![vec![NotifyOne, Wait]]).within(4, 6),
                program(&at_rest(), vec![vec![NotifyAll, WaitTimeout], vec![Wait]]).within(4, 6),
                Model::new("one came before, one comes later", [[Done, Blocked]], |s| {
                    one_comes_later(s, 1)
                })
                .within(4, 6),
                Model::new("more were called than came", [[Done, Blocked]], |s| {
                    one_comes_later(s, 3)
                })
                .within(4, 6),
            ],
        ),
        Law::new(
            "C6",
            "a wait for a predicate returns when it is true, under the lock",
            [
                Model::new(
                    "one item, two getters",
                    [[Done, Done, Blocked], [Done, Blocked, Done]],
                    |s| getters(s, 1),
                )
                .within(2, 3),
                Model::new("two items, two getters", [[Done, Done, Done]], |s| getters(s, 2)).within(2, 3),
                Model::new("a timeout", [[Done, Done], [Done, TimedOut]], |s| {
                    predicate_timed(s, get_soon)
                })
                .timed(&[2])
                .within(4, 6),
                Model::new("a deadline", [[Done, Done], [Done, TimedOut]], |s| {
                    predicate_timed(s, get_by_deadline)
                })
                .timed(&[2])
                .within(4, 6),
            ],
        ),
        Law::new(
            "C7",
            "when all waits have returned, nobody is in line",
            [
                Model::new(
                    "a timeout and a notification",
                    [[Done, Is(true), Count(0)], [TimedOut, Is(false), Count(0)]],
                    |s| left_behind(s, &[soon]),
                )
                .within(4, 6),
                Model::new("two timeouts", TWO_LEAVE, |s| left_behind(s, &[soon, soon])).within(2, 3),
                Model::new(
                    "the one in the middle leaves",
                    [[Done, TimedOut, Done, Count(2)]],
                    middle_leaves,
                )
                .within(1, 2),
                Model::new("another lock is taken next", [[Done, Done]], another_lock_next).within(4, 6),
                Model::new(
                    "another lock is refused before",
                    [[Blocked, Done, Is(false)]],
                    another_lock_refused,
                )
                .within(4, 6),
            ],
        ),
        refinement("C-spec", pairs, every(&[at_rest()], &Call::ALL, 3), vec![]),
    ]
}

const IN_TURNS: [[Answer; 2]; 1] = [[Count(2), Done]];

const TWO_LEAVE: [[Answer; 4]; 3] = [
    [Done, TimedOut, Is(true), Count(0)],
    [TimedOut, Done, Is(true), Count(0)],
    [TimedOut, TimedOut, Is(false), Count(0)],
];

/// A condition, the lock that its waiters hold, and what is done under the lock.
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

fn in_time(waited: Result<(), Late>) -> Answer {
    waited.map_or(TimedOut, |()| Done)
}

fn soon(monitor: &Monitor) -> Answer {
    in_time(monitor.condition.wait_timeout(&mut monitor.lock.acquire(), SOON))
}

/// Fails the model if it times out before its time.
fn by_deadline(monitor: &Monitor) -> Answer {
    let deadline = Instant::now() + SOON;
    let answer = in_time(monitor.condition.wait_deadline(&mut monitor.lock.acquire(), deadline));
    assert!(answer == Done || deadline.has_passed(), "it gave up too early");
    answer
}

fn at_once(monitor: &Monitor) -> Answer {
    in_time(
        monitor
            .condition
            .wait_timeout(&mut monitor.lock.acquire(), Duration::ZERO),
    )
}

fn notify_one(monitor: &Monitor) -> Answer {
    Is(monitor.condition.notify_one())
}

/// The data is a flag: raised once it is 1.
fn raise(monitor: &Monitor, holding: bool) -> Answer {
    let guard = monitor.lock.acquire();
    monitor.data.add();
    if holding {
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

fn flag_awaited(stage: &Stage, holding: bool) -> Vec<Answer> {
    let monitor = monitor();
    stage.thread(&monitor, move |monitor| raise(monitor, holding));
    stage.thread(&monitor, await_flag);
    stage.finish()
}

fn two_await_a_flag(stage: &Stage) -> Vec<Answer> {
    let monitor = monitor();
    stage.thread(&monitor, |monitor| raise(monitor, false));
    stage.thread(&monitor, await_flag);
    stage.thread(&monitor, await_flag);
    stage.finish()
}

fn mutex_awaited(stage: &Stage) -> Vec<Answer> {
    let shared = Arc::new((Mutex::new(0), Condition::new()));
    stage.thread(&shared, |(number, changed)| {
        *number.acquire() += 1;
        changed.notify_one();
        Done
    });
    stage.thread(&shared, |(number, changed)| {
        let mut number = number.acquire();
        changed.wait_while(&mut number, |number| **number == 0);
        Count(*number)
    });
    stage.finish()
}

/// As a monitor, but what waiters hold may be held more than once.
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

fn rlock_awaited(stage: &Stage) -> Vec<Answer> {
    let shared = reentrant();
    stage.thread(&shared, add_and_notify);
    stage.thread(&shared, |(lock, condition, data)| {
        condition.wait_while(&mut lock.acquire(), |_| data.read() == Count(0));
        Done
    });
    stage.finish()
}

/// The notifier never has the lock: what it did is passed on by the notification alone.
fn passed_on(stage: &Stage) -> Vec<Answer> {
    let monitor = monitor();
    stage.thread(&monitor, |monitor| {
        monitor.data.add();
        notify_one(monitor)
    });
    stage.thread(&monitor, |monitor| {
        monitor.condition.wait(&mut monitor.lock.acquire());
        monitor.data.read()
    });
    stage.finish()
}

/// Each waiter answers with its place in line, when it has been notified; main with how many it notified.
fn in_free_order(stage: &Stage, count: usize) -> Vec<Answer> {
    let monitor = monitor();
    for _ in 0..2 {
        stage.thread(&monitor, |monitor| {
            let mut guard = monitor.lock.acquire();
            let place = monitor.data.add();
            monitor.condition.wait(&mut guard);
            place
        });
    }
    stage.settle();
    let notified = monitor.condition.notify(count);
    let answers = stage.finish_seeing(|| Count(notified as u32));
    assert!(
        count > 1 || !answers[..2].contains(&Count(2)),
        "the second was notified before the first"
    );
    answers
}

/// Three come one after the other.
fn lined_up(stage: &Stage, count: usize) -> Vec<Answer> {
    let monitor = monitor();
    for _ in 0..3 {
        stage.thread(&monitor, plain);
        stage.settle();
    }
    let notified = monitor.condition.notify(count);
    stage.finish_seeing(|| Count(notified as u32))
}

fn timed(stage: &Stage, form: Form) -> Vec<Answer> {
    let monitor = monitor();
    stage.thread(&monitor, form);
    stage.thread(&monitor, notify_one);
    stage.finish()
}

/// The waiter answers with its depth after the wait; the notifier gets the lock meanwhile.
fn deep(stage: &Stage, depth: usize) -> Vec<Answer> {
    let shared = reentrant();
    stage.thread(&shared, move |(lock, condition, data)| {
        let mut guards: Vec<_> = (0..depth).map(|_| lock.acquire()).collect();
        condition.wait_while(&mut guards[0], |_| data.read() == Count(0));
        Count(lock.depth())
    });
    stage.thread(&shared, add_and_notify);
    stage.finish()
}

fn two_levels_timed(stage: &Stage) -> Vec<Answer> {
    let shared = reentrant();
    stage.thread(&shared, move |(lock, condition, data)| {
        let (mut outer, _inner) = (lock.acquire(), lock.acquire());
        let _ = condition.wait_timeout(&mut outer, SOON);
        data.add();
        Count(lock.depth())
    });
    stage.thread(&shared, add_and_notify);
    stage.finish()
}

/// Both touch the data before and after: in turns, or the model fails.
fn inside_in_turns(stage: &Stage) -> Vec<Answer> {
    let monitor = monitor();
    stage.thread(&monitor, |monitor| {
        let mut guard = monitor.lock.acquire();
        monitor
            .condition
            .wait_while(&mut guard, |_| monitor.data.read() == Count(0));
        monitor.data.add()
    });
    stage.thread(&monitor, |monitor| {
        let _guard = monitor.lock.acquire();
        monitor.data.add();
        monitor.condition.notify_one();
        monitor.data.read();
        Done
    });
    stage.finish()
}

/// It panics when it is asked the second time, after a notification.
fn predicate_panics(stage: &Stage) -> Vec<Answer> {
    let shared = reentrant();
    stage.thread(&shared, |(lock, condition, data)| {
        let (mut outer, _inner) = (lock.acquire(), lock.acquire());
        panics("the predicate", || {
            condition.wait_while(&mut outer, |_| {
                assert!(data.read() == Count(0), "the predicate");
                true
            });
        });
        Count(lock.depth())
    });
    stage.thread(&shared, add_and_notify);
    stage.finish()
}

fn one_comes_later(stage: &Stage, count: usize) -> Vec<Answer> {
    let monitor = monitor();
    stage.thread(&monitor, plain);
    stage.settle();
    assert_eq!(monitor.condition.notify(count), 1, "one waits");
    stage.thread(&monitor, plain);
    stage.finish()
}

/// One puts items, each announced; each getter takes one.
fn getters(stage: &Stage, items: u32) -> Vec<Answer> {
    let shared = Arc::new((Mutex::new(0), Condition::new()));
    stage.thread(&shared, move |(stock, not_empty)| {
        for _ in 0..items {
            *stock.acquire() += 1;
            not_empty.notify_one();
        }
        Done
    });
    for _ in 0..2 {
        stage.thread(&shared, |(stock, not_empty)| {
            let mut stock = stock.acquire();
            not_empty.wait_while(&mut stock, |stock| **stock == 0);
            assert!(*stock > 0, "it returned though there is nothing");
            *stock -= 1;
            Done
        });
    }
    stage.finish()
}

type Getter = fn(&Stock) -> Result<(), Late>;
type Stock = (Mutex<u32>, Condition);

fn get_soon((stock, not_empty): &Stock) -> Result<(), Late> {
    let mut stock = stock.acquire();
    let waited = not_empty.wait_while_timeout(&mut stock, SOON, |stock| **stock == 0);
    assert_eq!(waited.is_ok(), *stock > 0, "it does not say what is so");
    waited
}

fn get_by_deadline((stock, not_empty): &Stock) -> Result<(), Late> {
    let mut stock = stock.acquire();
    let waited = not_empty.wait_while_deadline(&mut stock, Instant::now() + SOON, |stock| **stock == 0);
    assert_eq!(waited.is_ok(), *stock > 0, "it does not say what is so");
    waited
}

fn predicate_timed(stage: &Stage, get: Getter) -> Vec<Answer> {
    let shared = Arc::new((Mutex::new(0), Condition::new()));
    stage.thread(&shared, |(stock, not_empty)| {
        *stock.acquire() += 1;
        not_empty.notify_one();
        Done
    });
    stage.thread(&shared, move |shared| in_time(get(shared)));
    stage.finish()
}

/// All waits are timed, so all return; then main counts who is in line.
fn left_behind(stage: &Stage, forms: &[Form]) -> Vec<Answer> {
    let monitor = monitor();
    for &form in forms {
        stage.thread(&monitor, form);
    }
    stage.thread(&monitor, notify_one);
    stage.finish_seeing(|| Count(monitor.condition.notify_all() as u32))
}

/// One waits; then one gives up while another may stand in line behind it.
fn middle_leaves(stage: &Stage) -> Vec<Answer> {
    let monitor = monitor();
    stage.thread(&monitor, plain);
    stage.settle();
    stage.thread(&monitor, soon);
    stage.thread(&monitor, plain);
    stage.settle();
    let notified = monitor.condition.notify_all();
    stage.finish_seeing(|| Count(notified as u32))
}

fn another_lock_next(stage: &Stage) -> Vec<Answer> {
    let (monitor, other) = (monitor(), Lock::new());
    stage.thread(&monitor, plain);
    stage.settle();
    monitor.condition.notify_one();
    stage.thread(&monitor, move |monitor| {
        assert_eq!(
            monitor.condition.wait_timeout(&mut other.acquire(), SOON),
            Err(Late),
            "nobody notifies"
        );
        Done
    });
    stage.finish()
}

fn another_lock_refused(stage: &Stage) -> Vec<Answer> {
    let shared = Arc::new((monitor(), Lock::new()));
    stage.thread(&shared, |(monitor, _)| plain(monitor));
    stage.settle();
    stage.thread(&shared, |(monitor, other)| {
        let mut guard = other.acquire();
        panics("all waiters of a condition must use the same lock", || {
            monitor.condition.wait(&mut guard)
        });
        assert!(other.is_locked(), "its lock was released");
        Done
    });
    stage.finish_seeing(|| Is(shared.1.is_locked()))
}

impl Subject for Monitor {
    type Spec = spec::condition::Condition;

    fn perform(&self, call: Call) -> Answer {
        match call {
            Call::Wait => plain(self),
            Call::WaitTimeout => soon(self),
            Call::NotifyOne => notify_one(self),
            Call::Notify(count) => Count(self.condition.notify(count as usize) as u32),
            Call::NotifyAll => Count(self.condition.notify_all() as u32),
        }
    }

    fn observe(&self) -> Answer {
        Done
    }
}

fn at_rest() -> Start<Monitor> {
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
