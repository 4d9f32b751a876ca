//! Timers: TI1 to TI4.

use super::{Data, SOON};
use crate::law::{Law, Model};
use crate::stage::Stage;
use selvedge_loom::backend::Arc;
use selvedge_loom::thread::{Clock, Registry, Timer};
use selvedge_loom::{Event, Instant};
use spec::Answer::{self, Count, Done, Is};
use std::panic::resume_unwind;
use std::time::Duration;

pub fn laws() -> Vec<Law> {
    vec![
        Law::new(
            "TI1",
            "a timer runs or is cancelled, and the cancel tells which",
            [
                Model::new("cancelled at once", RUN_OR_CANCELLED, cancelled_at_once).within(3, 4),
                Model::new("by another", RUN_OR_CANCELLED, cancelled_by_another).within(2, 3),
                Model::new(
                    "by two",
                    [[Is(true), Is(true)], [Is(false), Is(false)]],
                    cancelled_by_two,
                )
                .within(1, 2),
                Model::new(
                    "one that repeats",
                    [
                        [Is(true), Count(0)],
                        [Is(true), Count(1)],
                        [Is(false), Count(1)],
                        [Is(false), Count(2)],
                    ],
                    one_that_repeats,
                )
                .within(3, 4),
            ],
        ),
        Law::new(
            "TI2",
            "whoever joins a timer is told when it has run, is cancelled or has panicked",
            [
                Model::new("it runs", [[Done, Count(1)]], it_runs).within(3, 4),
                Model::new("it panics", [[Answer::Panicked, Count(1)]], it_panics).within(3, 4),
                Model::new("it is cancelled", [[Is(true), Done]], it_is_cancelled).within(2, 3),
            ],
        ),
        Law::new(
            "TI3",
            "each timer runs, whatever the others do",
            [
                Model::new("one comes that is due sooner", [[Done]], after_a_late_one).within(2, 3),
                Model::new("one comes as the clock runs down", [[Done, Done]], one_after_the_other).within(2, 3),
                Model::new("one repeats", [[Answer::Panicked, Count(2)]], one_repeats).within(2, 3),
                Model::new(
                    "one runs for as long as the other waits",
                    [[Done, Done]],
                    one_waits_for_the_other,
                )
                .within(2, 3),
                Model::new("two start at once", [[Done, Done]], two_start).within(1, 2),
            ],
        ),
        Law::new(
            "TI4",
            "a clock that is shut down or dropped runs no timer from then on, and cancels those that wait",
            [
                Model::new("one waits, and one repeats", SHUT_DOWN_IN_TIME, shut_down).within(2, 3),
                Model::new("by one that repeats", [[Done, Count(1)]], shut_down_by_one_that_repeats).within(2, 3),
                Model::new(
                    "beside a start",
                    [[Done, Is(true)], [Done, Is(false)]],
                    shut_down_beside_a_start,
                )
                .within(2, 3),
                Model::new(
                    "two shut it down",
                    [[Count(0), Count(0)], [Count(1), Count(1)]],
                    two_shut_down,
                )
                .within(1, 2),
                Model::new("it is dropped", [[Done, Count(0)], [Done, Count(1)]], dropped).within(2, 3),
            ],
        ),
    ]
}

/// How often the one that repeats has run.
const SHUT_DOWN_IN_TIME: [[Answer; 2]; 3] = [[Done, Count(0)], [Done, Count(1)], [Done, Count(2)]];

const RUN_OR_CANCELLED: [[Answer; 2]; 2] = [[Is(true), Count(0)], [Is(false), Count(1)]];

struct Shop {
    clock: Clock,
    data: Data,
}

fn shop() -> Arc<Shop> {
    Arc::new(Shop {
        clock: Clock::new(&Registry::new()),
        data: Data::new(),
    })
}

/// A timer that adds to the data.
fn start(shop: &Arc<Shop>, after: Duration) -> Timer {
    let theirs = Arc::clone(shop);
    let run = move || {
        theirs.data.add();
    };
    shop.clock.start(after, run).expect("a model has room for its thread")
}

fn join(timer: &Timer) -> Answer {
    timer.join().map_or(Answer::Panicked, |()| Done)
}

fn cancelled_at_once(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop());
    stage.program(&shop, |shop, say| {
        let timer = start(shop, SOON);
        say(Is(timer.cancel()));
        assert_eq!(join(&timer), Done);
        say(shop.data.read());
    });
    stage.finish()
}

fn cancelled_by_another(stage: &Stage) -> Vec<Answer> {
    let shop = shop();
    let shared = Arc::new((start(&shop, SOON), shop));
    stage.thread(&shared, |(timer, _)| Is(timer.cancel()));
    stage.thread(&shared, |(timer, shop)| {
        assert_eq!(join(timer), Done);
        shop.data.read()
    });
    stage.finish()
}

fn cancelled_by_two(stage: &Stage) -> Vec<Answer> {
    let timer = Arc::new(start(&shop(), SOON));
    for _ in 0..2 {
        stage.thread(&timer, |timer| {
            let never = timer.cancel();
            assert_eq!(join(timer), Done);
            Is(never)
        });
    }
    stage.finish()
}

/// A timer that repeats, whose second run is the last.
fn start_twice(shop: &Arc<Shop>) -> Timer {
    let theirs = Arc::clone(shop);
    let run = move || {
        if theirs.data.add() == Count(2) {
            resume_unwind(Box::new("enough"));
        }
    };
    shop.clock.every(SOON, run).expect("a model has room for its thread")
}

fn one_that_repeats(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop());
    stage.program(&shop, |shop, say| {
        let timer = start_twice(shop);
        say(Is(timer.cancel()));
        join(&timer);
        say(shop.data.read());
    });
    stage.finish()
}

fn one_repeats(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop());
    stage.program(&shop, |shop, say| {
        say(join(&start_twice(shop)));
        say(shop.data.read());
    });
    stage.finish()
}

fn it_runs(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop());
    stage.program(&shop, |shop, say| {
        say(join(&start(shop, SOON)));
        say(shop.data.read());
    });
    stage.finish()
}

/// It would wait for ever.
fn it_is_cancelled(stage: &Stage) -> Vec<Answer> {
    let timer = Arc::new(start(&shop(), Duration::MAX));
    stage.thread(&timer, |timer| Is(timer.cancel()));
    stage.thread(&timer, join);
    stage.finish()
}

fn it_panics(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop());
    stage.program(&shop, |shop, say| {
        let theirs = Arc::clone(shop);
        let registry = Registry::new();
        registry.set_panic_hook(move |_, _| {
            theirs.data.add();
        });
        let timer = Clock::new(&registry).start(SOON, || resume_unwind(Box::new("no yarn")));
        say(join(&timer.expect("a model has room for its thread")));
        say(shop.data.read());
    });
    stage.finish()
}

/// The leader sleeps for one that is never due.
fn after_a_late_one(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop());
    stage.thread(&shop, |shop| {
        let never = start(shop, Duration::MAX);
        let end = join(&start(shop, SOON));
        assert!(never.cancel());
        end
    });
    stage.finish()
}

/// The first to run waits for the second.
fn one_waits_for_the_other(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop());
    stage.program(&shop, |shop, say| {
        let other = Arc::new(Event::new());
        let (sets, waits) = (Arc::clone(&other), Arc::clone(&other));
        let slow = shop
            .clock
            .start(SOON, move || waits.wait())
            .expect("a model has room for its thread");
        let due = Instant::now() + SOON;
        let quick = shop
            .clock
            .start_at(due, move || sets.set())
            .expect("a model has room for its thread");
        say(join(&quick));
        say(join(&slow));
    });
    stage.finish()
}

/// The second comes when the worker has run the first, and may be on its way out.
fn one_after_the_other(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop());
    stage.program(&shop, |shop, say| {
        say(join(&start(shop, SOON)));
        say(join(&start(shop, SOON)));
    });
    stage.finish()
}

/// If it ran once more after the shutdown, the additions would race with the look.
fn shut_down(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop());
    stage.program(&shop, |shop, say| {
        let (never, repeats) = (start(shop, Duration::MAX), start_twice(shop));
        shop.clock.shutdown();
        assert!(never.is_finished() && repeats.is_finished());
        say(join(&never));
        say(shop.data.read());
    });
    stage.finish()
}

/// It would panic when it runs once more.
fn shut_down_by_one_that_repeats(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop());
    stage.program(&shop, |shop, say| {
        let (data, clock) = (Arc::new(Data::new()), shop.clock.clone());
        let theirs = Arc::clone(&data);
        let run = move || {
            assert_eq!(theirs.add(), Count(1));
            assert!(clock.try_shutdown().is_err(), "it runs");
        };
        say(join(
            &shop.clock.every(SOON, run).expect("a model has room for its thread"),
        ));
        say(data.read());
    });
    stage.finish()
}

fn shut_down_beside_a_start(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop());
    stage.thread(&shop, |shop| {
        shop.clock.shutdown();
        Done
    });
    stage.thread(&shop, |shop| {
        let started = shop.clock.start(Duration::MAX, || ());
        // The other cancels it.
        Is(started.is_ok_and(|timer| join(&timer) == Done))
    });
    stage.finish()
}

fn two_shut_down(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop());
    drop(start(&shop, SOON));
    for _ in 0..2 {
        stage.thread(&shop, |shop| {
            shop.clock.shutdown();
            shop.data.read()
        });
    }
    stage.finish()
}

/// Sets an event when it is dropped, as what a function has captured might.
struct Sets(Arc<Event>);

impl Drop for Sets {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// The functions are dropped: one has run, or not, and the other would wait for ever.
fn dropped(stage: &Stage) -> Vec<Answer> {
    let data = Arc::new(Arc::new(Data::new()));
    stage.program(&data, |data, say| {
        let (clock, theirs) = (Clock::new(&Registry::new()), Arc::clone(data));
        let ended = [Arc::new(Event::new()), Arc::new(Event::new())];
        let [soon, never] = ended.each_ref().map(|ended| Sets(Arc::clone(ended)));
        let run = move || {
            theirs.add();
            drop(soon);
        };
        let timer = clock.start(SOON, run).expect("a model has room for its thread");
        drop(
            clock
                .start(Duration::MAX, move || drop(never))
                .expect("a model has room for its thread"),
        );
        drop(clock);
        drop(timer);
        ended.iter().for_each(|ended| ended.wait());
        say(Done);
        say(data.read());
    });
    stage.finish()
}

fn two_start(stage: &Stage) -> Vec<Answer> {
    let shop = Arc::new(shop());
    for _ in 0..2 {
        stage.thread(&shop, |shop| {
            join(&shop.clock.start(SOON, || ()).expect("a model has room for its thread"))
        });
    }
    stage.finish()
}
