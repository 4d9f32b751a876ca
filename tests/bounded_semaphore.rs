//! `BoundedSemaphore`: a semaphore's laws, and S5, its bound.

use crate::support::{Line, SHORT, panic_of};
use crate::{forms, watchdog};
use selvedge::{BoundedSemaphore, Instant, OverReleased, Semaphore, TimedOut};
use static_assertions::{assert_eq_size, assert_impl_all};
use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};

const MAX: u32 = Semaphore::MAX_PERMITS;

assert_eq_size!(BoundedSemaphore, u64);
assert_impl_all!(BoundedSemaphore: Send, Sync, Default, Debug, UnwindSafe, RefUnwindSafe);

forms::laws!(BoundedSemaphore::new(1));

#[test]
fn a_new_semaphore_is_full() {
    for limit in [0, 1, 2, MAX] {
        let gate = BoundedSemaphore::new(limit);
        assert_eq!((gate.available(), gate.limit()), (limit, limit));
        assert_eq!(gate.release(1), Err(OverReleased));
        assert_eq!((gate.available(), gate.limit()), (limit, limit));
    }
    let gate = BoundedSemaphore::default();
    assert_eq!((gate.available(), gate.limit()), (1, 1));
}

#[test]
fn a_limit_higher_than_a_semaphore_can_hold_is_refused() {
    assert_eq!(
        panic_of(|| BoundedSemaphore::new(MAX + 1)),
        "a semaphore holds at most MAX_PERMITS permits"
    );
}

#[test]
fn a_static_gate_is_one_for_all_threads() {
    static GATE: BoundedSemaphore = BoundedSemaphore::new(1);
    watchdog::run(|watch| {
        let held = GATE.acquire();
        assert!(watch.spawn("other", |_| GATE.try_acquire().is_none()).join());
        drop(held);
        assert!(watch.spawn("other", |_| GATE.try_acquire().is_some()).join());
    });
}

#[test]
fn every_form_takes_one_permit_and_its_drop_gives_it_back() {
    let gate = BoundedSemaphore::new(4);
    let permits = [
        gate.acquire(),
        gate.try_acquire().unwrap(),
        gate.acquire_timeout(SHORT).unwrap(),
        gate.acquire_deadline(Instant::now()).unwrap(),
    ];
    assert_eq!((gate.available(), gate.limit()), (0, 4));
    assert!(gate.try_acquire().is_none());
    assert_eq!(gate.acquire_timeout(SHORT).unwrap_err(), TimedOut);
    assert_eq!(gate.acquire_deadline(Instant::now() + SHORT).unwrap_err(), TimedOut);
    for (given_back, permit) in (1..).zip(permits) {
        drop(permit);
        assert_eq!(gate.available(), given_back);
    }
}

#[test]
fn a_release_too_many_is_an_error_and_adds_nothing() {
    let gate = BoundedSemaphore::new(3);
    for _ in 0..2 {
        gate.acquire().forget();
    }
    for too_many in [3, 4, MAX, u32::MAX] {
        assert_eq!(gate.release(too_many), Err(OverReleased));
        assert_eq!(gate.available(), 1, "all or nothing");
    }
    assert_eq!(gate.release(2), Ok(()));
    assert_eq!(gate.release(1), Err(OverReleased));
    assert_eq!(gate.available(), 3);
}

#[test]
fn a_release_of_none_is_never_too_many() {
    let gate = BoundedSemaphore::new(1);
    assert_eq!(gate.release(0), Ok(()));
    assert_eq!(gate.available(), 1);
    assert_eq!(BoundedSemaphore::new(0).release(0), Ok(()));
}

#[test]
fn a_gate_without_permits_never_has_one() {
    let gate = BoundedSemaphore::new(0);
    assert!(gate.try_acquire().is_none());
    assert_eq!(gate.acquire_timeout(SHORT).unwrap_err(), TimedOut);
    assert_eq!(gate.release(1), Err(OverReleased));
}

/// In every form: each makes its permit know the limit.
#[test]
fn a_permit_dropped_on_a_full_semaphore_does_nothing() {
    let gate = BoundedSemaphore::new(1);
    let drop_on_full = |permit| {
        assert_eq!(gate.release(1), Ok(()), "somebody without a permit");
        drop(permit);
        assert_eq!(gate.available(), 1);
    };
    drop_on_full(gate.acquire());
    drop_on_full(gate.try_acquire().unwrap());
    drop_on_full(gate.acquire_timeout(SHORT).unwrap());
    drop_on_full(gate.acquire_deadline(Instant::now()).unwrap());
}

#[test]
fn of_two_that_race_for_the_last_slot_one_gets_it() {
    const ROUNDS: usize = 5_000;
    let (gate, line) = (BoundedSemaphore::new(3), Line::new(2));
    let race = |takes: bool| {
        let round = |_| {
            if takes {
                gate.try_acquire().expect("the gate is full").forget();
            }
            line.cross();
            let released = gate.release(1).is_ok();
            line.cross();
            released
        };
        (0..ROUNDS).map(round).collect::<Vec<_>>()
    };
    watchdog::run(|watch| {
        let racer = watch.spawn("racer", |_| race(false));
        let won_by_one = race(true)
            .into_iter()
            .zip(racer.join())
            .filter(|(mine, theirs)| mine != theirs)
            .count();
        assert_eq!(won_by_one, ROUNDS);
    });
    assert_eq!(gate.available(), 3);
}

#[test]
fn a_forgotten_permit_leaves_room_for_one_release() {
    let gate = BoundedSemaphore::new(1);
    gate.acquire().forget();
    assert_eq!(gate.available(), 0);
    assert_eq!(gate.release(1), Ok(()));
    assert_eq!(gate.release(1), Err(OverReleased));
}

#[test]
fn a_panic_gives_its_permit_back() {
    let gate = BoundedSemaphore::new(1);
    let said = panic_of(|| {
        let _permit = gate.acquire();
        panic!("with {} left", gate.available());
    });
    assert_eq!(said, "with 0 left");
    assert_eq!(gate.available(), 1);
}

#[test]
fn debug_shows_permits_and_limit() {
    let gate = BoundedSemaphore::new(2);
    let _permit = gate.acquire();
    assert_eq!(format!("{gate:?}"), "BoundedSemaphore { available: 1, limit: 2 }");
}
