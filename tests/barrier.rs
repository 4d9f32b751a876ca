//! `Barrier`: laws B1 to B8.

use crate::forms::{self, Await, Form, IN_VAIN, PATIENT, come_by, patient};
use crate::in_line::{BROKEN, LEADER, all_passed, all_turned_away, line_up, party};
use crate::support::{SHORT, panic_of};
use crate::watchdog;
use selvedge::sync::WaitError::TimedOut;
use selvedge::{Barrier, Broken, Instant, Turn};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::fmt::Debug;
use std::hash::Hash;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::time::Duration;

assert_impl_all!(Barrier: Send, Sync, Debug);
assert_impl_all!(Barrier<Cell<u8>>: Send, Sync, Debug);
assert_not_impl_any!(Barrier<Rc<u8>>: Send, Sync);
assert_impl_all!(Turn: Send, Sync, Copy, Debug, Eq, Hash);

impl Await for Barrier {
    fn wait_by(&self, form: Form) -> bool {
        match come_by(self, form) {
            Ok(turn) => {
                assert!(turn.index < 2);
                true
            }
            Err(error) => {
                assert_eq!(error, TimedOut);
                assert!(self.is_broken());
                false
            }
        }
    }

    fn end_a_wait(&self) {
        self.wait().unwrap();
    }

    fn mend(&self) {
        self.reset();
    }
}

forms::waits!(in_all_forms: Barrier::new(2));

/// It takes all parties, no fewer; then a round passes.
fn a_round_passes<A: FnMut() + Send>(barrier: &Barrier<A>) {
    let others = barrier.parties() - 1;
    assert!(!barrier.is_broken());
    assert_eq!(barrier.waiting(), 0);
    watchdog::run(|watch| {
        let parties = line_up(watch, barrier, patient(others));
        assert_eq!(barrier.waiting(), others, "somebody passed early");
        assert_eq!(come_by(barrier, Form::Timeout(Duration::ZERO)), LEADER(others));
        assert_eq!(barrier.waiting(), 0);
        all_passed(parties);
    });
    assert!(!barrier.is_broken());
}

/// It turns everybody away at once, in every form.
fn assert_broken<A: FnMut() + Send>(barrier: &Barrier<A>) {
    assert!(barrier.is_broken());
    watchdog::run(|_| {
        for form in PATIENT.into_iter().chain(IN_VAIN) {
            assert_eq!(come_by(barrier, form), BROKEN, "{form:?}");
        }
    });
    assert_eq!(barrier.waiting(), 0);
    assert!(barrier.is_broken());
}

#[test]
fn a_barrier_for_nobody_is_not_made() {
    assert_eq!(panic_of(|| Barrier::new(0)), "a barrier needs at least one party");
    assert_eq!(
        panic_of(|| Barrier::with_action(0, || ())),
        "a barrier needs at least one party"
    );
}

#[test]
fn one_party_never_waits() {
    let mut rounds = 0;
    let barrier = Barrier::with_action(1, || rounds += 1);
    assert_eq!(barrier.parties(), 1);
    for form in PATIENT.into_iter().chain(IN_VAIN) {
        assert_eq!(come_by(&barrier, form), LEADER(0));
        assert_eq!(come_by(&Barrier::new(1), form), LEADER(0));
    }
    assert_eq!(rounds, 11);
}

#[test]
fn a_static_barrier_is_one_for_all_threads() {
    static PLAIN: Barrier = Barrier::new(3);
    static ROUNDS: AtomicU32 = AtomicU32::new(0);
    static ACTING: Barrier = Barrier::with_action(3, || _ = ROUNDS.fetch_add(1, Relaxed));
    for round in 1..=3 {
        a_round_passes(&PLAIN);
        a_round_passes(&ACTING);
        assert_eq!(ROUNDS.load(Relaxed), round);
    }
}

#[test]
fn sixty_four_parties_pass_and_are_turned_away() {
    let barrier = Barrier::new(64);
    a_round_passes(&barrier);
    watchdog::run(|watch| {
        let parties = line_up(watch, &barrier, patient(63));
        barrier.reset();
        all_turned_away(parties);
    });
    a_round_passes(&barrier);
}

/// Laws B1 to B3, over and over.
#[test]
fn each_round_takes_all_parties_once_and_runs_the_action_before_anybody_passes() {
    const ROUNDS: u32 = 3_000;
    const PARTIES: usize = 4;
    let (came, rounds) = (AtomicU32::new(0), AtomicU32::new(0));
    let barrier = Barrier::with_action(PARTIES, || {
        let round = rounds.load(Relaxed) + 1;
        assert_eq!(came.load(Relaxed), round * PARTIES as u32);
        rounds.store(round, Relaxed);
    });
    let mut turns: Vec<Vec<Turn>> = watchdog::run(|watch| {
        let runner = |n: usize| {
            let (barrier, came, rounds) = (&barrier, &came, &rounds);
            watch.spawn(format!("runner {n}"), move |role| {
                let run = |round| {
                    came.fetch_add(1, Relaxed);
                    let form = PATIENT[(round as usize + n) % PATIENT.len()];
                    let turn = role.waits("a wait", || come_by(barrier, form)).unwrap();
                    // The next action needs us.
                    assert_eq!(rounds.load(Relaxed), round);
                    turn
                };
                (1..=ROUNDS).map(run).collect()
            })
        };
        let runners: Vec<_> = (0..PARTIES).map(runner).collect();
        runners.into_iter().map(|runner| runner.join()).collect()
    });
    for _ in 0..ROUNDS {
        let mut round: Vec<_> = turns.iter_mut().map(|turns| turns.pop().unwrap()).collect();
        round.sort_by_key(|turn| turn.index);
        let all: Vec<_> = (0..PARTIES)
            .map(|index| Turn {
                index,
                is_leader: index == PARTIES - 1,
            })
            .collect();
        assert_eq!(round, all);
    }
}

/// Law B4: who passes in pairs passes once a round.
#[test]
fn more_threads_than_parties_pass_in_pairs() {
    const ROUNDS: u32 = 4_000;
    let (rounds, indexes) = (AtomicU32::new(0), [AtomicU32::new(0), AtomicU32::new(0)]);
    let barrier = Barrier::with_action(2, || _ = rounds.fetch_add(1, Relaxed));
    watchdog::run(|watch| {
        for n in 0..8 {
            let (barrier, rounds, indexes) = (&barrier, &rounds, &indexes);
            watch.spawn(format!("party {n}"), move |role| {
                while let Ok(turn) = role.waits("a wait", || come_by(barrier, PATIENT[n % PATIENT.len()])) {
                    indexes[turn.index].fetch_add(1, Relaxed);
                    if rounds.load(Relaxed) >= ROUNDS {
                        barrier.abort(); // or one may be left over
                    }
                }
            });
        }
    });
    let rounds = rounds.into_inner();
    assert!(rounds >= ROUNDS);
    assert_eq!(indexes.map(AtomicU32::into_inner), [rounds; 2]);
}

#[test]
fn an_action_may_borrow_and_is_dropped_with_the_barrier() {
    let (mut rounds, alive) = (Vec::new(), Arc::new(()));
    let held = Arc::clone(&alive);
    let rounds_so_far = &mut rounds;
    let barrier = Barrier::with_action(3, move || rounds_so_far.push(Arc::strong_count(&held)));
    a_round_passes(&barrier);
    a_round_passes(&barrier);
    drop(barrier);
    assert_eq!((Arc::strong_count(&alive), rounds), (1, vec![2, 2]));
}

#[test]
fn a_panic_of_the_action_is_the_leaders_and_breaks_the_round_for_all() {
    let panics = AtomicBool::new(true);
    let barrier = Barrier::with_action(4, || {
        if panics.load(Relaxed) {
            resume_unwind(Box::new("the action's panic"));
        }
    });
    watchdog::run(|watch| {
        for form in PATIENT.into_iter().chain(IN_VAIN) {
            panics.store(true, Relaxed);
            let others = line_up(watch, &barrier, patient(3));
            let panic = party(watch, &barrier, form).try_join().unwrap_err();
            assert_eq!(watchdog::message(&*panic), "the action's panic");
            all_turned_away(others);
            assert_broken(&barrier);
            barrier.reset();
            panics.store(false, Relaxed);
            a_round_passes(&barrier);
        }
    });
}

#[test]
fn an_abort_turns_away_those_who_wait_and_those_who_come() {
    let barrier = Barrier::new(4);
    watchdog::run(|watch| {
        for waiting in 0..4 {
            let parties = line_up(watch, &barrier, patient(waiting));
            barrier.abort();
            all_turned_away(parties);
            assert_broken(&barrier);
            barrier.abort();
            assert_eq!(barrier.wait(), Err(Broken));
            barrier.reset();
            a_round_passes(&barrier);
        }
    });
}

#[test]
fn a_reset_turns_away_those_who_wait_and_leaves_the_barrier_whole() {
    let barrier = Barrier::new(4);
    watchdog::run(|watch| {
        for waiting in 0..4 {
            let parties = line_up(watch, &barrier, patient(waiting));
            barrier.reset();
            a_round_passes(&barrier); // though those of the last have perhaps not left
            all_turned_away(parties);
            barrier.reset();
            a_round_passes(&barrier);
        }
    });
}

/// Law B7, the shape of tokio#8370: there, a party that has timed out is counted still.
#[test]
fn a_timeout_turns_all_away_and_counts_its_party_no_longer() {
    let barrier = Barrier::new(4);
    watchdog::run(|watch| {
        for place in 0..3 {
            for hasty in [Form::Timeout(2 * SHORT), Form::Deadline(2 * SHORT)] {
                let mut parties = line_up(
                    watch,
                    &barrier,
                    (0..3).map(|n| if n == place { hasty } else { Form::Plain }),
                );
                assert_eq!(parties.remove(place).join(), Err(TimedOut));
                all_turned_away(parties);
                assert_broken(&barrier);
                barrier.reset();
                a_round_passes(&barrier);
            }
        }
    });
}

type Acting = Barrier<Box<dyn FnMut() + Send>>;

/// A barrier for two whose action says that it has begun, and waits to be told that it may end.
fn with_slow_action(test: impl FnOnce(&Acting, &dyn Fn(), &dyn Fn())) {
    let ((begin, has_begun), (end, may_end)) = (channel(), channel());
    let action = move || {
        begin.send(()).unwrap();
        may_end.recv().unwrap();
    };
    test(
        &Barrier::with_action(2, Box::new(action)),
        &|| has_begun.recv().unwrap(),
        &|| end.send(()).unwrap(),
    )
}

#[test]
fn whoever_comes_while_the_action_runs_is_counted_for_the_next_round() {
    with_slow_action(|barrier, until_begun, let_end| {
        watchdog::run(|watch| {
            for _ in 0..20 {
                let first = line_up(watch, barrier, [Form::Plain]);
                let leader = party(watch, barrier, Form::Plain);
                watch.waits("the action", until_begun);
                assert_eq!(barrier.waiting(), 0);
                let next = line_up(watch, barrier, [Form::Plain]);
                let next_leader = party(watch, barrier, Form::Timeout(Duration::ZERO));
                watch.until("the next round to be full", || barrier.waiting() == 0);
                next_leader.until_asleep();
                let late = line_up(watch, barrier, [Form::Plain]);
                let_end();
                assert_eq!(leader.join(), LEADER(1));
                all_passed(first);
                watch.waits("the next round's action", until_begun);
                assert_eq!(barrier.waiting(), 1);
                let_end();
                assert_eq!(next_leader.join(), LEADER(1));
                all_passed(next);
                barrier.reset();
                all_turned_away(late);
            }
        });
    });
}

#[test]
fn neither_abort_nor_reset_ends_a_round_whose_action_runs() {
    with_slow_action(|barrier, until_begun, let_end| {
        watchdog::run(|watch| {
            for round in 0..20 {
                let other = line_up(watch, barrier, [PATIENT[round % PATIENT.len()]]);
                let leader = party(watch, barrier, Form::Plain);
                watch.waits("the action", until_begun);
                if round % 2 == 0 {
                    barrier.abort();
                    assert_broken(barrier);
                } else {
                    let next = line_up(watch, barrier, [Form::Plain]);
                    barrier.reset();
                    all_turned_away(next);
                }
                let_end();
                assert_eq!(leader.join(), LEADER(1));
                all_passed(other);
                assert_eq!(barrier.is_broken(), round % 2 == 0);
                barrier.reset();
            }
        });
    });
}

#[test]
fn a_timed_wait_whose_round_is_full_waits_for_the_action() {
    with_slow_action(|barrier, until_begun, let_end| {
        watchdog::run(|watch| {
            let mut patience = 2 * SHORT;
            for round in 0.. {
                let form = [Form::Timeout(patience), Form::Deadline(patience)][round % 2];
                let hasty = party(watch, barrier, form);
                watch.until("the hasty one", || barrier.waiting() > 0 || barrier.is_broken());
                let over = Instant::now() + patience;
                let leader = party(watch, barrier, Form::Plain);
                watch.until("the end of the wait", || barrier.waiting() == 0);
                if barrier.is_broken() {
                    // The leader was too late for it.
                    assert_eq!((hasty.join(), leader.join()), (Err(TimedOut), BROKEN));
                    barrier.reset();
                    patience *= 2;
                    continue;
                }
                watch.waits("the action", until_begun);
                watch.until("the end of the time", || over.has_passed());
                hasty.until_asleep();
                let_end();
                assert_eq!(leader.join(), LEADER(1));
                all_passed(vec![hasty]);
                if round >= 5 {
                    break;
                }
            }
        });
    });
}

#[test]
fn an_action_may_use_its_barrier() {
    static LOOKS: Barrier = Barrier::with_action(3, || {
        assert_eq!((LOOKS.parties(), LOOKS.waiting(), LOOKS.is_broken()), (3, 0, false));
        assert_eq!(
            format!("{LOOKS:?}"),
            "Barrier { parties: 3, waiting: 0, broken: false }"
        );
    });
    static ABORTS: Barrier = Barrier::with_action(3, || ABORTS.abort());
    static RESETS: Barrier = Barrier::with_action(3, || RESETS.reset());
    for _ in 0..20 {
        a_round_passes(&LOOKS);
        a_round_passes(&RESETS);
        watchdog::run(|watch| {
            let others = line_up(watch, &ABORTS, patient(2));
            assert_eq!(come_by(&ABORTS, Form::Plain), LEADER(2));
            all_passed(others);
        });
        assert_broken(&ABORTS);
        ABORTS.reset();
    }
}

#[test]
fn debug_shows_who_waits_and_does_not_wait() {
    let barrier = Barrier::new(3);
    watchdog::run(|watch| {
        let parties = line_up(watch, &barrier, patient(2));
        assert_eq!(
            format!("{barrier:?}"),
            "Barrier { parties: 3, waiting: 2, broken: false }"
        );
        barrier.abort();
        assert_eq!(
            format!("{barrier:?}"),
            "Barrier { parties: 3, waiting: 0, broken: true }"
        );
        all_turned_away(parties);
    });
    assert_eq!(
        format!(
            "{:?}",
            Turn {
                index: 2,
                is_leader: true
            }
        ),
        "Turn { index: 2, is_leader: true }"
    );
}
