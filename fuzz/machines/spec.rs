//! The specifications themselves, and the search through their outcomes.

use spec::Answer::{self, Blocked, Busy, Count, Done, Is, NotHeld, OverReleased, TimedOut, TooDeep};
use spec::{Outcome, Spec, Step, event, lock, outcomes, rlock, semaphore};
use std::collections::BTreeSet;

/// The answers of calls made one after the other, none of which waits.
fn answers<S: Spec>(mut machine: S, calls: &[(usize, S::Call)]) -> Vec<Answer> {
    let answer = |&(thread, call)| match machine.step(thread, call) {
        Step::Done(answer) => answer,
        Step::WouldBlock => Blocked,
    };
    calls.iter().map(answer).collect()
}

/// Fails if a call that would block changes anything, in any state within `depth` calls.
fn blocked_calls_change_nothing<S: Spec>(start: S, calls: &[S::Call], depth: usize) {
    let (mut states, mut blocked) = (BTreeSet::from([start]), 0);
    for _ in 0..depth {
        for state in states.clone() {
            for (thread, &call) in (0..2).flat_map(|thread| calls.iter().map(move |call| (thread, call))) {
                let mut next = state.clone();
                if next.step(thread, call) == Step::WouldBlock {
                    assert_eq!(next, state, "{call:?} would block and has changed something");
                    blocked += 1;
                }
                states.insert(next);
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
    let calls = [(0, Release), (0, Acquire), (1, TryAcquire), (0, Acquire), (1, AcquireTimeout), (0, IsLocked)];
    assert_eq!(answers(lock::Lock::default(), &calls), [NotHeld, Done, Busy, Blocked, Blocked, Is(true)]);
    let calls = [(0, AcquireTimeout), (1, Release), (0, Release), (1, IsLocked), (1, TryAcquire), (0, TryAcquire)];
    assert_eq!(answers(lock::Lock::default(), &calls), [Done, Done, NotHeld, Is(false), Done, Busy]);
}

#[test]
fn an_rlock_is_as_deep_as_its_owner_went() {
    use rlock::Call::{Acquire, AcquireTimeout, Depth, IsLocked, Release, TryAcquire};
    let free = rlock::RLock::with_max_depth(2);
    let calls = [(0, Acquire), (0, TryAcquire), (0, AcquireTimeout), (0, Acquire), (0, TryAcquire), (0, Depth)];
    assert_eq!(answers(free.clone(), &calls), [Done, Done, TooDeep, TooDeep, TooDeep, Count(2)]);
    let calls = [(0, Acquire), (0, Acquire), (1, Release), (0, Release), (1, IsLocked), (1, TryAcquire), (1, Acquire)];
    assert_eq!(answers(free.clone(), &calls), [Done, Done, NotHeld, Done, Is(true), Busy, Blocked]);
    let calls =
        [(0, Acquire), (1, Depth), (0, Depth), (0, Release), (0, Release), (0, Depth), (1, Acquire), (1, Depth)];
    assert_eq!(answers(free, &calls), [Done, Count(0), Count(1), Done, NotHeld, Count(0), Done, Count(1)]);
}

#[test]
fn a_semaphore_takes_all_of_a_release_or_nothing() {
    use semaphore::Call::{Acquire, AcquireTimeout, Available, Release, TryAcquire};
    let full = semaphore::Semaphore::new(2, 2);
    let calls = [(0, Release(1)), (0, Release(0)), (0, Acquire), (0, Release(2)), (1, Available), (1, Release(1))];
    assert_eq!(answers(full.clone(), &calls), [OverReleased, Done, Done, OverReleased, Count(1), Done]);
    let calls = [(0, TryAcquire), (1, AcquireTimeout), (0, TryAcquire), (0, Acquire), (0, Release(2)), (0, Available)];
    assert_eq!(answers(full, &calls), [Done, Done, Busy, Blocked, Done, Count(2)]);
    let huge = semaphore::Semaphore::new(u32::MAX, u32::MAX);
    assert_eq!(answers(huge, &[(0, Release(1)), (0, Available)]), [OverReleased, Count(u32::MAX)]);
}

#[test]
fn an_event_stays_set_until_it_is_cleared() {
    use event::Call::{Clear, IsSet, Set, Wait, WaitTimeout};
    let calls = [(0, Wait), (0, WaitTimeout), (0, Set), (1, Set), (0, Wait), (1, WaitTimeout), (0, IsSet)];
    assert_eq!(answers(event::Event::default(), &calls), [Blocked, Blocked, Done, Done, Done, Done, Is(true)]);
    let calls = [(0, Clear), (0, Set), (1, Clear), (0, IsSet), (0, Wait)];
    assert_eq!(answers(event::Event::default(), &calls), [Done, Done, Done, Is(false), Blocked]);
}

#[test]
fn what_would_block_changes_nothing() {
    blocked_calls_change_nothing(lock::Lock::default(), &lock::Call::ALL, 3);
    blocked_calls_change_nothing(rlock::RLock::with_max_depth(2), &rlock::Call::ALL, 4);
    blocked_calls_change_nothing(semaphore::Semaphore::new(2, 2), &semaphore::Call::ALL, 4);
    blocked_calls_change_nothing(event::Event::default(), &event::Call::ALL, 3);
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
    let either = [vec![vec![Done], vec![OverReleased]], vec![vec![OverReleased], vec![Done]]];
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
fn no_programs_have_one_outcome() {
    assert_eq!(outcomes(&lock::Lock::default(), &[]), all([(vec![], Is(false))]));
}
