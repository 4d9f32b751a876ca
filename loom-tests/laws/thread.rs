//! Threads: TH1 to TH4 and TH6 to TH9. TH5, that one handle is started once, is kept by the types: a start takes the
//! builder, and gives the handle.

use super::{Data, SOON};
use crate::law::{Law, Model};
use crate::stage::Stage;
use selvedge_loom::backend::Arc;
use selvedge_loom::thread::{Builder, JoinError, JoinHandle, Panicked, Registry, Thread};
use selvedge_loom::{Event, Instant};
use spec::Answer::{self, Blocked, Busy, Count, Done, Is, TimedOut};
use std::any::Any;
use std::panic::resume_unwind;
use std::time::Duration;

pub fn laws() -> Vec<Law> {
    vec![
        Law::new(
            "TH1",
            "a thread that was started runs its function once",
            [
                Model::new("it is joined", [[Done, Count(1)]], |s| alone(s, joined)),
                Model::new("it is let go", [[Done, Count(1)]], |s| alone(s, let_go)),
                Model::new("two are started", [[Done, Count(1), Done, Count(1)]], two_starters).within(2, 3),
            ],
        ),
        Law::new(
            "TH2",
            "what a thread did, and the drop of its function, is seen after each join that tells its end",
            [
                Model::new("by one that joins", [[Done, Count(2)]], |s| beside(s, plain)),
                Model::new("by one that looks", [[Done, Count(2)], [Busy, Busy]], |s| {
                    beside(s, look)
                }),
                Model::new("in time", [[Done, Count(2)], [TimedOut, Busy]], |s| beside(s, soon)).timed(&[1]),
                Model::new("by a deadline", [[Done, Count(2)], [TimedOut, Busy]], |s| {
                    beside(s, later)
                })
                .timed(&[1]),
                Model::new("waits return early", [[Done, Count(2)], [TimedOut, Busy]], |s| {
                    beside(s, soon)
                })
                .early(),
                Model::new("nobody takes the result", [[Done, Count(2)]], |s| alone(s, result_left)),
                Model::new("in a scope", [[Done, Count(1)]], |s| alone(s, scoped)),
            ],
        ),
        Law::new(
            "TH3",
            "a join that times out changes nothing, and the result is not lost",
            [
                Model::new("before its end there is none", [[Done], [Busy]], |s| {
                    alone(s, result_means_end)
                }),
                Model::new("in time", [[Done, Count(1)], [TimedOut, Count(1)]], |s| again(s, soon)).timed(&[1]),
                Model::new("by a deadline", [[Done, Count(1)], [TimedOut, Count(1)]], |s| {
                    again(s, later)
                })
                .timed(&[1]),
                Model::new("no time at all", [[Done, Count(1)], [TimedOut, Count(1)]], |s| {
                    again(s, at_once)
                }),
                Model::new(
                    "beside one that joins",
                    [[Done, Done], [TimedOut, Done]],
                    timed_beside_plain,
                )
                .within(2, 3),
            ],
        ),
        Law::new(
            "TH4",
            "all who join return, and one of them has the result",
            [
                Model::new("two that join", [[Count(1), Busy], [Busy, Count(1)]], |s| {
                    takers(s, plain)
                })
                .within(2, 3),
                Model::new("two in time", [[Count(1), Busy], [Busy, Count(1)]], |s| {
                    takers(s, patient)
                })
                .within(1, 2),
            ],
        ),
        Law::new(
            "TH6",
            "a thread that was joined is not on the registry",
            [
                Model::new("by one that joins", [[Done, Count(1)]], |s| registered(s, plain)),
                Model::new("by one that looks", [[Done, Count(1)], [Busy, Busy]], |s| {
                    registered(s, look)
                }),
                Model::new("by two", [[Count(1), Count(1)]], registered_for_two).within(1, 2),
                Model::new("who is listed", [[Is(true), Done]], listed_as_it_ends).within(3, 4),
            ],
        ),
        Law::new(
            "TH7",
            "a start that fails leaves nothing behind, and nobody waits for it",
            [
                Model::new("beside an exit", [[Count(1), Done]], |s| refused(s, exits)).within(2, 3),
                Model::new(
                    "beside an exit in time",
                    [[Count(1), Done], [Count(1), TimedOut]],
                    |s| refused(s, exits_soon),
                )
                .within(2, 3),
                Model::new("beside one that joins all it sees", [[Count(1), Done]], |s| {
                    refused(s, joins_all_it_sees)
                })
                .within(2, 3),
            ],
        ),
        Law::new(
            "TH8",
            "a panic tells the hook, and then whoever joins",
            [
                Model::new("one that joins", [[Answer::Panicked, Count(2)]], |s| alone(s, panicked)),
                Model::new("the hook panics too", [[Answer::Panicked, Count(1)]], |s| {
                    alone(s, hook_panics)
                }),
                Model::new("two that join", [[Answer::Panicked, Answer::Panicked]], two_are_told).within(1, 2),
                Model::new("in time", [[Answer::Panicked], [TimedOut]], |s| {
                    alone(s, panicked_in_time)
                })
                .timed(&[1]),
            ],
        ),
        Law::new(
            "TH9",
            "an exit waits for each thread that is not a daemon, those too that others start",
            [
                Model::new("one", [[Done, Count(2)]], |s| exit(s, one_of_ours)),
                Model::new("in time", [[Done, Count(2)], [TimedOut, Busy]], exit_in_time)
                    .timed(&[1])
                    .within(4, 6),
                Model::new("a daemon is left alone", [[Done, Blocked]], daemon_left).within(3, 4),
                Model::new("one that starts another", [[Done, Count(2)]], |s| {
                    exit(s, one_after_another)
                })
                .within(2, 3),
                Model::new("two exits", [[Done, Done]], two_exits).within(1, 2),
            ],
        ),
    ]
}

/// What a thread shares with those who wait for it.
struct Shop {
    registry: Registry,
    data: Data,
}

fn shop() -> Arc<Shop> {
    Arc::new(Shop {
        registry: Registry::new(),
        data: Data::new(),
    })
}

impl Shop {
    fn builder(&self) -> Builder {
        self.registry.builder()
    }
}

/// Adds to the data when it is dropped, as a captured value might.
struct Trace(Arc<Shop>);

impl Drop for Trace {
    fn drop(&mut self) {
        self.0.data.add();
    }
}

/// A thread that works, and leaves its trace.
fn start(shop: &Arc<Shop>) -> JoinHandle<Answer> {
    let trace = Trace(Arc::clone(shop));
    shop.builder()
        .spawn(move || trace.0.data.add())
        .expect("a model has room for it")
}

/// A thread that throws.
fn start_failing(shop: &Arc<Shop>) -> JoinHandle<()> {
    shop.builder()
        .spawn(|| resume_unwind(Box::new("no yarn")))
        .expect("a model has room for it")
}

type Form = fn(&Thread) -> Answer;

fn told(result: Result<(), Panicked>) -> Answer {
    result.map_or(Answer::Panicked, |()| Done)
}

fn told_in_time(result: Result<(), JoinError>) -> Answer {
    match result {
        Ok(()) => Done,
        Err(JoinError::TimedOut) => TimedOut,
        Err(JoinError::Panicked(_)) => Answer::Panicked,
    }
}

fn plain(thread: &Thread) -> Answer {
    told(thread.join())
}

fn look(thread: &Thread) -> Answer {
    thread.try_join().map_or(Busy, told)
}

fn soon(thread: &Thread) -> Answer {
    told_in_time(thread.join_timeout(SOON))
}

fn later(thread: &Thread) -> Answer {
    told_in_time(thread.join_deadline(Instant::now() + SOON))
}

fn at_once(thread: &Thread) -> Answer {
    told_in_time(thread.join_timeout(Duration::ZERO))
}

/// The timed form, with all the time there is.
fn patient(thread: &Thread) -> Answer {
    told_in_time(thread.join_timeout(Duration::MAX))
}

type Say<'a> = &'a mut dyn FnMut(Answer);

/// One thread that plays `role`, and those that it starts.
fn alone(stage: &Stage, role: fn(&Arc<Shop>, Say)) -> Vec<Answer> {
    let shop = Arc::new(shop());
    stage.program(&shop, role);
    stage.finish()
}

fn joined(shop: &Arc<Shop>, say: Say) {
    let thread = shop.builder().spawn({
        let shop = Arc::clone(shop);
        move || shop.data.add()
    });
    let thread = thread.expect("a model has room for it");
    say(plain(&thread));
    say(thread.take_result().unwrap_or(Busy));
}

fn let_go(shop: &Arc<Shop>, say: Say) {
    let over = Arc::new(Event::new());
    let (theirs, shop_of_theirs) = (Arc::clone(&over), Arc::clone(shop));
    let run = move || {
        shop_of_theirs.data.add();
        theirs.set();
    };
    drop(shop.builder().spawn(run).expect("a model has room for it"));
    over.wait();
    say(Done);
    say(shop.data.read());
}

fn two_starters(stage: &Stage) -> Vec<Answer> {
    for _ in 0..2 {
        stage.program(&Arc::new(shop()), joined);
    }
    stage.finish()
}

/// A thread that works, and one that waits for its end in this form, and looks at what it did.
fn beside(stage: &Stage, form: Form) -> Vec<Answer> {
    let shop = Arc::new(shop());
    stage.program(&shop, move |shop, say| {
        let thread = start(shop);
        let end = form(&thread);
        say(end);
        say(if end == Done { shop.data.read() } else { Busy });
    });
    stage.finish()
}

/// The trace is the thread's result, and nobody can take it: it is dropped before anyone is told.
fn result_left(shop: &Arc<Shop>, say: Say) {
    let trace = Trace(Arc::clone(shop));
    let handle = shop.builder().spawn(move || {
        trace.0.data.add();
        trace
    });
    let thread = handle.expect("a model has room for it").thread().clone();
    say(plain(&thread));
    say(shop.data.read());
}

fn scoped(shop: &Arc<Shop>, say: Say) {
    let data = &shop.data;
    selvedge_loom::thread::scope(|scope| {
        let started = shop.builder().spawn_scoped(scope, || data.add());
        drop(started.expect("a model has room for it"));
    });
    say(Done);
    say(data.read());
}

/// Waits in this form, and then for good.
fn again(stage: &Stage, form: Form) -> Vec<Answer> {
    let shop = Arc::new(shop());
    stage.program(&shop, move |shop, say| {
        let thread = start(shop);
        let end = form(&thread);
        assert!(end == TimedOut || !thread.is_alive(), "it has not ended");
        say(end);
        assert_eq!(plain(&thread), Done, "it can be joined again");
        say(thread.take_result().unwrap_or(Busy));
    });
    stage.finish()
}

fn timed_beside_plain(stage: &Stage) -> Vec<Answer> {
    let thread = Arc::new(start(&shop()));
    stage.thread(&thread, |thread| soon(thread));
    stage.thread(&thread, |thread| plain(thread));
    stage.finish()
}

fn result_means_end(shop: &Arc<Shop>, say: Say) {
    let thread = start(shop);
    match thread.take_result() {
        None => say(Busy),
        Some(_) => {
            assert!(!thread.is_alive(), "it has a result before its end");
            assert_eq!(shop.data.read(), Count(2));
            say(Done);
        }
    }
    assert_eq!(plain(&thread), Done); // it sleeps here, if the thread is late
}

/// Two that wait in this form and take the result.
fn takers(stage: &Stage, form: Form) -> Vec<Answer> {
    let thread = Arc::new(start(&shop()));
    for _ in 0..2 {
        stage.thread(&thread, move |thread| {
            assert_eq!(form(thread), Done);
            assert!(!thread.is_alive(), "it has not ended");
            thread.take_result().unwrap_or(Busy)
        });
    }
    stage.finish()
}

fn registered(stage: &Stage, form: Form) -> Vec<Answer> {
    let shop = Arc::new(shop());
    stage.program(&shop, move |shop, say| {
        let thread = start(shop);
        let end = form(&thread);
        say(end);
        say(if end == Done {
            living(&shop.registry, &thread)
        } else {
            Busy
        });
        assert_eq!(plain(&thread), Done);
    });
    stage.finish()
}

/// How many live, of whom `ended` is none.
fn living(registry: &Registry, ended: &Thread) -> Answer {
    let living = registry.enumerate();
    assert!(!living.contains(ended), "it was joined, and is on the registry");
    assert_eq!(registry.active_count(), living.len());
    Count(u32::try_from(living.len()).expect("a few"))
}

fn registered_for_two(stage: &Stage) -> Vec<Answer> {
    let shop = shop();
    let shared = Arc::new((start(&shop), shop));
    for _ in 0..2 {
        stage.thread(&shared, |(thread, shop)| {
            assert_eq!(plain(thread), Done);
            living(&shop.registry, thread)
        });
    }
    stage.finish()
}

/// One lists the threads as another ends: whoever is listed had not told a joiner before.
fn listed_as_it_ends(stage: &Stage) -> Vec<Answer> {
    let shop = shop();
    let shared = Arc::new((start(&shop), shop, Event::new()));
    stage.thread(&shared, |(thread, shop, joined)| {
        let was_joined = joined.is_set();
        let listed = shop.registry.enumerate().contains(thread);
        Is(!(was_joined && listed))
    });
    stage.thread(&shared, |(thread, _, joined)| {
        let end = plain(thread);
        joined.set();
        end
    });
    stage.finish()
}

/// One start is refused, by the system, while another looks on.
fn refused(stage: &Stage, looks_on: fn(&Registry) -> Answer) -> Vec<Answer> {
    let registry = Arc::new(Registry::new());
    stage.thread(&registry, |registry| {
        let refused = registry.builder().stack_size(1 << 60).spawn(|| ());
        assert!(refused.is_err());
        Count(u32::try_from(registry.active_count()).expect("a few"))
    });
    stage.thread(&registry, looks_on);
    stage.finish()
}

fn exits(registry: &Registry) -> Answer {
    registry.join_all();
    Done
}

fn exits_soon(registry: &Registry) -> Answer {
    registry.join_all_timeout(SOON).map_or(TimedOut, |()| Done)
}

fn joins_all_it_sees(registry: &Registry) -> Answer {
    let first = registry.main_thread();
    registry
        .enumerate()
        .iter()
        .filter(|thread| **thread != first)
        .map(plain)
        .all(|end| end == Done);
    Done
}

fn panicked(shop: &Arc<Shop>, say: Say) {
    let theirs = Arc::clone(shop);
    shop.registry.set_panic_hook(move |thread, _: &(dyn Any + Send)| {
        assert!(thread.is_alive(), "joiners are told first");
        theirs.data.add();
    });
    let thread = start_failing(shop);
    say(plain(&thread));
    shop.data.add();
    say(shop.data.read());
    assert!(thread.take_panic().is_some());
}

fn hook_panics(shop: &Arc<Shop>, say: Say) {
    shop.registry
        .set_panic_hook(|_, _: &(dyn Any + Send)| resume_unwind(Box::new("the hook")));
    let thread = start_failing(shop);
    say(plain(&thread));
    say(living(&shop.registry, &thread));
}

fn panicked_in_time(shop: &Arc<Shop>, say: Say) {
    let thread = start_failing(shop);
    say(soon(&thread));
    assert_eq!(plain(&thread), Answer::Panicked);
}

fn two_are_told(stage: &Stage) -> Vec<Answer> {
    let thread = Arc::new(start_failing(&shop()));
    for _ in 0..2 {
        stage.thread(&thread, |thread| plain(thread));
    }
    stage.finish()
}

/// An exit, and what is seen after it of the threads that this has started; it gives the first.
fn exit(stage: &Stage, threads: fn(&Arc<Shop>) -> Thread) -> Vec<Answer> {
    let shop = shop();
    let first = threads(&shop);
    stage.program(&Arc::new((shop, first)), |(shop, first), say| {
        drop(shop.registry.exit_guard());
        assert!(!first.is_alive(), "it has not ended");
        say(Done);
        say(shop.data.read());
    });
    stage.finish()
}

fn one_of_ours(shop: &Arc<Shop>) -> Thread {
    start(shop).thread().clone()
}

fn one_after_another(shop: &Arc<Shop>) -> Thread {
    let theirs = Arc::clone(shop);
    let first = shop.builder().spawn(move || drop(start(&theirs)));
    first.expect("a model has room for it").thread().clone()
}

fn exit_in_time(stage: &Stage) -> Vec<Answer> {
    let shop = shop();
    let thread = start(&shop);
    stage.program(&Arc::new((shop, thread)), |(shop, thread), say| {
        let end = exits_soon(&shop.registry);
        assert!(end == TimedOut || !thread.is_alive(), "it has not ended");
        say(end);
        say(if end == Done { shop.data.read() } else { Busy });
        exits(&shop.registry);
    });
    stage.finish()
}

/// The daemon sleeps for ever, and is known to `Blocked` by one that joins it.
fn daemon_left(stage: &Stage) -> Vec<Answer> {
    let registry = Arc::new(Registry::new());
    let daemon = registry
        .builder()
        .daemon(true)
        .spawn(|| Event::new().wait())
        .expect("a model has room for it");
    let shared = Arc::new((registry, daemon));
    stage.thread(&shared, |(registry, _)| exits(registry));
    stage.thread(&shared, |(_, daemon)| plain(daemon));
    stage.finish()
}

fn two_exits(stage: &Stage) -> Vec<Answer> {
    let shop = shop();
    one_of_ours(&shop);
    for _ in 0..2 {
        stage.thread(&shop, |shop| exits(&shop.registry));
    }
    stage.finish()
}
