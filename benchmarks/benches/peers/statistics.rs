//! Medians and spreads.

use serde::Serialize;

/// The median of some samples, and a range around it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Summary {
    /// The lower end of the range.
    pub low: f64,
    /// The median.
    pub median: f64,
    /// The upper end of the range.
    pub high: f64,
}

impl Summary {
    /// The summary of at least one sample; the range contains half of the samples.
    pub fn of(samples: impl IntoIterator<Item = f64>) -> Summary {
        Summary::around(sorted(samples), 0.25)
    }

    /// The summary of at least one sample; the range is the 95 % confidence interval of the median.
    pub fn of_median(samples: impl IntoIterator<Item = f64>) -> Summary {
        let sorted = sorted(samples);
        // A sample lies below the true median with probability 1/2: of n samples, about n / 2 ± 1.96 √n / 2 do.
        let part = 0.98 / (sorted.len() as f64).sqrt();
        Summary::around(sorted, part.min(0.5))
    }

    fn around(sorted: Vec<f64>, part: f64) -> Summary {
        let [low, median, high] = [0.5 - part, 0.5, 0.5 + part].map(|part| quantile(&sorted, part));
        Summary { low, median, high }
    }

    /// The length of the range, as a fraction of the median.
    pub fn spread(self) -> f64 {
        (self.high - self.low) / self.median
    }
}

fn sorted(samples: impl IntoIterator<Item = f64>) -> Vec<f64> {
    // NaN stands for a round without a sample.
    let mut samples: Vec<f64> = samples.into_iter().filter(|sample| !sample.is_nan()).collect();
    samples.sort_by(f64::total_cmp);
    samples
}

/// A quantile, interpolated linearly between two samples.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let position = part * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    below + (above - below) * position.fract()
}
