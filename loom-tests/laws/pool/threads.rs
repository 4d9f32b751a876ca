//! The pool and its workers: P1 to P6.

use super::*;
use crate::law::Model;
use spec::Answer::{Cancelled, Panicked, TimedOut};

pub fn laws() -> Vec<Law> {
    vec![
        Law::new(
            "P1",
            "the number of running jobs never exceeds the maximum number of workers",
            [
                Model::new("one thread submits two jobs", [[Count(2), Count(1)]], |s| {
                    one_thread(s, 1, two_jobs_one_worker)
                })
                .within(3, 4),
                Model::new("two threads submit", [[Done, Count(2)]], two_submit).within(1, 2),
            ],
        ),
        Law::new(
            "P2",
            "work-conserving: no job is queued while a worker could be spawned",
            [
                Model::new("after a job that has ended", [[Done, Count(2)]], |s| {
                    one_thread(s, 2, after_one_job)
                })
                .within(0, 1),
                Model::new(
                    "another thread submits the next job",
                    [[Done, Done]],
                    another_submits_the_next,
                )
                .within(0, 1),
                Model::new("a drop waits for the next job", [[Done, Count(2)]], |s| {
                    one_thread(s, 2, drop_waits)
                })
                .within(0, 1),
                Model::new("a callback waits for the next job", [[Done, Count(2)]], |s| {
                    one_thread(s, 2, callback_waits)
                })
                .within(0, 1),
                Model::new("an idle worker suffices", [[Done, Count(1)]], |s| {
                    one_thread(s, 2, one_after_the_other)
                })
                .within(2, 3),
                Model::new("a job waits for the next job", [[Done, Count(2)]], |s| {
                    one_thread(s, 2, job_waits_for_the_next)
                })
                .within(1, 2),
            ],
        ),
        Law::new(
            "P3",
            "after a shutdown no worker is alive and every job has ended",
            [
                Model::new("shutdown", [[Count(2), Count(1)]], |s| one_thread(s, 1, shut_down)).within(3, 4),
                Model::new("shutdown_timeout", [[Done, Count(1)], [TimedOut, Count(1)]], |s| {
                    one_thread(s, 1, shut_down_with_timeout)
                })
                .within(3, 4)
                .timed(&[1]),
                Model::new("two shutdowns", [[Count(1), Count(1)]], two_shut_down).within(1, 2),
                Model::new(
                    "shutdown and shutdown_cancel",
                    [[Is(true), Is(true)]],
                    shutdown_and_cancel,
                )
                .within(1, 2),
                Model::new("drop", [[Count(1), Count(1)]], |s| one_thread(s, 1, dropped)).within(3, 4),
            ],
        ),
        Law::new(
            "P4",
            "every accepted job ends, and no job is accepted after a shutdown",
            [
                Model::new(
                    "the pool breaks, and a job is cancelled",
                    [[Broken, Broken], [Cancelled, Broken]],
                    |s| one_thread_with(s, failing(), one_of_two_cancelled),
                )
                .within(2, 3),
                Model::new("the pool breaks", [[Broken, Broken]], |s| {
                    one_thread_with(s, failing(), two_submitted)
                })
                .within(2, 3),
                Model::new("during shutdown", [[Done, Done], [Done, ShutDown]], |s| {
                    submit_during(s, ThreadPool::shutdown)
                })
                .within(2, 3),
                Model::new(
                    "during shutdown_cancel",
                    [[Done, Done], [Done, Cancelled], [Done, ShutDown]],
                    |s| submit_during(s, ThreadPool::shutdown_cancel),
                )
                .within(2, 3),
            ],
        ),
        Law::new(
            "P5",
            "a job's panic ends only that job",
            [
                Model::new("the function panics", [[Panicked, Count(1)]], |s| {
                    one_thread(s, 1, function_panics)
                })
                .within(2, 3),
                Model::new("the drop of the value panics", [[Done, Count(1)]], |s| {
                    one_thread(s, 1, value_panics)
                })
                .within(2, 3),
                Model::new("the drop of a cancelled job panics", [[Done, Count(1)]], |s| {
                    one_thread(s, 1, cancelled_panics)
                })
                .within(2, 3),
            ],
        ),
        Law::new(
            "P6",
            "a map yields results in item order, and a dropped map starts no further item",
            [
                Model::new("one worker", [[Done]], |s| one_thread(s, 1, mapped)).within(2, 3),
                Model::new("two workers", [[Done]], |s| one_thread(s, 2, mapped_by_two)).within(0, 1),
                Model::new("dropped", [[Count(0)], [Count(1)], [Count(2)]], |s| {
                    one_thread(s, 1, dropped_map)
                })
                .within(3, 4),
            ],
        ),
    ]
}

fn workers(fixture: &Fixture) -> Answer {
    Count(u32::try_from(fixture.pool.workers()).expect("a few"))
}

// P1

/// If two jobs ran concurrently, their additions would be a data race.
fn two_jobs_one_worker(fixture: &Arc<Fixture>, report: Report) {
    drop((submit(fixture), submit(fixture)));
    fixture.pool.shutdown();
    report(fixture.data.read());
    report(workers(fixture));
}

fn two_submit(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture(1));
    scenario.thread(&fixture, |fixture| {
        drop(submit(fixture));
        fixture.gate.set();
        Done
    });
    scenario.thread(&fixture, |fixture| {
        drop(submit(fixture));
        fixture.gate.wait();
        fixture.pool.shutdown();
        assert_eq!(workers(fixture), Count(1));
        fixture.data.read()
    });
    scenario.finish()
}

// P2

/// Submits a job that opens the gate.
fn submit_opening(fixture: &Arc<Fixture>) -> Job<()> {
    let captured = Arc::clone(fixture);
    fixture
        .pool
        .submit(move || captured.gate.set())
        .expect("the pool accepts jobs")
}

fn job_waits_for_the_next(fixture: &Arc<Fixture>, report: Report) {
    let waits = submit_waiting(fixture);
    drop(submit_opening(fixture));
    report(outcome_answer(waits.wait()));
    fixture.pool.shutdown();
    report(workers(fixture));
}

/// The accounting might count the worker of the first job as idle too early or as busy too long.
fn after_one_job(fixture: &Arc<Fixture>, report: Report) {
    submit(fixture).wait();
    job_waits_for_the_next(fixture, report);
}

/// A worker is busy while it runs a callback, although its job has ended.
fn callback_waits(fixture: &Arc<Fixture>, report: Report) {
    let start = Arc::new(Event::new());
    let starts = Arc::clone(&start);
    let job = fixture
        .pool
        .submit(move || starts.wait())
        .expect("the pool accepts jobs");
    let (slow, dropping) = slow_drop(fixture);
    job.on_done(|_| drop(slow));
    start.set();
    next_opens(fixture, &dropping, report);
}

/// A worker is busy while it drops a value that no handle can take.
fn drop_waits(fixture: &Arc<Fixture>, report: Report) {
    let start = Arc::new(Event::new());
    let starts = Arc::clone(&start);
    let (slow, dropping) = slow_drop(fixture);
    let run = move || {
        starts.wait();
        slow
    };
    drop(fixture.pool.submit(run));
    start.set();
    next_opens(fixture, &dropping, report);
}

/// Its drop sets the event, then blocks until the gate is open.
struct SlowDrop(Arc<Fixture>, Arc<Event>);

impl Drop for SlowDrop {
    fn drop(&mut self) {
        self.1.set();
        self.0.gate.wait();
    }
}

fn slow_drop(fixture: &Arc<Fixture>) -> (SlowDrop, Arc<Event>) {
    let dropping = Arc::new(Event::new());
    (SlowDrop(Arc::clone(fixture), Arc::clone(&dropping)), dropping)
}

/// One worker is blocked in the slow drop, so the job that opens the gate needs another worker.
fn next_opens(fixture: &Arc<Fixture>, dropping: &Event, report: Report) {
    dropping.wait();
    drop(submit_opening(fixture));
    fixture.gate.wait();
    report(Done);
    fixture.pool.shutdown();
    report(workers(fixture));
}

/// A thread that observes the end of a job also observes the job's worker as idle.
fn one_after_the_other(fixture: &Arc<Fixture>, report: Report) {
    for _ in 0..2 {
        submit(fixture).wait();
    }
    report(Done);
    fixture.pool.shutdown();
    report(workers(fixture));
}

fn another_submits_the_next(scenario: &Scenario) -> Vec<Answer> {
    let fixture = Arc::new(fixture(2));
    scenario.thread(&fixture, |fixture| {
        submit_opening(fixture).wait();
        Done
    });
    scenario.thread(&fixture, |fixture| {
        submit_waiting(fixture).wait();
        fixture.pool.shutdown();
        Done
    });
    scenario.finish()
}

// P3

fn alive(fixture: &Fixture) -> Answer {
    Count(u32::try_from(fixture.registry.active_count()).expect("a few"))
}

fn shut_down(fixture: &Arc<Fixture>, report: Report) {
    let jobs = [submit(fixture), submit(fixture)];
    fixture.pool.shutdown();
    assert!(jobs.iter().all(Job::is_done));
    report(fixture.data.read());
    report(alive(fixture));
}

fn shut_down_with_timeout(fixture: &Arc<Fixture>, report: Report) {
    let job = submit(fixture);
    let result = fixture.pool.shutdown_timeout(TIMEOUT);
    assert!(result.is_err() || (job.is_done() && alive(fixture) == Count(1)));
    report(result.map_or(TimedOut, |()| Done));
    fixture.pool.shutdown();
    report(fixture.data.read());
}

fn two_shut_down(scenario: &Scenario) -> Vec<Answer> {
    let fixture = fixture(1);
    let shared = Arc::new((submit(&fixture), fixture));
    for _ in 0..2 {
        scenario.thread(&shared, |(job, fixture)| {
            fixture.pool.shutdown();
            assert!(job.is_done());
            alive(fixture)
        });
    }
    scenario.finish()
}

/// The only worker is at the gate, which the first thread opens; the second thread cancels the queued job.
fn shutdown_and_cancel(scenario: &Scenario) -> Vec<Answer> {
    let fixture = fixture(1);
    drop(submit_waiting(&fixture));
    let shared = Arc::new((submit(&fixture), fixture));
    let shut_down: [fn(&ThreadPool); 2] = [ThreadPool::shutdown, ThreadPool::shutdown_cancel];
    for shut_down in shut_down {
        scenario.thread(&shared, move |(job, fixture)| {
            fixture.gate.set();
            shut_down(&fixture.pool);
            Is(job.is_done())
        });
    }
    scenario.finish()
}

fn dropped(fixture: &Arc<Fixture>, report: Report) {
    let captured = Arc::clone(fixture);
    let registry = Registry::new();
    let pool = Builder::new().workers(1).registry(&registry).build();
    drop(pool.submit(move || captured.data.add()));
    drop(pool);
    report(fixture.data.read());
    report(Count(u32::try_from(registry.active_count()).expect("a few")));
}

// P4

/// One thread shuts the pool down while another submits the first job.
fn submit_during(scenario: &Scenario, shut_down: fn(&ThreadPool)) -> Vec<Answer> {
    let fixture = Arc::new(fixture(1));
    scenario.thread(&fixture, move |fixture| {
        shut_down(&fixture.pool);
        assert!(
            fixture.pool.submit(|| ()).is_err(),
            "the pool has accepted a job after its shutdown"
        );
        assert_eq!(
            alive(fixture),
            Count(1),
            "the pool has spawned a worker after its shutdown"
        );
        Done
    });
    scenario.thread(&fixture, |fixture| match fixture.pool.submit(|| ()) {
        Ok(job) => outcome_answer(job.wait()),
        Err(_) => ShutDown,
    });
    scenario.finish()
}

/// The outcome of a submitted job, or the reason why the pool has rejected it.
fn end_of(job: Result<Job<()>, SubmitError<fn()>>) -> Answer {
    match job {
        Ok(job) => outcome_answer(job.wait()),
        Err(error) => rejected(&error),
    }
}

fn empty() {}

fn two_submitted(fixture: &Arc<Fixture>, report: Report) {
    let submit = || fixture.pool.submit(empty as fn());
    let jobs = [submit(), submit()];
    jobs.into_iter().for_each(|job| report(end_of(job)));
    fixture.pool.shutdown();
}

fn one_of_two_cancelled(fixture: &Arc<Fixture>, report: Report) {
    let submit = || fixture.pool.submit(empty as fn());
    let jobs = [submit(), submit()];
    if let Ok(first) = &jobs[0] {
        first.cancel();
    }
    jobs.into_iter().for_each(|job| report(end_of(job)));
    fixture.pool.shutdown();
}

// P5

fn function_panics(fixture: &Arc<Fixture>, report: Report) {
    let fails = fixture
        .pool
        .submit(|| resume_unwind(Box::new("expected")))
        .expect("the pool accepts jobs");
    let succeeds = submit(fixture);
    report(answer(fails.result()));
    report(answer(succeeds.result()));
    fixture.pool.shutdown();
}

struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        resume_unwind(Box::new("expected"))
    }
}

fn value_panics(fixture: &Arc<Fixture>, report: Report) {
    let start = Arc::new(Event::new());
    let starts = Arc::clone(&start);
    let run = move || {
        starts.wait();
        PanicsOnDrop
    };
    let succeeds = fixture.pool.scope(|scope| {
        drop(scope.submit(run)); // no handle can take the value
        start.set();
        submit(fixture)
    });
    report(outcome_answer(succeeds.wait()));
    fixture.pool.shutdown();
    report(fixture.data.read());
}

fn cancelled_panics(fixture: &Arc<Fixture>, report: Report) {
    let waits = submit_waiting(fixture);
    let captured = PanicsOnDrop;
    drop(fixture.pool.submit(move || core::mem::forget(captured)));
    let last = submit(fixture);
    report(Done);
    fixture.gate.set();
    let _ = fixture.pool.try_shutdown_cancel();
    fixture.pool.shutdown();
    let ended = [waits.outcome().map(outcome_answer), last.outcome().map(outcome_answer)];
    assert!(ended.iter().all(Option::is_some), "a job stays pending");
    report(Count(1));
}

// P6

fn mapped(fixture: &Arc<Fixture>, report: Report) {
    let twice: Result<Vec<u32>, JobError> = fixture.pool.map_ahead(2, 1..=3, |n| 2 * n).collect();
    assert_eq!(twice.expect("no item fails"), [2, 4, 6]);
    report(Done);
    fixture.pool.shutdown();
}

fn mapped_by_two(fixture: &Arc<Fixture>, report: Report) {
    let mut twice = fixture.pool.map_ahead(2, 1..=2, |n| 2 * n);
    let next = |twice: Option<Result<u32, JobError>>| twice.and_then(Result::ok);
    assert_eq!(
        [next(twice.next()), next(twice.next()), next(twice.next())],
        [Some(2), Some(4), None]
    );
    report(Done);
    fixture.pool.shutdown();
}

fn dropped_map(fixture: &Arc<Fixture>, report: Report) {
    let captured = Arc::clone(fixture);
    drop(fixture.pool.map_ahead(2, 1..=2, move |_| captured.data.add()));
    fixture.pool.shutdown();
    report(fixture.data.read());
}
