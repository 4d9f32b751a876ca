//! Programs in which other libraries failed, and races with a deadline: many rounds, so that both orders occur.

use crate::forms::{Form, wait_while_by};
use crate::support::SpinBarrier;
use crate::waiters::Arrivals;
use crate::watchdog;
use selvedge::{Condition, Event, Instant, Lock, Mutex, Semaphore};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::thread::yield_now;
use std::time::Duration;

/// Four threads hand items to four others through a single slot. In crossfire, threads stalled for seconds: they spun
/// for a claim whose owner was preempted. The slot is accessed by Relaxed loads and stores: the primitive's release
/// must publish it.
pub fn four_to_four_hand_off(
    take_room: impl Fn() + Sync,
    give_item: impl Fn() + Sync,
    take_item: impl Fn() + Sync,
    give_room: impl Fn() + Sync,
) {
    const EACH: u64 = 1_500;
    let slot = AtomicU64::new(0);
    let received: u64 = watchdog::run(|watch| {
        let (slot, take_room, give_item) = (&slot, &take_room, &give_item);
        let (take_item, give_room) = (&take_item, &give_room);
        for n in 0..4 {
            watch.spawn(format!("putter {n}"), move |role| {
                for item in 1..=EACH {
                    role.waits("the free slot", take_room);
                    assert_eq!(slot.load(Relaxed), 0, "put over another item");
                    slot.store(item, Relaxed);
                    give_item();
                }
            });
        }
        let getter = |n| {
            watch.spawn(format!("getter {n}"), move |role| {
                let get = |_| {
                    role.waits("an item", take_item);
                    let item = slot.load(Relaxed);
                    assert_ne!(item, 0, "got no item");
                    slot.store(0, Relaxed);
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
fn four_to_four_hand_off_by_semaphores() {
    let (rooms, items) = (Semaphore::new(1), Semaphore::new(0));
    four_to_four_hand_off(
        || rooms.acquire().forget(),
        || items.release(1).unwrap(),
        || items.acquire().forget(),
        || rooms.release(1).unwrap(),
    );
    assert_eq!((rooms.available(), items.available()), (1, 0));
}

#[test]
fn four_to_four_hand_off_by_locks_that_others_release() {
    let (full, empty) = (Lock::new(), Lock::new());
    empty.acquire().forget();
    four_to_four_hand_off(
        || full.acquire().forget(),
        || empty.release().unwrap(),
        || empty.acquire().forget(),
        || full.release().unwrap(),
    );
    assert!(!full.is_locked() && empty.is_locked());
}

#[test]
fn four_to_four_hand_off_by_conditions() {
    let (room, item, freed, given) = (Mutex::new(true), Mutex::new(false), Condition::new(), Condition::new());
    let take = |flag: &Mutex<bool>, condition: &Condition| {
        let mut flag = flag.acquire();
        condition.wait_while(&mut flag, |flag| !**flag);
        *flag = false;
    };
    let give = |flag: &Mutex<bool>, condition: &Condition| {
        *flag.acquire() = true;
        condition.notify_one();
    };
    four_to_four_hand_off(
        || take(&room, &freed),
        || give(&item, &given),
        || take(&item, &given),
        || give(&room, &freed),
    );
    assert_eq!((room.into_inner(), item.into_inner()), (true, false));
}

/// Law E2: a thread clears over and over while another sets once.
#[cfg(target_os = "linux")]
#[test]
fn a_concurrent_clear_undoes_no_set_for_a_blocked_waiter() {
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
            waiter.until_blocked();
            event.set();
            waiter.join();
        }
        clearing.store(false, Relaxed);
    });
}

/// A point in time that a thread reaches precisely: it yields until shortly before, and then spins.
#[derive(Clone, Copy)]
pub struct Aim(std::time::Instant);

impl Aim {
    pub fn in_micros(micros: u64) -> Aim {
        Aim(std::time::Instant::now() + Duration::from_micros(micros))
    }

    pub fn reach(self) {
        let left = || self.0.saturating_duration_since(std::time::Instant::now());
        while left() > Duration::from_micros(30) {
            yield_now();
        }
        while !left().is_zero() {
            std::hint::spin_loop();
        }
    }
}

/// A race with the deadline of a blocked thread. `aim` is a little after the deadline, since the system wakes a thread
/// late. It moves later after a round in which the wait succeeded, and earlier after a round in which it timed out.
pub struct DeadlineRace {
    pub deadline: Instant,
    pub aim: Aim,
    lag: u64,
}

impl DeadlineRace {
    pub const TIMEOUT: u64 = 1_000; // µs, some hundred of which a waiter spins

    pub fn new() -> DeadlineRace {
        let (deadline, aim) = (Instant::now(), Aim::in_micros(0));
        DeadlineRace { deadline, aim, lag: 0 }
    }

    pub fn set(&mut self) {
        self.aim = Aim::in_micros(DeadlineRace::TIMEOUT + self.lag);
        self.deadline = Instant::now() + Duration::from_micros(DeadlineRace::TIMEOUT);
    }

    pub fn learn(&mut self, was_in_time: bool) {
        let earlier = self.lag.saturating_sub(5);
        self.lag = if was_in_time { self.lag + 7 } else { earlier };
    }

    /// Runs at least 300 rounds, until both outcomes have occurred. A round returns whether the wait succeeded.
    fn rounds(mut round: impl FnMut(&DeadlineRace) -> bool) {
        let (mut brink, mut in_time) = (DeadlineRace::new(), 0);
        for rounds in 1.. {
            brink.set();
            let was_in_time = round(&brink);
            brink.learn(was_in_time);
            in_time += u32::from(was_in_time);
            if rounds >= 300 && (1..rounds).contains(&in_time) {
                return;
            }
        }
    }
}

/// Laws C2 and C3. CPython's timed wait can time out and consume a notification all the same, so that the other waiter
/// stays blocked (hazard A). The timed waiter is the first in the queue.
#[test]
fn a_timeout_consumes_no_notification() {
    watchdog::run(|watch| {
        DeadlineRace::rounds(|&DeadlineRace { deadline, aim, .. }| {
            let arrivals: &'static Arrivals = Box::leak(Box::default());
            let wait = move || arrivals.wait_deadline(deadline);
            let timed = watch.spawn("timed", move |role| role.waits("a timed wait", wait));
            watch.until("the timed waiter", || *arrivals.count.acquire() == 1);
            let untimed = watch.spawn("untimed", |role| role.waits("a wait", || arrivals.wait(Form::Plain)));
            watch.until("the untimed waiter", || *arrivals.count.acquire() == 2);
            aim.reach();
            assert!(arrivals.condition.notify_one());
            let was_notified = timed.join();
            let again = arrivals.condition.notify_one();
            assert_eq!(again, was_notified, "the notification was lost, or consumed twice");
            assert!(untimed.join());
            was_notified
        });
    });
}

/// Law E4: a wait times out only if the event was not set before its deadline. The event is
/// set shortly before it; with this many waiters the last ones run after it.
#[test]
fn no_wait_times_out_if_the_event_was_set_before_its_deadline() {
    const ROUNDS: usize = 200;
    const WAITERS: u32 = 6;
    let (barrier, event, deadline) = (SpinBarrier::new(WAITERS + 1), Event::new(), Mutex::new(Instant::now()));
    watchdog::run(|watch| {
        let (barrier, event, deadline) = (&barrier, &event, &deadline);
        let waiter = |n| {
            watch.spawn(format!("waiter {n}"), move |role| {
                let wait = |_| {
                    barrier.wait();
                    let deadline = *deadline.acquire();
                    let result = role.waits("wait_deadline", || event.wait_deadline(deadline));
                    barrier.wait();
                    result.is_ok()
                };
                (0..ROUNDS).map(wait).collect::<Vec<_>>()
            })
        };
        let waiters: Vec<_> = (0..WAITERS).map(waiter).collect();
        let mut ahead = 50;
        let set = |_| {
            let (aim, end) = (Aim::in_micros(2_000 - ahead), Instant::now() + Duration::from_millis(2));
            *deadline.acquire() = end;
            barrier.wait();
            aim.reach();
            event.set();
            let was_in_time = !end.has_passed();
            ahead = if was_in_time { ahead * 7 / 8 } else { 200.min(ahead + 3) };
            barrier.wait();
            event.clear();
            was_in_time
        };
        let in_time: Vec<_> = (0..ROUNDS).map(set).collect();
        for waiter in waiters {
            let ended = waiter.join();
            let missed = (0..ROUNDS).filter(|round| in_time[*round] && !ended[*round]).count();
            assert_eq!(missed, 0, "of {ROUNDS} waits");
        }
        assert!(in_time.contains(&true), "no round has met its deadline");
    });
}

/// Two threads take turns. synchronoise deadlocks here: a signal is drained between check and push. rsevents hangs: a
/// late wake ends a wait after the reset. Law E1: a write before `set` is visible after `wait`.
fn ping_pong(rounds: u32, wait: impl Fn(&Event, u32) + Sync) {
    let (ping, pong) = (Event::new(), Event::new());
    let (sent, returned) = (AtomicU32::new(0), AtomicU32::new(0));
    watchdog::run(|watch| {
        let (ping, pong, sent, returned, wait) = (&ping, &pong, &sent, &returned, &wait);
        watch.spawn("server", move |role| {
            for round in 1..=rounds {
                sent.store(round, Relaxed);
                ping.set();
                role.waits("the pong", || wait(pong, round));
                pong.clear();
                assert_eq!(returned.load(Relaxed), round);
            }
        });
        watch.spawn("receiver", move |role| {
            for round in 1..=rounds {
                role.waits("the ping", || wait(ping, round));
                ping.clear();
                assert_eq!(sent.load(Relaxed), round);
                returned.store(round, Relaxed);
                pong.set();
            }
        });
    });
    assert!(!ping.is_set() && !pong.is_set(), "a clear left it set");
}

#[test]
fn threads_take_turns_by_events_in_each_form() {
    let never = Instant::now() + Duration::MAX;
    ping_pong(20_000, |event, _| event.wait());
    ping_pong(1_000, |event, _| event.wait_deadline(never).unwrap());
    ping_pong(10_000, |event, round| {
        let timeout = Duration::from_micros(u64::from(round % 50));
        while event.wait_timeout(timeout).is_err() {}
    });
}

/// Each wait of a thread has the same frame: a late wake-up of the last round must not end the next wait.
#[test]
fn threads_take_turns_by_conditions_in_each_form() {
    let plain: fn(u32) -> Form = |_| Form::Plain;
    for (rounds, form) in [
        (20_000, plain),
        (10_000, |round| {
            Form::Timeout(Duration::from_micros((round % 50).into()))
        }),
    ] {
        let (turn, even, odd) = (Mutex::new(0), Condition::new(), Condition::new());
        watchdog::run(|watch| {
            let turn = &turn;
            for (own, name, [awaited, next]) in [(0, "server", [&even, &odd]), (1, "receiver", [&odd, &even])] {
                watch.spawn(name, move |role| {
                    for round in 0..rounds {
                        role.waits("its turn", || {
                            let mut turn = turn.acquire();
                            while !wait_while_by(awaited, &mut turn, form(round), |turn| **turn % 2 != own) {}
                            assert_eq!(*turn, 2 * round + own);
                            *turn += 1;
                        });
                        next.notify_one();
                    }
                });
            }
        });
        assert_eq!(turn.into_inner(), 2 * rounds);
    }
}
