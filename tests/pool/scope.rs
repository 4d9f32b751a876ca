//! Scoped jobs, which may borrow.

use super::{arc_pair, assert_runs_jobs, message, occupy, pool};
use crate::queue::spawn_blocked;
use crate::support::panic_of;
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::{Event, Job, JobError, Outcome, SubmitError};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::yield_now;

#[test]
fn borrows_of_the_jobs_end_with_the_scope() {
    watchdog::run(|_| {
        let pool = pool(3);
        for _ in 0..100 {
            let (mut parts, words) = ([[0; 4], [0; 4], [0; 4]], String::from("shared"));
            let result = pool.scope(|scope| {
                for (number, part) in parts.iter_mut().enumerate() {
                    drop(scope.submit(|| assert_eq!(words, "shared")).unwrap());
                    let words = &words;
                    drop(scope.submit(move || part.fill(number + words.len())).unwrap());
                }
                "the body's result"
            });
            assert_eq!((parts, result), ([[6; 4], [7; 4], [8; 4]], "the body's result"));
            assert_eq!(words, "shared");
        }
    });
}

/// Though their handles are dropped.
#[test]
fn a_scope_waits_for_all_jobs_before_it_returns_or_panics() {
    watchdog::run(|watch| {
        for panics in [false, true] {
            let (pool, (gate, opens)) = (pool(2), arc_pair(Event::new()));
            let owner = spawn_blocked(watch, "a scope", move || {
                let count = AtomicUsize::new(0);
                let scope = || {
                    pool.scope(|scope| {
                        let slow = || (opens.wait(), count.fetch_add(1, Relaxed)).1;
                        (0..4).for_each(|_| drop(scope.submit(slow).unwrap()));
                        assert!(!panics, "of the body");
                    })
                };
                (catch_unwind(AssertUnwindSafe(scope)).is_err(), count.into_inner())
            });
            gate.set();
            assert_eq!(owner.join(), (panics, 4));
        }
    });
}

/// The captured and returned values of a job may borrow too.
#[test]
fn values_of_jobs_are_dropped_before_the_scope_returns() {
    struct Counts<'a>(&'a AtomicUsize);

    impl Drop for Counts<'_> {
        fn drop(&mut self) {
            (0..20).for_each(|_| yield_now());
            self.0.fetch_add(1, Relaxed);
        }
    }
    watchdog::run(|_| {
        let pool = pool(2);
        for round in 0..400 {
            let drops = AtomicUsize::new(0);
            let (first, second) = (Counts(&drops), Counts(&drops));
            pool.scope(|scope| match round % 4 {
                0 => drop(scope.submit(move || drop((first, second))).unwrap()),
                1 => drop(scope.submit(move || (first, second)).unwrap()), // the value is not taken
                2 => _ = scope.submit(move || (drop(first), second).1).unwrap().cancel(),
                _ => {
                    let panics = move || {
                        let _both = (first, second);
                        panic_any(())
                    };
                    assert!(scope.submit(panics).unwrap().result().is_err());
                }
            });
            assert_eq!(drops.into_inner(), 2, "round {round}");
        }
    });
}

#[test]
fn a_result_may_borrow_and_leave_the_scope() {
    watchdog::run(|_| {
        let pool = pool(2);
        let words = [String::from("warp"), String::from("weft")];
        let job = pool.scope(|scope| scope.submit(|| words.iter().map(String::as_str).max()).unwrap());
        assert_eq!(job.outcome(), Some(Outcome::Returned), "the scope has waited");
        let shared = Cell::new(&words[1]); // neither Sync nor 'static
        let length = pool.scope(|scope| scope.submit(move || shared.get().len()).unwrap().result().unwrap());
        assert_eq!(length, 4);
        let mut kept = Vec::new();
        pool.scope(|scope| kept.extend(words.iter().map(|word| scope.submit(move || &word[1..]).unwrap())));
        drop(pool);
        assert_eq!(job.result().unwrap(), Some("weft"));
        let kept: Result<Vec<_>, _> = kept.into_iter().map(Job::result).collect();
        assert_eq!(kept.unwrap(), ["arp", "eft"]);
    });
}

#[test]
fn jobs_may_submit_jobs_to_their_scope() {
    watchdog::run(|_| {
        for workers in [1, 2, 4] {
            let (pool, count) = (pool(workers), AtomicUsize::new(0));
            pool.scope(|scope| {
                let count = &count;
                let inner = move || {
                    (0..20).for_each(|_| yield_now());
                    drop(scope.submit(move || count.fetch_add(1, Relaxed)).unwrap());
                };
                let middle = move || {
                    count.fetch_add(1, Relaxed);
                    (0..4).for_each(|_| drop(scope.submit(inner).unwrap()));
                };
                (0..8).for_each(|_| drop(scope.submit(middle).unwrap()));
            });
            assert_eq!(count.into_inner(), 8 + 32);
        }
    });
}

/// The last job is submitted by the drop of the one before: on a worker, or in the thread that cancels it.
#[test]
fn a_scope_waits_for_jobs_that_a_drop_submits() {
    struct Submits<F: FnMut()>(F);

    impl<F: FnMut()> Drop for Submits<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    watchdog::run(|_| {
        let pool = pool(1);
        for cancels in [false, true] {
            let count = AtomicUsize::new(0);
            let busy = occupy(&pool);
            pool.scope(|scope| {
                let count = &count;
                let submits = move || Submits(move || drop(scope.submit(|| count.fetch_add(1, Relaxed)).unwrap()));
                let captured = submits();
                let job = scope.submit(move || drop(captured)).unwrap();
                assert_eq!(cancels && job.cancel(), cancels);
                drop(scope.submit(submits).unwrap()); // the worker drops the value
                busy.open.set();
            });
            assert_eq!(count.into_inner(), 2);
        }
    });
}

#[test]
fn scopes_of_one_or_two_pools_may_be_nested() {
    watchdog::run(|_| {
        let (narrow, wide, mut value) = (pool(1), pool(2), 1);
        for (outer, inner) in [(&wide, &narrow), (&wide, &wide)] {
            outer.scope(|scope| {
                let value = &mut value;
                let nested = move || {
                    inner.scope(|scope| drop(scope.submit(|| *value += 1).unwrap()));
                    *value *= 10;
                };
                scope.submit(nested).unwrap().result().unwrap();
            });
        }
        assert_eq!(value, 210);
    });
}

#[test]
fn a_panic_of_a_job_is_in_its_result_or_else_in_the_scopes() {
    watchdog::run(|_| {
        let pool = pool(1);
        let taken = pool.scope(|scope| message(scope.submit(|| panic!("taken")).unwrap().result()));
        assert_eq!(taken, "taken");
        let mut kept = None;
        let not_taken = panic_of(|| {
            pool.scope(|scope| {
                drop(scope.submit(|| panic!("dropped")).unwrap());
                let waited = scope.submit(|| panic!("waited for")).unwrap();
                waited.wait();
                kept = Some(waited);
            });
        });
        assert_eq!(not_taken, "a scoped job panicked");
        assert_eq!(message(kept.unwrap().result()), "waited for");
        let both = panic_of(|| {
            pool.scope(|scope| {
                drop(scope.submit(|| panic!("of a job")).unwrap());
                panic!("of the body")
            })
        });
        assert_eq!(both, "of the body");
        assert_runs_jobs(&pool);
    });
}

#[test]
fn a_scope_does_not_wait_for_cancelled_jobs_and_jobs_of_others() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let busy = occupy(&pool);
        let job = pool.scope(|scope| {
            let (token, drops) = (drops.token(), &drops);
            let job = scope.submit(move || (token, drops.count()).1).unwrap();
            assert!(job.cancel());
            job
        });
        assert_eq!((drops.count(), pool.pending()), (1, 1), "it is still queued");
        assert!(busy.job.is_running());
        assert!(matches!(job.result(), Err(JobError::Cancelled)));
        // If the drop of the function panics, the panic is the canceller's.
        let said = panic_of(|| {
            pool.scope(|scope| {
                let (bomb, drops) = (Bomb::new(&drops), &drops);
                scope.submit(move || drop((bomb, drops))).unwrap().cancel()
            })
        });
        assert_eq!((said.as_str(), drops.count()), ("a drop that fails", 2));
        busy.release();
        assert_runs_jobs(&pool);
    });
}

#[test]
fn a_shutdown_of_the_pool_cancels_the_queued_jobs_of_a_scope() {
    watchdog::run(|watch| {
        let ((pool, theirs), drops) = (arc_pair(pool(1)), Drops::default());
        let (busy, tokens) = (occupy(&pool), [(); 10].map(|()| drops.token()));
        let owner = spawn_blocked(watch, "a scope", move || {
            let ran = AtomicUsize::new(0);
            theirs.scope(|scope| {
                for token in tokens {
                    let ran = &ran;
                    drop(scope.submit(move || (token, ran.fetch_add(1, Relaxed)).1).unwrap());
                }
            });
            ran.into_inner()
        });
        watch.until("ten queued jobs", || pool.pending() == 10);
        assert!(pool.try_shutdown_cancel().is_err(), "a job still runs");
        assert_eq!((owner.join(), drops.count()), (0, 10));
        pool.scope(|scope| {
            let refused = scope.submit(|| drops.token()).unwrap_err();
            assert!(matches!(refused, SubmitError::ShutDown(_)));
        });
        busy.release();
    });
}

#[test]
fn concurrent_scopes_of_one_pool_wait_for_their_own_jobs() {
    let pool = Arc::new(pool(2));
    watchdog::run(|watch| {
        for number in 0..3 {
            let pool = Arc::clone(&pool);
            watch.spawn(format!("owner {number}"), move |role| {
                let mut rng = fastrand::Rng::with_seed(number);
                for _ in 0..400 {
                    let (ran, count) = (AtomicUsize::new(0), rng.usize(..6));
                    let cancelled = role.waits("a scope", || {
                        pool.scope(|scope| {
                            let jobs = (0..count).map(|_| scope.submit(|| ran.fetch_add(1, Relaxed)).unwrap());
                            jobs.filter(|job| rng.bool() && job.cancel()).count()
                        })
                    });
                    assert_eq!(ran.into_inner() + cancelled, count);
                }
            });
        }
    });
}
