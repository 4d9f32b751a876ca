//! `Barrier`: laws B1 to B8.

use crate::forms::{self, Await, BLOCKING, EXPIRING_WAITS, Form, barrier_wait_by, blocking};
use crate::support::{SHORT, panic_of};
use crate::waiters::{BROKEN, all_broken, all_passed, enqueue, party, passed};
use crate::watchdog;
use selvedge::sync::WaitError::TimedOut;
use selvedge::{Barrier, Instant, Turn};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::time::Duration;

impl Await for Barrier {
    fn wait_by(&self, form: Form) -> bool {
        let result = barrier_wait_by(self, form);
        assert!(matches!(result, Ok(Turn { index: 0..2, .. }) | Err(TimedOut)));
        assert!(result.is_ok() || self.is_broken());
        result.is_ok()
    }

    fn end_a_wait(&self) {
        self.wait().unwrap();
    }

    fn mend(&self) {
        self.reset();
    }
}

forms::waits!(in_all_forms: Barrier::new(2));

/// A generation passes with all parties, and not with fewer.
fn a_generation_passes<A: FnMut() + Send>(barrier: &Barrier<A>) {
    let others = barrier.parties() - 1;
    assert_eq!((barrier.is_broken(), barrier.waiting()), (false, 0));
    watchdog::run(|watch| {
        let parties = enqueue(watch, barrier, blocking(others));
        assert_eq!(barrier.waiting(), others, "a thread has passed early");
        assert_eq!(
            barrier_wait_by(barrier, Form::Timeout(Duration::ZERO)),
            passed(others, true)
        );
        assert_eq!(barrier.waiting(), 0);
        all_passed(parties);
    });
    assert!(!barrier.is_broken());
}

/// A wait fails immediately in every form.
fn assert_broken<A: FnMut() + Send>(barrier: &Barrier<A>) {
    for form in BLOCKING.into_iter().chain(EXPIRING_WAITS) {
        assert_eq!(barrier_wait_by(barrier, form), BROKEN, "{form:?}");
    }
    assert_eq!((barrier.is_broken(), barrier.waiting()), (true, 0));
}

#[test]
fn a_barrier_of_no_parties_is_refused() {
    const REFUSAL: &str = "a barrier needs at least one party";
    assert_eq!(panic_of(|| Barrier::new(0)), REFUSAL);
    assert_eq!(panic_of(|| Barrier::with_action(0, || ())), REFUSAL);
}

#[test]
fn an_action_may_borrow_and_is_dropped_with_the_barrier() {
    let (mut generations, alive) = (Vec::new(), Arc::new(()));
    let (held, borrowed) = (Arc::clone(&alive), &mut generations);
    let barrier = Barrier::with_action(3, move || borrowed.push(Arc::strong_count(&held)));
    a_generation_passes(&barrier);
    a_generation_passes(&barrier);
    drop(barrier);
    assert_eq!((Arc::strong_count(&alive), generations), (1, vec![2, 2]));
}

#[test]
fn a_panic_of_the_action_is_the_leaders_and_breaks_the_generation() {
    let panics = AtomicBool::new(true);
    let barrier = Barrier::with_action(4, || {
        if panics.load(Relaxed) {
            resume_unwind(Box::new("the action's panic"));
        }
    });
    watchdog::run(|watch| {
        for form in BLOCKING.into_iter().chain(EXPIRING_WAITS) {
            panics.store(true, Relaxed);
            let others = enqueue(watch, &barrier, blocking(3));
            let panic = party(watch, &barrier, form).try_join().unwrap_err();
            assert_eq!(watchdog::message(&*panic), "the action's panic");
            all_broken(others);
            assert_broken(&barrier);
            barrier.reset();
            panics.store(false, Relaxed);
            a_generation_passes(&barrier);
        }
    });
}

type Acting = Barrier<Box<dyn FnMut() + Send>>;

/// A barrier of two whose action reports that it has started, and blocks until it may end.
fn with_slow_action(test: impl FnOnce(&Acting, &dyn Fn(), &dyn Fn())) {
    let ((start, has_started), (end, may_end)) = (channel(), channel());
    let action = move || {
        start.send(()).unwrap();
        may_end.recv().unwrap();
    };
    let barrier: Acting = Barrier::with_action(2, Box::new(action));
    test(&barrier, &|| has_started.recv().unwrap(), &|| end.send(()).unwrap())
}

#[test]
fn a_thread_that_arrives_while_the_action_runs_belongs_to_the_next_generation() {
    with_slow_action(|barrier, until_started, end_action| {
        watchdog::run(|watch| {
            for _ in 0..20 {
                let first = enqueue(watch, barrier, [Form::Plain]);
                let leader = party(watch, barrier, Form::Plain);
                watch.waits("the action", until_started);
                assert_eq!(barrier.waiting(), 0);
                let next = enqueue(watch, barrier, [Form::Plain]);
                let next_leader = party(watch, barrier, Form::Timeout(Duration::ZERO));
                watch.until("all parties of the next generation", || barrier.waiting() == 0);
                next_leader.until_blocked();
                let late = enqueue(watch, barrier, [Form::Plain]);
                end_action();
                assert_eq!(leader.join(), passed(1, true));
                all_passed(first);
                watch.waits("the next generation's action", until_started);
                assert_eq!(barrier.waiting(), 1);
                end_action();
                assert_eq!(next_leader.join(), passed(1, true));
                all_passed(next);
                barrier.reset();
                all_broken(late);
            }
        });
    });
}

#[test]
fn neither_abort_nor_reset_breaks_a_generation_whose_action_runs() {
    with_slow_action(|barrier, until_started, end_action| {
        watchdog::run(|watch| {
            for round in 0..20 {
                let other = enqueue(watch, barrier, [BLOCKING[round % BLOCKING.len()]]);
                let leader = party(watch, barrier, Form::Plain);
                watch.waits("the action", until_started);
                let aborts = round % 2 == 0;
                if aborts {
                    barrier.abort();
                    assert_broken(barrier);
                } else {
                    let next = enqueue(watch, barrier, [Form::Plain]);
                    barrier.reset();
                    all_broken(next);
                }
                end_action();
                assert_eq!(leader.join(), passed(1, true));
                all_passed(other);
                assert_eq!(barrier.is_broken(), aborts);
                barrier.reset();
            }
        });
    });
}

#[test]
fn a_timed_wait_does_not_time_out_while_the_action_runs() {
    with_slow_action(|barrier, until_started, end_action| {
        watchdog::run(|watch| {
            let (mut timeout, mut rounds) = (2 * SHORT, 0);
            while rounds < 6 {
                let form = [Form::Timeout(timeout), Form::Deadline(timeout)][rounds % 2];
                let timed = party(watch, barrier, form);
                watch.until("the timed party", || barrier.waiting() > 0 || barrier.is_broken());
                let deadline = Instant::now() + timeout;
                let leader = party(watch, barrier, Form::Plain);
                watch.until("the end of the wait", || barrier.waiting() == 0);
                if barrier.is_broken() {
                    // The leader has arrived after the deadline.
                    assert_eq!((timed.join(), leader.join()), (Err(TimedOut), BROKEN));
                    barrier.reset();
                    timeout *= 2;
                    continue;
                }
                watch.waits("the action", until_started);
                watch.until("the deadline", || deadline.has_passed());
                timed.until_blocked();
                end_action();
                assert_eq!(leader.join(), passed(1, true));
                all_passed(vec![timed]);
                rounds += 1;
            }
        });
    });
}

#[test]
fn an_action_may_use_its_barrier() {
    static READS: Barrier = Barrier::with_action(3, || {
        assert_eq!((READS.parties(), READS.waiting(), READS.is_broken()), (3, 0, false));
        assert_eq!(
            format!("{READS:?}"),
            "Barrier { parties: 3, waiting: 0, broken: false }"
        );
    });
    static ABORTS: Barrier = Barrier::with_action(3, || ABORTS.abort());
    static RESETS: Barrier = Barrier::with_action(3, || RESETS.reset());
    for _ in 0..20 {
        a_generation_passes(&READS);
        a_generation_passes(&RESETS);
        watchdog::run(|watch| {
            let others = enqueue(watch, &ABORTS, blocking(2));
            assert_eq!(barrier_wait_by(&ABORTS, Form::Plain), passed(2, true));
            all_passed(others);
        });
        assert_broken(&ABORTS);
        ABORTS.reset();
    }
}
