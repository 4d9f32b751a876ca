//! Medians and spread.

use serde::Serialize;

/// The middle of some samples, and a range around it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Summary {
    /// The range begins here.
    pub low: f64,
    /// Half of the samples are below.
    pub median: f64,
    /// The range ends here.
    pub high: f64,
}

impl Summary {
    /// Of at least one sample; half of them are in the range.
    pub fn of(samples: impl IntoIterator<Item = f64>) -> Summary {
        Summary::around(sorted(samples), 0.25)
    }

    /// Of at least one sample; the range is where the median of many more would lie, with 95 % confidence.
    pub fn of_median(samples: impl IntoIterator<Item = f64>) -> Summary {
        let sorted = sorted(samples);
        // Each lies below that median with even odds: how many of n do is about n / 2 ± 1.96 √n / 2.
        let part = 0.98 / (sorted.len() as f64).sqrt();
        Summary::around(sorted, part.min(0.5))
    }

    fn around(sorted: Vec<f64>, part: f64) -> Summary {
        let [low, median, high] = [0.5 - part, 0.5, 0.5 + part].map(|part| quantile(&sorted, part));
        Summary { low, median, high }
    }

    /// How long the range is, as a part of the median.
    pub fn spread(self) -> f64 {
        (self.high - self.low) / self.median
    }
}

fn sorted(samples: impl IntoIterator<Item = f64>) -> Vec<f64> {
    // Not a number: a round in which this was not measured.
    let mut samples: Vec<f64> = samples.into_iter().filter(|sample| !sample.is_nan()).collect();
    samples.sort_by(f64::total_cmp);
    samples
}

/// Between two samples, a straight line.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}
