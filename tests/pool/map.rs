//! One function for many items.

use super::{hold, pool, said, two};
use crate::forms::{Form, HASTY, PATIENT};
use crate::support::panic_of;
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::pool::{Builder, Map};
use selvedge::{Event, Instant, JobError, Outcome, TimedOut};
use std::panic::{panic_any, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

fn next_by<I, F, T>(map: &mut Map<'_, I, F, T>, form: Form) -> Result<Option<Result<T, JobError>>, TimedOut>
where
    I: Iterator<Item: Send + 'static>,
    F: Fn(I::Item) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    match form {
        Form::Plain => Ok(map.next()),
        Form::Try => map.next_deadline(Instant::now()),
        Form::Timeout(time) => map.next_timeout(time),
        Form::Deadline(time) => map.next_deadline(Instant::now() + time),
    }
}

/// Law P6, though later items may be done first.
#[test]
fn results_come_in_the_order_of_the_items() {
    watchdog::run(|_| {
        for (workers, ahead) in [(1, 1), (1, 7), (3, 1), (3, 2), (4, 50), (4, usize::MAX)] {
            let pool = pool(workers);
            let late = |number: usize| {
                (0..(number * 7) % 30).for_each(|_| std::thread::yield_now());
                number
            };
            assert!(pool.map(0..200, late).map(Result::unwrap).eq(0..200));
            assert!(pool.map_ahead(ahead, 0..200, late).map(Result::unwrap).eq(0..200));
            assert_eq!(pool.map(0..0, late).count(), 0);
        }
    });
}

#[test]
fn each_form_gives_the_next_and_a_wait_in_vain_loses_nothing() {
    watchdog::run(|_| {
        let pool = pool(1);
        let gates: Vec<_> = (0..PATIENT.len()).map(|_| Arc::new(Event::new())).collect();
        let mut map = pool.map_ahead(2, gates.clone(), |gate| gate.wait());
        for (form, gate) in PATIENT.into_iter().zip(&gates) {
            for hasty in HASTY {
                assert_eq!(next_by(&mut map, hasty).err(), Some(TimedOut));
            }
            gate.set();
            assert!(matches!(next_by(&mut map, form), Ok(Some(Ok(())))), "{form:?}");
        }
        for form in PATIENT.into_iter().chain(HASTY) {
            assert!(matches!(next_by(&mut map, form), Ok(None)), "after the last, {form:?}");
        }
    });
}

/// How many items were taken for which no result was asked.
#[test]
fn it_never_looks_farther_ahead_than_it_may() {
    watchdog::run(|_| {
        let pool = pool(2);
        let taken = AtomicUsize::new(0);
        for ahead in [1, 2, 3, 10] {
            taken.store(0, SeqCst);
            let items = (0..30).inspect(|_| _ = taken.fetch_add(1, SeqCst));
            let mut map = pool.map_ahead(ahead, items, |number| number);
            for asked in 0..30 {
                // The one that is asked for next is among those ahead.
                assert_eq!(
                    taken.load(SeqCst),
                    (ahead + asked.max(1) - 1).min(30),
                    "ahead {ahead}, asked {asked}"
                );
                assert_eq!(map.next().unwrap().unwrap(), asked);
            }
            assert!(map.next().is_none() && map.next().is_none(), "fused");
        }
        taken.store(0, SeqCst);
        let _map = pool.map((0..).inspect(|_| _ = taken.fetch_add(1, SeqCst)), |number: u64| number);
        assert_eq!(taken.load(SeqCst), 4, "twice as many as threads");
        assert_eq!(
            panic_of(|| pool.map_ahead(0, 0..1, |n| n)),
            "a map must submit at least one item ahead"
        );
    });
}

#[test]
fn a_size_is_known_as_well_as_the_items_say() {
    watchdog::run(|_| {
        let pool = pool(1);
        let mut map = pool.map_ahead(3, 0..5, |number| number);
        for left in (0..5).rev() {
            assert_eq!(map.size_hint(), (left + 1, Some(left + 1)));
            map.next().unwrap().unwrap();
        }
        assert_eq!(map.size_hint(), (0, Some(0)));
        assert_eq!(
            pool.map_ahead(3, 0.., |number: u128| number).size_hint(),
            (usize::MAX, None)
        );
        let few = pool.map_ahead(1, (0..4).filter(|number| number % 2 == 0), |number| number);
        assert_eq!(few.size_hint(), (1, Some(4)));
    });
}

/// Law P6: what has begun goes on, and the rest never does.
#[test]
fn a_map_that_is_dropped_cancels_the_rest() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let (ran, theirs) = two(AtomicUsize::new(0));
        let held = hold(&pool);
        let tokens = (0..20).map(|_| drops.token()).collect::<Vec<_>>();
        let shared = Arc::new(());
        let share = Arc::clone(&shared);
        let map = pool.map_ahead(10, tokens, move |_token| {
            let _share = &share;
            theirs.fetch_add(1, SeqCst);
        });
        assert_eq!(pool.pending(), 10);
        drop(map);
        assert_eq!(
            (drops.count(), Arc::strong_count(&shared)),
            (20, 1),
            "before the worker comes to them"
        );
        held.release();
        let _ = pool.submit(|| ()).unwrap().result();
        assert_eq!((ran.load(SeqCst), pool.pending()), (0, 0));
    });
}

#[test]
fn one_item_that_panics_fails_alone() {
    watchdog::run(|_| {
        let pool = pool(2);
        let results = pool.map(0..10, |number| {
            if number % 3 == 0 {
                panic!("item {number}")
            } else {
                number
            }
        });
        for (number, result) in results.enumerate() {
            if number % 3 == 0 {
                assert_eq!(said(result), format!("item {number}"));
            } else {
                assert_eq!(result.unwrap(), number);
            }
        }
        let collected: Result<Vec<_>, _> = pool.map(0.., |number: u32| assert!(number < 5)).collect();
        assert!(
            matches!(collected, Err(JobError::Panicked(_))),
            "it ends, though the items do not"
        );
    });
}

#[test]
fn an_item_whose_drop_panics_holds_up_no_cancel() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let held = hold(&pool);
        let bombs = [(); 6].map(|()| Bomb::new(&drops));
        drop(pool.map_ahead(6, bombs, drop));
        assert_eq!(drops.count(), 6);
        held.release();
        let values = [(); 6].map(|()| Bomb::new(&drops));
        let map = pool.map_ahead(6, values, |bomb| bomb);
        pool.submit(|| ()).unwrap().result().unwrap(); // all have their results now, which nobody takes
        drop(map);
        assert_eq!(drops.count(), 12);
        let payloads = [(); 6].map(|()| Bomb::new(&drops));
        let map = pool.map_ahead(6, payloads, |bomb| panic_any(bomb));
        pool.submit(|| ()).unwrap().result().unwrap();
        drop(map);
        assert_eq!(drops.count(), 18);
    });
}

/// Items that fail now and then.
struct Fails {
    next: usize,
    at: &'static [usize],
    failed: bool,
}

fn fails(at: &'static [usize]) -> Fails {
    Fails {
        next: 0,
        at,
        failed: false,
    }
}

impl Iterator for Fails {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.at.contains(&self.next) && !self.failed {
            self.failed = true;
            resume_unwind(Box::new("items that fail"));
        }
        self.failed = false;
        self.next += 1;
        (self.next <= 10).then_some(self.next - 1)
    }
}

#[test]
fn items_that_panic_lose_no_result() {
    watchdog::run(|_| {
        let pool = pool(2);
        let mut map = pool.map_ahead(3, fails(&[4, 5, 10]), |number| number);
        let (mut results, mut panics) = (Vec::new(), 0);
        while results.len() < 10 {
            let next = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| map.next()));
            match next {
                Ok(result) => results.push(result.unwrap().unwrap()),
                Err(panic) => {
                    assert_eq!(panic.downcast_ref(), Some(&"items that fail"));
                    panics += 1;
                }
            }
        }
        assert!(results.into_iter().eq(0..10));
        assert_eq!(panics, 3);
        assert!(map.next().is_none());
    });
}

#[test]
fn items_that_panic_at_once_leave_nothing() {
    watchdog::run(|_| {
        let (pool, shared) = (pool(1), Arc::new(()));
        let (held, share) = (hold(&pool), Arc::clone(&shared));
        let said = panic_of(|| pool.map_ahead(5, fails(&[3]), move |_| drop(Arc::clone(&share))));
        assert_eq!(said, "items that fail");
        assert_eq!(Arc::strong_count(&shared), 1, "those that were submitted are cancelled");
        held.release();
    });
}

#[test]
fn a_pool_that_is_shut_down_half_way_runs_what_it_has_and_cancels_the_others() {
    watchdog::run(|_| {
        for cancels in [false, true] {
            let pool = pool(1);
            let held = hold(&pool);
            let mut map = pool.map_ahead(4, 0..10, |number| number);
            assert!(
                if cancels {
                    pool.try_shutdown_cancel()
                } else {
                    pool.try_shutdown()
                }
                .is_err()
            );
            held.release();
            for number in 0..10 {
                let result = map.next().unwrap();
                if number < 4 && !cancels {
                    assert_eq!(result.unwrap(), number);
                } else {
                    assert!(matches!(result, Err(JobError::Cancelled)), "item {number}");
                }
            }
            assert!(map.next().is_none());
        }
    });
}

#[test]
fn a_broken_pool_breaks_each_item() {
    watchdog::run(|_| {
        let pool = Builder::new().workers(1).initializer(|| panic!("on purpose")).build();
        let results: Vec<_> = pool.map(0..5, |number| number).collect();
        assert!(
            results.iter().all(|result| matches!(result, Err(JobError::Broken))),
            "{results:?}"
        );
        assert_eq!(results.len(), 5);
        let no_thread = Builder::new().workers(1).stack_size(usize::MAX).build();
        let results: Vec<_> = no_thread.map(0..5, |number| number).collect();
        assert!(results.len() == 5 && results.iter().all(|result| matches!(result, Err(JobError::Broken))));
    });
}

#[test]
fn timed_forms_wait_for_the_first_only() {
    watchdog::run(|watch| {
        let pool = pool(2);
        let (gate, theirs) = two(Event::new());
        let mut map = pool.map_ahead(2, [true, false], move |first| first && (theirs.wait(), true).1);
        let other = pool.submit(|| ()).unwrap(); // after the second item, by the other worker
        assert_eq!(watch.waits("another's job", || other.wait()), Outcome::Returned);
        assert!(
            map.next_timeout(Duration::ZERO).is_err(),
            "the second is there, and not the first"
        );
        gate.set();
        assert!(map.next_timeout(Duration::MAX).unwrap().unwrap().unwrap());
        assert!(matches!(map.next_timeout(Duration::ZERO), Ok(Some(Ok(false)))));
    });
}
