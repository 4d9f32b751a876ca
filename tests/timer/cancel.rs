//! A timer runs or is cancelled: law TI1. A join of a cancelled timer returns immediately: law TI2.

use super::{LATER, clock, event, start};
use crate::support::{SpinBarrier, panic_of, shared};
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::thread::{Clock, Timer};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

#[test]
fn a_cancelled_timer_never_runs_and_stays_cancelled() {
    let clock = clock();
    for repeats in [false, true] {
        let drops = Drops::default();
        let token = drops.token();
        let timer = start(&clock, repeats, LATER, move || unreachable!("{token:?}"));
        assert_eq!((clock.pending(), drops.count(), timer.is_finished()), (1, 0, false));
        assert!(timer.cancel());
        assert_eq!(
            (clock.pending(), drops.count(), timer.is_finished()),
            (0, 1, true),
            "immediately"
        );
        assert!(timer.cancel() && timer.clone().cancel());
        assert_eq!(
            (timer.join(), timer.try_join(), drops.count()),
            (Ok(()), Some(Ok(())), 1)
        );
    }
}

#[test]
fn a_cancel_during_a_run_does_not_stop_it_and_makes_it_the_last() {
    watchdog::run(|watch| {
        for repeats in [false, true] {
            let ((started, starts), (go_on, waits)) = (event(), event());
            let (runs, count) = shared(AtomicUsize::new(0));
            let timer = start(&clock(), repeats, Duration::ZERO, move || {
                count.fetch_add(1, SeqCst);
                starts.set();
                waits.wait();
            });
            watch.waits("the run", || started.wait());
            assert!(!timer.cancel() && !timer.cancel() && !timer.is_finished());
            assert_eq!((timer.try_join(), Arc::strong_count(&runs)), (None, 2));
            go_on.set();
            watch.waits("join", || timer.join()).unwrap();
            assert_eq!(
                (runs.load(SeqCst), Arc::strong_count(&runs), timer.cancel()),
                (1, 1, false)
            );
        }
    });
}

/// Laws TI1 and TI2: two threads cancel near the expiry.
#[test]
fn a_timer_runs_or_is_cancelled() {
    let (clock, barrier) = (clock(), SpinBarrier::new(2));
    let mut rng = fastrand::Rng::with_seed(1);
    let mut outcomes = [0, 0];
    for most in [20, 100, 500].into_iter().cycle().take(1000) {
        let (runs, count) = shared(AtomicUsize::new(0));
        let time = Duration::from_micros(rng.u64(..most));
        let timer = clock.start(time, move || _ = count.fetch_add(1, SeqCst)).unwrap();
        let spins = rng.u32(..2000);
        let cancel = || {
            barrier.wait();
            (0..spins).for_each(|_| std::hint::spin_loop());
            let cancelled = timer.cancel();
            timer.join().unwrap();
            assert_eq!((timer.is_finished(), timer.cancel()), (true, cancelled));
            (cancelled, runs.load(SeqCst))
        };
        let results = std::thread::scope(|scope| {
            let other = scope.spawn(cancel);
            [cancel(), other.join().unwrap()]
        });
        assert!(results == [(true, 0); 2] || results == [(false, 1); 2], "{results:?}");
        assert_eq!(Arc::strong_count(&runs), 1, "its function is dropped");
        outcomes[usize::from(results[0].0)] += 1;
    }
    println!("runs and cancels: {outcomes:?}");
}

#[test]
fn a_function_may_cancel_its_own_timer() {
    let ((own, inside), (result, sets)) = (shared(OnceLock::<Timer>::new()), shared(OnceLock::new()));
    let run = move || sets.set(inside.wait().cancel()).unwrap();
    let timer = clock().start(Duration::ZERO, run).unwrap();
    own.set(timer.clone()).unwrap();
    timer.join().unwrap();
    assert_eq!(result.get(), Some(&false), "it runs");
}

/// No lock is held while a function is dropped: by a cancel, after its run, or after its last repetition.
#[test]
fn the_drop_of_a_function_may_use_its_clock() {
    struct Starts(Clock, Drops);
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
        let [first, second, third] = [(); 3].map(|()| Starts(clock.clone(), drops.clone()));
        let timer = clock.start(LATER, move || drop(first)).unwrap();
        assert!(watch.waits("cancel", || timer.cancel()));
        let timer = clock.start(Duration::ZERO, move || drop(second)).unwrap();
        watch.waits("join", || timer.join()).unwrap();
        let (own, inside) = shared(OnceLock::<Timer>::new());
        let run = move || _ = (&third, inside.wait().cancel());
        own.set(clock.every(Duration::ZERO, run).unwrap()).unwrap();
        watch.waits("join", || own.wait().join()).unwrap();
        watch.until("all runs", || drops.count() == 6);
    });
}

#[test]
fn the_drop_of_a_function_cannot_join_its_timer() {
    const WHY: &str = "a timer can't join itself";
    struct Joins(Arc<OnceLock<Timer>>);
    impl Drop for Joins {
        fn drop(&mut self) {
            let _ = self.0.wait().join();
        }
    }
    let (own, inside) = shared(OnceLock::new());
    let joins = Joins(inside);
    let timer = clock().start(LATER, move || drop(joins)).unwrap();
    own.set(timer.clone()).unwrap();
    assert_eq!(panic_of(|| timer.cancel()), WHY);
    assert_eq!(
        (timer.join(), timer.cancel()),
        (Ok(()), true),
        "other joins return all the same"
    );
}

/// Law TI2.
#[test]
fn a_cancel_wakes_the_joiners_also_if_the_drop_of_the_function_panics() {
    watchdog::run(|watch| {
        let (clock, drops) = (clock(), Drops::default());
        for round in 0..50 {
            let bomb = (round % 2 == 1).then(|| Bomb::new(&drops));
            let timer = clock.start(LATER, move || _ = &bomb).unwrap();
            let joiner = |number| {
                let timer = timer.clone();
                watch.spawn(format!("joiner {number}"), move |role| {
                    role.waits("join", || timer.join())
                })
            };
            let joiners = [1, 2].map(joiner);
            joiners.iter().for_each(|joiner| joiner.until_blocked());
            if round % 2 == 1 {
                assert_eq!(panic_of(|| timer.cancel()), "a drop that fails");
            }
            assert!(timer.cancel() && timer.is_finished());
            joiners.into_iter().for_each(|joiner| assert_eq!(joiner.join(), Ok(())));
        }
        assert_eq!((drops.count(), clock.pending()), (25, 0));
        let next = clock.start(Duration::ZERO, || ()).unwrap();
        watch.waits("join", || next.join()).unwrap();
    });
}
