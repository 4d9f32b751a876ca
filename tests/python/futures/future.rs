//! `FutureTests`. What is told to a callback is how the job has ended; the value is for the one who has the job.

use super::{AnyState, fail, gated};
use crate::python::threading::program;
use crate::python::{A_WHILE, blocks_until, timed};
use crate::support::panic_of;
use crate::watchdog;
use selvedge::{Job, JobError, Outcome, SimpleQueue, TimedOut};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::Duration;

/// What callbacks were told, and by which thread.
type Told = Arc<SimpleQueue<(u32, Outcome, ThreadId)>>;

/// Adds a callback that tells its number, too.
fn add_callback(job: &Job<u32>, number: u32, told: &Told) {
    let told = Arc::clone(told);
    job.on_done(move |outcome| told.put((number, outcome, thread::current().id())));
}

/// What callbacks are told that are added before the job ends, by whom, and the job.
fn told_of(run: fn() -> u32) -> (Vec<(u32, Outcome, ThreadId)>, Job<u32>) {
    let ((_, pool, gate), told) = (gated(1), Told::default());
    let job = pool.submit(gate.before(run)).unwrap();
    (0..3).for_each(|number| add_callback(&job, number, &told));
    assert_eq!(told.len(), 0);
    gate.open();
    watchdog::run(|watch| watch.waits("the pool's end", || pool.shutdown()));
    (std::iter::from_fn(|| told.try_get()).collect(), job)
}

fn are_told_by_the_worker(run: fn() -> u32, outcome: Outcome) -> Job<u32> {
    let (told, job) = told_of(run);
    let numbers: Vec<_> = told.iter().map(|&(number, ..)| number).collect();
    assert_eq!(numbers, [0, 1, 2], "each once, in the order of adding");
    assert!(
        told.iter()
            .all(|&(_, told, by)| told == outcome && by != thread::current().id()),
        "{told:?}"
    );
    job
}

#[test]
fn done_callback_with_result() {
    assert_eq!(are_told_by_the_worker(|| 5, Outcome::Returned).result().unwrap(), 5);
}

#[test]
fn done_callback_with_exception() {
    let failed = are_told_by_the_worker(fail, Outcome::Panicked).result().unwrap_err();
    assert_eq!(failed.message(), Some("as told"));
}

#[test]
fn done_callback_with_cancel() {
    let (any, told) = (AnyState::new(), Told::default());
    add_callback(&any.pending, 0, &told);
    assert!(any.pending.cancel());
    assert_eq!(told.try_get(), Some((0, Outcome::Cancelled, thread::current().id())));
    assert!(any.pending.cancel());
    assert!(told.is_empty(), "it is told again");
}

#[test]
fn done_callback_raises() {
    let program = program::run(|| {
        let (_, pool, gate) = gated(1);
        let job = pool.submit(gate.before(|| 5)).unwrap();
        job.on_done(|_| panic!("doh!"));
        job.on_done(|outcome| program::say(&format!("{outcome:?}")));
        gate.open();
        watchdog::run(|watch| watch.waits("another job", || pool.submit(|| ()).unwrap().result())).unwrap();
        assert_eq!(job.result().unwrap(), 5);
    });
    assert_eq!(
        (program.code, &*program.said),
        (Some(0), &["Returned".to_owned()][..]),
        "{program:?}"
    );
    assert!(program.stderr.contains("doh!"), "{program:?}");
}

/// A callback that comes too late is run at once, by who adds it.
fn is_told_at_once(state: fn(&AnyState) -> &Job<u32>, outcome: Outcome) {
    let (any, told) = (AnyState::new(), Told::default());
    add_callback(state(&any), 0, &told);
    assert_eq!(told.try_get(), Some((0, outcome, thread::current().id())));
    drop(any);
    assert!(told.is_empty(), "it is told again");
}

#[test]
fn done_callback_already_successful() {
    is_told_at_once(|any| &any.successful, Outcome::Returned);
}

#[test]
fn done_callback_already_failed() {
    is_told_at_once(|any| &any.failed, Outcome::Panicked);
}

#[test]
fn done_callback_already_cancelled() {
    is_told_at_once(|any| &any.cancelled, Outcome::Cancelled);
}

#[test]
fn done_callback_raises_already_succeeded() {
    let (any, told) = (AnyState::new(), Told::default());
    let doh = || any.successful.on_done(|_| resume_unwind(Box::new("doh!")));
    assert_eq!(panic_of(doh), "doh!");
    add_callback(&any.successful, 1, &told);
    assert_eq!(told.len(), 1);
    assert_eq!(any.successful.result().unwrap(), 42);
}

#[test]
fn repr() {
    let any = AnyState::new();
    let texts = any.all().map(|(job, _)| format!("{job:?}"));
    let job = |outcome, running| format!("Job {{ outcome: {outcome}, running: {running} }}");
    assert_eq!(
        texts,
        [
            job("None", false),
            job("None", true),
            job("Some(Cancelled)", false),
            job("Some(Panicked)", false),
            job("Some(Returned)", false),
        ]
    );
}

#[test]
fn cancel() {
    let any = AnyState::new();
    assert_eq!(
        any.all().map(|(job, _)| job.cancel()),
        [true, false, true, false, false]
    );
    let outcomes = any.all().map(|(job, _)| job.outcome());
    assert_eq!(
        (outcomes[0], &outcomes[1..]),
        (Some(Outcome::Cancelled), &any.all().map(|(_, ended)| ended)[1..])
    );
    assert!(any.running.is_running());
    any.gate.open();
    any.pool.shutdown();
    assert_eq!(
        any.running.outcome(),
        Some(Outcome::Returned),
        "it was cancelled while it ran"
    );
}

#[test]
fn cancelled() {
    let any = AnyState::new();
    let outcomes = any.all().map(|(job, _)| job.outcome());
    assert_eq!(
        outcomes.map(|outcome| outcome == Some(Outcome::Cancelled)),
        [false, false, true, false, false]
    );
    assert_eq!(outcomes, any.all().map(|(_, ended)| ended));
}

#[test]
fn done() {
    assert_eq!(
        AnyState::new().all().map(|(job, _)| job.is_done()),
        [false, false, true, true, true]
    );
}

#[test]
fn running() {
    assert_eq!(
        AnyState::new().all().map(|(job, _)| job.is_running()),
        [false, true, false, false, false]
    );
}

#[test]
fn result_with_timeout() {
    let mut any = AnyState::new();
    for patience in [Duration::ZERO, A_WHILE] {
        for unfinished in [&mut any.pending, &mut any.running] {
            let (result, time) = timed(|| unfinished.result_timeout(patience));
            assert!(matches!(result, Err(TimedOut)));
            assert!(time >= patience, "it gave up early");
        }
    }
    assert!(matches!(
        any.cancelled.result_timeout(Duration::ZERO),
        Ok(Err(JobError::Cancelled))
    ));
    assert_eq!(
        any.failed
            .result_timeout(Duration::ZERO)
            .unwrap()
            .unwrap_err()
            .message(),
        Some("as told")
    );
    assert_eq!(any.successful.result_timeout(Duration::ZERO).unwrap().unwrap(), 42);
    any.gate.open();
    let [pending, running] = [any.pending, any.running].map(|mut job| job.result_timeout(Duration::MAX));
    assert_eq!(
        (pending.unwrap().unwrap(), running.unwrap().unwrap()),
        (2, 1),
        "what came too late is lost"
    );
}

#[test]
fn result_with_success() {
    let (_, pool, gate) = gated(1);
    let job = pool.submit(gate.before(|| 42)).unwrap();
    let result = watchdog::run(|watch| blocks_until(watch, "result", || job.result(), || gate.open()));
    assert_eq!(result.unwrap(), 42);
}

#[test]
fn result_with_cancel() {
    let (_, pool, gate) = gated(1);
    let _held = pool.submit(gate.before(|| 1)).unwrap();
    let [shared, owned] = [2, 3].map(|n| pool.submit(move || n).unwrap());
    watchdog::run(|watch| {
        let outcome = blocks_until(watch, "wait", || shared.wait(), || assert!(shared.cancel()));
        assert_eq!(outcome, Outcome::Cancelled);
        let cancel = || assert_eq!(pool.try_shutdown_cancel(), Err(TimedOut), "the first has ended");
        assert!(matches!(
            blocks_until(watch, "result", || owned.result(), cancel),
            Err(JobError::Cancelled)
        ));
    });
    assert!(matches!(shared.result(), Err(JobError::Cancelled)));
}

#[test]
fn exception_with_timeout() {
    let any = AnyState::new();
    for (job, ended) in any.all() {
        assert_eq!(job.wait_timeout(Duration::ZERO).ok(), ended);
    }
    let (waited, time) = timed(|| any.running.wait_timeout(A_WHILE));
    assert_eq!(waited, Err(TimedOut));
    assert!(time >= A_WHILE, "it gave up early");
}

#[test]
fn exception_with_success() {
    let (_, pool, gate) = gated(1);
    let job = pool.submit(gate.before(fail)).unwrap();
    let outcome = watchdog::run(|watch| blocks_until(watch, "wait", || job.wait(), || gate.open()));
    assert_eq!(outcome, Outcome::Panicked);
    assert_eq!(job.result().unwrap_err().message(), Some("as told"));
}
