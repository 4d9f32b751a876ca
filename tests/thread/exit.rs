//! Waiting for everybody: the three forms of `join_all`, and guards that do it at the exit.

use super::{Drops, Token};
use crate::forms::{Form, HASTY, PATIENT};
use crate::support::panic_of;
use crate::{child, watchdog};
use selvedge::thread::{self, Registry};
use selvedge::{Event, Instant, TimedOut};
use std::sync::Arc;

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

fn start(registry: &Registry, daemon: bool, run: impl FnOnce() + Send + 'static) {
    registry.builder().daemon(daemon).spawn(run).unwrap();
}

#[test]
fn nobody_waits_for_nobody() {
    let registry = Registry::new();
    watchdog::run(|watch| {
        for form in HASTY.into_iter().chain(PATIENT) {
            assert_eq!(
                watch.waits("join_all", || join_all_by(&registry, form)),
                Ok(()),
                "not for itself"
            );
            let by_another = watch.spawn("another", {
                let registry = &registry;
                move |role| role.waits("join_all", || join_all_by(registry, form))
            });
            assert_eq!(by_another.join(), Ok(()), "nor for who made the registry");
        }
        drop(registry.exit_guard());
    });
}

#[test]
fn all_threads_have_ended_then() {
    watchdog::run(|watch| {
        for form in PATIENT {
            let (registry, drops, gate) = (Registry::new(), Drops::default(), Arc::new(Event::new()));
            for _ in 0..8 {
                let (token, gate) = (drops.token(), Arc::clone(&gate));
                start(&registry, false, move || {
                    gate.wait();
                    drop(token);
                });
            }
            for hasty in HASTY {
                assert_eq!(join_all_by(&registry, hasty), Err(TimedOut));
            }
            let joiner = watch.spawn("joiner", {
                let registry = registry.clone();
                move |role| role.waits("join_all", || join_all_by(&registry, form))
            });
            joiner.until_asleep();
            gate.set();
            assert_eq!(joiner.join(), Ok(()));
            assert_eq!((drops.count(), registry.active_count()), (8, 1));
        }
    });
}

/// A thread is seen off the registry and alive by nobody.
#[test]
fn whoever_was_waited_for_is_not_alive() {
    watchdog::run(|_| {
        let registry = Registry::new();
        for form in PATIENT.into_iter().chain(HASTY).cycle().take(300) {
            let thread = registry.builder().spawn(|| ()).unwrap();
            while join_all_by(&registry, form).is_err() {}
            assert!(!thread.is_alive(), "{form:?}");
        }
    });
}

#[test]
fn those_that_threads_start_are_waited_for_too() {
    fn generations(registry: Registry, left: usize, drops: Drops) {
        let token: Token = drops.token();
        if left > 0 {
            let theirs = registry.clone();
            start(&registry, false, move || generations(theirs, left - 1, drops));
        }
        drop(token); // slowly: its child may end before it, or after
    }
    watchdog::run(|watch| {
        for form in PATIENT {
            let (registry, drops) = (Registry::new(), Drops::default());
            generations(registry.clone(), 20, drops.clone());
            watch.waits("join_all", || join_all_by(&registry, form)).unwrap();
            assert_eq!((drops.count(), registry.active_count()), (21, 1));
        }
    });
}

#[test]
fn daemons_are_left_alone() {
    watchdog::run(|watch| {
        let (registry, gate) = (Registry::new(), Arc::new(Event::new()));
        for daemon in [true, false, true] {
            let gate = Arc::clone(&gate);
            start(&registry, daemon, move || {
                if daemon {
                    gate.wait()
                }
            });
        }
        for form in PATIENT {
            assert_eq!(watch.waits("join_all", || join_all_by(&registry, form)), Ok(()));
            assert_eq!(registry.active_count(), 3);
        }
        drop(registry.exit_guard());
        gate.set();
    });
}

#[test]
fn a_thread_that_joins_all_leaves_itself_out() {
    watchdog::run(|watch| {
        for form in PATIENT {
            let (registry, drops) = (Registry::new(), Drops::default());
            let token = drops.token();
            let theirs = registry.clone();
            let thread = registry.builder().spawn(move || {
                start(&theirs, false, move || drop(token));
                join_all_by(&theirs, form).unwrap();
                drops.count()
            });
            let thread = thread.unwrap();
            watch.waits("join", || thread.join()).unwrap();
            assert_eq!(thread.take_result(), Some(1));
        }
    });
}

#[test]
fn a_panic_does_not_keep_join_all() {
    watchdog::run(|watch| {
        let registry = Registry::new();
        start(&registry, false, || panic!("before the exit"));
        watch.waits("join_all", || registry.join_all());
        assert_eq!(registry.active_count(), 1);
    });
}

#[test]
fn a_guard_waits_when_it_is_dropped_by_a_panic_too() {
    watchdog::run(|_| {
        for panics in [false, true] {
            let (registry, drops) = (Registry::new(), Drops::default());
            let main = || {
                let _guard = registry.exit_guard();
                for _ in 0..4 {
                    let token = drops.token();
                    start(&registry, false, move || drop(token));
                }
                if panics {
                    panic!("of main");
                }
            };
            if panics {
                assert_eq!(panic_of(main), "of main");
            } else {
                main();
            }
            assert_eq!((drops.count(), registry.active_count()), (4, 1));
        }
    });
}

/// A program in which `main` ends, by a panic or not, while threads still run.
fn program(panics: bool) {
    let _guard = thread::exit_guard();
    let until_main_is_over = || (0..100).for_each(|_| std::thread::yield_now());
    thread::spawn(move || {
        until_main_is_over();
        let grandchild = thread::spawn(move || {
            until_main_is_over();
            println!("the grandchild has ended");
        });
        drop(grandchild);
        println!("the child has ended");
    });
    let daemon = thread::Builder::new().daemon(true).spawn(|| {
        thread::spawn(|| Event::new().wait()); // for ever, and a daemon as well
        Event::new().wait();
        println!("the daemon has ended");
    });
    assert!(daemon.unwrap().is_alive());
    assert!(!panics, "main fails");
}

#[test]
fn a_program_ends_after_its_threads_but_not_its_daemons() {
    let Some(output) = child::run(&[], || program(false)) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let printed = child::text(&output.stdout);
    assert!(
        printed.contains("the child has ended") && printed.contains("the grandchild has ended"),
        "{printed}"
    );
    assert!(!printed.contains("the daemon has ended"), "{printed}");
}

#[test]
fn a_program_whose_main_panics_does_too() {
    let Some(output) = child::run(&[], || program(true)) else {
        return;
    };
    assert!(!output.status.success(), "{output:?}");
    let (printed, said) = (child::text(&output.stdout), child::text(&output.stderr));
    assert!(
        printed.contains("the child has ended") && printed.contains("the grandchild has ended"),
        "{printed}"
    );
    assert!(said.contains("main fails"), "{said}");
}

#[test]
fn the_programs_threads_can_be_joined_all_in_three_forms() {
    child::passes(&[], || {
        for form in PATIENT {
            let (drops, gate) = (Drops::default(), Arc::new(Event::new()));
            let (token, theirs) = (drops.token(), Arc::clone(&gate));
            thread::spawn(move || {
                theirs.wait();
                drop(token);
            });
            assert_eq!(thread::join_all_timeout(crate::support::SHORT), Err(TimedOut));
            assert_eq!(thread::join_all_deadline(Instant::now()), Err(TimedOut));
            gate.set();
            match form {
                Form::Timeout(time) => thread::join_all_timeout(time).unwrap(),
                Form::Deadline(time) => thread::join_all_deadline(Instant::now() + time).unwrap(),
                Form::Plain | Form::Try => thread::join_all(),
            }
            assert_eq!((drops.count(), thread::active_count()), (1, 1));
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn no_thread_of_the_system_is_left() {
    child::passes(&[], || {
        let (before, registry) = (child::threads(), Registry::new());
        for round in 0..20 {
            let threads: Vec<_> = (0..10).map(|_| registry.builder().spawn(|| ()).unwrap()).collect();
            match round % 3 {
                0 => threads.iter().for_each(|thread| thread.join().unwrap()),
                1 => drop(threads),
                _ => drop(registry.builder().spawn(|| panic!("on purpose")).unwrap()),
            }
        }
        registry.join_all();
        child::until_threads(before);
        assert_eq!(registry.active_count(), 1);
    });
}
