//! `ConditionTests`, over each lock that a condition can be used with; Python's default is the `RLock`.

use super::{A_WHILE, bunch, is_free_for_others, join, timed, until};
use crate::forms::{Acquire, Form::Plain};
use crate::support::SHORT;
use crate::watchdog;
use selvedge::sync::Guard;
use selvedge::{Condition, Lock, Mutex, RLock, TimedOut};
use std::sync::{Mutex as StdMutex, MutexGuard};

macro_rules! over_each_lock {
    ($($test:ident)*) => {$(
        #[test]
        fn $test() {
            over::$test::<RLock>();
            over::$test::<Lock>();
            over::$test::<Mutex<()>>();
        }
    )*};
}

over_each_lock! { acquire unacquired_notify notify timeout waitfor waitfor_timeout }

/// A lock that a condition can be used with.
trait Waitable: for<'a> Acquire<Guard<'a>: Guard> + Default + 'static {}

impl<L: for<'a> Acquire<Guard<'a>: Guard> + Default + 'static> Waitable for L {}

/// What is touched only while the kit's lock is held, which is how this sees that it is.
struct UnderTheLock<T>(StdMutex<T>);

impl<T> UnderTheLock<T> {
    fn new(value: T) -> UnderTheLock<T> {
        UnderTheLock(StdMutex::new(value))
    }

    fn get(&self) -> MutexGuard<'_, T> {
        self.0.try_lock().expect("two threads hold the lock")
    }
}

/// The rest of `acquire`: an `RLock` held twice, of which a wait gives up, and restores, both levels.
#[test]
fn acquire_an_rlock_twice() {
    let (lock, condition) = (RLock::new(), Condition::new());
    watchdog::run(|watch| {
        let (outer, mut inner) = (lock.acquire(), lock.acquire());
        let notifier = watch.spawn("notifier", |role| {
            let _held = role.waits("acquire", || lock.acquire());
            condition.notify_one()
        });
        watch.waits("wait", || condition.wait(&mut inner));
        assert!(notifier.join());
        assert_eq!(lock.depth(), 2);
        drop(inner);
        assert!(!is_free_for_others(&lock));
        drop(outer);
        assert!(is_free_for_others(&lock));
    });
}

mod over {
    use super::*;

    /// There a condition acquires its lock; here one acquires the lock, and waiting keeps it acquired.
    pub fn acquire<L: Waitable>() {
        let (lock, condition) = (L::default(), Condition::new());
        watchdog::run(|watch| {
            let mut held = lock.acquire_by(Plain).unwrap();
            assert!(!is_free_for_others(&lock));
            let notifier = watch.spawn("notifier", |role| {
                let _held = role.waits("acquire", || lock.acquire_by(Plain));
                condition.notify_one()
            });
            watch.waits("wait", || condition.wait(&mut held));
            assert!(notifier.join());
            assert!(!is_free_for_others(&lock));
            drop(held);
            assert!(is_free_for_others(&lock));
        });
    }

    /// An error there; here whoever notifies need not hold the lock.
    pub fn unacquired_notify<L: Waitable>() {
        let (lock, condition, waits) = (L::default(), Condition::new(), UnderTheLock::new(false));
        assert!(!condition.notify_one());
        assert_eq!((condition.notify(3), condition.notify_all()), (0, 0));
        let waited = condition.wait_timeout(&mut lock.acquire_by(Plain).unwrap(), SHORT);
        assert_eq!(waited, Err(TimedOut), "a notification of nobody was kept");
        watchdog::run(|watch| {
            let waiter = watch.spawn("waiter", |role| {
                let mut held = lock.acquire_by(Plain).unwrap();
                *waits.get() = true;
                role.waits("wait", || condition.wait(&mut held));
            });
            until(watch, "the waiter", || {
                let _held = lock.acquire_by(Plain);
                *waits.get()
            });
            assert!(condition.notify_one());
            waiter.join();
        });
    }

    #[derive(Default)]
    struct Score {
        phase: usize,
        in_line: usize,
        ended: [[usize; 4]; 2], // first and second waits, in each phase
    }

    fn check_notify<L: Waitable>(lock: &L, condition: &Condition) {
        let score = UnderTheLock::new(Score::default());
        watchdog::run(|watch| {
            let waiters = bunch(watch, 5, "waiter", |role| {
                let mut held = role.waits("acquire", || lock.acquire_by(Plain)).unwrap();
                for wait in 0..2 {
                    score.get().in_line += 1;
                    role.waits("wait", || condition.wait(&mut held));
                    let mut score = score.get();
                    let phase = score.phase;
                    score.ended[wait][phase] += 1;
                }
            });
            // A wait gives up the lock and stands in line at once: who finds it counted, finds it there.
            let until_in_line = |count: usize, ended: usize| {
                until(watch, "the waiters", || {
                    let _held = lock.acquire_by(Plain);
                    let score = score.get();
                    score.in_line == count && score.ended[1].iter().sum::<usize>() == ended
                });
            };
            let begin_phase = |phase: usize, notify: &dyn Fn() -> usize| {
                let _held = lock.acquire_by(Plain);
                let mut score = score.get();
                let notified = notify();
                score.phase = phase;
                score.in_line -= notified;
                notified
            };
            let ended = || {
                let _held = lock.acquire_by(Plain);
                score.get().ended
            };
            until_in_line(5, 0);
            assert_eq!(ended(), [[0; 4], [0; 4]]);
            assert_eq!(begin_phase(1, &|| condition.notify(3)), 3);
            until_in_line(5, 0); // two wait for the first time, three for the second
            assert_eq!(ended(), [[0, 3, 0, 0], [0; 4]]);
            assert_eq!(begin_phase(2, &|| condition.notify(5)), 5);
            until_in_line(2, 3);
            assert_eq!(ended(), [[0, 3, 2, 0], [0, 0, 3, 0]]);
            assert_eq!(begin_phase(3, &|| condition.notify_all()), 2);
            join(waiters);
            assert_eq!(ended(), [[0, 3, 2, 0], [0, 0, 3, 2]]);
        });
        assert_eq!(condition.notify_all(), 0);
    }

    pub fn notify<L: Waitable>() {
        let (lock, condition) = (L::default(), Condition::new());
        check_notify(&lock, &condition);
        check_notify(&lock, &condition);
    }

    pub fn timeout<L: Waitable>() {
        let (lock, condition, returned) = (L::default(), Condition::new(), UnderTheLock::new(0));
        watchdog::run(|watch| {
            join(bunch(watch, 5, "waiter", |role| {
                let mut held = role.waits("acquire", || lock.acquire_by(Plain)).unwrap();
                let (waited, time) =
                    role.waits("wait_timeout", || timed(|| condition.wait_timeout(&mut held, A_WHILE)));
                *returned.get() += 1;
                assert_eq!(waited, Err(TimedOut));
                assert!(!is_free_for_others(&lock));
                assert!(time >= A_WHILE, "{A_WHILE:?} were cut short: {time:?}");
            }));
        });
        assert_eq!(*returned.get(), 5);
        assert!(is_free_for_others(&lock));
    }

    #[derive(Default)]
    struct Count {
        state: u32,
        asked: u32,
    }

    impl Count {
        fn is_still_not_four(&mut self) -> bool {
            self.asked += 1;
            self.state != 4
        }
    }

    pub fn waitfor<L: Waitable>() {
        let (lock, condition, count) = (L::default(), Condition::new(), UnderTheLock::new(Count::default()));
        watchdog::run(|watch| {
            let waiter = watch.spawn("waiter", |role| {
                let mut held = lock.acquire_by(Plain).unwrap();
                role.waits("wait_while", || {
                    condition.wait_while(&mut held, |_| count.get().is_still_not_four())
                });
                let Count { state, asked } = *count.get();
                (state, asked)
            });
            for times in 1..=4 {
                until(watch, "the waiter's look", || {
                    let _held = lock.acquire_by(Plain);
                    count.get().asked == times
                });
                let _held = lock.acquire_by(Plain);
                count.get().state += 1;
                assert!(condition.notify_one());
            }
            assert_eq!(waiter.join(), (4, 5));
        });
    }

    pub fn waitfor_timeout<L: Waitable>() {
        let (lock, condition, count) = (L::default(), Condition::new(), UnderTheLock::new(Count::default()));
        watchdog::run(|watch| {
            let waiter = watch.spawn("waiter", |role| {
                let mut held = lock.acquire_by(Plain).unwrap();
                let is_still_not_four = |_: &mut _| count.get().is_still_not_four();
                let (waited, time) = role.waits("wait_while_timeout", || {
                    timed(|| condition.wait_while_timeout(&mut held, A_WHILE, is_still_not_four))
                });
                assert_eq!(waited, Err(TimedOut));
                assert!(time >= A_WHILE, "{A_WHILE:?} were cut short: {time:?}");
                assert!(!is_free_for_others(&lock));
            });
            until(watch, "the waiter's look", || {
                let _held = lock.acquire_by(Plain);
                count.get().asked > 0
            });
            for _ in 0..3 {
                let _held = lock.acquire_by(Plain);
                count.get().state += 1; // to three, not four
                condition.notify_one();
            }
            waiter.join();
        });
    }
}
