//! Joining all threads: the three forms of `join_all`, and guards that join at the exit.

use super::{Drops, gated_on};
use crate::forms::{BLOCKING, EXPIRING, Form};
use crate::support::{SHORT, shared};
use crate::{child, watchdog};
use selvedge::thread::{self, Registry};
use selvedge::{Event, Instant, TimedOut};

fn join_all_by(registry: &Registry, form: Form) -> Result<(), TimedOut> {
    match form {
        Form::Plain => {
            registry.join_all();
            Ok(())
        }
        Form::Try => registry.join_all_deadline(Instant::now()),
        Form::Timeout(time) => registry.join_all_timeout(time),
        Form::Deadline(time) => registry.join_all_deadline(Instant::now() + time),
    }
}

fn spawn(registry: &Registry, daemon: bool, run: impl FnOnce() + Send + 'static) {
    registry.builder().daemon(daemon).spawn(run).unwrap();
}

#[test]
fn without_threads_it_returns_immediately() {
    let registry = &Registry::new();
    watchdog::run(|watch| {
        for form in EXPIRING.into_iter().chain(BLOCKING) {
            assert_eq!(join_all_by(registry, form), Ok(()), "it does not wait for the caller");
            let other = watch.spawn("other", move |_| join_all_by(registry, form));
            assert_eq!(other.join(), Ok(()), "nor for the registry's main thread");
        }
        drop(registry.exit_guard());
    });
}

#[test]
fn it_returns_when_all_threads_have_ended_or_panicked() {
    watchdog::run(|watch| {
        for form in BLOCKING {
            let (registry, drops) = (&Registry::new(), Drops::default());
            let start = |n| {
                let token = drops.token();
                gated_on(registry, move || {
                    drop(token);
                    assert!(n != 3, "one fails");
                })
            };
            let threads: Vec<_> = (0..8).map(start).collect();
            assert!(
                EXPIRING
                    .into_iter()
                    .all(|form| join_all_by(registry, form) == Err(TimedOut))
            );
            let joiner = watch.spawn("joiner", {
                let registry = registry.clone();
                move |role| role.waits("join_all", || join_all_by(&registry, form))
            });
            joiner.until_blocked();
            threads.iter().for_each(|(gate, _)| gate.set());
            assert_eq!(joiner.join(), Ok(()));
            assert_eq!((drops.count(), registry.active_count()), (8, 1));
        }
    });
}

/// No observer sees a thread that is off the registry and alive.
#[test]
fn a_thread_that_it_has_waited_for_is_not_alive() {
    let registry = Registry::new();
    for form in BLOCKING.into_iter().chain(EXPIRING).cycle().take(300) {
        let thread = registry.builder().spawn(|| ()).unwrap();
        while join_all_by(&registry, form).is_err() {}
        assert!(!thread.is_alive(), "{form:?}");
    }
}

#[test]
fn a_thread_that_calls_it_does_not_wait_for_itself() {
    for form in BLOCKING {
        let (registry, drops) = (Registry::new(), Drops::default());
        let (own, token) = (registry.clone(), drops.token());
        let count = super::on_a_thread(&registry, move || {
            spawn(&own, false, move || drop(token));
            join_all_by(&own, form).unwrap();
            drops.count()
        });
        assert_eq!(count, 1);
    }
}

/// A program whose `main` ends, by a panic or not, while threads still run.
fn program(panics: bool) {
    let _guard = thread::exit_guard();
    let until_main_has_ended = || (0..100).for_each(|_| std::thread::yield_now());
    thread::spawn(move || {
        until_main_has_ended();
        drop(thread::spawn(move || {
            until_main_has_ended();
            println!("the grandchild has ended");
        }));
        println!("the child has ended");
    });
    let daemon = thread::Builder::new().daemon(true).spawn(|| {
        thread::spawn(|| Event::new().wait()); // a daemon as well, which never ends
        Event::new().wait();
        println!("the daemon has ended");
    });
    assert!(daemon.unwrap().is_alive());
    assert!(!panics, "main fails");
}

#[test]
fn a_program_ends_after_its_threads_but_not_after_its_daemons_also_by_a_panic() {
    for variables in [&[][..], &[("MAIN_PANICS", "")]] {
        let Some(output) = child::run(variables, || program(std::env::var_os("MAIN_PANICS").is_some())) else {
            return;
        };
        let (printed, errors) = (child::text(&output.stdout), child::text(&output.stderr));
        assert_eq!(output.status.success(), variables.is_empty(), "{output:?}");
        assert_eq!(errors.contains("main fails"), !variables.is_empty(), "{errors}");
        for (text, expected) in [("the child", true), ("the grandchild", true), ("the daemon", false)] {
            assert_eq!(printed.contains(&format!("{text} has ended")), expected, "{printed}");
        }
    }
}

#[test]
fn the_threads_of_the_program_are_joined_in_three_forms() {
    child::passes(&[], || {
        let join_all: [fn(); 3] = [
            thread::join_all,
            || thread::join_all_timeout(std::time::Duration::MAX).unwrap(),
            || thread::join_all_deadline(Instant::now() + std::time::Duration::MAX).unwrap(),
        ];
        for join_all in join_all {
            let (drops, (gate, waits)) = (Drops::default(), shared(Event::new()));
            let token = drops.token();
            thread::spawn(move || {
                waits.wait();
                drop(token);
            });
            assert_eq!(thread::join_all_timeout(SHORT), Err(TimedOut));
            assert_eq!(thread::join_all_deadline(Instant::now()), Err(TimedOut));
            gate.set();
            join_all();
            assert_eq!((drops.count(), thread::active_count()), (1, 1));
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn no_thread_of_the_system_remains() {
    child::passes(&[], || {
        let (before, registry) = (child::threads(), Registry::new());
        for round in 0..20 {
            let threads: Vec<_> = (0..10).map(|_| registry.builder().spawn(|| ()).unwrap()).collect();
            match round % 3 {
                0 => threads.iter().for_each(|thread| thread.join().unwrap()),
                1 => drop(threads),
                _ => spawn(&registry, false, || panic!("on purpose")),
            }
        }
        registry.join_all();
        child::until_threads(before);
        assert_eq!(registry.active_count(), 1);
    });
}
