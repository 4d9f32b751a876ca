//! `Semaphore`: laws S1 to S8 but for the bound, which is `bounded_semaphore.rs`'s.

use crate::forms::{self, Acquire, Form};
use crate::support::{SHORT, panic_of};
use crate::watchdog;
use selvedge::{Instant, OverReleased, Permit, Semaphore, TimedOut};
use static_assertions::{assert_eq_size, assert_impl_all};
use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};

const MAX: u32 = Semaphore::MAX_PERMITS;

assert_eq_size!(Semaphore, u32);
assert_impl_all!(Semaphore: Send, Sync, Default, Debug, UnwindSafe, RefUnwindSafe);
assert_impl_all!(Permit<'static>: Send, Sync, Debug);

forms::laws!(Semaphore::new(1));

#[test]
fn a_new_semaphore_holds_what_it_was_made_with() {
    for permits in [0, 1, 2, MAX - 1, MAX] {
        assert_eq!(Semaphore::new(permits).available(), permits);
    }
    assert_eq!(Semaphore::default().available(), 1);
    assert_eq!(MAX, (1 << 31) - 1);
}

#[test]
fn more_permits_than_it_can_hold_are_refused() {
    for permits in [MAX + 1, u32::MAX] {
        assert_eq!(
            panic_of(|| Semaphore::new(permits)),
            "a semaphore holds at most MAX_PERMITS permits"
        );
    }
}

#[test]
fn a_static_semaphore_is_one_for_all_threads() {
    static GATE: Semaphore = Semaphore::new(2);
    watchdog::run(|watch| {
        let held = (GATE.acquire(), GATE.acquire());
        assert!(watch.spawn("other", |_| GATE.try_acquire().is_none()).join());
        drop(held.0);
        assert!(watch.spawn("other", |_| GATE.try_acquire().is_some()).join());
    });
}

#[test]
fn every_form_takes_one_permit_and_its_drop_gives_it_back() {
    let semaphore = Semaphore::new(3);
    let permits = [
        semaphore.try_acquire().unwrap(),
        semaphore.acquire_timeout(SHORT).unwrap(),
        semaphore.acquire_deadline(Instant::now()).unwrap(),
    ];
    assert_eq!(semaphore.available(), 0);
    assert!(semaphore.try_acquire().is_none());
    assert_eq!(semaphore.acquire_timeout(SHORT).unwrap_err(), TimedOut);
    assert_eq!(
        semaphore.acquire_deadline(Instant::now() + SHORT).unwrap_err(),
        TimedOut
    );
    for (given_back, permit) in (1..).zip(permits) {
        drop(permit);
        assert_eq!(semaphore.available(), given_back);
    }
    drop(semaphore.acquire());
    assert_eq!(semaphore.available(), 3);
}

#[test]
fn anybody_may_release_any_number() {
    let semaphore = Semaphore::new(0);
    assert_eq!(semaphore.release(1), Ok(()));
    assert_eq!(
        watchdog::run(|watch| watch.spawn("releaser", |_| semaphore.release(5)).join()),
        Ok(())
    );
    assert_eq!(semaphore.available(), 6);
    assert_eq!(semaphore.release(MAX - 6), Ok(()));
    assert_eq!(semaphore.available(), MAX);
}

#[test]
fn a_release_beyond_what_it_can_hold_is_an_error_and_adds_nothing() {
    for (permits, count) in [
        (MAX, 1),
        (MAX, MAX),
        (MAX - 1, 2),
        (1, MAX),
        (0, MAX + 1),
        (0, u32::MAX),
        (MAX, u32::MAX),
    ] {
        let semaphore = Semaphore::new(permits);
        assert_eq!(semaphore.release(count), Err(OverReleased));
        assert_eq!(semaphore.available(), permits);
    }
}

#[test]
fn a_permit_that_has_no_room_any_more_is_dropped_for_nothing() {
    let semaphore = Semaphore::new(MAX);
    let permit = semaphore.acquire();
    assert_eq!(semaphore.release(1), Ok(()));
    drop(permit);
    assert_eq!(semaphore.available(), MAX);
}

#[test]
fn a_release_of_none_does_nothing() {
    let semaphore = Semaphore::new(MAX);
    assert_eq!(semaphore.release(0), Ok(()));
    assert_eq!(semaphore.available(), MAX);
}

#[test]
fn a_release_of_none_forgets_no_sleeper() {
    let semaphore = Semaphore::new(0);
    watchdog::run(|watch| {
        for _ in 0..100 {
            let sleeper = watch.spawn("sleeper", |role| role.waits("acquire", || semaphore.acquire().forget()));
            sleeper.until_asleep();
            assert_eq!(semaphore.release(0), Ok(()));
            assert_eq!(semaphore.release(1), Ok(()));
            sleeper.join();
        }
    });
    assert_eq!(semaphore.available(), 0);
}

/// Law S4, as one release and as several in a row, of which the first alone finds the sleepers announced.
#[test]
fn n_permits_let_n_sleepers_through_without_a_further_release() {
    let semaphore = &Semaphore::new(0);
    watchdog::run(|watch| {
        for round in 0..150 {
            let form = [Form::Plain, Form::Timeout(std::time::Duration::MAX)][round % 2];
            let sleep = move || semaphore.acquire_by(form).expect("it waits for ever").forget();
            let sleepers: Vec<_> = (0..3)
                .map(|n| watch.spawn(format!("sleeper {n}"), move |role| role.waits(form.name(), sleep)))
                .collect();
            sleepers.iter().for_each(|sleeper| sleeper.until_asleep());
            for count in [&[3][..], &[1, 1, 1], &[2, 1]][round % 3] {
                assert_eq!(semaphore.release(*count), Ok(()));
            }
            sleepers.into_iter().for_each(|sleeper| sleeper.join());
            assert_eq!(semaphore.available(), 0);
        }
    });
}

#[test]
fn a_forgotten_or_leaked_permit_stays_taken_until_somebody_releases() {
    let semaphore = Semaphore::new(2);
    semaphore.acquire().forget();
    std::mem::forget(semaphore.acquire());
    assert_eq!(semaphore.available(), 0);
    assert!(semaphore.try_acquire().is_none());
    assert_eq!(semaphore.release(2), Ok(()));
    assert_eq!(semaphore.available(), 2);
}

#[test]
fn a_permit_may_be_dropped_by_another_thread() {
    let semaphore = Semaphore::new(1);
    watchdog::run(|watch| {
        let permit = semaphore.acquire();
        watch.spawn("heir", move |_| drop(permit)).join();
        assert_eq!(semaphore.available(), 1);
    });
}

#[test]
fn a_panic_gives_its_permit_back() {
    let semaphore = Semaphore::new(2);
    let said = panic_of(|| {
        let _permit = semaphore.acquire();
        panic!("with {} left", semaphore.available());
    });
    assert_eq!(said, "with 1 left");
    assert_eq!(semaphore.available(), 2);
}

#[test]
fn debug_shows_the_permits_and_does_not_wait() {
    let semaphore = Semaphore::new(1);
    let permit = semaphore.acquire();
    assert_eq!(
        format!("{semaphore:?} {permit:?}"),
        "Semaphore { available: 0 } Permit { .. }"
    );
}
