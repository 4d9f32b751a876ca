//! Checks laws, each in a child process, and reports the verdicts.

use crate::child::Summary;
use crate::law::{Law, Status, Verdict};
use crate::process_group;
use crate::progress::Progress;
use crate::replay;
use crate::report::Lines;
use crate::runner::{Ended, Run, each, run};
use std::time::Instant;

/// Checks the laws. Shows the progress, prints a line for each verdict and an explanation of each failure. A law that an
/// interrupt cut off has no verdict.
pub fn check(laws: &[Law], deep: bool, lines: &Lines<'_>) -> Vec<Verdict> {
    let verify = std::env::current_exe().expect("the system knows the path of this binary");
    let progress = Progress::of_laws(laws);
    let arguments: Vec<String> = deep.then(|| "--deep".into()).into_iter().collect();
    let verdicts = each(laws.len(), |index| {
        let (law, start) = (&laws[index], Instant::now());
        let run = run(&verify, law.id, &arguments, |interleavings| {
            progress.explored(index, interleavings)
        });
        if process_group::is_interrupted() {
            return None;
        }
        let seconds = start.elapsed().as_secs_f64();
        let verdict = verdict(law, &run, progress.interleavings(index), seconds);
        if let Ended::Fails(why) | Ended::Error(why) = &run.ended {
            let explanation = replay::explain(&verify, law, deep, why, run.execution.as_ref(), |note| {
                progress.show(&note)
            });
            progress.suspend(|| lines.print(&explanation));
        }
        progress.suspend(|| lines.add(index, &verdict));
        progress.done(index);
        Some(verdict)
    });
    verdicts.into_iter().flatten().collect()
}

fn verdict(law: &Law, run: &Run, explored: u64, seconds: f64) -> Verdict {
    let (status, summary) = match &run.ended {
        Ended::Holds(summary) if summary.bound.is_some() => (Status::Bounded, *summary),
        Ended::Holds(summary) => (Status::Exhausted, *summary),
        Ended::Fails(_) | Ended::Error(_) => {
            let summary = Summary {
                threads: run.threads,
                models: law.models.len(),
                interleavings: explored,
                bound: None,
                lock_specified: false,
            };
            (Status::Failed, summary)
        }
    };
    let Summary {
        threads,
        models,
        interleavings,
        bound,
        lock_specified,
    } = summary;
    Verdict {
        id: law.id.to_owned(),
        claim: law.claim.clone(),
        threads,
        models,
        interleavings,
        bound,
        lock_specified,
        verdict: status,
        seconds,
    }
}
