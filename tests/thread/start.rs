//! Spawning threads: laws TH1, TH2, TH5 and TH7.

use super::{Drops, Token, join_by};
use crate::forms::BLOCKING;
use crate::support::{SpinBarrier, panic_of};
use crate::{child, watchdog};
use selvedge::Timer;
use selvedge::thread::{self, Builder, Clock, Registry, Run};
use std::collections::HashSet;
use std::io::ErrorKind;
use std::time::Duration;

struct Weaver(#[expect(dead_code, reason = "it is dropped")] Token);

impl Run for Weaver {
    type Output = &'static str;

    fn run(self) -> &'static str {
        "cloth"
    }
}

#[test]
fn an_object_runs_and_is_dropped_before_any_join_returns() {
    let drops = Drops::default();
    for (form, count) in BLOCKING.into_iter().zip(1..) {
        let thread = Builder::new().spawn(Weaver(drops.token())).unwrap();
        join_by(&thread, form).unwrap();
        assert_eq!((thread.take_result(), drops.count()), (Some("cloth"), count));
    }
    thread::scope(|scope| drop(scope.spawn(Weaver(drops.token()))));
    assert_eq!(drops.count(), 1 + BLOCKING.len());
}

#[test]
fn a_thread_is_as_its_builder_says() {
    let registry = Registry::new();
    let builder = registry.builder().name("heddle").daemon(true).stack_size(64 << 20);
    let by_clone = builder.clone().spawn(|| ()).unwrap();
    let own = registry.clone();
    let thread = builder.spawn(move || {
        let deep = std::hint::black_box([1_u8; 8 << 20]); // too much for the usual stack
        let sum: u32 = deep.iter().map(|&byte| u32::from(byte)).sum();
        (own.current(), sum)
    });
    let thread = thread.unwrap();
    thread.join().unwrap();
    by_clone.join().unwrap();
    let (inside, sum) = thread.take_result().unwrap();
    for thread in [thread.thread(), by_clone.thread(), &inside] {
        assert_eq!((thread.name(), thread.is_daemon()), ("heddle", true));
    }
    assert_ne!(by_clone.thread(), thread.thread());
    assert_eq!((&inside, sum), (thread.thread(), 8 << 20));
}

#[test]
fn a_nameless_thread_gets_a_number_that_no_other_has() {
    let registry = Registry::new();
    let name = |builder: Builder| builder.spawn(|| ()).unwrap().name().to_owned();
    let names = [
        registry.builder(),
        registry.builder().name("other"),
        registry.builder(),
        Registry::new().builder(),
    ];
    assert_eq!(names.map(name), ["Thread-1", "other", "Thread-2", "Thread-1"]);
    let barrier = SpinBarrier::new(4);
    watchdog::run(|watch| {
        let starter = |number| {
            let (registry, barrier) = (&registry, &barrier);
            watch.spawn(format!("starter {number}"), move |_| {
                barrier.wait();
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
fn the_system_knows_the_name() {
    let thread = Builder::new().name("shuttle").spawn(|| {
        let me = thread::current().native_id().unwrap();
        std::fs::read_to_string(format!("/proc/self/task/{me}/comm")).unwrap()
    });
    let thread = thread.unwrap();
    thread.join().unwrap();
    assert_eq!(thread.take_result().unwrap().trim_end(), "shuttle");
}

#[test]
fn a_value_captured_by_a_refused_thread_may_join_all_when_it_is_dropped() {
    struct Joins(Registry);
    impl Drop for Joins {
        fn drop(&mut self) {
            self.0.join_all();
        }
    }
    watchdog::run(|watch| {
        let registry = Registry::new();
        let (joins, builder) = (
            Joins(registry.clone()),
            registry.builder().stack_size(1 << (usize::BITS - 4)),
        );
        let refused = watch.waits("the drop of the captured value", || builder.spawn(move || drop(joins)));
        assert!(refused.is_err() && registry.active_count() == 1);
    });
}

/// Law TH7.
#[test]
fn a_refused_thread_has_no_effect() {
    let (registry, drops) = (Registry::new(), Drops::default());
    let refused = |builder: Builder| {
        let (before, dropped, token) = (registry.enumerate(), drops.count(), drops.token());
        let error = builder.spawn(move || drop(token)).unwrap_err();
        assert_eq!(drops.count(), dropped + 1, "the captured value is dropped once");
        assert_eq!(registry.enumerate(), before);
        assert_eq!(
            registry.join_all_timeout(Duration::ZERO),
            Ok(()),
            "no thread to wait for"
        );
        assert_eq!(super::on_a_thread(&registry, || 7), 7);
        error.kind()
    };
    for size in [
        usize::MAX,
        usize::MAX / 2,
        isize::MAX as usize / 2,
        1 << (usize::BITS - 4),
    ] {
        refused(registry.builder().stack_size(size));
    }
    for name in ["\0", "zero\0", "\0zero", "ze\0ro"] {
        assert_eq!(refused(registry.builder().name(name)), ErrorKind::InvalidInput);
    }
    refused(registry.builder().daemon(true).stack_size(usize::MAX));
    let (dropped, token, builder) = (drops.count(), drops.token(), registry.builder().stack_size(usize::MAX));
    thread::scope(|scope| {
        assert!(builder.spawn_scoped(scope, move || drop(token)).is_err());
        assert_eq!(drops.count(), dropped + 1);
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

/// The threads of the child have stacks that the system refuses.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[test]
fn where_the_system_refuses_threads_each_spawn_fails_and_has_no_effect() {
    child::passes(&[("RUST_MIN_STACK", "4611686018427387904")], || {
        let (drops, clock) = (Drops::default(), Clock::new(&Registry::new()));
        let refused = |spawn: &dyn Fn(Token) -> String| {
            let (token, before) = (drops.token(), drops.count());
            let message = spawn(token);
            assert_eq!(drops.count(), before + 1, "{message}");
            assert_eq!((thread::enumerate(), clock.pending()), (vec![thread::current()], 0));
            message
        };
        const NO_THREAD: &str = "failed to spawn thread";
        let message = refused(&|token| panic_of(|| thread::spawn(move || drop(token))));
        assert!(message.starts_with(NO_THREAD), "{message}");
        let message = refused(&|token| panic_of(|| thread::scope(|scope| drop(scope.spawn(move || drop(token))))));
        assert!(message.starts_with(NO_THREAD), "{message}");
        refused(&|token| {
            clock
                .start(Duration::ZERO, move || drop(token))
                .unwrap_err()
                .to_string()
        });
        refused(&|token| clock.every(Duration::ZERO, move || _ = &token).unwrap_err().to_string());
        let message = refused(&|token| panic_of(|| Timer::start(Duration::ZERO, move || drop(token))));
        assert!(message.starts_with("failed to spawn the clock's thread"), "{message}");

        let small = Builder::new().stack_size(64 << 10).spawn(|| 5).unwrap();
        small.join().unwrap();
        assert_eq!(small.take_result(), Some(5));
    });
}
