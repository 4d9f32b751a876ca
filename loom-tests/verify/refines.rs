//! Refinement: concurrent calls on the real thing end in the ways in which the specification's calls can end,
//! taken one at a time, and in all of them.

use crate::law::{Law, Model};
use crate::stage::Stage;
use selvedge_loom::backend::Arc;
use spec::{Answer, Spec, Step};

type Call<S> = <<S as Subject>::Spec as Spec>::Call;

/// A primitive as its specification sees it.
pub trait Subject: Send + Sync + Sized + 'static {
    /// Its specification.
    type Spec: Spec<Call: Send + Sync + 'static> + Send + Sync + 'static;

    /// Makes the call and words the answer.
    fn perform(&self, call: Call<Self>) -> Answer;

    /// What [`Spec::observe`] shows.
    fn observe(&self) -> Answer;
}

/// Where a program begins: a fresh object, its specification, and calls that main makes on both.
pub struct Start<S: Subject> {
    pub make: fn() -> S,
    pub spec: S::Spec,
    pub before: Vec<Call<S>>,
}

/// The calls of each thread run concurrently: a model whose outcomes are exactly the specification's.
pub fn program<S: Subject>(start: &Start<S>, threads: Vec<Vec<Call<S>>>) -> Model {
    let mut spec = start.spec.clone();
    for &call in &start.before {
        assert_ne!(
            spec.step(usize::MAX, call),
            Step::WouldBlock,
            "main cannot wait before there are others"
        );
    }
    let expected = spec::outcomes(&spec, &threads)
        .into_iter()
        .map(|(answers, seen)| flat(answers, seen))
        .collect();
    let name = format!("{:?} then {threads:?}", start.before);
    let (make, before) = (start.make, start.before.clone());
    Model::expecting(name, expected, move |stage: &Stage| {
        let subject = Arc::new(make());
        for &call in &before {
            subject.perform(call);
        }
        for calls in threads.clone() {
            stage.program(&subject, move |subject, say| {
                calls.iter().for_each(|&call| say(subject.perform(call)))
            });
        }
        stage.finish_seeing(|| subject.observe())
    })
}

/// One call a thread: every choice of `threads` of these calls, from every start.
pub fn every<S: Subject>(starts: &[Start<S>], calls: &[Call<S>], threads: usize) -> Vec<Model> {
    let choices = choose(calls, threads);
    let programs = |start| {
        choices
            .iter()
            .map(move |calls| program(start, calls.iter().map(|&call| vec![call]).collect()))
    };
    starts.iter().flat_map(programs).collect()
}

/// The law that the specification is met: by all pairs of calls, all triples of calls within two preemptions, and
/// what else its primitive needs.
#[track_caller]
pub fn refinement(id: &'static str, pairs: Vec<Model>, triples: Vec<Model>, others: Vec<Model>) -> Law {
    let total = pairs.len() + triples.len() + others.len();
    let claim = format!("all {total} programs of two or three threads end in just the ways of the specification");
    let triples = triples.into_iter().map(|model| model.within(2, 3));
    Law::new(id, claim, pairs.into_iter().chain(triples).chain(others))
}

/// Every choice of `count` of these, with repetition and without regard to order.
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

fn flat(answers: Vec<Vec<Answer>>, seen: Answer) -> Vec<Answer> {
    let mut flat = answers.concat();
    flat.push(seen);
    flat
}
