//! The build for models: loom's types, and a futex that loom explores.

#![allow(missing_docs, reason = "the production builds document the same names")]

pub use ::loom as loom_crate;
pub use ::std::sync::{Arc, Weak};

#[path = "loom/atomic.rs"]
pub mod atomic;
#[path = "loom/cell.rs"]
pub mod cell;
#[path = "loom/futex.rs"]
pub mod futex;
#[path = "loom/hint.rs"]
pub mod hint;
#[path = "loom/instant.rs"]
mod instant;
#[path = "loom/local.rs"]
pub mod local;
#[path = "loom/log.rs"]
pub mod log;
#[path = "loom/model_lock.rs"]
pub mod model_lock;
#[path = "loom/object.rs"]
mod object;
#[path = "loom/remedy.rs"]
mod remedy;
#[path = "loom/scene.rs"]
mod scene;
#[path = "loom/site.rs"]
pub mod site;
#[path = "loom/thread.rs"]
pub mod thread;
#[path = "loom/trace.rs"]
pub mod trace;
#[path = "loom/verdict.rs"]
mod verdict;

pub use instant::Instant;
pub use local as local_key;
pub(crate) use verdict::unobserved_panic;

use ::loom::model::Builder;
use scene::{Accesses, Locks, Waits};
use verdict::Failure;

/// What the harness of `loom-tests` uses: it starts executions, observes blocked threads, and cancels models.
pub mod probe {
    pub use super::scene::{
        Accesses, Locks, WaitRecord, Waits, become_watcher, cancel, has_blocked, is_quiescent, park_watcher, set_role,
        spawned, wait_records,
    };
    pub use super::verdict::{Cancelled, set_failure_handler};
    pub use super::{begin, builder, log, site, trace};
}

/// The most steps of an execution, unless the model allows more.
const MAX_BRANCHES: usize = 10_000;

/// Starts an execution: resets all state that loom does not keep.
pub fn begin(accesses: Accesses, waits: Waits, locks: Locks) {
    scene::begin(accesses, waits, locks);
    model_lock::begin();
    log::begin();
}

/// loom's settings. Every one is set, because loom's defaults come
/// from environment variables, which would change verdicts.
pub fn builder(preemptions: Option<usize>) -> Builder {
    let mut builder = Builder::new();
    builder.max_threads = 5;
    builder.max_branches = MAX_BRANCHES;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.preemption_bound = preemptions;
    builder.checkpoint_file = None;
    builder.checkpoint_interval = usize::MAX;
    builder.expect_explicit_explore = false;
    builder.location = false;
    builder.log = false;
    builder
}

#[track_caller]
pub fn model<F: Fn() + Send + Sync + 'static>(body: F) {
    Model::new().check(body);
}

#[track_caller]
pub fn model_within<F: Fn() + Send + Sync + 'static>(preemptions: usize, body: F) {
    Model::new().preemptions(preemptions).check(body);
}

/// The settings of a model.
///
/// ```no_run
/// # use selvedge_loom as selvedge;
/// use selvedge::Model;
/// Model::new().preemptions(2).max_branches(50_000).check(|| { /* ... */ });
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Model {
    preemptions: Option<usize>,
    max_branches: usize,
}

impl Default for Model {
    fn default() -> Model {
        Model::new()
    }
}

impl Model {
    /// A model of all interleavings that loom explores, with at most 10,000 steps in each execution.
    pub fn new() -> Model {
        Model {
            preemptions: None,
            max_branches: MAX_BRANCHES,
        }
    }

    /// Leaves out executions with more than `most` preemptions. Three or more threads have too many
    /// interleavings to run all of them, and most bugs need at most two or three preemptions.
    pub fn preemptions(self, most: usize) -> Model {
        Model {
            preemptions: Some(most),
            ..self
        }
    }

    /// Allows at most `most` steps in an execution. loom allocates memory for all of them in advance.
    pub fn max_branches(self, most: usize) -> Model {
        Model {
            max_branches: most,
            ..self
        }
    }

    /// Runs `body` in each interleaving, and prints the number of executions.
    ///
    /// # Panics
    /// If an execution panics, deadlocks, has a data race, or has too
    /// many steps. The message shows what its threads did.
    #[track_caller]
    pub fn check<F: Fn() + Send + Sync + 'static>(self, body: F) {
        let body = Arc::new(body);
        let mut executions = 0;
        for accesses in Accesses::BOTH {
            match self.explore(accesses, None, &body) {
                Ok(more) => executions += more,
                Err(failure) => panic!("{}", self.explain(accesses, &failure, &body)),
            }
        }
        match self.preemptions {
            None => println!("explored: {executions} executions"),
            Some(most) => println!("bounded to {most} preemptions: {executions} executions"),
        }
    }

    fn explore(
        &self,
        accesses: Accesses,
        failure: Option<&Failure>,
        body: &Arc<impl Fn() + Send + Sync + 'static>,
    ) -> Result<u64, Failure> {
        let body = Arc::clone(body);
        let mut builder = builder(self.preemptions);
        builder.max_branches = self.max_branches;
        verdict::explore(builder, failure, move || {
            begin(accesses, Waits::Exact, Locks::Full);
            scene::number_threads();
            body();
        })
    }

    /// The message of a failure, with a trace. The trace comes from a second exploration up to the failure, because
    /// recording every execution takes too long.
    fn explain(&self, accesses: Accesses, failure: &Failure, body: &Arc<impl Fn() + Send + Sync + 'static>) -> String {
        let Failure { message, execution, .. } = failure;
        let second = failure
            .is_repeatable
            .then(|| self.explore(accesses, Some(failure), body).err())
            .flatten();
        let same = second.filter(|second| second.execution == *execution && second.message == *message);
        let trace = same.and_then(|same| same.trace);
        let trace = trace.filter(|trace| !trace.entries.is_empty());
        let text = trace.map_or_else(String::new, |trace| format!("\n\n{}", trace::text(&trace)));
        format!("the model fails in execution {execution}: {message}{text}")
    }
}
