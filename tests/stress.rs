//! Each primitive under stress, all forms at once. Seeds are fixed; the orders are not.

use crate::forms::{Acquire, Form};
use crate::support::{PATIENCE, dawdle};
use crate::watchdog;
use fastrand::Rng;
use selvedge::{BoundedSemaphore, Event, Instant, Lock, Mutex, Permit, RLock, Semaphore};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A counter that only its holder may change: what one holder did is lost if the next does not see it.
#[derive(Default)]
struct Guarded {
    inside: AtomicBool,
    total: AtomicU64,
}

impl Guarded {
    fn enter(&self, rng: &mut Rng) {
        assert!(!self.inside.swap(true, Relaxed), "two are inside");
        let before = self.total.load(Relaxed);
        dawdle(rng);
        self.total.store(before + 1, Relaxed);
        self.inside.store(false, Relaxed);
    }
}

fn one_at_a_time<L: Acquire>(it: &L) {
    let guarded = Guarded::default();
    let taken: u64 = watchdog::run(|watch| {
        let worker = |seed| {
            let guarded = &guarded;
            watch.spawn(format!("worker {seed}"), move |role| {
                let mut rng = Rng::with_seed(seed);
                let mut taken = 0;
                for _ in 0..1_000 {
                    let form = Form::random(&mut rng, PATIENCE);
                    if let Some(_held) = role.waits(form.name(), || it.acquire_by(form)) {
                        guarded.enter(&mut rng);
                        taken += 1;
                    }
                    dawdle(&mut rng);
                }
                taken
            })
        };
        let workers: Vec<_> = (0..6).map(worker).collect();
        workers.into_iter().map(|worker| worker.join()).sum()
    });
    assert_eq!(guarded.total.into_inner(), taken);
    assert!(it.acquire_by(Form::Try).is_some(), "somebody has left it held");
}

#[test]
fn a_lock_has_one_holder_at_a_time() {
    one_at_a_time(&Lock::new());
}

#[test]
fn a_mutex_has_one_holder_at_a_time() {
    one_at_a_time(&Mutex::new(()));
}

#[test]
fn an_rlock_has_one_owner_at_a_time() {
    one_at_a_time(&RLock::new());
}

#[test]
fn a_semaphore_of_one_has_one_holder_at_a_time() {
    one_at_a_time(&Semaphore::new(1));
}

#[test]
fn a_bounded_semaphore_of_one_has_one_holder_at_a_time() {
    one_at_a_time(&BoundedSemaphore::new(1));
}

#[test]
fn an_rlock_excludes_others_at_every_depth() {
    let (lock, guarded) = (RLock::new(), Guarded::default());
    let entries: u64 = watchdog::run(|watch| {
        let owner = |seed| {
            let (lock, guarded) = (&lock, &guarded);
            watch.spawn(format!("owner {seed}"), move |role| {
                let mut rng = Rng::with_seed(seed);
                let mut entries = 0;
                for _ in 0..1_000 {
                    let form = Form::random(&mut rng, PATIENCE);
                    let Some(outer) = role.waits(form.name(), || lock.acquire_by(form)) else { continue };
                    let mut levels = vec![outer];
                    for _ in 0..20 {
                        guarded.enter(&mut rng);
                        entries += 1;
                        if rng.bool() {
                            let form = Form::random(&mut rng, PATIENCE);
                            levels.push(lock.acquire_by(form).expect("it is our own"));
                        } else if levels.len() > 1 {
                            drop(levels.swap_remove(rng.usize(..levels.len())));
                        }
                        assert_eq!(lock.depth() as usize, levels.len());
                    }
                }
                assert_eq!(lock.depth(), 0);
                entries
            })
        };
        let owners: Vec<_> = (0..4).map(owner).collect();
        owners.into_iter().map(|owner| owner.join()).sum()
    });
    assert_eq!(guarded.total.into_inner(), entries);
    assert!(!lock.is_locked());
}

/// Laws S1 and S2: at most `PERMITS` are inside, and in the end as many are there as in the beginning.
fn permits_are_conserved<'a, S: Acquire<Guard<'a> = Permit<'a>>>(gate: &'a S, release_one: impl Fn() + Sync) {
    let inside = AtomicU32::new(0);
    watchdog::run(|watch| {
        let worker = |seed| {
            let (inside, release_one) = (&inside, &release_one);
            watch.spawn(format!("worker {seed}"), move |role| {
                let mut rng = Rng::with_seed(seed);
                for _ in 0..1_000 {
                    let form = Form::random(&mut rng, PATIENCE);
                    let Some(permit) = role.waits(form.name(), || gate.acquire_by(form)) else { continue };
                    assert!(inside.fetch_add(1, Relaxed) < PERMITS, "more are inside than there are permits");
                    dawdle(&mut rng);
                    inside.fetch_sub(1, Relaxed);
                    if rng.bool() {
                        drop(permit);
                    } else {
                        permit.forget();
                        release_one();
                    }
                }
            })
        };
        let workers: Vec<_> = (0..8).map(worker).collect();
        workers.into_iter().for_each(|worker| worker.join());
    });
}

const PERMITS: u32 = 3;

#[test]
fn a_semaphore_conserves_its_permits() {
    let gate = Semaphore::new(PERMITS);
    permits_are_conserved(&gate, || assert_eq!(gate.release(1), Ok(())));
    assert_eq!(gate.available(), PERMITS);
}

#[test]
fn a_bounded_semaphore_conserves_its_permits() {
    let gate = BoundedSemaphore::new(PERMITS);
    permits_are_conserved(&gate, || assert_eq!(gate.release(1), Ok(())));
    assert_eq!(gate.available(), PERMITS);
}

/// Permits come in handfuls from those who never took any.
#[test]
fn as_many_acquires_succeed_as_permits_are_released() {
    const EACH: u32 = 3_000;
    let semaphore = Semaphore::new(0);
    watchdog::run(|watch| {
        let semaphore = &semaphore;
        let takers: Vec<_> = (0..4)
            .map(|seed| {
                watch.spawn(format!("taker {seed}"), move |role| {
                    let mut rng = Rng::with_seed(seed);
                    let mut taken = 0;
                    while taken < EACH {
                        let form = Form::random(&mut rng, PATIENCE);
                        if let Some(permit) = role.waits(form.name(), || semaphore.acquire_by(form)) {
                            permit.forget();
                            taken += 1;
                        }
                    }
                })
            })
            .collect();
        for seed in 0..2 {
            watch.spawn(format!("releaser {seed}"), move |_| {
                let mut rng = Rng::with_seed(seed);
                let mut left = 2 * EACH;
                while left > 0 {
                    let count = rng.u32(0..4).min(left);
                    semaphore.release(count).unwrap();
                    left -= count;
                    dawdle(&mut rng);
                }
            });
        }
        takers.into_iter().for_each(|taker| taker.join());
    });
    assert_eq!(semaphore.available(), 0);
}

/// Everybody sets, clears and waits as he likes; in the end it is set, and so everybody ends.
#[test]
fn set_clear_and_wait_race_and_nobody_stays_asleep() {
    const PASSES: u32 = 2_000;
    let (event, waiting) = (Event::new(), AtomicU32::new(4));
    watchdog::run(|watch| {
        let (event, waiting) = (&event, &waiting);
        for seed in 0..4 {
            watch.spawn(format!("waiter {seed}"), move |role| {
                let mut rng = Rng::with_seed(seed);
                for _ in 0..PASSES {
                    match rng.u8(..3) {
                        0 => role.waits("wait", || event.wait()),
                        1 => {
                            let patience = PATIENCE.mul_f32(rng.f32());
                            let _either = role.waits("wait_timeout", || event.wait_timeout(patience));
                        }
                        _ => {
                            role.waits("wait_deadline", || event.wait_deadline(Instant::now() + Duration::MAX)).unwrap()
                        }
                    }
                    dawdle(&mut rng);
                }
                waiting.fetch_sub(1, Relaxed);
            });
        }
        for seed in 0..2 {
            watch.spawn(format!("setter {seed}"), move |_| {
                let mut rng = Rng::with_seed(seed);
                while waiting.load(Relaxed) > 0 {
                    event.set();
                    dawdle(&mut rng);
                    event.clear(); // at once, more often than not
                    dawdle(&mut rng);
                }
            });
        }
    });
    assert!(!event.is_set());
    assert!(event.wait_timeout(Duration::from_millis(1)).is_err());
}
