//! `RLock`: laws R1 to R4.

use crate::forms::{self, Acquire, EXPIRING, Form};
use crate::support::{SHORT, panic_of};
use crate::watchdog;
use selvedge::sync::{AcquireError, TryAcquireError};
use selvedge::{NotHeld, RLock};

forms::laws!(in_all_forms: RLock::new());

/// Whether another thread cannot acquire it. That thread sees a depth of zero, and cannot release it.
fn is_held_for_others(lock: &RLock) -> bool {
    let try_acquire = || {
        assert_eq!((lock.depth(), lock.release()), (0, Err(NotHeld)));
        lock.try_acquire().map(drop)
    };
    match watchdog::run(|watch| watch.spawn("other", |_| try_acquire()).join()) {
        Ok(()) => false,
        Err(TryAcquireError::Held) => true,
        Err(TryAcquireError::TooDeep) => panic!("only the owner can exceed the depth"),
    }
}

#[test]
fn a_maximal_depth_of_zero_is_refused() {
    let refusal = panic_of(|| RLock::with_max_depth(0));
    assert_eq!(refusal, "an RLock needs a depth of at least one");
    assert_eq!(RLock::MAX_DEPTH, u32::MAX);
}

#[test]
fn as_many_releases_as_acquires_free_it_in_any_order() {
    for lock in [RLock::new(), RLock::default(), RLock::with_max_depth(6)] {
        let forms = [Form::Plain].into_iter().chain(EXPIRING);
        let mut guards: Vec<_> = forms.map(|form| lock.acquire_by(form).unwrap()).collect();
        for depth in (1..=6).rev() {
            assert!(lock.is_locked() && is_held_for_others(&lock), "free at depth {depth}");
            assert_eq!(lock.depth(), depth);
            drop(guards.swap_remove(guards.len() / 2));
        }
        assert!(!lock.is_locked() && !is_held_for_others(&lock));
        assert_eq!((lock.release(), lock.depth()), (Err(NotHeld), 0));
    }
}

#[test]
fn a_guard_whose_level_was_released_does_not_release_the_next_owners() {
    let lock = RLock::new();
    let stale = lock.acquire();
    assert_eq!(lock.release(), Ok(()));
    watchdog::run(|watch| {
        let (lock, (stop, stopped)) = (&lock, std::sync::mpsc::channel::<()>());
        let next = watch.spawn("next owner", move |_| {
            let _held = lock.acquire();
            let _ = stopped.recv();
            lock.depth()
        });
        watch.until("the next owner", || lock.is_locked());
        drop(stale);
        assert_eq!(lock.try_acquire().unwrap_err(), TryAcquireError::Held);
        drop(stop);
        assert_eq!(next.join(), 1);
    });
}

#[test]
fn it_stays_held_when_its_owner_has_ended_without_a_release() {
    let lock = RLock::new();
    watchdog::run(|watch| watch.spawn("owner", |_| lock.acquire().forget()).join());
    assert!(lock.is_locked());
    assert_eq!(lock.release(), Err(NotHeld));
    assert_eq!(lock.acquire_timeout(SHORT).unwrap_err(), AcquireError::TimedOut);
    for _ in 0..200 {
        assert!(is_held_for_others(&lock), "a new thread was taken for the ended owner");
    }
}
