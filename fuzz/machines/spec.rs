//! The specifications themselves, and the search through their outcomes.

use spec::Answer::{self, Blocked, Broken, Busy, Count, Done, Is, NotHeld, OverReleased, TimedOut, TooDeep};
use spec::{Outcome, Spec, Step, barrier, condition, event, lock, outcomes, rlock, semaphore};
use std::collections::BTreeSet;

/// The answers of calls made one after the other: `Blocked` of those that wait. They are made again to return.
fn answers<S: Spec>(mut machine: S, calls: &[(usize, S::Call)]) -> Vec<Answer> {
    next_answers(&mut machine, calls)
}

fn next_answers<S: Spec>(machine: &mut S, calls: &[(usize, S::Call)]) -> Vec<Answer> {
    let answer = |&(thread, call)| match machine.step(thread, call) {
        Step::Done(answer) => answer,
        Step::WouldBlock => Blocked,
    };
    calls.iter().map(answer).collect()
}

/// A machine, and in which call each of three threads waits.
type Scene<S> = (S, [Option<<S as Spec>::Call>; 3]);

/// Fails unless a call that would block only waits, in any state within `depth` calls: made again it changes nothing more,
/// and given up it leaves what `given_up` makes of the state in which it was made.
fn blocked_calls_only_wait<S: Spec>(start: S, calls: &[S::Call], depth: usize, given_up: impl Fn(S) -> S) {
    let (mut scenes, mut blocked): (BTreeSet<Scene<S>>, _) = (BTreeSet::from([(start, [None; 3])]), 0);
    for _ in 0..depth {
        for (state, waits) in scenes.clone() {
            for (thread, &call) in (0..3).flat_map(|thread| calls.iter().map(move |call| (thread, call))) {
                let (mut next, mut waits) = (state.clone(), waits);
                if waits[thread].is_some_and(|other| other != call) {
                    continue; // it must return from that first
                }
                if next.step(thread, call) == Step::WouldBlock {
                    let mut again = next.clone();
                    assert_eq!(
                        again.step(thread, call),
                        Step::WouldBlock,
                        "{call:?} waits, and then does not"
                    );
                    assert_eq!(again, next, "{call:?}, made again, has changed something");
                    assert_eq!(again.give_up(thread), TimedOut);
                    if waits[thread].is_none() {
                        assert_eq!(
                            again,
                            given_up(state.clone()),
                            "{call:?}, given up, leaves something else"
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
    assert!(blocked > 0, "nothing ever blocked");
}

fn all(outcomes: impl IntoIterator<Item = (Vec<Vec<Answer>>, Answer)>) -> BTreeSet<Outcome> {
    outcomes.into_iter().collect()
}

#[test]
fn a_lock_is_released_by_anybody_and_once() {
    use lock::Call::{Acquire, AcquireTimeout, IsLocked, Release, TryAcquire};
    let calls = [
        (0, Release),
        (0, Acquire),
        (1, TryAcquire),
        (0, Acquire),
        (1, AcquireTimeout),
        (0, IsLocked),
    ];
    assert_eq!(
        answers(lock::Lock::default(), &calls),
        [NotHeld, Done, Busy, Blocked, Blocked, Is(true)]
    );
    let calls = [
        (0, AcquireTimeout),
        (1, Release),
        (0, Release),
        (1, IsLocked),
        (1, TryAcquire),
        (0, TryAcquire),
    ];
    assert_eq!(
        answers(lock::Lock::default(), &calls),
        [Done, Done, NotHeld, Is(false), Done, Busy]
    );
}

#[test]
fn an_rlock_is_as_deep_as_its_owner_went() {
    use rlock::Call::{Acquire, AcquireTimeout, Depth, IsLocked, Release, TryAcquire};
    let free = rlock::RLock::with_max_depth(2);
    let calls = [
        (0, Acquire),
        (0, TryAcquire),
        (0, AcquireTimeout),
        (0, Acquire),
        (0, TryAcquire),
        (0, Depth),
    ];
    assert_eq!(
        answers(free.clone(), &calls),
        [Done, Done, TooDeep, TooDeep, TooDeep, Count(2)]
    );
    let calls = [
        (0, Acquire),
        (0, Acquire),
        (1, Release),
        (0, Release),
        (1, IsLocked),
        (1, TryAcquire),
        (1, Acquire),
    ];
    assert_eq!(
        answers(free.clone(), &calls),
        [Done, Done, NotHeld, Done, Is(true), Busy, Blocked]
    );
    let calls = [
        (0, Acquire),
        (1, Depth),
        (0, Depth),
        (0, Release),
        (0, Release),
        (0, Depth),
        (1, Acquire),
        (1, Depth),
    ];
    assert_eq!(
        answers(free, &calls),
        [Done, Count(0), Count(1), Done, NotHeld, Count(0), Done, Count(1)]
    );
}

#[test]
fn a_semaphore_takes_all_of_a_release_or_nothing() {
    use semaphore::Call::{Acquire, AcquireTimeout, Available, Release, TryAcquire};
    let full = semaphore::Semaphore::new(2, 2);
    let calls = [
        (0, Release(1)),
        (0, Release(0)),
        (0, Acquire),
        (0, Release(2)),
        (1, Available),
        (1, Release(1)),
    ];
    assert_eq!(
        answers(full.clone(), &calls),
        [OverReleased, Done, Done, OverReleased, Count(1), Done]
    );
    let calls = [
        (0, TryAcquire),
        (1, AcquireTimeout),
        (0, TryAcquire),
        (0, Acquire),
        (0, Release(2)),
        (0, Available),
    ];
    assert_eq!(answers(full, &calls), [Done, Done, Busy, Blocked, Done, Count(2)]);
    let huge = semaphore::Semaphore::new(u32::MAX, u32::MAX);
    assert_eq!(
        answers(huge, &[(0, Release(1)), (0, Available)]),
        [OverReleased, Count(u32::MAX)]
    );
}

#[test]
fn an_event_stays_set_until_it_is_cleared() {
    use event::Call::{Clear, IsSet, Set, Wait, WaitTimeout};
    let calls = [
        (0, Wait),
        (0, WaitTimeout),
        (0, Set),
        (1, Set),
        (0, Wait),
        (1, WaitTimeout),
        (0, IsSet),
    ];
    assert_eq!(
        answers(event::Event::default(), &calls),
        [Blocked, Blocked, Done, Done, Done, Done, Is(true)]
    );
    let calls = [(0, Clear), (0, Set), (1, Clear), (0, IsSet), (0, Wait)];
    assert_eq!(
        answers(event::Event::default(), &calls),
        [Done, Done, Done, Is(false), Blocked]
    );
}

#[test]
fn a_condition_is_notified_in_the_order_of_waiting() {
    use condition::Call::{Notify, NotifyAll, NotifyOne, Wait, WaitTimeout};
    let nobody = condition::Condition::default();
    let calls = [(0, NotifyOne), (0, Notify(2)), (0, NotifyAll), (0, Wait)];
    assert_eq!(
        answers(nobody.clone(), &calls),
        [Is(false), Count(0), Count(0), Blocked]
    );
    let line = [(2, Wait), (0, WaitTimeout), (1, Wait)];
    let then = |calls: &[_]| answers(nobody.clone(), &[&line, calls].concat())[line.len()..].to_vec();
    let first = [(3, NotifyOne), (1, Wait), (0, WaitTimeout), (2, Wait), (2, Wait)];
    assert_eq!(then(&first), [Is(true), Blocked, Blocked, Done, Blocked]);
    let two = [
        (3, Notify(0)),
        (3, Notify(2)),
        (0, WaitTimeout),
        (1, Wait),
        (2, Wait),
        (3, NotifyAll),
        (1, Wait),
    ];
    assert_eq!(then(&two), [Count(0), Count(2), Done, Blocked, Done, Count(1), Done]);
}

#[test]
fn who_waits_for_a_condition_no_more_is_not_notified() {
    use condition::Call::{NotifyAll, NotifyOne, Wait, WaitTimeout};
    let mut condition = condition::Condition::default();
    assert_eq!(
        next_answers(&mut condition, &[(0, WaitTimeout), (1, Wait)]),
        [Blocked, Blocked]
    );
    assert_eq!(condition.give_up(0), TimedOut);
    assert_eq!(
        next_answers(&mut condition, &[(0, NotifyOne), (1, Wait), (0, NotifyAll)]),
        [Is(true), Done, Count(0)]
    );
}

#[test]
fn a_barrier_passes_whole_or_is_broken_whole() {
    use barrier::Call::{Abort, IsBroken, Reset, Wait, WaitTimeout, Waiting};
    let mut three = barrier::Barrier::new(3);
    let first_round = [(0, Wait), (1, WaitTimeout), (2, Waiting), (2, Wait), (2, Waiting)];
    assert_eq!(
        next_answers(&mut three, &first_round),
        [Blocked, Blocked, Count(2), Count(2), Count(0)]
    );
    let next_round = [
        (2, Wait),
        (1, WaitTimeout),
        (0, Wait),
        (0, Wait),
        (1, Wait),
        (0, Wait),
        (2, Wait),
    ];
    let indices = [Blocked, Count(1), Count(0), Blocked, Count(2), Count(1), Count(0)];
    assert_eq!(next_answers(&mut three, &next_round), indices);
    for (end, is_broken) in [(Abort, true), (Reset, false)] {
        let calls = [(0, Wait), (1, end), (1, IsBroken), (1, Waiting), (0, Wait)];
        assert_eq!(
            answers(barrier::Barrier::new(2), &calls),
            [Blocked, Done, Is(is_broken), Count(0), Broken]
        );
    }
    let calls = [
        (0, Abort),
        (0, Wait),
        (1, WaitTimeout),
        (0, Reset),
        (0, IsBroken),
        (0, Wait),
        (1, Wait),
        (0, Wait),
    ];
    let repaired = [Done, Broken, Broken, Done, Is(false), Blocked, Count(1), Count(0)];
    assert_eq!(answers(barrier::Barrier::new(2), &calls), repaired);
    assert_eq!(
        answers(barrier::Barrier::new(1), &[(0, Wait), (0, WaitTimeout)]),
        [Count(0), Count(0)]
    );
}

#[test]
fn a_party_that_gives_up_breaks_the_barrier_for_all() {
    use barrier::Call::{IsBroken, Reset, Wait, WaitTimeout, Waiting};
    let mut barrier = barrier::Barrier::new(3);
    assert_eq!(
        next_answers(&mut barrier, &[(0, Wait), (1, WaitTimeout)]),
        [Blocked, Blocked]
    );
    assert_eq!(barrier.give_up(1), TimedOut);
    let calls = [
        (1, IsBroken),
        (1, Waiting),
        (0, Wait),
        (1, Wait),
        (1, Reset),
        (1, Wait),
        (1, Waiting),
    ];
    assert_eq!(
        next_answers(&mut barrier, &calls),
        [Is(true), Count(0), Broken, Broken, Done, Blocked, Count(1)]
    );
}

#[test]
fn what_would_block_only_waits() {
    blocked_calls_only_wait(lock::Lock::default(), &lock::Call::ALL, 3, |as_before| as_before);
    blocked_calls_only_wait(rlock::RLock::with_max_depth(2), &rlock::Call::ALL, 4, |as_before| {
        as_before
    });
    blocked_calls_only_wait(semaphore::Semaphore::new(2, 2), &semaphore::Call::ALL, 4, |as_before| {
        as_before
    });
    blocked_calls_only_wait(event::Event::default(), &event::Call::ALL, 3, |as_before| as_before);
    blocked_calls_only_wait(condition::Condition::default(), &condition::Call::ALL, 6, |as_before| {
        as_before
    });
    let broken = |mut barrier: barrier::Barrier| {
        barrier.step(0, barrier::Call::Abort);
        barrier
    };
    blocked_calls_only_wait(barrier::Barrier::new(2), &barrier::Call::ALL, 6, broken);
    blocked_calls_only_wait(barrier::Barrier::new(3), &barrier::Call::ALL, 6, broken);
}

#[test]
fn timed_calls_and_no_others_give_up() {
    let timed = |calls: &[lock::Call]| calls.iter().filter(|&&call| lock::Lock::is_timed(call)).count();
    assert_eq!(timed(&lock::Call::ALL), 1);
    assert!(lock::Lock::is_timed(lock::Call::AcquireTimeout));
    assert!(rlock::RLock::is_timed(rlock::Call::AcquireTimeout) && !rlock::RLock::is_timed(rlock::Call::Acquire));
    assert!(semaphore::Semaphore::is_timed(semaphore::Call::AcquireTimeout));
    assert!(!semaphore::Semaphore::is_timed(semaphore::Call::Acquire));
    assert!(event::Event::is_timed(event::Call::WaitTimeout) && !event::Event::is_timed(event::Call::Wait));
    let timed = condition::Call::ALL.map(condition::Condition::is_timed);
    assert_eq!(timed, [false, true, false, false, false, false]);
    assert_eq!(
        barrier::Call::ALL.map(barrier::Barrier::is_timed),
        [false, true, false, false, false, false]
    );
}

#[test]
fn two_acquires_of_a_free_lock_leave_either_blocked() {
    use lock::Call::Acquire;
    let either = [vec![vec![Done], vec![Blocked]], vec![vec![Blocked], vec![Done]]];
    let found = outcomes(&lock::Lock::default(), &[vec![Acquire], vec![Acquire]]);
    assert_eq!(found, all(either.map(|answers| (answers, Is(true)))));
}

#[test]
fn a_timed_acquire_waits_or_gives_up_where_it_would_block() {
    use lock::Call::{Acquire, AcquireTimeout, Release};
    let found = outcomes(&lock::Lock::default(), &[vec![Acquire, Release], vec![AcquireTimeout]]);
    let expected = [
        (vec![vec![Done, Done], vec![Done]], Is(true)), // before, or having waited
        (vec![vec![Done, Done], vec![TimedOut]], Is(false)),
        // The timed one is first, and its lock is what the other releases, or never gets.
        (vec![vec![Blocked], vec![Done]], Is(true)),
    ];
    assert_eq!(found, all(expected));
}

#[test]
fn what_follows_a_blocked_call_is_not_made() {
    use lock::Call::{Acquire, Release};
    let found = outcomes(&lock::Lock::default(), &[vec![Acquire, Acquire, Release]]);
    assert_eq!(found, all([(vec![vec![Done, Blocked]], Is(true))]));
}

#[test]
fn a_release_of_two_lets_two_of_three_go_on() {
    use semaphore::Call::{Acquire, Release};
    let programs = [vec![Acquire], vec![Acquire], vec![Acquire], vec![Release(2)]];
    let expected = (0..3).map(|blocked| {
        let waiter = |index| vec![if index == blocked { Blocked } else { Done }];
        (vec![waiter(0), waiter(1), waiter(2), vec![Done]], Count(0))
    });
    assert_eq!(outcomes(&semaphore::Semaphore::new(0, 3), &programs), all(expected));
}

#[test]
fn two_releases_into_the_last_place_cannot_both_succeed() {
    use semaphore::Call::Release;
    let found = outcomes(&semaphore::Semaphore::new(1, 2), &[vec![Release(1)], vec![Release(1)]]);
    let either = [
        vec![vec![Done], vec![OverReleased]],
        vec![vec![OverReleased], vec![Done]],
    ];
    assert_eq!(found, all(either.map(|answers| (answers, Count(2)))));
}

#[test]
fn a_set_that_is_cleared_may_come_too_early_for_a_waiter() {
    use event::Call::{Clear, Set, Wait};
    let found = outcomes(&event::Event::default(), &[vec![Set, Clear], vec![Wait]]);
    let expected = [Done, Blocked].map(|waiter| (vec![vec![Done, Done], vec![waiter]], Is(false)));
    assert_eq!(found, all(expected));
}

#[test]
fn an_rlock_is_shared_only_in_turns() {
    use rlock::Call::{Acquire, Release, TryAcquire};
    let free = rlock::RLock::with_max_depth(2);
    let found = outcomes(&free, &[vec![Acquire, Release], vec![TryAcquire]]);
    let expected = [
        (vec![vec![Done, Done], vec![Busy]], Is(false)),
        (vec![vec![Done, Done], vec![Done]], Is(true)),
        (vec![vec![Blocked], vec![Done]], Is(true)),
    ];
    assert_eq!(found, all(expected));
}

#[test]
fn a_notification_is_for_the_waiter_that_came_first() {
    use condition::Call::{NotifyOne, Wait};
    let found = outcomes(
        &condition::Condition::default(),
        &[vec![Wait], vec![Wait], vec![NotifyOne]],
    );
    let expected = [
        (vec![vec![Blocked], vec![Blocked], vec![Is(false)]], Done), // it came too early
        (vec![vec![Done], vec![Blocked], vec![Is(true)]], Done),
        (vec![vec![Blocked], vec![Done], vec![Is(true)]], Done),
    ];
    assert_eq!(found, all(expected));
}

#[test]
fn a_timed_wait_succeeds_if_and_only_if_it_was_notified() {
    use condition::Call::{NotifyAll, WaitTimeout};
    let found = outcomes(&condition::Condition::default(), &[vec![WaitTimeout], vec![NotifyAll]]);
    let expected = [(TimedOut, 0), (Done, 1)].map(|(waiter, count)| (vec![vec![waiter], vec![Count(count)]], Done));
    assert_eq!(found, all(expected));
}

#[test]
fn a_timed_party_passes_with_the_other_or_breaks_the_barrier() {
    use barrier::Call::{Wait, WaitTimeout};
    let found = outcomes(&barrier::Barrier::new(2), &[vec![WaitTimeout], vec![Wait]]);
    let expected = [
        (vec![vec![Count(0)], vec![Count(1)]], Is(false)),
        (vec![vec![Count(1)], vec![Count(0)]], Is(false)),
        (vec![vec![TimedOut], vec![Broken]], Is(true)),
    ];
    assert_eq!(found, all(expected));
}

#[test]
fn a_reset_turns_away_who_has_come_and_nobody_else() {
    use barrier::Call::{Reset, Wait};
    let found = outcomes(&barrier::Barrier::new(2), &[vec![Wait], vec![Wait], vec![Reset]]);
    let ends = [
        [Count(0), Count(1)],
        [Count(1), Count(0)],
        [Broken, Blocked],
        [Blocked, Broken],
    ];
    assert_eq!(
        found,
        all(ends.map(|[one, two]| (vec![vec![one], vec![two], vec![Done]], Is(false))))
    );
}

#[test]
fn no_programs_have_one_outcome() {
    assert_eq!(outcomes(&lock::Lock::default(), &[]), all([(vec![], Is(false))]));
}
