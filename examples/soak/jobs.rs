//! A pool and its jobs: some wait for an event that a timer sets, some panic, some are cancelled from two sides, while the
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
            Task::AwaitGateFor(patience) => drop(gate.wait_timeout(patience)),
            Task::Panic => resume_unwind(Box::new("as it should")),
        }
    }
}

/// What is known of a job.
#[derive(Default)]
struct Account {
    ran: AtomicU64,
    cancelled: AtomicU64,      // cancels that were true
    told: Mutex<Vec<Outcome>>, // by callbacks
}

type Accounts = Arc<Vec<Account>>;

fn tell(job: &Job<usize>, accounts: &Accounts, number: usize) {
    let accounts = Arc::clone(accounts);
    job.on_done(move |outcome| accounts[number].told.acquire().push(outcome));
}

/// Whether this job's callback is added when all is over.
fn is_told_late(number: usize) -> bool {
    number % 8 == 0
}

fn cancel_some(mut rng: Rng, jobs: &[Job<usize>], accounts: &Accounts) {
    for _ in 0..rng.usize(..=jobs.len()) {
        let number = rng.usize(..jobs.len());
        accounts[number]
            .cancelled
            .fetch_add(jobs[number].cancel().into(), Relaxed);
        let _ = jobs[rng.usize(..jobs.len())].wait_timeout(moment(&mut rng));
    }
}

/// Until no thread is left.
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
    assert!(pool.submit(|| ()).is_err(), "it has taken a job after its shutdown");
}

pub fn scene(mut rng: Rng) -> Counts {
    let (pool, gate, held) = (ThreadPool::new(rng.usize(1..=4)), Arc::new(Event::new()), Arc::new(()));
    let tasks: Vec<_> = (0..rng.usize(1..200)).map(|_| Task::any(&mut rng)).collect();
    let accounts: Accounts = Arc::new(tasks.iter().map(|_| Account::default()).collect());
    let theirs = Arc::clone(&gate);
    let opener = Timer::start(moment(&mut rng), move || theirs.set());

    let submit = |(number, &task): (usize, &Task)| {
        let (theirs, gate, held) = (Arc::clone(&accounts), Arc::clone(&gate), Arc::clone(&held));
        let run = move || {
            let _held = held;
            theirs[number].ran.fetch_add(1, Relaxed);
            task.run(&gate);
            number
        };
        let job = pool.submit(run).expect("it is not shut down");
        if !is_told_late(number) {
            tell(&job, &accounts, number);
        }
        job
    };
    let jobs: Vec<Job<usize>> = tasks.iter().enumerate().map(submit).collect();

    let (squared, asked) = (rng.u64(..20), rng.usize(..20));
    let squares: Result<Vec<_>, _> = pool.map(0..squared, |n| n * n).take(asked).collect();
    assert!(
        squares
            .expect("none panics")
            .into_iter()
            .eq((0..squared).map(|n| n * n).take(asked))
    );

    thread::scope(|scope| {
        for rng in [rng.fork(), rng.fork()] {
            let (jobs, accounts) = (&jobs, &accounts);
            scope.spawn(move || cancel_some(rng, jobs, accounts));
        }
        scope.spawn(|| assert_eq!(as_completed(&jobs).count(), jobs.len(), "not each job has ended once"));
        shut_down(rng.fork(), &pool);
    });
    assert!(opener.join().is_ok() && pool.pending() == 0);
    drop(pool);

    let (mut returned, mut panicked, mut cancelled) = (0, 0, 0);
    for (number, job) in jobs.into_iter().enumerate() {
        let never = job.cancel();
        let outcome = job.outcome().expect("the pool is gone");
        if is_told_late(number) {
            tell(&job, &accounts, number);
        }
        let Account {
            ran,
            cancelled: by_cancel,
            told,
        } = &accounts[number];
        assert_eq!(*told.acquire(), [outcome], "a callback was not called once");
        assert_eq!(
            ran.load(Relaxed),
            u64::from(!never),
            "cancel is true if and only if it never ran"
        );
        assert!(
            by_cancel.load(Relaxed) == 0 || never,
            "it ran, though a cancel was true"
        );
        let count = match (job.result(), outcome) {
            (Ok(value), Outcome::Returned) if value == number && !matches!(tasks[number], Task::Panic) => &mut returned,
            (Err(JobError::Panicked(_)), Outcome::Panicked) if matches!(tasks[number], Task::Panic) => &mut panicked,
            (Err(JobError::Cancelled), Outcome::Cancelled) if never => &mut cancelled,
            (result, outcome) => panic!("{result:?}, but the outcome is {outcome:?}"),
        };
        *count += 1;
    }
    assert_eq!(Arc::strong_count(&held), 1, "a function was not dropped");
    vec![
        ("returned", returned),
        ("panicked", panicked),
        ("were cancelled", cancelled),
    ]
}
