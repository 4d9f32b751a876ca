//! Each primitive under stress, all forms at once. Seeds are fixed; the orders are not.

use crate::forms::{Acquire, Form, come_by, wait_by, wait_while_by};
use crate::support::{PATIENCE, dawdle};
use crate::watchdog;
use fastrand::Rng;
use selvedge::{Barrier, BoundedSemaphore, Condition, Event, Instant, Lock, Mutex, Permit, RLock, Semaphore};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
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
                    let Some(outer) = role.waits(form.name(), || lock.acquire_by(form)) else {
                        continue;
                    };
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
                    let Some(permit) = role.waits(form.name(), || gate.acquire_by(form)) else {
                        continue;
                    };
                    assert!(
                        inside.fetch_add(1, Relaxed) < PERMITS,
                        "more are inside than there are permits"
                    );
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
                        _ => role
                            .waits("wait_deadline", || event.wait_deadline(Instant::now() + Duration::MAX))
                            .unwrap(),
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

/// Laws C2 and C3: as many waits succeed as were notified, whoever's time is over meanwhile.
#[test]
fn as_many_waits_succeed_as_are_notified() {
    const WAITS: u32 = 2_000;
    let (lock, condition, waiting) = (RLock::new(), Condition::new(), AtomicU32::new(4));
    watchdog::run(|watch| {
        let (lock, condition, waiting) = (&lock, &condition, &waiting);
        let waiter = |seed| {
            watch.spawn(format!("waiter {seed}"), move |role| {
                let mut rng = Rng::with_seed(seed);
                let mut wait = |_: &_| {
                    let mut levels = vec![lock.acquire()];
                    (0..rng.u8(..3)).for_each(|_| levels.push(lock.acquire()));
                    // Long enough to sleep, now and then, and not only to spin.
                    let form = Form::random_wait(&mut rng, 8 * PATIENCE);
                    let notified = role.waits("a wait", || wait_by(condition, &mut levels[0], form));
                    assert_eq!(lock.depth() as usize, levels.len());
                    notified
                };
                let succeeded = (0..WAITS).filter(|n| wait(n)).count();
                waiting.fetch_sub(1, Relaxed);
                succeeded
            })
        };
        let notifier = |seed| {
            watch.spawn(format!("notifier {seed}"), move |_| {
                let mut rng = Rng::with_seed(seed);
                let mut notified = 0;
                while waiting.load(Relaxed) > 0 {
                    let held = rng.bool().then(|| lock.acquire());
                    notified += match rng.u8(..3) {
                        0 => usize::from(condition.notify_one()),
                        1 => condition.notify(rng.usize(..4)),
                        _ => condition.notify_all(),
                    };
                    drop(held);
                    dawdle(&mut rng);
                }
                notified
            })
        };
        let (waiters, notifiers) = ([0, 1, 2, 3].map(waiter), [4, 5].map(notifier));
        let succeeded: usize = waiters.into_iter().map(|waiter| waiter.join()).sum();
        let notified: usize = notifiers.into_iter().map(|notifier| notifier.join()).sum();
        assert_eq!(succeeded, notified);
        assert!(succeeded > 0, "nobody was notified");
        assert!(succeeded < 4 * WAITS as usize, "nobody's time was over");
    });
    assert_eq!(condition.notify_all(), 0, "somebody has left himself in line");
}

/// Producers and consumers with little patience; the consumers of the last items have enough. Whoever has changed the
/// buffer says so to those who wait for that, by `filled` and `drained`.
fn every_item_goes_from_a_producer_to_a_consumer(
    (not_empty, not_full): (&Condition, &Condition),
    filled: impl Fn() + Sync,
    drained: impl Fn() + Sync,
) {
    const ITEMS: usize = 3_000; // of each of three
    const ROOM: usize = 2;
    let (buffer, taken) = (Mutex::new(VecDeque::new()), AtomicUsize::new(0));
    let received = watchdog::run(|watch| {
        let (buffer, taken, filled, drained) = (&buffer, &taken, &filled, &drained);
        for seed in 0..3 {
            watch.spawn(format!("producer {seed}"), move |role| {
                let mut rng = Rng::with_seed(seed as u64);
                for item in 0..ITEMS {
                    loop {
                        let form = Form::random_wait(&mut rng, PATIENCE);
                        let mut items = buffer.acquire();
                        let is_full = || wait_while_by(not_full, &mut items, form, |items| items.len() == ROOM);
                        if role.waits("not_full", is_full) {
                            items.push_back(seed * ITEMS + item);
                            break;
                        }
                    }
                    filled();
                    dawdle(&mut rng);
                }
            });
        }
        let consumer = |seed| {
            watch.spawn(format!("consumer {seed}"), move |role| {
                let mut rng = Rng::with_seed(seed);
                let mut received = Vec::new();
                while taken.fetch_add(1, Relaxed) < 3 * ITEMS {
                    loop {
                        let form = Form::random_wait(&mut rng, PATIENCE);
                        let mut items = buffer.acquire();
                        if role.waits("not_empty", || {
                            wait_while_by(not_empty, &mut items, form, |items| items.is_empty())
                        }) {
                            received.extend(items.pop_front());
                            break;
                        }
                    }
                    drained();
                }
                received
            })
        };
        [10, 11, 12, 13].map(consumer).map(|consumer| consumer.join())
    });
    for items in &received {
        let of = |producer| items.iter().copied().filter(move |item| item / ITEMS == producer);
        assert!(
            (0..3).all(|producer| of(producer).is_sorted()),
            "one overtook another of the same producer"
        );
    }
    let mut all = received.concat();
    all.sort();
    assert!(all.into_iter().eq(0..3 * ITEMS), "an item was lost, or received twice");
    assert_eq!((not_empty.notify_all(), not_full.notify_all()), (0, 0));
}

#[test]
fn one_notification_an_item_is_enough_with_two_conditions() {
    let (not_empty, not_full) = (Condition::new(), Condition::new());
    let tell = |condition: &Condition| _ = condition.notify_one();
    every_item_goes_from_a_producer_to_a_consumer((&not_empty, &not_full), || tell(&not_empty), || tell(&not_full));
}

#[test]
fn producers_and_consumers_may_share_a_condition() {
    let changed = Condition::new();
    let tell = || _ = changed.notify_all();
    every_item_goes_from_a_producer_to_a_consumer((&changed, &changed), tell, tell);
}

/// Timeouts, aborts, resets and panics of the action at random: laws B4, B5 and B8.
fn each_round_passes_whole_or_not_at_all(threads: usize, parties: usize) {
    const ROUNDS: usize = 500;
    let (passed, working) = (AtomicUsize::new(0), AtomicUsize::new(threads));
    let (indexes, turned_away) = ([const { AtomicUsize::new(0) }; 8], AtomicUsize::new(0));
    let mut rng = Rng::with_seed(0);
    let barrier = Barrier::with_action(parties, || {
        dawdle(&mut rng);
        if rng.u8(..16) == 0 {
            resume_unwind(Box::new("an action that fails"));
        }
        passed.fetch_add(1, Relaxed);
    });
    watchdog::run(|watch| {
        let (barrier, passed, working) = (&barrier, &passed, &working);
        for seed in 0..threads as u64 {
            let (indexes, turned_away) = (&indexes, &turned_away);
            watch.spawn(format!("party {seed}"), move |role| {
                let mut rng = Rng::with_seed(seed);
                let mut turns = 0;
                while passed.load(Relaxed) < ROUNDS {
                    let hasty = rng.u8(..4) == 0; // or hardly any round passes
                    let form = if hasty {
                        Form::random_wait(&mut rng, 8 * PATIENCE)
                    } else {
                        Form::Plain
                    };
                    let come = AssertUnwindSafe(|| come_by(barrier, form));
                    if let Ok(Ok(turn)) = role.waits("a wait", || catch_unwind(come)) {
                        assert_eq!(turn.is_leader, turn.index + 1 == parties);
                        indexes[turn.index].fetch_add(1, Relaxed);
                        turns += 1;
                        // No round passes without us; so, if we have not passed in each, one was torn.
                        assert!(threads > parties || passed.load(Relaxed) == turns);
                    } else {
                        turned_away.fetch_add(1, Relaxed);
                        if rng.bool() {
                            barrier.reset();
                        }
                    }
                    dawdle(&mut rng);
                }
                working.fetch_sub(1, Relaxed);
            });
        }
        watch.spawn("troublemaker", move |_| {
            let mut rng = Rng::with_seed(99);
            while working.load(Relaxed) > 0 {
                (0..16).for_each(|_| dawdle(&mut rng));
                // In the end there may be too few for a round.
                if passed.load(Relaxed) >= ROUNDS || rng.bool() {
                    barrier.abort()
                } else {
                    barrier.reset()
                }
            }
        });
    });
    let passed = passed.into_inner();
    for index in indexes.into_iter().take(parties) {
        assert_eq!(index.into_inner(), passed);
    }
    assert!(turned_away.into_inner() > 0, "nobody made trouble");
}

#[test]
fn as_many_threads_as_parties_pass_each_round_whole_or_not_at_all() {
    each_round_passes_whole_or_not_at_all(2, 2);
    each_round_passes_whole_or_not_at_all(4, 4);
}

#[test]
fn more_threads_than_parties_pass_each_round_whole_or_not_at_all() {
    each_round_passes_whole_or_not_at_all(5, 2);
    each_round_passes_whole_or_not_at_all(7, 3);
}
