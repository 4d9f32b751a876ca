//! Tests of the specifications and of [`spec::outcomes`].
//!
//! A script is a list of steps `thread Call Answer`, where `Blocked` means that the call blocks. The thread repeats the
//! call in order to return. `time_out` ends the call in which the thread is blocked.

use spec::barrier::{self, Barrier};
use spec::condition::{self, Condition};
use spec::event::{self, Event};
use spec::lock::{self, Lock};
use spec::rlock::{self, RLock};
use spec::semaphore::{self, Semaphore};
use spec::{Answer, Spec, Step, outcomes};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// The value that is printed like this.
pub fn parse<T: Debug + Copy>(values: &[T], text: &str) -> T {
    let value = values.iter().find(|value| format!("{value:?}") == text);
    *value.unwrap_or_else(|| panic!("no value {text}"))
}

/// Fails unless the calls of the script, made in this order, have these results.
fn runs<S: Spec>(mut machine: S, calls: &[S::Call], script: &str) {
    for step in script.split(',').map(str::trim) {
        let [thread, call, answer] = step.split(' ').collect::<Vec<_>>()[..] else {
            panic!("no step: {step}");
        };
        let thread = thread.parse().expect("a thread");
        let found = match call {
            "time_out" => machine.time_out(thread),
            call => match machine.step(thread, parse(calls, call)) {
                Step::Done(answer) => answer,
                Step::WouldBlock => Answer::Blocked,
            },
        };
        assert_eq!(format!("{found:?}"), answer, "{step} of {script}");
    }
}

/// Fails unless the program has exactly these outcomes. Its threads are separated by `|`, and so are the results of each
/// thread and what is observed in the end.
fn ends<S: Spec>(start: S, calls: &[S::Call], program: &str, expected: &[&str]) {
    let threads: Vec<Vec<_>> = program
        .split(" | ")
        .map(|thread| thread.split(' ').map(|call| parse(calls, call)).collect())
        .collect();
    let shown = outcomes(&start, &threads).into_iter().map(|(answers, observed)| {
        let threads = answers
            .iter()
            .chain([vec![observed]].iter())
            .map(shown_answers)
            .collect::<Vec<_>>();
        threads.join(" | ")
    });
    let expected: BTreeSet<String> = expected.iter().map(|outcome| outcome.to_string()).collect();
    assert_eq!(shown.collect::<BTreeSet<_>>(), expected, "{program}");
}

fn shown_answers(answers: &Vec<Answer>) -> String {
    let shown: Vec<_> = answers.iter().map(|answer| format!("{answer:?}")).collect();
    shown.join(" ")
}

/// A state of the machine, and the call in which each of three threads is blocked.
type Scene<S> = (S, [Option<<S as Spec>::Call>; 3]);

/// Fails unless, in every state within `depth` calls, a call that would block only records its waiter: repeated it
/// changes nothing, and timed out it leaves `timed_out` of the state in which it was made.
fn blocked_calls_only_wait<S: Spec>(start: S, calls: &[S::Call], depth: usize, timed_out: impl Fn(S) -> S) {
    let (mut scenes, mut blocked): (BTreeSet<Scene<S>>, _) = (BTreeSet::from([(start, [None; 3])]), 0);
    for _ in 0..depth {
        for (state, waits) in scenes.clone() {
            for (thread, &call) in (0..3).flat_map(|thread| calls.iter().map(move |call| (thread, call))) {
                let (mut next, mut waits) = (state.clone(), waits);
                if waits[thread].is_some_and(|other| other != call) {
                    continue; // the thread has to return from the other call first
                }
                if next.step(thread, call) == Step::WouldBlock {
                    let mut again = next.clone();
                    assert_eq!(
                        again.step(thread, call),
                        Step::WouldBlock,
                        "{call:?} blocks, and then does not"
                    );
                    assert_eq!(again, next, "{call:?}, repeated, has changed the state");
                    assert_eq!(again.time_out(thread), Answer::TimedOut);
                    if waits[thread].is_none() {
                        assert_eq!(
                            again,
                            timed_out(state.clone()),
                            "{call:?}, timed out, has changed the state"
                        );
                    }
                    waits[thread] = Some(call);
                    blocked += 1;
                } else {
                    waits[thread] = None;
                }
                scenes.insert((next, waits));
            }
        }
    }
    assert!(blocked > 0, "no call blocked");
}

#[test]
fn a_lock_is_released_by_any_thread_and_once() {
    let runs = |script| runs(Lock::default(), &lock::Call::ALL, script);
    runs(
        "\
        0 Release NotHeld, 0 Acquire Done, 1 TryAcquire Busy, 0 Acquire Blocked, 1 AcquireTimeout Blocked, \
        0 IsLocked Is(true)",
    );
    runs(
        "\
        0 AcquireTimeout Done, 1 Release Done, 0 Release NotHeld, 1 IsLocked Is(false), 1 TryAcquire Done, \
        0 TryAcquire Busy",
    );
}

#[test]
fn an_rlock_counts_the_acquires_of_its_owner() {
    let runs = |script| runs(RLock::with_max_depth(2), &rlock::Call::ALL, script);
    runs(
        "\
        0 Acquire Done, 0 TryAcquire Done, 0 AcquireTimeout TooDeep, 0 Acquire TooDeep, 0 TryAcquire TooDeep, \
        0 Depth Count(2)",
    );
    runs(
        "\
        0 Acquire Done, 0 Acquire Done, 1 Release NotHeld, 0 Release Done, 1 IsLocked Is(true), 1 TryAcquire Busy, \
        1 Acquire Blocked",
    );
    runs(
        "\
        0 Acquire Done, 1 Depth Count(0), 0 Depth Count(1), 0 Release Done, 0 Release NotHeld, 0 Depth Count(0), \
        1 Acquire Done, 1 Depth Count(1)",
    );
}

#[test]
fn a_semaphore_accepts_a_release_entirely_or_not_at_all() {
    let runs = |permits, script| runs(Semaphore::new(permits, permits), &semaphore::Call::ALL, script);
    runs(
        2,
        "\
        0 Release(1) OverReleased, 0 Release(0) Done, 0 Acquire Done, 0 Release(2) OverReleased, \
        1 Available Count(1), 1 Release(1) Done",
    );
    runs(
        2,
        "\
        0 TryAcquire Done, 1 AcquireTimeout Done, 0 TryAcquire Busy, 0 Acquire Blocked, 0 Release(2) Done, \
        0 Available Count(2)",
    );
    runs(u32::MAX, "0 Release(1) OverReleased, 0 Available Count(4294967295)");
}

#[test]
fn an_event_stays_set_until_it_is_cleared() {
    let runs = |script| runs(Event::default(), &event::Call::ALL, script);
    runs(
        "\
        0 Wait Blocked, 0 WaitTimeout Blocked, 0 Set Done, 1 Set Done, 0 Wait Done, 1 WaitTimeout Done, \
        0 IsSet Is(true)",
    );
    runs("0 Clear Done, 0 Set Done, 1 Clear Done, 0 IsSet Is(false), 0 Wait Blocked");
}

#[test]
fn a_condition_notifies_its_waiters_in_fifo_order() {
    let runs = |script: &str| runs(Condition::default(), &condition::Call::ALL, script);
    runs("0 NotifyOne Is(false), 0 Notify(2) Count(0), 0 NotifyAll Count(0), 0 Wait Blocked");
    let after_three = |script| {
        runs(&format!(
            "2 Wait Blocked, 0 WaitTimeout Blocked, 1 Wait Blocked, {script}"
        ))
    };
    after_three("3 NotifyOne Is(true), 1 Wait Blocked, 0 WaitTimeout Blocked, 2 Wait Done, 2 Wait Blocked");
    after_three(
        "\
        3 Notify(0) Count(0), 3 Notify(2) Count(2), 0 WaitTimeout Done, 1 Wait Blocked, 2 Wait Done, \
        3 NotifyAll Count(1), 1 Wait Done",
    );
    // A waiter that timed out is not notified.
    runs(
        "\
        0 WaitTimeout Blocked, 1 Wait Blocked, 0 time_out TimedOut, 0 NotifyOne Is(true), 1 Wait Done, \
        0 NotifyAll Count(0)",
    );
}

#[test]
fn a_generation_of_a_barrier_is_complete_or_broken() {
    let runs = |parties, script: &str| runs(Barrier::new(parties), &barrier::Call::ALL, script);
    let first = "0 Wait Blocked, 1 WaitTimeout Blocked, 2 Waiting Count(2), 2 Wait Count(2), 2 Waiting Count(0)";
    let second = "\
        2 Wait Blocked, 1 WaitTimeout Count(1), 0 Wait Count(0), 0 Wait Blocked, 1 Wait Count(2), 0 Wait Count(1), \
        2 Wait Count(0)";
    runs(3, &format!("{first}, {second}"));
    runs(
        2,
        "0 Wait Blocked, 1 Abort Done, 1 IsBroken Is(true), 1 Waiting Count(0), 0 Wait Broken",
    );
    runs(
        2,
        "0 Wait Blocked, 1 Reset Done, 1 IsBroken Is(false), 1 Waiting Count(0), 0 Wait Broken",
    );
    runs(
        2,
        "\
        0 Abort Done, 0 Wait Broken, 1 WaitTimeout Broken, 0 Reset Done, 0 IsBroken Is(false), 0 Wait Blocked, \
        1 Wait Count(1), 0 Wait Count(0)",
    );
    runs(1, "0 Wait Count(0), 0 WaitTimeout Count(0)");
}

#[test]
fn a_wait_that_times_out_breaks_the_barrier() {
    let first = "0 Wait Blocked, 1 WaitTimeout Blocked, 1 time_out TimedOut, 1 IsBroken Is(true), 1 Waiting Count(0)";
    let then = "0 Wait Broken, 1 Wait Broken, 1 Reset Done, 1 Wait Blocked, 1 Waiting Count(1)";
    runs(Barrier::new(3), &barrier::Call::ALL, &format!("{first}, {then}"));
}

#[test]
fn a_call_that_would_block_only_waits() {
    blocked_calls_only_wait(Lock::default(), &lock::Call::ALL, 3, |before| before);
    blocked_calls_only_wait(RLock::with_max_depth(2), &rlock::Call::ALL, 4, |before| before);
    blocked_calls_only_wait(Semaphore::new(2, 2), &semaphore::Call::ALL, 4, |before| before);
    blocked_calls_only_wait(Event::default(), &event::Call::ALL, 3, |before| before);
    blocked_calls_only_wait(Condition::default(), &condition::Call::ALL, 6, |before| before);
    for parties in [2, 3] {
        blocked_calls_only_wait(Barrier::new(parties), &barrier::Call::ALL, 6, |mut before| {
            before.step(0, barrier::Call::Abort);
            before
        });
    }
}

#[test]
fn only_timed_calls_time_out() {
    fn timed<S: Spec>(calls: &[S::Call]) -> String {
        let timed = calls.iter().filter(|&&call| S::is_timed(call));
        timed.map(|call| format!("{call:?} ")).collect()
    }
    assert_eq!(timed::<Lock>(&lock::Call::ALL), "AcquireTimeout ");
    assert_eq!(timed::<RLock>(&rlock::Call::ALL), "AcquireTimeout ");
    assert_eq!(timed::<Semaphore>(&semaphore::Call::ALL), "AcquireTimeout ");
    assert_eq!(timed::<Event>(&event::Call::ALL), "WaitTimeout ");
    assert_eq!(timed::<Condition>(&condition::Call::ALL), "WaitTimeout ");
    assert_eq!(timed::<Barrier>(&barrier::Call::ALL), "WaitTimeout ");
}

#[test]
fn a_lock_that_two_threads_acquire_leaves_either_blocked() {
    let ends = |program, expected: &[_]| ends(Lock::default(), &lock::Call::ALL, program, expected);
    ends(
        "Acquire | Acquire",
        &["Done | Blocked | Is(true)", "Blocked | Done | Is(true)"],
    );
    // The call after a blocked one is not made.
    ends("Acquire Acquire Release", &["Done Blocked | Is(true)"]);
    // The timed thread is first or blocks; or it times out; or the other thread never gets the lock.
    let timed = [
        "Done Done | Done | Is(true)",
        "Done Done | TimedOut | Is(false)",
        "Blocked | Done | Is(true)",
    ];
    ends("Acquire Release | AcquireTimeout", &timed);
    assert_eq!(
        outcomes(&Lock::default(), &[]),
        BTreeSet::from([(vec![], Answer::Is(false))])
    );
}

#[test]
fn an_rlock_has_one_owner_at_a_time() {
    let expected = [
        "Done Done | Busy | Is(false)",
        "Done Done | Done | Is(true)",
        "Blocked | Done | Is(true)",
    ];
    ends(
        RLock::with_max_depth(2),
        &rlock::Call::ALL,
        "Acquire Release | TryAcquire",
        &expected,
    );
}

#[test]
fn a_release_of_two_permits_unblocks_two_of_three_threads() {
    let ends = |permits, limit, program, expected: &[_]| {
        ends(Semaphore::new(permits, limit), &semaphore::Call::ALL, program, expected)
    };
    ends(
        0,
        3,
        "Acquire | Acquire | Acquire | Release(2)",
        &[
            "Blocked | Done | Done | Done | Count(0)",
            "Done | Blocked | Done | Done | Count(0)",
            "Done | Done | Blocked | Done | Count(0)",
        ],
    );
    // Only one release has room.
    let either = ["Done | OverReleased | Count(2)", "OverReleased | Done | Count(2)"];
    ends(1, 2, "Release(1) | Release(1)", &either);
}

#[test]
fn a_set_that_is_followed_by_a_clear_may_precede_the_wait() {
    let expected = ["Done Done | Done | Is(false)", "Done Done | Blocked | Is(false)"];
    ends(Event::default(), &event::Call::ALL, "Set Clear | Wait", &expected);
}

#[test]
fn a_notification_is_for_the_first_waiter() {
    let ends = |program, expected: &[_]| ends(Condition::default(), &condition::Call::ALL, program, expected);
    ends(
        "Wait | Wait | NotifyOne",
        &[
            "Blocked | Blocked | Is(false) | Done", // notified before the waits
            "Done | Blocked | Is(true) | Done",
            "Blocked | Done | Is(true) | Done",
        ],
    );
    ends(
        "WaitTimeout | NotifyAll",
        &["TimedOut | Count(0) | Done", "Done | Count(1) | Done"],
    );
}

#[test]
fn a_timed_wait_at_a_barrier_passes_with_the_other_thread_or_breaks_the_barrier() {
    let ends = |program, expected: &[_]| ends(Barrier::new(2), &barrier::Call::ALL, program, expected);
    let timed = [
        "Count(0) | Count(1) | Is(false)",
        "Count(1) | Count(0) | Is(false)",
        "TimedOut | Broken | Is(true)",
    ];
    ends("WaitTimeout | Wait", &timed);
    // A reset breaks only the waits that have begun.
    ends(
        "Wait | Wait | Reset",
        &[
            "Count(0) | Count(1) | Done | Is(false)",
            "Count(1) | Count(0) | Done | Is(false)",
            "Broken | Blocked | Done | Is(false)",
            "Blocked | Broken | Done | Is(false)",
        ],
    );
}
