//! Law F2: a job is cancelled, or it runs.

use super::{hold, pool, two};
use crate::support::Line;
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::{Event, Job, JobError, Outcome, ThreadPool};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

#[test]
fn a_job_that_has_not_begun_never_runs() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let held = hold(&pool);
        let token = drops.token();
        let job = pool.submit(move || unreachable!("{token:?}")).unwrap();
        assert_eq!(pool.pending(), 1);
        assert!(job.cancel());
        assert_eq!(
            (drops.count(), job.wait()),
            (1, Outcome::Cancelled),
            "its function is dropped by then"
        );
        assert!(job.cancel(), "it will never run, whoever asks");
        assert_eq!(pool.pending(), 1, "it is passed over when its turn comes");
        let next = pool.submit(|| 7).unwrap();
        held.release();
        assert_eq!((next.result().unwrap(), pool.pending()), (7, 0));
        assert!(matches!(job.result(), Err(JobError::Cancelled)));
        assert_eq!(drops.count(), 1);
    });
}

/// Where a job waits behind one that takes long, and others give up and cancel theirs, the queue does not grow.
#[test]
fn cancelled_jobs_do_not_pile_up() {
    const JOBS: usize = 20_000;
    watchdog::run(|watch| {
        for workers in [1, 2] {
            let pool = pool(workers);
            let held: Vec<_> = (0..workers).map(|_| hold(&pool)).collect();
            let run = Arc::new(AtomicUsize::new(0));
            let count = |place: usize| {
                let run = Arc::clone(&run);
                let in_order = move || assert!(run.fetch_add(1, SeqCst) == place || workers > 1);
                pool.submit(in_order).unwrap()
            };
            let kept: Vec<_> = (0..10).map(count).collect();
            let cancelled: Vec<_> = (0..JOBS).map(|_| pool.submit(|| unreachable!()).unwrap()).collect();
            assert_eq!(pool.pending(), JOBS + 10);
            assert!(cancelled.iter().all(Job::cancel));
            assert!(
                pool.pending() < 200,
                "{} are queued, and ten of them are to run",
                pool.pending()
            );
            drop(cancelled);
            for _ in 0..JOBS {
                assert!(pool.submit(|| unreachable!()).unwrap().cancel());
            }
            assert!(pool.pending() < 200, "{} are queued", pool.pending());
            held.into_iter().for_each(|held| held.release());
            for job in kept {
                watch.waits("result", || job.result()).unwrap();
            }
            pool.submit(|| ()).unwrap().result().unwrap();
            assert_eq!((run.load(SeqCst), pool.pending(), pool.workers()), (10, 0, workers));
        }
    });
}

/// What they hold is in the same memory as their places in the queue.
#[cfg(target_os = "linux")]
#[test]
fn cancelled_jobs_keep_no_memory() {
    fn kilobytes() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        resident.trim().trim_end_matches(" kB").parse().unwrap()
    }
    crate::child::passes(&[], || {
        let pool = pool(1);
        let held = hold(&pool);
        let submit = || {
            let kilobyte = [1_u8; 1024];
            pool.submit(move || kilobyte.iter().map(|&byte| u32::from(byte)).sum::<u32>())
                .unwrap()
        };
        let cancelled = || assert!((0..1_000).map(|_| submit()).collect::<Vec<_>>().iter().all(Job::cancel));
        cancelled();
        let before = kilobytes();
        (0..100).for_each(|_| cancelled());
        let more = kilobytes().saturating_sub(before);
        assert!(more < 20_000, "{more} of 100,000 kilobytes are kept");
        held.release();
    });
}

#[test]
fn a_job_that_runs_or_has_ended_is_not_cancelled() {
    watchdog::run(|_| {
        let pool = pool(1);
        let held = hold(&pool);
        assert!(!held.job.cancel());
        assert!(held.job.is_running());
        held.release();
        assert!(!held.job.cancel());
        let failed = pool.submit(|| panic!("on purpose")).unwrap();
        failed.wait();
        assert!(!failed.cancel());
        assert_eq!(failed.outcome(), Some(Outcome::Panicked));
        let (send, itself) = two(selvedge::SimpleQueue::<Arc<Job<()>>>::new());
        let (asked, theirs) = two(AtomicUsize::new(0));
        let job = pool.submit(move || {
            assert!(!itself.get().cancel(), "not by itself either");
            theirs.fetch_add(1, SeqCst);
        });
        let job = Arc::new(job.unwrap());
        send.put(Arc::clone(&job));
        assert_eq!((job.wait(), asked.load(SeqCst)), (Outcome::Returned, 1));
    });
}

/// Many cancel while a worker begins: the job runs, or each is told that it never will.
#[test]
fn a_race_of_cancels_with_the_start_has_one_winner() {
    const ROUNDS: usize = 2_000;
    let (pool, line) = (pool(1), Line::new(3));
    let (place, ran) = (selvedge::Mutex::new(None::<Arc<Job<()>>>), AtomicUsize::new(0));
    let withdrawn = watchdog::run(|watch| {
        let (line, place) = (&line, &place);
        let cancellers = [0, 1].map(|number| {
            watch.spawn(format!("canceller {number}"), move |_| {
                let cancel = |_| {
                    line.cross();
                    let job = place.acquire().clone().unwrap();
                    let never = job.cancel();
                    line.cross();
                    never
                };
                (0..ROUNDS).map(cancel).collect::<Vec<_>>()
            })
        });
        let counts: Vec<_> = (0..ROUNDS)
            .map(|_| {
                let (count, theirs) = two(AtomicUsize::new(0));
                let job = pool.submit(move || _ = theirs.fetch_add(1, SeqCst)).unwrap();
                let (mine, theirs) = two(job);
                *place.acquire() = Some(theirs);
                line.cross();
                let outcome = mine.wait();
                line.cross();
                *place.acquire() = None;
                assert_eq!(count.load(SeqCst), usize::from(outcome == Outcome::Returned));
                ran.fetch_add(count.load(SeqCst), SeqCst);
                outcome == Outcome::Cancelled
            })
            .collect();
        for canceller in cancellers {
            assert_eq!(canceller.join(), counts, "true if it never runs, to everyone");
        }
        counts.into_iter().filter(|&never| never).count()
    });
    assert_eq!(withdrawn + ran.into_inner(), ROUNDS);
}

#[test]
fn whoever_waits_for_a_cancelled_job_is_told() {
    watchdog::run(|watch| {
        let pool = pool(1);
        let held = hold(&pool);
        let (job, theirs) = two(pool.submit(|| ()).unwrap());
        let waiter = watch.spawn("waiter", move |role| role.waits("wait", || theirs.wait()));
        waiter.until_asleep();
        assert!(job.cancel());
        assert_eq!(waiter.join(), Outcome::Cancelled);
        drop(held);
    });
}

/// Jobs that are cancelled and jobs that are not, one after another in one queue.
#[test]
fn the_others_keep_their_turns() {
    watchdog::run(|_| {
        let pool = pool(1);
        let (order, theirs) = two(selvedge::SimpleQueue::new());
        let held = hold(&pool);
        let submit = |number| {
            let theirs = Arc::clone(&theirs);
            pool.submit(move || theirs.put(number)).unwrap()
        };
        let jobs: Vec<_> = (0..30).map(submit).collect();
        jobs.iter().step_by(3).for_each(|job| assert!(job.cancel()));
        held.release();
        jobs.iter().for_each(|job| _ = job.wait());
        assert!(order.drain().into_iter().eq((0..30).filter(|number| number % 3 != 0)));
    });
}

/// The panic is the canceller's, but only once the job is cancelled and everybody told.
#[test]
fn a_function_whose_drop_panics_is_cancelled_all_the_same() {
    watchdog::run(|watch| {
        let (pool, drops) = (pool(1), Drops::default());
        let held = hold(&pool);
        let bomb = Bomb::new(&drops);
        let (job, theirs) = two(pool.submit(move || unreachable!("{bomb:?}")).unwrap());
        let (called, callback) = two(AtomicUsize::new(0));
        job.on_done(move |outcome| {
            assert_eq!(outcome, Outcome::Cancelled);
            callback.fetch_add(1, SeqCst);
        });
        let waiter = watch.spawn("waiter", move |role| role.waits("wait", || theirs.wait()));
        waiter.until_asleep();
        let panic = catch_unwind(AssertUnwindSafe(|| job.cancel())).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"a drop that fails"));
        assert_eq!(
            (job.outcome(), called.load(SeqCst), drops.count()),
            (Some(Outcome::Cancelled), 1, 1)
        );
        assert_eq!(waiter.join(), Outcome::Cancelled);
        assert!(job.cancel(), "and panics no more");
        held.release();
        assert_eq!(pool.submit(|| 7).unwrap().result().unwrap(), 7);
        assert_eq!(drops.count(), 1);
    });
}

/// The function's drop may itself look at the job, submit, and cancel others.
#[test]
fn a_cancelled_functions_drop_may_use_the_pool() {
    struct Uses(Arc<ThreadPool>, Arc<Job<()>>, Arc<Event>);

    impl Drop for Uses {
        fn drop(&mut self) {
            assert!(self.1.cancel());
            drop(self.0.submit(|| ()).unwrap());
            self.2.set();
        }
    }
    watchdog::run(|_| {
        let pool = Arc::new(pool(1));
        let held = hold(&pool);
        let (other, theirs) = two(pool.submit(|| ()).unwrap());
        let (dropped, drops) = two(Event::new());
        let uses = Uses(Arc::clone(&pool), theirs, drops);
        let job = pool.submit(move || drop(uses)).unwrap();
        assert!(job.cancel());
        assert!(dropped.is_set());
        assert_eq!(other.outcome(), Some(Outcome::Cancelled));
        held.release();
    });
}
