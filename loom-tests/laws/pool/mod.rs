//! The pool and its jobs: F1 to F5 of the jobs, P1 to P6 of the pool.
//!
//! In each model somebody shuts the pool down, so that it holds no thread when the model ends.

mod jobs;
mod threads;
mod told;

use super::{Data, SOON};
use crate::law::Law;
use crate::stage::Stage;
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
    [jobs::laws(), told::laws(), threads::laws()]
        .into_iter()
        .flatten()
        .collect()
}

/// What those who play share.
struct Shop {
    registry: Registry,
    pool: ThreadPool,
    data: Data,
    gate: Event,
}

type Say<'a> = &'a mut dyn FnMut(Answer);

fn shop(workers: usize) -> Arc<Shop> {
    shop_of(Builder::new().workers(workers))
}

fn shop_of(builder: Builder) -> Arc<Shop> {
    let registry = Registry::new();
    let pool = builder.registry(&registry).build();
    Arc::new(Shop {
        registry,
        pool,
        data: Data::new(),
        gate: Event::new(),
    })
}

/// A pool whose threads can't begin.
fn failing() -> Arc<Shop> {
    shop_of(
        Builder::new()
            .workers(1)
            .initializer(|| resume_unwind(Box::new("no loom"))),
    )
}

/// One thread that plays `role` with a pool of so many threads.
fn alone(stage: &Stage, workers: usize, role: fn(&Arc<Shop>, Say)) -> Vec<Answer> {
    alone_of(stage, shop(workers), role)
}

fn alone_of(stage: &Stage, shop: Arc<Shop>, role: fn(&Arc<Shop>, Say)) -> Vec<Answer> {
    stage.program(&Arc::new(shop), role);
    stage.finish()
}

/// A job that adds to the data.
fn submit(shop: &Arc<Shop>) -> Job<Answer> {
    let theirs = Arc::clone(shop);
    shop.pool.submit(move || theirs.data.add()).expect("the pool is open")
}

/// A job that waits for the gate.
fn submit_waiting(shop: &Arc<Shop>) -> Job<()> {
    let theirs = Arc::clone(shop);
    shop.pool.submit(move || theirs.gate.wait()).expect("the pool is open")
}

/// What became of a job that answers.
fn told(result: Result<Answer, JobError>) -> Answer {
    result.unwrap_or_else(|failed| match failed {
        JobError::Cancelled => Answer::Cancelled,
        JobError::Broken => Broken,
        JobError::Panicked(_) => Answer::Panicked,
        JobError::Forked => unreachable!("nothing forks in a model"),
    })
}

fn end_of_refused<R>(refused: &SubmitError<R>) -> Answer {
    match refused {
        SubmitError::Broken(_) => Broken,
        _ => ShutDown,
    }
}

fn how(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Returned => Done,
        Outcome::Panicked => Answer::Panicked,
        Outcome::Cancelled => Answer::Cancelled,
        Outcome::Broken => Broken,
        Outcome::Forked => unreachable!("nothing forks in a model"),
    }
}

fn as_completed(job: &Job<Answer>) -> Answer {
    let ended = pool::as_completed([job]).next().and_then(Job::outcome);
    ended.map_or(Busy, how)
}

/// An executor's thread, which sleeps until its waker wakes it.
fn awaits(mut job: Job<Answer>) -> Result<Answer, JobError> {
    let bell = Arc::new(Bell(Semaphore::new(0)));
    let waker = Waker::from(Arc::clone(&bell));
    loop {
        match Pin::new(&mut job).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => bell.0.acquire().forget(),
        }
    }
}

struct Bell(Semaphore);

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        self.0.release(1).expect("it is woken a few times");
    }
}
