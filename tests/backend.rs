//! The contract of the backend, as far as a platform backend can break it.

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

// Words are statics: in reused memory, a late wake may end the wait of another thread.

/// Deadlines that no test reaches.
fn far() -> [Option<Instant>; 3] {
    let after = |time| Some(Instant::now() + time);
    [None, after(Duration::MAX), after(Duration::from_secs(u32::MAX.into()))]
}

#[test]
fn a_wait_for_another_value_returns_immediately() {
    static WORD: AtomicU32 = AtomicU32::new(1);
    for deadline in far() {
        assert_eq!(futex::wait(&WORD, 0, deadline), Wait::Changed);
    }
}

#[test]
fn a_wait_after_its_deadline_times_out_whatever_the_value() {
    static WORD: AtomicU32 = AtomicU32::new(1);
    let passed = Some(Instant::now());
    assert_eq!(
        [0, 1].map(|value| futex::wait(&WORD, value, passed)),
        [Wait::TimedOut; 2]
    );
}

#[test]
fn a_wait_does_not_time_out_before_its_deadline() {
    static WORD: AtomicU32 = AtomicU32::new(0);
    let (start, deadline) = (std::time::Instant::now(), Instant::now() + SHORT);
    while futex::wait(&WORD, 0, Some(deadline)) != Wait::TimedOut {}
    assert!(start.elapsed() >= SHORT && deadline.has_passed());
}

#[test]
fn a_wake_wakes_at_most_count_waiters_of_its_word_and_returns_their_number() {
    static WORD: AtomicU32 = AtomicU32::new(0);
    static OTHER: AtomicU32 = AtomicU32::new(0);
    let wake_none = || [0, 1, i32::MAX as u32, i32::MAX as u32 + 1, u32::MAX].map(|count| futex::wake(&OTHER, count));
    watchdog::run(|watch| {
        for round in 0..100 {
            let waiter = |n: usize| {
                watch.spawn(format!("waiter {n}"), move |role| {
                    // A signal may end a wait early.
                    while role.waits("futex::wait", || futex::wait(&WORD, 0, far()[n])) != Wait::Woken {}
                })
            };
            let waiters: Vec<_> = (0..3).map(waiter).collect();
            waiters.iter().for_each(|waiter| waiter.until_blocked());
            assert_eq!(wake_none(), [0; 5]);
            let mut left = 3;
            while left > 0 {
                // Fewer than `left` if a waiter has not blocked yet. The kernel would wake one when asked to wake none.
                let count = [1, 2, u32::MAX, 0][(round + left) % 4];
                let woken = futex::wake(&WORD, count);
                assert!(woken <= left.min(count as usize), "{woken} of {left} were woken");
                left -= woken;
                left -= futex::wake(&WORD, u32::from(count == 0));
            }
            waiters.into_iter().for_each(|waiter| waiter.join());
        }
    });
}

/// The conservation of a semaphore's permits and the hand-off of a lock depend on it.
#[test]
fn as_many_waits_are_woken_as_wakes_have_counted() {
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
        let (mut rng, mut counted) = (fastrand::Rng::with_seed(3), 0);
        while waiting.load(Relaxed) > 0 {
            counted += futex::wake(&WORD, rng.u32(1..3));
            (0..rng.u32(..2000)).for_each(|_| std::hint::spin_loop());
        }
        let woken: usize = waiters.into_iter().map(|waiter| waiter.join()).sum();
        assert_eq!(woken, counted);
        assert!(woken > 0, "no wake has met a waiter");
        assert!(woken < 2 * WAITS as usize, "no wait has timed out");
    });
}

#[test]
fn an_instant_counts_down() {
    let (now, hour) = (Instant::now(), Duration::from_secs(3600));
    assert!(now.has_passed() && now <= Instant::now());
    assert_eq!(now.remaining(), Some(Duration::ZERO));
    let later = now + hour;
    assert!(!later.has_passed() && now < later && later < later + hour);
    let left = later.remaining().unwrap();
    assert!(left <= hour && left > hour / 2, "{left:?}");
    assert_eq!((now + Duration::ZERO, now + hour + hour), (now, now + 2 * hour));
}

#[test]
fn an_instant_beyond_the_clock_never_passes() {
    let now = Instant::now();
    let never = now + Duration::MAX;
    assert!(!never.has_passed() && never > now + Duration::from_secs(1 << 40));
    assert_eq!(never.remaining(), None);
    for same in [
        never + Duration::MAX,
        never + Duration::ZERO,
        now + Duration::from_secs(u64::MAX),
    ] {
        assert_eq!(same, never);
    }
}

#[test]
fn no_two_threads_have_the_same_id() {
    let own = thread::id();
    let ids: Vec<_> = watchdog::run(|watch| {
        let spawn = |n| watch.spawn(format!("thread {n}"), |_| (thread::id(), thread::id()));
        let together: Vec<_> = (0..8).map(spawn).collect();
        let concurrent: Vec<_> = together.into_iter().map(|thread| thread.join()).collect();
        let sequential = (8..200).map(|n| spawn(n).join());
        concurrent.into_iter().chain(sequential).collect()
    });
    assert!(ids.iter().all(|(first, again)| first == again), "an id has changed");
    let different: HashSet<_> = ids.into_iter().map(|(id, _)| id).chain([own]).collect();
    assert_eq!((different.len(), thread::id()), (201, own));
}

#[test]
fn a_spin_ends_for_good_and_does_not_start_after_its_deadline() {
    for start in [Spin::for_lock, Spin::for_hand_off] {
        for deadline in far() {
            let mut spin = start(deadline);
            let polls = (0..10_000).take_while(|_| spin.again()).count();
            assert!((1..10_000).contains(&polls), "{polls} polls, {spin:?}");
            assert!(!spin.again());
        }
        assert!(!start(Some(Instant::now())).again());
    }
}

const_fn! {
    /// A constant.
    fn twice(n: u32) -> u32 { 2 * n }
}
const FOUR: u32 = twice(2);

#[test]
fn a_function_of_const_fn_serves_constants() {
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
