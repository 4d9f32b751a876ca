//! Law F2: a job runs or is cancelled, and `cancel` returns which.

use super::{arc_pair, assert_runs_jobs, occupy, pool};
use crate::queue::spawn_blocked;
use crate::thread::{Bomb, Drops};
use crate::watchdog;
use selvedge::{Event, Job, JobError, Outcome, SimpleQueue, ThreadPool};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

#[test]
fn a_cancelled_job_never_runs() {
    watchdog::run(|_| {
        let (pool, drops) = (pool(1), Drops::default());
        let (busy, token) = (occupy(&pool), drops.token());
        let job = pool.submit(move || unreachable!("{token:?}")).unwrap();
        assert_eq!(pool.pending(), 1);
        assert!(job.cancel());
        assert_eq!(drops.count(), 1, "the function is dropped first");
        assert_eq!(job.wait(), Outcome::Cancelled);
        assert!(job.cancel(), "each later call returns true too");
        assert_eq!(pool.pending(), 1, "the worker discards it when it dequeues it");
        let next = pool.submit(|| 7).unwrap();
        busy.release();
        assert_eq!((next.result().unwrap(), pool.pending()), (7, 0));
        assert!(matches!(job.result(), Err(JobError::Cancelled)));
        assert_eq!(drops.count(), 1);
    });
}

/// While all workers are busy and submitters cancel their jobs, the queue does not grow, and the others stay in order.
#[test]
fn cancelled_jobs_do_not_accumulate_in_the_queue() {
    const JOBS: usize = 20_000;
    watchdog::run(|watch| {
        for workers in [1, 2] {
            let pool = pool(workers);
            let busy: Vec<_> = (0..workers).map(|_| occupy(&pool)).collect();
            let (mut kept, mut cancelled) = (Vec::new(), Vec::new());
            let runs = Arc::new(AtomicUsize::new(0));
            for index in 0..10 {
                let runs = Arc::clone(&runs);
                let in_order = move || assert!(runs.fetch_add(1, SeqCst) == index || workers > 1);
                kept.push(pool.submit(in_order).unwrap());
                cancelled.extend((0..JOBS / 10).map(|_| pool.submit(|| unreachable!()).unwrap()));
            }
            assert_eq!(pool.pending(), JOBS + 10);
            assert!(cancelled.iter().all(Job::cancel));
            assert!(pool.pending() < 200, "{} are queued", pool.pending());
            drop(cancelled);
            (0..JOBS).for_each(|_| assert!(pool.submit(|| unreachable!()).unwrap().cancel()));
            assert!(pool.pending() < 200, "{} are queued", pool.pending());
            busy.iter().for_each(|worker| worker.release());
            for job in kept {
                watch.waits("result", || job.result()).unwrap();
            }
            pool.submit(|| ()).unwrap().result().unwrap();
            assert_eq!((runs.load(SeqCst), pool.pending(), pool.workers()), (10, 0, workers));
        }
    });
}

/// A job's function is stored beside its queue entry.
#[cfg(target_os = "linux")]
#[test]
fn cancelled_jobs_keep_no_memory() {
    use super::resident_bytes;
    crate::child::passes(&[], || {
        let pool = pool(1);
        let busy = occupy(&pool);
        let submit = |_| {
            let kilobyte = [1_u8; 1024];
            let sum = move || kilobyte.iter().map(|&byte| u32::from(byte)).sum::<u32>();
            pool.submit(sum).unwrap()
        };
        let cancel = || assert!((0..1_000).map(submit).collect::<Vec<_>>().iter().all(Job::cancel));
        cancel();
        let before = resident_bytes();
        (0..100).for_each(|_| cancel());
        let more = resident_bytes().saturating_sub(before);
        assert!(more < 20 << 20, "{more} bytes more, of 100 MB");
        busy.release();
    });
}

#[test]
fn a_running_or_ended_job_cannot_be_cancelled() {
    watchdog::run(|_| {
        let pool = pool(1);
        let busy = occupy(&pool);
        assert!(!busy.job.cancel());
        assert!(busy.job.is_running());
        busy.release();
        assert!(!busy.job.cancel());
        let failed = pool.submit(|| panic!("on purpose")).unwrap();
        failed.wait();
        assert!(!failed.cancel());
        assert_eq!(failed.outcome(), Some(Outcome::Panicked));
        let (send, itself) = arc_pair(SimpleQueue::<Arc<Job<bool>>>::new());
        let job = Arc::new(pool.submit(move || itself.get().cancel()).unwrap());
        send.put(Arc::clone(&job));
        job.wait();
        pool.shutdown(); // drops the job's own handle
        assert!(!Arc::into_inner(job).unwrap().result().unwrap(), "not by itself either");
    });
}

/// The panic reaches the canceller once the job is cancelled and its waiters and callbacks are notified.
#[test]
fn a_function_whose_drop_panics_is_cancelled() {
    watchdog::run(|watch| {
        let (pool, drops) = (pool(1), Drops::default());
        let (busy, bomb) = (occupy(&pool), Bomb::new(&drops));
        let (job, theirs) = arc_pair(pool.submit(move || unreachable!("{bomb:?}")).unwrap());
        let (outcomes, puts) = arc_pair(SimpleQueue::new());
        job.on_done(move |outcome| puts.put(outcome));
        let waiter = spawn_blocked(watch, "wait", move || theirs.wait());
        let panic = catch_unwind(AssertUnwindSafe(|| job.cancel())).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"a drop that fails"));
        assert_eq!((job.outcome(), drops.count()), (Some(Outcome::Cancelled), 1));
        assert_eq!(outcomes.drain(), [Outcome::Cancelled]);
        assert_eq!(waiter.join(), Outcome::Cancelled);
        assert!(job.cancel(), "without a panic");
        busy.release();
        assert_runs_jobs(&pool);
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn the_drop_of_a_cancelled_function_may_use_the_pool() {
    struct UsesPool(Arc<ThreadPool>, Arc<Job<()>>, Arc<Event>);

    impl Drop for UsesPool {
        fn drop(&mut self) {
            assert!(self.1.cancel());
            drop(self.0.submit(|| ()).unwrap());
            self.2.set();
        }
    }
    watchdog::run(|_| {
        let pool = Arc::new(pool(1));
        let busy = occupy(&pool);
        let (other, theirs) = arc_pair(pool.submit(|| ()).unwrap());
        let (dropped, drops) = arc_pair(Event::new());
        let uses_pool = UsesPool(Arc::clone(&pool), theirs, drops);
        let job = pool.submit(move || drop(uses_pool)).unwrap();
        assert!(job.cancel());
        assert!(dropped.is_set());
        assert_eq!(other.outcome(), Some(Outcome::Cancelled));
        busy.release();
    });
}
