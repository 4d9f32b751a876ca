//! Conditions, barriers and events.

use crate::{Counts, moment, pause};
use fastrand::Rng;
use selvedge::{Barrier, Broken, Condition, Event, Mutex, Timer, Turn, sync::WaitError, thread};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Timed waits on a condition: as many return by a notification as were notified.
pub fn conditions(mut rng: Rng, counts: &Counts) {
    // The number of threads in a wait: read under the mutex, it is the number of waiters.
    let (waiting, condition, notified) = (&Mutex::new(0_usize), &Condition::new(), &AtomicU64::new(0));
    let wait = |mut rng: Rng, waits| {
        for _ in 0..waits {
            let mut waiting = waiting.acquire();
            *waiting += 1;
            let waited = condition.wait_timeout(&mut waiting, moment(&mut rng));
            *waiting -= 1;
            drop(waiting);
            let how = if waited.is_ok() {
                "waits that were notified"
            } else {
                "waits that timed out"
            };
            counts.add(how, 1);
        }
    };
    let notify = |mut rng: Rng, times| {
        for _ in 0..times {
            let waiting = rng.bool().then(|| waiting.acquire());
            let count = match rng.u8(..4) {
                0 => condition.notify_all(),
                1 => condition.notify(rng.usize(..4)),
                _ => usize::from(condition.notify_one()),
            };
            assert!(
                waiting.is_none_or(|waiting| count <= *waiting),
                "more are notified than wait"
            );
            notified.fetch_add(count as u64, Relaxed);
            if rng.u8(..4) == 0 {
                pause(&mut rng);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..rng.u32(1..=4) {
            let (waits, rng) = (rng.u32(..100), rng.fork());
            scope.spawn(move || wait(rng, waits));
        }
        for _ in 0..rng.u32(1..=2) {
            let (times, rng) = (rng.u32(..300), rng.fork());
            scope.spawn(move || notify(rng, times));
        }
    });
    assert_eq!(
        counts.get("waits that were notified"),
        notified.load(Relaxed),
        "a notification is lost, or made up"
    );
    assert!(!condition.notify_one(), "a waiter is still enqueued");
}

/// Threads that meet at a barrier, some with a timeout, some late, while a timer aborts it: each generation is complete
/// or broken.
pub fn barriers(mut rng: Rng, counts: &Counts) {
    let (parties, rounds, actions) = (rng.usize(2..=4), rng.u32(1..30), Arc::new(AtomicU64::new(0)));
    let counter = Arc::clone(&actions);
    // Timeouts and aborts break the first barrier. At the second one, the threads meet between two generations.
    let tested = &Arc::new(Barrier::with_action(parties, move || _ = counter.fetch_add(1, Relaxed)));
    let (meeting, results) = (
        &Barrier::new(parties),
        &Mutex::new(Vec::<Result<Turn, WaitError>>::new()),
    );
    let aborted = Arc::clone(tested);
    let abort = Timer::start(moment(&mut rng), move || aborted.abort());
    let check = || {
        let mut results = results.acquire();
        let mut passed: Vec<_> = results.iter().filter_map(|result| result.ok()).collect();
        passed.sort_unstable_by_key(|turn| turn.index);
        let is_complete = passed.iter().map(|turn| turn.index).eq(0..parties);
        assert!(
            is_complete || passed.is_empty(),
            "neither complete nor broken: {results:?}"
        );
        assert_eq!(passed.iter().filter(|turn| turn.is_leader).count(), is_complete.into());
        let late = results
            .iter()
            .filter(|result| matches!(result, Err(WaitError::TimedOut)));
        counts.add("waits that timed out", late.count() as u64);
        counts.add(
            if is_complete {
                "generations complete"
            } else {
                "generations broken"
            },
            1,
        );
        results.clear();
    };
    let take_part = |mut rng: Rng| {
        for _ in 0..rounds {
            if rng.u8(..4) == 0 {
                pause(&mut rng);
            }
            let result = match rng.u8(..16) {
                0 => {
                    tested.abort();
                    Err(WaitError::Broken)
                }
                1..4 => tested.wait_timeout(moment(&mut rng)),
                _ => tested.wait().map_err(|Broken| WaitError::Broken),
            };
            results.acquire().push(result);
            if meeting.wait().expect("it is never broken").is_leader {
                check();
                tested.reset();
            }
            meeting.wait().expect("it is never broken");
        }
    };
    thread::scope(|scope| {
        for _ in 0..parties {
            let rng = rng.fork();
            scope.spawn(move || take_part(rng));
        }
    });
    abort.join().expect("an abort does not panic");
    let [complete, broken] = ["generations complete", "generations broken"].map(|what| counts.get(what));
    assert_eq!(complete + broken, rounds.into());
    assert_eq!(
        actions.load(Relaxed),
        complete,
        "the action runs once in each complete generation"
    );
}

/// Two threads alternate by two events, with timeouts that elapse too early, while others wait for an event that is set
/// and cleared again immediately.
pub fn events(mut rng: Rng, counts: &Counts) {
    let (flash, is_over, times) = (&Event::new(), &AtomicBool::new(false), rng.u64(1..500));
    // How often the threads have alternated. Only the thread whose event was set writes it.
    let (events, switches) = (&[Event::new(), Event::new()], &AtomicU64::new(0));
    events[0].set();
    let alternate = |mut rng: Rng, own: usize| {
        for time in 0..times {
            while events[own].wait_timeout(moment(&mut rng)).is_err() {}
            events[own].clear();
            // A load and a store: correct only if the writes before a `set` are visible after the wait.
            let before = switches.load(Relaxed);
            assert_eq!(before, 2 * time + own as u64, "the event of the other thread was set");
            switches.store(before + 1, Relaxed);
            events[1 - own].set();
        }
    };
    let wait = |mut rng: Rng| {
        while !is_over.load(Relaxed) {
            let seen = flash.wait_timeout(moment(&mut rng)).is_ok();
            counts.add(
                if seen {
                    "waits that saw a flash"
                } else {
                    "waits that timed out"
                },
                1,
            );
        }
        flash.wait();
    };
    let set_and_clear = |mut rng: Rng| {
        while !is_over.load(Relaxed) {
            flash.set();
            flash.clear();
            pause(&mut rng);
        }
        flash.set();
    };
    thread::scope(|scope| {
        let alternating = [0, 1].map(|own| {
            let rng = rng.fork();
            scope.spawn(move || alternate(rng, own))
        });
        for rng in [rng.fork(), rng.fork()] {
            scope.spawn(move || wait(rng));
        }
        let rng = rng.fork();
        scope.spawn(move || set_and_clear(rng));
        alternating
            .iter()
            .for_each(|thread| thread.join().expect("it does not panic"));
        is_over.store(true, Relaxed);
    });
    assert_eq!(switches.load(Relaxed), 2 * times);
    counts.add("alternations", 2 * times);
}
