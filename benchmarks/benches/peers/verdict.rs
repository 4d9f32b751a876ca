//! Whether selvedge meets a bar.

use crate::measure::Figure;
use crate::row::{BUILDS, Bar, Kind, Unit};
use crate::statistics::Summary;
use serde::Serialize;
use std::fmt;

/// One of selvedge's builds against one bar.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// The build.
    pub build: Kind,
    /// The bar.
    pub bar: Bar,
    /// The rival: of [`Unit::Best`], the name of the best peer.
    pub rival: Option<&'static str>,
    /// The median over the rounds of the multiple of the rival; `None` if one of the two has no figure.
    pub reached: Option<f64>,
    /// More rounds might change the verdict: the 95 % confidence interval of the median contains the bar.
    pub is_close: bool,
}

impl Verdict {
    /// The multiple of the bar.
    pub fn of_bar(&self) -> Option<f64> {
        self.reached.map(|reached| reached / self.bar.at_most)
    }

    /// Whether the figure, as it is shown, meets the bar; false if there is none.
    pub fn is_met(&self) -> bool {
        let shown = 10_f64.powi(self.decimals() as i32);
        self.reached
            .is_some_and(|reached| (reached * shown).round() / shown <= self.bar.at_most)
    }

    fn decimals(&self) -> usize {
        match self.bar.of {
            Unit::Nanosecond => 0,
            _ if self.bar.at_most < 0.1 => 4,
            _ => 2,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(reached) = self.reached else {
            return f.write_str("no figure");
        };
        let verdict = if self.is_met() { "met" } else { "**missed**" };
        let unit = if let Unit::Nanosecond = self.bar.of { " ns" } else { "" };
        write!(f, "{reached:.*}{unit} {verdict}", self.decimals())?;
        if self.is_close { f.write_str(", close") } else { Ok(()) }
    }
}

/// Both builds against `bar`; no verdict on a build that does not take part.
pub fn judge(bar: Bar, figures: &[Figure]) -> Vec<Verdict> {
    let judge_one = |(index, &build)| {
        let ours: &Figure = figures.iter().find(|figure| figure.kind == build)?;
        let rival = rival(bar.of, index, figures);
        let has_figure = ours.result.is_ok() && (rival.is_some() || matches!(bar.of, Unit::Nanosecond));
        let against = |round: usize| match bar.of {
            Unit::BesideBusy => beside_busy(rival, figures),
            _ => rival.map_or(1.0, |rival| rival.samples[round]),
        };
        let each = has_figure.then(|| {
            let each = ours.samples.iter().enumerate();
            Summary::of_median(each.map(|(round, ours)| ours / against(round)))
        });
        let is_close = each.is_some_and(|Summary { low, high, .. }| (low..high).contains(&bar.at_most));
        let reached = each.map(|each| each.median);
        Some(Verdict {
            build,
            bar,
            rival: rival.map(|rival| rival.name),
            reached,
            is_close,
        })
    };
    BUILDS.iter().enumerate().filter_map(judge_one).collect()
}

/// The rival of the build at this index: a peer that has a figure, if there is one.
fn rival(unit: Unit, build: usize, figures: &[Figure]) -> Option<&Figure> {
    let peers = figures
        .iter()
        .filter(|figure| figure.kind == Kind::Peer && figure.result.is_ok());
    let wanted = |figure: &&Figure| match unit {
        Unit::Best | Unit::BesideBusy => true,
        Unit::Peer(names) => names[build] == figure.name,
        Unit::Nanosecond => false,
    };
    peers.filter(wanted).min_by(|a, b| median(a).total_cmp(&median(b)))
}

/// The limit of [`Unit::BesideBusy`], in nanoseconds.
fn beside_busy(best: Option<&Figure>, figures: &[Figure]) -> f64 {
    let best = best.map_or(f64::INFINITY, median);
    let reference = figures
        .iter()
        .find(|figure| figure.kind == Kind::Reference)
        .map_or(best, median);
    (1.5 * best.max(reference)).min(3.0 * best).min(1e6)
}

fn median(figure: &Figure) -> f64 {
    figure.result.map_or(f64::INFINITY, |summary| summary.median)
}
