//! The completion of jobs, as observed by callbacks and by threads: F4 and F5.

use super::*;
use crate::law::Model;
use selvedge_loom::Instant;
use spec::Answer::TimedOut;

pub fn laws() -> Vec<Law> {
    vec![
        Law::new(
            "F4",
            "each callback runs once, after the end of the job, in order of registration",
            [
                Model::new("registered during the end", [[Count(1)]], |s| one_thread(s, 1, called)).within(3, 4),
                Model::new("three before the end", [[Done, Count(3)]], |s| {
                    one_thread(s, 1, called_in_order)
                })
                .within(2, 3),
                Model::new("registered during a cancel", [[Done, Count(1)]], called_during_cancel).within(1, 2),
                Model::new("the first panics", [[Done, Count(2)]], |s| {
                    one_thread(s, 1, first_panics)
                })
                .within(2, 3),
            ],
        ),
        Law::new(
            "F5",
            "the end of a job happens-before every call that observes it",
            [
                Model::new("result", VISIBLE, |s| observed_by(s, result)).within(3, 4),
                Model::new("try_result", VISIBLE_OR_BUSY, |s| observed_by(s, poll)).within(3, 4),
                Model::new("result_timeout", VISIBLE_OR_TIMED_OUT, |s| observed_by(s, with_timeout))
                    .within(3, 4)
                    .timed(&[1]),
                Model::new("result_deadline", VISIBLE_OR_TIMED_OUT, |s| {
                    observed_by(s, with_deadline)
                })
                .within(3, 4)
                .timed(&[1]),
                Model::new("spurious wake-ups", VISIBLE_OR_TIMED_OUT, |s| {
                    observed_by(s, with_timeout)
                })
                .within(2, 3)
                .spurious(),
                Model::new("a cancel", [[Done, Count(1)], [Done, Busy]], cancel_is_visible).within(1, 2),
                Model::new("awaited", VISIBLE, |s| observed_by(s, awaited)).within(2, 3),
                Model::new("as_completed", VISIBLE, |s| observed_by(s, |job| as_completed(&job))).within(2, 3),
                Model::new("a callback", VISIBLE, |s| observed_by(s, called_back)).within(3, 4),
                Model::new("a scope", VISIBLE, |s| one_thread(s, 1, scoped)).within(3, 4),
                Model::new("a scope, submitted from a job", [[Done, Count(2)]], |s| {
                    one_thread(s, 1, scoped_twice)
                })
                .within(2, 3),
            ],
        ),
    ]
}

const VISIBLE: [[Answer; 2]; 1] = [[Done, Count(1)]];
const VISIBLE_OR_BUSY: [[Answer; 2]; 2] = [[Done, Count(1)], [Busy, Busy]];
const VISIBLE_OR_TIMED_OUT: [[Answer; 2]; 2] = [[Done, Count(1)], [TimedOut, Busy]];

// F4

fn called(fixture: &Arc<Fixture>, report: Report) {
    let job = fixture.pool.submit(|| ()).expect("the pool accepts jobs");
    let captured = Arc::clone(fixture);
    job.on_done(move |outcome| {
        assert_eq!(outcome, Outcome::Returned);
        captured.data.add();
    });
    fixture.pool.shutdown();
    report(fixture.data.read());
}

fn called_in_order(fixture: &Arc<Fixture>, report: Report) {
    let job = submit_waiting(fixture);
    for number in 0..3 {
        let captured = Arc::clone(fixture);
        // Not an assertion: the pool catches panics of callbacks. A callback in the wrong order does not count.
        job.on_done(move |_| {
            if captured.data.read() == Count(number) {
                captured.data.add();
            }
        });
    }
    fixture.gate.set();
    report(outcome_answer(job.wait()));
    fixture.pool.shutdown();
    report(fixture.data.read());
}

fn called_during_cancel(scenario: &Scenario) -> Vec<Answer> {
    let fixture = fixture(1);
    let shared = Arc::new((submit_empty(&fixture), fixture));
    scenario.thread(&shared, |(job, fixture)| {
        let captured = Arc::clone(fixture);
        job.on_done(move |_| {
            captured.data.add();
        });
        job.wait();
        fixture.pool.shutdown();
        Done
    });
    let captured = Arc::clone(&shared);
    scenario.thread(&shared, |(job, _)| {
        job.cancel();
        Done
    });
    let mut answers = scenario.finish_observing(move || captured.1.data.read());
    answers.remove(0);
    answers
}

fn submit_empty(fixture: &Arc<Fixture>) -> Job<()> {
    fixture.pool.submit(|| ()).expect("the pool accepts jobs")
}

fn first_panics(fixture: &Arc<Fixture>, report: Report) {
    let job = submit_waiting(fixture);
    let captured = Arc::clone(fixture);
    job.on_done(move |_| {
        captured.data.add();
        resume_unwind(Box::new("expected"))
    });
    let captured = Arc::clone(fixture);
    job.on_done(move |_| {
        captured.data.add();
    });
    fixture.gate.set();
    report(outcome_answer(job.wait()));
    fixture.pool.shutdown();
    report(fixture.data.read());
}

// F5

/// A thread observes the end of a job by `form`, and then reads what the job wrote.
fn observed_by(scenario: &Scenario, form: fn(Job<Answer>) -> Answer) -> Vec<Answer> {
    let fixture = Arc::new(fixture(1));
    scenario.program(&fixture, move |fixture, report| {
        let answer = form(submit(fixture));
        report(answer);
        report(if answer == Done { fixture.data.read() } else { Busy });
        fixture.pool.shutdown();
    });
    scenario.finish()
}

fn counted(result: Result<Answer, JobError>) -> Answer {
    assert_eq!(answer(result), Count(1));
    Done
}

fn result(job: Job<Answer>) -> Answer {
    counted(job.result())
}

fn poll(mut job: Job<Answer>) -> Answer {
    job.try_result().map_or(Busy, counted)
}

fn with_timeout(mut job: Job<Answer>) -> Answer {
    job.result_timeout(TIMEOUT).map_or(TimedOut, counted)
}

fn with_deadline(mut job: Job<Answer>) -> Answer {
    job.result_deadline(Instant::now() + TIMEOUT).map_or(TimedOut, counted)
}

fn awaited(job: Job<Answer>) -> Answer {
    counted(block_on(job))
}

fn called_back(job: Job<Answer>) -> Answer {
    let called = Arc::new(Event::new());
    let captured = Arc::clone(&called);
    job.on_done(move |_| captured.set());
    called.wait();
    Done
}

/// A write before the cancel, for a thread that only polls the outcome. The only worker is busy.
fn cancel_is_visible(scenario: &Scenario) -> Vec<Answer> {
    let fixture = fixture(1);
    drop(submit_waiting(&fixture));
    let shared = Arc::new((submit(&fixture), fixture));
    scenario.thread(&shared, |(job, fixture)| {
        fixture.data.add();
        job.cancel();
        fixture.gate.set();
        fixture.pool.shutdown();
        Done
    });
    scenario.thread(&shared, |(job, fixture)| match job.outcome() {
        Some(Outcome::Cancelled) => fixture.data.read(),
        _ => Busy,
    });
    scenario.finish()
}

fn scoped(fixture: &Arc<Fixture>, report: Report) {
    let data = &fixture.data;
    fixture.pool.scope(|scope| drop(scope.submit(|| data.add())));
    report(Done);
    report(data.read());
    fixture.pool.shutdown();
}

fn scoped_twice(fixture: &Arc<Fixture>, report: Report) {
    let data = &fixture.data;
    fixture.pool.scope(|scope| {
        let first = scope.submit(|| {
            data.add();
            drop(scope.submit(|| data.add()));
        });
        drop(first);
    });
    report(Done);
    report(data.read());
    fixture.pool.shutdown();
}
