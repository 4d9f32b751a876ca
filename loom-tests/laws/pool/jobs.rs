//! The end of jobs: F1 to F3.

use super::*;
use crate::law::Model;
use selvedge_loom::pool::{self, Until};
use spec::Answer::{Cancelled, Panicked, TimedOut};

pub fn laws() -> Vec<Law> {
    vec![
        Law::new(
            "F1",
            "a job ends once, and its outcome never changes",
            [
                Model::new(
                    "a wait and a cancel",
                    [[Done, Is(false)], [Cancelled, Is(true)]],
                    one_waits_one_cancels,
                )
                .within(1, 2),
                Model::new(
                    "two cancels",
                    [[Is(true), Is(true)], [Is(false), Is(false)]],
                    two_cancel,
                )
                .within(1, 2),
                Model::new("polled", [[Busy, Done], [Done, Done]], |s| one_thread(s, 1, polled)).within(3, 4),
            ],
        ),
        Law::new(
            "F2",
            "a job either runs or is cancelled, and cancel returns which",
            [
                Model::new("cancelled immediately", RUN_OR_CANCELLED, |s| {
                    one_thread(s, 1, cancelled_immediately)
                })
                .within(3, 4),
                Model::new("cancelled by another thread", RUN_OR_CANCELLED, cancelled_by_another).within(2, 3),
                Model::new(
                    "cancelled by the pool",
                    [[Done, Count(1)], [Cancelled, Count(0)]],
                    |s| one_thread(s, 1, cancelled_by_pool),
                )
                .within(3, 4),
                Model::new("in a scope", RUN_OR_CANCELLED, |s| one_thread(s, 1, cancelled_in_scope)).within(3, 4),
            ],
        ),
        Law::new(
            "F3",
            "every thread that waits for a job is notified of its end, whichever thread ends it",
            [
                Model::new("wait", [[Cancelled, Is(true)]], |s| queued(s, plain, cancels)).within(1, 2),
                Model::new("wait for all", [[Cancelled, Is(true)]], |s| queued(s, for_all, cancels)).within(1, 2),
                Model::new("wait for the first", [[Cancelled, Is(true)]], |s| {
                    queued(s, for_first, cancels)
                })
                .within(1, 2),
                Model::new("as_completed", [[Cancelled, Is(true)]], |s| {
                    queued(s, as_completed, cancels)
                })
                .within(1, 2),
                Model::new("awaited", [[Cancelled]], cancelled_and_awaited).within(1, 2),
                Model::new("all are cancelled", [[Cancelled, Done]], |s| {
                    queued(s, for_all, cancels_all)
                })
                .within(1, 2),
                Model::new("the pool breaks", [[Broken]], |s| one_thread_with(s, failing(), broken)).within(2, 3),
                Model::new("wait_timeout", [[Done, Done], [TimedOut, Done]], |s| {
                    ended_by_shutdown(s, with_timeout)
                })
                .timed(&[1])
                .within(2, 3),
                Model::new("wait for all, with a timeout", [[Done, Done], [TimedOut, Done]], |s| {
                    ended_by_shutdown(s, all_with_timeout)
                })
                .timed(&[1])
                .within(2, 3),
                Model::new("wait for the first failure", [[Panicked]], |s| {
                    one_thread(s, 1, first_failure)
                })
                .within(2, 3),
            ],
        ),
    ]
}

const RUN_OR_CANCELLED: [[Answer; 2]; 2] = [[Is(true), Count(0)], [Is(false), Count(1)]];

// F1

fn one_waits_one_cancels(scenario: &Scenario) -> Vec<Answer> {
    let fixture = fixture(1);
    let shared = Arc::new((submit(&fixture), fixture));
    scenario.thread(&shared, |(job, fixture)| {
        let outcome = job.wait();
        fixture.pool.shutdown();
        assert_eq!(job.outcome(), Some(outcome));
        outcome_answer(outcome)
    });
    scenario.thread(&shared, |(job, _)| Is(job.cancel()));
    scenario.finish()
}

fn two_cancel(scenario: &Scenario) -> Vec<Answer> {
    let fixture = fixture(1);
    let shared = Arc::new((submit(&fixture), fixture));
    scenario.thread(&shared, |(job, fixture)| {
        let cancelled = job.cancel();
        fixture.pool.shutdown();
        assert_eq!(job.outcome() == Some(Outcome::Cancelled), cancelled);
        Is(cancelled)
    });
    scenario.thread(&shared, |(job, _)| Is(job.cancel()));
    scenario.finish()
}

fn polled(fixture: &Arc<Fixture>, report: Report) {
    let job = submit(fixture);
    let first = job.outcome();
    let runs = job.is_running();
    let second = job.outcome();
    assert!(first.is_none() || second == first, "the outcome has changed");
    assert!(first.is_none() || !runs, "the job runs after its end");
    report(first.map_or(Busy, outcome_answer));
    report(outcome_answer(job.wait()));
    fixture.pool.shutdown();
}

// F2

fn cancelled_immediately(fixture: &Arc<Fixture>, report: Report) {
    report(Is(submit(fixture).cancel()));
    fixture.pool.shutdown();
    report(fixture.data.read());
}

fn cancelled_by_another(scenario: &Scenario) -> Vec<Answer> {
    let fixture = fixture(1);
    let shared = Arc::new((submit(&fixture), fixture));
    scenario.thread(&shared, |(job, _)| Is(job.cancel()));
    scenario.thread(&shared, |(_, fixture)| {
        fixture.pool.shutdown();
        fixture.data.read()
    });
    scenario.finish()
}

fn cancelled_by_pool(fixture: &Arc<Fixture>, report: Report) {
    let job = submit(fixture);
    fixture.pool.shutdown_cancel();
    report(outcome_answer(job.outcome().expect("no job is pending")));
    report(fixture.data.read());
}

fn cancelled_in_scope(fixture: &Arc<Fixture>, report: Report) {
    let data = &fixture.data;
    let cancelled = fixture
        .pool
        .scope(|scope| scope.submit(|| data.add()).expect("the pool accepts jobs").cancel());
    report(Is(cancelled));
    report(data.read());
    fixture.pool.shutdown();
}

// F3

type WaitForm = fn(&Job<Answer>) -> Answer;

fn plain(job: &Job<Answer>) -> Answer {
    outcome_answer(job.wait())
}

fn for_all(job: &Job<Answer>) -> Answer {
    pool::wait([job], Until::All);
    job.outcome().map_or(Busy, outcome_answer)
}

fn for_first(job: &Job<Answer>) -> Answer {
    pool::wait([job], Until::FirstCompleted);
    job.outcome().map_or(Busy, outcome_answer)
}

/// The only worker is busy, so the thread that cancels the queued job notifies the waiters.
fn queued(scenario: &Scenario, wait: WaitForm, end: fn(&Job<Answer>, &Fixture) -> Answer) -> Vec<Answer> {
    let fixture = fixture(1);
    drop(submit_waiting(&fixture));
    let shared = Arc::new((submit(&fixture), fixture));
    scenario.thread(&shared, move |(job, _)| wait(job));
    scenario.thread(&shared, move |(job, fixture)| {
        let answer = end(job, fixture);
        fixture.gate.set();
        fixture.pool.shutdown();
        answer
    });
    scenario.finish()
}

fn cancels(job: &Job<Answer>, _: &Fixture) -> Answer {
    Is(job.cancel())
}

fn cancels_all(_: &Job<Answer>, fixture: &Fixture) -> Answer {
    let _ = fixture.pool.try_shutdown_cancel(); // without waiting for the job at the gate
    Done
}

fn cancelled_and_awaited(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture(1));
    scenario.program(&fixture, |fixture, report| {
        let first = submit_waiting(fixture);
        let second = submit(fixture);
        second.cancel();
        fixture.gate.set();
        report(answer(block_on(second)));
        drop(first);
        fixture.pool.shutdown();
    });
    scenario.finish()
}

fn broken(fixture: &Arc<Fixture>, report: Report) {
    match fixture.pool.submit(|| Done) {
        Ok(job) => report(plain(&job)),
        Err(error) => report(rejected(&error)), // the worker failed first
    }
    fixture.pool.shutdown();
}

/// One thread waits, with a timeout, for a job; the other thread ends the job by a shutdown.
fn ended_by_shutdown(scenario: &Scenario, wait: WaitForm) -> Vec<Answer> {
    let fixture = fixture(1);
    let shared = Arc::new((submit(&fixture), fixture));
    scenario.thread(&shared, move |(job, _)| wait(job));
    scenario.thread(&shared, |(_, fixture)| {
        fixture.pool.shutdown();
        Done
    });
    scenario.finish()
}

fn with_timeout(job: &Job<Answer>) -> Answer {
    job.wait_timeout(TIMEOUT).map_or(TimedOut, outcome_answer)
}

fn all_with_timeout(job: &Job<Answer>) -> Answer {
    match pool::wait_timeout([job], Until::All, TIMEOUT) {
        Ok(()) => job.outcome().map_or(Busy, outcome_answer),
        Err(_) => TimedOut,
    }
}

/// The second job fails. The third ends only after the wait.
fn first_failure(fixture: &Arc<Fixture>, report: Report) {
    let succeeds = submit(fixture);
    let fails = fixture
        .pool
        .submit(|| resume_unwind(Box::new("expected")))
        .expect("the pool accepts jobs");
    let waits = fixture.pool.submit({
        let fixture = Arc::clone(fixture);
        move || {
            fixture.gate.wait();
            Done
        }
    });
    let jobs = [succeeds, fails, waits.expect("the pool accepts jobs")];
    pool::wait(&jobs, Until::FirstFailed);
    assert_eq!(jobs[2].outcome(), None);
    fixture.gate.set();
    report(jobs[1].outcome().map_or(Busy, outcome_answer));
    fixture.pool.shutdown();
}
