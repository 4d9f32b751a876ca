//! Pools of the parent, and their jobs.

use super::{SOON, SUCCESS, SharedCount, await_end, child, exit, fork, fork_here, in_a_child, run_and_exit};
use crate::support::shared;
use selvedge::{Event, Job, JobError, Outcome, SubmitError, ThreadPool, Until, pool};
use std::cell::OnceCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};

/// A pool whose only worker runs the first job, which waits for the event; the second job is queued.
fn busy_pool(gate: &Arc<Event>, runs: &Arc<AtomicUsize>) -> (ThreadPool, [Job<()>; 2]) {
    let (pool, started) = (ThreadPool::new(1), Arc::new(Event::new()));
    let jobs = [true, false].map(|waits| {
        let (gate, started, runs) = (Arc::clone(gate), Arc::clone(&started), Arc::clone(runs));
        let job = move || {
            started.set();
            if waits {
                gate.wait();
            }
            runs.fetch_add(1, Relaxed);
        };
        pool.submit(job).unwrap()
    });
    started.wait();
    (pool, jobs)
}

#[test]
fn a_childs_pool_starts_anew_and_runs_only_the_childs_jobs() {
    child::passes(&[], || {
        let (gate, runs) = (Arc::new(Event::new()), Arc::new(AtomicUsize::new(0)));
        let (pool, jobs) = busy_pool(&gate, &runs);
        let check = |pool: &ThreadPool| {
            assert_eq!((pool.workers(), pool.pending(), pool.is_shutdown()), (0, 0, false));
            assert_eq!(pool.submit(|| 5).unwrap().result_timeout(SOON).unwrap().unwrap(), 5);
            assert_eq!(pool.map(0..4, |n| n).map(Result::unwrap).sum::<i32>(), 6);
            assert_eq!(pool.workers(), 1);
        };
        let mut pool = Some(pool);
        in_a_child(
            || gate.set(),
            || {
                let own = pool.as_ref().unwrap();
                check(own);
                assert_eq!(fork(|| check(own)), SUCCESS, "a child's child");
                own.shutdown_timeout(SOON).unwrap();
                assert!(own.submit(|| 5).is_err());
                gate.set();
                assert_eq!(runs.load(Relaxed), 0);
                drop(pool.take());
            },
        );
        jobs.into_iter().for_each(|job| job.result().unwrap());
        assert_eq!(runs.load(Relaxed), 2, "in the parent");
    });
}

#[test]
fn a_pool_that_was_shut_down_or_broken_remains_so_in_a_child() {
    child::passes(&[], || {
        let shut_down = ThreadPool::new(1);
        shut_down.submit(|| ()).unwrap().result().unwrap();
        shut_down.shutdown();
        let broken = pool::Builder::new().initializer(|| panic!("no yarn")).build();
        assert!(matches!(broken.submit(|| ()).unwrap().result(), Err(JobError::Broken)));
        let check = || {
            assert!(matches!(shut_down.submit(|| ()), Err(SubmitError::ShutDown(_))));
            assert!(matches!(broken.submit(|| ()), Err(SubmitError::Broken(_))));
        };
        in_a_child(|| (), check);
    });
}

fn poll<T>(job: Pin<&mut Job<T>>) -> Poll<Result<T, JobError>> {
    job.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_job_of_the_parent_has_ended_in_a_child_by_every_observer() {
    child::passes(&[], || {
        let (gate, runs) = (Arc::new(Event::new()), Arc::new(AtomicUsize::new(0)));
        let (pool, [running, queued]) = busy_pool(&gate, &runs);
        let mut iterated = pool::as_completed([0; 2].map(|n| pool.submit(move || n).unwrap()));
        let mut polled = pin!(pool.submit(|| ()).unwrap());
        assert!(poll(polled.as_mut()).is_pending());
        in_a_child(
            || gate.set(),
            || {
                for job in [&running, &queued] {
                    assert!(job.is_done() && !job.is_running() && !job.cancel());
                    assert_eq!(
                        (job.wait(), job.wait_timeout(SOON)),
                        (Outcome::Forked, Ok(Outcome::Forked))
                    );
                    let (outcome, sets) = shared(Mutex::new(None));
                    job.on_done(move |outcome| *sets.lock().unwrap() = Some(outcome));
                    assert_eq!(*outcome.lock().unwrap(), Some(Outcome::Forked));
                }
                pool::wait([&running, &queued], Until::All);
                assert_eq!(pool::as_completed([&running, &queued]).count(), 2);
                assert_eq!(iterated.by_ref().count(), 2);
                assert!(matches!(poll(polled), Poll::Ready(Err(JobError::Forked))));
                assert!(matches!(running.result(), Err(JobError::Forked)));
                assert!(matches!(poll(pin!(queued)), Poll::Ready(Err(JobError::Forked))));
            },
        );
    });
}

#[test]
fn a_job_that_had_ended_keeps_its_result_in_a_child() {
    child::passes(&[], || {
        let pool = ThreadPool::new(1);
        let returned = pool.submit(|| "cloth".to_owned()).unwrap();
        let failed = pool.submit(|| panic!("no yarn")).unwrap();
        pool::wait([&failed], Until::All);
        let check = || {
            assert_eq!(returned.result().unwrap(), "cloth");
            assert_eq!(failed.result().unwrap_err().message(), Some("no yarn"));
        };
        in_a_child(|| (), check);
    });
}

/// Forks in the calling worker, when the event is set. The child returns.
fn fork_when(event: &Event) {
    event.wait();
    let end = fork_here();
    assert!(
        end.is_none_or(|end| end == SUCCESS),
        "the child's only thread has ended"
    );
}

#[test]
fn a_worker_that_forks_in_a_job_or_its_initializer_runs_no_other_job_in_the_child() {
    child::passes(&[], || {
        for in_initializer in [false, true] {
            let ((gate, waits), (count, shared_count)) = (shared(Event::new()), shared(SharedCount::new()));
            let forks = move || fork_when(&waits);
            let builder = pool::Builder::new().workers(1);
            let (pool, first) = if in_initializer {
                (builder.initializer(forks).build(), None)
            } else {
                let pool = builder.build();
                let job = pool.submit(forks).unwrap();
                (pool, Some(job))
            };
            let next = pool.submit(move || shared_count.increment()).unwrap();
            gate.set();
            first.into_iter().for_each(|job| job.result().unwrap());
            next.result().unwrap();
            drop(pool);
            assert_eq!(Arc::into_inner(count).unwrap().get(), 1);
        }
    });
}

#[test]
fn an_initializer_that_panics_in_a_child_of_its_own_does_not_break_the_pool() {
    /// Dropped at the end of the worker, which is the child's only thread.
    struct AtTheEnd(Arc<OnceLock<ThreadPool>>);
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            exit(i32::from(self.0.get().unwrap().is_shutdown()));
        }
    }
    thread_local!(static AT_THE_END: OnceCell<AtTheEnd> = const { OnceCell::new() });

    child::passes(&[], || {
        let ((pool, own), (built, waits)) = (shared(OnceLock::new()), shared(Event::new()));
        let initializer = move || {
            waits.wait();
            match fork_here() {
                Some(end) => assert_eq!(end, SUCCESS),
                None => {
                    AT_THE_END.with(|cell| assert!(cell.set(AtTheEnd(Arc::clone(&own))).is_ok()));
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
fn a_child_of_a_bare_system_call_reports_the_fork_itself() {
    child::passes(&[], || {
        let pool = ThreadPool::new(1);
        pool.submit(|| ()).unwrap().result().unwrap();
        super::until_others_block();
        // SAFETY: as in `fork_here`, but unknown to the C library, in which no other thread is.
        let child = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
        if child == 0 {
            run_and_exit(|| {
                // SAFETY: this is the child's only thread.
                unsafe { selvedge::thread::after_fork_in_child() };
                assert_eq!(pool.submit(|| 5).unwrap().result_timeout(SOON).unwrap().unwrap(), 5);
            });
        }
        assert_eq!(await_end(child.try_into().unwrap()), SUCCESS);
    });
}
