//! The end of a clock: by a shutdown in each form, or by the drop of the last handle of it and of its timers.

use super::{LATER, clock, event};
use crate::child;
use crate::forms::{Form, HASTY, PATIENT};
use crate::support::panic_of;
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::thread::Clock;
use selvedge::{Event, Instant, TimedOut};
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
fn a_shutdown_cancels_what_waits_and_waits_for_what_runs() {
    for form in PATIENT {
        watchdog::run(|watch| {
            let (clock, drops) = (clock(), Drops::default());
            let ((began, begins), (gate, theirs)) = (event(), event());
            let (held, ran) = (drops.token(), drops.token());
            let late = clock.start(LATER, move || drop(held)).unwrap();
            let runs = move || {
                begins.set();
                theirs.wait();
                drop(ran);
            };
            let runs = clock.start(Duration::ZERO, runs).unwrap();
            watch.waits("the function's begin", || began.wait());
            for hasty in HASTY {
                assert_eq!(shut_down_by(&clock, hasty), Err(TimedOut), "a function runs");
                assert_eq!((drops.count(), clock.pending(), clock.is_shutdown()), (1, 0, true));
            }
            assert!(late.is_finished() && late.cancel() && late.join().is_ok());
            let ends = watch.spawn("who ends it", {
                let (clock, drops) = (clock.clone(), drops.clone());
                move |role| (role.waits("shutdown", || shut_down_by(&clock, form)), drops.count())
            });
            ends.until_asleep();
            gate.set();
            assert_eq!(ends.join(), (Ok(()), 2));
            assert!(runs.is_finished());
            for again in HASTY {
                assert_eq!(shut_down_by(&clock, again), Ok(()));
            }
        });
    }
}

#[test]
fn a_clock_that_is_shut_down_starts_nothing() {
    let (clock, drops) = (clock(), Drops::default());
    assert!(!clock.is_shutdown());
    clock.shutdown();
    let (once, repeats) = (drops.token(), drops.token());
    let refused = clock.start(Duration::ZERO, move || drop(once)).unwrap_err();
    assert_eq!(refused.to_string(), "the clock is shut down");
    assert!(clock.every(Duration::ZERO, move || _ = &repeats).is_err());
    assert_eq!((drops.count(), clock.pending()), (2, 0));
}

#[test]
fn a_timer_that_repeats_runs_for_the_last_time() {
    watchdog::run(|watch| {
        let (clock, runs) = (clock(), Arc::new(AtomicUsize::new(0)));
        let ((began, begins), (gate, theirs), count) = (event(), event(), Arc::clone(&runs));
        let repeats = move || {
            count.fetch_add(1, SeqCst);
            begins.set();
            theirs.wait();
        };
        let timer = clock.every(Duration::ZERO, repeats).unwrap();
        watch.waits("the function's begin", || began.wait());
        clock.try_shutdown().unwrap_err();
        let before = runs.load(SeqCst);
        gate.set();
        watch.waits("shutdown", || clock.shutdown());
        assert!(timer.is_finished());
        assert_eq!((timer.join(), runs.load(SeqCst)), (Ok(()), before));
    });
}

#[test]
fn a_function_can_not_wait_for_the_end_of_its_clock() {
    watchdog::run(|watch| {
        let (clock, told) = (clock(), Arc::new(OnceLock::new()));
        let (own, tells) = (clock.clone(), Arc::clone(&told));
        let run = move || {
            let refused = [panic_of(|| own.shutdown()), panic_of(|| own.shutdown_timeout(LATER))];
            let open = !own.is_shutdown();
            tells.set((refused, open, own.try_shutdown())).unwrap();
        };
        let timer = clock.start(Duration::ZERO, run).unwrap();
        watch.waits("join", || timer.join()).unwrap();
        let refusal = "a function of a clock can't wait for the clock's end".to_owned();
        assert_eq!(told.get(), Some(&([refusal.clone(), refusal], true, Err(TimedOut))));
        watch.waits("shutdown", || clock.shutdown());
    });
}

#[test]
fn drops_that_panic_or_use_the_clock_end_it_all_the_same() {
    struct Uses(Clock);
    impl Drop for Uses {
        fn drop(&mut self) {
            assert!(self.0.start(Duration::ZERO, || ()).is_err() && self.0.try_shutdown().is_err());
        }
    }
    watchdog::run(|watch| {
        let (clock, drops) = (clock(), Drops::default());
        let (bomb, uses) = (Bomb::new(&drops), Uses(clock.clone()));
        let timers = [
            clock.start(LATER, move || drop(bomb)).unwrap(),
            clock.start(LATER, move || drop(uses)).unwrap(),
            clock.start(LATER, || ()).unwrap(),
        ];
        watch.waits("shutdown", || clock.shutdown());
        timers
            .iter()
            .for_each(|timer| watch.waits("join", || timer.join()).unwrap());
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn the_drop_of_the_last_handle_cancels_what_waits() {
    let drops = Drops::default();
    for a_timer_is_the_last in [false, true] {
        let (clock, before) = (clock(), drops.count());
        let [first, second] = [drops.token(), drops.token()];
        let kept = clock.start(LATER, move || drop(first)).unwrap();
        drop(clock.every(LATER, move || _ = &second).unwrap());
        drop(clock.clone());
        assert_eq!((clock.pending(), drops.count()), (2, before));
        let last: [Box<dyn std::any::Any>; 2] = if a_timer_is_the_last {
            [Box::new(clock), Box::new(kept)]
        } else {
            [Box::new(kept), Box::new(clock)]
        };
        for (handle, dropped) in last.into_iter().zip([0, 2]) {
            drop(handle);
            assert_eq!(drops.count(), before + dropped);
        }
    }
}

/// On the clock's own thread, which can't wait for itself.
#[test]
fn the_last_handle_may_be_dropped_by_a_function() {
    watchdog::run(|watch| {
        let (clock, drops, (gate, theirs)) = (clock(), Drops::default(), event());
        let (own, token) = (clock.clone(), drops.token());
        let run = move || {
            theirs.wait();
            drop(own);
        };
        drop([
            clock.start(Duration::ZERO, run).unwrap(),
            clock.start(LATER, move || drop(token)).unwrap(),
        ]);
        drop(clock);
        assert_eq!(drops.count(), 0, "the function has a handle");
        gate.set();
        watch.until("the other timer is cancelled", || drops.count() == 1);
    });
}

/// Waits, when it is dropped, until it may go.
struct Slow {
    begins: Arc<Event>,
    may_end: Arc<Event>,
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.begins.set();
        self.may_end.wait();
    }
}

#[test]
fn a_second_shutdown_waits_until_the_first_has_dropped_the_functions() {
    watchdog::run(|watch| {
        let (clock, (began, begins), (gate, may_end)) = (clock(), event(), event());
        let slow = Slow { begins, may_end };
        let timer = clock.start(LATER, move || drop(slow)).unwrap();
        let first = watch.spawn("first", {
            let clock = clock.clone();
            move |role| role.waits("shutdown", || clock.shutdown())
        });
        watch.waits("the drop's begin", || began.wait());
        for hasty in HASTY {
            assert_eq!(shut_down_by(&clock, hasty), Err(TimedOut));
        }
        let second = watch.spawn("second", {
            let clock = clock.clone();
            move |role| {
                role.waits("shutdown", || clock.shutdown());
                timer.is_finished()
            }
        });
        second.until_asleep();
        gate.set();
        first.join();
        assert!(second.join());
    });
}

#[test]
fn a_function_that_a_shutdown_drops_cannot_wait_for_the_end() {
    watchdog::run(|_| {
        let (clock, told) = (clock(), Arc::new(OnceLock::new()));
        struct Ends(Clock, Arc<OnceLock<String>>);
        impl Drop for Ends {
            fn drop(&mut self) {
                assert_eq!(self.0.try_shutdown(), Err(TimedOut));
                self.1.set(panic_of(|| self.0.shutdown())).unwrap();
            }
        }
        let ends = Ends(clock.clone(), Arc::clone(&told));
        drop(clock.start(LATER, move || drop(ends)).unwrap());
        clock.shutdown();
        assert!(told.get().unwrap().contains("can't wait for the clock's end"));
        assert_eq!(clock.try_shutdown(), Ok(()));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn the_threads_of_a_clock_end_with_it() {
    child::passes(&[], || {
        let (before, ends): (_, [fn(Clock); 2]) = (child::threads(), [drop, |clock| clock.shutdown()]);
        for end in ends {
            let (clock, (began, begins), gate) = (clock(), event(), Arc::new(Event::new()));
            let theirs = Arc::clone(&gate);
            drop(clock.start(LATER, || unreachable!()).unwrap());
            let runs = move || {
                begins.set();
                theirs.wait();
            };
            drop(clock.start(Duration::ZERO, runs).unwrap());
            began.wait();
            assert!(child::threads() > before);
            gate.set();
            end(clock);
            child::until_threads(before); // long before the last timer would have been due
        }
    });
}
