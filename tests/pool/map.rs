//! `map`: one function for many items. Law P6.

use super::{assert_runs_jobs, message, occupy, pool};
use crate::forms::{BLOCKING, EXPIRING, Form};
use crate::support::panic_of;
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::pool::{Builder, Map};
use selvedge::{Event, Instant, JobError, TimedOut};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::yield_now;
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

/// Later items may end first.
#[test]
fn results_have_the_order_of_the_items() {
    watchdog::run(|_| {
        for (workers, ahead) in [(1, 1), (1, 7), (3, 1), (3, 2), (4, 50), (4, usize::MAX)] {
            let pool = pool(workers);
            let slow = |number: usize| ((0..(number * 7) % 30).for_each(|_| yield_now()), number).1;
            assert!(pool.map(0..200, slow).map(Result::unwrap).eq(0..200));
            assert!(pool.map_ahead(ahead, 0..200, slow).map(Result::unwrap).eq(0..200));
            assert_eq!(pool.map(0..0, slow).count(), 0);
        }
    });
}

#[test]
fn each_form_of_next_yields_the_next_result_and_a_timeout_loses_none() {
    watchdog::run(|_| {
        let pool = pool(1);
        let gates = BLOCKING.map(|_| Arc::new(Event::new()));
        let mut map = pool.map_ahead(2, gates.clone(), |gate| gate.wait());
        for (form, gate) in BLOCKING.into_iter().zip(&gates) {
            for hasty in EXPIRING {
                assert_eq!(next_by(&mut map, hasty).err(), Some(TimedOut));
            }
            gate.set();
            assert!(matches!(next_by(&mut map, form), Ok(Some(Ok(())))), "{form:?}");
        }
        for form in BLOCKING.into_iter().chain(EXPIRING) {
            assert!(matches!(next_by(&mut map, form), Ok(None)), "after the last, {form:?}");
        }
    });
}

#[test]
fn a_timed_next_waits_for_the_first_pending_item_only() {
    watchdog::run(|watch| {
        let (pool, gate) = (pool(2), Arc::new(Event::new()));
        let opens = Arc::clone(&gate);
        let mut map = pool.map_ahead(2, [true, false], move |first| first && (opens.wait(), true).1);
        let other = pool.submit(|| ()).unwrap(); // runs after the second item, on the other worker
        watch.waits("another job", || other.wait());
        assert!(map.next_timeout(Duration::ZERO).is_err(), "only the second has ended");
        gate.set();
        assert!(map.next_timeout(Duration::MAX).unwrap().unwrap().unwrap());
        assert!(matches!(map.next_timeout(Duration::ZERO), Ok(Some(Ok(false)))));
    });
}

#[test]
fn at_most_ahead_items_are_submitted_in_advance() {
    watchdog::run(|_| {
        let (pool, taken) = (pool(2), AtomicUsize::new(0));
        let count = || _ = taken.fetch_add(1, SeqCst);
        for ahead in [1, 2, 3, 10] {
            taken.store(0, SeqCst);
            let mut map = pool.map_ahead(ahead, (0..30).inspect(|_| count()), |number| number);
            for yielded in 0..30 {
                // The next result to be yielded is one of those ahead.
                let expected = (ahead + yielded.max(1) - 1).min(30);
                assert_eq!(taken.load(SeqCst), expected, "ahead {ahead}, yielded {yielded}");
                assert_eq!(map.next().unwrap().unwrap(), yielded);
            }
            assert!(map.next().is_none() && map.next().is_none(), "fused");
        }
        taken.store(0, SeqCst);
        let _map = pool.map((0..).inspect(|_| count()), |number: u64| number);
        assert_eq!(taken.load(SeqCst), 4, "twice the number of workers");
        let said = panic_of(|| pool.map_ahead(0, 0..1, |n| n));
        assert_eq!(said, "a map must submit at least one item ahead");
    });
}

#[test]
fn the_size_hint_is_as_exact_as_that_of_the_items() {
    watchdog::run(|_| {
        let pool = pool(1);
        let mut map = pool.map_ahead(3, 0..5, |number| number);
        for left in (0..5).rev() {
            assert_eq!(map.size_hint(), (left + 1, Some(left + 1)));
            map.next().unwrap().unwrap();
        }
        assert_eq!(map.size_hint(), (0, Some(0)));
        let endless = pool.map_ahead(3, 0.., |number: u128| number);
        assert_eq!(endless.size_hint(), (usize::MAX, None));
        let even = pool.map_ahead(1, (0..4).filter(|number| number % 2 == 0), |number| number);
        assert_eq!(even.size_hint(), (1, Some(4)));
    });
}

#[test]
fn a_dropped_map_cancels_the_items_that_have_not_begun() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let (shared, runs) = (Arc::new(()), Arc::new(AtomicUsize::new(0)));
        let busy = occupy(&pool);
        let (share, theirs) = (Arc::clone(&shared), Arc::clone(&runs));
        let map = pool.map_ahead(10, [(); 20].map(|()| drops.token()), move |_token| {
            let _share = &share;
            theirs.fetch_add(1, SeqCst);
        });
        assert_eq!(pool.pending(), 10);
        drop(map);
        let counts = (drops.count(), Arc::strong_count(&shared));
        assert_eq!(counts, (20, 1), "before the worker discards the items");
        busy.release();
        assert_runs_jobs(&pool);
        assert_eq!(runs.load(SeqCst), 0);
    });
}

#[test]
fn an_item_that_panics_affects_no_other_item() {
    watchdog::run(|_| {
        let pool = pool(2);
        let results = pool.map(0..10, |number| assert!(number % 3 > 0, "item {number}"));
        for (number, result) in results.enumerate() {
            match result {
                Ok(()) => assert!(number % 3 > 0),
                failed => assert_eq!(message(failed), format!("item {number}")),
            }
        }
        let collected: Result<Vec<_>, _> = pool.map(0.., |number: u32| assert!(number < 5)).collect();
        assert!(matches!(collected, Err(JobError::Panicked(_))), "it stops there");
    });
}

#[test]
fn an_item_value_or_payload_whose_drop_panics_does_not_stop_the_drop_of_a_map() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let bombs = || [(); 6].map(|()| Bomb::new(&drops));
        let busy = occupy(&pool);
        drop(pool.map_ahead(6, bombs(), drop));
        assert_eq!(drops.count(), 6);
        busy.release();
        let values = pool.map_ahead(6, bombs(), |bomb| bomb);
        assert_runs_jobs(&pool); // after all items
        drop(values);
        assert_eq!(drops.count(), 12);
        let payloads = pool.map_ahead(6, bombs(), |bomb| panic_any(bomb));
        assert_runs_jobs(&pool);
        drop(payloads);
        assert_eq!(drops.count(), 18);
    });
}

/// The numbers 0..10, with one panic before each of `at`.
fn fails(at: &'static [usize]) -> impl Iterator<Item = usize> {
    let (mut next, mut fails) = (0, false);
    std::iter::from_fn(move || {
        fails = at.contains(&next) && !fails;
        if fails {
            resume_unwind(Box::new("the items fail"));
        }
        next += 1;
        (next <= 10).then_some(next - 1)
    })
}

#[test]
fn a_panic_of_the_items_iterator_loses_no_result() {
    watchdog::run(|_| {
        let pool = pool(2);
        let mut map = pool.map_ahead(3, fails(&[4, 5, 10]), |number| number);
        let (mut results, mut panics) = (Vec::new(), 0);
        while results.len() < 10 {
            match catch_unwind(AssertUnwindSafe(|| map.next())) {
                Ok(result) => results.push(result.unwrap().unwrap()),
                Err(panic) => {
                    assert_eq!(panic.downcast_ref(), Some(&"the items fail"));
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
fn a_panic_of_the_items_iterator_in_map_cancels_the_submitted_items() {
    watchdog::run(|_| {
        let (pool, shared) = (pool(1), Arc::new(()));
        let (busy, share) = (occupy(&pool), Arc::clone(&shared));
        let said = panic_of(|| pool.map_ahead(5, fails(&[3]), move |_| drop(Arc::clone(&share))));
        assert_eq!(said, "the items fail");
        assert_eq!(Arc::strong_count(&shared), 1);
        busy.release();
    });
}

#[test]
fn a_shutdown_cancels_the_items_that_are_not_submitted_yet() {
    watchdog::run(|_| {
        for cancels in [false, true] {
            let pool = pool(1);
            let busy = occupy(&pool);
            let map = pool.map_ahead(4, 0..10, |number| number);
            assert!(super::shut_down_by(&pool, cancels, Form::Try).is_err());
            busy.release();
            let results: Vec<_> = map.collect();
            assert_eq!(results.len(), 10);
            for (number, result) in results.into_iter().enumerate() {
                match result {
                    Ok(result) => assert!(result == number && number < 4 && !cancels),
                    Err(JobError::Cancelled) => assert!(number >= 4 || cancels),
                    Err(error) => panic!("item {number}: {error:?}"),
                }
            }
        }
    });
}

#[test]
fn each_item_fails_if_the_pool_is_broken_or_cannot_spawn_a_worker() {
    watchdog::run(|_| {
        let builder = Builder::new().workers(1);
        let broken = builder.clone().initializer(|| panic!("on purpose")).build();
        for pool in [broken, builder.stack_size(usize::MAX).build()] {
            let results: Vec<_> = pool.map(0..5, |number| number).collect();
            let all_broken = results.iter().all(|result| matches!(result, Err(JobError::Broken)));
            assert!(results.len() == 5 && all_broken, "{results:?}");
        }
    });
}
