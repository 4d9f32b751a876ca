//! A law, its models, and what exploring them has shown.

use crate::place::{self, Place};
use crate::stage::Stage;
use loom::model::Builder;
use selvedge_loom::backend::futex::Wait;
use selvedge_loom::backend::probe::{self, Accesses, Locks, Seen, Waits};
use serde::{Deserialize, Serialize};
use spec::Answer;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::panic::Location;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// Interleavings that this process has explored, for the progress bar and the watchdog.
pub static EXPLORED: AtomicU64 = AtomicU64::new(0);

/// The most threads that an execution of this process has had.
pub static THREADS: AtomicUsize = AtomicUsize::new(0);

/// More than a model may have without `--deep`: only a break makes one grow so.
const MOST: u64 = 3_000_000;

/// What a model that has more says: no claim of its law is false.
pub const TOO_MANY: &str = "it has more interleavings than a model may have";

/// One thing that is always true, and the models that could show it false.
pub struct Law {
    pub id: &'static str,
    pub claim: String,
    pub models: Vec<Model>,
    /// The file in which it stands.
    pub file: &'static str,
}

/// A small concurrent program whose every interleaving is run.
pub struct Model {
    pub name: String,
    bound: Option<usize>,
    deep: Option<usize>,
    waits: Waits,
    locks: Locks,
    timed: &'static [usize],
    body: Body,
    expected: BTreeSet<Vec<Answer>>,
}

type Body = Arc<dyn Fn(&Stage) -> Vec<Answer> + Send + Sync>;

/// What the executions of a model have shown so far.
#[derive(Default)]
struct Tally {
    outcomes: BTreeSet<Vec<Answer>>,
    seen: BTreeSet<Seen>,
    slept: bool,
    threads: usize,
    interleavings: u64,
}

/// What a model has shown.
#[derive(Debug)]
pub struct Explored {
    pub threads: usize,
    pub interleavings: u64,
    pub bound: Option<usize>,
    pub lock_specified: bool,
    pub slept: bool,
}

/// The verdict on a law: a row of the table, an object of the JSON report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verdict {
    pub id: String,
    pub claim: String,
    pub threads: usize,
    pub models: usize,
    pub interleavings: u64,
    pub bound: Option<usize>,
    /// Whether some model took its lock by its specification, not step by step.
    pub lock_specified: bool,
    pub verdict: Outcome,
    pub seconds: f64,
}

/// How a law came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// loom found no interleaving that was not run.
    Exhausted,
    /// Some model left out interleavings with more preemptions than its bound.
    Bounded,
    /// An interleaving breaks the law.
    Failed,
}

impl Law {
    /// A law that these models check.
    #[track_caller]
    pub fn new(id: &'static str, claim: impl Into<String>, models: impl IntoIterator<Item = Model>) -> Law {
        let file = Location::caller().file();
        Law {
            id,
            claim: claim.into(),
            models: models.into_iter().collect(),
            file,
        }
    }
}

impl Model {
    /// A model whose outcomes, over all interleavings, are exactly `expected`.
    pub fn new<const N: usize, const M: usize>(
        name: impl Into<String>,
        expected: [[Answer; N]; M],
        body: impl Fn(&Stage) -> Vec<Answer> + Send + Sync + 'static,
    ) -> Model {
        let expected = expected.iter().map(|outcome| outcome.to_vec()).collect();
        Model::expecting(name, expected, body)
    }

    /// [`new`](Model::new), with a set of outcomes that was computed.
    pub fn expecting(
        name: impl Into<String>,
        expected: BTreeSet<Vec<Answer>>,
        body: impl Fn(&Stage) -> Vec<Answer> + Send + Sync + 'static,
    ) -> Model {
        let (waits, locks, body) = (Waits::Exact, Locks::Stepwise, Arc::new(body));
        Model {
            name: name.into(),
            bound: None,
            deep: None,
            waits,
            locks,
            timed: &[],
            body,
            expected,
        }
    }

    /// Says of what kind it is.
    pub fn of(self, kind: impl Debug) -> Model {
        Model {
            name: format!("{kind:?}: {}", self.name),
            ..self
        }
    }

    /// Leaves out interleavings with more than `bound` preemptions, or more than `deep` with `--deep`.
    pub fn within(self, bound: usize, deep: usize) -> Model {
        Model {
            bound: Some(bound),
            deep: Some(deep),
            ..self
        }
    }

    /// The timed call of each of these roles must be seen woken, changed and timed out.
    pub fn timed(self, roles: &'static [usize]) -> Model {
        Model { timed: roles, ..self }
    }

    /// Futex waits may return early, as a signal makes them do.
    pub fn early(self) -> Model {
        Model {
            waits: Waits::Early,
            ..self
        }
    }

    /// Takes locks by their specification, in one step each: where their own steps would be all that is explored.
    pub fn locks_specified(self) -> Model {
        Model {
            locks: Locks::Specified,
            ..self
        }
    }

    /// Runs every interleaving within the bound; `index` is the model's in its law.
    ///
    /// # Panics
    /// If an interleaving panics, or the outcomes or the ends of timed calls are not what they must be.
    pub fn explore(&self, index: usize, deep: bool) -> Explored {
        let tally = Arc::new(Mutex::new(Tally::default()));
        let bound = self.bound(deep);
        for accesses in Accesses::BOTH {
            place::begin(index, &self.name, accesses);
            self.check(&probe::builder(bound), accesses, deep, &tally, |_| {});
            place::end();
        }
        let tally = tally.lock().expect("no panic while it is held");
        let missing: Vec<_> = self.expected.difference(&tally.outcomes).collect();
        assert!(
            missing.is_empty(),
            "outcomes that no interleaving has: {missing:?}; seen: {:?}",
            tally.outcomes
        );
        for &role in self.timed {
            for wait in [Wait::Woken, Wait::Changed, Wait::TimedOut] {
                let seen = Seen {
                    role,
                    timed: true,
                    wait,
                };
                assert!(tally.seen.contains(&seen), "no interleaving has {seen:?}");
            }
        }
        let lock_specified = self.locks == Locks::Specified;
        let Tally {
            threads,
            interleavings,
            slept,
            ..
        } = *tally;
        Explored {
            threads,
            interleavings,
            bound,
            lock_specified,
            slept,
        }
    }

    /// Runs up to an execution, and ends the process, having told that it has, when loom has stored its path.
    pub fn record(&self, place: &Place, deep: bool, file: PathBuf, tell: impl Fn() + Send + Sync + 'static) {
        let mut builder = probe::builder(self.bound(deep));
        builder.checkpoint_file = Some(file);
        builder.checkpoint_interval = place.execution as usize;
        let last = place.execution;
        place::begin(place.model, &place.name, place.accesses);
        self.check(&builder, place.accesses, true, &Arc::default(), move |execution| {
            if execution == last {
                tell();
                std::process::exit(0);
            }
        });
    }

    /// Runs the one execution whose path is in `file`.
    pub fn replay(&self, place: &Place, deep: bool, file: PathBuf) {
        let mut builder = probe::builder(self.bound(deep));
        builder.checkpoint_file = Some(file);
        // loom looks whether it has had enough before each execution whose number this divides: before the second.
        builder.checkpoint_interval = 2;
        builder.max_permutations = Some(2);
        place::begin(place.model, &place.name, place.accesses);
        self.check(&builder, place.accesses, deep, &Arc::default(), |_| {});
        place::end();
    }

    fn bound(&self, deep: bool) -> Option<usize> {
        if deep { self.deep } else { self.bound }
    }

    fn check(
        &self,
        builder: &Builder,
        accesses: Accesses,
        deep: bool,
        tally: &Arc<Mutex<Tally>>,
        at_each: impl Fn(u64) + Send + Sync + 'static,
    ) {
        let (body, tally, waits, locks) = (Arc::clone(&self.body), Arc::clone(tally), self.waits, self.locks);
        let expected = self.expected.clone();
        builder.check(move || {
            at_each(place::next());
            EXPLORED.fetch_add(1, Relaxed);
            probe::begin(accesses, waits, locks);
            probe::attend();
            let stage = Stage::default();
            let outcome = body(&stage);
            THREADS.fetch_max(stage.cast(), Relaxed);
            assert!(expected.contains(&outcome), "an outcome that must not be: {outcome:?}");
            let mut tally = tally.lock().expect("no panic while it is held");
            tally.outcomes.insert(outcome);
            tally.seen.extend(probe::seen());
            tally.slept |= probe::slept();
            tally.threads = tally.threads.max(stage.cast());
            tally.interleavings += 1;
            if tally.interleavings > MOST && !deep {
                place::end(); // it is not this one's fault
                panic!("{TOO_MANY}");
            }
        });
    }
}
