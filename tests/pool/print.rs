//! What is printed of a pool and its kin, and what its errors say.

use super::{hold, pool};
use crate::watchdog;
use selvedge::pool::{Builder, as_completed};
use selvedge::{Job, JobError, Outcome, SubmitError, Until};
use std::error::Error;
use std::io;

#[test]
fn a_pool_shows_its_workers_and_what_is_queued() {
    watchdog::run(|_| {
        let pool = pool(2);
        let shown = |workers, pending, shut_down| {
            format!(
                "ThreadPool {{ max_workers: 2, workers: {workers}, pending: {pending}, shutdown: {shut_down}, broken: false }}"
            )
        };
        assert_eq!(format!("{pool:?}"), shown(0, 0, false));
        let held = [(); 2].map(|()| hold(&pool));
        let job = pool.submit(|| ()).unwrap();
        assert_eq!(format!("{pool:?}"), shown(2, 1, false));
        assert!(
            pool.scope(|scope| format!("{scope:?}"))
                .starts_with("Scope { pool: ThreadPool { max_workers: 2, ")
        );
        held.iter().for_each(|held| held.release());
        job.result().unwrap();
        pool.shutdown();
        assert_eq!(format!("{pool:?}"), shown(2, 0, true));
        let broken = Builder::new().workers(1).initializer(|| panic!("on purpose")).build();
        broken.submit(|| ()).unwrap().wait();
        assert!(format!("{broken:?}").ends_with("shutdown: true, broken: true }"));
        let builder = Builder::new().workers(3).name("loom").stack_size(1 << 20);
        assert_eq!(
            format!("{builder:?}"),
            "Builder { workers: 3, name: \"loom\", stack_size: Some(1048576), .. }"
        );
    });
}

#[test]
fn a_job_shows_how_it_goes() {
    watchdog::run(|_| {
        let pool = pool(1);
        let held = hold(&pool);
        let next = pool.submit(|| ()).unwrap();
        assert_eq!(format!("{:?}", held.job), "Job { outcome: None, running: true }");
        assert_eq!(format!("{next:?}"), "Job { outcome: None, running: false }");
        assert_eq!(format!("{:?}", as_completed([&next])), "AsCompleted { left: 1, .. }");
        assert_eq!(
            format!("{:?}", pool.map_ahead(3, 0..9, |number| number)),
            "Map { ahead: 3, .. }"
        );
        assert!(next.cancel());
        held.release();
        assert_eq!(format!("{:?} {next:?}", held.job).matches("running: false").count(), 2);
        assert_eq!(format!("{next:?}"), "Job { outcome: Some(Cancelled), running: false }");
    });
}

#[test]
fn outcomes_and_what_to_wait_for_have_names() {
    let outcomes = [
        Outcome::Returned,
        Outcome::Panicked,
        Outcome::Cancelled,
        Outcome::Broken,
    ];
    assert_eq!(format!("{outcomes:?}"), "[Returned, Panicked, Cancelled, Broken]");
    let until = [Until::All, Until::FirstCompleted, Until::FirstFailed];
    assert_eq!(format!("{until:?}"), "[All, FirstCompleted, FirstFailed]");
}

#[test]
fn a_job_error_says_what_happened() {
    let shown = |error: JobError| {
        (
            format!("{error:?}"),
            error.to_string(),
            error.message().map(str::to_owned),
        )
    };
    let expected =
        |debug: &str, said: &str, message: Option<&str>| (debug.into(), said.into(), message.map(Into::into));
    assert_eq!(
        shown(JobError::Cancelled),
        expected("Cancelled", "the job was cancelled", None)
    );
    assert_eq!(
        shown(JobError::Broken),
        expected("Broken", "the pool's initializer has panicked", None)
    );
    let literal = JobError::Panicked(Box::new("no yarn"));
    assert_eq!(
        shown(literal),
        expected(
            "Panicked(Some(\"no yarn\"))",
            "the job panicked: no yarn",
            Some("no yarn")
        )
    );
    let text = JobError::Panicked(Box::new(String::from("no yarn")));
    assert_eq!(text.to_string(), "the job panicked: no yarn");
    assert_eq!(
        shown(JobError::Panicked(Box::new(7))),
        expected("Panicked(None)", "the job panicked", None)
    );
    let boxed: Box<dyn Error + Send> = Box::new(JobError::Cancelled);
    assert!(boxed.source().is_none());
}

/// A function that can do nothing.
struct Opaque;

#[test]
fn a_submit_error_says_what_happened_and_gives_the_function_back() {
    let refused = || io::Error::from(io::ErrorKind::OutOfMemory);
    let shown = |error: &SubmitError<Opaque>| (format!("{error:?}"), error.to_string(), error.source().is_some());
    let expected = |debug: &str, said: &str, has_source| (debug.into(), said.into(), has_source);
    let shut_down = SubmitError::ShutDown(Opaque);
    assert_eq!(
        shown(&shut_down),
        expected("ShutDown(..)", "the pool is shut down", false)
    );
    let broken = SubmitError::Broken(Opaque);
    assert_eq!(
        shown(&broken),
        expected("Broken(..)", "the pool's initializer has panicked", false)
    );
    let no_thread = SubmitError::NoThread(Opaque, refused());
    let debug = format!("NoThread(.., {:?})", refused());
    assert_eq!(
        shown(&no_thread),
        expected(&debug, "the pool could not start a thread", true)
    );
    assert_eq!(no_thread.source().unwrap().to_string(), refused().to_string());
    let _: [Opaque; 3] = [shut_down, broken, no_thread].map(SubmitError::into_inner);
}

/// As `?` has it in a program.
#[test]
fn both_errors_go_into_a_box() {
    fn program(pool: &selvedge::ThreadPool) -> Result<u8, Box<dyn Error>> {
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
