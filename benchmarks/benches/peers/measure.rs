//! Rounds: each participant once for a short time, in rotating order. Noisy rows get more rounds; runs that do not end
//! are reported.

use crate::machine::Ticks;
use crate::row::{Bar, Kind, Participant, Row};
use crate::statistics::Summary;
use crate::verdict::{self, Verdict};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// A round is noisy if its samples deviate by more than this from their participants' medians, on average, or if other
/// processes used more than this fraction of the machine meanwhile.
const NOISY_ROUND: f64 = 0.10;

/// A figure is noisy if its middle half spreads by more than this.
const NOISY_FIGURE: f64 = 0.10;

/// A run that exceeds its slice by this is stuck.
const STUCK: Duration = Duration::from_secs(10);

/// How long to measure.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Plan {
    /// Rounds of a row.
    pub rounds: usize,
    /// The most rounds, if the result is not settled after those.
    pub most: usize,
    /// The time of a participant in a round.
    pub slice: Duration,
}

/// The result of a row.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// As in [`Row`].
    pub shape: &'static str,
    /// As in [`Row`].
    pub setting: &'static str,
    /// The load and the placement, of a row beside busy processes.
    pub beside: Option<String>,
    /// The number of rounds.
    pub rounds: usize,
    /// The number of noisy rounds.
    pub noisy_rounds: usize,
    /// The largest fraction of the machine that other processes used in one of the rounds that count.
    pub others: f64,
    /// Of the participants, in the row's order.
    pub figures: Vec<Figure>,
    /// One for each bar and build.
    pub verdicts: Vec<Verdict>,
}

impl Outcome {
    /// The name of the cell: the row's name, and the load beside which it was measured.
    pub fn name(&self) -> String {
        let beside = self.beside.iter().map(|beside| format!(", {beside}"));
        [self.row()].into_iter().chain(beside).collect()
    }

    /// The name of the row.
    pub fn row(&self) -> String {
        format!("{}, {}", self.shape, self.setting)
    }

    /// Whether more rounds are not needed: half of them were quiet, and no bar is close.
    fn is_settled(&self) -> bool {
        2 * self.noisy_rounds <= self.rounds && !self.verdicts.iter().any(|verdict| verdict.is_close)
    }
}

/// The result of a participant.
#[derive(Debug, Serialize)]
pub struct Figure {
    /// The participant.
    pub name: &'static str,
    /// Its role.
    pub kind: Kind,
    /// Nanoseconds per operation, or why there are none.
    pub result: Result<Summary, Fault>,
    /// Nanoseconds per operation in each of the rounds that count.
    pub samples: Vec<f64>,
    /// The least time in nanoseconds of the slowest 1 % of the operations, in the median round, if it was measured.
    pub slowest: Option<f64>,
}

impl Figure {
    /// The figure of these samples, which count only without a fault.
    pub fn new(name: &'static str, kind: Kind, fault: Option<Fault>, samples: Vec<f64>) -> Figure {
        match fault {
            Some(fault) => Figure {
                name,
                kind,
                result: Err(fault),
                samples: Vec::new(),
                slowest: None,
            },
            None => Figure {
                name,
                kind,
                result: Ok(Summary::of(samples.iter().copied())),
                samples,
                slowest: None,
            },
        }
    }

    /// Whether the figure may mislead.
    pub fn is_noisy(&self) -> bool {
        self.result.is_ok_and(|summary| summary.spread() > NOISY_FIGURE)
    }
}

/// Why a participant has no figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It did not return; its threads go on, and if they spin they disturb later measurements.
    Stuck,
    /// It panicked: for example, a lock had two holders.
    Panicked,
}

/// Measures a row: all planned rounds, then more until the result is settled.
pub fn row(row: Row, plan: Plan) -> Outcome {
    let mut faults = vec![None; row.participants.len()];
    let (mut rounds, mut others) = (Vec::new(), Vec::new());
    loop {
        let began = Ticks::now();
        rounds.push(round(rounds.len(), &row.participants, &mut faults, plan.slice));
        others.push(Ticks::of_others(began, Ticks::now()));
        if rounds.len() >= plan.rounds {
            let outcome = evaluate(&row, &rounds, &others, &faults);
            if outcome.is_settled() || rounds.len() >= plan.most {
                return outcome;
            }
        }
    }
}

/// The result of the rounds. The noisier half does not count.
fn evaluate(row: &Row, rounds: &[Vec<f64>], others: &[f64], faults: &[Option<Fault>]) -> Outcome {
    let noises: Vec<f64> = deviations(rounds)
        .into_iter()
        .zip(others)
        .map(|(noise, &others)| noise.max(others))
        .collect();
    let mut quietest: Vec<usize> = (0..rounds.len()).collect();
    quietest.sort_by(|&a, &b| noises[a].total_cmp(&noises[b]));
    quietest.truncate(rounds.len().div_ceil(2));
    let participants = row.participants.iter().enumerate();
    let figures: Vec<Figure> = participants
        .map(|(index, &Participant { name, kind, .. })| {
            let samples = quietest.iter().map(|&round| rounds[round][index]).collect();
            Figure::new(name, kind, faults[index], samples)
        })
        .collect();
    let verdicts = row
        .bars
        .iter()
        .flat_map(|bar: &Bar| verdict::judge(*bar, &figures))
        .collect();
    Outcome {
        shape: row.shape,
        setting: row.setting,
        beside: None,
        rounds: rounds.len(),
        noisy_rounds: noises.iter().filter(|&&noise| noise > NOISY_ROUND).count(),
        others: quietest.iter().map(|&round| others[round]).fold(0.0, f64::max),
        figures,
        verdicts,
    }
}

/// Runs each participant once; NaN for a participant with a fault.
fn round(number: usize, participants: &[Participant], faults: &mut [Option<Fault>], slice: Duration) -> Vec<f64> {
    let mut samples = vec![f64::NAN; participants.len()];
    for nth in 0..participants.len() {
        let index = (number + nth) % participants.len();
        if faults[index].is_none() {
            match guarded(Arc::clone(&participants[index].run), slice) {
                Ok(nanoseconds) => samples[index] = nanoseconds,
                Err(fault) => faults[index] = Some(fault),
            }
        }
    }
    samples
}

/// Runs on a separate thread, which is abandoned if it exceeds the limit.
pub fn guarded<R: Send + 'static>(run: Arc<dyn Fn(Duration) -> R + Send + Sync>, slice: Duration) -> Result<R, Fault> {
    let (sender, receiver) = sync_channel(1);
    thread::spawn(move || sender.send(run(slice)));
    receiver.recv_timeout(slice + STUCK).map_err(|error| match error {
        RecvTimeoutError::Timeout => Fault::Stuck,
        RecvTimeoutError::Disconnected => Fault::Panicked,
    })
}

/// The mean deviation of each round's samples from their
/// participants' medians. A participant counts for at most one half.
fn deviations(rounds: &[Vec<f64>]) -> Vec<f64> {
    let column = |index: usize| {
        rounds
            .iter()
            .map(move |round| round[index])
            .filter(|sample| !sample.is_nan())
    };
    let medians: Vec<Option<f64>> = (0..rounds[0].len())
        .map(|index| column(index).next().map(|_| Summary::of(column(index)).median))
        .collect();
    let deviation = |round: &Vec<f64>| {
        let each = round
            .iter()
            .zip(&medians)
            .filter_map(|(sample, median)| Some((sample / (*median)? - 1.0).abs()));
        let each: Vec<f64> = each
            .filter(|deviation| !deviation.is_nan())
            .map(|deviation| deviation.min(0.5))
            .collect();
        each.iter().sum::<f64>() / each.len().max(1) as f64
    };
    rounds.iter().map(deviation).collect()
}
