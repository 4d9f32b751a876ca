//! What `test_concurrent_futures` checks and no behaviour test does. For futures that are set by hand there are jobs
//! that wait for an event.

use crate::watchdog;
use selvedge::pool::{Builder, as_completed, wait, wait_deadline, wait_timeout};
use selvedge::thread::Registry;
use selvedge::{Event, Instant, Job, ThreadPool, Until};
use std::sync::Arc;
use std::time::Duration;

/// A pool of one or more workers, one of which runs a job that blocks until `open` is set or this is dropped.
struct Blocked {
    open: Arc<Event>,
    job: Job<()>,
    pool: ThreadPool,
}

impl Blocked {
    fn new(workers: usize) -> Blocked {
        let pool = Builder::new().workers(workers).registry(&Registry::new()).build();
        let open = Arc::new(Event::new());
        let opened = Arc::clone(&open);
        let job = pool.submit(move || opened.wait()).unwrap();
        Blocked { open, job, pool }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        self.open.set();
    }
}

/// No call with a timeout or a deadline gives up early.
#[test]
fn timeout() {
    const TIME: Duration = Duration::from_millis(30);
    fn times_out<T, E>(call: &str, wait: impl FnOnce() -> Result<T, E>) {
        let start = std::time::Instant::now();
        assert!(wait().is_err(), "{call} did not time out");
        assert!(start.elapsed() >= TIME, "{call} gave up early");
    }
    let mut blocked = Blocked::new(1);
    let at = || Instant::now() + TIME;
    times_out("Job::wait_timeout", || blocked.job.wait_timeout(TIME));
    times_out("Job::wait_deadline", || blocked.job.wait_deadline(at()));
    times_out("Job::result_timeout", || blocked.job.result_timeout(TIME));
    times_out("Job::result_deadline", || blocked.job.result_deadline(at()));
    let Blocked { job, pool, .. } = &blocked;
    times_out("wait_timeout", || wait_timeout([job], Until::All, TIME));
    times_out("wait_deadline", || wait_deadline([job], Until::All, at()));
    times_out("AsCompleted::next_timeout", || as_completed([job]).next_timeout(TIME));
    times_out("AsCompleted::next_deadline", || as_completed([job]).next_deadline(at()));
    times_out("Map::next_timeout", || pool.map([1], |n| n).next_timeout(TIME));
    times_out("Map::next_deadline", || pool.map([1], |n| n).next_deadline(at()));
}

#[test]
fn duplicate_futures() {
    let blocked = &Blocked::new(1);
    let jobs = [&blocked.job; 3];
    watchdog::run(|watch| {
        let waiter = watch.spawn("waiter", move |role| role.waits("wait", || wait(jobs, Until::All)));
        let iterator = watch.spawn("iterator", move |role| {
            role.waits("as_completed", || as_completed(jobs).count())
        });
        waiter.until_blocked();
        iterator.until_blocked();
        blocked.open.set();
        waiter.join();
        assert_eq!(iterator.join(), 3, "the job is yielded as often as it was given");
    });
}

#[test]
fn first_exception_one_already_failed() {
    let blocked = Blocked::new(2);
    let failed = blocked.pool.submit(|| panic!("on purpose")).unwrap();
    failed.wait();
    watchdog::run(|watch| watch.waits("wait", || wait([&failed, &blocked.job], Until::FirstFailed)));
    assert!(!blocked.job.is_done());
}
