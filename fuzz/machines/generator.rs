//! The generator of runs: sequences of transitions that the reference allows, with a thread blocked in many of them.

use crate::primitive::{Call, Options, Primitive};
use crate::reference::{Action, Reference, Transition};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use proptest_state_machine::ReferenceStateMachine;
use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::time::Duration;

/// The maximum number of transitions in a run.
pub const LENGTH: usize = 80;

/// The generator of runs.
#[derive(Debug)]
pub struct Generator<P>(PhantomData<P>);

impl<P: Primitive> ReferenceStateMachine for Generator<P> {
    type State = Reference<P>;
    type Transition = Transition<Call<P>>;

    fn init_state() -> BoxedStrategy<Reference<P>> {
        let start = (P::starts(), P::THREADS);
        start
            .prop_map(|(start, threads)| Reference::new(start, threads))
            .boxed()
    }

    fn transitions(reference: &Reference<P>) -> BoxedStrategy<Transition<Call<P>>> {
        let reference = reference.clone();
        // With these options a timed call returns immediately.
        let plain = Options {
            keeps: !P::FORGETS,
            ..Options::PLAIN
        };
        let calls = P::CALLS.iter().map(|&(weight, call)| (weight, Action::Call(call)));
        let actions: Vec<_> = calls.chain([(P::RELEASE_WEIGHT, Action::Release)]).collect();
        let mut choices = Vec::new();
        for thread in reference.idle() {
            let transition = |action| Transition {
                options: plain,
                ..Transition::plain(thread, action)
            };
            let possible = actions.iter().map(|&(weight, action)| (weight, transition(action)));
            choices.extend(possible.filter(|(_, transition)| reference.allows(transition)));
        }
        let total: u32 = choices.iter().map(|(weight, _)| weight).sum();
        let choose = move |(mut ticket, options, argument): (u32, Options, u32)| {
            let drawn = choices.iter().find(|&&(weight, _)| {
                let is_drawn = ticket < weight;
                ticket = ticket.saturating_sub(weight);
                is_drawn
            });
            let (_, plain) = drawn.expect("the weights add up to the number of tickets");
            let action = match plain.action {
                Action::Call(call) => Action::Call(P::with_argument(call, argument)),
                Action::Release => Action::Release,
            };
            let varied = Transition {
                action,
                options,
                ..*plain
            };
            if reference.allows(&varied) { varied } else { *plain }
        };
        (0..total, options::<P>(), any::<u32>()).prop_map(choose).boxed()
    }

    fn preconditions(reference: &Reference<P>, transition: &Transition<Call<P>>) -> bool {
        reference.allows(transition)
    }

    fn apply(mut reference: Reference<P>, transition: &Transition<Call<P>>) -> Reference<P> {
        reference.invoke(transition);
        reference.settle();
        reference
    }
}

fn options<P: Primitive>() -> impl Strategy<Value = Options> {
    let millisecond = Duration::from_millis(1);
    let timeout = prop_oneof![4 => Just(Duration::ZERO), 1 => Just(millisecond), 5 => Just(Duration::MAX)];
    let panics_at = prop_oneof![15 => Just(None), 1 => (0..4_u32).prop_map(Some)];
    (any::<[bool; 4]>(), timeout, panics_at).prop_map(|([keeps, by_deadline, hurries, variant], timeout, panics_at)| {
        Options {
            keeps: keeps || !P::FORGETS,
            timeout,
            by_deadline,
            hurries,
            variant,
            panics_at: panics_at.filter(|_| P::PANICS),
        }
    })
}

/// Fails unless the generated runs reach every result of every call, and often have a blocked thread.
pub fn reaches_everything<P: Primitive>() {
    let mut runner = TestRunner::deterministic();
    let (mut answers, mut contended, mut steps) = (BTreeSet::new(), 0, 0);
    for _ in 0..100 {
        let runs = Generator::<P>::sequential_strategy(1..=LENGTH);
        let (mut reference, transitions, _) = runs.new_tree(&mut runner).expect("no run is rejected").current();
        for transition in transitions {
            steps += 1;
            contended += u32::from(reference.waiting().next().is_some());
            answers.extend(reference.invoke(&transition));
            answers.extend(reference.settle());
        }
    }
    for answer in P::ANSWERS {
        assert!(
            answers.contains(answer),
            "no call returned {answer:?}, only {answers:?}"
        );
    }
    let is_sequential = *P::THREADS.end() == 1;
    assert!(
        contended * 5 > steps || is_sequential,
        "a thread is blocked in only {contended} of {steps} transitions"
    );
}
