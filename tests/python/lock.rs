//! `LockTests`.

use super::any_lock::{self, AnyLock};
use super::until;
use crate::support::SHORT;
use crate::watchdog;
use selvedge::{Lock, TimedOut};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

any_lock::tests!(Lock);

#[test]
fn reacquire() {
    let (lock, acquired) = (Lock::new(), AtomicU32::new(0));
    watchdog::run(|watch| {
        let holder = watch.spawn("holder", |role| {
            for _ in 0..2 {
                role.waits("acquire", || lock.take());
                acquired.fetch_add(1, Relaxed);
            }
        });
        until(watch, "the first acquire", || acquired.load(Relaxed) > 0);
        holder.until_asleep();
        assert_eq!(acquired.load(Relaxed), 1);
        assert_eq!(lock.release(), Ok(()));
        holder.join();
    });
    assert_eq!(acquired.load(Relaxed), 2);
    assert!(lock.is_locked());
}

#[test]
fn different_thread() {
    let lock = Lock::new();
    lock.take();
    assert_eq!(
        watchdog::run(|watch| watch.spawn("releaser", |_| lock.release()).join()),
        Ok(())
    );
    assert!(!lock.is_locked());
    lock.take();
    assert_eq!(lock.release(), Ok(()));
}

#[test]
fn state_after_timeout() {
    let lock = Lock::new();
    lock.take();
    assert_eq!(lock.acquire_timeout(SHORT).unwrap_err(), TimedOut);
    assert_eq!(lock.release(), Ok(()));
    assert!(!lock.is_locked());
    assert!(lock.try_acquire().is_some());
}
