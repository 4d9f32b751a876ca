//! Waiting for a thread's end: laws TH2, TH3, TH4 and TH8.

use super::{Drops, Token, gated, join_by};
use crate::forms::{BLOCKING, EXPIRING, Form, blocking};
use crate::support::{SpinBarrier, shared};
use crate::watchdog;
use selvedge::Event;
use selvedge::thread::{self, JoinError, Panicked, Registry};
use std::cell::RefCell;
use std::collections::HashSet;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Law TH3.
#[test]
fn a_join_that_times_out_has_no_effect() {
    for form in BLOCKING {
        let (gate, thread) = gated(|| 42);
        for timed in EXPIRING {
            let start = std::time::Instant::now();
            assert_eq!(join_by(&thread, timed), Err(JoinError::TimedOut));
            assert!(start.elapsed() >= timed.timeout(), "{timed:?} gave up early");
            assert!(thread.is_alive() && thread.take_result().is_none());
        }
        gate.set();
        for form in [form].into_iter().chain(EXPIRING).chain(BLOCKING) {
            assert_eq!(join_by(&thread, form), Ok(()), "any number of times");
            assert!(!thread.is_alive());
        }
        assert_eq!(thread.take_result(), Some(42));
    }
}

#[test]
fn the_end_is_reported_to_every_blocked_joiner() {
    watchdog::run(|watch| {
        for round in 0..40 {
            let panics = round % 2 == 0;
            let (gate, thread) = gated(move || assert!(!panics, "the thread {}", "broke"));
            let joiner = |(number, form): (usize, Form)| {
                let thread = thread.thread().clone();
                watch.spawn(format!("joiner {number}"), move |role| {
                    let result = role.waits("join", || join_by(&thread, form));
                    assert!(!thread.is_alive() && !thread::enumerate().contains(&thread), "law TH6");
                    result
                })
            };
            let joiners: Vec<_> = blocking(8).enumerate().map(joiner).collect();
            joiners.iter().for_each(|joiner| joiner.until_blocked());
            gate.set();
            for joiner in joiners {
                match joiner.join() {
                    Ok(()) => assert!(!panics),
                    Err(JoinError::Panicked(error)) => {
                        assert_eq!((error.thread(), error.message()), ("gated", Some("the thread broke")));
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    });
}

fn panicked(end: impl FnOnce() + Send + 'static) -> Panicked {
    let (gate, thread) = gated(end);
    gate.set();
    let error = thread.join().unwrap_err();
    for form in EXPIRING.into_iter().chain(BLOCKING) {
        assert_eq!(join_by(&thread, form), Err(error.clone().into()), "any number of times");
    }
    error
}

#[test]
fn a_panic_is_reported_with_its_message() {
    let (text, other) = (panicked(|| panic!("a text")), panicked(|| panic_any(())));
    assert_eq!(
        (text.thread(), text.message(), other.message()),
        ("gated", Some("a text"), None)
    );
    assert_eq!(
        panicked(|| panic_any(String::from("a string"))).message(),
        Some("a string")
    );
    assert_eq!(panicked(|| panic_any(Box::new("boxed"))).message(), None);
    assert_eq!(text.to_string(), "thread 'gated' panicked: a text");
    assert_eq!(other.to_string(), "thread 'gated' panicked");
    assert_ne!(text, other);
    assert_eq!(
        format!("{text:?}"),
        r#"Panicked { thread: "gated", message: Some("a text") }"#
    );
    assert_eq!(JoinError::from(text.clone()).to_string(), text.to_string());
    assert_eq!(JoinError::TimedOut.to_string(), "timed out");
}

/// A thread-local whose drop blocks.
struct AtExit(Arc<Event>, #[expect(dead_code, reason = "it is dropped")] Token);

impl Drop for AtExit {
    fn drop(&mut self) {
        self.0.wait();
    }
}

thread_local!(static AT_EXIT: RefCell<Option<AtExit>> = const { RefCell::new(None) });

#[test]
fn a_join_waits_for_the_system_thread_and_a_timed_one_does_not() {
    watchdog::run(|watch| {
        for _ in 0..20 {
            let (drops, (exit, waits)) = (Drops::default(), shared(Event::new()));
            let at_exit = AtExit(waits, drops.token());
            let (gate, thread) = gated(|| AT_EXIT.set(Some(at_exit)));
            let joiner = |number| {
                let (thread, drops) = (thread.clone(), drops.clone());
                watch.spawn(format!("joiner {number}"), move |role| {
                    role.waits("join", || thread.join()).unwrap();
                    drops.count()
                })
            };
            let joiners = [0, 1, 2, 3].map(joiner);
            gate.set();
            for form in &BLOCKING[1..] {
                assert_eq!(watch.waits("a timed join", || join_by(&thread, *form)), Ok(()));
            }
            assert_eq!((thread.try_join(), drops.count()), (Some(Ok(())), 0));
            joiners.iter().for_each(|joiner| joiner.until_blocked());
            exit.set();
            assert_eq!(joiners.map(|joiner| joiner.join()), [1; 4]);
        }
    });
}

/// The thread that spawned it may not have its handle yet.
#[test]
fn a_thread_found_on_the_registry_can_be_joined_with_its_system_thread() {
    let (registry, over, barrier) = (Registry::new(), AtomicBool::new(false), SpinBarrier::new(2));
    watchdog::run(|watch| {
        let (registry, over, barrier) = (&registry, &over, &barrier);
        let drops = Drops::default();
        let own = drops.clone();
        let finder = watch.spawn("finder", move |role| {
            barrier.wait();
            while !over.load(SeqCst) {
                std::thread::yield_now();
                for thread in registry.enumerate().into_iter().skip(1) {
                    role.waits("join", || thread.join()).unwrap();
                    let number: usize = thread.name().parse().unwrap();
                    assert!(own.count() > number, "{} of {number}", own.count());
                }
            }
        });
        barrier.wait();
        for number in 0..500_u32 {
            let (open, token) = (Arc::new(Event::new()), drops.token());
            open.set();
            let builder = registry.builder().name(number.to_string());
            let thread = builder.spawn(|| AT_EXIT.set(Some(AtExit(open, token))));
            watch.waits("join", || thread.unwrap().join()).unwrap();
        }
        over.store(true, SeqCst);
        finder.join();
    });
}

#[test]
fn a_thread_is_equal_to_itself_only() {
    let ((gate, thread), (other_gate, other)) = (gated(thread::current), gated(|| ()));
    assert_ne!((thread.thread(), thread.id()), (other.thread(), other.id()));
    let clone = thread.thread().clone();
    assert_eq!(HashSet::from([thread.thread(), other.thread(), &clone]).len(), 2);
    let id = thread.id();
    let shown = |alive| format!(r#"Thread {{ name: "gated", id: {id}, daemon: false, alive: {alive} }}"#);
    assert_eq!(
        (format!("{thread:?}"), format!("{:?}", thread.thread())),
        (shown(true), shown(true))
    );
    [gate, other_gate].iter().for_each(|gate| gate.set());
    other.join().unwrap();
    thread.join().unwrap();
    assert_eq!(thread.take_result().as_ref(), Some(thread.thread()));
    assert_eq!(format!("{thread:?}"), shown(false));
}
