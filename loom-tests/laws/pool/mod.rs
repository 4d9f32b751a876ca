//! The pool and its jobs: F1 to F5 of the jobs, P1 to P6 of the pool.
//!
//! In each model some thread shuts the pool down, so that no worker is alive when the model ends.

mod completion;
mod jobs;
mod threads;

use super::{Data, TIMEOUT};
use crate::law::Law;
use crate::scenario::Scenario;
use selvedge_loom::backend::Arc;
use selvedge_loom::pool::{self, Builder};
use selvedge_loom::thread::Registry;
use selvedge_loom::{Event, Job, JobError, Outcome, Semaphore, SubmitError, ThreadPool};
use spec::Answer::{self, Broken, Busy, Count, Done, Is, ShutDown};
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};

pub fn laws() -> Vec<Law> {
    [jobs::laws(), completion::laws(), threads::laws()]
        .into_iter()
        .flatten()
        .collect()
}

/// A pool, and the objects that the threads of a model share.
struct Fixture {
    registry: Registry,
    pool: ThreadPool,
    data: Data,
    gate: Event,
}

type Report<'a> = &'a mut dyn FnMut(Answer);

fn fixture(workers: usize) -> Arc<Fixture> {
    fixture_with(Builder::new().workers(workers))
}

fn fixture_with(builder: Builder) -> Arc<Fixture> {
    let registry = Registry::new();
    let pool = builder.registry(&registry).build();
    Arc::new(Fixture {
        registry,
        pool,
        data: Data::new(),
        gate: Event::new(),
    })
}

/// A pool whose workers fail to start.
fn failing() -> Arc<Fixture> {
    fixture_with(
        Builder::new()
            .workers(1)
            .initializer(|| resume_unwind(Box::new("the initializer"))),
    )
}

/// One thread that runs `body` with a pool of at most `workers` workers.
fn one_thread(scenario: &Scenario, workers: usize, body: fn(&Arc<Fixture>, Report)) -> Vec<Answer> {
    one_thread_with(scenario, fixture(workers), body)
}

fn one_thread_with(scenario: &Scenario, fixture: Arc<Fixture>, body: fn(&Arc<Fixture>, Report)) -> Vec<Answer> {
    scenario.program(&Arc::new(fixture), body);
    scenario.finish()
}

/// Submits a job that adds to the data.
fn submit(fixture: &Arc<Fixture>) -> Job<Answer> {
    let captured = Arc::clone(fixture);
    fixture
        .pool
        .submit(move || captured.data.add())
        .expect("the pool accepts jobs")
}

/// Submits a job that waits for the gate.
fn submit_waiting(fixture: &Arc<Fixture>) -> Job<()> {
    let captured = Arc::clone(fixture);
    fixture
        .pool
        .submit(move || captured.gate.wait())
        .expect("the pool accepts jobs")
}

/// The job's answer, or the reason why it has none.
fn answer(result: Result<Answer, JobError>) -> Answer {
    result.unwrap_or_else(|failed| match failed {
        JobError::Cancelled => Answer::Cancelled,
        JobError::Broken => Broken,
        JobError::Panicked(_) => Answer::Panicked,
        JobError::Forked => unreachable!("no model forks"),
    })
}

fn rejected<R>(error: &SubmitError<R>) -> Answer {
    match error {
        SubmitError::Broken(_) => Broken,
        _ => ShutDown,
    }
}

fn outcome_answer(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Returned => Done,
        Outcome::Panicked => Answer::Panicked,
        Outcome::Cancelled => Answer::Cancelled,
        Outcome::Broken => Broken,
        Outcome::Forked => unreachable!("no model forks"),
    }
}

fn as_completed(job: &Job<Answer>) -> Answer {
    let ended = pool::as_completed([job]).next().and_then(Job::outcome);
    ended.map_or(Busy, outcome_answer)
}

/// An executor: polls the job, and blocks until the waker is called.
fn block_on(mut job: Job<Answer>) -> Result<Answer, JobError> {
    let wakeups = Arc::new(SemaphoreWaker(Semaphore::new(0)));
    let waker = Waker::from(Arc::clone(&wakeups));
    loop {
        match Pin::new(&mut job).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => wakeups.0.acquire().forget(),
        }
    }
}

struct SemaphoreWaker(Semaphore);

impl Wake for SemaphoreWaker {
    fn wake(self: Arc<SemaphoreWaker>) {
        self.0.release(1).expect("the waker is called a few times");
    }
}
