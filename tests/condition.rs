//! `Condition`: laws C1 to C7.

use crate::forms::{self, Acquire, Await, BLOCKING, EXPIRING_WAITS, Form, blocking, wait_by, wait_while_by};
use crate::support::{SHORT, panic_of};
use crate::waiters::{Arrivals, all_notified, two_are_notified};
use crate::watchdog;
use selvedge::sync::Guard;
use selvedge::{Condition, Lock, Mutex, MutexGuard, RLock};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
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

/// Every form panics before it releases the lock, whatever its deadline.
fn is_refused<G: Guard>(condition: &Condition, guard: &mut G) {
    const TWO_LOCKS: &str = "all waiters of a condition must use the same lock";
    for form in BLOCKING.into_iter().chain(EXPIRING_WAITS) {
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
        let waiters = arrivals.enqueue(watch, blocking(2));
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
        for (form, checks) in BLOCKING
            .into_iter()
            .chain(EXPIRING_WAITS)
            .map(|form| (form, 1))
            .chain(BLOCKING.map(|form| (form, 5)))
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
    for (form, still_holds) in EXPIRING_WAITS
        .into_iter()
        .flat_map(|form| [(form, true), (form, false)])
    {
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

/// No notification ends such a wait while the predicate still holds.
#[test]
fn a_timed_wait_with_a_predicate_lasts_until_its_deadline_though_it_is_notified() {
    let (mutex, condition) = (Mutex::new(false), Condition::new());
    watchdog::run(|watch| {
        for form in [Form::Timeout(SHORT), Form::Deadline(SHORT)] {
            *mutex.acquire() = false;
            let (mutex, condition) = (&mutex, &condition);
            let wait = move || {
                let (mut ended, start) = (mutex.acquire(), std::time::Instant::now());
                assert!(!wait_while_by(condition, &mut ended, form, |_| true), "{form:?}");
                assert!(start.elapsed() >= SHORT, "{form:?} gave up early");
                *ended = true;
            };
            let waiter = watch.spawn("waiter", move |role| role.waits("a timed wait", wait));
            watch.until("the deadline", || (condition.notify_one(), *mutex.acquire()).1);
            waiter.join();
        }
    });
}

#[test]
fn a_panic_of_the_predicate_leaves_the_lock_held_and_the_condition_usable() {
    let (arrivals, mutex) = (Arrivals::default(), Mutex::new(0));
    watchdog::run(|watch| {
        for (form, fatal) in BLOCKING.into_iter().flat_map(|form| [(form, 1), (form, 2)]) {
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
