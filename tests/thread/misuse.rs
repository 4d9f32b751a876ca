//! Joins that would wait for ever: they panic instead, in each form.

use super::join_by;
use crate::forms::{HASTY, PATIENT};
use crate::support::panic_of;
use crate::watchdog;
use selvedge::thread::{self, Registry, Thread};

fn assert_unjoinable(thread: &Thread, why: &str) {
    for form in HASTY.into_iter().chain(PATIENT) {
        assert_eq!(panic_of(|| join_by(thread, form)), why, "{form:?}");
    }
    assert!(thread.is_alive());
}

#[test]
fn a_thread_that_joins_itself_panics() {
    watchdog::run(|_| {
        let registry = Registry::new();
        let theirs = registry.clone();
        let thread = registry.builder().spawn(move || {
            assert_unjoinable(&theirs.current(), "a thread can't join itself");
            5
        });
        let thread = thread.unwrap();
        thread.join().unwrap();
        assert_eq!(thread.take_result(), Some(5), "it is none the worse for it");
        let failed = thread::spawn(|| thread::current().join());
        assert_eq!(failed.join().unwrap_err().message(), Some("a thread can't join itself"));
    });
}

#[test]
fn a_thread_of_others_cannot_be_joined() {
    const WHY: &str = "a thread that was not started by this crate can't be joined";
    watchdog::run(|watch| {
        let registry = Registry::new();
        assert_unjoinable(&registry.main_thread(), WHY);
        assert_unjoinable(&registry.current(), WHY);
        assert_unjoinable(&thread::main_thread(), WHY);
        assert_unjoinable(&thread::current(), WHY);
        watch
            .spawn("of std", |_| assert_unjoinable(&thread::current(), WHY))
            .join();
        let of_std = watch.spawn("of std", |_| thread::current()).join();
        assert_unjoinable(&of_std, WHY);
        let joins_main = registry.builder().spawn({
            let registry = registry.clone();
            move || assert_unjoinable(&registry.main_thread(), WHY)
        });
        joins_main.unwrap().join().unwrap();
    });
}
