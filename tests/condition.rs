//! `Condition`: laws C1 to C7.

use crate::forms::{self, Acquire, Await, Form, IN_VAIN, PATIENT, patient, wait_by, wait_while_by};
use crate::in_line::{Post, all_notified, all_notified_once};
use crate::support::{SHORT, panic_of};
use crate::watchdog;
use selvedge::sync::Guard;
use selvedge::{Condition, Lock, LockGuard, Mutex, MutexGuard, Permit, RLock, RLockGuard};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::thread::yield_now;
use std::time::Duration;

assert_impl_all!(Condition: Send, Sync, Default, Debug);
assert_impl_all!(LockGuard<'static>: Guard);
assert_impl_all!(RLockGuard<'static>: Guard);
assert_impl_all!(MutexGuard<'static, str>: Guard);
assert_not_impl_any!(Permit<'static>: Guard);

/// A condition and the lock that those who wait for it let go of.
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

/// The forms that wait for more than a notification.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    condition: Condition,
}

impl Await for Gate {
    fn wait_by(&self, form: Form) -> bool {
        let mut open = self.open.acquire();
        let in_time = wait_while_by(&self.condition, &mut open, form, |open| !**open);
        assert_eq!(in_time, *open);
        in_time
    }

    fn end_a_wait(&self) {
        self.condition.notify_all(); // for nothing
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
forms::waits!(for_more_than_a_notification_in_all_forms: Gate::default());

#[test]
fn a_static_condition_is_one_for_all_threads() {
    static POST: Mutex<u32> = Mutex::new(0);
    static CONDITION: Condition = Condition::new();
    watchdog::run(|watch| {
        let wait = || CONDITION.wait_while(&mut POST.acquire(), |count| **count == 0);
        let waiter = watch.spawn("waiter", move |role| role.waits("wait_while", wait));
        *POST.acquire() += 1;
        CONDITION.notify_one();
        waiter.join();
    });
}

#[test]
fn a_notification_without_waiters_counts_nobody_and_is_not_remembered() {
    let post = Post::default();
    for count in [0, 1, 2, usize::MAX] {
        assert_eq!(post.condition.notify(count), 0);
    }
    assert!(!post.condition.notify_one());
    assert_eq!(post.condition.notify_all(), 0);
    assert!(IN_VAIN.into_iter().all(|form| !post.wait(form)));
}

/// Law C2: those who have waited longest, as many as were asked for, and nobody else.
#[test]
fn as_many_return_as_are_notified() {
    watchdog::run(|watch| {
        for count in [0, 1, 2, 3, 5, 6, usize::MAX] {
            let post: &'static Post = Box::leak(Box::default());
            let mut waiters = post.line_up(watch, patient(5));
            let notified = count.min(5);
            assert_eq!(post.condition.notify(count), notified);
            all_notified(waiters.drain(..notified));
            assert_eq!(post.returned.load(Relaxed), notified, "somebody was not notified");
            assert_eq!(post.condition.notify_all(), 5 - notified, "somebody has left the line");
            all_notified(waiters);
            assert_eq!(post.condition.notify_all(), 0, "law C7");
        }
    });
}

#[test]
fn whoever_has_waited_longest_is_notified_first() {
    let (post, order) = (Post::default(), Mutex::new(Vec::new()));
    watchdog::run(|watch| {
        let (post, order) = (&post, &order);
        for place in 0..8 {
            watch.spawn(format!("waiter {place}"), move |role| {
                assert!(role.waits("a wait", || post.wait(PATIENT[place % PATIENT.len()])));
                order.acquire().push(place);
            });
            drop(post.until_came(place + 1));
        }
        for notified in 1..=8 {
            assert!(post.condition.notify_one());
            watch.until("the one that was notified", || order.acquire().len() == notified);
        }
    });
    assert_eq!(order.into_inner(), [0, 1, 2, 3, 4, 5, 6, 7]);
}

/// Law C5.
#[test]
fn a_notification_is_not_for_those_who_come_later() {
    let post = Post::default();
    watchdog::run(|watch| {
        for form in IN_VAIN {
            let waiters = post.line_up(watch, patient(2));
            assert_eq!(post.condition.notify(5), 2);
            assert!(!post.wait(form), "notified before it came");
            all_notified(waiters);
        }
    });
}

#[test]
fn a_notifier_that_holds_the_lock_lets_nobody_return_before_it_releases() {
    let post = Post::default();
    watchdog::run(|watch| {
        for round in 1..=20 {
            let waiters = post.line_up(watch, patient(3));
            let held = post.until_came(3 * round);
            assert!(post.condition.notify_one());
            assert_eq!(post.condition.notify_all(), 2);
            waiters.iter().for_each(|waiter| waiter.until_asleep());
            assert_eq!(post.returned.load(Relaxed), 3 * (round - 1));
            drop(held);
            all_notified(waiters);
        }
    });
}

/// Law C3, at each place in the line.
#[test]
fn whoever_timed_out_stands_in_line_no_longer() {
    let post = Post::default();
    watchdog::run(|watch| {
        for place in 0..3 {
            for hasty in [Form::Timeout(2 * SHORT), Form::Deadline(2 * SHORT)] {
                let mut waiters = post.line_up(watch, (0..3).map(|n| if n == place { hasty } else { Form::Plain }));
                assert!(!waiters.remove(place).join());
                assert!(post.condition.notify_one());
                waiters.drain(..1).for_each(|first| assert!(first.join()));
                assert_eq!(post.condition.notify_all(), 1);
                all_notified(waiters);
            }
        }
    });
}

#[test]
fn sixty_four_wait() {
    let post = Post::default();
    watchdog::run(|watch| {
        let mut waiters = post.line_up(watch, patient(64));
        assert_eq!(post.condition.notify(10), 10);
        all_notified(waiters.drain(..10));
        assert_eq!(post.returned.load(Relaxed), 10);
        assert_eq!(post.condition.notify(100), 54);
        all_notified(waiters);
    });
}

/// Law C4.
fn the_lock_is_held_when_a_wait_returns<L: Acquire>(bell: &Bell<L>)
where
    Bell<L>: Await,
    for<'a> L::Guard<'a>: Guard,
{
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

#[test]
fn each_lock_is_held_when_a_wait_returns() {
    the_lock_is_held_when_a_wait_returns(&Bell::<Lock>::default());
    the_lock_is_held_when_a_wait_returns(&Bell::<RLock>::default());
    the_lock_is_held_when_a_wait_returns(&Bell::<Mutex<()>>::default());
}

#[test]
fn an_rlock_is_released_wholly_and_held_again_as_deep() {
    let (lock, condition, came) = (RLock::new(), Condition::new(), AtomicUsize::new(0));
    watchdog::run(|watch| {
        let (lock, condition, came) = (&lock, &condition, &came);
        for (round, form) in (1..).zip(PATIENT.into_iter().chain(IN_VAIN)) {
            let waiter = watch.spawn("waiter", move |role| {
                let mut guards = [lock.acquire(), lock.acquire(), lock.acquire()];
                came.store(round, Relaxed);
                role.waits("a wait", || wait_by(condition, &mut guards[round % 3], form));
                assert_eq!(lock.depth(), 3);
                for (left, guard) in [2, 1, 0].into_iter().zip(guards) {
                    drop(guard);
                    assert_eq!(lock.depth(), left);
                }
            });
            watch.until("the waiter to come", || came.load(Relaxed) == round);
            let others = lock.acquire(); // it waits, or its time is over
            assert_eq!(lock.depth(), 1);
            condition.notify_all();
            drop(others);
            waiter.join();
            assert!(!lock.is_locked());
        }
    });
}

const TWO_LOCKS: &str = "all waiters of a condition must use the same lock";

/// All forms refuse this guard, and let no time pass for it.
fn is_refused<G: Guard>(condition: &Condition, guard: &mut G) {
    for form in PATIENT.into_iter().chain(IN_VAIN) {
        assert_eq!(panic_of(|| wait_by(condition, guard, form)), TWO_LOCKS, "{form:?}");
        assert_eq!(
            panic_of(|| wait_while_by(condition, guard, form, |_| true)),
            TWO_LOCKS,
            "{form:?}"
        );
        assert!(wait_while_by(condition, guard, form, |_| false), "nobody waits here");
    }
}

#[test]
fn a_second_lock_is_refused_before_it_is_released_and_both_stay_usable() {
    let (post, lock, mutex, rlock) = (Post::default(), Lock::new(), Mutex::new(1), RLock::new());
    watchdog::run(|watch| {
        let waiters = post.line_up(watch, patient(2));
        let (mut guard, mut value, mut levels) = (lock.acquire(), mutex.acquire(), [rlock.acquire(), rlock.acquire()]);
        is_refused(&post.condition, &mut guard);
        is_refused(&post.condition, &mut value);
        is_refused(&post.condition, &mut levels[0]);
        assert!(lock.is_locked() && mutex.is_locked());
        assert_eq!(rlock.depth(), 2);
        assert_eq!(post.condition.notify_all(), 2);
        all_notified(waiters);
        // Nobody waits any more: to each his own lock.
        assert!(!wait_by(&post.condition, &mut guard, Form::Timeout(SHORT)));
        assert!(!wait_by(&post.condition, &mut value, Form::Timeout(SHORT)));
        assert!(!wait_by(&post.condition, &mut levels[1], Form::Timeout(SHORT)));
        all_notified_once(watch, &post);
        drop((guard, value, levels));
        assert!(!lock.is_locked() && !mutex.is_locked() && !rlock.is_locked());
    });
}

#[test]
fn what_does_not_hold_is_asked_once_and_not_waited_for() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    for form in PATIENT.into_iter().chain(IN_VAIN) {
        let mut asked = mutex.acquire();
        *asked = 0;
        assert!(wait_while_by(&condition, &mut asked, form, |asked| {
            **asked += 1;
            false
        }));
        assert_eq!(*asked, 1, "{form:?}");
    }
}

#[test]
fn what_is_waited_for_is_asked_after_each_notification() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    watchdog::run(|watch| {
        for form in PATIENT {
            *mutex.acquire() = 0;
            let (mutex, condition) = (&mutex, &condition);
            let holds = |asked: &mut MutexGuard<'_, _>| {
                **asked += 1;
                **asked < 5
            };
            let wait = move || wait_while_by(condition, &mut mutex.acquire(), form, holds);
            let waiter = watch.spawn("waiter", move |role| role.waits("a wait", wait));
            for asked in 1..5 {
                watch.until("the question", || *mutex.acquire() >= asked);
                assert_eq!(*mutex.acquire(), asked, "it was asked again for nothing");
                assert!(condition.notify_one());
            }
            assert!(waiter.join());
            assert_eq!(*mutex.acquire(), 5, "{form:?}");
        }
    });
}

/// Law C6: what has come without a notification is seen, for all that the time is over.
#[test]
fn what_is_waited_for_is_asked_once_more_when_the_time_is_over() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    for form in IN_VAIN {
        for still in [true, false] {
            let mut asked = mutex.acquire();
            *asked = 0;
            let holds = |asked: &mut MutexGuard<'_, _>| {
                **asked += 1;
                **asked == 1 || still
            };
            assert_eq!(
                (wait_while_by(&condition, &mut asked, form, holds), *asked),
                (!still, 2),
                "{form:?}"
            );
        }
    }
}

#[test]
fn a_panic_of_what_is_asked_leaves_the_lock_held_and_the_condition_usable() {
    let (post, mutex) = (Post::default(), Mutex::new(0));
    watchdog::run(|watch| {
        for form in PATIENT {
            for fatal in 1..=2 {
                *mutex.acquire() = 0;
                let (condition, mutex) = (&post.condition, &mutex);
                let crasher = watch.spawn("crasher", move |role| {
                    let mut asked = mutex.acquire();
                    let holds = |asked: &mut MutexGuard<'_, i32>| {
                        **asked += 1;
                        if **asked == fatal {
                            resume_unwind(Box::new("says nothing"))
                        } else {
                            true
                        }
                    };
                    let wait = AssertUnwindSafe(|| wait_while_by(condition, &mut asked, form, holds));
                    let panic = role.waits("a wait", || catch_unwind(wait)).unwrap_err();
                    assert_eq!(watchdog::message(&*panic), "says nothing");
                    assert!(mutex.try_acquire().is_none(), "the lock is not held");
                    resume_unwind(panic)
                });
                if fatal == 2 {
                    watch.until("the first question", || *mutex.acquire() >= 1);
                    assert!(condition.notify_one());
                }
                assert!(crasher.try_join().is_err());
                assert!(mutex.try_acquire().is_some(), "the guard has not been dropped");
                all_notified_once(watch, &post);
            }
        }
    });
}

#[test]
fn debug_shows_whether_anybody_waits_and_does_not_wait() {
    let post = Post::default();
    let shown = || format!("{:?}", post.condition);
    assert_eq!(shown(), "Condition { awaited: false }");
    watchdog::run(|watch| {
        let waiters = post.line_up(watch, patient(2));
        let held = post.until_came(2);
        assert_eq!(shown(), "Condition { awaited: true }");
        assert_eq!(post.condition.notify_all(), 2);
        assert_eq!(shown(), "Condition { awaited: false }");
        drop(held);
        all_notified(waiters);
    });
    assert!(!post.wait(Form::Timeout(Duration::ZERO)));
    assert_eq!(shown(), "Condition { awaited: false }");
}
