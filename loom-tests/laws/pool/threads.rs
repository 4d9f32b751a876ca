//! The pool and its threads: P1 to P6.

use super::*;
use crate::law::Model;
use spec::Answer::{Cancelled, Panicked, TimedOut};

pub fn laws() -> Vec<Law> {
    vec![
        Law::new(
            "P1",
            "no more jobs run at once than there may be threads",
            [
                Model::new("two are submitted", [[Count(2), Count(1)]], |s| {
                    alone(s, 1, two_for_one)
                })
                .within(3, 4),
                Model::new("two submit", [[Done, Count(2)]], two_submit).within(1, 2),
            ],
        ),
        Law::new(
            "P2",
            "no job waits for a thread that could be started",
            [
                Model::new("after one that has ended", [[Done, Count(2)]], |s| {
                    alone(s, 2, after_one)
                })
                .within(0, 1),
                Model::new("another submits the next", [[Done, Done]], another_submits_the_next).within(0, 1),
                Model::new("a drop waits for the next", [[Done, Count(2)]], |s| {
                    alone(s, 2, drop_waits)
                })
                .within(0, 1),
                Model::new("a callback waits for the next", [[Done, Count(2)]], |s| {
                    alone(s, 2, callback_waits)
                })
                .within(0, 1),
                Model::new("a thread at rest is enough", [[Done, Count(1)]], |s| {
                    alone(s, 2, one_after_the_other)
                })
                .within(2, 3),
                Model::new("one waits for the next", [[Done, Count(2)]], |s| {
                    alone(s, 2, one_waits_for_the_next)
                })
                .within(1, 2),
            ],
        ),
        Law::new(
            "P3",
            "after a shutdown no thread lives, and every job has ended",
            [
                Model::new("one shuts down", [[Count(2), Count(1)]], |s| alone(s, 1, shut_down)).within(3, 4),
                Model::new("in time", [[Done, Count(1)], [TimedOut, Count(1)]], |s| {
                    alone(s, 1, shut_down_in_time)
                })
                .within(3, 4)
                .timed(&[1]),
                Model::new("two shut down", [[Count(1), Count(1)]], two_shut_down).within(1, 2),
                Model::new(
                    "beside one that cancels",
                    [[Is(true), Is(true)]],
                    beside_one_that_cancels,
                )
                .within(1, 2),
                Model::new("it is dropped", [[Count(1), Count(1)]], |s| alone(s, 1, dropped)).within(3, 4),
            ],
        ),
        Law::new(
            "P4",
            "a job that was taken ends, and none is taken after the shutdown",
            [
                Model::new(
                    "it breaks, and one is cancelled",
                    [[Broken, Broken], [Cancelled, Broken]],
                    |s| alone_of(s, failing(), one_of_two_cancelled),
                )
                .within(2, 3),
                Model::new("the pool breaks", [[Broken, Broken]], |s| {
                    alone_of(s, failing(), two_submitted)
                })
                .within(2, 3),
                Model::new("beside a shutdown", [[Done, Done], [Done, ShutDown]], beside_a_shutdown).within(2, 3),
                Model::new(
                    "beside one that cancels",
                    [[Done, Done], [Done, Cancelled], [Done, ShutDown]],
                    beside_a_shutdown_that_cancels,
                )
                .within(2, 3),
            ],
        ),
        Law::new(
            "P5",
            "a job's panic ends that job, and nothing else",
            [
                Model::new("the function panics", [[Panicked, Count(1)]], |s| {
                    alone(s, 1, function_panics)
                })
                .within(2, 3),
                Model::new("the value panics when it goes", [[Done, Count(1)]], |s| {
                    alone(s, 1, value_panics)
                })
                .within(2, 3),
                Model::new("what is cancelled panics when it goes", [[Done, Count(1)]], |s| {
                    alone(s, 1, cancelled_panics)
                })
                .within(2, 3),
            ],
        ),
        Law::new(
            "P6",
            "a map's results come in the order of the items, and what is not begun when it is dropped is not run",
            [
                Model::new("by one thread", [[Done]], |s| alone(s, 1, mapped)).within(2, 3),
                Model::new("by two", [[Done]], |s| alone(s, 2, mapped_by_two)).within(0, 1),
                Model::new("dropped", [[Count(0)], [Count(1)], [Count(2)]], |s| {
                    alone(s, 1, dropped_map)
                })
                .within(3, 4),
            ],
        ),
    ]
}

fn workers(shop: &Shop) -> Answer {
    Count(u32::try_from(shop.pool.workers()).expect("a few"))
}

// P1

/// If two ran at once, their additions would race.
fn two_for_one(shop: &Arc<Shop>, say: Say) {
    drop((submit(shop), submit(shop)));
    shop.pool.shutdown();
    say(shop.data.read());
    say(workers(shop));
}

fn two_submit(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop(1));
    stage.thread(&shop, |shop| {
        drop(submit(shop));
        shop.gate.set();
        Done
    });
    stage.thread(&shop, |shop| {
        drop(submit(shop));
        shop.gate.wait();
        shop.pool.shutdown();
        assert_eq!(workers(shop), Count(1));
        shop.data.read()
    });
    stage.finish()
}

// P2

/// A job that opens the gate.
fn submit_opening(shop: &Arc<Shop>) -> Job<()> {
    let theirs = Arc::clone(shop);
    shop.pool.submit(move || theirs.gate.set()).expect("the pool is open")
}

fn one_waits_for_the_next(shop: &Arc<Shop>, say: Say) {
    let waits = submit_waiting(shop);
    drop(submit_opening(shop));
    say(how(waits.wait()));
    shop.pool.shutdown();
    say(workers(shop));
}

/// The thread that has run the first may seem idle, and busy, at the wrong moments.
fn after_one(shop: &Arc<Shop>, say: Say) {
    submit(shop).wait();
    one_waits_for_the_next(shop, say);
}

/// A thread that tells of an end is not idle, and had seemed to be.
fn callback_waits(shop: &Arc<Shop>, say: Say) {
    let start = Arc::new(Event::new());
    let starts = Arc::clone(&start);
    let job = shop.pool.submit(move || starts.wait()).expect("the pool is open");
    let (slow, called) = slow(shop);
    job.on_done(|_| drop(slow));
    start.set();
    next_opens(shop, &called, say);
}

/// The same, of what the job has made and nobody has taken.
fn drop_waits(shop: &Arc<Shop>, say: Say) {
    let start = Arc::new(Event::new());
    let starts = Arc::clone(&start);
    let (slow, called) = slow(shop);
    let makes = move || {
        starts.wait();
        slow
    };
    drop(shop.pool.submit(makes));
    start.set();
    next_opens(shop, &called, say);
}

/// Says that it is being dropped, which lasts until the gate is open.
struct Slow(Arc<Shop>, Arc<Event>);

impl Drop for Slow {
    fn drop(&mut self) {
        self.1.set();
        self.0.gate.wait();
    }
}

fn slow(shop: &Arc<Shop>) -> (Slow, Arc<Event>) {
    let called = Arc::new(Event::new());
    (Slow(Arc::clone(shop), Arc::clone(&called)), called)
}

/// One thread is busy with the drop of something slow: the job that opens the gate needs another.
fn next_opens(shop: &Arc<Shop>, called: &Event, say: Say) {
    called.wait();
    drop(submit_opening(shop));
    shop.gate.wait();
    say(Done);
    shop.pool.shutdown();
    say(workers(shop));
}

/// Who has seen the end of the one before has seen its thread at rest.
fn one_after_the_other(shop: &Arc<Shop>, say: Say) {
    for _ in 0..2 {
        submit(shop).wait();
    }
    say(Done);
    shop.pool.shutdown();
    say(workers(shop));
}

fn another_submits_the_next(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop(2));
    stage.thread(&shop, |shop| {
        submit_opening(shop).wait();
        Done
    });
    stage.thread(&shop, |shop| {
        submit_waiting(shop).wait();
        shop.pool.shutdown();
        Done
    });
    stage.finish()
}

// P3

fn living(shop: &Shop) -> Answer {
    Count(u32::try_from(shop.registry.active_count()).expect("a few"))
}

fn shut_down(shop: &Arc<Shop>, say: Say) {
    let jobs = [submit(shop), submit(shop)];
    shop.pool.shutdown();
    assert!(jobs.iter().all(Job::is_done));
    say(shop.data.read());
    say(living(shop));
}

fn shut_down_in_time(shop: &Arc<Shop>, say: Say) {
    let job = submit(shop);
    let in_time = shop.pool.shutdown_timeout(SOON);
    assert!(in_time.is_err() || (job.is_done() && living(shop) == Count(1)));
    say(in_time.map_or(TimedOut, |()| Done));
    shop.pool.shutdown();
    say(shop.data.read());
}

fn two_shut_down(stage: &Stage) -> Vec<Answer> {
    let shop = shop(1);
    let shared = Arc::new((submit(&shop), shop));
    for _ in 0..2 {
        stage.thread(&shared, |(job, shop)| {
            shop.pool.shutdown();
            assert!(job.is_done());
            living(shop)
        });
    }
    stage.finish()
}

/// The only thread is at the gate, which the first opens; the other takes what is queued behind that.
fn beside_one_that_cancels(stage: &Stage) -> Vec<Answer> {
    let shop = shop(1);
    drop(submit_waiting(&shop));
    let shared = Arc::new((submit(&shop), shop));
    let shut_down: [fn(&ThreadPool); 2] = [ThreadPool::shutdown, ThreadPool::shutdown_cancel];
    for shut_down in shut_down {
        stage.thread(&shared, move |(job, shop)| {
            shop.gate.set();
            shut_down(&shop.pool);
            Is(job.is_done())
        });
    }
    stage.finish()
}

fn dropped(shop: &Arc<Shop>, say: Say) {
    let theirs = Arc::clone(shop);
    let registry = Registry::new();
    let pool = Builder::new().workers(1).registry(&registry).build();
    drop(pool.submit(move || theirs.data.add()));
    drop(pool);
    say(shop.data.read());
    say(Count(u32::try_from(registry.active_count()).expect("a few")));
}

// P4

/// One shuts down, in this way, as another submits the first job.
fn beside(stage: &Stage, shut_down: fn(&ThreadPool)) -> Vec<Answer> {
    let shop = Arc::new(shop(1));
    stage.thread(&shop, move |shop| {
        shut_down(&shop.pool);
        assert!(shop.pool.submit(|| ()).is_err(), "it is shut down");
        assert_eq!(living(shop), Count(1), "it has started a thread since");
        Done
    });
    stage.thread(&shop, |shop| match shop.pool.submit(|| ()) {
        Ok(job) => how(job.wait()),
        Err(_) => ShutDown,
    });
    stage.finish()
}

fn beside_a_shutdown(stage: &Stage) -> Vec<Answer> {
    beside(stage, ThreadPool::shutdown)
}

fn beside_a_shutdown_that_cancels(stage: &Stage) -> Vec<Answer> {
    beside(stage, ThreadPool::shutdown_cancel)
}

/// A job, or what was said of why there is none.
fn end_of(job: Result<Job<()>, SubmitError<fn()>>) -> Answer {
    match job {
        Ok(job) => how(job.wait()),
        Err(refused) => end_of_refused(&refused),
    }
}

fn nothing() {}

fn two_submitted(shop: &Arc<Shop>, say: Say) {
    let submit = || shop.pool.submit(nothing as fn());
    let jobs = [submit(), submit()];
    jobs.into_iter().for_each(|job| say(end_of(job)));
    shop.pool.shutdown();
}

fn one_of_two_cancelled(shop: &Arc<Shop>, say: Say) {
    let submit = || shop.pool.submit(nothing as fn());
    let jobs = [submit(), submit()];
    if let Ok(first) = &jobs[0] {
        first.cancel();
    }
    jobs.into_iter().for_each(|job| say(end_of(job)));
    shop.pool.shutdown();
}

// P5

fn function_panics(shop: &Arc<Shop>, say: Say) {
    let fails = shop
        .pool
        .submit(|| resume_unwind(Box::new("no yarn")))
        .expect("the pool is open");
    let well = submit(shop);
    say(told(fails.result()));
    say(told(well.result()));
    shop.pool.shutdown();
}

/// Panics when it is dropped.
struct Brittle;

impl Drop for Brittle {
    fn drop(&mut self) {
        resume_unwind(Box::new("no yarn"))
    }
}

fn value_panics(shop: &Arc<Shop>, say: Say) {
    let start = Arc::new(Event::new());
    let starts = Arc::clone(&start);
    let brittle = move || {
        starts.wait();
        Brittle
    };
    let well = shop.pool.scope(|scope| {
        drop(scope.submit(brittle)); // no job takes the value
        start.set();
        submit(shop)
    });
    say(how(well.wait()));
    shop.pool.shutdown();
    say(shop.data.read());
}

fn cancelled_panics(shop: &Arc<Shop>, say: Say) {
    let waits = submit_waiting(shop);
    let brittle = Brittle;
    drop(shop.pool.submit(move || core::mem::forget(brittle)));
    let last = submit(shop);
    say(Done);
    shop.gate.set();
    let _ = shop.pool.try_shutdown_cancel();
    shop.pool.shutdown();
    let ended = [waits.outcome().map(how), last.outcome().map(how)];
    assert!(ended.iter().all(Option::is_some), "a job is left pending");
    say(Count(1));
}

// P6

fn mapped(shop: &Arc<Shop>, say: Say) {
    let twice: Result<Vec<u32>, JobError> = shop.pool.map_ahead(2, 1..=3, |n| 2 * n).collect();
    assert_eq!(twice.expect("none of them fails"), [2, 4, 6]);
    say(Done);
    shop.pool.shutdown();
}

fn mapped_by_two(shop: &Arc<Shop>, say: Say) {
    let mut twice = shop.pool.map_ahead(2, 1..=2, |n| 2 * n);
    let next = |twice: Option<Result<u32, JobError>>| twice.and_then(Result::ok);
    assert_eq!(
        [next(twice.next()), next(twice.next()), next(twice.next())],
        [Some(2), Some(4), None]
    );
    say(Done);
    shop.pool.shutdown();
}

fn dropped_map(shop: &Arc<Shop>, say: Say) {
    let theirs = Arc::clone(shop);
    drop(shop.pool.map_ahead(2, 1..=2, move |_| theirs.data.add()));
    shop.pool.shutdown();
    say(shop.data.read());
}
