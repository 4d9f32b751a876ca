//! Waiting for a thread's end: laws TH2, TH3, TH4 and TH8.

use super::{Drops, Token, join_by};
use crate::forms::{Form, HASTY, PATIENT, patient};
use crate::support::Line;
use crate::watchdog;
use selvedge::Event;
use selvedge::thread::{self, JoinError, JoinHandle, Panicked, Registry};
use std::cell::RefCell;
use std::collections::HashSet;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// A thread that ends as `end` does once the event is set.
fn gated<T: Send + 'static>(end: impl FnOnce() -> T + Send + 'static) -> (Arc<Event>, JoinHandle<T>) {
    let gate = Arc::new(Event::new());
    let theirs = Arc::clone(&gate);
    let thread = thread::Builder::new().name("joined").spawn(move || {
        theirs.wait();
        end()
    });
    (gate, thread.unwrap())
}

/// Law TH3.
#[test]
fn a_join_that_times_out_loses_nothing() {
    watchdog::run(|watch| {
        for form in PATIENT {
            let (gate, thread) = gated(|| 42);
            for hasty in HASTY {
                let start = std::time::Instant::now();
                assert_eq!(join_by(&thread, hasty), Err(JoinError::TimedOut));
                assert!(start.elapsed() >= hasty.patience(), "{hasty:?} was cut short");
                assert!(thread.is_alive());
                assert_eq!(thread.take_result(), None);
            }
            gate.set();
            assert_eq!(watch.waits("join", || join_by(&thread, form)), Ok(()));
            assert!(!thread.is_alive());
            for form in HASTY.into_iter().chain(PATIENT) {
                assert_eq!(join_by(&thread, form), Ok(()), "any number of times");
            }
            assert_eq!(thread.take_result(), Some(42));
        }
    });
}

/// Eight join in all forms, and sleep when it ends; what they were told.
fn told_to_eight(end: fn()) -> Vec<Result<(), JoinError>> {
    watchdog::run(|watch| {
        let (gate, thread) = gated(end);
        let joiner = |(number, form): (usize, Form)| {
            let thread = thread.thread().clone();
            watch.spawn(format!("joiner {number}"), move |role| {
                let told = role.waits("join", || join_by(&thread, form));
                assert!(!thread.is_alive() && !thread::enumerate().contains(&thread), "law TH6");
                told
            })
        };
        let joiners: Vec<_> = patient(8).enumerate().map(joiner).collect();
        joiners.iter().for_each(|joiner| joiner.until_asleep());
        gate.set();
        joiners.into_iter().map(|joiner| joiner.join()).collect()
    })
}

#[test]
fn all_who_sleep_are_told_of_the_end() {
    for _ in 0..20 {
        assert_eq!(told_to_eight(|| ()), vec![Ok(()); 8]);
    }
}

#[test]
fn all_who_sleep_are_told_of_a_panic() {
    for _ in 0..20 {
        let told = told_to_eight(|| panic!("the thread {}", "broke"));
        assert_eq!(told.len(), 8);
        for error in told {
            let Err(JoinError::Panicked(panicked)) = error else {
                panic!("told {error:?}")
            };
            assert_eq!(
                (panicked.thread(), panicked.message()),
                ("joined", Some("the thread broke"))
            );
        }
    }
}

fn failure(end: impl FnOnce() + Send + 'static) -> Panicked {
    watchdog::run(|_| {
        let (gate, thread) = gated(end);
        assert_eq!(thread.try_join(), None);
        gate.set();
        let failure = thread.join().unwrap_err();
        for form in HASTY.into_iter().chain(PATIENT) {
            assert_eq!(
                join_by(&thread, form),
                Err(failure.clone().into()),
                "any number of times"
            );
        }
        assert_eq!(thread.try_join(), Some(Err(failure.clone())));
        failure
    })
}

#[test]
fn a_panic_is_told_with_its_message() {
    assert_eq!(failure(|| panic!("a text")).message(), Some("a text"));
    assert_eq!(
        failure(|| panic_any(String::from("a string"))).message(),
        Some("a string")
    );
    assert_eq!(failure(|| panic_any(7)).message(), None);
    assert_eq!(failure(|| panic_any(Box::new("boxed"))).message(), None);
    let (text, other) = (failure(|| panic!("a text")), failure(|| panic_any(())));
    assert_eq!(text.thread(), "joined");
    assert_eq!(
        (text.to_string(), other.to_string()),
        (
            "thread 'joined' panicked: a text".to_owned(),
            "thread 'joined' panicked".to_owned()
        )
    );
    assert_ne!(text, other);
    assert_eq!(
        format!("{text:?}"),
        r#"Panicked { thread: "joined", message: Some("a text") }"#
    );
    assert_eq!(JoinError::from(text.clone()).to_string(), text.to_string());
    assert_eq!(JoinError::TimedOut.to_string(), "timed out");
    static_assertions::assert_impl_all!(JoinError: std::error::Error, Send, Sync);
    static_assertions::assert_impl_all!(Panicked: std::error::Error, Send, Sync);
}

struct AtExit(Arc<Event>, #[expect(dead_code, reason = "it is dropped")] Token);

impl Drop for AtExit {
    fn drop(&mut self) {
        self.0.wait();
    }
}

thread_local!(static AT_EXIT: RefCell<Option<AtExit>> = const { RefCell::new(None) });

#[test]
fn a_join_waits_for_the_system_and_a_timed_one_does_not() {
    watchdog::run(|watch| {
        for _ in 0..20 {
            let (drops, exit) = (Drops::default(), Arc::new(Event::new()));
            let at_exit = AtExit(Arc::clone(&exit), drops.token());
            let (gate, thread) = gated(|| AT_EXIT.set(Some(at_exit)));
            let joiner = |number| {
                let (thread, drops) = (thread.clone(), drops.clone());
                watch.spawn(format!("joiner {number}"), move |role| {
                    role.waits("join", || thread.join()).unwrap();
                    drops.count()
                })
            };
            let joiners: Vec<_> = (0..4).map(joiner).collect();
            gate.set();
            for form in &PATIENT[1..] {
                assert_eq!(watch.waits("a timed join", || join_by(&thread, *form)), Ok(()));
            }
            assert_eq!((thread.try_join(), drops.count()), (Some(Ok(())), 0));
            joiners.iter().for_each(|joiner| joiner.until_asleep());
            exit.set();
            assert_eq!(
                joiners.into_iter().map(|joiner| joiner.join()).collect::<Vec<_>>(),
                [1; 4]
            );
        }
    });
}

/// Found on the registry, a thread may not yet be known to its starter.
#[test]
fn whoever_finds_a_thread_can_wait_for_the_system_too() {
    let (registry, over, line) = (Registry::new(), AtomicBool::new(false), Line::new(2));
    watchdog::run(|watch| {
        let (registry, over, line) = (&registry, &over, &line);
        let drops = Drops::default();
        let theirs = drops.clone();
        let finder = watch.spawn("finder", move |role| {
            line.cross();
            while !over.load(SeqCst) {
                std::thread::yield_now();
                for thread in registry.enumerate().into_iter().skip(1) {
                    role.waits("join", || thread.join()).unwrap();
                    let number: usize = thread.name().parse().unwrap();
                    assert!(theirs.count() > number, "{} of {number}", theirs.count());
                }
            }
        });
        line.cross();
        for number in 0..500_u32 {
            let (open, token) = (Arc::new(Event::new()), drops.token());
            open.set();
            let thread = registry
                .builder()
                .name(number.to_string())
                .spawn(|| AT_EXIT.set(Some(AtExit(open, token))));
            watch.waits("join", || thread.unwrap().join()).unwrap();
        }
        over.store(true, SeqCst);
        finder.join();
    });
}

#[test]
fn a_thread_is_equal_to_itself_alone() {
    watchdog::run(|_| {
        let (gate, thread) = gated(thread::current);
        let (other_gate, other) = gated(|| ());
        assert_ne!(thread.thread(), other.thread());
        assert_ne!(thread.id(), other.id());
        assert_eq!(
            HashSet::from([thread.thread(), other.thread(), &thread.thread().clone()]).len(),
            2
        );
        let shown = |alive| {
            format!(
                r#"Thread {{ name: "joined", id: {}, daemon: false, alive: {alive} }}"#,
                thread.id()
            )
        };
        assert_eq!(
            (format!("{thread:?}"), format!("{:?}", thread.thread())),
            (shown(true), shown(true))
        );
        gate.set();
        other_gate.set();
        other.join().unwrap();
        thread.join().unwrap();
        assert_eq!(thread.take_result().as_ref(), Some(thread.thread()));
        assert_eq!(format!("{thread:?}"), shown(false));
    });
}
