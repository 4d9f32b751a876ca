//! Joins that would never return: they panic in each form.

use super::{join_by, on_a_thread};
use crate::forms::{BLOCKING, EXPIRING};
use crate::support::panic_of;
use selvedge::thread::{self, Registry, Thread};

fn assert_unjoinable(thread: &Thread, why: &str) {
    for form in EXPIRING.into_iter().chain(BLOCKING) {
        assert_eq!(panic_of(|| join_by(thread, form)), why, "{form:?}");
    }
    assert!(thread.is_alive());
}

#[test]
fn a_thread_that_joins_itself_panics() {
    const WHY: &str = "a thread can't join itself";
    let registry = Registry::new();
    let own = registry.clone();
    on_a_thread(&registry, move || assert_unjoinable(&own.current(), WHY));
    let failed = thread::spawn(|| thread::current().join());
    assert_eq!(failed.join().unwrap_err().message(), Some(WHY));
}

#[test]
fn a_thread_that_selvedge_has_not_started_cannot_be_joined() {
    const WHY: &str = "a thread that was not started by this crate can't be joined";
    let registry = Registry::new();
    for thread in [
        registry.main_thread(),
        registry.current(),
        thread::main_thread(),
        thread::current(),
    ] {
        assert_unjoinable(&thread, WHY);
    }
    let foreign = std::thread::spawn(|| {
        assert_unjoinable(&thread::current(), WHY);
        thread::current()
    });
    assert_unjoinable(&foreign.join().unwrap(), WHY);
    let own = registry.clone();
    on_a_thread(&registry, move || assert_unjoinable(&own.main_thread(), WHY));
}
