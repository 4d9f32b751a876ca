//! The end of a clock: by a shutdown in each form, or by the drop of the last handle of it and of its timers.

use super::{LATER, clock, event};
use crate::forms::{BLOCKING, EXPIRING, Form};
use crate::support::{panic_of, shared};
use crate::thread::{Bomb, Drops};
use crate::{child, watchdog};
use selvedge::thread::Clock;
use selvedge::{Event, Instant, TimedOut};
use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

fn shut_down_by(clock: &Clock, form: Form) -> Result<(), TimedOut> {
    match form {
        Form::Plain => {
            clock.shutdown();
            Ok(())
        }
        Form::Try => clock.try_shutdown(),
        Form::Timeout(time) => clock.shutdown_timeout(time),
        Form::Deadline(time) => clock.shutdown_deadline(Instant::now() + time),
    }
}

#[test]
fn a_shutdown_cancels_the_waiting_timers_and_waits_for_the_running_ones() {
    watchdog::run(|watch| {
        for form in BLOCKING {
            let (clock, drops) = (clock(), Drops::default());
            let ((started, starts), (gate, waits)) = (event(), event());
            let (held, ran) = (drops.token(), drops.token());
            let late = clock.start(LATER, move || drop(held)).unwrap();
            let run = move || {
                starts.set();
                waits.wait();
                drop(ran);
            };
            let running = clock.start(Duration::ZERO, run).unwrap();
            watch.waits("the run", || started.wait());
            for timed in EXPIRING {
                assert_eq!(shut_down_by(&clock, timed), Err(TimedOut));
                assert_eq!((drops.count(), clock.pending(), clock.is_shutdown()), (1, 0, true));
            }
            assert!(late.is_finished() && late.cancel() && late.join().is_ok());
            let (own, counts) = (clock.clone(), drops.clone());
            let closer = watch.spawn("closer", move |role| {
                (role.waits("shutdown", || shut_down_by(&own, form)), counts.count())
            });
            closer.until_blocked();
            gate.set();
            assert_eq!(closer.join(), (Ok(()), 2));
            assert!(running.is_finished() && EXPIRING.into_iter().all(|form| shut_down_by(&clock, form).is_ok()));
        }
    });
}

#[test]
fn a_clock_that_is_shut_down_starts_no_timer() {
    let (clock, drops) = (clock(), Drops::default());
    assert!(!clock.is_shutdown());
    clock.shutdown();
    let (once, repeating) = (drops.token(), drops.token());
    let refused = clock.start(Duration::ZERO, move || drop(once)).unwrap_err();
    assert_eq!(refused.to_string(), "the clock is shut down");
    assert!(clock.every(Duration::ZERO, move || _ = &repeating).is_err());
    assert_eq!((drops.count(), clock.pending()), (2, 0));
}

#[test]
fn the_running_repetition_of_a_timer_is_its_last() {
    let (clock, (runs, count)) = (clock(), shared(AtomicUsize::new(0)));
    let ((started, starts), (gate, waits)) = (event(), event());
    let run = move || {
        count.fetch_add(1, SeqCst);
        starts.set();
        waits.wait();
    };
    let timer = clock.every(Duration::ZERO, run).unwrap();
    started.wait();
    clock.try_shutdown().unwrap_err();
    gate.set();
    clock.shutdown();
    assert!(timer.is_finished());
    assert_eq!((timer.join(), runs.load(SeqCst)), (Ok(()), 1));
}

#[test]
fn a_function_cannot_wait_for_the_end_of_its_clock() {
    let (clock, (result, sets)) = (clock(), shared(OnceLock::new()));
    let own = clock.clone();
    let run = move || {
        let refused = [panic_of(|| own.shutdown()), panic_of(|| own.shutdown_timeout(LATER))];
        let is_open = !own.is_shutdown();
        sets.set((refused, is_open, own.try_shutdown())).unwrap();
    };
    clock.start(Duration::ZERO, run).unwrap().join().unwrap();
    let refusal = "a function of a clock can't wait for the clock's end".to_owned();
    assert_eq!(result.get(), Some(&([refusal.clone(), refusal], true, Err(TimedOut))));
    clock.shutdown();
}

/// A value whose drop starts a timer, shuts the clock down without waiting, and tries to wait for its end.
struct Uses(Clock);

impl Drop for Uses {
    fn drop(&mut self) {
        assert!(self.0.start(Duration::ZERO, || ()).is_err() && self.0.try_shutdown().is_err());
        assert!(panic_of(|| self.0.shutdown()).contains("can't wait for the clock's end"));
    }
}

#[test]
fn a_drop_that_panics_or_uses_the_clock_does_not_stop_its_end() {
    watchdog::run(|watch| {
        let (clock, drops) = (clock(), Drops::default());
        let (bomb, uses) = (Bomb::new(&drops), Uses(clock.clone()));
        let timers = [
            clock.start(LATER, move || drop(bomb)).unwrap(),
            clock.start(LATER, move || drop(uses)).unwrap(),
            clock.start(LATER, || ()).unwrap(),
        ];
        watch.waits("shutdown", || clock.shutdown());
        assert!(timers.iter().all(|timer| timer.join() == Ok(())));
        assert_eq!((drops.count(), clock.try_shutdown()), (1, Ok(())));
    });
}

#[test]
fn the_drop_of_the_last_handle_cancels_the_waiting_timers() {
    for timer_is_last in [false, true] {
        let (clock, drops) = (clock(), Drops::default());
        let [first, second] = [drops.token(), drops.token()];
        let kept = clock.start(LATER, move || drop(first)).unwrap();
        drop(clock.every(LATER, move || _ = &second).unwrap());
        drop(clock.clone());
        assert_eq!((clock.pending(), drops.count()), (2, 0));
        let mut handles: [Box<dyn Any>; 2] = [Box::new(kept), Box::new(clock)];
        if timer_is_last {
            handles.reverse();
        }
        for (handle, dropped) in handles.into_iter().zip([0, 2]) {
            drop(handle);
            assert_eq!(drops.count(), dropped);
        }
    }
}

/// On the clock's own thread, which cannot wait for itself.
#[test]
fn a_function_may_drop_the_last_handle() {
    watchdog::run(|watch| {
        let (clock, drops, (gate, waits)) = (clock(), Drops::default(), event());
        let (own, token) = (clock.clone(), drops.token());
        let run = move || {
            waits.wait();
            drop(own);
        };
        drop(clock.start(Duration::ZERO, run).unwrap());
        drop(clock.start(LATER, move || drop(token)).unwrap());
        drop(clock);
        assert_eq!(drops.count(), 0, "the function has a handle");
        gate.set();
        watch.until("the other timer's cancel", || drops.count() == 1);
    });
}

/// Its drop blocks.
struct Slow {
    starts: Arc<Event>,
    may_end: Arc<Event>,
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.starts.set();
        self.may_end.wait();
    }
}

#[test]
fn a_second_shutdown_waits_until_the_first_has_dropped_the_functions() {
    watchdog::run(|watch| {
        let (clock, (started, starts), (gate, may_end)) = (clock(), event(), event());
        let slow = Slow { starts, may_end };
        let timer = clock.start(LATER, move || drop(slow)).unwrap();
        let shut_down = |name| {
            let (clock, timer) = (clock.clone(), timer.clone());
            watch.spawn(name, move |role| {
                role.waits("shutdown", || clock.shutdown());
                timer.is_finished()
            })
        };
        let first = shut_down("first");
        watch.waits("the drop", || started.wait());
        assert!(
            EXPIRING
                .into_iter()
                .all(|form| shut_down_by(&clock, form) == Err(TimedOut))
        );
        let second = shut_down("second");
        second.until_blocked();
        gate.set();
        assert!(first.join() && second.join());
    });
}

#[cfg(target_os = "linux")]
#[test]
fn the_threads_of_a_clock_end_with_it() {
    child::passes(&[], || {
        let (before, ends): (_, [fn(Clock); 2]) = (child::threads(), [drop, |clock| clock.shutdown()]);
        for end in ends {
            let (clock, (started, starts), (gate, waits)) = (clock(), event(), event());
            drop(clock.start(LATER, || unreachable!()).unwrap());
            let run = move || {
                starts.set();
                waits.wait();
            };
            drop(clock.start(Duration::ZERO, run).unwrap());
            started.wait();
            assert!(child::threads() > before);
            gate.set();
            end(clock);
            child::until_threads(before); // long before the last timer would expire
        }
    });
}
