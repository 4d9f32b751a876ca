//! Jobs that borrow.

use super::{hold, pool, said, two};
use crate::support::panic_of;
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::thread::Registry;
use selvedge::{Event, Job, JobError, Outcome, SubmitError, ThreadPool};
use std::cell::Cell;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};

#[test]
fn what_jobs_borrow_is_back_after_the_scope() {
    watchdog::run(|_| {
        let pool = pool(3);
        for _ in 0..100 {
            let (mut parts, words) = ([[0; 4], [0; 4], [0; 4]], String::from("shared"));
            let ran = pool.scope(|scope| {
                for (number, part) in parts.iter_mut().enumerate() {
                    drop(scope.submit(|| assert_eq!(words, "shared")).unwrap());
                    let words = &words;
                    drop(scope.submit(move || part.fill(number + words.len())).unwrap());
                }
                "the body's result"
            });
            assert_eq!((parts, ran), ([[6; 4], [7; 4], [8; 4]], "the body's result"));
            assert_eq!(words, "shared");
        }
    });
}

/// The scope returns only after the slowest, though nobody has its job.
#[test]
fn a_scope_waits_for_jobs_that_were_dropped() {
    watchdog::run(|watch| {
        let (pool, gate) = (Arc::new(pool(2)), Arc::new(Event::new()));
        let over = Arc::new(AtomicBool::new(false));
        let (theirs, end) = (Arc::clone(&gate), Arc::clone(&over));
        let owner = watch.spawn("owner", move |role| {
            let (value, gate) = (AtomicUsize::new(0), &*theirs);
            role.waits("a scope", || {
                pool.scope(|scope| {
                    let slow = || {
                        gate.wait();
                        value.fetch_add(1, Relaxed);
                    };
                    (0..4).for_each(|_| drop(scope.submit(slow).unwrap()));
                });
            });
            end.store(true, SeqCst);
            value.into_inner()
        });
        owner.until_asleep();
        assert!(!over.load(SeqCst));
        gate.set();
        assert_eq!(owner.join(), 4);
    });
}

/// What a job captured or made is dropped before its scope returns: it may borrow.
#[test]
fn nothing_that_borrows_outlives_the_scope() {
    struct Marks<'a>(&'a AtomicUsize);

    impl Drop for Marks<'_> {
        fn drop(&mut self) {
            (0..20).for_each(|_| std::thread::yield_now());
            self.0.fetch_add(1, Relaxed);
        }
    }
    watchdog::run(|_| {
        let pool = pool(2);
        for round in 0..400 {
            let marked = AtomicUsize::new(0);
            let (captured, mine) = (Marks(&marked), Marks(&marked));
            pool.scope(|scope| match round % 4 {
                0 => drop(scope.submit(move || drop((captured, mine))).unwrap()),
                1 => drop(scope.submit(move || (captured, mine)).unwrap()), // nobody has its value
                2 => {
                    let job = scope.submit(move || (drop(captured), mine).1).unwrap();
                    job.cancel();
                }
                _ => {
                    let panics = move || {
                        let _also = captured;
                        drop(mine);
                        panic_any(())
                    };
                    assert!(scope.submit(panics).unwrap().result().is_err());
                }
            });
            assert_eq!(marked.into_inner(), 2, "round {round}");
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
                for _ in 0..8 {
                    let middle = move || {
                        count.fetch_add(1, Relaxed);
                        for _ in 0..4 {
                            let inner = move || {
                                (0..20).for_each(|_| std::thread::yield_now());
                                drop(scope.submit(move || count.fetch_add(1, Relaxed)).unwrap());
                            };
                            drop(scope.submit(inner).unwrap());
                        }
                    };
                    drop(scope.submit(middle).unwrap());
                }
            });
            assert_eq!(count.into_inner(), 8 + 32);
        }
    });
}

/// The last to be submitted comes from the drop of the one before: by a worker, or by whoever cancels it.
#[test]
fn what_a_drop_submits_is_waited_for_too() {
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
            let held = hold(&pool);
            pool.scope(|scope| {
                let count = &count;
                let submits = Submits(move || drop(scope.submit(|| count.fetch_add(1, Relaxed)).unwrap()));
                let job = scope.submit(move || drop(submits)).unwrap();
                assert_eq!(job.cancel() && cancels, cancels);
                // What nobody can take is dropped by the worker, and counts until then.
                let value =
                    scope.submit(move || Submits(move || drop(scope.submit(|| count.fetch_add(1, Relaxed)).unwrap())));
                drop(value.unwrap());
                held.open.set();
            });
            assert_eq!(count.into_inner(), 2);
        }
    });
}

#[test]
fn scopes_may_be_nested_and_be_of_two_pools() {
    watchdog::run(|_| {
        let (outer, inner) = (pool(1), pool(1));
        let mut value = 1;
        outer.scope(|scope| {
            let value = &mut value;
            let inner = &inner;
            let job = scope.submit(move || {
                inner.scope(|scope| drop(scope.submit(|| *value += 1).unwrap()));
                *value *= 10;
            });
            job.unwrap().result().unwrap();
        });
        let wide = pool(2);
        wide.scope(|scope| {
            let (value, wide) = (&mut value, &wide);
            drop(
                scope
                    .submit(move || wide.scope(|scope| drop(scope.submit(|| *value += 1).unwrap())))
                    .unwrap(),
            );
        });
        assert_eq!(value, 21);
    });
}

#[test]
fn a_jobs_panic_is_in_its_result_or_else_the_scopes() {
    watchdog::run(|_| {
        let pool = pool(2);
        let seen = pool.scope(|scope| said(scope.submit(|| panic!("seen")).unwrap().result()));
        assert_eq!(seen, "seen");
        let mut kept = None;
        let unseen = panic_of(|| {
            pool.scope(|scope| {
                drop(scope.submit(|| panic!("dropped")).unwrap());
                let waited = scope.submit(|| panic!("waited for")).unwrap();
                waited.wait();
                kept = Some(waited);
            });
        });
        assert_eq!(unseen, "a scoped job panicked");
        assert_eq!(said(kept.unwrap().result()), "waited for");
        let both = panic_of(|| {
            pool.scope(|scope| {
                drop(scope.submit(|| panic!("of a job")).unwrap());
                panic!("of the body")
            })
        });
        assert_eq!(both, "of the body");
        assert!(pool.workers() <= 2, "and no worker is lost");
        assert_eq!(pool.scope(|scope| scope.submit(|| 7).unwrap().result().unwrap()), 7);
    });
}

#[test]
fn a_panic_of_the_body_comes_after_the_jobs() {
    watchdog::run(|watch| {
        let (pool, gate) = (Arc::new(pool(1)), Arc::new(Event::new()));
        let theirs = Arc::clone(&gate);
        let owner = watch.spawn("owner", move |role| {
            let count = AtomicUsize::new(0);
            let said = role.waits("a scope", || {
                panic_of(|| {
                    pool.scope(|scope| {
                        for _ in 0..3 {
                            let job = || {
                                theirs.wait();
                                count.fetch_add(1, Relaxed);
                            };
                            drop(scope.submit(job).unwrap());
                        }
                        panic!("of the body");
                    })
                })
            });
            (said, count.into_inner())
        });
        owner.until_asleep();
        gate.set();
        assert_eq!(owner.join(), ("of the body".to_owned(), 3));
    });
}

#[test]
fn a_scope_need_not_wait_for_the_jobs_of_others() {
    watchdog::run(|_| {
        let pool = pool(2);
        let held = hold(&pool);
        pool.scope(|scope| drop(scope.submit(|| ()).unwrap()));
        pool.scope(|_| ());
        assert!(held.job.is_running());
    });
}

#[test]
fn a_cancelled_job_holds_up_no_scope() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let held = hold(&pool);
        let job = pool.scope(|scope| {
            let (token, borrowed) = (drops.token(), &drops);
            let job = scope
                .submit(move || borrowed.count() + usize::from(format!("{token:?}").is_empty()))
                .unwrap();
            assert!(job.cancel());
            job
        });
        assert_eq!(
            (drops.count(), pool.pending()),
            (1, 1),
            "the worker has not passed it over"
        );
        assert!(matches!(job.result(), Err(JobError::Cancelled)));
        // Nor does one whose drop panics: that is the canceller's.
        let said = panic_of(|| {
            pool.scope(|scope| {
                let (bomb, drops) = (Bomb::new(&drops), &drops);
                scope.submit(move || drop((bomb, drops))).unwrap().cancel()
            })
        });
        assert_eq!((said.as_str(), drops.count()), ("a drop that fails", 2));
        held.release();
        assert_eq!(pool.submit(|| 7).unwrap().result().unwrap(), 7);
    });
}

#[test]
fn a_pool_that_is_shut_down_meanwhile_cancels_what_a_scope_has_queued() {
    watchdog::run(|watch| {
        let (pool, drops) = (Arc::new(pool(1)), Drops::default());
        let held = hold(&pool);
        let (theirs, tokens) = (Arc::clone(&pool), drops.clone());
        let (queued, all_queued) = two(Event::new());
        let owner = watch.spawn("owner", move |role| {
            let ran = AtomicUsize::new(0);
            role.waits("a scope", || {
                theirs.scope(|scope| {
                    for _ in 0..10 {
                        let (token, ran) = (tokens.token(), &ran);
                        let job = move || {
                            let _token = token;
                            ran.fetch_add(1, Relaxed);
                        };
                        drop(scope.submit(job).unwrap());
                    }
                    all_queued.set();
                });
            });
            ran.into_inner()
        });
        queued.wait();
        owner.until_asleep();
        assert!(pool.try_shutdown_cancel().is_err(), "one still runs");
        assert_eq!((owner.join(), drops.count()), (0, 10));
        pool.scope(|scope| {
            let refused = scope.submit(|| drops.token()).unwrap_err();
            assert!(matches!(refused, SubmitError::ShutDown(_)));
        });
        held.release();
    });
}

#[test]
fn many_scopes_share_a_pool() {
    let pool = pool(2);
    watchdog::run(|watch| {
        let pool: &ThreadPool = &pool;
        let owners = [0, 1, 2].map(|number: u64| {
            watch.spawn(format!("owner {number}"), move |role| {
                let mut rng = fastrand::Rng::with_seed(number);
                for _ in 0..400 {
                    let (ran, mut cancelled) = (AtomicUsize::new(0), 0);
                    let count = rng.usize(..6);
                    role.waits("a scope", || {
                        pool.scope(|scope| {
                            for _ in 0..count {
                                let job = scope.submit(|| ran.fetch_add(1, Relaxed)).unwrap();
                                cancelled += usize::from(rng.bool() && job.cancel());
                            }
                        });
                    });
                    assert_eq!(ran.into_inner() + cancelled, count);
                }
            })
        });
        owners.into_iter().for_each(|owner| owner.join());
    });
}

#[test]
fn a_scope_leaves_nothing_in_the_pool() {
    watchdog::run(|_| {
        let (registry, shared) = (Registry::new(), Arc::new(()));
        let pool = selvedge::pool::Builder::new().workers(2).registry(&registry).build();
        for _ in 0..50 {
            pool.scope(|scope| {
                let shared = &shared;
                drop(scope.submit(move || Arc::clone(shared)).unwrap());
                drop(scope.submit(move || panic_any(Arc::clone(shared))).unwrap().result());
                scope.submit(move || Arc::clone(shared)).unwrap().result().unwrap();
            });
            assert_eq!(Arc::strong_count(&shared), 1);
        }
        drop(pool);
        assert_eq!(registry.active_count(), 1);
    });
}
