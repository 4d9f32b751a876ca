//! Everything at once: submitters, cancellers, waiters, and a shutdown. Seeds and steps are fixed; the orders are not.

use super::shut_down_by;
use crate::forms::Form;
use crate::support::{STRESS_TIMEOUT, SpinBarrier, random_delay};
use crate::thread::{Drops, Token};
use crate::watchdog;
use fastrand::Rng;
use selvedge::pool::{Builder, as_completed, wait_timeout};
use selvedge::thread::Registry;
use selvedge::{Job, JobError, Outcome, SubmitError, ThreadPool, Until};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};

/// What the threads of the test have observed of one job.
#[derive(Default)]
struct Record {
    runs: AtomicU32,
    cancels: AtomicU32,
    told: [AtomicU32; 4],
    callbacks: AtomicU32,
}

impl Record {
    fn tell(&self, outcome: Outcome) {
        let place = match outcome {
            Outcome::Returned => 0,
            Outcome::Panicked => 1,
            Outcome::Cancelled => 2,
            Outcome::Broken => 3,
            Outcome::Forked => unreachable!("nothing forks here"),
        };
        self.told[place].fetch_add(1, SeqCst);
    }

    /// Everybody has been told the same, each callback once, and a cancel true if and only if the job never ran.
    fn check(&self, outcome: Outcome) {
        self.tell(outcome);
        let told = self.told.each_ref().map(|count| count.load(SeqCst));
        assert_eq!(told.iter().filter(|count| **count > 0).count(), 1, "{told:?}");
        assert_eq!(
            told.iter().sum::<u32>(),
            self.callbacks.load(SeqCst) + 1,
            "each callback once"
        );
        let has_run = matches!(outcome, Outcome::Returned | Outcome::Panicked);
        assert_eq!(self.runs.load(SeqCst), u32::from(has_run));
        assert!(
            !has_run || self.cancels.load(SeqCst) == 0,
            "it ran, though a cancel said that it never will"
        );
    }
}

type Shared = (Arc<Record>, Job<Token>);

/// Adds a callback, which may come too late.
fn watch_end(record: &Arc<Record>, job: &Job<Token>) {
    let theirs = Arc::clone(record);
    record.callbacks.fetch_add(1, SeqCst);
    job.on_done(move |outcome| theirs.tell(outcome));
}

fn submit(pool: &ThreadPool, (drops, tokens): (&Drops, &AtomicUsize), rng: &mut Rng) -> Option<Arc<Shared>> {
    let record = Arc::new(Record::default());
    let (theirs, token) = (Arc::clone(&record), drops.token());
    tokens.fetch_add(1, SeqCst);
    let (panics, dawdles) = (rng.u8(..8) == 0, rng.u64(..));
    let job = pool.submit(move || {
        theirs.runs.fetch_add(1, SeqCst);
        random_delay(&mut Rng::with_seed(dawdles));
        if panics { resume_unwind(Box::new(token)) } else { token }
    });
    match job {
        Ok(job) => Some(Arc::new((record, job))),
        Err(refused) => {
            assert!(matches!(refused, SubmitError::ShutDown(_)));
            drop(refused);
            assert_eq!((record.runs.load(SeqCst), Arc::strong_count(&record)), (0, 1));
            None
        }
    }
}

/// A random call on one of the shared jobs.
fn meddle(shared: &Shared, rng: &mut Rng) {
    let (record, job) = shared;
    match rng.u8(..6) {
        0 | 1 => {
            if job.cancel() {
                record.cancels.fetch_add(1, SeqCst);
            }
        }
        2 => watch_end(record, job),
        3 => _ = job.wait_timeout(STRESS_TIMEOUT.mul_f32(rng.f32())),
        4 => _ = wait_timeout([job, job], Until::FirstFailed, STRESS_TIMEOUT.mul_f32(rng.f32())),
        _ => _ = as_completed([job]).next_timeout(STRESS_TIMEOUT.mul_f32(rng.f32())),
    }
}

fn rounds(workers: usize, seed: u64) {
    const ROUNDS: u64 = 25;
    const STEPS: usize = 60;
    let (registry, drops, tokens) = (Registry::new(), Drops::default(), AtomicUsize::new(0));
    let (ran, cancelled) = (AtomicU32::new(0), AtomicU32::new(0));
    let mut rng = Rng::with_seed(seed);
    for round in 0..ROUNDS {
        let pool = Builder::new().workers(workers).registry(&registry).build();
        let (all, line) = (selvedge::Mutex::new(Vec::<Arc<Shared>>::new()), SpinBarrier::new(5));
        let (form, cancels, in_time) = (Form::random(&mut rng, STRESS_TIMEOUT), rng.bool(), rng.u8(..4) > 0);
        watchdog::run(|watch| {
            let (pool, all, line, counted) = (&pool, &all, &line, (&drops, &tokens));
            for number in 0..2 {
                let mut rng = Rng::with_seed(seed + 100 * round + number);
                watch.spawn(format!("submitter {number}"), move |_| {
                    line.wait();
                    for _ in 0..STEPS {
                        let Some(shared) = submit(pool, counted, &mut rng) else {
                            continue;
                        };
                        if rng.bool() {
                            watch_end(&shared.0, &shared.1);
                        }
                        all.acquire().push(shared);
                        random_delay(&mut rng);
                    }
                });
            }
            for number in 2..4 {
                let mut rng = Rng::with_seed(seed + 100 * round + number);
                watch.spawn(format!("meddler {number}"), move |role| {
                    line.wait();
                    for _ in 0..2 * STEPS {
                        let shared = {
                            let all = all.acquire();
                            (!all.is_empty()).then(|| Arc::clone(&all[rng.usize(..all.len())]))
                        };
                        if let Some(shared) = shared {
                            role.waits("some wait with a timeout", || meddle(&shared, &mut rng));
                        }
                        random_delay(&mut rng);
                    }
                });
            }
            let mut rng = Rng::with_seed(seed + 100 * round + 4);
            watch.spawn("closer", move |role| {
                line.wait();
                (0..40).for_each(|_| random_delay(&mut rng));
                if in_time {
                    _ = role.waits("a shutdown", || shut_down_by(pool, cancels, form));
                }
            });
        });
        watchdog::run(|watch| watch.waits("the pool's drop", || drop(pool)));
        assert_eq!(registry.active_count(), 1);
        for shared in all.into_inner() {
            let (record, job) = Arc::into_inner(shared).expect("the others have let go");
            let outcome = job.outcome().expect("law P4: it has an end");
            record.check(outcome);
            match (job.result(), outcome) {
                (Ok(_), Outcome::Returned) | (Err(JobError::Panicked(_)), Outcome::Panicked) => {
                    _ = ran.fetch_add(1, SeqCst)
                }
                (Err(JobError::Cancelled), Outcome::Cancelled) => _ = cancelled.fetch_add(1, SeqCst),
                (result, outcome) => panic!("{outcome:?}, but {result:?}"),
            }
            assert_eq!(Arc::strong_count(&record), 1);
        }
        assert_eq!(drops.count(), tokens.load(SeqCst), "each token is dropped, once");
    }
    assert!(
        ran.into_inner() > 0 && cancelled.into_inner() > 0,
        "both ends have occurred"
    );
}

#[test]
fn every_job_has_one_end_and_all_are_told_it_by_one_worker() {
    rounds(1, 1);
}

#[test]
fn every_job_has_one_end_and_all_are_told_it_by_three_workers() {
    rounds(3, 2);
}
