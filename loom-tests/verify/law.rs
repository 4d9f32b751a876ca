//! A law, its models, and the results of exploring them.

use crate::execution::{self, Execution};
use crate::scenario::Scenario;
use loom::model::Builder;
use selvedge_loom::backend::futex::Wait;
use selvedge_loom::backend::probe::{self, Accesses, Locks, WaitRecord, Waits};
use serde::{Deserialize, Serialize};
use spec::Answer;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::panic::Location;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// The number of interleavings that this process has explored, for the progress bar and the watchdog.
pub static EXPLORED: AtomicU64 = AtomicU64::new(0);

/// The largest number of threads in an execution of this process.
pub static THREADS: AtomicUsize = AtomicUsize::new(0);

/// The limit of interleavings of a model without `--deep`. Only a model of a broken source exceeds it.
const MAX_INTERLEAVINGS: u64 = 3_000_000;

/// The failure of a model that exceeds the limit. It refutes no claim.
pub const TOO_MANY_INTERLEAVINGS: &str = "the model exceeds the limit of interleavings";

/// A property that always holds, and the models that could refute it.
pub struct Law {
    pub id: &'static str,
    pub claim: String,
    pub models: Vec<Model>,
    /// The source file of the law.
    pub file: &'static str,
}

/// A small concurrent program. All its interleavings are run.
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

type Body = Arc<dyn Fn(&Scenario) -> Vec<Answer> + Send + Sync>;

/// What was observed in the executions of a model so far.
#[derive(Default)]
struct Observations {
    outcomes: BTreeSet<Vec<Answer>>,
    seen: BTreeSet<WaitRecord>,
    has_blocked: bool,
    threads: usize,
    interleavings: u64,
}

/// The result of exploring a model.
#[derive(Debug)]
pub struct Explored {
    pub threads: usize,
    pub interleavings: u64,
    pub bound: Option<usize>,
    pub lock_specified: bool,
    pub has_blocked: bool,
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
    /// Whether some model used the abstract lock instead of the lock's own steps.
    pub lock_specified: bool,
    pub verdict: Status,
    pub seconds: f64,
}

/// The status of a checked law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All interleavings that loom distinguishes were run.
    Exhausted,
    /// Some model omitted interleavings with more preemptions than its bound.
    Bounded,
    /// An interleaving violates the law.
    Failed,
}

impl Law {
    /// A law that is checked by these models.
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
    /// A model whose set of outcomes over all interleavings must be exactly `expected`.
    pub fn new<const N: usize, const M: usize>(
        name: impl Into<String>,
        expected: [[Answer; N]; M],
        body: impl Fn(&Scenario) -> Vec<Answer> + Send + Sync + 'static,
    ) -> Model {
        let expected = expected.iter().map(|outcome| outcome.to_vec()).collect();
        Model::expecting(name, expected, body)
    }

    /// [`new`](Model::new), for a computed set of outcomes.
    pub fn expecting(
        name: impl Into<String>,
        expected: BTreeSet<Vec<Answer>>,
        body: impl Fn(&Scenario) -> Vec<Answer> + Send + Sync + 'static,
    ) -> Model {
        let (waits, locks, body) = (Waits::Exact, Locks::Full, Arc::new(body));
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

    /// Prefixes the model's name with `kind`.
    pub fn tagged(self, kind: impl Debug) -> Model {
        Model {
            name: format!("{kind:?}: {}", self.name),
            ..self
        }
    }

    /// Omits interleavings with more than `bound` preemptions, or with `--deep` those with more than `deep`.
    pub fn within(self, bound: usize, deep: usize) -> Model {
        Model {
            bound: Some(bound),
            deep: Some(deep),
            ..self
        }
    }

    /// Requires that the timed futex waits of each of these thread roles end in all three ways: woken, changed, timed out.
    pub fn timed(self, roles: &'static [usize]) -> Model {
        Model { timed: roles, ..self }
    }

    /// Adds spurious wake-ups: futex waits may return early, as after a signal.
    pub fn spurious(self) -> Model {
        Model {
            waits: Waits::Early,
            ..self
        }
    }

    /// Replaces locks by abstract locks, which acquire and release in one step. It is for models in which the steps of the
    /// locks would dominate the interleavings.
    pub fn abstract_locks(self) -> Model {
        Model {
            locks: Locks::Abstract,
            ..self
        }
    }

    /// Runs every interleaving within the bound. `index` is the position of the model in its law.
    ///
    /// # Panics
    /// If an interleaving panics, an outcome is unexpected or missing, or a required end of a timed wait is missing.
    pub fn explore(&self, index: usize, deep: bool) -> Explored {
        let observations = Arc::new(Mutex::new(Observations::default()));
        let bound = self.bound(deep);
        for accesses in Accesses::BOTH {
            execution::begin(index, &self.name, accesses);
            self.check(&probe::builder(bound), accesses, deep, &observations, |_| {});
            execution::end();
        }
        let observations = observations.lock().expect("no panic while it is held");
        let missing: Vec<_> = self.expected.difference(&observations.outcomes).collect();
        assert!(
            missing.is_empty(),
            "missing outcomes: {missing:?}; observed: {:?}",
            observations.outcomes
        );
        for &role in self.timed {
            for wait in [Wait::Woken, Wait::Changed, Wait::TimedOut] {
                let seen = WaitRecord {
                    role,
                    timed: true,
                    wait,
                };
                assert!(observations.seen.contains(&seen), "no interleaving contains {seen:?}");
            }
        }
        let lock_specified = self.locks == Locks::Abstract;
        let Observations {
            threads,
            interleavings,
            has_blocked,
            ..
        } = *observations;
        Explored {
            threads,
            interleavings,
            bound,
            lock_specified,
            has_blocked,
        }
    }

    /// Runs the check up to `execution`, where loom stores its path in `file`; then calls `report` and exits the process.
    pub fn record(&self, execution: &Execution, deep: bool, file: PathBuf, report: impl Fn() + Send + Sync + 'static) {
        let mut builder = probe::builder(self.bound(deep));
        builder.checkpoint_file = Some(file);
        builder.checkpoint_interval = execution.ordinal as usize;
        let last = execution.ordinal;
        execution::begin(execution.model, &execution.name, execution.accesses);
        self.check(&builder, execution.accesses, true, &Arc::default(), move |ordinal| {
            if ordinal == last {
                report();
                std::process::exit(0);
            }
        });
    }

    /// Runs only the execution whose path is in `file`.
    pub fn replay(&self, execution: &Execution, deep: bool, file: PathBuf) {
        let mut builder = probe::builder(self.bound(deep));
        builder.checkpoint_file = Some(file);
        // loom checks the limit before each execution whose ordinal is a multiple of the interval, so before the second.
        builder.checkpoint_interval = 2;
        builder.max_permutations = Some(2);
        execution::begin(execution.model, &execution.name, execution.accesses);
        self.check(&builder, execution.accesses, deep, &Arc::default(), |_| {});
        execution::end();
    }

    fn bound(&self, deep: bool) -> Option<usize> {
        if deep { self.deep } else { self.bound }
    }

    fn check(
        &self,
        builder: &Builder,
        accesses: Accesses,
        deep: bool,
        observations: &Arc<Mutex<Observations>>,
        at_start: impl Fn(u64) + Send + Sync + 'static,
    ) {
        let (body, observations, waits, locks) =
            (Arc::clone(&self.body), Arc::clone(observations), self.waits, self.locks);
        let expected = self.expected.clone();
        builder.check(move || {
            at_start(execution::next());
            EXPLORED.fetch_add(1, Relaxed);
            probe::begin(accesses, waits, locks);
            probe::become_watcher();
            let scenario = Scenario::default();
            let outcome = body(&scenario);
            THREADS.fetch_max(scenario.thread_count(), Relaxed);
            assert!(expected.contains(&outcome), "unexpected outcome: {outcome:?}");
            let mut observations = observations.lock().expect("no panic while it is held");
            observations.outcomes.insert(outcome);
            observations.seen.extend(probe::wait_records());
            observations.has_blocked |= probe::has_blocked();
            observations.threads = observations.threads.max(scenario.thread_count());
            observations.interleavings += 1;
            if observations.interleavings > MAX_INTERLEAVINGS && !deep {
                execution::end(); // the failure belongs to no single execution
                panic!("{TOO_MANY_INTERLEAVINGS}");
            }
        });
    }
}
