//! The generator: sequences of transitions that make sense, most of them while somebody holds or waits.

use crate::primitive::{Manner, Patience, Primitive};
use crate::run::LENGTH;
use crate::world::{Action, Transition, World};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use proptest_state_machine::ReferenceStateMachine;
use std::collections::BTreeSet;
use std::marker::PhantomData;

/// How often a kept guard is dropped, beside the weights of the calls.
const DROP_WEIGHT: u32 = 5;

/// The generator of runs.
#[derive(Debug)]
pub struct Machine<P>(PhantomData<P>);

impl<P: Primitive> ReferenceStateMachine for Machine<P> {
    type State = World<P>;
    type Transition = Transition<P>;

    fn init_state() -> BoxedStrategy<World<P>> {
        (P::starts(), P::THREADS)
            .prop_map(|(start, actors)| World::new(start, actors))
            .boxed()
    }

    fn transitions(world: &World<P>) -> BoxedStrategy<Transition<P>> {
        let world = world.clone();
        let keeps = if P::FORGETS {
            any::<bool>().boxed()
        } else {
            Just(true).boxed()
        };
        let patience = prop_oneof![4 => Just(Patience::Zero), 1 => Just(Patience::Brief), 5 => Just(Patience::Endless)];
        let manner =
            (keeps, patience, any::<[bool; 3]>()).prop_map(|(keeps, patience, [by_deadline, hurries, locked])| {
                Manner {
                    keeps,
                    patience,
                    by_deadline,
                    hurries,
                    locked,
                }
            });
        // One attempt is always allowed where waiting may not be.
        let plain = Manner {
            keeps: !P::FORGETS,
            ..Manner::PLAIN
        };
        let actions = P::CALLS
            .iter()
            .map(|&(weight, call)| (weight, Action::Call(call, plain)));
        let actions: Vec<_> = actions.chain([(DROP_WEIGHT, Action::DropGuard)]).collect();
        let mut choices = Vec::new();
        for actor in world.idle() {
            let possible = actions
                .iter()
                .map(|&(weight, action)| (weight, Transition { actor, action }));
            choices.extend(possible.filter(|(_, transition)| world.allows(transition)));
        }
        let tickets = choices.iter().map(|(weight, _)| weight).sum();
        (0..tickets, manner)
            .prop_map(move |(mut ticket, manner)| {
                let drawn = choices.iter().find(|(weight, _)| match ticket.checked_sub(*weight) {
                    Some(rest) => {
                        ticket = rest;
                        false
                    }
                    None => true,
                });
                let (_, plain) = drawn.expect("there are as many tickets as the weights say");
                let Action::Call(call, _) = plain.action else {
                    return plain.clone();
                };
                let fancy = Transition {
                    actor: plain.actor,
                    action: Action::Call(call, manner),
                };
                if world.allows(&fancy) { fancy } else { plain.clone() }
            })
            .boxed()
    }

    fn preconditions(world: &World<P>, transition: &Transition<P>) -> bool {
        world.allows(transition)
    }

    fn apply(mut world: World<P>, transition: &Transition<P>) -> World<P> {
        world.begin(transition);
        world.settle();
        world
    }
}

/// Fails unless the generator's runs give every answer and often have somebody waiting.
pub fn reaches_everything<P: Primitive>() {
    let mut runner = TestRunner::deterministic();
    let (mut answers, mut crowded, mut steps) = (BTreeSet::new(), 0, 0);
    for _ in 0..100 {
        let runs = Machine::<P>::sequential_strategy(1..=LENGTH);
        let (mut world, transitions, _) = runs.new_tree(&mut runner).expect("nothing is rejected").current();
        for transition in transitions {
            steps += 1;
            crowded += u32::from(world.waiting().next().is_some());
            answers.extend(world.begin(&transition));
            answers.extend(world.settle());
        }
    }
    for answer in P::ANSWERS {
        assert!(
            answers.contains(answer),
            "no call has answered {answer:?}, only {answers:?}"
        );
    }
    assert!(
        crowded * 5 > steps,
        "somebody waits in {crowded} of {steps} transitions only"
    );
}
