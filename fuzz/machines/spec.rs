//! Tests of the specifications and of [`spec::outcomes`].

use spec::barrier::{self, Barrier};
use spec::condition::{self, Condition};
use spec::event::{self, Event};
use spec::lock::{self, Lock};
use spec::rlock::{self, RLock};
use spec::semaphore::{self, Semaphore};
use spec::{Answer, Spec, Step, outcomes};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// The value whose `Debug` output is `text`.
pub fn parse<T: Debug + Copy>(values: &[T], text: &str) -> T {
    let value = values.iter().find(|value| format!("{value:?}") == text);
    *value.unwrap_or_else(|| panic!("no value {text}"))
}

/// Checks scripts and programs, separated by `;`, on a machine in the state `start`.
///
/// A script is a list of steps `thread Call Answer`, where the answer `Blocked` means that the call blocks. To return,
/// the thread repeats the call. The step `time_out` ends the call in which the thread is blocked.
///
/// A program is followed by `:` and all of its outcomes. Its threads are separated by `|`. So are the results of each
/// thread in an outcome, and the final observation.
fn check<S: Spec>(start: S, calls: &[S::Call], entries: &str) {
    for entry in entries.split(';') {
        match entry.split_once(':') {
            None => check_script(start.clone(), calls, entry),
            Some((program, expected)) => {
                let thread = |text: &str| text.split_whitespace().map(|call| parse(calls, call)).collect();
                let threads: Vec<Vec<_>> = program.split('|').map(thread).collect();
                let shown = outcomes(&start, &threads).into_iter().map(|(answers, observed)| {
                    let thread = |answers: Vec<Answer>| format!("{answers:?}").replace(',', "");
                    let threads = answers.into_iter().chain([vec![observed]]).map(thread);
                    threads.collect::<Vec<_>>().join("|").replace(['[', ']'], "")
                });
                let expected = expected.split(',').map(|outcome| outcome.trim().replace(" | ", "|"));
                assert_eq!(shown.collect::<BTreeSet<_>>(), expected.collect(), "{program}");
            }
        }
    }
}

fn check_script<S: Spec>(mut machine: S, calls: &[S::Call], script: &str) {
    for step in script.split(',') {
        let [thread, call, answer] = step.split_whitespace().collect::<Vec<_>>()[..] else {
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
        assert_eq!(format!("{found:?}"), answer, "{step} in {script}");
    }
}

#[test]
fn a_lock_is_released_by_any_thread_and_once() {
    check(
        Lock::default(),
        &lock::Call::ALL,
        "0 Release NotHeld, 0 Acquire Done, 1 TryAcquire Busy, 0 Acquire Blocked, 1 AcquireTimeout Blocked,
         0 IsLocked Is(true);
         0 AcquireTimeout Done, 1 Release Done, 0 Release NotHeld, 1 IsLocked Is(false), 1 TryAcquire Done,
         0 TryAcquire Busy;
         Acquire | Acquire: Done | Blocked | Is(true), Blocked | Done | Is(true);
         Acquire Acquire Release: Done Blocked | Is(true);
         Acquire Release | AcquireTimeout:
             Done Done | Done | Is(true), Done Done | TimedOut | Is(false), Blocked | Done | Is(true)",
    );
    let no_threads = BTreeSet::from([(vec![], Answer::Is(false))]);
    assert_eq!(outcomes(&Lock::default(), &[]), no_threads);
}

#[test]
fn an_rlock_counts_the_acquires_of_its_owner() {
    check(
        RLock::with_max_depth(2),
        &rlock::Call::ALL,
        "0 Acquire Done, 0 TryAcquire Done, 0 AcquireTimeout TooDeep, 0 Acquire TooDeep, 0 TryAcquire TooDeep,
         0 Depth Count(2);
         0 Acquire Done, 0 Acquire Done, 1 Release NotHeld, 0 Release Done, 1 IsLocked Is(true), 1 TryAcquire Busy,
         1 Acquire Blocked;
         0 Acquire Done, 1 Depth Count(0), 0 Depth Count(1), 0 Release Done, 0 Release NotHeld, 0 Depth Count(0),
         1 Acquire Done, 1 Depth Count(1);
         Acquire Release | TryAcquire:
             Done Done | Busy | Is(false), Done Done | Done | Is(true), Blocked | Done | Is(true)",
    );
}

#[test]
fn a_semaphore_accepts_a_release_entirely_or_not_at_all() {
    check(
        Semaphore::new(2, 2),
        &semaphore::Call::ALL,
        "0 Release(1) OverReleased, 0 Release(0) Done, 0 Acquire Done, 0 Release(2) OverReleased,
         1 Available Count(1), 1 Release(1) Done;
         0 TryAcquire Done, 1 AcquireTimeout Done, 0 TryAcquire Busy, 0 Acquire Blocked, 0 Release(2) Done,
         0 Available Count(2)",
    );
    check(
        Semaphore::new(u32::MAX, u32::MAX),
        &semaphore::Call::ALL,
        "0 Release(1) OverReleased, 0 Available Count(4294967295)",
    );
    check(
        Semaphore::new(0, 3),
        &semaphore::Call::ALL,
        "Acquire | Acquire | Acquire | Release(2): Blocked | Done | Done | Done | Count(0),
             Done | Blocked | Done | Done | Count(0), Done | Done | Blocked | Done | Count(0)",
    );
    check(
        Semaphore::new(1, 2),
        &semaphore::Call::ALL,
        "Release(1) | Release(1): Done | OverReleased | Count(2), OverReleased | Done | Count(2)",
    );
}

#[test]
fn an_event_stays_set_until_it_is_cleared() {
    check(
        Event::default(),
        &event::Call::ALL,
        "0 Wait Blocked, 0 WaitTimeout Blocked, 0 Set Done, 1 Set Done, 0 Wait Done, 1 WaitTimeout Done,
         0 IsSet Is(true);
         0 Clear Done, 0 Set Done, 1 Clear Done, 0 IsSet Is(false), 0 Wait Blocked;
         Set Clear | Wait: Done Done | Done | Is(false), Done Done | Blocked | Is(false)",
    );
}

#[test]
fn a_condition_notifies_its_waiters_in_fifo_order() {
    check(
        Condition::default(),
        &condition::Call::ALL,
        "0 NotifyOne Is(false), 0 Notify(2) Count(0), 0 NotifyAll Count(0), 0 Wait Blocked;
         2 Wait Blocked, 0 WaitTimeout Blocked, 1 Wait Blocked,
         3 NotifyOne Is(true), 1 Wait Blocked, 0 WaitTimeout Blocked, 2 Wait Done, 2 Wait Blocked;
         2 Wait Blocked, 0 WaitTimeout Blocked, 1 Wait Blocked,
         3 Notify(0) Count(0), 3 Notify(2) Count(2), 0 WaitTimeout Done, 1 Wait Blocked, 2 Wait Done,
         3 NotifyAll Count(1), 1 Wait Done;
         0 WaitTimeout Blocked, 1 Wait Blocked, 0 time_out TimedOut, 0 NotifyOne Is(true), 1 Wait Done,
         0 NotifyAll Count(0);
         Wait | Wait | NotifyOne: Blocked | Blocked | Is(false) | Done, Done | Blocked | Is(true) | Done,
             Blocked | Done | Is(true) | Done;
         WaitTimeout | NotifyAll: TimedOut | Count(0) | Done, Done | Count(1) | Done",
    );
}

#[test]
fn a_generation_of_a_barrier_is_complete_or_broken() {
    check(
        Barrier::new(3),
        &barrier::Call::ALL,
        "0 Wait Blocked, 1 WaitTimeout Blocked, 2 Waiting Count(2), 2 Wait Count(2), 2 Waiting Count(0),
         2 Wait Blocked, 1 WaitTimeout Count(1), 0 Wait Count(0), 0 Wait Blocked, 1 Wait Count(2),
         0 Wait Count(1), 2 Wait Count(0);
         0 Wait Blocked, 1 WaitTimeout Blocked, 1 time_out TimedOut, 1 IsBroken Is(true), 1 Waiting Count(0),
         0 Wait Broken, 1 Wait Broken, 1 Reset Done, 1 Wait Blocked, 1 Waiting Count(1)",
    );
    check(
        Barrier::new(2),
        &barrier::Call::ALL,
        "0 Wait Blocked, 1 Abort Done, 1 IsBroken Is(true), 1 Waiting Count(0), 0 Wait Broken;
         0 Wait Blocked, 1 Reset Done, 1 IsBroken Is(false), 1 Waiting Count(0), 0 Wait Broken;
         0 Abort Done, 0 Wait Broken, 1 WaitTimeout Broken, 0 Reset Done, 0 IsBroken Is(false), 0 Wait Blocked,
         1 Wait Count(1), 0 Wait Count(0);
         WaitTimeout | Wait: Count(0) | Count(1) | Is(false), Count(1) | Count(0) | Is(false),
             TimedOut | Broken | Is(true);
         Wait | Wait | Reset: Count(0) | Count(1) | Done | Is(false), Count(1) | Count(0) | Done | Is(false),
             Broken | Blocked | Done | Is(false), Blocked | Broken | Done | Is(false)",
    );
    check(
        Barrier::new(1),
        &barrier::Call::ALL,
        "0 Wait Count(0), 0 WaitTimeout Count(0)",
    );
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
                let blocks = next.step(thread, call) == Step::WouldBlock;
                if blocks {
                    let mut again = next.clone();
                    assert_eq!(again.step(thread, call), Step::WouldBlock, "{call:?}, repeated");
                    assert_eq!(again, next, "{call:?}, repeated, changes the state");
                    assert_eq!(again.time_out(thread), Answer::TimedOut);
                    let expected = timed_out(state.clone());
                    assert!(waits[thread].is_some() || again == expected, "{call:?}, timed out");
                    blocked += 1;
                }
                waits[thread] = blocks.then_some(call);
                scenes.insert((next, waits));
            }
        }
    }
    assert!(blocked > 0, "no call blocked");
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
