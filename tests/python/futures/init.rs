//! `ThreadPoolInitializerTest` and `ThreadPoolFailingInitializerTest`.

use super::Gate;
use crate::python::threading::program;
use crate::watchdog;
use selvedge::pool::Builder;
use selvedge::thread::{Local, Registry};
use selvedge::{JobError, SubmitError};
use std::cell::Cell;
use std::sync::Arc;

const WORKERS: usize = 2;

#[test]
fn initializer() {
    let status = Arc::new(Local::new(|| Cell::new("uninitialized")));
    let theirs = Arc::clone(&status);
    let initialize = move || theirs.with(|status| status.set("initialized"));
    let pool = Builder::new()
        .workers(WORKERS)
        .registry(&Registry::new())
        .initializer(initialize)
        .build();
    let gate = Gate::new();
    let tell = || {
        let status = Arc::clone(&status);
        pool.submit(gate.before(move || status.with(Cell::get))).unwrap()
    };
    let jobs = [(); WORKERS].map(|()| tell());
    watchdog::run(|watch| gate.await_arrivals(watch, WORKERS)); // one at each thread
    gate.open();
    assert_eq!(jobs.map(|job| job.result().unwrap()), ["initialized"; WORKERS]);
    assert_eq!(status.with(Cell::get), "uninitialized");
}

#[test]
fn failing_initializer() {
    let program = program::run(|| {
        let pool = Builder::new()
            .workers(WORKERS)
            .initializer(|| panic!("error in initializer"))
            .build();
        watchdog::run(|watch| {
            // Perhaps a job comes before it fails, and perhaps it is refused.
            for _ in 0..WORKERS {
                match pool.submit(|| unreachable!("no thread can run it")) {
                    Err(refused) => assert!(matches!(refused, SubmitError::Broken(_)), "{refused:?}"),
                    Ok(job) => {
                        let result: Result<(), _> = watch.waits("the result", || job.result());
                        assert!(matches!(result, Err(JobError::Broken)), "{result:?}");
                    }
                }
            }
            watch.until("the break", || pool.is_broken());
        });
        assert!(matches!(pool.submit(|| ()), Err(SubmitError::Broken(_))));
        assert!(pool.is_shutdown());
        program::say("broken");
    });
    assert_eq!(
        (program.code, &*program.said),
        (Some(0), &["broken".to_owned()][..]),
        "{program:?}"
    );
    assert!(program.stderr.contains("error in initializer"), "{program:?}");
}
