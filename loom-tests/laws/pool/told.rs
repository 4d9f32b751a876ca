//! What is told of a job's end, and to whom: F4 and F5.

use super::*;
use crate::law::Model;
use selvedge_loom::Instant;
use spec::Answer::TimedOut;

pub fn laws() -> Vec<Law> {
    vec![
        Law::new(
            "F4",
            "each callback runs once, after the end, in the order in which they came",
            [
                Model::new("beside the end", [[Count(1)]], |s| alone(s, 1, called)).within(3, 4),
                Model::new("two before the end", [[Done, Count(3)]], |s| {
                    alone(s, 1, called_in_order)
                })
                .within(2, 3),
                Model::new("beside a cancel", [[Done, Count(1)]], called_by_who_cancels).within(1, 2),
                Model::new("the first panics", [[Done, Count(2)]], |s| alone(s, 1, first_panics)).within(2, 3),
            ],
        ),
        Law::new(
            "F5",
            "what a job did is seen by whoever is told of its end",
            [
                Model::new("the result", SEEN, |s| told_by(s, result)).within(3, 4),
                Model::new("a look", SEEN_OR_NOT, |s| told_by(s, look)).within(3, 4),
                Model::new("in time", SEEN_OR_LATE, |s| told_by(s, soon))
                    .within(3, 4)
                    .timed(&[1]),
                Model::new("by a deadline", SEEN_OR_LATE, |s| told_by(s, later))
                    .within(3, 4)
                    .timed(&[1]),
                Model::new("waits return early", SEEN_OR_LATE, |s| told_by(s, soon))
                    .within(2, 3)
                    .early(),
                Model::new("a cancel", [[Done, Count(1)], [Done, Busy]], cancel_is_seen).within(1, 2),
                Model::new("awaited", SEEN, |s| told_by(s, awaited)).within(2, 3),
                Model::new("as completed", SEEN, |s| told_by(s, |job| as_completed(&job))).within(2, 3),
                Model::new("by a callback", SEEN, |s| told_by(s, called_back)).within(3, 4),
                Model::new("in a scope", SEEN, |s| alone(s, 1, scoped)).within(3, 4),
                Model::new("in a scope, from a job", [[Done, Count(2)]], |s| {
                    alone(s, 1, scoped_twice)
                })
                .within(2, 3),
            ],
        ),
    ]
}

const SEEN: [[Answer; 2]; 1] = [[Done, Count(1)]];
const SEEN_OR_NOT: [[Answer; 2]; 2] = [[Done, Count(1)], [Busy, Busy]];
const SEEN_OR_LATE: [[Answer; 2]; 2] = [[Done, Count(1)], [TimedOut, Busy]];

// F4

fn called(shop: &Arc<Shop>, say: Say) {
    let job = shop.pool.submit(|| ()).expect("the pool is open");
    let theirs = Arc::clone(shop);
    job.on_done(move |outcome| {
        assert_eq!(outcome, Outcome::Returned);
        theirs.data.add();
    });
    shop.pool.shutdown();
    say(shop.data.read());
}

fn called_in_order(shop: &Arc<Shop>, say: Say) {
    let job = submit_waiting(shop);
    for number in 0..3 {
        let theirs = Arc::clone(shop);
        // A panic would be caught there: who comes out of turn does not count.
        job.on_done(move |_| {
            if theirs.data.read() == Count(number) {
                theirs.data.add();
            }
        });
    }
    shop.gate.set();
    say(how(job.wait()));
    shop.pool.shutdown();
    say(shop.data.read());
}

fn called_by_who_cancels(stage: &Stage) -> Vec<Answer> {
    let shop = shop(1);
    let shared = Arc::new((submit_nothing(&shop), shop));
    stage.thread(&shared, |(job, shop)| {
        let theirs = Arc::clone(shop);
        job.on_done(move |_| {
            theirs.data.add();
        });
        job.wait();
        shop.pool.shutdown();
        Done
    });
    let theirs = Arc::clone(&shared);
    stage.thread(&shared, |(job, _)| {
        job.cancel();
        Done
    });
    let mut answers = stage.finish_seeing(move || theirs.1.data.read());
    answers.remove(0);
    answers
}

fn submit_nothing(shop: &Arc<Shop>) -> Job<()> {
    shop.pool.submit(|| ()).expect("the pool is open")
}

fn first_panics(shop: &Arc<Shop>, say: Say) {
    let job = submit_waiting(shop);
    let theirs = Arc::clone(shop);
    job.on_done(move |_| {
        theirs.data.add();
        resume_unwind(Box::new("no yarn"))
    });
    let theirs = Arc::clone(shop);
    job.on_done(move |_| {
        theirs.data.add();
    });
    shop.gate.set();
    say(how(job.wait()));
    shop.pool.shutdown();
    say(shop.data.read());
}

// F5

/// One that is told in this form of a job's end, and looks at what the job did.
fn told_by(stage: &Stage, form: fn(Job<Answer>) -> Answer) -> Vec<Answer> {
    let shop = Arc::new(shop(1));
    stage.program(&shop, move |shop, say| {
        let end = form(submit(shop));
        say(end);
        say(if end == Done { shop.data.read() } else { Busy });
        shop.pool.shutdown();
    });
    stage.finish()
}

fn counted(result: Result<Answer, JobError>) -> Answer {
    assert_eq!(told(result), Count(1));
    Done
}

fn result(job: Job<Answer>) -> Answer {
    counted(job.result())
}

fn look(mut job: Job<Answer>) -> Answer {
    job.try_result().map_or(Busy, counted)
}

fn soon(mut job: Job<Answer>) -> Answer {
    job.result_timeout(SOON).map_or(TimedOut, counted)
}

fn later(mut job: Job<Answer>) -> Answer {
    job.result_deadline(Instant::now() + SOON).map_or(TimedOut, counted)
}

fn awaited(job: Job<Answer>) -> Answer {
    counted(awaits(job))
}

fn called_back(job: Job<Answer>) -> Answer {
    let told = Arc::new(Event::new());
    let theirs = Arc::clone(&told);
    job.on_done(move |_| theirs.set());
    told.wait();
    Done
}

/// What happened before a cancel, for one that only looks. The only thread is busy.
fn cancel_is_seen(stage: &Stage) -> Vec<Answer> {
    let shop = shop(1);
    drop(submit_waiting(&shop));
    let shared = Arc::new((submit(&shop), shop));
    stage.thread(&shared, |(job, shop)| {
        shop.data.add();
        job.cancel();
        shop.gate.set();
        shop.pool.shutdown();
        Done
    });
    stage.thread(&shared, |(job, shop)| match job.outcome() {
        Some(Outcome::Cancelled) => shop.data.read(),
        _ => Busy,
    });
    stage.finish()
}

fn scoped(shop: &Arc<Shop>, say: Say) {
    let data = &shop.data;
    shop.pool.scope(|scope| drop(scope.submit(|| data.add())));
    say(Done);
    say(data.read());
    shop.pool.shutdown();
}

fn scoped_twice(shop: &Arc<Shop>, say: Say) {
    let data = &shop.data;
    shop.pool.scope(|scope| {
        let first = scope.submit(|| {
            data.add();
            drop(scope.submit(|| data.add()));
        });
        drop(first);
    });
    say(Done);
    say(data.read());
    shop.pool.shutdown();
}
