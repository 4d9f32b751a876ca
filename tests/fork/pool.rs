//! Pools of the parent's, and their jobs.

use super::{Marks, SOON, WELL, await_end, child, exit, fork, fork_here, live};
use selvedge::{Event, Job, JobError, Outcome, SubmitError, ThreadPool, Until, pool};
use std::cell::OnceCell;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

/// A pool whose only worker waits at the gate, as the first job; the second is queued.
fn busy_pool(gate: &Arc<Event>, runs: &Arc<AtomicUsize>) -> (ThreadPool, [Job<()>; 2]) {
    let (pool, begun) = (ThreadPool::new(1), Arc::new(Event::new()));
    let first = pool.submit({
        let (gate, begun, runs) = (Arc::clone(gate), Arc::clone(&begun), Arc::clone(runs));
        move || {
            begun.set();
            gate.wait();
            runs.fetch_add(1, Relaxed);
        }
    });
    begun.wait();
    let runs = Arc::clone(runs);
    let second = pool.submit(move || {
        runs.fetch_add(1, Relaxed);
    });
    (pool, [first.unwrap(), second.unwrap()])
}

#[test]
fn a_pool_begins_anew_and_runs_only_what_the_child_submits() {
    child::passes(&[], || {
        let (gate, runs) = (Arc::new(Event::new()), Arc::new(AtomicUsize::new(0)));
        let (pool, jobs) = busy_pool(&gate, &runs);
        let uses = |pool: &ThreadPool| {
            assert_eq!((pool.workers(), pool.pending(), pool.is_shutdown()), (0, 0, false));
            assert_eq!(pool.submit(|| 5).unwrap().result_timeout(SOON).unwrap().unwrap(), 5);
            assert_eq!(pool.map(0..4, |n| n).map(Result::unwrap).sum::<i32>(), 6);
            assert_eq!(pool.workers(), 1);
        };
        let mut owner = Some(pool);
        let ended = fork(|| {
            let pool = owner.as_ref().unwrap();
            uses(pool);
            assert_eq!(fork(|| uses(pool)), WELL, "a child's child");
            pool.shutdown_timeout(SOON).unwrap();
            assert!(pool.submit(|| 5).is_err());
            gate.set();
            assert_eq!(runs.load(Relaxed), 0);
            drop(owner.take());
        });
        gate.set(); // first, or a failure would wait for it
        assert_eq!(ended, WELL);
        jobs.into_iter().for_each(|job| job.result().unwrap());
        assert_eq!(runs.load(Relaxed), 2, "in the parent");
    });
}

#[test]
fn a_pool_that_was_shut_down_stays_so() {
    child::passes(&[], || {
        let shut_down = ThreadPool::new(1);
        shut_down.submit(|| ()).unwrap().result().unwrap();
        shut_down.shutdown();
        let broken = pool::Builder::new().initializer(|| panic!("no yarn")).build();
        assert!(matches!(broken.submit(|| ()).unwrap().result(), Err(JobError::Broken)));
        let ended = fork(|| {
            assert!(matches!(shut_down.submit(|| ()), Err(SubmitError::ShutDown(_))));
            assert!(matches!(broken.submit(|| ()), Err(SubmitError::Broken(_))));
        });
        assert_eq!(ended, WELL);
    });
}

fn polled<T>(job: Job<T>) -> Poll<Result<T, JobError>> {
    pin!(job).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_job_that_was_left_behind_has_ended_whoever_asks() {
    child::passes(&[], || {
        let (gate, runs) = (Arc::new(Event::new()), Arc::new(AtomicUsize::new(0)));
        let (pool, [running, queued]) = busy_pool(&gate, &runs);
        let mut begun_before = pool::as_completed([0; 2].map(|n| pool.submit(move || n).unwrap()));
        let polled_before = pool.submit(|| ()).unwrap();
        let mut polled_before = pin!(polled_before);
        let mut context = Context::from_waker(Waker::noop());
        assert!(polled_before.as_mut().poll(&mut context).is_pending());
        let ended = fork(|| {
            for job in [&running, &queued] {
                assert_eq!((job.is_done(), job.is_running(), job.cancel()), (true, false, false));
                assert_eq!(
                    (job.wait(), job.wait_timeout(SOON)),
                    (Outcome::Forked, Ok(Outcome::Forked))
                );
                let told = Arc::new(std::sync::Mutex::new(None));
                let theirs = Arc::clone(&told);
                job.on_done(move |outcome| *theirs.lock().unwrap() = Some(outcome));
                assert_eq!(*told.lock().unwrap(), Some(Outcome::Forked));
            }
            pool::wait([&running, &queued], Until::All);
            assert_eq!(pool::as_completed([&running, &queued]).count(), 2);
            assert_eq!(begun_before.by_ref().count(), 2);
            assert!(matches!(
                polled_before.as_mut().poll(&mut context),
                Poll::Ready(Err(JobError::Forked))
            ));
            assert!(matches!(running.result(), Err(JobError::Forked)));
            assert!(matches!(polled(queued), Poll::Ready(Err(JobError::Forked))));
        });
        gate.set(); // first, or a failure would wait for it
        assert_eq!(ended, WELL);
    });
}

#[test]
fn a_job_that_had_ended_keeps_its_value() {
    child::passes(&[], || {
        let pool = ThreadPool::new(1);
        let (taken, failed) = (
            pool.submit(|| "cloth".to_owned()).unwrap(),
            pool.submit(|| panic!("no yarn")).unwrap(),
        );
        pool::wait([&failed], Until::All);
        let ended = fork(|| {
            assert_eq!(taken.result().unwrap(), "cloth");
            assert_eq!(failed.result().unwrap_err().message(), Some("no yarn"));
        });
        assert_eq!(ended, WELL);
    });
}

#[test]
fn a_worker_whose_initializer_forks_takes_no_job_in_the_child() {
    child::passes(&[], || {
        let (queued, marks) = (Arc::new(Event::new()), Arc::new(Marks::new()));
        let theirs = Arc::clone(&queued);
        let initializer = move || {
            theirs.wait();
            if let Some(ended) = fork_here() {
                assert_eq!(ended, WELL);
            }
        };
        let pool = pool::Builder::new().workers(1).initializer(initializer).build();
        let marked = Arc::clone(&marks);
        let job = pool.submit(move || marked.make()).unwrap();
        queued.set();
        job.result().unwrap();
        drop(pool);
        assert_eq!(Arc::into_inner(marks).unwrap().count(), 1);
    });
}

#[test]
fn an_initializer_that_panics_in_a_child_of_its_own_does_not_break_the_pool() {
    /// Dropped at the end of the worker that is the child's only thread.
    struct AtTheEnd(Arc<OnceLock<ThreadPool>>);
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            exit(if self.0.get().unwrap().is_shutdown() { 1 } else { 0 });
        }
    }
    thread_local!(static AT_THE_END: OnceCell<AtTheEnd> = const { OnceCell::new() });

    child::passes(&[], || {
        let pool = Arc::new(OnceLock::new());
        let (built, theirs) = (Arc::new(Event::new()), Arc::clone(&pool));
        let queued = Arc::clone(&built);
        let initializer = move || {
            queued.wait();
            match fork_here() {
                Some(ended) => assert_eq!(ended, WELL),
                None => {
                    AT_THE_END.with(|place| assert!(place.set(AtTheEnd(Arc::clone(&theirs))).is_ok()));
                    panic!("in the child");
                }
            }
        };
        let pool = pool.get_or_init(|| pool::Builder::new().workers(1).initializer(initializer).build());
        let job = pool.submit(|| "cloth").unwrap();
        built.set();
        assert_eq!(job.result().unwrap(), "cloth");
    });
}

#[test]
fn a_worker_that_forks_takes_no_other_job_in_the_child() {
    child::passes(&[], || {
        let (pool, gate, marks) = (ThreadPool::new(1), Arc::new(Event::new()), Arc::new(Marks::new()));
        let theirs = Arc::clone(&gate);
        let forks = pool.submit(move || {
            theirs.wait();
            let end = fork_here(); // the child leaves the job
            assert!(end.is_none_or(|end| end == WELL), "its only thread has ended");
        });
        let theirs = Arc::clone(&marks);
        let next = pool.submit(move || theirs.make()).unwrap();
        gate.set();
        forks.unwrap().result().unwrap();
        next.result().unwrap();
        drop(pool);
        assert_eq!(Arc::into_inner(marks).unwrap().count(), 1);
    });
}

#[test]
fn a_child_by_a_bare_system_call_says_so_itself() {
    child::passes(&[], || {
        let pool = ThreadPool::new(1);
        pool.submit(|| ()).unwrap().result().unwrap();
        super::until_others_block();
        // SAFETY: as `fork`, of which the C library is not told; no other thread is within it.
        let child = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
        if child == 0 {
            live(|| {
                // SAFETY: this is the child, and its only thread.
                unsafe { selvedge::thread::after_fork_in_child() };
                assert_eq!(pool.submit(|| 5).unwrap().result_timeout(SOON).unwrap().unwrap(), 5);
            });
        }
        assert_eq!(await_end(child.try_into().unwrap()), WELL);
    });
}
