//! A timer runs or is cancelled: law TI1. Whoever joins a cancelled one does not wait: law TI2.

use super::{LATER, clock, event};
use crate::support::{Line, panic_of};
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::thread::Timer;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

#[test]
fn what_a_cancelled_timer_has_captured_cannot_join_it_when_it_is_dropped() {
    struct Joins(Arc<OnceLock<Timer>>);

    impl Drop for Joins {
        fn drop(&mut self) {
            let _ = self.0.get().unwrap().join();
        }
    }
    watchdog::run(|watch| {
        let itself = Arc::new(OnceLock::new());
        let joins = Joins(Arc::clone(&itself));
        let timer = clock().start(LATER, move || drop(joins)).unwrap();
        itself.set(timer.clone()).unwrap();
        assert_eq!(
            watch.waits("cancel", || panic_of(|| timer.cancel())),
            "a timer can't join itself"
        );
        assert_eq!(
            watch.waits("join", || timer.join()),
            Ok(()),
            "whoever joins is told all the same"
        );
        assert!(timer.cancel());
    });
}

#[test]
fn a_cancelled_timer_never_runs_and_stays_cancelled() {
    watchdog::run(|watch| {
        let clock = clock();
        for repeats in [false, true] {
            let drops = Drops::default();
            let token = drops.token();
            let run = move || unreachable!("{token:?}");
            let timer = if repeats {
                clock.every(LATER, run)
            } else {
                clock.start(LATER, run)
            }
            .unwrap();
            assert_eq!((clock.pending(), drops.count(), timer.is_finished()), (1, 0, false));
            assert!(timer.cancel());
            assert_eq!(
                (clock.pending(), drops.count(), timer.is_finished()),
                (0, 1, true),
                "at once"
            );
            assert!(timer.cancel() && timer.clone().cancel());
            assert_eq!(watch.waits("join", || timer.join()), Ok(()));
            assert_eq!((timer.try_join(), drops.count()), (Some(Ok(())), 1));
        }
    });
}

#[test]
fn a_timer_that_has_run_cannot_be_cancelled() {
    watchdog::run(|watch| {
        let timer = clock().start(Duration::ZERO, || ()).unwrap();
        watch.waits("join", || timer.join()).unwrap();
        assert!(!timer.cancel() && !timer.cancel());
        assert!(timer.is_finished());
    });
}

#[test]
fn a_timer_that_runs_is_not_stopped_by_its_cancel() {
    watchdog::run(|watch| {
        let ((began, begins), (go_on, waits)) = (event(), event());
        let drops = Drops::default();
        let token = drops.token();
        let timer = clock().start(Duration::ZERO, move || {
            begins.set();
            waits.wait();
            drop(token);
        });
        let timer = timer.unwrap();
        watch.waits("its begin", || began.wait());
        assert!(!timer.cancel() && !timer.cancel());
        assert!(!timer.is_finished());
        assert_eq!(drops.count(), 0);
        go_on.set();
        watch.waits("join", || timer.join()).unwrap();
        assert_eq!(drops.count(), 1);
        assert!(!timer.cancel());
    });
}

/// Laws TI1 and TI2: the cancel comes beside the due time, from two threads.
#[test]
fn a_timer_runs_or_is_cancelled() {
    watchdog::run(|_| {
        let (clock, line) = (clock(), Line::new(2));
        let (mut ran, mut cancelled) = (0, 0);
        let mut rng = fastrand::Rng::with_seed(1);
        for most in [20, 100, 500].into_iter().cycle().take(1000) {
            let runs = Arc::new(AtomicUsize::new(0));
            let theirs = Arc::clone(&runs);
            let timer = clock.start(Duration::from_micros(rng.u64(..most)), move || {
                _ = theirs.fetch_add(1, SeqCst)
            });
            let timer = timer.unwrap();
            let spin = rng.u32(..2000);
            let cancels = |timer: &Timer| {
                line.cross();
                (0..spin).for_each(|_| std::hint::spin_loop());
                let never = timer.cancel();
                timer.join().unwrap();
                assert_eq!((timer.is_finished(), timer.cancel()), (true, never));
                (never, runs.load(SeqCst))
            };
            let told = std::thread::scope(|scope| {
                let other = scope.spawn(|| cancels(&timer));
                [cancels(&timer), other.join().unwrap()]
            });
            assert!(told == [(true, 0); 2] || told == [(false, 1); 2], "{told:?}");
            assert_eq!(Arc::strong_count(&runs), 1, "its function is dropped");
            if told[0].0 { cancelled += 1 } else { ran += 1 }
        }
        println!("{ran} ran, {cancelled} were cancelled");
    });
}

#[test]
fn a_function_may_cancel_its_own_timer() {
    watchdog::run(|watch| {
        let (own, told) = (Arc::new(OnceLock::<Timer>::new()), Arc::new(OnceLock::new()));
        let (theirs, tells) = (Arc::clone(&own), Arc::clone(&told));
        let timer = clock()
            .start(Duration::ZERO, move || tells.set(theirs.wait().cancel()).unwrap())
            .unwrap();
        own.set(timer.clone()).unwrap();
        watch.waits("join", || timer.join()).unwrap();
        assert_eq!(told.get(), Some(&false), "it runs");
    });
}

/// No lock is held while a function is dropped.
#[test]
fn the_drop_of_a_function_may_use_its_clock() {
    struct Starts(selvedge::thread::Clock, Drops);
    impl Drop for Starts {
        fn drop(&mut self) {
            let token = self.1.token();
            self.0.start(Duration::ZERO, move || drop(token)).unwrap();
            drop(self.1.token());
            assert!(self.0.pending() < 100);
        }
    }
    watchdog::run(|watch| {
        let (clock, drops) = (clock(), Drops::default());
        let starts = || Starts(clock.clone(), drops.clone());
        let (first, second, third) = (starts(), starts(), starts());
        let timer = clock.start(LATER, move || drop(first)).unwrap();
        assert!(watch.waits("cancel", || timer.cancel()));
        let timer = clock.start(Duration::ZERO, move || drop(second)).unwrap();
        watch.waits("join", || timer.join()).unwrap();
        let own = Arc::new(OnceLock::<Timer>::new());
        let theirs = Arc::clone(&own);
        let timer = clock
            .every(Duration::ZERO, move || _ = (&third, theirs.wait().cancel()))
            .unwrap();
        own.set(timer.clone()).unwrap();
        watch.waits("join", || timer.join()).unwrap();
        watch.until("all have run", || drops.count() == 6);
    });
}

#[test]
fn a_function_whose_drop_panics_is_cancelled_all_the_same() {
    watchdog::run(|watch| {
        let (clock, drops) = (clock(), Drops::default());
        let bomb = Bomb::new(&drops);
        let timer = clock.start(LATER, move || _ = &bomb).unwrap();
        let theirs = timer.clone();
        let joiner = watch.spawn("joiner", move |role| role.waits("join", || theirs.join()));
        joiner.until_asleep();
        assert_eq!(panic_of(|| timer.cancel()), "a drop that fails");
        assert_eq!(joiner.join(), Ok(()));
        assert!(timer.cancel() && timer.is_finished());
        assert_eq!((timer.try_join(), drops.count(), clock.pending()), (Some(Ok(())), 1, 0));
        let next = clock.start(Duration::ZERO, || ()).unwrap();
        watch.waits("join", || next.join()).unwrap();
    });
}

/// Law TI2.
#[test]
fn a_joiner_of_a_cancelled_timer_wakes_up() {
    watchdog::run(|watch| {
        let clock = clock();
        for _ in 0..50 {
            let timer = clock.start(LATER, || unreachable!()).unwrap();
            let joiner = |number| {
                let timer = timer.clone();
                watch.spawn(format!("joiner {number}"), move |role| {
                    role.waits("join", || timer.join())
                })
            };
            let joiners = [1, 2].map(joiner);
            joiners.iter().for_each(|joiner| joiner.until_asleep());
            assert!(timer.cancel());
            joiners.into_iter().for_each(|joiner| assert_eq!(joiner.join(), Ok(())));
        }
    });
}
