//! Failing models of users: the verdict names the failure, in whichever thread it occurs, and the next model can run.

use selvedge_loom::backend::{Arc, cell::UnsafeCell, thread as backend_thread};
use selvedge_loom::thread::{self, Clock, Registry};
use selvedge_loom::{Event, Model, ThreadPool, Timer, model, model_within};
use std::env::current_exe;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_millis(1);

/// Memory that a model with a fault does not protect.
#[derive(Default)]
struct Shared {
    cell: Racy,
    never: Event,
}

struct Racy(UnsafeCell<u32>);

impl Default for Racy {
    fn default() -> Racy {
        Racy(UnsafeCell::new(0))
    }
}

// SAFETY: not sound. loom reports the data race before the access.
unsafe impl Sync for Racy {}
// SAFETY: a `u32` is `Send`.
unsafe impl Send for Racy {}

/// The fault of a model.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Race,
    Assertion,
    Deadlock,
}

const FAULTS: [Fault; 3] = [Fault::Race, Fault::Assertion, Fault::Deadlock];

impl Fault {
    /// Commits the fault; for the thread under test.
    fn commit(self, shared: &Shared) {
        match self {
            Fault::Race => self.complement(shared),
            Fault::Assertion => assert_eq!(1 + 1, 3, "the sum"),
            Fault::Deadlock => shared.never.wait(),
        }
    }

    /// The other access of the data race; for another thread, concurrently.
    fn complement(self, shared: &Shared) {
        if let Fault::Race = self {
            // SAFETY: not sound. loom reports the data race before the access.
            shared.cell.0.with_mut(|value| unsafe { *value += 1 });
        }
    }

    fn message(self) -> &'static str {
        match self {
            Fault::Race => "a data race",
            Fault::Assertion => "the sum",
            Fault::Deadlock => "a deadlock",
        }
    }
}

/// The message of the failed model; empty if the model passes.
fn verdict(model: impl FnOnce()) -> String {
    let result = catch_unwind(AssertUnwindSafe(model));
    result.err().map_or_else(String::new, |payload| {
        *payload.downcast::<String>().expect("a verdict is a string")
    })
}

/// Checks that each fault fails the model of `program`, and that the verdict names the fault.
#[track_caller]
fn fails(program: impl Fn(Fault, Arc<Shared>) + Copy + Send + Sync + 'static) {
    for fault in FAULTS {
        let message = verdict(|| model_within(1, move || program(fault, Arc::default())));
        assert!(message.contains(fault.message()), "{fault:?}: {message:?}");
        assert!(message.starts_with("the model fails in execution "), "{message}");
    }
}

#[test]
fn in_the_main_thread() {
    fails(|fault, shared| {
        let captured = Arc::clone(&shared);
        let other = backend_thread::spawn(move || fault.complement(&captured));
        fault.commit(&shared);
        other.join().unwrap();
    });
}

#[test]
fn in_a_thread_of_the_backend() {
    fails(|fault, shared| {
        let captured = Arc::clone(&shared);
        let other = backend_thread::spawn(move || fault.commit(&captured));
        fault.complement(&shared);
        let _ = other.join();
    });
}

#[test]
fn in_a_thread_that_no_other_joins() {
    fails(|fault, shared| {
        let captured = Arc::clone(&shared);
        thread::spawn(move || fault.commit(&captured));
        fault.complement(&shared);
        thread::join_all();
    });
}

#[test]
fn in_a_job() {
    fails(|fault, shared| {
        let (pool, captured) = (ThreadPool::new(1), Arc::clone(&shared));
        let job = pool.submit(move || fault.commit(&captured)).unwrap();
        fault.complement(&shared);
        job.wait();
    });
}

#[test]
fn in_a_scoped_job() {
    fails(|fault, shared| {
        let pool = ThreadPool::new(1);
        pool.scope(|scope| {
            drop(scope.submit(|| fault.commit(&shared)).unwrap());
            fault.complement(&shared);
        });
    });
}

#[test]
fn in_a_callback() {
    fails(|fault, shared| {
        let (pool, captured) = (ThreadPool::new(1), Arc::clone(&shared));
        pool.submit(|| ()).unwrap().on_done(move |_| fault.commit(&captured));
        fault.complement(&shared);
        pool.shutdown();
    });
}

#[test]
fn in_a_timer() {
    fails(|fault, shared| {
        let captured = Arc::clone(&shared);
        let timer = Timer::start(TIMEOUT, move || fault.commit(&captured));
        fault.complement(&shared);
        let _ = timer.join();
    });
}

#[test]
fn a_reported_panic_is_no_failure() {
    let message = verdict(|| {
        model_within(1, || {
            let pool = ThreadPool::new(1);
            let job = pool.submit(|| panic!("expected")).unwrap();
            assert_eq!(job.result().unwrap_err().message(), Some("expected"));
        });
        model_within(1, || {
            let thread = thread::spawn(|| panic!("expected"));
            assert_eq!(thread.join().unwrap_err().message(), Some("expected"));
        });
        model_within(0, || {
            let registry = Registry::new();
            registry.set_panic_hook(|_, _| ());
            let timer = Clock::new(&registry).start(TIMEOUT, || panic!("expected")).unwrap();
            assert_eq!(timer.join().unwrap_err().message(), Some("expected"));
        });
    });
    assert_eq!(message, "");
}

/// A scope reports a panic of its threads by a panic of its own.
#[test]
fn a_panic_reported_by_a_scope_is_no_failure() {
    let message = verdict(|| {
        model_within(0, || {
            let pool = ThreadPool::new(1);
            let job = || drop(pool.scope(|scope| scope.submit(|| panic!("expected")).map(drop)));
            assert!(catch_unwind(AssertUnwindSafe(job)).is_err());
        });
        model_within(0, || {
            let thread = || thread::scope(|scope| drop(scope.spawn(|| panic!("expected"))));
            assert!(catch_unwind(thread).is_err());
        });
    });
    assert_eq!(message, "");
}

/// The handle is dropped, and only an event tells the main thread about the other thread's end.
#[test]
fn the_end_of_an_unjoined_thread_races_with_nothing() {
    let message = verdict(|| {
        model_within(1, || {
            let event = Arc::new(Event::new());
            let captured = Arc::clone(&event);
            thread::spawn(move || captured.set());
            event.wait();
        });
        model_within(1, || {
            let thread = thread::spawn(|| ());
            let _ = thread.join_timeout(TIMEOUT);
        });
    });
    assert_eq!(message, "");
}

/// loom detects the deadlock after the thread has ended, outside the steps of any thread.
#[test]
fn a_deadlock_at_the_end_of_a_thread() {
    let message = verdict(|| {
        model_within(0, || {
            let never = Event::new();
            thread::spawn(|| ());
            never.wait();
        });
    });
    assert!(message.contains("a deadlock"), "{message}");
    assert!(message.contains("blocks on #"), "no trace of the threads: {message}");
}

#[test]
fn an_assertion_in_the_drop_of_a_cancelled_job() {
    struct Fails;
    impl Drop for Fails {
        fn drop(&mut self) {
            assert_eq!(1 + 1, 3, "the sum");
        }
    }
    let message = verdict(|| {
        model_within(0, || {
            let (pool, gate) = (ThreadPool::new(1), Arc::new(Event::new()));
            let (captured, fails) = (Arc::clone(&gate), Fails);
            let first = pool.submit(move || captured.wait()).unwrap();
            let second = pool.submit(move || drop(fails)).unwrap();
            let _ = pool.try_shutdown_cancel();
            gate.set();
            drop((first, second));
            pool.shutdown();
        });
    });
    assert!(message.contains("the sum"), "{message}");
}

/// Guards are not dropped after loom has failed: their drop would panic and abort the process.
#[test]
fn guards_held_at_a_deadlock() {
    let message = verdict(|| {
        model(|| {
            let locks = Arc::new((selvedge_loom::Mutex::new(0), selvedge_loom::Mutex::new(0)));
            let captured = Arc::clone(&locks);
            let other = backend_thread::spawn(move || {
                let _two = captured.1.acquire();
                let _one = captured.0.acquire();
            });
            let _one = locks.0.acquire();
            let _two = locks.1.acquire();
            drop((_one, _two));
            other.join().unwrap();
        });
    });
    assert!(message.contains("a deadlock"), "{message}");
    let line = message
        .lines()
        .find(|line| line.contains("blocks on #"))
        .expect("the message contains a trace");
    assert!(line.contains(", called at tests/verdicts.rs:"), "{line}");
}

#[test]
fn a_timed_wait_in_a_loop() {
    let program = || {
        let stop = Event::new();
        while stop.wait_timeout(TIMEOUT).is_err() {}
    };
    assert!(verdict(|| model(program)).contains("a loop around a timed wait"));
}

#[test]
fn a_timer_that_repeats() {
    let message = verdict(|| {
        model_within(0, || {
            let timer = Timer::every(TIMEOUT, || ());
            let _ = timer.join();
        });
    });
    assert!(message.contains("`Timer::every` that is not cancelled"), "{message}");
}

#[test]
fn more_steps_than_the_default() {
    let program = || {
        let lock = selvedge_loom::Lock::new();
        for _ in 0..6_000 {
            drop(lock.acquire());
        }
    };
    assert!(verdict(|| Model::new().check(program)).contains("`Model::max_branches`"));
    assert_eq!(verdict(|| Model::new().max_branches(100_000).check(program)), "");
}

#[test]
fn too_many_threads() {
    let message = verdict(|| {
        model_within(0, || {
            let threads: Vec<_> = (0..5).map(|_| backend_thread::spawn(|| ())).collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    });
    assert!(message.contains("five at most"), "{message}");
}

/// Uses this much stack.
fn deep(kib: usize) -> usize {
    let page = std::hint::black_box([1_u8; 1024]);
    let below = if kib > 1 { deep(kib - 1) } else { 0 };
    below + usize::from(std::hint::black_box(page)[7])
}

#[test]
fn a_stack_that_is_too_small() {
    let of = |size: usize, kib: usize| {
        move || {
            let thread = backend_thread::Builder::new()
                .stack_size(size)
                .spawn(move || deep(kib))
                .unwrap();
            assert_eq!(thread.join().unwrap(), kib);
        }
    };
    assert_eq!(verdict(|| model(of(0, 50))), "");
    assert_eq!(verdict(|| model(of(8 << 20, 1000))), "");
    let message = verdict(|| model(of(0, 1000)));
    assert!(message.contains("overflowed its stack"), "{message}");
}

#[test]
fn a_static_initialised_by_the_first_execution() {
    static EVENT: LazyLock<Event> = LazyLock::new(Event::new);
    let message = verdict(|| {
        model(|| {
            let other = backend_thread::spawn(|| EVENT.set());
            EVENT.wait();
            other.join().unwrap();
        });
    });
    assert!(message.contains("`selvedge::backend::global!`"), "{message}");
}

selvedge_loom::backend::global! {
    static POOL: ThreadPool = ThreadPool::new(1);
}

#[test]
fn a_pool_that_is_dropped_with_the_statics() {
    let message = verdict(|| model_within(0, || POOL.submit(|| ()).unwrap().result().unwrap()));
    assert!(message.contains("belongs in the body"), "{message}");
}

#[test]
fn a_lock_of_std() {
    let message = verdict(|| {
        model(|| {
            let (lock, event) = (Arc::new(Mutex::new(())), Arc::new(Event::new()));
            let captured = (Arc::clone(&lock), Arc::clone(&event));
            let other = backend_thread::spawn(move || {
                let _held = captured.0.lock();
                captured.1.wait(); // loom switches to the other thread, which blocks on the lock
            });
            let held = lock.lock();
            event.set();
            drop(held);
            other.join().unwrap();
        });
    });
    assert!(message.contains("blocks outside selvedge"), "{message}");
}

/// libtest does not capture the line, so a user sees it while the test runs.
#[test]
fn a_long_exploration_reports_its_progress() {
    let mut tests = Command::new(current_exe().unwrap());
    let output = tests.args(["--exact", "a_lock_of_std"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("executions after 5 s"), "{stderr}");
}
