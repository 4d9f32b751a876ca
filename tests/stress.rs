//! Each primitive under stress, in random forms. Seeds are fixed; interleavings are not.

use crate::forms::{Acquire, Form, barrier_wait_by, wait_by};
use crate::support::{STRESS_TIMEOUT, random_delay};
use crate::watchdog::{self, Role};
use fastrand::Rng;
use selvedge::{Barrier, BoundedSemaphore, Condition, Permit, RLock, Semaphore};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Runs `body` on `count` threads with a generator each; their results.
fn threads<T: Send>(name: &str, count: u64, body: impl Fn(&Role, &mut Rng) -> T + Sync) -> Vec<T> {
    watchdog::run(|watch| {
        let thread = |seed| {
            let body = &body;
            watch.spawn(format!("{name} {seed}"), move |role| {
                body(role, &mut Rng::with_seed(seed))
            })
        };
        let threads: Vec<_> = (0..count).map(thread).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    })
}

/// A counter that only the holder may change: a Relaxed update is lost unless the next holder sees it.
#[derive(Default)]
struct Guarded {
    is_held: AtomicBool,
    total: AtomicU64,
}

impl Guarded {
    fn enter(&self, rng: &mut Rng) {
        assert!(!self.is_held.swap(true, Relaxed), "it has two holders");
        let before = self.total.load(Relaxed);
        random_delay(rng);
        self.total.store(before + 1, Relaxed);
        self.is_held.store(false, Relaxed);
    }
}

/// A property of [`forms::laws`](crate::forms::laws).
pub fn it_has_one_holder_at_a_time_under_stress<L: Acquire>(it: &L) {
    let guarded = Guarded::default();
    let acquired = threads("worker", 6, |role, rng| {
        let mut acquire = || {
            let form = Form::random(rng, STRESS_TIMEOUT);
            let held = role.waits("an acquire", || it.acquire_by(form));
            held.iter().for_each(|_| guarded.enter(rng));
            let success = held.is_some();
            drop(held);
            random_delay(rng);
            success
        };
        (0..1_000).filter(|_| acquire()).count()
    });
    assert_eq!(guarded.total.into_inner(), acquired.iter().sum::<usize>() as u64);
    assert!(it.acquire_by(Form::Try).is_some(), "a thread has left it held");
}

/// Laws S1 and S2: never more holders than permits, and all permits are returned.
#[test]
fn semaphores_conserve_their_permits() {
    fn conserves<'a, S: Acquire<Guard<'a> = Permit<'a>>>(semaphore: &'a S, release: impl Fn() + Sync) {
        let holders = AtomicU32::new(0);
        threads("worker", 8, |role, rng| {
            for _ in 0..1_000 {
                let form = Form::random(rng, STRESS_TIMEOUT);
                let Some(permit) = role.waits("an acquire", || semaphore.acquire_by(form)) else {
                    continue;
                };
                assert!(holders.fetch_add(1, Relaxed) < PERMITS, "more holders than permits");
                random_delay(rng);
                holders.fetch_sub(1, Relaxed);
                if rng.bool() {
                    drop(permit);
                } else {
                    permit.forget();
                    release();
                }
            }
        });
    }
    const PERMITS: u32 = 3;
    let (semaphore, bounded) = (Semaphore::new(PERMITS), BoundedSemaphore::new(PERMITS));
    conserves(&semaphore, || semaphore.release(1).unwrap());
    conserves(&bounded, || bounded.release(1).unwrap());
    assert_eq!((semaphore.available(), bounded.available()), (PERMITS, PERMITS));
}

/// Laws C2 and C3: a wait that times out consumes no notification.
#[test]
fn as_many_waits_succeed_as_are_notified() {
    const WAITS: usize = 2_000;
    let (lock, condition) = (RLock::new(), Condition::new());
    let (roles, waiting) = (AtomicU32::new(0), AtomicU32::new(4));
    let counts = threads("thread", 6, |role, rng| {
        if roles.fetch_add(1, Relaxed) < 4 {
            let mut wait = || {
                let mut levels: Vec<_> = (0..rng.u8(1..4)).map(|_| lock.acquire()).collect();
                // Long enough to block, now and then, and not only to spin.
                let form = Form::random_wait(rng, 8 * STRESS_TIMEOUT);
                let notified = role.waits("a wait", || wait_by(&condition, &mut levels[0], form));
                assert_eq!(lock.depth() as usize, levels.len());
                notified
            };
            let succeeded = (0..WAITS).filter(|_| wait()).count();
            waiting.fetch_sub(1, Relaxed);
            return [succeeded, 0];
        }
        let mut notified = 0;
        while waiting.load(Relaxed) > 0 {
            let held = rng.bool().then(|| lock.acquire());
            notified += match rng.u8(..3) {
                0 => usize::from(condition.notify_one()),
                1 => condition.notify(rng.usize(..4)),
                _ => condition.notify_all(),
            };
            drop(held);
            random_delay(rng);
        }
        [0, notified]
    });
    let [succeeded, notified] = [0, 1].map(|kind| counts.iter().map(|count| count[kind]).sum::<usize>());
    assert_eq!(succeeded, notified);
    assert!(succeeded > 0, "no waiter was notified");
    assert!(succeeded < 4 * WAITS, "no wait timed out");
    assert_eq!(condition.notify_all(), 0, "a waiter has remained in the queue");
}

/// Laws B4, B5 and B8, with random timeouts, aborts, resets and panics of the action.
fn each_generation_passes_whole_or_not_at_all(threads: usize, parties: usize) {
    const GENERATIONS: usize = 500;
    let (passed, working) = (AtomicUsize::new(0), AtomicUsize::new(threads));
    let (indexes, broken) = ([const { AtomicUsize::new(0) }; 8], AtomicUsize::new(0));
    let mut rng = Rng::with_seed(0);
    let barrier = Barrier::with_action(parties, || {
        random_delay(&mut rng);
        if rng.u8(..16) == 0 {
            resume_unwind(Box::new("an action that fails"));
        }
        passed.fetch_add(1, Relaxed);
    });
    let (roles, done) = (AtomicUsize::new(0), || passed.load(Relaxed) >= GENERATIONS);
    self::threads("party", threads as u64 + 1, |role, rng| {
        if roles.fetch_add(1, Relaxed) == threads {
            // Breaks the barrier; in the end for good, since too few threads may be left for a generation.
            while working.load(Relaxed) > 0 {
                (0..16).for_each(|_| random_delay(rng));
                let breaks = done() || rng.bool();
                if breaks { barrier.abort() } else { barrier.reset() }
            }
            return;
        }
        let mut turns = 0;
        while !done() {
            let timed = rng.u8(..4) == 0; // or hardly any generation passes
            let form = if timed {
                Form::random_wait(rng, 8 * STRESS_TIMEOUT)
            } else {
                Form::Plain
            };
            let wait = AssertUnwindSafe(|| barrier_wait_by(&barrier, form));
            if let Ok(Ok(turn)) = role.waits("a wait", || catch_unwind(wait)) {
                assert_eq!(turn.is_leader, turn.index + 1 == parties);
                indexes[turn.index].fetch_add(1, Relaxed);
                turns += 1;
                // No generation passes without this thread: if it has not passed in each, one was torn.
                assert!(threads > parties || passed.load(Relaxed) == turns);
            } else {
                broken.fetch_add(1, Relaxed);
                if rng.bool() {
                    barrier.reset();
                }
            }
            random_delay(rng);
        }
        working.fetch_sub(1, Relaxed);
    });
    let passed = passed.load(Relaxed);
    assert!(indexes.iter().take(parties).all(|index| index.load(Relaxed) == passed));
    assert!(broken.into_inner() > 0, "no wait has failed");
}

#[test]
fn each_generation_of_a_barrier_passes_whole_or_not_at_all() {
    each_generation_passes_whole_or_not_at_all(2, 2);
    each_generation_passes_whole_or_not_at_all(4, 4);
}

#[test]
fn each_generation_of_more_threads_than_parties_passes_whole_or_not_at_all() {
    each_generation_passes_whole_or_not_at_all(5, 2);
    each_generation_passes_whole_or_not_at_all(7, 3);
}
