//! `Debug` and `Display` of pools, jobs and errors.

use super::{occupy, pool};
use crate::watchdog;
use selvedge::pool::{Builder, as_completed};
use selvedge::{Job, JobError, SubmitError, ThreadPool};
use std::error::Error;
use std::io;

#[test]
fn debug_of_a_pool_shows_its_workers_and_queued_jobs() {
    watchdog::run(|_| {
        let pool = pool(2);
        let shown = |workers, pending, shut_down| {
            format!(
                "ThreadPool {{ max_workers: 2, workers: {workers}, pending: {pending}, shutdown: {shut_down}, broken: false }}"
            )
        };
        assert_eq!(format!("{pool:?}"), shown(0, 0, false));
        let busy = [(); 2].map(|()| occupy(&pool));
        let job = pool.submit(|| ()).unwrap();
        assert_eq!(format!("{pool:?}"), shown(2, 1, false));
        let scope = pool.scope(|scope| format!("{scope:?}"));
        assert!(scope.starts_with("Scope { pool: ThreadPool { max_workers: 2, "));
        busy.iter().for_each(|worker| worker.release());
        job.result().unwrap();
        pool.shutdown();
        assert_eq!(format!("{pool:?}"), shown(2, 0, true));
        let broken = Builder::new().workers(1).initializer(|| panic!("on purpose")).build();
        broken.submit(|| ()).unwrap().wait();
        assert!(format!("{broken:?}").ends_with("shutdown: true, broken: true }"));
        let builder = Builder::new().workers(3).name("loom").stack_size(1 << 20);
        let shown = "Builder { workers: 3, name: \"loom\", stack_size: Some(1048576), .. }";
        assert_eq!(format!("{builder:?}"), shown);
    });
}

#[test]
fn debug_of_a_job_shows_its_outcome() {
    watchdog::run(|_| {
        let pool = pool(1);
        let busy = occupy(&pool);
        let next = pool.submit(|| ()).unwrap();
        assert_eq!(format!("{:?}", busy.job), "Job { outcome: None, running: true }");
        assert_eq!(format!("{next:?}"), "Job { outcome: None, running: false }");
        assert_eq!(format!("{:?}", as_completed([&next])), "AsCompleted { left: 1, .. }");
        let map = pool.map_ahead(3, 0..9, |number| number);
        assert_eq!(format!("{map:?}"), "Map { ahead: 3, .. }");
        assert!(next.cancel());
        assert_eq!(format!("{next:?}"), "Job { outcome: Some(Cancelled), running: false }");
        busy.release();
        let returned = format!("{:?}", busy.job);
        assert_eq!(returned, "Job { outcome: Some(Returned), running: false }");
    });
}

#[test]
fn a_job_error_shows_its_cause() {
    let text = || Box::new(String::from("no yarn"));
    let panicked = "Panicked(Some(\"no yarn\")): the job panicked: no yarn";
    let broken = "Broken: the pool's initializer has panicked";
    let no_text = "Panicked(None): the job panicked";
    for (error, shown, message) in [
        (JobError::Cancelled, "Cancelled: the job was cancelled", None),
        (JobError::Broken, broken, None),
        (JobError::Panicked(Box::new("no yarn")), panicked, Some("no yarn")),
        (JobError::Panicked(text()), panicked, Some("no yarn")),
        (JobError::Panicked(Box::new(7)), no_text, None),
    ] {
        assert_eq!(format!("{error:?}: {error}"), shown);
        assert_eq!((error.message(), error.source().is_none()), (message, true));
    }
}

/// A function without any trait.
struct Opaque;

#[test]
fn a_submit_error_shows_its_cause_and_returns_the_function() {
    let refused = || io::Error::from(io::ErrorKind::OutOfMemory);
    let shut_down = "ShutDown(..): the pool is shut down";
    let broken = "Broken(..): the pool's initializer has panicked";
    let no_thread = format!("NoThread(.., {:?}): the pool could not start a thread", refused());
    for (error, shown, source) in [
        (SubmitError::ShutDown(Opaque), shut_down, None),
        (SubmitError::Broken(Opaque), broken, None),
        (SubmitError::NoThread(Opaque, refused()), &no_thread, Some(refused())),
    ] {
        assert_eq!(format!("{error:?}: {error}"), shown);
        let text = |source: &dyn ToString| source.to_string();
        assert_eq!(error.source().map(|it| text(&it)), source.map(|it| text(&it)));
        let Opaque = error.into_inner();
    }
}

#[test]
fn the_question_mark_boxes_both_errors() {
    fn program(pool: &ThreadPool) -> Result<u8, Box<dyn Error>> {
        let job: Job<u8> = pool.submit(|| 7)?;
        Ok(job.result()?)
    }
    watchdog::run(|_| {
        let pool = pool(1);
        assert_eq!(program(&pool).unwrap(), 7);
        pool.shutdown();
        assert_eq!(program(&pool).unwrap_err().to_string(), "the pool is shut down");
    });
}
