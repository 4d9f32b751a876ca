//! Threads: TH1 to TH4 and TH6 to TH9. TH5 (a thread is started at most once) is enforced by the type system: `spawn`
//! consumes the builder.

use super::{Data, TIMEOUT};
use crate::law::{Law, Model};
use crate::scenario::Scenario;
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
            "a spawned thread runs its function exactly once",
            [
                Model::new("joined", [[Done, Count(1)]], |s| spawner(s, joined)),
                Model::new("detached", [[Done, Count(1)]], |s| spawner(s, detached)),
                Model::new("two spawned", [[Done, Count(1), Done, Count(1)]], two_starters).within(2, 3),
            ],
        ),
        Law::new(
            "TH2",
            "a thread's function and the drop of its captures happen-before every join that observes the end",
            [
                Model::new("join", [[Done, Count(2)]], |s| observed_by(s, plain)),
                Model::new("try_join", [[Done, Count(2)], [Busy, Busy]], |s| observed_by(s, poll)),
                Model::new("join_timeout", [[Done, Count(2)], [TimedOut, Busy]], |s| {
                    observed_by(s, with_timeout)
                })
                .timed(&[1]),
                Model::new("join_deadline", [[Done, Count(2)], [TimedOut, Busy]], |s| {
                    observed_by(s, with_deadline)
                })
                .timed(&[1]),
                Model::new("spurious wake-ups", [[Done, Count(2)], [TimedOut, Busy]], |s| {
                    observed_by(s, with_timeout)
                })
                .spurious(),
                Model::new("an unclaimed result", [[Done, Count(2)]], |s| {
                    spawner(s, unclaimed_result)
                }),
                Model::new("a scope", [[Done, Count(1)]], |s| spawner(s, scoped)),
            ],
        ),
        Law::new(
            "TH3",
            "a timed-out join has no effect, and the result can still be taken",
            [
                Model::new("no result before the end", [[Done], [Busy]], |s| {
                    spawner(s, result_means_end)
                }),
                Model::new("join_timeout", [[Done, Count(1)], [TimedOut, Count(1)]], |s| {
                    joined_again(s, with_timeout)
                })
                .timed(&[1]),
                Model::new("join_deadline", [[Done, Count(1)], [TimedOut, Count(1)]], |s| {
                    joined_again(s, with_deadline)
                })
                .timed(&[1]),
                Model::new("zero timeout", [[Done, Count(1)], [TimedOut, Count(1)]], |s| {
                    joined_again(s, zero_timeout)
                }),
                Model::new(
                    "with an untimed joiner",
                    [[Done, Done], [TimedOut, Done]],
                    timed_and_plain,
                )
                .within(2, 3),
            ],
        ),
        Law::new(
            "TH4",
            "every joiner returns, and exactly one can take the result",
            [
                Model::new("two joins", [[Count(1), Busy], [Busy, Count(1)]], |s| {
                    two_joiners(s, plain)
                })
                .within(2, 3),
                Model::new("two timed joins", [[Count(1), Busy], [Busy, Count(1)]], |s| {
                    two_joiners(s, with_max_timeout)
                })
                .within(1, 2),
            ],
        ),
        Law::new(
            "TH6",
            "a joined thread is no longer enumerated",
            [
                Model::new("join", [[Done, Count(1)]], |s| enumerated(s, plain)),
                Model::new("try_join", [[Done, Count(1)], [Busy, Busy]], |s| enumerated(s, poll)),
                Model::new("two joins", [[Count(1), Count(1)]], enumerated_by_two).within(1, 2),
                Model::new("enumerated during a join", [[Is(true), Done]], enumerated_during_join).within(3, 4),
            ],
        ),
        Law::new(
            "TH7",
            "a failed spawn is rolled back, and no thread stays blocked on it",
            [
                Model::new("during join_all", [[Count(1), Done]], |s| failed_spawn(s, join_all)).within(2, 3),
                Model::new(
                    "during join_all_timeout",
                    [[Count(1), Done], [Count(1), TimedOut]],
                    |s| failed_spawn(s, join_all_timeout),
                )
                .within(2, 3),
                Model::new("during joins of all enumerated threads", [[Count(1), Done]], |s| {
                    failed_spawn(s, join_enumerated)
                })
                .within(2, 3),
            ],
        ),
        Law::new(
            "TH8",
            "a panic is reported to the panic hook and then to every joiner",
            [
                Model::new("join", [[Answer::Panicked, Count(2)]], |s| spawner(s, panicked)),
                Model::new("the hook panics too", [[Answer::Panicked, Count(1)]], |s| {
                    spawner(s, hook_panics)
                }),
                Model::new("two joins", [[Answer::Panicked, Answer::Panicked]], panicked_for_two).within(1, 2),
                Model::new("join_timeout", [[Answer::Panicked], [TimedOut]], |s| {
                    spawner(s, panicked_with_timeout)
                })
                .timed(&[1]),
            ],
        ),
        Law::new(
            "TH9",
            "an exit waits for every non-daemon thread, including threads spawned by other threads",
            [
                Model::new("one thread", [[Done, Count(2)]], |s| exit(s, one_thread)),
                Model::new(
                    "join_all_timeout",
                    [[Done, Count(2)], [TimedOut, Busy]],
                    exit_with_timeout,
                )
                .timed(&[1])
                .within(4, 6),
                Model::new("no wait for a daemon", [[Done, Blocked]], daemon_ignored).within(3, 4),
                Model::new("a thread that spawns another", [[Done, Count(2)]], |s| {
                    exit(s, nested_spawn)
                })
                .within(2, 3),
                Model::new("two exits", [[Done, Done]], two_exits).within(1, 2),
            ],
        ),
    ]
}

/// The objects that a thread shares with its joiners.
struct Fixture {
    registry: Registry,
    data: Data,
}

fn fixture() -> Arc<Fixture> {
    Arc::new(Fixture {
        registry: Registry::new(),
        data: Data::new(),
    })
}

impl Fixture {
    fn builder(&self) -> Builder {
        self.registry.builder()
    }
}

/// Adds to the data when it is dropped.
struct AddsOnDrop(Arc<Fixture>);

impl Drop for AddsOnDrop {
    fn drop(&mut self) {
        self.0.data.add();
    }
}

/// Spawns a thread that adds to the data, and adds again when its captures are dropped.
fn spawn(fixture: &Arc<Fixture>) -> JoinHandle<Answer> {
    let value = AddsOnDrop(Arc::clone(fixture));
    fixture
        .builder()
        .spawn(move || value.0.data.add())
        .expect("loom allows this many threads")
}

/// Spawns a thread that panics.
fn spawn_panicking(fixture: &Arc<Fixture>) -> JoinHandle<()> {
    fixture
        .builder()
        .spawn(|| resume_unwind(Box::new("expected")))
        .expect("loom allows this many threads")
}

type Form = fn(&Thread) -> Answer;

fn answer(result: Result<(), Panicked>) -> Answer {
    result.map_or(Answer::Panicked, |()| Done)
}

fn timed_answer(result: Result<(), JoinError>) -> Answer {
    match result {
        Ok(()) => Done,
        Err(JoinError::TimedOut) => TimedOut,
        Err(JoinError::Panicked(_)) => Answer::Panicked,
    }
}

fn plain(thread: &Thread) -> Answer {
    answer(thread.join())
}

fn poll(thread: &Thread) -> Answer {
    thread.try_join().map_or(Busy, answer)
}

fn with_timeout(thread: &Thread) -> Answer {
    timed_answer(thread.join_timeout(TIMEOUT))
}

fn with_deadline(thread: &Thread) -> Answer {
    timed_answer(thread.join_deadline(Instant::now() + TIMEOUT))
}

fn zero_timeout(thread: &Thread) -> Answer {
    timed_answer(thread.join_timeout(Duration::ZERO))
}

fn with_max_timeout(thread: &Thread) -> Answer {
    timed_answer(thread.join_timeout(Duration::MAX))
}

type Report<'a> = &'a mut dyn FnMut(Answer);

/// One thread that runs `body`, and the threads that it spawns.
fn spawner(scenario: &Scenario, body: fn(&Arc<Fixture>, Report)) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    scenario.program(&fixture, body);
    scenario.finish()
}

fn joined(fixture: &Arc<Fixture>, report: Report) {
    let thread = fixture.builder().spawn({
        let fixture = Arc::clone(fixture);
        move || fixture.data.add()
    });
    let thread = thread.expect("loom allows this many threads");
    report(plain(&thread));
    report(thread.take_result().unwrap_or(Busy));
}

fn detached(fixture: &Arc<Fixture>, report: Report) {
    let done = Arc::new(Event::new());
    let (event, added) = (Arc::clone(&done), Arc::clone(fixture));
    let run = move || {
        added.data.add();
        event.set();
    };
    drop(fixture.builder().spawn(run).expect("loom allows this many threads"));
    done.wait();
    report(Done);
    report(fixture.data.read());
}

fn two_starters(scenario: &Scenario) -> Vec<Answer> {
    for _ in 0..2 {
        scenario.program(&Arc::new(fixture()), joined);
    }
    scenario.finish()
}

/// A thread joins another by `form`, and then reads what that thread wrote.
fn observed_by(scenario: &Scenario, form: Form) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    scenario.program(&fixture, move |fixture, report| {
        let thread = spawn(fixture);
        let answer = form(&thread);
        report(answer);
        report(if answer == Done { fixture.data.read() } else { Busy });
    });
    scenario.finish()
}

/// No handle can take the thread's result, so the result is dropped before a join returns.
fn unclaimed_result(fixture: &Arc<Fixture>, report: Report) {
    let value = AddsOnDrop(Arc::clone(fixture));
    let handle = fixture.builder().spawn(move || {
        value.0.data.add();
        value
    });
    let thread = handle.expect("loom allows this many threads").thread().clone();
    report(plain(&thread));
    report(fixture.data.read());
}

fn scoped(fixture: &Arc<Fixture>, report: Report) {
    let data = &fixture.data;
    selvedge_loom::thread::scope(|scope| {
        let started = fixture.builder().spawn_scoped(scope, || data.add());
        drop(started.expect("loom allows this many threads"));
    });
    report(Done);
    report(data.read());
}

/// Joins by `form`, and then without a timeout.
fn joined_again(scenario: &Scenario, form: Form) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    scenario.program(&fixture, move |fixture, report| {
        let thread = spawn(fixture);
        let answer = form(&thread);
        assert!(answer == TimedOut || !thread.is_alive(), "the thread has not ended");
        report(answer);
        assert_eq!(plain(&thread), Done, "the second join fails");
        report(thread.take_result().unwrap_or(Busy));
    });
    scenario.finish()
}

fn timed_and_plain(scenario: &Scenario) -> Vec<Answer> {
    let thread = Arc::new(spawn(&fixture()));
    scenario.thread(&thread, |thread| with_timeout(thread));
    scenario.thread(&thread, |thread| plain(thread));
    scenario.finish()
}

fn result_means_end(fixture: &Arc<Fixture>, report: Report) {
    let thread = spawn(fixture);
    match thread.take_result() {
        None => report(Busy),
        Some(_) => {
            assert!(!thread.is_alive(), "the thread has a result before its end");
            assert_eq!(fixture.data.read(), Count(2));
            report(Done);
        }
    }
    assert_eq!(plain(&thread), Done); // blocks if the thread has not ended
}

/// Two threads join by `form` and take the result.
fn two_joiners(scenario: &Scenario, form: Form) -> Vec<Answer> {
    let thread = Arc::new(spawn(&fixture()));
    for _ in 0..2 {
        scenario.thread(&thread, move |thread| {
            assert_eq!(form(thread), Done);
            assert!(!thread.is_alive(), "the thread has not ended");
            thread.take_result().unwrap_or(Busy)
        });
    }
    scenario.finish()
}

fn enumerated(scenario: &Scenario, form: Form) -> Vec<Answer> {
    let fixture = Arc::new(fixture());
    scenario.program(&fixture, move |fixture, report| {
        let thread = spawn(fixture);
        let answer = form(&thread);
        report(answer);
        report(if answer == Done {
            enumerate(&fixture.registry, &thread)
        } else {
            Busy
        });
        assert_eq!(plain(&thread), Done);
    });
    scenario.finish()
}

/// The number of enumerated threads. The thread `ended` must not be one of them.
fn enumerate(registry: &Registry, ended: &Thread) -> Answer {
    let threads = registry.enumerate();
    assert!(!threads.contains(ended), "a joined thread is enumerated");
    assert_eq!(registry.active_count(), threads.len());
    Count(u32::try_from(threads.len()).expect("a few"))
}

fn enumerated_by_two(scenario: &Scenario) -> Vec<Answer> {
    let fixture = fixture();
    let shared = Arc::new((spawn(&fixture), fixture));
    for _ in 0..2 {
        scenario.thread(&shared, |(thread, fixture)| {
            assert_eq!(plain(thread), Done);
            enumerate(&fixture.registry, thread)
        });
    }
    scenario.finish()
}

/// One thread enumerates while another joins: a thread joined before the enumeration is not in it.
fn enumerated_during_join(scenario: &Scenario) -> Vec<Answer> {
    let fixture = fixture();
    let shared = Arc::new((spawn(&fixture), fixture, Event::new()));
    scenario.thread(&shared, |(thread, fixture, joined)| {
        let was_joined = joined.is_set();
        let listed = fixture.registry.enumerate().contains(thread);
        Is(!(was_joined && listed))
    });
    scenario.thread(&shared, |(thread, _, joined)| {
        let answer = plain(thread);
        joined.set();
        answer
    });
    scenario.finish()
}

/// The system rejects a spawn in one thread, while another runs `observer`.
fn failed_spawn(scenario: &Scenario, observer: fn(&Registry) -> Answer) -> Vec<Answer> {
    let registry = Arc::new(Registry::new());
    scenario.thread(&registry, |registry| {
        let spawned = registry.builder().stack_size(1 << 60).spawn(|| ());
        assert!(spawned.is_err());
        Count(u32::try_from(registry.active_count()).expect("a few"))
    });
    scenario.thread(&registry, observer);
    scenario.finish()
}

fn join_all(registry: &Registry) -> Answer {
    registry.join_all();
    Done
}

fn join_all_timeout(registry: &Registry) -> Answer {
    registry.join_all_timeout(TIMEOUT).map_or(TimedOut, |()| Done)
}

fn join_enumerated(registry: &Registry) -> Answer {
    let first = registry.main_thread();
    registry
        .enumerate()
        .iter()
        .filter(|thread| **thread != first)
        .map(plain)
        .all(|answer| answer == Done);
    Done
}

fn panicked(fixture: &Arc<Fixture>, report: Report) {
    let captured = Arc::clone(fixture);
    fixture.registry.set_panic_hook(move |thread, _: &(dyn Any + Send)| {
        assert!(thread.is_alive(), "a join returned before the panic hook");
        captured.data.add();
    });
    let thread = spawn_panicking(fixture);
    report(plain(&thread));
    fixture.data.add();
    report(fixture.data.read());
    assert!(thread.take_panic().is_some());
}

fn hook_panics(fixture: &Arc<Fixture>, report: Report) {
    fixture
        .registry
        .set_panic_hook(|_, _: &(dyn Any + Send)| resume_unwind(Box::new("the hook")));
    let thread = spawn_panicking(fixture);
    report(plain(&thread));
    report(enumerate(&fixture.registry, &thread));
}

fn panicked_with_timeout(fixture: &Arc<Fixture>, report: Report) {
    let thread = spawn_panicking(fixture);
    report(with_timeout(&thread));
    assert_eq!(plain(&thread), Answer::Panicked);
}

fn panicked_for_two(scenario: &Scenario) -> Vec<Answer> {
    let thread = Arc::new(spawn_panicking(&fixture()));
    for _ in 0..2 {
        scenario.thread(&thread, |thread| plain(thread));
    }
    scenario.finish()
}

/// An exit, and what it makes visible. `threads` spawns threads and returns the first.
fn exit(scenario: &Scenario, threads: fn(&Arc<Fixture>) -> Thread) -> Vec<Answer> {
    let fixture = fixture();
    let first = threads(&fixture);
    scenario.program(&Arc::new((fixture, first)), |(fixture, first), report| {
        drop(fixture.registry.exit_guard());
        assert!(!first.is_alive(), "the thread has not ended");
        report(Done);
        report(fixture.data.read());
    });
    scenario.finish()
}

fn one_thread(fixture: &Arc<Fixture>) -> Thread {
    spawn(fixture).thread().clone()
}

fn nested_spawn(fixture: &Arc<Fixture>) -> Thread {
    let captured = Arc::clone(fixture);
    let first = fixture.builder().spawn(move || drop(spawn(&captured)));
    first.expect("loom allows this many threads").thread().clone()
}

fn exit_with_timeout(scenario: &Scenario) -> Vec<Answer> {
    let fixture = fixture();
    let thread = spawn(&fixture);
    scenario.program(&Arc::new((fixture, thread)), |(fixture, thread), report| {
        let answer = join_all_timeout(&fixture.registry);
        assert!(answer == TimedOut || !thread.is_alive(), "the thread has not ended");
        report(answer);
        report(if answer == Done { fixture.data.read() } else { Busy });
        join_all(&fixture.registry);
    });
    scenario.finish()
}

/// The daemon blocks indefinitely, so a thread that joins it stays `Blocked`.
fn daemon_ignored(scenario: &Scenario) -> Vec<Answer> {
    let registry = Arc::new(Registry::new());
    let daemon = registry
        .builder()
        .daemon(true)
        .spawn(|| Event::new().wait())
        .expect("loom allows this many threads");
    let shared = Arc::new((registry, daemon));
    scenario.thread(&shared, |(registry, _)| join_all(registry));
    scenario.thread(&shared, |(_, daemon)| plain(daemon));
    scenario.finish()
}

fn two_exits(scenario: &Scenario) -> Vec<Answer> {
    let fixture = fixture();
    one_thread(&fixture);
    for _ in 0..2 {
        scenario.thread(&fixture, |fixture| join_all(&fixture.registry));
    }
    scenario.finish()
}
