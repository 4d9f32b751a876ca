//! What becomes of a user's model that fails: whichever thread it is in, the verdict says so, and the next model runs.

use selvedge_loom::backend::{Arc, cell::UnsafeCell, thread as backend_thread};
use selvedge_loom::thread::{self, Clock, Registry};
use selvedge_loom::{Event, Model, ThreadPool, Timer, model, model_within};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

const SOON: Duration = Duration::from_millis(1);

/// Memory that the model is to protect, and does not.
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

// SAFETY: none: that is what the model finds, before the access is made.
unsafe impl Sync for Racy {}
// SAFETY: a number can be sent.
unsafe impl Send for Racy {}

/// What is wrong with a model.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Race,
    Assertion,
    Deadlock,
}

const FAULTS: [Fault; 3] = [Fault::Race, Fault::Assertion, Fault::Deadlock];

impl Fault {
    /// Done by the thread in question.
    fn commit(self, shared: &Shared) {
        match self {
            Fault::Race => self.meet(shared),
            Fault::Assertion => assert_eq!(1 + 1, 3, "the sum"),
            Fault::Deadlock => shared.never.wait(),
        }
    }

    /// Done by the main thread meanwhile.
    fn meet(self, shared: &Shared) {
        if let Fault::Race = self {
            // SAFETY: none.
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

/// With what the model fails; nothing, if it passes.
fn verdict(model: impl FnOnce()) -> String {
    let ended = catch_unwind(AssertUnwindSafe(model));
    ended.err().map_or_else(String::new, |payload| {
        *payload.downcast::<String>().expect("a verdict is a text")
    })
}

/// Each fault makes the model fail in which this program commits it, and its verdict names it.
#[track_caller]
fn fails(program: impl Fn(Fault, Arc<Shared>) + Copy + Send + Sync + 'static) {
    for fault in FAULTS {
        let said = verdict(|| model_within(1, move || program(fault, Arc::default())));
        assert!(said.contains(fault.message()), "{fault:?}: {said:?}");
        assert!(said.starts_with("the model fails in execution "), "{said}");
    }
}

#[test]
fn in_the_main_thread() {
    fails(|fault, shared| {
        let theirs = Arc::clone(&shared);
        let other = backend_thread::spawn(move || fault.meet(&theirs));
        fault.commit(&shared);
        other.join().unwrap();
    });
}

#[test]
fn in_a_thread_of_the_backend() {
    fails(|fault, shared| {
        let theirs = Arc::clone(&shared);
        let other = backend_thread::spawn(move || fault.commit(&theirs));
        fault.meet(&shared);
        let _ = other.join();
    });
}

#[test]
fn in_a_thread_that_no_other_joins() {
    fails(|fault, shared| {
        let theirs = Arc::clone(&shared);
        thread::spawn(move || fault.commit(&theirs));
        fault.meet(&shared);
        thread::join_all();
    });
}

#[test]
fn in_a_job() {
    fails(|fault, shared| {
        let (pool, theirs) = (ThreadPool::new(1), Arc::clone(&shared));
        let job = pool.submit(move || fault.commit(&theirs)).unwrap();
        fault.meet(&shared);
        job.wait();
    });
}

#[test]
fn in_a_scoped_job() {
    fails(|fault, shared| {
        let pool = ThreadPool::new(1);
        pool.scope(|scope| {
            drop(scope.submit(|| fault.commit(&shared)).unwrap());
            fault.meet(&shared);
        });
    });
}

#[test]
fn in_a_callback() {
    fails(|fault, shared| {
        let (pool, theirs) = (ThreadPool::new(1), Arc::clone(&shared));
        pool.submit(|| ()).unwrap().on_done(move |_| fault.commit(&theirs));
        fault.meet(&shared);
        pool.shutdown();
    });
}

#[test]
fn in_a_timer() {
    fails(|fault, shared| {
        let theirs = Arc::clone(&shared);
        let timer = Timer::start(SOON, move || fault.commit(&theirs));
        fault.meet(&shared);
        let _ = timer.join();
    });
}

#[test]
fn a_panic_of_which_the_program_learns_is_no_failure() {
    let said = verdict(|| {
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
            let timer = Clock::new(&registry).start(SOON, || panic!("expected")).unwrap();
            assert_eq!(timer.join().unwrap_err().message(), Some("expected"));
        });
    });
    assert_eq!(said, "");
}

/// A scope tells of a panic by one of its own.
#[test]
fn a_panic_that_a_scope_reports_is_no_failure() {
    let said = verdict(|| {
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
    assert_eq!(said, "");
}

/// Whose handle was dropped, and of whose end the main thread knows only by an event.
#[test]
fn a_thread_of_the_kit_that_no_other_joins_races_with_nothing() {
    let said = verdict(|| {
        model_within(1, || {
            let event = Arc::new(Event::new());
            let theirs = Arc::clone(&event);
            thread::spawn(move || theirs.set());
            event.wait();
        });
        model_within(1, || {
            let thread = thread::spawn(|| ());
            let _ = thread.join_timeout(SOON);
        });
    });
    assert_eq!(said, "");
}

/// The explorer notices it when that thread has ended, in no step of any thread.
#[test]
fn a_deadlock_at_the_end_of_a_thread() {
    let said = verdict(|| {
        model_within(0, || {
            let never = Event::new();
            thread::spawn(|| ());
            never.wait();
        });
    });
    assert!(said.contains("a deadlock"), "{said}");
    assert!(said.contains("sleeps on #"), "what the threads did: {said}");
}

#[test]
fn an_assertion_in_the_drop_of_a_job_that_is_refused() {
    struct Fails;
    impl Drop for Fails {
        fn drop(&mut self) {
            assert_eq!(1 + 1, 3, "the sum");
        }
    }
    let said = verdict(|| {
        model_within(0, || {
            let (pool, gate) = (ThreadPool::new(1), Arc::new(Event::new()));
            let (theirs, fails) = (Arc::clone(&gate), Fails);
            let first = pool.submit(move || theirs.wait()).unwrap();
            let second = pool.submit(move || drop(fails)).unwrap();
            let _ = pool.try_shutdown_cancel();
            gate.set();
            drop((first, second));
            pool.shutdown();
        });
    });
    assert!(said.contains("the sum"), "{said}");
}

/// What holds a lock is not dropped while the explorer is at fault: that would abort the process.
#[test]
fn guards_that_are_held_at_a_deadlock() {
    let said = verdict(|| {
        model(|| {
            let locks = Arc::new((selvedge_loom::Mutex::new(0), selvedge_loom::Mutex::new(0)));
            let theirs = Arc::clone(&locks);
            let other = backend_thread::spawn(move || {
                let _two = theirs.1.acquire();
                let _one = theirs.0.acquire();
            });
            let _one = locks.0.acquire();
            let _two = locks.1.acquire();
            drop((_one, _two));
            other.join().unwrap();
        });
    });
    assert!(said.contains("a deadlock"), "{said}");
    let line = said
        .lines()
        .find(|line| line.contains("sleeps on #"))
        .expect("what the threads did");
    assert!(line.contains(", called at tests/verdicts.rs:"), "{line}");
}

#[test]
fn a_timed_wait_in_a_loop() {
    let program = || {
        let stop = Event::new();
        while stop.wait_timeout(SOON).is_err() {}
    };
    assert!(verdict(|| model(program)).contains("a loop around a timed wait"));
}

#[test]
fn a_timer_that_repeats() {
    let said = verdict(|| {
        model_within(0, || {
            let timer = Timer::every(SOON, || ());
            let _ = timer.join();
        });
    });
    assert!(said.contains("`Timer::every` that is not cancelled"), "{said}");
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
    let said = verdict(|| {
        model_within(0, || {
            let threads: Vec<_> = (0..5).map(|_| backend_thread::spawn(|| ())).collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    });
    assert!(said.contains("five at most"), "{said}");
}

/// Fills this much of its stack.
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
    let said = verdict(|| model(of(0, 1000)));
    assert!(said.contains("overflowed its stack"), "{said}");
}

#[test]
fn a_static_that_keeps_what_the_first_execution_has_made() {
    static EVENT: LazyLock<Event> = LazyLock::new(Event::new);
    let said = verdict(|| {
        model(|| {
            let other = backend_thread::spawn(|| EVENT.set());
            EVENT.wait();
            other.join().unwrap();
        });
    });
    assert!(said.contains("`selvedge::backend::global!`"), "{said}");
}

selvedge_loom::backend::global! {
    static POOL: ThreadPool = ThreadPool::new(1);
}

#[test]
fn a_pool_that_is_dropped_with_the_statics() {
    let said = verdict(|| model_within(0, || POOL.submit(|| ()).unwrap().result().unwrap()));
    assert!(said.contains("belongs in the body"), "{said}");
}

#[test]
fn a_lock_of_stds() {
    let said = verdict(|| {
        model(|| {
            let (lock, event) = (Arc::new(Mutex::new(())), Arc::new(Event::new()));
            let theirs = (Arc::clone(&lock), Arc::clone(&event));
            let other = backend_thread::spawn(move || {
                let _held = theirs.0.lock();
                theirs.1.wait(); // another thread takes its turn, and the lock
            });
            let held = lock.lock();
            event.set();
            drop(held);
            other.join().unwrap();
        });
    });
    assert!(said.contains("blocks outside the kit"), "{said}");
}
