//! The backend's contract, as far as a production world can break it.

use crate::support::SHORT;
use crate::watchdog;
use selvedge::backend::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use selvedge::backend::cell::UnsafeCell;
use selvedge::backend::futex::{self, Wait};
use selvedge::backend::hint::Spin;
use selvedge::backend::{Arc, Instant, const_fn, thread};
use static_assertions::{assert_eq_size, assert_impl_all, assert_type_eq_all};
use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

assert_type_eq_all!(Arc<u8>, std::sync::Arc<u8>);
assert_eq_size!(UnsafeCell<u8>, u8);
assert_impl_all!(Instant: Copy, Send, Sync, Ord, Hash, Debug);
assert_impl_all!(Wait: Copy, Send, Sync, Ord, Hash, Debug);

// Words are statics: on reused memory a wake may come late for somebody who slept there before.

#[test]
fn a_wait_on_another_value_returns_at_once() {
    static WORD: AtomicU32 = AtomicU32::new(1);
    for deadline in [
        None,
        Some(Instant::now() + Duration::MAX),
        Some(Instant::now() + Duration::from_secs(600)),
    ] {
        assert_eq!(futex::wait(&WORD, 0, deadline), Wait::Changed);
    }
}

#[test]
fn a_deadline_that_has_passed_is_a_timeout_whatever_the_word_holds() {
    static WORD: AtomicU32 = AtomicU32::new(1);
    let passed = Some(Instant::now());
    assert_eq!(futex::wait(&WORD, 1, passed), Wait::TimedOut);
    assert_eq!(futex::wait(&WORD, 0, passed), Wait::TimedOut);
}

#[test]
fn a_wait_does_not_time_out_before_its_deadline() {
    static WORD: AtomicU32 = AtomicU32::new(0);
    let (start, deadline) = (std::time::Instant::now(), Instant::now() + SHORT);
    while futex::wait(&WORD, 0, Some(deadline)) != Wait::TimedOut {}
    assert!(start.elapsed() >= SHORT);
    assert!(deadline.has_passed());
}

#[test]
fn a_wake_without_sleepers_counts_nobody() {
    static WORD: AtomicU32 = AtomicU32::new(0);
    for count in [0, 1, i32::MAX as u32, i32::MAX as u32 + 1, u32::MAX] {
        assert_eq!(futex::wake(&WORD, count), 0);
    }
}

#[test]
fn a_wake_wakes_as_many_as_it_is_told_and_counts_them() {
    static WORD: AtomicU32 = AtomicU32::new(0);
    static OTHER: AtomicU32 = AtomicU32::new(0);
    watchdog::run(|watch| {
        for round in 0..100 {
            let far = [
                None,
                Some(Instant::now() + Duration::MAX),
                Some(Instant::now() + Duration::from_secs(u32::MAX.into())),
            ];
            let sleeper = |n: usize| {
                watch.spawn(format!("sleeper {n}"), move |role| {
                    // A signal may end a wait early.
                    while role.waits("futex::wait", || futex::wait(&WORD, 0, far[n])) != Wait::Woken {}
                })
            };
            let sleepers: Vec<_> = (0..3).map(sleeper).collect();
            sleepers.iter().for_each(|sleeper| sleeper.until_asleep());
            assert_eq!(futex::wake(&OTHER, u32::MAX), 0);
            let mut left = 3;
            while left > 0 {
                let most = [1, 2, u32::MAX][round % 3];
                // Fewer than there are, if one is still on its way to sleep.
                let woken = futex::wake(&WORD, most);
                assert!(
                    woken <= left.min(most as usize),
                    "{woken} were woken, {left} were there"
                );
                left -= woken;
            }
            sleepers.into_iter().for_each(|sleeper| sleeper.join());
        }
    });
}

/// The kernel wakes one when it is asked to wake none.
#[test]
fn a_wake_of_none_wakes_nobody() {
    static WORD: AtomicU32 = AtomicU32::new(0);
    watchdog::run(|watch| {
        let sleeper = watch.spawn("sleeper", |role| {
            role.waits("futex::wait", || while futex::wait(&WORD, 0, None) != Wait::Woken {});
        });
        sleeper.until_asleep();
        let woken_by_none = futex::wake(&WORD, 0);
        while woken_by_none == 0 && futex::wake(&WORD, 1) == 0 {}
        sleeper.join();
        assert_eq!(woken_by_none, 0);
    });
}

/// What a semaphore's conservation and a lock's hand-over rest on.
#[test]
fn a_waiter_that_a_wake_counted_is_never_told_that_it_timed_out() {
    static WORD: AtomicU32 = AtomicU32::new(0);
    const WAITS: u32 = 4_000;
    let waiting = AtomicUsize::new(2);
    watchdog::run(|watch| {
        let waiting = &waiting;
        let waiter = |seed| {
            watch.spawn(format!("waiter {seed}"), move |role| {
                let mut rng = fastrand::Rng::with_seed(seed);
                let mut wait = || {
                    let deadline = Instant::now() + Duration::from_micros(rng.u64(1..100));
                    role.waits("futex::wait", || futex::wait(&WORD, 0, Some(deadline)))
                };
                let woken = (0..WAITS).filter(|_| wait() == Wait::Woken).count();
                waiting.fetch_sub(1, Relaxed);
                woken
            })
        };
        let waiters = [waiter(1), waiter(2)];
        let mut rng = fastrand::Rng::with_seed(3);
        let mut counted = 0;
        while waiting.load(Relaxed) > 0 {
            counted += futex::wake(&WORD, rng.u32(1..3));
            (0..rng.u32(..2000)).for_each(|_| std::hint::spin_loop());
        }
        let told: usize = waiters.into_iter().map(|waiter| waiter.join()).sum();
        assert_eq!(told, counted);
        assert!(told > 0, "no wake has met a waiter");
        assert!(told < 2 * WAITS as usize, "no wait has timed out");
    });
}

#[test]
fn an_instant_counts_down() {
    let now = Instant::now();
    assert!(now.has_passed());
    assert_eq!(now.remaining(), Some(Duration::ZERO));
    let hour = Duration::from_secs(3600);
    let later = now + hour;
    assert!(!later.has_passed());
    let left = later.remaining().unwrap();
    assert!(left <= hour && left > hour / 2, "{left:?}");
    assert!(now <= Instant::now());
    assert!(now < later && later < later + hour);
    assert_eq!(now + Duration::ZERO, now);
    assert_eq!(now + hour + hour, now + 2 * hour);
}

#[test]
fn an_instant_beyond_the_clock_is_for_ever() {
    let now = Instant::now();
    let for_ever = now + Duration::MAX;
    assert!(!for_ever.has_passed());
    assert_eq!(for_ever.remaining(), None);
    assert!(for_ever > now + Duration::from_secs(1 << 40));
    assert_eq!(for_ever + Duration::MAX, for_ever);
    assert_eq!(for_ever + Duration::ZERO, for_ever);
    assert_eq!(now + Duration::from_secs(u64::MAX), for_ever);
    assert_ne!(for_ever, now);
}

#[test]
fn no_two_threads_have_the_same_id() {
    let mine = thread::id();
    let ids: Vec<_> = watchdog::run(|watch| {
        let named = |n| watch.spawn(format!("thread {n}"), |_| (thread::id(), thread::id()));
        let together: Vec<_> = (0..8).map(named).collect();
        let at_once: Vec<_> = together.into_iter().map(|thread| thread.join()).collect();
        at_once.into_iter().chain((8..200).map(|n| named(n).join())).collect()
    });
    assert!(ids.iter().all(|(first, again)| first == again), "an id has changed");
    let different: HashSet<_> = ids.into_iter().map(|(id, _)| id).chain([mine]).collect();
    assert_eq!(different.len(), 201);
    assert_eq!(thread::id(), mine);
}

#[test]
fn a_spin_ends_and_stays_ended() {
    for make in [Spin::for_lock, Spin::for_hand_over] {
        for deadline in [
            None,
            Some(Instant::now() + Duration::MAX),
            Some(Instant::now() + Duration::from_secs(600)),
        ] {
            let mut spin = make(deadline);
            let looks = (0..10_000).take_while(|_| spin.again()).count();
            assert!((1..10_000).contains(&looks), "{looks} looks, {spin:?}");
            assert!(!spin.again());
        }
    }
}

#[test]
fn a_spin_does_not_begin_after_its_deadline() {
    assert!(!Spin::for_lock(Some(Instant::now())).again());
    assert!(!Spin::for_hand_over(Some(Instant::now())).again());
}

const_fn! {
    /// A constant.
    fn twice(n: u32) -> u32 { 2 * n }
}
const FOUR: u32 = twice(2);

#[test]
fn what_const_fn_makes_serves_constants() {
    assert_eq!(FOUR, twice(1) * 2);
}

#[test]
fn a_cell_lends_and_returns_its_value() {
    let cell = UnsafeCell::new(1);
    // SAFETY: no other thread knows this cell.
    cell.with_mut(|value| unsafe { *value += 1 });
    // SAFETY: as above.
    assert_eq!(cell.with(|value| unsafe { *value }), 2);
    assert_eq!(cell.into_inner(), 2);
}
