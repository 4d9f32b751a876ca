//! How jobs end: F1 to F3.

use super::*;
use crate::law::Model;
use selvedge_loom::pool::{self, Until};
use spec::Answer::{Cancelled, Panicked, TimedOut};

pub fn laws() -> Vec<Law> {
    vec![
        Law::new(
            "F1",
            "a job ends once, and says the same from then on",
            [
                Model::new(
                    "beside a cancel",
                    [[Done, Is(false)], [Cancelled, Is(true)]],
                    one_waits_one_cancels,
                )
                .within(1, 2),
                Model::new(
                    "beside two cancels",
                    [[Is(true), Is(true)], [Is(false), Is(false)]],
                    two_cancel,
                )
                .within(1, 2),
                Model::new("beside one that looks", [[Busy, Done], [Done, Done]], |s| {
                    alone(s, 1, looks)
                })
                .within(3, 4),
            ],
        ),
        Law::new(
            "F2",
            "a job runs or is cancelled, and the cancel tells which",
            [
                Model::new("at once", RUN_OR_CANCELLED, |s| alone(s, 1, cancelled_at_once)).within(3, 4),
                Model::new("by another", RUN_OR_CANCELLED, cancelled_by_another).within(2, 3),
                Model::new("by the pool", [[Done, Count(1)], [Cancelled, Count(0)]], |s| {
                    alone(s, 1, cancelled_by_pool)
                })
                .within(3, 4),
                Model::new("in a scope", RUN_OR_CANCELLED, |s| alone(s, 1, cancelled_in_scope)).within(3, 4),
            ],
        ),
        Law::new(
            "F3",
            "whoever waits for a job is told of its end, whoever has brought it",
            [
                Model::new("one waits", [[Cancelled, Is(true)]], |s| queued(s, plain, cancels)).within(1, 2),
                Model::new("one waits for all", [[Cancelled, Is(true)]], |s| {
                    queued(s, for_all, cancels)
                })
                .within(1, 2),
                Model::new("one waits for the first", [[Cancelled, Is(true)]], |s| {
                    queued(s, for_first, cancels)
                })
                .within(1, 2),
                Model::new("one takes what has ended", [[Cancelled, Is(true)]], |s| {
                    queued(s, as_completed, cancels)
                })
                .within(1, 2),
                Model::new("one awaits", [[Cancelled]], cancelled_and_awaited).within(1, 2),
                Model::new("all are cancelled", [[Cancelled, Done]], |s| queued(s, for_all, sweeps)).within(1, 2),
                Model::new("the pool breaks", [[Broken]], |s| alone_of(s, failing(), broken)).within(2, 3),
                Model::new("in time", [[Done, Done], [TimedOut, Done]], |s| {
                    ended_by_shutdown(s, in_time)
                })
                .timed(&[1])
                .within(2, 3),
                Model::new("all in time", [[Done, Done], [TimedOut, Done]], |s| {
                    ended_by_shutdown(s, all_in_time)
                })
                .timed(&[1])
                .within(2, 3),
                Model::new("the first that fails", [[Panicked]], |s| alone(s, 1, first_that_fails)).within(2, 3),
            ],
        ),
    ]
}

const RUN_OR_CANCELLED: [[Answer; 2]; 2] = [[Is(true), Count(0)], [Is(false), Count(1)]];

// F1

fn one_waits_one_cancels(stage: &Stage) -> Vec<Answer> {
    let shop = shop(1);
    let shared = Arc::new((submit(&shop), shop));
    stage.thread(&shared, |(job, shop)| {
        let outcome = job.wait();
        shop.pool.shutdown();
        assert_eq!(job.outcome(), Some(outcome));
        how(outcome)
    });
    stage.thread(&shared, |(job, _)| Is(job.cancel()));
    stage.finish()
}

fn two_cancel(stage: &Stage) -> Vec<Answer> {
    let shop = shop(1);
    let shared = Arc::new((submit(&shop), shop));
    stage.thread(&shared, |(job, shop)| {
        let never = job.cancel();
        shop.pool.shutdown();
        assert_eq!(job.outcome() == Some(Outcome::Cancelled), never);
        Is(never)
    });
    stage.thread(&shared, |(job, _)| Is(job.cancel()));
    stage.finish()
}

fn looks(shop: &Arc<Shop>, say: Say) {
    let job = submit(shop);
    let first = job.outcome();
    let runs = job.is_running();
    let second = job.outcome();
    assert!(first.is_none() || second == first, "it has ended otherwise");
    assert!(first.is_none() || !runs, "it has ended, and runs");
    say(first.map_or(Busy, how));
    say(how(job.wait()));
    shop.pool.shutdown();
}

// F2

fn cancelled_at_once(shop: &Arc<Shop>, say: Say) {
    say(Is(submit(shop).cancel()));
    shop.pool.shutdown();
    say(shop.data.read());
}

fn cancelled_by_another(stage: &Stage) -> Vec<Answer> {
    let shop = shop(1);
    let shared = Arc::new((submit(&shop), shop));
    stage.thread(&shared, |(job, _)| Is(job.cancel()));
    stage.thread(&shared, |(_, shop)| {
        shop.pool.shutdown();
        shop.data.read()
    });
    stage.finish()
}

fn cancelled_by_pool(shop: &Arc<Shop>, say: Say) {
    let job = submit(shop);
    shop.pool.shutdown_cancel();
    say(how(job.outcome().expect("nothing is left pending")));
    say(shop.data.read());
}

fn cancelled_in_scope(shop: &Arc<Shop>, say: Say) {
    let data = &shop.data;
    let never = shop
        .pool
        .scope(|scope| scope.submit(|| data.add()).expect("the pool is open").cancel());
    say(Is(never));
    say(data.read());
    shop.pool.shutdown();
}

// F3

type Waits = fn(&Job<Answer>) -> Answer;

fn plain(job: &Job<Answer>) -> Answer {
    how(job.wait())
}

fn for_all(job: &Job<Answer>) -> Answer {
    pool::wait([job], Until::All);
    job.outcome().map_or(Busy, how)
}

fn for_first(job: &Job<Answer>) -> Answer {
    pool::wait([job], Until::FirstCompleted);
    job.outcome().map_or(Busy, how)
}

/// The only thread is busy: who cancels what is queued behind that is the one to tell.
fn queued(stage: &Stage, waits: Waits, ends: fn(&Job<Answer>, &Shop) -> Answer) -> Vec<Answer> {
    let shop = shop(1);
    drop(submit_waiting(&shop));
    let shared = Arc::new((submit(&shop), shop));
    stage.thread(&shared, move |(job, _)| waits(job));
    stage.thread(&shared, move |(job, shop)| {
        let told = ends(job, shop);
        shop.gate.set();
        shop.pool.shutdown();
        told
    });
    stage.finish()
}

fn cancels(job: &Job<Answer>, _: &Shop) -> Answer {
    Is(job.cancel())
}

fn sweeps(_: &Job<Answer>, shop: &Shop) -> Answer {
    let _ = shop.pool.try_shutdown_cancel(); // the job at the gate may run, or not
    Done
}

fn cancelled_and_awaited(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop(1));
    stage.program(&shop, |shop, say| {
        let first = submit_waiting(shop);
        let second = submit(shop);
        second.cancel();
        shop.gate.set();
        say(told(awaits(second)));
        drop(first);
        shop.pool.shutdown();
    });
    stage.finish()
}

fn broken(shop: &Arc<Shop>, say: Say) {
    match shop.pool.submit(|| Done) {
        Ok(job) => say(plain(&job)),
        Err(refused) => say(end_of_refused(&refused)), // the thread was quicker
    }
    shop.pool.shutdown();
}

/// One waits in time for a job that another ends by a shutdown.
fn ended_by_shutdown(stage: &Stage, waits: Waits) -> Vec<Answer> {
    let shop = shop(1);
    let shared = Arc::new((submit(&shop), shop));
    stage.thread(&shared, move |(job, _)| waits(job));
    stage.thread(&shared, |(_, shop)| {
        shop.pool.shutdown();
        Done
    });
    stage.finish()
}

fn in_time(job: &Job<Answer>) -> Answer {
    job.wait_timeout(SOON).map_or(TimedOut, how)
}

fn all_in_time(job: &Job<Answer>) -> Answer {
    match pool::wait_timeout([job], Until::All, SOON) {
        Ok(()) => job.outcome().map_or(Busy, how),
        Err(_) => TimedOut,
    }
}

/// The second fails, and the third never ends before the wait does.
fn first_that_fails(shop: &Arc<Shop>, say: Say) {
    let well = submit(shop);
    let fails = shop
        .pool
        .submit(|| resume_unwind(Box::new("no yarn")))
        .expect("the pool is open");
    let waits = shop.pool.submit({
        let shop = Arc::clone(shop);
        move || {
            shop.gate.wait();
            Done
        }
    });
    let jobs = [well, fails, waits.expect("the pool is open")];
    pool::wait(&jobs, Until::FirstFailed);
    assert_eq!(jobs[2].outcome(), None);
    shop.gate.set();
    say(jobs[1].outcome().map_or(Busy, how));
    shop.pool.shutdown();
}
