//! Threads that race: random programs for two to four threads, each run several times. Each history
//! must be linearizable, and a call that does not return must be blocked in the specification.
//!
//! Blocked threads are unblocked by `shutdown_now` and `task_done`, which are calls of the
//! history like others. `len` and `is_shutdown` are not promised to agree with `unfinished`
//! and `join` while a put is in progress: a program contains calls of one kind only.

use super::{BLOCKING, Subject};
use crate::linear::{Event, History, NEVER, columns, is_legal, is_race, overlap};
use crate::primitive::{Context, Options, Primitive};
use crate::run::{LIMIT, LIMIT_WHILE_SHORTENING, config};
use crate::threads::{catch, spawn};
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use spec::queue::Call::{self, *};
use spec::queue::{Order, Queue};
use spec::{Answer, Spec};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How often each program runs, and how often while a failing one is shortened.
const REPEATS: usize = 8;
const REPEATS_WHILE_SHORTENING: usize = 50;

#[test]
fn histories_of_racing_threads_are_linearizable() {
    let totals = Cell::new(Totals::default());
    let is_shortening = Cell::new(false);
    let result = TestRunner::new(config(file!())).run(&programs(), |program| {
        let (repeats, limit) = match is_shortening.get() {
            true => (REPEATS_WHILE_SHORTENING, LIMIT_WHILE_SHORTENING),
            false => (REPEATS, LIMIT),
        };
        for _ in 0..repeats {
            let mut sum = totals.get();
            race(&program, limit, &mut sum).map_err(|story| {
                is_shortening.set(true);
                TestCaseError::fail(story)
            })?;
            totals.set(sum);
        }
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(story, program)) => panic!("{story}\nof {program:?}"),
        Err(TestError::Abort(reason)) => panic!("no program could be generated: {reason}"),
    }
    let totals = totals.get();
    let Totals {
        runs,
        races,
        blocked,
        timed_out,
        ..
    } = totals;
    let percent = 100 * totals.overlapping / totals.calls.max(1);
    println!("{runs} histories, {races} races, {percent} % of calls overlap; {blocked} blocked, {timed_out} timed out");
    // On a busy machine, a thread often runs its whole program alone. Such a run is no race.
    assert!(races >= runs / 20, "only {races} of {runs} runs were races");
    assert!(percent >= 50, "only {percent} % of the calls in races overlap");
    assert!(blocked > 0 && timed_out > 0, "{blocked} blocked, {timed_out} timed out");
}

/// What happened in all runs.
#[derive(Clone, Copy, Default)]
struct Totals {
    runs: usize,
    /// Runs in which each thread began before any thread ended.
    races: usize,
    /// The calls in races, and how many of them overlap.
    calls: usize,
    overlapping: usize,
    blocked: usize,
    timed_out: usize,
}

#[derive(Clone, Debug)]
struct Program {
    order: Order,
    capacity: Option<usize>,
    threads: Vec<Vec<Planned>>,
}

/// A call, after `pause` iterations of a loop. A timed one has a timeout of `micros` microseconds.
#[derive(Clone, Copy, Debug)]
struct Planned {
    call: Call,
    pause: u32,
    micros: u64,
}

/// The calls with their weights. 0 stands for an item.
#[rustfmt::skip]
const CALLS: &[(usize, Call)] = &[
    (12, Put(0)), (4, TryPut(0)), (4, PutTimeout(0)), (3, TryPutTwo(0, 0)), (12, Get), (4, TryGet), (4, GetTimeout),
    (2, Drain), (5, TaskDone), (2, Join), (1, TryJoin), (2, JoinTimeout), (1, Shutdown), (1, ShutdownNow), (1, Len),
    (1, Unfinished), (1, IsShutdown),
];

fn programs() -> impl Strategy<Value = Program> {
    let calls: Vec<Call> = CALLS.iter().flat_map(|&(weight, call)| vec![call; weight]).collect();
    let timeouts = prop::sample::select(vec![0, 20, 200]);
    let planned = (prop::sample::select(calls), 0..10_u32, timeouts);
    let planned = planned.prop_map(|(call, pause, micros)| Planned { call, pause, micros });
    let threads = |count, most| prop::collection::vec(prop::collection::vec(planned.clone(), 3..=most), count);
    let threads = prop_oneof![1 => threads(2, 8), 2 => threads(3, 6), 2 => threads(4, 5)];
    let order = prop::sample::select(vec![Order::Fifo, Order::Lifo, Order::Priority]);
    let capacity = prop::sample::select(vec![Some(1), Some(1), Some(2), Some(3), None]);
    (order, capacity, threads, any::<bool>()).prop_map(|(order, capacity, mut threads, counts)| {
        // Each item occurs once, and successive items differ in priority.
        let mut items = (0..).map(|n| 10 * (n % 4 + 1) + n / 4);
        let mut item = || items.next().expect("the range has no end");
        for planned in threads.iter_mut().flatten() {
            planned.call = match planned.call {
                Put(_) => Put(item()),
                TryPut(_) => TryPut(item()),
                PutTimeout(_) => PutTimeout(item()),
                TryPutTwo(..) => TryPutTwo(item(), item()),
                Len | IsShutdown if counts => Unfinished,
                Unfinished | TryJoin if !counts => Len,
                Join if !counts => Get,
                JoinTimeout if !counts => GetTimeout,
                TaskDone if !counts => TryGet,
                call => call,
            };
        }
        Program {
            order,
            capacity,
            threads,
        }
    })
}

/// The calls of the history: a batch is put one item after another, so `TryPutTwo` becomes two calls.
fn steps(call: Call, answer: Option<Answer>) -> Vec<(Call, Option<Answer>)> {
    let TryPutTwo(first, second) = call else {
        return vec![(call, answer)];
    };
    let (first, second) = (TryPut(first), TryPut(second));
    let then = |answer| vec![(first, Some(Answer::Done)), (second, Some(answer))];
    match answer {
        Some(Answer::Done) => then(Answer::Done),
        Some(Answer::Items(rest)) if rest < 100 => then(Answer::Busy), // one item is left
        Some(Answer::Count(1)) => then(Answer::ShutDown),
        Some(Answer::Items(_)) => vec![(first, Some(Answer::Busy))],
        answer => vec![(first, answer)],
    }
}

const NOT_POISONED: &str = "no thread panics while it holds the lock";

/// One run of a program.
struct Run {
    queue: Subject<BLOCKING>,
    program: Program,
    /// How many threads have arrived at the start.
    arrived: AtomicUsize,
    clock: AtomicU64,
    /// The calls of each thread so far; the last list has those of the harness.
    history: Vec<Mutex<Vec<Event<Call>>>>,
}

impl Run {
    fn new(program: &Program) -> Run {
        Run {
            queue: Subject::create(&(Some(program.order), program.capacity)).0,
            program: program.clone(),
            arrived: AtomicUsize::new(0),
            clock: AtomicU64::new(0),
            history: (0..=program.threads.len()).map(|_| Mutex::default()).collect(),
        }
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, SeqCst) + 1
    }

    /// Makes the call, and records it.
    fn perform(&self, thread: usize, call: Call, micros: u64) {
        let options = Options {
            timeout: Duration::from_micros(micros),
            variant: true,
            ..Options::PLAIN
        };
        let event = |begun, (call, answer), ended| Event {
            call,
            answer,
            begun,
            ended,
        };
        let locked = || self.history[thread].lock().expect(NOT_POISONED);
        let begun = self.now();
        locked().push(event(begun, steps(call, None)[0], NEVER));
        let guards = &mut Vec::new();
        let context = Context { guards, options };
        let answer = self.queue.perform(super::Call::Basic(call), context);
        let ended = self.now();
        let steps = steps(call, Some(answer)).into_iter();
        let mut events = locked();
        events.pop();
        events.extend(steps.map(|step| event(begun, step, ended)));
    }

    fn run_thread(&self, thread: usize) {
        // A thread that blocked until the start would wake too late to race.
        self.arrived.fetch_add(1, SeqCst);
        for spins in 1_u32.. {
            if self.arrived.load(SeqCst) == self.program.threads.len() {
                break;
            }
            if spins % 64 == 0 {
                thread::yield_now()
            } else {
                std::hint::spin_loop()
            }
        }
        for &Planned { call, pause, micros } in &self.program.threads[thread] {
            (0..pause).for_each(|_| std::hint::spin_loop());
            self.perform(thread, call, micros);
        }
    }

    fn history(&self) -> History<Call> {
        let events = |events: &Mutex<Vec<_>>| events.lock().expect(NOT_POISONED).clone();
        self.history.iter().map(events).collect()
    }

    /// The report of a failure. The last column contains the calls of the harness.
    fn report(&self, what: &str) -> String {
        let Program { order, capacity, .. } = self.program;
        let history = columns(&self.history());
        format!("{what}\n\n{order:?}, capacity {capacity:?}:\n{history}")
    }
}

/// Runs the program once. The error contains the history.
fn race(program: &Program, limit: Duration, totals: &mut Totals) -> Result<(), String> {
    let run = Arc::new(Run::new(program));
    let (sender, ends) = channel();
    let mut running = program.threads.len();
    for thread in 0..running {
        let (run, sender) = (run.clone(), sender.clone());
        spawn(move || {
            let end = catch(|| run.run_thread(thread));
            drop(run);
            let _ = sender.send(end.map_err(|message| format!("thread {thread} panicked: {message}")));
        });
    }
    let start = Queue::new(program.order, program.capacity);
    let harness = program.threads.len();
    let shortest = Duration::from_micros(50);
    let mut checked = 0; // the number of invocations and returns in the last history that was checked
    let (mut since, mut pause) = (Instant::now(), shortest);
    while running > 0 {
        match ends.recv_timeout(pause) {
            Ok(Ok(())) => {
                running -= 1;
                continue;
            }
            Ok(Err(panic)) => return Err(run.report(&panic)),
            Err(_) => pause = Duration::from_millis(5).min(2 * pause),
        }
        let history = run.history();
        let events = history.iter().flatten();
        let size = events
            .clone()
            .map(|event| 1 + usize::from(event.answer.is_some()))
            .sum();
        // If not, a thread is between two calls or in a call that will time out.
        let may_block = |event: &&Event<Call>| event.answer.is_none() && !Queue::is_timed(event.call);
        let is_quiet = events.filter(may_block).count() == running;
        if is_quiet && size != checked {
            checked = size;
            if is_legal(&start, &history) {
                totals.blocked += running;
                let is_first = history[harness].is_empty();
                run.perform(harness, if is_first { ShutdownNow } else { TaskDone }, 0);
                checked = 0;
                (since, pause) = (Instant::now(), shortest);
            }
        }
        if since.elapsed() > limit {
            return Err(run.report("a call does not return that should"));
        }
    }
    let racing = &run.history()[..harness];
    totals.runs += 1;
    if is_race(racing) {
        let (calls, overlapping) = overlap(racing);
        totals.races += 1;
        totals.calls += calls;
        totals.overlapping += overlapping;
    }
    let timed_out = |event: &&Event<Call>| event.answer == Some(Answer::TimedOut);
    totals.timed_out += racing.iter().flatten().filter(timed_out).count();
    for call in [Unfinished, Len, Drain] {
        run.perform(harness, call, 0);
    }
    match run.queue.counter.live() {
        _ if !is_legal(&start, &run.history()) => Err(run.report("no order of these calls explains their results")),
        0 => Ok(()),
        live => Err(run.report(&format!("all items were removed, and {live} are live"))),
    }
}
