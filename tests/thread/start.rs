//! Starting threads: laws TH1, TH2, TH5 and TH7.

use super::{Drops, Token, join_by};
use crate::forms::PATIENT;
use crate::support::{Line, panic_of};
use crate::{child, watchdog};
use selvedge::Event;
use selvedge::thread::{self, Builder, Clock, Registry, Run};
use std::collections::HashSet;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

#[test]
fn a_function_runs_once_on_a_thread_of_its_own() {
    watchdog::run(|watch| {
        let runs = Arc::new(AtomicUsize::new(0));
        let start = |_| {
            let runs = Arc::clone(&runs);
            thread::spawn(move || {
                runs.fetch_add(1, Relaxed);
                std::thread::current().id()
            })
        };
        let threads: Vec<_> = (0..50).map(start).collect();
        watch.waits("join", || threads.iter().for_each(|thread| thread.join().unwrap()));
        assert_eq!(runs.load(Relaxed), 50);
        let ids: HashSet<_> = threads.iter().map(|thread| thread.take_result().unwrap()).collect();
        assert_eq!(ids.len(), 50);
        assert!(!ids.contains(&std::thread::current().id()));
    });
}

/// Law TH2.
#[test]
fn what_a_function_captured_is_dropped_before_any_join_tells() {
    watchdog::run(|watch| {
        for form in PATIENT.into_iter().cycle().take(70) {
            let (drops, go) = (Drops::default(), Arc::new(Event::new()));
            let (token, wait) = (drops.token(), Arc::clone(&go));
            let thread = thread::spawn(move || {
                let _token = token;
                wait.wait();
            });
            assert_eq!(drops.count(), 0);
            go.set();
            watch.waits("join", || join_by(&thread, form)).unwrap();
            assert_eq!(drops.count(), 1, "{form:?}");
            assert_eq!(Arc::strong_count(&go), 1, "{form:?}");
        }
    });
}

struct Weaver(#[expect(dead_code, reason = "it is dropped")] Token);

impl Run for Weaver {
    type Output = &'static str;

    fn run(self) -> &'static str {
        "cloth"
    }
}

#[test]
fn an_object_runs_and_is_dropped_before_any_join_tells() {
    watchdog::run(|_| {
        for form in PATIENT {
            let drops = Drops::default();
            let thread = Builder::new().spawn(Weaver(drops.token())).unwrap();
            join_by(&thread, form).unwrap();
            assert_eq!((thread.take_result(), drops.count()), (Some("cloth"), 1));
        }
        let drops = Drops::default();
        thread::scope(|scope| drop(scope.spawn(Weaver(drops.token()))));
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn a_thread_is_as_its_builder_says() {
    watchdog::run(|_| {
        let registry = Registry::new();
        let builder = registry.builder().name("heddle").daemon(true).stack_size(64 << 20);
        let by_clone = builder.clone().spawn(|| ()).unwrap();
        let thread = builder.spawn(move || {
            let deep = std::hint::black_box([1_u8; 8 << 20]); // the stack of any other thread is too small
            (
                registry.current(),
                deep.iter().map(|&byte| u32::from(byte)).sum::<u32>(),
            )
        });
        let thread = thread.unwrap();
        assert_eq!((thread.name(), thread.is_daemon()), ("heddle", true));
        assert_eq!((by_clone.name(), by_clone.is_daemon()), ("heddle", true));
        assert_ne!(by_clone.thread(), thread.thread());
        thread.join().unwrap();
        by_clone.join().unwrap();
        let (inside, sum) = thread.take_result().unwrap();
        assert_eq!((inside.name(), inside.is_daemon(), sum), ("heddle", true, 8 << 20));
        assert_eq!(&inside, thread.thread());
    });
}

#[test]
fn a_nameless_thread_gets_a_number_that_no_other_has() {
    let registry = Registry::new();
    let name = |builder: Builder| builder.spawn(|| ()).unwrap().name().to_owned();
    let line = Line::new(4);
    watchdog::run(|watch| {
        assert_eq!(name(registry.builder()), "Thread-1");
        assert_eq!(name(registry.builder().name("other")), "other");
        assert_eq!(name(registry.builder()), "Thread-2");
        assert_eq!(name(Registry::new().builder()), "Thread-1");
        let starter = |number| {
            let (registry, line) = (&registry, &line);
            watch.spawn(format!("starter {number}"), move |_| {
                line.cross();
                (0..25).map(|_| name(registry.builder())).collect::<Vec<_>>()
            })
        };
        let starters: Vec<_> = (0..4).map(starter).collect();
        let names: HashSet<_> = starters.into_iter().flat_map(|starter| starter.join()).collect();
        assert_eq!(names.len(), 100);
        registry.join_all();
    });
}

#[cfg(target_os = "linux")]
#[test]
fn the_system_knows_name_and_number() {
    watchdog::run(|_| {
        let thread = Builder::new().name("shuttle").spawn(|| {
            let me = thread::current().native_id().unwrap().to_string();
            let link = std::fs::read_link("/proc/thread-self").unwrap();
            let comm = std::fs::read_to_string(format!("/proc/self/task/{me}/comm")).unwrap();
            (me, link.file_name().unwrap().to_str().unwrap().to_owned(), comm)
        });
        let thread = thread.unwrap();
        thread.join().unwrap();
        let (me, link, comm) = thread.take_result().unwrap();
        assert_eq!((&me, comm.trim_end()), (&link, "shuttle"));
        assert_eq!(thread.native_id().unwrap().to_string(), me, "kept after the end");
    });
}

#[test]
fn what_a_refused_thread_has_captured_may_wait_for_all_threads_when_it_is_dropped() {
    struct Waits(Registry);

    impl Drop for Waits {
        fn drop(&mut self) {
            self.0.join_all();
        }
    }
    watchdog::run(|watch| {
        let registry = Registry::new();
        let waits = Waits(registry.clone());
        let builder = registry.builder().stack_size(1 << (usize::BITS - 4));
        let refused = watch.waits("the drop of what was captured", || builder.spawn(move || drop(waits)));
        assert!(refused.is_err());
        assert_eq!(registry.active_count(), 1);
    });
}

/// Law TH7.
fn assert_refused(registry: &Registry, builder: Builder) -> ErrorKind {
    let before = registry.enumerate();
    let drops = Drops::default();
    let token = drops.token();
    let error = builder.spawn(move || drop(token)).unwrap_err();
    assert_eq!(drops.count(), 1, "what it captured is dropped once");
    assert_eq!(registry.enumerate(), before);
    assert_eq!(
        registry.join_all_timeout(Duration::ZERO),
        Ok(()),
        "there is nobody to wait for"
    );
    let next = registry.builder().spawn(|| 7).unwrap();
    next.join().unwrap();
    assert_eq!(next.take_result(), Some(7));
    error.kind()
}

#[test]
fn a_refused_thread_leaves_nothing() {
    watchdog::run(|_| {
        let registry = Registry::new();
        for size in [
            usize::MAX,
            usize::MAX / 2,
            isize::MAX as usize / 2,
            1 << (usize::BITS - 4),
        ] {
            assert_refused(&registry, registry.builder().stack_size(size));
        }
        for name in ["\0", "zero\0", "\0zero", "ze\0ro"] {
            assert_eq!(
                assert_refused(&registry, registry.builder().name(name)),
                ErrorKind::InvalidInput
            );
        }
        let daemon = registry.builder().daemon(true).stack_size(usize::MAX);
        assert_refused(&registry, daemon);
        let (drops, registry) = (Drops::default(), &registry);
        let token = drops.token();
        thread::scope(|scope| {
            assert!(
                registry
                    .builder()
                    .stack_size(usize::MAX)
                    .spawn_scoped(scope, move || drop(token))
                    .is_err()
            );
            assert_eq!(drops.count(), 1);
        });
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_refused_thread_is_no_thread_of_the_system() {
    child::passes(&[], || {
        let (registry, before) = (Registry::new(), child::threads());
        for _ in 0..50 {
            assert!(registry.builder().stack_size(1 << 62).spawn(|| ()).is_err());
            assert!(registry.builder().name("\0").spawn(|| ()).is_err());
            assert_eq!(child::threads(), before);
        }
    });
}

/// The child gives its threads stacks that the system refuses.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[test]
fn where_no_thread_is_to_be_had_nothing_is_left() {
    child::passes(&[("RUST_MIN_STACK", "4611686018427387904")], || {
        const NO_THREAD: &str = "failed to spawn thread";
        let drops = Drops::default();
        let token = || (drops.token(), drops.count());

        let (mine, before) = token();
        assert!(panic_of(|| thread::spawn(move || drop(mine))).starts_with(NO_THREAD));
        assert_eq!(
            (drops.count(), thread::enumerate()),
            (before + 1, vec![thread::current()])
        );

        let (mine, before) = token();
        let refused = panic_of(|| thread::scope(|scope| drop(scope.spawn(move || drop(mine)))));
        assert!(refused.starts_with(NO_THREAD), "{refused}");
        assert_eq!((drops.count(), thread::active_count()), (before + 1, 1));

        let (mine, before) = token();
        let clock = Clock::new(&Registry::new());
        assert!(clock.start(Duration::ZERO, move || drop(mine)).is_err());
        assert_eq!((drops.count(), clock.pending()), (before + 1, 0));
        let (mine, before) = token();
        assert!(clock.every(Duration::ZERO, move || _ = &mine).is_err());
        assert_eq!((drops.count(), clock.pending()), (before + 1, 0));
        let refused = panic_of(|| selvedge::Timer::start(Duration::ZERO, || ()));
        assert!(
            refused.starts_with("the system has room for the clock's thread"),
            "{refused}"
        );

        let small = Builder::new().stack_size(64 << 10).spawn(|| 5).unwrap();
        small.join().unwrap();
        assert_eq!(small.take_result(), Some(5));
    });
}
