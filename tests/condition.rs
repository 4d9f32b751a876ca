//! `Condition`: laws C1 to C7.

use crate::forms::{self, Acquire, Await, Form, IN_VAIN, PATIENT, patient, wait_by, wait_while_by};
use crate::support::{SHORT, panic_of};
use crate::waiters::{Arrivals, all_notified, two_are_notified};
use crate::watchdog;
use selvedge::sync::Guard;
use selvedge::{Condition, Lock, Mutex, MutexGuard, RLock};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::thread::yield_now;

/// A condition, and the lock that its waiters release.
#[derive(Default)]
struct Bell<L> {
    lock: L,
    condition: Condition,
}

impl<L: Acquire + 'static> Await for Bell<L>
where
    for<'a> L::Guard<'a>: Guard,
{
    fn wait_by(&self, form: Form) -> bool {
        let mut guard = self.lock.acquire_by(Form::Plain).unwrap();
        wait_by(&self.condition, &mut guard, form)
    }

    fn end_a_wait(&self) {
        while !self.condition.notify_one() {
            yield_now();
        }
    }
}

/// A wait with a predicate, in each form.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    condition: Condition,
}

impl Await for Gate {
    fn wait_by(&self, form: Form) -> bool {
        let mut open = self.open.acquire();
        let success = wait_while_by(&self.condition, &mut open, form, |open| !**open);
        assert_eq!(success, *open);
        success
    }

    fn end_a_wait(&self) {
        self.condition.notify_all(); // the predicate still holds
        *self.open.acquire() = true;
        self.condition.notify_all();
    }

    fn mend(&self) {
        *self.open.acquire() = false;
    }
}

forms::waits!(with_a_lock_in_all_forms: Bell::<Lock>::default());
forms::waits!(with_an_rlock_in_all_forms: Bell::<RLock>::default());
forms::waits!(with_a_mutex_in_all_forms: Bell::<Mutex<()>>::default());
forms::waits!(with_a_predicate_in_all_forms: Gate::default());

/// Laws C2, C5 and C7: the waiters that have waited longest, at most as many as there are, and no later one.
#[test]
fn a_notification_wakes_the_longest_waiters_and_no_later_one() {
    watchdog::run(|watch| {
        for (waiting, count) in [
            (0, 1),
            (0, usize::MAX),
            (5, 0),
            (5, 1),
            (5, 3),
            (5, 5),
            (5, 6),
            (64, 10),
        ] {
            let arrivals: &'static Arrivals = Box::leak(Box::default());
            let mut waiters = arrivals.enqueue(watch, patient(waiting));
            let notified = count.min(waiting);
            assert_eq!(arrivals.condition.notify(count), notified);
            all_notified(waiters.drain(..notified));
            assert_eq!(arrivals.returned.load(Relaxed), notified, "another waiter has returned");
            if notified == waiting {
                assert!(
                    !IN_VAIN.into_iter().any(|form| arrivals.wait(form)),
                    "a later waiter was notified"
                );
            }
            assert_eq!(arrivals.condition.notify_all(), waiting - notified, "law C7");
            all_notified(waiters);
            assert!(!arrivals.condition.notify_one());
        }
    });
}

#[test]
fn a_notified_waiter_returns_only_when_the_notifier_has_released_the_lock() {
    let arrivals = Arrivals::default();
    watchdog::run(|watch| {
        for round in 1..=20 {
            let waiters = arrivals.enqueue(watch, patient(3));
            let held = arrivals.until(3 * round);
            assert!(arrivals.condition.notify_one());
            assert_eq!(arrivals.condition.notify_all(), 2);
            waiters.iter().for_each(|waiter| waiter.until_asleep());
            assert_eq!(arrivals.returned.load(Relaxed), 3 * (round - 1));
            drop(held);
            all_notified(waiters);
        }
    });
}

/// Law C3, at each position in the queue.
#[test]
fn a_waiter_that_timed_out_is_no_longer_enqueued() {
    let arrivals = Arrivals::default();
    watchdog::run(|watch| {
        for position in 0..3 {
            for timed in [Form::Timeout(2 * SHORT), Form::Deadline(2 * SHORT)] {
                let forms = (0..3).map(|n| if n == position { timed } else { Form::Plain });
                let mut waiters = arrivals.enqueue(watch, forms);
                assert!(!waiters.remove(position).join());
                assert!(arrivals.condition.notify_one());
                all_notified(waiters.drain(..1));
                assert_eq!(arrivals.condition.notify_all(), 1);
                all_notified(waiters);
            }
        }
    });
}

/// Law C4.
#[test]
fn the_lock_is_held_when_a_wait_returns() {
    fn with<L: Acquire + Default + 'static>()
    where
        for<'a> L::Guard<'a>: Guard,
    {
        let bell = &Bell::<L>::default();
        watchdog::run(|watch| {
            for form in PATIENT.into_iter().chain(IN_VAIN) {
                let ((returned, has_returned), (stop, stopped)) = (channel(), channel::<()>());
                let waiter = watch.spawn("waiter", move |role| {
                    let mut guard = bell.lock.acquire_by(Form::Plain).unwrap();
                    role.waits("a wait", || wait_by(&bell.condition, &mut guard, form));
                    returned.send(()).unwrap();
                    let _ = stopped.recv();
                });
                if form.patience() > SHORT {
                    bell.end_a_wait();
                }
                watch.waits("the waiter's return", || has_returned.recv()).unwrap();
                assert!(
                    bell.lock.acquire_by(Form::Try).is_none(),
                    "{form:?} does not hold the lock"
                );
                drop(stop);
                waiter.join();
                assert!(bell.lock.acquire_by(Form::Try).is_some(), "{form:?} holds it twice");
            }
        });
    }
    with::<Lock>();
    with::<RLock>();
    with::<Mutex<()>>();
}

#[test]
fn a_wait_releases_all_levels_of_an_rlock_and_restores_the_depth() {
    let (lock, condition, arrived) = (RLock::new(), Condition::new(), AtomicUsize::new(0));
    watchdog::run(|watch| {
        let (lock, condition, arrived) = (&lock, &condition, &arrived);
        for (round, form) in (1..).zip(PATIENT.into_iter().chain(IN_VAIN)) {
            let waiter = watch.spawn("waiter", move |role| {
                let mut guards = [lock.acquire(), lock.acquire(), lock.acquire()];
                arrived.store(round, Relaxed);
                role.waits("a wait", || wait_by(condition, &mut guards[round % 3], form));
                for (depth, guard) in [3, 2, 1].into_iter().zip(guards) {
                    assert_eq!(lock.depth(), depth);
                    drop(guard);
                }
                assert_eq!(lock.depth(), 0);
            });
            watch.until("the waiter's arrival", || arrived.load(Relaxed) == round);
            let held = lock.acquire(); // the waiter waits, or has timed out
            assert_eq!(lock.depth(), 1);
            condition.notify_all();
            drop(held);
            waiter.join();
            assert!(!lock.is_locked());
        }
    });
}

/// Every form panics before it releases the lock, whatever its deadline.
fn is_refused<G: Guard>(condition: &Condition, guard: &mut G) {
    const TWO_LOCKS: &str = "threads wait for one condition with two locks";
    for form in PATIENT.into_iter().chain(IN_VAIN) {
        assert_eq!(panic_of(|| wait_by(condition, guard, form)), TWO_LOCKS, "{form:?}");
        let predicate = panic_of(|| wait_while_by(condition, guard, form, |_| true));
        assert_eq!(predicate, TWO_LOCKS, "{form:?}");
        assert!(wait_while_by(condition, guard, form, |_| false), "it does not wait");
    }
}

#[test]
fn a_second_lock_is_refused_while_threads_wait_with_another() {
    let (arrivals, lock, mutex, rlock) = (Arrivals::default(), Lock::new(), Mutex::new(1), RLock::new());
    let condition = &arrivals.condition;
    watchdog::run(|watch| {
        let waiters = arrivals.enqueue(watch, patient(2));
        let (mut guard, mut value, mut levels) = (lock.acquire(), mutex.acquire(), [rlock.acquire(), rlock.acquire()]);
        is_refused(condition, &mut guard);
        is_refused(condition, &mut value);
        is_refused(condition, &mut levels[0]);
        assert!(lock.is_locked() && mutex.is_locked() && rlock.depth() == 2);
        assert_eq!(condition.notify_all(), 2);
        all_notified(waiters);
        // No thread waits: each lock is accepted.
        assert!(!wait_by(condition, &mut guard, Form::Timeout(SHORT)));
        assert!(!wait_by(condition, &mut value, Form::Timeout(SHORT)));
        assert!(!wait_by(condition, &mut levels[1], Form::Timeout(SHORT)));
        two_are_notified(watch, &arrivals);
        drop((guard, value, levels));
        assert!(!lock.is_locked() && !mutex.is_locked() && !rlock.is_locked());
    });
}

#[test]
fn a_predicate_is_checked_once_before_the_wait_and_once_after_each_notification() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    watchdog::run(|watch| {
        for (form, checks) in PATIENT
            .into_iter()
            .chain(IN_VAIN)
            .map(|form| (form, 1))
            .chain(PATIENT.map(|form| (form, 5)))
        {
            *mutex.acquire() = 0;
            let (mutex, condition) = (&mutex, &condition);
            let holds = move |count: &mut MutexGuard<'_, _>| {
                **count += 1;
                **count < checks
            };
            let wait = move || wait_while_by(condition, &mut mutex.acquire(), form, holds);
            let waiter = watch.spawn("waiter", move |role| role.waits("a wait", wait));
            for count in 1..checks {
                watch.until("the check", || *mutex.acquire() >= count);
                assert_eq!(*mutex.acquire(), count, "checked without a notification");
                assert!(condition.notify_one());
            }
            assert!(waiter.join());
            assert_eq!(*mutex.acquire(), checks, "{form:?}");
        }
    });
}

/// Law C6: a change without a notification is seen, though the wait has timed out.
#[test]
fn a_predicate_is_checked_once_more_at_the_deadline() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    for (form, still_holds) in IN_VAIN.into_iter().flat_map(|form| [(form, true), (form, false)]) {
        let mut count = mutex.acquire();
        *count = 0;
        let holds = |count: &mut MutexGuard<'_, _>| {
            **count += 1;
            **count == 1 || still_holds
        };
        let success = wait_while_by(&condition, &mut count, form, holds);
        assert_eq!((success, *count), (!still_holds, 2), "{form:?}");
    }
}

#[test]
fn a_panic_of_the_predicate_leaves_the_lock_held_and_the_condition_usable() {
    let (arrivals, mutex) = (Arrivals::default(), Mutex::new(0));
    watchdog::run(|watch| {
        for (form, fatal) in PATIENT.into_iter().flat_map(|form| [(form, 1), (form, 2)]) {
            *mutex.acquire() = 0;
            let (condition, mutex) = (&arrivals.condition, &mutex);
            let crasher = watch.spawn("crasher", move |role| {
                let mut count = mutex.acquire();
                let holds = |count: &mut MutexGuard<'_, i32>| {
                    **count += 1;
                    **count != fatal || resume_unwind(Box::new("prints nothing"))
                };
                let wait = AssertUnwindSafe(|| wait_while_by(condition, &mut count, form, holds));
                let panic = role.waits("a wait", || catch_unwind(wait)).unwrap_err();
                assert!(mutex.try_acquire().is_none(), "the lock is not held");
                resume_unwind(panic)
            });
            if fatal == 2 {
                watch.until("the first check", || *mutex.acquire() >= 1);
                assert!(condition.notify_one());
            }
            let panic = crasher.try_join().unwrap_err();
            assert_eq!(watchdog::message(&*panic), "prints nothing");
            assert!(mutex.try_acquire().is_some(), "the guard has not been dropped");
            two_are_notified(watch, &arrivals);
        }
    });
}
