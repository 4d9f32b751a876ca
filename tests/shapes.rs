//! The shapes in which peers broke, and races with a deadline: many rounds, so that both orders occur.

use crate::forms::{Acquire, Form, come_by, wait_while_by};
use crate::in_line::{LEADER, Post, all_passed, line_up};
use crate::support::Line;
use crate::watchdog;
use fastrand::Rng;
use selvedge::backend::futex;
use selvedge::sync::WaitError;
use selvedge::{Barrier, Condition, Event, Instant, Lock, Mutex, Semaphore, Turn};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::thread::yield_now;
use std::time::Duration;

/// crossfire's shape: four hand over to four through room for one. Its threads stalled for seconds, spinning
/// for a claim whose owner was off the processor. What is handed over is published by the release alone.
pub fn four_hand_over_to_four(
    take_room: impl Fn() + Sync,
    give_item: impl Fn() + Sync,
    take_item: impl Fn() + Sync,
    give_room: impl Fn() + Sync,
) {
    const EACH: u64 = 1_500;
    let room = AtomicU64::new(0);
    let received: u64 = watchdog::run(|watch| {
        let (room, take_room, give_item, take_item, give_room) =
            (&room, &take_room, &give_item, &take_item, &give_room);
        for n in 0..4 {
            watch.spawn(format!("putter {n}"), move |role| {
                for item in 1..=EACH {
                    role.waits("taking the room", take_room);
                    assert_eq!(room.load(Relaxed), 0, "put upon another item");
                    room.store(item, Relaxed);
                    give_item();
                }
            });
        }
        let getter = |n| {
            watch.spawn(format!("getter {n}"), move |role| {
                let get = |_| {
                    role.waits("taking an item", take_item);
                    let item = room.load(Relaxed);
                    assert_ne!(item, 0, "got nothing");
                    room.store(0, Relaxed);
                    give_room();
                    item
                };
                (0..EACH).map(get).sum::<u64>()
            })
        };
        let getters: Vec<_> = (0..4).map(getter).collect();
        getters.into_iter().map(|getter| getter.join()).sum()
    });
    assert_eq!(received, 4 * EACH * (EACH + 1) / 2);
}

#[test]
fn four_hand_over_to_four_by_semaphores() {
    let (rooms, items) = (Semaphore::new(1), Semaphore::new(0));
    four_hand_over_to_four(
        || rooms.acquire().forget(),
        || items.release(1).unwrap(),
        || items.acquire().forget(),
        || rooms.release(1).unwrap(),
    );
    assert_eq!((rooms.available(), items.available()), (1, 0));
}

#[test]
fn four_hand_over_to_four_by_locks_that_others_release() {
    let (full, empty) = (Lock::new(), Lock::new());
    empty.acquire().forget();
    // Each lock is held while what it stands for is not there.
    four_hand_over_to_four(
        || full.acquire().forget(),
        || empty.release().unwrap(),
        || empty.acquire().forget(),
        || full.release().unwrap(),
    );
    assert!(!full.is_locked() && empty.is_locked());
}

#[test]
fn four_hand_over_to_four_by_conditions() {
    let (room, item, freed, given) = (Mutex::new(true), Mutex::new(false), Condition::new(), Condition::new());
    let take = |there: &Mutex<bool>, condition: &Condition| {
        let mut there = there.acquire();
        condition.wait_while(&mut there, |there| !**there);
        *there = false;
    };
    let give = |there: &Mutex<bool>, condition: &Condition| {
        *there.acquire() = true;
        condition.notify_one();
    };
    four_hand_over_to_four(
        || take(&room, &freed),
        || give(&item, &given),
        || take(&item, &given),
        || give(&room, &freed),
    );
    assert_eq!((room.into_inner(), item.into_inner()), (true, false));
}

/// A wake on the primitive's word by somebody who knows it of old, as when its memory was another's before.
fn stray_wake<T: Sync>(it: &T) -> usize {
    const { assert!(size_of::<T>() == size_of::<AtomicU32>() && align_of::<T>() == align_of::<AtomicU32>()) }
    // SAFETY: it is one atomic word; and nobody reads it here, for a wake needs the address alone.
    let word = unsafe { &*std::ptr::from_ref(it).cast::<AtomicU32>() };
    futex::wake(word, u32::MAX)
}

/// Wakes promise nothing: whoever waits decides by state.
fn a_stray_wake_is_slept_through<T: Sync>(it: &T, wait: impl Fn() + Sync, release: impl Fn()) {
    let released = AtomicBool::new(false);
    watchdog::run(|watch| {
        let (wait, released) = (&wait, &released);
        let waiter = watch.spawn("waiter", move |role| {
            role.waits("any wait", wait);
            assert!(released.load(Relaxed), "a stray wake was taken for a release");
        });
        for _ in 0..20 {
            waiter.until_asleep();
            while stray_wake(it) == 0 {
                yield_now();
            }
        }
        waiter.until_asleep();
        released.store(true, Relaxed);
        release();
        waiter.join();
    });
}

#[test]
fn a_stray_wake_frees_no_lock() {
    let lock = Lock::new();
    for form in [Form::Plain, Form::Deadline(Duration::MAX)] {
        lock.acquire().forget();
        let acquire = || drop(lock.acquire_by(form).expect("it waits for ever"));
        a_stray_wake_is_slept_through(&lock, acquire, || lock.release().unwrap());
    }
}

#[test]
fn a_stray_wake_brings_no_permit() {
    let semaphore = Semaphore::new(0);
    for form in [Form::Plain, Form::Deadline(Duration::MAX)] {
        let acquire = || semaphore.acquire_by(form).expect("it waits for ever").forget();
        a_stray_wake_is_slept_through(&semaphore, acquire, || semaphore.release(1).unwrap());
    }
}

#[test]
fn a_stray_wake_sets_no_event() {
    let event = Event::new();
    a_stray_wake_is_slept_through(&event, || event.wait(), || event.set());
    event.clear();
    let for_ever = Instant::now() + Duration::MAX;
    a_stray_wake_is_slept_through(&event, || event.wait_deadline(for_ever).unwrap(), || event.set());
}

/// Law E2 in a hail of clears, any of which may meet the one `set` half way.
#[cfg(target_os = "linux")]
#[test]
fn a_clear_undoes_no_set_that_somebody_slept_for() {
    let (event, clearing) = (Event::new(), AtomicBool::new(true));
    watchdog::run(|watch| {
        let (event, clearing) = (&event, &clearing);
        watch.spawn("clearer", move |_| {
            while clearing.load(Relaxed) {
                (0..100).for_each(|_| event.clear());
                yield_now();
            }
        });
        for _ in 0..30 {
            event.clear();
            let waiter = watch.spawn("waiter", move |role| role.waits("wait", || event.wait()));
            waiter.until_asleep();
            event.set();
            waiter.join();
        }
        clearing.store(false, Relaxed);
    });
}

/// A moment near which things shall happen; whoever waits for it leaves the processor to others till then.
#[derive(Clone, Copy)]
pub struct Aim(std::time::Instant);

impl Aim {
    pub fn in_micros(micros: u64) -> Aim {
        Aim(std::time::Instant::now() + Duration::from_micros(micros))
    }

    fn left(self) -> Duration {
        self.0.saturating_duration_since(std::time::Instant::now())
    }

    pub fn reach(self) {
        while self.left() > Duration::from_micros(30) {
            yield_now();
        }
        while !self.left().is_zero() {
            std::hint::spin_loop();
        }
    }
}

/// Whom a release chose must not leave because its time is over meanwhile: the lock would be free, and the other
/// asleep. The hasty one goes to sleep first, and is released when its time ends or a little later: the system
/// is in no hurry to end a sleep.
fn a_timeout_never_swallows_a_release<L: Acquire>(it: &L) {
    const ROUNDS: u32 = 200;
    const PATIENCE: u64 = 1_000;
    let line = Line::new(3);
    watchdog::run(|watch| {
        let line = &line;
        watch.spawn("hasty", move |role| {
            for _ in 0..ROUNDS {
                line.cross();
                let form = Form::Deadline(Duration::from_micros(PATIENCE));
                drop(role.waits("acquire_deadline", || it.acquire_by(form)));
                line.cross();
            }
        });
        watch.spawn("patient", move |role| {
            for _ in 0..ROUNDS {
                line.cross();
                Aim::in_micros(PATIENCE / 2).reach();
                assert!(role.waits("acquire", || it.acquire_by(Form::Plain)).is_some());
                line.cross();
            }
        });
        let mut rng = Rng::with_seed(0);
        for _ in 0..ROUNDS {
            let held = it.acquire_by(Form::Plain);
            line.cross();
            Aim::in_micros(PATIENCE + rng.u64(..80) - 20).reach();
            drop(held);
            line.cross();
        }
    });
    assert!(it.acquire_by(Form::Try).is_some());
}

#[test]
fn a_timeout_never_swallows_a_release_of_a_lock() {
    a_timeout_never_swallows_a_release(&Lock::new());
}

#[test]
fn a_timeout_never_swallows_a_release_of_a_semaphore() {
    a_timeout_never_swallows_a_release(&Semaphore::new(1));
}

/// When to come for the moment at which the time of another, who sleeps, ends: a little after its deadline, as late as
/// the system lets it sleep. Each round that was in time is followed by a later one, and each that was not by an earlier.
pub struct Brink {
    pub deadline: Instant,
    pub aim: Aim,
    lag: u64,
}

impl Brink {
    pub const PATIENCE: u64 = 1_000; // µs, of which a spin takes some hundred

    pub fn new() -> Brink {
        Brink {
            deadline: Instant::now(),
            aim: Aim::in_micros(0),
            lag: 0,
        }
    }

    pub fn set(&mut self) {
        self.aim = Aim::in_micros(Brink::PATIENCE + self.lag);
        self.deadline = Instant::now() + Duration::from_micros(Brink::PATIENCE);
    }

    pub fn learn(&mut self, was_in_time: bool) {
        self.lag = if was_in_time {
            self.lag + 7
        } else {
            self.lag.saturating_sub(5)
        };
    }
}

/// Hazard A: CPython's timed wait can return in vain and consume a notification all the same, and the other sleeps for
/// ever. The hasty one stands first in line. Laws C2 and C3.
#[test]
fn a_timeout_never_swallows_a_notification() {
    watchdog::run(|watch| {
        let (mut brink, mut in_time) = (Brink::new(), 0);
        let rounds = (1..).find(|round| {
            let post: &'static Post = Box::leak(Box::default());
            brink.set();
            let deadline = brink.deadline;
            let hasty = watch.spawn("hasty", move |role| {
                role.waits("a timed wait", || post.wait_deadline(deadline))
            });
            watch.until("the hasty one", || *post.came.acquire() == 1);
            let patient = watch.spawn("patient", |role| role.waits("a wait", || post.wait(Form::Plain)));
            watch.until("the patient one", || *post.came.acquire() == 2);
            brink.aim.reach();
            assert!(post.condition.notify_one());
            let was_notified = hasty.join();
            assert_eq!(
                post.condition.notify_one(),
                was_notified,
                "the notification was lost, or served twice"
            );
            assert!(patient.join());
            brink.learn(was_notified);
            in_time += u32::from(was_notified);
            *round >= 300 && (1..*round).contains(&in_time) // both ends have occurred
        });
        assert!(rounds.is_some());
    });
}

/// Law B8: the last party comes when the other's time ends.
#[test]
fn a_timeout_never_tears_a_round() {
    let barrier = Barrier::new(2);
    watchdog::run(|watch| {
        let (barrier, mut brink, mut passed) = (&barrier, Brink::new(), 0);
        let rounds = (1..).find(|round| {
            brink.set();
            let deadline = brink.deadline;
            let hasty = watch.spawn("hasty", move |role| {
                role.waits("a timed wait", || barrier.wait_deadline(deadline))
            });
            watch.until("the hasty one", || barrier.waiting() == 1 || barrier.is_broken());
            brink.aim.reach();
            let turn = come_by(barrier, Form::Plain);
            if turn == LEADER(1) {
                assert_eq!(
                    hasty.join(),
                    Ok(Turn {
                        index: 0,
                        is_leader: false
                    })
                );
                passed += 1;
            } else {
                assert_eq!((turn, hasty.join()), (Err(WaitError::Broken), Err(WaitError::TimedOut)));
                barrier.reset();
            }
            brink.learn(turn.is_ok());
            *round >= 300 && (1..*round).contains(&passed) // both ends have occurred
        });
        assert!(rounds.is_some());
        let other = line_up(watch, barrier, [Form::Plain]);
        assert_eq!(come_by(barrier, Form::Plain), LEADER(1));
        all_passed(other);
    });
}

/// Law E4: a wait is in vain only if the event was not set in time. So many wait that the last to be woken run
/// after their deadline, which the setter aims to meet just before.
#[test]
fn a_wait_is_not_in_vain_if_the_event_was_set_before_the_deadline() {
    const ROUNDS: usize = 200;
    const WAITERS: u32 = 6;
    let (line, event, deadline) = (Line::new(WAITERS + 1), Event::new(), Mutex::new(Instant::now()));
    watchdog::run(|watch| {
        let (line, event, deadline) = (&line, &event, &deadline);
        let waiter = |n| {
            watch.spawn(format!("waiter {n}"), move |role| {
                let wait = |_| {
                    line.cross();
                    let end = *deadline.acquire();
                    let waited = role.waits("wait_deadline", || event.wait_deadline(end));
                    line.cross();
                    waited.is_ok()
                };
                (0..ROUNDS).map(wait).collect::<Vec<_>>()
            })
        };
        let waiters: Vec<_> = (0..WAITERS).map(waiter).collect();
        let mut ahead = 50;
        let set = |_| {
            let aim = Aim::in_micros(2_000 - ahead);
            let end = Instant::now() + Duration::from_millis(2);
            *deadline.acquire() = end;
            line.cross();
            aim.reach();
            event.set();
            let in_time = !end.has_passed();
            ahead = if in_time { ahead * 7 / 8 } else { 200.min(ahead + 3) };
            line.cross();
            event.clear();
            in_time
        };
        let in_time: Vec<_> = (0..ROUNDS).map(set).collect();
        for waiter in waiters {
            let waited = waiter.join();
            let let_down = (0..ROUNDS).filter(|round| in_time[*round] && !waited[*round]).count();
            assert_eq!(let_down, 0, "of {ROUNDS} waits");
        }
        assert!(in_time.contains(&true), "no round has met its deadline");
    });
}

/// synchronoise deadlocks here: a signal is drained between check and push. rsevents hangs: a late wake hits a
/// thread that slept again after the reset. Law E1: what was written before `set` is read after `wait`.
fn ping_pong(rounds: u32, wait: impl Fn(&Event, u32) + Sync) {
    let (ping, pong) = (Event::new(), Event::new());
    let (there, back) = (AtomicU32::new(0), AtomicU32::new(0));
    watchdog::run(|watch| {
        let (ping, pong, there, back, wait) = (&ping, &pong, &there, &back, &wait);
        watch.spawn("server", move |role| {
            for round in 1..=rounds {
                there.store(round, Relaxed);
                ping.set();
                role.waits("the pong", || wait(pong, round));
                pong.clear();
                assert_eq!(back.load(Relaxed), round);
            }
        });
        watch.spawn("receiver", move |role| {
            for round in 1..=rounds {
                role.waits("the ping", || wait(ping, round));
                ping.clear();
                assert_eq!(there.load(Relaxed), round);
                back.store(round, Relaxed);
                pong.set();
            }
        });
    });
    assert!(!ping.is_set() && !pong.is_set(), "clear leaves it open");
}

#[test]
fn events_play_ping_pong() {
    ping_pong(20_000, |event, _| event.wait());
}

#[test]
fn events_play_ping_pong_with_little_patience() {
    ping_pong(10_000, |event, round| {
        let patience = Duration::from_micros(u64::from(round % 50));
        while event.wait_timeout(patience).is_err() {}
    });
}

#[test]
fn events_play_ping_pong_through_deadlines_on_few_turns_of_the_processor() {
    let rivals = AtomicBool::new(true);
    watchdog::run(|watch| {
        for n in 0..3 {
            let rivals = &rivals;
            watch.spawn(format!("rival {n}"), move |_| {
                while rivals.load(Relaxed) {
                    yield_now()
                }
            });
        }
        ping_pong(1_000, |event, _| {
            event.wait_deadline(Instant::now() + Duration::MAX).unwrap()
        });
        rivals.store(false, Relaxed);
    });
}

/// Each waits in the frame where it waited before: a late wake of the last round must be nothing to it.
fn exchange_a_ball(rounds: u32, form: impl Fn(u32) -> Form + Sync) {
    let (ball, there, back) = (Mutex::new(0), Condition::new(), Condition::new());
    watchdog::run(|watch| {
        let (ball, form) = (&ball, &form);
        for (mine, name, [awaited, told]) in [(0, "server", [&back, &there]), (1, "receiver", [&there, &back])] {
            watch.spawn(name, move |role| {
                for round in 0..rounds {
                    let hit = || {
                        let mut ball = ball.acquire();
                        while !wait_while_by(awaited, &mut ball, form(round), |ball| **ball % 2 != mine) {}
                        assert_eq!(*ball, 2 * round + mine);
                        *ball += 1;
                    };
                    role.waits("the ball", hit);
                    told.notify_one();
                }
            });
        }
    });
    assert_eq!(ball.into_inner(), 2 * rounds);
}

#[test]
fn conditions_play_ping_pong_with_and_without_patience() {
    exchange_a_ball(20_000, |_| Form::Plain);
    exchange_a_ball(10_000, |round| {
        Form::Timeout(Duration::from_micros(u64::from(round % 50)))
    });
}
