//! Medians and spread.

use serde::Serialize;

/// The middle of some samples, and the range that half of them lie in.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Summary {
    /// A quarter of the samples are below.
    pub low: f64,
    /// Half of the samples are below.
    pub median: f64,
    /// A quarter of the samples are above.
    pub high: f64,
}

impl Summary {
    /// Of at least one sample.
    pub fn of(samples: impl IntoIterator<Item = f64>) -> Summary {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Summary { low: quantile(&sorted, 0.25), median: quantile(&sorted, 0.5), high: quantile(&sorted, 0.75) }
    }

    /// How far half of the samples lie apart, as a part of the median.
    pub fn spread(self) -> f64 {
        (self.high - self.low) / self.median
    }
}

/// Between two samples, a straight line.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}
