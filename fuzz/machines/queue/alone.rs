//! Long sequences of calls by one thread: every form of every call, each answer compared, and all that can be seen after
//! each. A failure is told as a piece of Rust.

use super::forms::{Do, Fate, Form, Got, Subject};
use super::wares::{Ledger, Ware, light_fuse};
use crate::actors::{NAME, panic_text, silence_actors};
use crate::primitive::Patience;
use crate::shorten::{LONGEST, shorten};
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use selvedge::{LifoQueue, PriorityQueue, Queue, SimpleQueue};
use spec::queue::{self, Call, Item, Order};
use spec::{Answer, Spec, Step};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How many calls a sequence has.
const LENGTH: usize = 100;

/// How long a sequence may take: a machine under load gets there, a call that does not return does not.
const PATIENCE: Duration = Duration::from_secs(20);
/// The same once a failure is established.
const PATIENCE_WHILE_SHORTENING: Duration = Duration::from_millis(500);

/// What is said of a call that should have returned.
const STUCK: &str = "the last call does not return";
/// After so many, a failure is not shortened any more.
const MOST_STUCK: usize = 8;

/// The most that a queue of a bound holds.
const LARGEST: usize = 8;

/// A call, and how many comparisons it may make before one panics, if any does.
type Made = (Do, Option<u32>);

/// What is made, and what it is held to.
struct Kind<S> {
    order: Order,
    bounds: BoxedStrategy<Option<usize>>,
    name: &'static str,
    make: fn(Option<usize>) -> S,
}

/// Held to an order, queues of any capacity.
fn kind<O: selvedge::queue::Order<Ware>>(order: Order, name: &'static str) -> Kind<selvedge::queue::AnyQueue<Ware, O>> {
    let bounds = prop_oneof![4 => (1..=LARGEST).prop_map(Some), 1 => Just(None)].boxed();
    let make = |capacity: Option<usize>| match capacity {
        Some(capacity) => selvedge::queue::AnyQueue::bounded(capacity),
        None => selvedge::queue::AnyQueue::unbounded_from(1),
    };
    Kind {
        order,
        bounds,
        name,
        make,
    }
}

#[test]
fn a_queue_alone_answers_as_specified() {
    let kind: Kind<Queue<Ware>> = kind(Order::Fifo, "Queue");
    passes(&kind);
}

#[test]
fn a_lifo_queue_alone_answers_as_specified() {
    let kind: Kind<LifoQueue<Ware>> = kind(Order::Lifo, "LifoQueue");
    passes(&kind);
}

#[test]
fn a_priority_queue_alone_answers_as_specified() {
    let kind: Kind<PriorityQueue<Ware>> = kind(Order::Priority, "PriorityQueue");
    passes(&kind);
}

#[test]
fn a_simple_queue_alone_answers_as_specified() {
    let make = |_| SimpleQueue::new();
    let kind = Kind {
        order: Order::Fifo,
        bounds: Just(None).boxed(),
        name: "SimpleQueue",
        make,
    };
    passes(&kind);
}

#[test]
fn a_failure_is_told_as_a_short_piece_of_rust() {
    // Held to the wrong order.
    let kind: Kind<Queue<Ware>> = kind(Order::Lifo, "Queue");
    let config = ProptestConfig {
        failure_persistence: None,
        ..config()
    };
    let story = fuzz(&kind, TestRunner::new(config)).expect_err("it is no stack");
    let lines: Vec<&str> = story
        .lines()
        .skip_while(|line| !line.contains("let mut queue"))
        .collect();
    assert!(lines.len() <= 7, "{story}");
    assert!(lines[1].contains("put") || lines[1].contains("extend"), "{story}");
    // A call whose comparisons may panic has two specified results.
    let says_what_is_right =
        |line: &&str| line.contains("assert_eq!(") && line.ends_with(");") || line.contains(", or a panic");
    assert!(lines.iter().any(says_what_is_right), "{story}");
    assert!(lines[lines.len() - 1].starts_with("it is "), "{story}");
}

fn passes<S: Subject>(kind: &Kind<S>) {
    if let Err(story) = fuzz(kind, TestRunner::new(config())) {
        panic!("{story}");
    }
}

fn config() -> ProptestConfig {
    let mut config = ProptestConfig {
        source_file: Some(file!()),
        ..ProptestConfig::default()
    };
    if config.max_shrink_time == 0 {
        config.max_shrink_time = LONGEST.as_millis() as u32;
    }
    config
}

/// The story of the shortest sequence that it finds in which the queue differs from its specification, if there is one.
fn fuzz<S: Subject>(kind: &Kind<S>, mut runner: TestRunner) -> Result<(), String> {
    let (patience, stuck) = (Cell::new(PATIENCE), Cell::new(0));
    let run = |capacity, calls: &[Made]| {
        if stuck.get() == MOST_STUCK {
            return Ok(()); // those that are stuck may use up the processor, and then all seem to be
        }
        let result = run(kind, capacity, calls, patience.get());
        stuck.set(stuck.get() + usize::from(result.as_ref().is_err_and(|story| story.ends_with(STUCK))));
        result
    };
    let result = runner.run(
        &(kind.bounds.clone(), prop::collection::vec(made(), LENGTH)),
        |(capacity, calls)| {
            run(capacity, &calls).map_err(|story| {
                patience.set(PATIENCE_WHILE_SHORTENING);
                TestCaseError::fail(story)
            })
        },
    );
    Err(match result {
        Ok(()) => return Ok(()),
        Err(TestError::Fail(story, (capacity, calls))) => {
            stuck.set(0);
            let fails = |shorter: &[Made]| run(capacity, shorter).err();
            shorten(calls, story.to_string(), fails)
        }
        Err(TestError::Abort(reason)) => format!("no sequence could be made: {reason}"),
    })
}

fn made() -> impl Strategy<Value = Made> {
    let patience = || prop_oneof![30 => Just(Patience::Zero), 1 => Just(Patience::Brief)];
    let form = move || {
        prop_oneof![
            Just(Form::Try),
            Just(Form::Plain),
            patience().prop_map(Form::Timeout),
            patience().prop_map(Form::Deadline)
        ]
    };
    let fate = prop_oneof![
        Just(Fate::Plain),
        Just(Fate::Drop),
        Just(Fate::IntoInner),
        Just(Fate::Forget)
    ];
    // Few priorities, so that many are equal.
    let item = || (1..=4_u32, 0..10_u32).prop_map(|(tens, ones)| 10 * tens + ones);
    let items = move || prop::collection::vec(item(), 0..=4);
    let call = prop_oneof![
        90 => (form(), item()).prop_map(|(form, item)| Do::Put(form, item)),
        30 => (form(), items()).prop_map(|(form, items)| Do::PutMany(form, items)),
        10 => (any::<bool>(), items()).prop_map(|(shared, items)| Do::Extend { shared, items }),
        90 => (form(), fate).prop_map(|(form, fate)| Do::Get(form, fate)),
        4 => Just(Do::Drain),
        8 => (0..4_usize).prop_map(Do::Iter),
        8 => (0..4_usize).prop_map(Do::TryIter),
        60 => Just(Do::TaskDone),
        20 => form().prop_map(Do::Join),
        1 => Just(Do::Shutdown),
        1 => Just(Do::ShutdownNow),
    ];
    (call, prop_oneof![15 => Just(None), 1 => (0..4_u32).prop_map(Some)])
}

/// Makes the calls; if something differs, the story of it. On a thread of its own, which is left behind if it does not
/// return.
fn run<S: Subject>(kind: &Kind<S>, capacity: Option<usize>, calls: &[Made], patience: Duration) -> Result<(), String> {
    silence_actors();
    let making = match capacity {
        _ if kind.name == "SimpleQueue" => "new()".into(),
        Some(capacity) => format!("bounded({capacity})"),
        None => "unbounded()".into(),
    };
    let lines = Arc::new(Mutex::new(vec![format!("let mut queue = {}::{making};", kind.name)]));
    let mut alone = Alone {
        queue: (kind.make)(capacity),
        spec: queue::Queue::new(kind.order, capacity),
        capacity,
        ledger: Ledger::default(),
        lines: lines.clone(),
    };
    let calls = calls.to_vec();
    let (sender, receiver) = channel();
    let body = move || {
        let result = catch_unwind(AssertUnwindSafe(|| calls.iter().try_for_each(|made| alone.make(made))));
        let result = result.unwrap_or_else(|panic| Err(format!("the fuzzer panicked: {}", panic_text(&*panic))));
        let _ = sender.send(result.and_then(|()| alone.end()));
    };
    thread::Builder::new()
        .name(NAME.into())
        .spawn(body)
        .expect("a thread can be started");
    let result = receiver.recv_timeout(patience).unwrap_or_else(|_| Err(STUCK.into()));
    result.map_err(|what| {
        let lines = lines.lock().expect("nobody panics with it").join("\n    ");
        format!("it differs from its specification:\n\n{HELPERS}    {lines}\n\n{what}")
    })
}

/// What the lines of a failure refer to.
const HELPERS: &str = "    let at = |item: u32| Prioritized { priority: item / 10, item };
    let numbers = |items: Vec<Prioritized<u32, u32>>| items.iter().map(|it| it.item).collect::<Vec<_>>();
";

struct Alone<S> {
    queue: S,
    spec: queue::Queue,
    capacity: Option<usize>,
    ledger: Ledger,
    /// What has happened, in Rust.
    lines: Arc<Mutex<Vec<String>>>,
}

impl<S: Subject> Alone<S> {
    fn make(&mut self, (call, fuse): &Made) -> Result<(), String> {
        let Some(call) = S::offered(call.clone()).map(|call| self.fitted(call)) else {
            return Ok(());
        };
        let before = self.spec.clone();
        let expected = self.expected(&call);
        let (code, answer) = S::code(&call, &expected);
        self.say(match fuse {
            None if answer == "()" => format!("{code};"),
            None => format!("assert_eq!({code}, {answer});"),
            Some(comparisons) => format!("{code}; // {answer}, or a panic: so many comparisons succeed: {comparisons}"),
        });
        light_fuse(*fuse);
        let got = catch_unwind(AssertUnwindSafe(|| self.queue.perform(&call, &self.ledger)));
        light_fuse(None);
        match got {
            Ok(got) if got == expected => {}
            Err(_) if fuse.is_some() => {
                self.spec = before;
                self.broken_off(&call)?;
            }
            Ok(got) => return Err(format!("it is {}", S::code(&call, &got).1)),
            Err(panic) => return Err(format!("it panics: {}", panic_text(&*panic))),
        }
        self.look()
    }

    /// The call, or one that does not wait if this would wait for ever or panic.
    fn fitted(&self, call: Do) -> Do {
        let room = self.capacity.map_or(usize::MAX, |capacity| capacity - self.spec.len());
        let is_shutdown = self.spec.clone().step(0, Call::IsShutdown) == Step::Done(Answer::Is(true));
        let blocks = |call| self.spec.clone().step(0, call) == Step::WouldBlock;
        match call {
            Do::Put(Form::Plain, item) if blocks(Call::Put(item)) => Do::Put(Form::Try, item),
            Do::PutMany(Form::Plain, items) if items.len() > room && !is_shutdown => Do::PutMany(Form::Try, items),
            Do::Extend { items, .. } if !items.is_empty() && (is_shutdown || items.len() > room) => {
                Do::PutMany(Form::Try, items)
            }
            Do::Get(Form::Plain, fate) if blocks(Call::Get) => Do::Get(Form::Try, fate),
            Do::Join(Form::Plain) if blocks(Call::Join) => Do::Join(Form::Try),
            Do::Iter(steps) if !is_shutdown => Do::Iter(steps.min(self.spec.len())),
            call => call,
        }
    }

    /// What the specification says that it gives.
    fn expected(&mut self, call: &Do) -> Got {
        match call {
            &Do::Put(_, item) => self.put_all(&[item]),
            Do::PutMany(_, items) | Do::Extend { items, .. } => self.put_all(items),
            &Do::Get(_, fate) => {
                let got = self.step(Call::TryGet);
                if matches!((got, fate), (Answer::Count(_), Fate::Drop | Fate::IntoInner)) {
                    self.step(Call::TaskDone);
                }
                match got {
                    Answer::Count(item) => Got::Items(vec![item]),
                    Answer::Busy => Got::Empty,
                    _ => Got::ShutDown(Vec::new()),
                }
            }
            Do::Drain => Got::Items(self.take(usize::MAX)),
            &Do::Iter(steps) | &Do::TryIter(steps) => Got::Items(self.take(steps)),
            Do::TaskDone => match self.step(Call::TaskDone) {
                Answer::Done => Got::Done,
                _ => Got::TooManyDone,
            },
            Do::Join(Form::Try) => Got::Is(self.step(Call::TryJoin) == Answer::Is(true)),
            Do::Join(_) => match self.spec.step(0, Call::Join) {
                Step::Done(_) => Got::Done,
                Step::WouldBlock => Got::TimedOut,
            },
            Do::Shutdown => {
                self.step(Call::Shutdown);
                Got::Done
            }
            Do::ShutdownNow => {
                let mut drained = self.spec.clone();
                self.step(Call::ShutdownNow);
                let items = std::iter::from_fn(|| match drained.step(0, Call::TryGet) {
                    Step::Done(Answer::Count(item)) => Some(item),
                    _ => None,
                });
                Got::Items(items.collect())
            }
        }
    }

    /// What is left of a call whose comparisons panicked: the items before that one are put, or got and lost.
    fn broken_off(&mut self, call: &Do) -> Result<(), String> {
        let looks = self.queue.looks();
        let len: usize = looks[0].1.parse().expect("the first look is at the length");
        let (more, fewer) = (len.saturating_sub(self.spec.len()), self.spec.len().saturating_sub(len));
        let possible = match call {
            Do::Put(..) | Do::Get(..) => more + fewer == 0,
            Do::PutMany(_, items) | Do::Extend { items, .. } => {
                self.put_all(&items[..more.min(items.len())]);
                fewer == 0 && more < items.len()
            }
            &Do::Iter(steps) | &Do::TryIter(steps) => {
                self.take(fewer);
                more == 0 && fewer < steps
            }
            Do::Drain => {
                self.take(usize::MAX);
                true
            }
            Do::ShutdownNow => {
                self.step(Call::ShutdownNow);
                true
            }
            Do::TaskDone | Do::Join(_) | Do::Shutdown => false,
        };
        possible
            .then_some(())
            .ok_or_else(|| format!("a comparison panicked, and there are {len} items"))
    }

    fn step(&mut self, call: Call) -> Answer {
        match self.spec.step(0, call) {
            Step::Done(answer) => answer,
            Step::WouldBlock => unreachable!("a call that does not wait"),
        }
    }

    fn put_all(&mut self, items: &[Item]) -> Got {
        for (index, &item) in items.iter().enumerate() {
            match self.step(Call::TryPut(item)) {
                Answer::Done => {}
                Answer::Busy => return Got::Full(items[index..].to_vec()),
                _ => return Got::ShutDown(items[index..].to_vec()),
            }
        }
        Got::Done
    }

    fn take(&mut self, most: usize) -> Vec<Item> {
        let next = || match self.step(Call::TryGet) {
            Answer::Count(item) => Some(item),
            _ => None,
        };
        std::iter::from_fn(next).take(most).collect()
    }

    /// Compares all that can be seen, and the number of items that are alive.
    fn look(&mut self) -> Result<(), String> {
        let len = self.spec.len();
        let unfinished = match self.step(Call::Unfinished) {
            Answer::Count(count) => count,
            other => unreachable!("{other:?} is no count"),
        };
        let is_shutdown = self.step(Call::IsShutdown) == Answer::Is(true);
        let capacity = self.capacity;
        for (code, seen) in self.queue.looks() {
            let expected = match code {
                "queue.len()" => len.to_string(),
                "queue.is_empty()" => (len == 0).to_string(),
                "queue.is_full()" => (Some(len) == capacity).to_string(),
                "queue.capacity()" => format!("{capacity:?}"),
                "queue.unfinished()" => unfinished.to_string(),
                "queue.try_join()" => (unfinished == 0).to_string(),
                "queue.is_shutdown()" => is_shutdown.to_string(),
                _ => format!(
                    "Queue {{ len: {len}, capacity: {capacity:?}, unfinished: {unfinished}, is_shutdown: {is_shutdown} }}"
                ),
            };
            if seen != expected {
                self.say(match code.starts_with("format!") {
                    true => format!("assert_eq!({code}, {expected:?});"),
                    false => format!("assert_eq!({code}, {expected});"),
                });
                return Err(format!("it is {seen}"));
            }
        }
        match self.ledger.alive() {
            alive if alive == len => Ok(()),
            alive => Err(format!("{alive} items are alive, and {len} should be in the queue")),
        }
    }

    /// Drops the queue, and with it what it holds.
    fn end(self) -> Result<(), String> {
        drop(self.queue);
        match self.ledger.alive() {
            0 => Ok(()),
            alive => Err(format!("the queue is dropped, and {} items are alive", alive as isize)),
        }
    }

    fn say(&self, line: String) {
        self.lines.lock().expect("nobody panics with it").push(line);
    }
}
