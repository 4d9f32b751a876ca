//! Threads that race: random programs for 2 to 4 of them, each program several times. What they did must be
//! linearizable, and who does not return must be blocked by the specification too.
//!
//! Threads that wait for nothing are let go by a shutdown and by `task_done`, which are calls of the history like others.
//! `len` and `is_shutdown` show what was true when the mutex was last held, `unfinished` and `join` count on their own: a
//! program has either, for the two kinds are not promised to agree while a put is under way.

use super::wares::{Ledger, Ware};
use crate::actors::{NAME, panic_text, silence_actors};
use crate::linear::{Event, History, NEVER, columns, is_legal, is_race, overlap};
use crate::shorten::LONGEST;
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use selvedge::queue::{AnyQueue, Fifo, GetError, Lifo, Priority, PutError};
use spec::queue::{self, Call, Order, digits};
use spec::{Answer, Spec};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// How often each program is run, and how often while a failure is made shorter.
const REPEATS: usize = 8;
const REPEATS_WHILE_SHORTENING: usize = 50;

/// How long a call may take that need not wait.
const PATIENCE: Duration = Duration::from_secs(20);
/// The same once a failure is established.
const PATIENCE_WHILE_SHORTENING: Duration = Duration::from_millis(500);

#[test]
fn histories_of_racing_threads_are_linearizable() {
    silence_actors();
    let mut config = ProptestConfig {
        source_file: Some(file!()),
        ..ProptestConfig::default()
    };
    if config.max_shrink_time == 0 {
        config.max_shrink_time = LONGEST.as_millis() as u32;
    }
    let tally = Cell::new(Totals::default());
    let shortening = Cell::new(false);
    let result = TestRunner::new(config).run(&programs(), |program| {
        let (repeats, patience) = match shortening.get() {
            true => (REPEATS_WHILE_SHORTENING, PATIENCE_WHILE_SHORTENING),
            false => (REPEATS, PATIENCE),
        };
        let threads = Threads::spawn(program.threads.len());
        for _ in 0..repeats {
            let mut totals = tally.get();
            threads.run(&program, patience, &mut totals).map_err(|story| {
                shortening.set(true);
                TestCaseError::fail(story)
            })?;
            tally.set(totals);
        }
        Ok(())
    });
    if let Err(error) = result {
        match error {
            TestError::Fail(story, program) => panic!("{story}\nof {program:?}"),
            TestError::Abort(reason) => panic!("no program could be made: {reason}"),
        }
    }
    let Totals {
        runs,
        races,
        calls,
        overlapping,
        blocked,
        timed_out,
    } = tally.get();
    let percent = 100 * overlapping / calls.max(1);
    println!(
        "{runs} histories, of them {races} races of {calls} calls, {percent} % overlapping; \
         {blocked} blocked for good, {timed_out} timed out"
    );
    // Beside busy processes a thread often runs its whole program alone. That round is no race, and says nothing here.
    assert!(races >= runs / 20, "only {races} of {runs} rounds were races");
    assert!(
        percent >= 50,
        "only {percent} % of the calls of races overlap with another thread's"
    );
    assert!(
        blocked > 0 && timed_out > 0,
        "{blocked} calls blocked, and {timed_out} timed out"
    );
}

/// What the runs were like.
#[derive(Clone, Copy, Default)]
struct Totals {
    runs: usize,
    /// Rounds in which each thread began before another had ended, with their calls.
    races: usize,
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

/// A call, after so many turns of a loop; a timed one for so many microseconds.
#[derive(Clone, Copy, Debug)]
struct Planned {
    call: Call,
    pause: u32,
    micros: u64,
}

/// As often as they are to be made; 0 stands for an item.
const CALLS: &[(usize, Call)] = &[
    (12, Call::Put(0)),
    (4, Call::TryPut(0)),
    (4, Call::PutTimeout(0)),
    (3, Call::TryPutTwo(0, 0)),
    (12, Call::Get),
    (4, Call::TryGet),
    (4, Call::GetTimeout),
    (2, Call::Drain),
    (5, Call::TaskDone),
    (2, Call::Join),
    (1, Call::TryJoin),
    (2, Call::JoinTimeout),
    (1, Call::Shutdown),
    (1, Call::ShutdownNow),
    (1, Call::Len),
    (1, Call::Unfinished),
    (1, Call::IsShutdown),
];

fn programs() -> impl Strategy<Value = Program> {
    let calls: Vec<Call> = CALLS.iter().flat_map(|&(weight, call)| vec![call; weight]).collect();
    let planned = (
        prop::sample::select(calls),
        0..10_u32,
        prop::sample::select(vec![0, 20, 200]),
    );
    let planned = planned.prop_map(|(call, pause, micros)| Planned { call, pause, micros });
    let threads = prop_oneof![
        1 => prop::collection::vec(prop::collection::vec(planned.clone(), 3..=8), 2),
        2 => prop::collection::vec(prop::collection::vec(planned.clone(), 3..=6), 3),
        2 => prop::collection::vec(prop::collection::vec(planned, 3..=5), 4),
    ];
    let order = prop::sample::select(vec![Order::Fifo, Order::Lifo, Order::Priority]);
    let capacity = prop::sample::select(vec![Some(1), Some(1), Some(2), Some(3), None]);
    (order, capacity, threads, any::<bool>()).prop_map(|(order, capacity, mut threads, counts)| {
        // Each item once, and those that come after each other of different priority.
        let mut items = (0..).map(|n| 10 * (n % 4 + 1) + n / 4);
        let mut item = || items.next().expect("there are numbers enough");
        for planned in threads.iter_mut().flatten() {
            planned.call = match planned.call {
                Call::Put(_) => Call::Put(item()),
                Call::TryPut(_) => Call::TryPut(item()),
                Call::PutTimeout(_) => Call::PutTimeout(item()),
                Call::TryPutTwo(..) => Call::TryPutTwo(item(), item()),
                Call::Len | Call::IsShutdown if counts => Call::Unfinished,
                Call::Unfinished | Call::TryJoin if !counts => Call::Len,
                Call::Join if !counts => Call::Get,
                Call::JoinTimeout if !counts => Call::GetTimeout,
                Call::TaskDone if !counts => Call::TryGet,
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

enum Any {
    Fifo(AnyQueue<Ware, Fifo>),
    Lifo(AnyQueue<Ware, Lifo>),
    Priority(AnyQueue<Ware, Priority>),
}

impl Any {
    fn new(order: Order, capacity: Option<usize>) -> Any {
        fn make<O: selvedge::queue::Order<Ware>>(capacity: Option<usize>) -> AnyQueue<Ware, O> {
            capacity.map_or_else(|| AnyQueue::unbounded_from(1), AnyQueue::bounded)
        }
        match order {
            Order::Fifo => Any::Fifo(make(capacity)),
            Order::Lifo => Any::Lifo(make(capacity)),
            Order::Priority => Any::Priority(make(capacity)),
        }
    }

    fn perform(&self, planned: Planned, ledger: &Ledger) -> Vec<Answer> {
        match self {
            Any::Fifo(queue) => perform(queue, planned, ledger),
            Any::Lifo(queue) => perform(queue, planned, ledger),
            Any::Priority(queue) => perform(queue, planned, ledger),
        }
    }
}

/// The answers: two of a batch of two, unless the first is refused.
fn perform<O: selvedge::queue::Order<Ware>>(
    queue: &AnyQueue<Ware, O>,
    planned: Planned,
    ledger: &Ledger,
) -> Vec<Answer> {
    let Planned { call, micros, .. } = planned;
    let timeout = Duration::from_micros(micros);
    let put = |result: Result<(), PutError<Ware>>, full| match result {
        Ok(()) => Answer::Done,
        Err(PutError::Full(_)) => full,
        Err(PutError::ShutDown(_)) => Answer::ShutDown,
    };
    let got = |result: Result<Ware, GetError>, empty| match result {
        Ok(ware) => Answer::Count(ware.item.number),
        Err(GetError::Empty) => empty,
        Err(GetError::ShutDown) => Answer::ShutDown,
    };
    let done = |()| Answer::Done;
    let items = |wares: Vec<Ware>| Answer::Items(digits(wares.iter().map(|ware| ware.item.number)));
    vec![match call {
        Call::Put(item) => put(queue.put(ledger.ware(item)).map_err(PutError::from), Answer::Busy),
        Call::TryPut(item) => put(queue.try_put(ledger.ware(item)), Answer::Busy),
        Call::PutTimeout(item) => put(queue.put_timeout(ledger.ware(item), timeout), Answer::TimedOut),
        Call::TryPutTwo(first, second) => {
            let (answer, left) = match queue.try_put_many([first, second].map(|item| ledger.ware(item))) {
                Ok(()) => return vec![Answer::Done; 2],
                Err(PutError::Full(left)) => (Answer::Busy, left),
                Err(PutError::ShutDown(left)) => (Answer::ShutDown, left),
            };
            return if left.len() == 2 {
                vec![answer]
            } else {
                vec![Answer::Done, answer]
            };
        }
        Call::Get => got(queue.get().map_err(GetError::from), Answer::Busy),
        Call::TryGet => got(queue.try_get(), Answer::Busy),
        Call::GetTimeout => got(queue.get_timeout(timeout), Answer::TimedOut),
        Call::Drain => items(queue.drain()),
        Call::TaskDone => queue.task_done().map_or(Answer::TooManyDone, done),
        Call::Join => {
            queue.join();
            Answer::Done
        }
        Call::TryJoin => Answer::Is(queue.try_join()),
        Call::JoinTimeout => queue.join_timeout(timeout).map_or(Answer::TimedOut, done),
        Call::Shutdown => {
            queue.shutdown();
            Answer::Done
        }
        Call::ShutdownNow => items(queue.shutdown_now()),
        Call::Len => Answer::Count(queue.len() as u32),
        Call::Unfinished => Answer::Count(queue.unfinished() as u32),
        Call::IsShutdown => Answer::Is(queue.is_shutdown()),
    }]
}

/// What a call consists of: a batch is put one after another.
fn steps(call: Call) -> Vec<Call> {
    match call {
        Call::TryPutTwo(first, second) => vec![Call::TryPut(first), Call::TryPut(second)],
        call => vec![call],
    }
}

/// One run of a program.
struct Run {
    queue: Any,
    ledger: Ledger,
    program: Program,
    /// How many threads have come to the start.
    arrived: AtomicUsize,
    clock: AtomicU64,
    slots: Vec<Vec<Slot>>,
}

/// What is known of a call.
#[derive(Default)]
struct Slot {
    /// 0 until then, and so below.
    begun: AtomicU64,
    answers: OnceLock<Vec<Answer>>,
    ended: AtomicU64,
}

impl Run {
    fn new(program: &Program) -> Run {
        let slots = program
            .threads
            .iter()
            .map(|calls| calls.iter().map(|_| Slot::default()).collect())
            .collect();
        Run {
            queue: Any::new(program.order, program.capacity),
            ledger: Ledger::default(),
            program: program.clone(),
            arrived: AtomicUsize::new(0),
            clock: AtomicU64::new(0),
            slots,
        }
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, SeqCst) + 1
    }

    fn act(&self, thread: usize) {
        // Who sleeps until the start comes too late for a race.
        self.arrived.fetch_add(1, SeqCst);
        for looks in 1_u32.. {
            if self.arrived.load(SeqCst) == self.slots.len() {
                break;
            }
            if looks % 64 == 0 {
                thread::yield_now()
            } else {
                std::hint::spin_loop()
            }
        }
        for (slot, &planned) in self.slots[thread].iter().zip(&self.program.threads[thread]) {
            (0..planned.pause).for_each(|_| std::hint::spin_loop());
            slot.begun.store(self.now(), SeqCst);
            let answers = self.queue.perform(planned, &self.ledger);
            let ended = self.now();
            slot.answers.set(answers).expect("a call is made once");
            slot.ended.store(ended, SeqCst);
        }
    }

    /// What has happened, and whether nobody does anything that the specification need not block.
    fn history(&self) -> (History<Call>, bool) {
        let mut quiet = true;
        let mut history: History<Call> = Vec::new();
        for (slots, planned) in self.slots.iter().zip(&self.program.threads) {
            let mut events = Vec::new();
            for (slot, planned) in slots.iter().zip(planned) {
                let (begun, ended) = (slot.begun.load(SeqCst), slot.ended.load(SeqCst));
                let event = |call, answer, ended| Event {
                    call,
                    answer,
                    begun,
                    ended,
                };
                if ended > 0 {
                    let answers = slot.answers.get().expect("it is set first");
                    let answered = steps(planned.call).into_iter().zip(answers);
                    events.extend(answered.map(|(call, &answer)| event(call, Some(answer), ended)));
                    continue;
                }
                quiet &= begun > 0 && !queue::Queue::is_timed(planned.call);
                if begun > 0 {
                    events.push(event(steps(planned.call)[0], None, NEVER));
                }
                break;
            }
            history.push(events);
        }
        (history, quiet)
    }
}

/// Threads that run programs.
struct Threads {
    orders: Vec<Sender<Arc<Run>>>,
    ends: Receiver<Result<(), String>>,
}

impl Threads {
    fn spawn(count: usize) -> Threads {
        let (sender, ends) = channel();
        let spawn = |thread| {
            let (orders, runs) = channel::<Arc<Run>>();
            let sender: Sender<Result<(), String>> = sender.clone();
            let body = move || {
                for run in runs {
                    let end = catch_unwind(AssertUnwindSafe(|| run.act(thread)));
                    drop(run);
                    let _ =
                        sender.send(end.map_err(|panic| format!("thread {thread} panicked: {}", panic_text(&*panic))));
                }
            };
            thread::Builder::new()
                .name(NAME.into())
                .spawn(body)
                .expect("a thread can be started");
            orders
        };
        Threads {
            orders: (0..count).map(spawn).collect(),
            ends,
        }
    }

    /// Runs the program once; if what happens is not as specified, the story of it.
    fn run(&self, program: &Program, patience: Duration, totals: &mut Totals) -> Result<(), String> {
        let run = Arc::new(Run::new(program));
        for orders in &self.orders {
            orders.send(run.clone()).expect("it listens");
        }
        let start = queue::Queue::new(program.order, program.capacity);
        let mut own = Vec::new();
        let mut make = |call| {
            let begun = run.now();
            let answer = run.queue.perform(
                Planned {
                    call,
                    pause: 0,
                    micros: 0,
                },
                &run.ledger,
            )[0];
            own.push(Event {
                call,
                answer: Some(answer),
                begun,
                ended: run.now(),
            });
            own.clone()
        };
        let mut running = self.orders.len();
        let mut rescues = Vec::new();
        let mut seen = 0; // how much had been begun and ended when we looked last
        let (mut since, mut pause) = (Instant::now(), Duration::from_micros(50));
        while running > 0 {
            match self.ends.recv_timeout(pause) {
                Ok(Ok(())) => {
                    running -= 1;
                    continue;
                }
                Ok(Err(panic)) => return Err(tell(&run, &rescues, &panic)),
                Err(_) => pause = Duration::from_millis(5).min(2 * pause),
            }
            let (mut history, quiet) = run.history();
            let now = history
                .iter()
                .flatten()
                .map(|event| 1 + usize::from(event.answer.is_some()))
                .sum();
            if quiet && now != seen && history.iter().any(|events| is_pending(events)) {
                seen = now;
                let pending = history.iter().filter(|events| is_pending(events)).count();
                history.push(rescues.clone());
                if is_legal(&start, &history) {
                    totals.blocked += pending;
                    rescues = make(if rescues.is_empty() {
                        Call::ShutdownNow
                    } else {
                        Call::TaskDone
                    });
                    seen = 0;
                    (since, pause) = (Instant::now(), Duration::from_micros(50));
                }
            }
            if since.elapsed() > patience {
                return Err(tell(&run, &rescues, "a call does not return that should"));
            }
        }
        make(Call::Unfinished);
        make(Call::Len);
        let own = make(Call::Drain);
        let (mut history, _) = run.history();
        totals.runs += 1;
        if is_race(&history) {
            let (calls, overlapping) = overlap(&history);
            totals.races += 1;
            totals.calls += calls;
            totals.overlapping += overlapping;
        }
        let timed_out = |event: &&Event<Call>| event.answer == Some(Answer::TimedOut);
        totals.timed_out += history.iter().flatten().filter(timed_out).count();
        history.push(own.clone());
        match run.ledger.alive() {
            _ if !is_legal(&start, &history) => Err(tell(&run, &own, "no order of these calls explains their answers")),
            0 => Ok(()),
            alive => Err(tell(
                &run,
                &own,
                &format!("all items were got or drained, and {} are alive", alive as isize),
            )),
        }
    }
}

fn is_pending(events: &[Event<Call>]) -> bool {
    events.last().is_some_and(|event| event.answer.is_none())
}

/// The history; the last column is what was done in the end.
fn tell(run: &Run, own: &[Event<Call>], what: &str) -> String {
    let (mut history, _) = run.history();
    history.push(own.to_vec());
    let Program { order, capacity, .. } = run.program;
    format!("{what}\n\n{order:?}, capacity {capacity:?}:\n{}", columns(&history))
}
