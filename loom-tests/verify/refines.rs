//! Refinement: the set of outcomes of concurrent calls on a primitive equals the set of outcomes of its sequential
//! specification over all orders of the calls.

use crate::law::{Law, Model};
use crate::scenario::Scenario;
use selvedge_loom::backend::Arc;
use spec::{Answer, Spec, Step};

type Call<S> = <<S as Subject>::Spec as Spec>::Call;

/// A primitive under test, with the calls of its specification.
pub trait Subject: Send + Sync + Sized + 'static {
    /// Its specification.
    type Spec: Spec<Call: Send + Sync + 'static> + Send + Sync + 'static;

    /// Makes the call and returns its answer in terms of the specification.
    fn perform(&self, call: Call<Self>) -> Answer;

    /// The state that [`Spec::observe`] returns.
    fn observe(&self) -> Answer;
}

/// The initial state of a program: a fresh primitive, its specification, and the calls that main first makes on both.
pub struct Start<S: Subject> {
    pub make: fn() -> S,
    pub spec: S::Spec,
    pub before: Vec<Call<S>>,
}

/// A model in which each thread makes its list of calls. Its outcomes must be exactly those of the specification.
pub fn program<S: Subject>(start: &Start<S>, threads: Vec<Vec<Call<S>>>) -> Model {
    let mut spec = start.spec.clone();
    for &call in &start.before {
        assert_ne!(
            spec.step(usize::MAX, call),
            Step::WouldBlock,
            "main must not block before the threads are spawned"
        );
    }
    let expected = spec::outcomes(&spec, &threads)
        .into_iter()
        .map(|(answers, observed)| flat(answers, observed))
        .collect();
    let name = format!("{:?} then {threads:?}", start.before);
    let (make, before) = (start.make, start.before.clone());
    Model::expecting(name, expected, move |scenario: &Scenario| {
        let subject = Arc::new(make());
        for &call in &before {
            subject.perform(call);
        }
        for calls in threads.clone() {
            scenario.program(&subject, move |subject, report| {
                calls.iter().for_each(|&call| report(subject.perform(call)))
            });
        }
        scenario.finish_observing(|| subject.observe())
    })
}

/// One program for each start and each choice of `threads` of these calls, one call per thread.
pub fn every<S: Subject>(starts: &[Start<S>], calls: &[Call<S>], threads: usize) -> Vec<Model> {
    let choices = choose(calls, threads);
    let programs = |start| {
        choices
            .iter()
            .map(move |calls| program(start, calls.iter().map(|&call| vec![call]).collect()))
    };
    starts.iter().flat_map(programs).collect()
}

/// The law that a primitive refines its specification: for all pairs of calls, all triples of calls within two
/// preemptions, and other programs.
#[track_caller]
pub fn refinement(id: &'static str, pairs: Vec<Model>, triples: Vec<Model>, others: Vec<Model>) -> Law {
    let total = pairs.len() + triples.len() + others.len();
    let claim = format!("refines the sequential specification ({total} programs of two or three threads)");
    let triples = triples.into_iter().map(|model| model.within(2, 3));
    Law::new(id, claim, pairs.into_iter().chain(triples).chain(others))
}

/// Every multiset of `count` of these items.
pub fn choose<T: Copy>(from: &[T], count: usize) -> Vec<Vec<T>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let with = |first: usize| {
        choose(&from[first..], count - 1)
            .into_iter()
            .map(move |rest| [&[from[first]], &rest[..]].concat())
    };
    (0..from.len()).flat_map(with).collect()
}

fn flat(answers: Vec<Vec<Answer>>, observed: Answer) -> Vec<Answer> {
    let mut flat = answers.concat();
    flat.push(observed);
    flat
}
