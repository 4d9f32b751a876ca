//! `ThreadingExceptionTests`.

use super::program;
use crate::support::{SHORT, panic_of};
use crate::watchdog;
use selvedge::thread::{self, Panicked, Registry, Thread};
use selvedge::{Event, Instant};
use std::sync::Arc;

#[test]
fn joining_current_thread() {
    fn cannot_join(me: &Thread, why: &str) {
        let (join, try_join) = (panic_of(|| me.join()), panic_of(|| me.try_join()));
        let (timed, until) = (
            panic_of(|| me.join_timeout(SHORT)),
            panic_of(|| me.join_deadline(Instant::now())),
        );
        for said in [join, try_join, timed, until] {
            assert!(said.contains(why), "{said}");
        }
    }
    let registry = Registry::new();
    cannot_join(&registry.current(), "can't be joined");
    let theirs = registry.clone();
    let thread = registry
        .builder()
        .spawn(move || cannot_join(&theirs.current(), "can't join itself"))
        .unwrap();
    assert_eq!(watchdog::run(|watch| watch.waits("its end", || thread.join())), Ok(()));
}

fn panics_when_told() -> Panicked {
    let told = Arc::new(Event::new());
    let theirs = Arc::clone(&told);
    let thread = thread::spawn(move || {
        theirs.wait();
        1 / std::hint::black_box(0)
    });
    told.set();
    thread.join().unwrap_err()
}

#[test]
fn print_exception() {
    let program = program::run(|| assert_eq!(panics_when_told().thread(), "Thread-1"));
    assert_eq!((program.code, &*program.said), (Some(0), &[][..]), "{program:?}");
    assert!(program.stderr.contains("thread 'Thread-1'"), "{program:?}");
    assert!(program.stderr.contains("attempt to divide by zero"), "{program:?}");
    assert_eq!(program.stderr.matches("panicked").count(), 1, "{program:?}");
}

#[test]
fn print_exception_stderr_is_none_2() {
    let program = program::run_unread(|| assert_eq!(panics_when_told().message(), Some("attempt to divide by zero")));
    program.assert_well(&[]);
}
