//! A pool and its jobs: some wait for an event that a timer sets, some panic, two threads cancel some of them, and the
//! pool is shut down in one way or another.

use crate::{Counts, moment, pause};
use fastrand::Rng;
use selvedge::pool::as_completed;
use selvedge::{Event, Job, JobError, Mutex, Outcome, ThreadPool, Timer, thread};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What a job does.
#[derive(Clone, Copy)]
enum Task {
    Nothing,
    AwaitGate,
    AwaitGateFor(Duration),
    Panic,
}

impl Task {
    fn any(rng: &mut Rng) -> Task {
        match rng.u8(..8) {
            0..4 => Task::Nothing,
            4 => Task::AwaitGate,
            5..7 => Task::AwaitGateFor(moment(rng)),
            _ => Task::Panic,
        }
    }

    fn run(self, gate: &Event) {
        match self {
            Task::Nothing => {}
            Task::AwaitGate => gate.wait(),
            Task::AwaitGateFor(timeout) => drop(gate.wait_timeout(timeout)),
            Task::Panic => resume_unwind(Box::new("on purpose")),
        }
    }
}

/// What happened to a job.
#[derive(Default)]
struct Account {
    runs: AtomicU64,
    cancels: AtomicU64,            // that returned true
    outcomes: Mutex<Vec<Outcome>>, // that callbacks received
}

type Accounts = Arc<Vec<Account>>;

fn add_callback(job: &Job<usize>, accounts: &Accounts, number: usize) {
    let accounts = Arc::clone(accounts);
    job.on_done(move |outcome| accounts[number].outcomes.acquire().push(outcome));
}

/// Whether the job's callback is added when the job has ended.
fn has_late_callback(number: usize) -> bool {
    number % 8 == 0
}

fn cancel_some(mut rng: Rng, jobs: &[Job<usize>], accounts: &Accounts) {
    for _ in 0..rng.usize(..=jobs.len()) {
        let number = rng.usize(..jobs.len());
        accounts[number]
            .cancels
            .fetch_add(jobs[number].cancel().into(), Relaxed);
        let _ = jobs[rng.usize(..jobs.len())].wait_timeout(moment(&mut rng));
    }
}

/// Returns when all threads of the pool have ended.
fn shut_down(mut rng: Rng, pool: &ThreadPool) {
    pause(&mut rng);
    match rng.u8(..4) {
        0 => pool.shutdown(),
        1 => pool.shutdown_cancel(),
        2 => while pool.shutdown_timeout(moment(&mut rng)).is_err() {},
        _ => {
            let _ = pool.try_shutdown();
            pause(&mut rng);
            pool.shutdown_cancel();
        }
    }
    assert!(pool.submit(|| ()).is_err(), "a pool that is shut down accepts a job");
}

pub fn scene(mut rng: Rng, counts: &Counts) {
    let (pool, gate, held) = (ThreadPool::new(rng.usize(1..=4)), Arc::new(Event::new()), Arc::new(()));
    let tasks: Vec<_> = (0..rng.usize(1..200)).map(|_| Task::any(&mut rng)).collect();
    let accounts: Accounts = Arc::new(tasks.iter().map(|_| Account::default()).collect());
    let opened = Arc::clone(&gate);
    let opener = Timer::start(moment(&mut rng), move || opened.set());

    let submit = |(number, &task): (usize, &Task)| {
        let (theirs, gate, held) = (Arc::clone(&accounts), Arc::clone(&gate), Arc::clone(&held));
        let run = move || {
            let _held = held;
            theirs[number].runs.fetch_add(1, Relaxed);
            task.run(&gate);
            number
        };
        let job = pool.submit(run).expect("it is not shut down");
        if !has_late_callback(number) {
            add_callback(&job, &accounts, number);
        }
        job
    };
    let jobs: Vec<Job<usize>> = tasks.iter().enumerate().map(submit).collect();

    let (items, taken) = (rng.u64(..20), rng.usize(..20));
    let squares: Result<Vec<_>, _> = pool.map(0..items, |n| n * n).take(taken).collect();
    assert!(
        squares
            .expect("none panics")
            .into_iter()
            .eq((0..items).map(|n| n * n).take(taken))
    );

    thread::scope(|scope| {
        for rng in [rng.fork(), rng.fork()] {
            let (jobs, accounts) = (&jobs, &accounts);
            scope.spawn(move || cancel_some(rng, jobs, accounts));
        }
        scope.spawn(|| assert_eq!(as_completed(&jobs).count(), jobs.len(), "each job completes once"));
        shut_down(rng.fork(), &pool);
    });
    assert!(opener.join().is_ok() && pool.pending() == 0);
    drop(pool);

    for (number, job) in jobs.into_iter().enumerate() {
        let was_cancelled = job.cancel();
        let outcome = job.outcome().expect("the pool was dropped");
        if has_late_callback(number) {
            add_callback(&job, &accounts, number);
        }
        let Account {
            runs,
            cancels,
            outcomes,
        } = &accounts[number];
        assert_eq!(*outcomes.acquire(), [outcome], "the callback runs once");
        assert_eq!(
            runs.load(Relaxed),
            u64::from(!was_cancelled),
            "cancel is true exactly if the job never ran"
        );
        assert!(
            cancels.load(Relaxed) == 0 || was_cancelled,
            "a job ran although cancel returned true"
        );
        let panics = matches!(tasks[number], Task::Panic);
        let what = match (job.result(), outcome) {
            (Ok(value), Outcome::Returned) if value == number && !panics => "returned",
            (Err(JobError::Panicked(_)), Outcome::Panicked) if panics => "panicked",
            (Err(JobError::Cancelled), Outcome::Cancelled) if was_cancelled => "cancelled",
            (result, outcome) => panic!("{result:?}, but the outcome is {outcome:?}"),
        };
        counts.add(what, 1);
    }
    assert_eq!(Arc::strong_count(&held), 1, "a function was not dropped");
}
